"""Lesson 20: a denoiser that is told words, built from nothing and put in the place of part A's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons.workbench.denoisers import Denoiser, NoiseEstimate, squared_cosine_alphas_cumprod
from lessons.workbench.training.text_block import TextBlock
from solutions.unet import FCBlock

__all__ = ["OwnDenoiser", "PromptEncoder", "TextConditionalUNet", "text_ddpm_loss", "tokenize"]


def tokenize(prompts: Sequence[str], vocabulary: Mapping[str, int], length: int = 12) -> Tensor:
    """Write prompts as rows of numbers, one for each word.

    Args:
        prompts: n of them. Words are separated by blanks; capital letters don't count.
        vocabulary: the number of each word, from 1 on.
        length: how many numbers a row has.

    Returns:
        (n, length) int64: the numbers of the prompt's words in their order, then zeros. Words that
        the vocabulary doesn't have are left out, and so is what goes beyond `length`.
    """
    ### BEGIN SOLUTION
    tokens = torch.zeros(len(prompts), length, dtype=torch.int64)
    for row, prompt in enumerate(prompts):
        words = prompt.lower().split()
        known = [vocabulary[word] for word in words if word in vocabulary][:length]
        tokens[row, : len(known)] = torch.tensor(known, dtype=torch.int64)
    return tokens
    ### END SOLUTION


class PromptEncoder(nn.Module):
    """One vector for each prompt: the mean of its words' vectors.

    They are one learned table, (num_words + 1, num_features): row w is word w's, row 0 no word's.

    Args:
        num_words: how many words there are; their numbers are 1 to num_words.
        num_features: F, the numbers in a word's vector.
    """

    def __init__(self, num_words: int, num_features: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.words = nn.Embedding(num_words + 1, num_features, padding_idx=0)
        ### END SOLUTION

    def forward(self, tokens: Tensor) -> Tensor:
        """The means of the words' vectors.

        Args:
            tokens: (B, L) int64, as `tokenize` gives them; 0 stands for no word.

        Returns:
            (B, num_features); zeros for a prompt without any word.
        """
        ### BEGIN SOLUTION
        is_word = (tokens > 0).float()[:, :, None]
        total = (self.words(tokens) * is_word).sum(dim=1)
        return total / is_word.sum(dim=1).clamp(min=1)
        ### END SOLUTION


class TextConditionalUNet(nn.Module):
    """A U-Net that is told the time and a prompt, and guesses the clean picture.

    Args:
        num_words: of the vocabulary.
        num_hiddens: D, the channels at the largest size; what is told has 4 D numbers.
    """

    def __init__(self, num_words: int, num_hiddens: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        D, told = num_hiddens, 4 * num_hiddens
        self.time = FCBlock(1, told)
        self.prompt = PromptEncoder(num_words, told)
        self.enter = TextBlock(48, D, told)
        self.down1 = TextBlock(D, 2 * D, told, "down")
        self.down2 = TextBlock(2 * D, 4 * D, told, "down")
        self.unflatten = nn.ConvTranspose2d(told, 4 * D, kernel_size=4)
        self.middle = TextBlock(8 * D, 4 * D, told)
        self.up1 = TextBlock(8 * D, 2 * D, told, "up")
        self.up2 = TextBlock(4 * D, D, told, "up")
        self.leave = TextBlock(2 * D, D, told)
        self.last = nn.Conv2d(D, 48, kernel_size=3, padding=1)
        ### END SOLUTION

    def forward(self, x_t: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
        """Guess the clean pictures.

        Args:
            x_t: (B, 3, 64, 64), noisy pictures.
            t: (B,), each picture's time, from 0 (clean) to 1 (noise).
            tokens: (B, L) int64, each picture's prompt; a row of zeros is the empty prompt.

        Returns:
            Like `x_t`.
        """
        ### BEGIN SOLUTION
        told = self.time(t.view(-1, 1)) + self.prompt(tokens)
        at_16 = self.enter(F.pixel_unshuffle(x_t, 4), told)
        at_8 = self.down1(at_16, told)
        at_4 = self.down2(at_8, told)
        imagined = self.unflatten(told[:, :, None, None])
        middle = self.middle(torch.cat([imagined, at_4], dim=1), told)
        up_to_8 = self.up1(torch.cat([middle, at_4], dim=1), told)
        up_to_16 = self.up2(torch.cat([up_to_8, at_8], dim=1), told)
        left = self.leave(torch.cat([up_to_16, at_16], dim=1), told)
        return F.pixel_shuffle(self.last(left), 4)
        ### END SOLUTION


def text_ddpm_loss(
    model: nn.Module,
    pictures: Tensor,
    tokens: Tensor,
    alphas_cumprod: Tensor,
    p_uncond: float = 0.1,
) -> Tensor:
    """How far the guesses of a model that is told a prompt are from the clean pictures.

    Args:
        model: `model(x_t, t / T, tokens)` guesses the clean picture in x_t.
        pictures: (B, C, H, W), clean pictures: x_0.
        tokens: (B, L) int64, their prompts.
        alphas_cumprod: (T,), abar_t for t = 0 (nearly clean) to T - 1 (noise).
        p_uncond: the probability with which a picture's whole prompt becomes zeros.

    Returns:
        A scalar with a gradient: the mean squared error of the guess over all pixels.
    """
    ### BEGIN SOLUTION
    num_timesteps = len(alphas_cumprod)
    t = torch.randint(num_timesteps, (len(pictures),), device=pictures.device)
    abar = alphas_cumprod.to(pictures.device)[t].view(-1, 1, 1, 1)
    x_t = abar.sqrt() * pictures + (1 - abar).sqrt() * torch.randn_like(pictures)
    keep = torch.rand(len(tokens), device=tokens.device) >= p_uncond
    guess = model(x_t, t / num_timesteps, tokens * keep[:, None])
    return F.mse_loss(guess, pictures)
    ### END SOLUTION


class OwnDenoiser(Denoiser):
    """A model that guesses clean pictures, behind the interface of part A.

    Args:
        model: `model(x_t, t / 1000, tokens)` guesses the clean picture in x_t. It takes B pictures,
            B times and B rows of tokens.
        vocabulary: the number of each word.
    """

    name = "own"

    def __init__(self, model: nn.Module, vocabulary: Mapping[str, int]) -> None:
        self.model, self.vocabulary = model.eval(), vocabulary
        self.alphas_cumprod = squared_cosine_alphas_cumprod()
        self.device = next(model.parameters()).device
        self.dtype = torch.float32

    def embed(self, prompt: str | Sequence[str]) -> Tensor:
        """Turn one prompt or n of them into (n, 12) int64 tokens; "" is a row of zeros."""
        ### BEGIN SOLUTION
        prompts = [prompt] if isinstance(prompt, str) else prompt
        return tokenize(prompts, self.vocabulary).to(self.device)
        ### END SOLUTION

    @torch.no_grad()
    def __call__(self, x_t: Tensor, t: int | Tensor, prompt_embeds: Tensor) -> NoiseEstimate:
        """Estimate the noise in x_t: what is left of it without the guessed picture.

        Args:
            x_t: (B, 3, 64, 64), noisy pictures: sqrt(abar_t) x_0 + sqrt(1 - abar_t) noise.
            t: the timestep, from 0 (nearly clean) to 999 (noise); one for all pictures.
            prompt_embeds: (B, 12) or (1, 12), of `embed`.

        Returns:
            NoiseEstimate(noise, variance): the noise, like x_t, and a variance of -1 everywhere:
            each step's smallest.
        """
        ### BEGIN SOLUTION
        abar = self.alphas_cumprod[int(t)].to(x_t.device)
        time = torch.full((len(x_t),), int(t) / 1000, device=x_t.device)
        guess = self.model(x_t, time, prompt_embeds.expand(len(x_t), -1))
        noise = (x_t - abar.sqrt() * guess) / (1 - abar).sqrt()
        return NoiseEstimate(noise, torch.full_like(noise, -1.0))
        ### END SOLUTION

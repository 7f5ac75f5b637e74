"""Lesson 20: other right answers, in other styles; each must pass."""

from __future__ import annotations

from itertools import zip_longest
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from checkers.your_own_words.exercises import (
    OWN_DENOISER,
    PROMPT_ENCODER,
    TEXT_CONDITIONAL_UNET,
    TEXT_DDPM_LOSS,
    TOKENIZE,
)
from lessons.workbench.denoisers import Denoiser, NoiseEstimate, squared_cosine_alphas_cumprod
from lessons.workbench.training.text_block import TextBlock
from solutions.one_step_denoising import predict_original
from solutions.unet import FCBlock

# --- tokenize -------------------------------------------------------------------------------------


@TOKENIZE.right_answer
def with_lists(prompts, vocabulary, length=12):
    rows = []
    for prompt in prompts:
        row = [vocabulary[w] for w in prompt.lower().split() if w in vocabulary]
        rows.append((row + [0] * length)[:length])
    return torch.tensor(rows)


@TOKENIZE.right_answer
def word_by_word(texts, words, n=12):
    result = torch.zeros((len(texts), n)).long()
    for i in range(len(texts)):
        k = 0
        for word in texts[i].split():
            number = words.get(word.lower())
            if number is not None and k < n:
                result[i, k] = number
                k += 1
    return result


@TOKENIZE.right_answer
def column_by_column(prompts, vocabulary, length=12):
    rows = [filter(None, map(vocabulary.get, text.casefold().split())) for text in prompts]
    columns = [*zip_longest(*rows, range(length), fillvalue=0)][:length]
    return torch.tensor(columns).T[:-1]


@TOKENIZE.right_answer
def padded_by_torch(prompts, vocabulary, length=12):
    rows = [torch.zeros(length, dtype=torch.int64)]
    for prompt in prompts:
        known = [vocabulary[word] for word in prompt.lower().split(" ") if word in vocabulary]
        rows.append(torch.tensor(known, dtype=torch.int64)[:length])
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)[1:]


# --- PromptEncoder --------------------------------------------------------------------------------


@PROMPT_ENCODER.right_answer
class TrustsItsPadding(nn.Module):
    """The padding's vector stays zeros, so the sum needs no mask."""

    def __init__(self, n, d):
        super().__init__()
        self.table = nn.Embedding(n + 1, d, padding_idx=0)

    def forward(self, x):
        count = torch.count_nonzero(x, dim=1).clamp(min=1)
        return self.table(x).sum(1) / count.unsqueeze(1)


@PROMPT_ENCODER.right_answer
class MaskedParameter(nn.Module):
    """A table of its own, looked up by index."""

    def __init__(self, num_words, num_features):
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(num_words + 1, num_features))

    def forward(self, tokens):
        mask = (tokens != 0).unsqueeze(-1)
        vectors = torch.where(mask, self.vectors[tokens], torch.zeros(()))
        return torch.einsum("blf,b->bf", vectors, 1 / mask.sum((1, 2)).clamp(min=1))


@PROMPT_ENCODER.right_answer
class KeepsItsPadding(nn.Module):
    """The padding's vector is made zeros before each use."""

    def __init__(self, n, d):
        super().__init__()
        self.table = nn.Embedding(n + 1, d)

    def forward(self, tokens):
        with torch.no_grad():
            self.table.weight[0].zero_()
        return self.table(tokens).sum(1) / (tokens > 0).sum(1, keepdim=True).clamp(min=1)


@PROMPT_ENCODER.right_answer
class PromptByPrompt(nn.Module):
    """A loop over the batch; a prompt without words is left out of it."""

    def __init__(self, n, d):
        super().__init__()
        self.table, self.d = nn.Embedding(n + 1, d), d

    def forward(self, tokens):
        rows = [row[row > 0] for row in tokens]
        means = [self.table(row).mean(0) if len(row) else torch.zeros(self.d) for row in rows]
        return torch.stack(means)


# --- TextConditionalUNet --------------------------------------------------------------------------


class MeanOfWords(nn.Module):
    """The encoder again, by EmbeddingBag."""

    def __init__(self, n, d):
        super().__init__()
        self.bag = nn.EmbeddingBag(n + 1, d, mode="mean", padding_idx=0)

    def forward(self, tokens):
        return self.bag(tokens)


class OtherOrder(nn.Module):
    """Layers in lists, other names, skips first; pixels folded by modules."""

    def __init__(self, vocabulary_size, width):
        super().__init__()
        n = 4 * width
        self.words = MeanOfWords(vocabulary_size, n)
        self.clock = FCBlock(1, n)
        self.fold, self.unfold = nn.PixelUnshuffle(4), nn.PixelShuffle(4)
        self.down = nn.ModuleList([
            TextBlock(48, width, n), TextBlock(width, 2 * width, n, "down"),
            TextBlock(2 * width, 4 * width, n, "down"),
        ])  # fmt: skip
        self.seen = nn.ConvTranspose2d(n, 4 * width, 4)
        self.up = nn.ModuleList([
            TextBlock(8 * width, 4 * width, n), TextBlock(8 * width, 2 * width, n, "up"),
            TextBlock(4 * width, width, n, "up"), TextBlock(2 * width, width, n),
        ])  # fmt: skip
        self.out = nn.Conv2d(width, 48, 3, 1, 1)

    def forward(self, x, t, tokens):
        told = self.words(tokens) + self.clock(t[:, None])
        x, skips = self.fold(x), []
        for block in self.down:
            x = block(x, told)
            skips.append(x)
        x = self.up[0](torch.cat([skips[2], self.seen(told.reshape(*told.shape, 1, 1))], 1), told)
        for block, skip in zip(self.up[1:], skips[::-1], strict=True):
            x = block(torch.cat([skip, x], 1), told)
        return self.unfold(self.out(x))


@TEXT_CONDITIONAL_UNET.right_answer
class InheritsAll(OtherOrder):
    """Nothing but another name."""


class ClockOfItsOwn(nn.Module):
    """An FCBlock of parameters, with the other form of GELU."""

    def __init__(self, n):
        super().__init__()
        self.w1, self.b1 = nn.Parameter(torch.randn(1, n)), nn.Parameter(torch.zeros(n))
        self.w2, self.b2 = nn.Parameter(torch.randn(n, n) / n**0.5), nn.Parameter(torch.zeros(n))

    def forward(self, t):
        return F.gelu(t @ self.w1 + self.b1, approximate="tanh") @ self.w2 + self.b2


@TEXT_CONDITIONAL_UNET.right_answer
class OtherClock(OtherOrder):
    """All else as above."""

    def __init__(self, num_words, num_hiddens):
        super().__init__(num_words, num_hiddens)
        self.clock = ClockOfItsOwn(4 * num_hiddens)


@TEXT_CONDITIONAL_UNET.right_answer
def unet_from_a_function(num_words, num_hiddens):
    return OtherOrder(num_words, num_hiddens)


# --- text_ddpm_loss -------------------------------------------------------------------------------


@TEXT_DDPM_LOSS.right_answer
def loss_in_one(net, x0, words, abar, p=0.1):
    B, T = len(x0), len(abar)
    words = words.clone()
    words[torch.rand(B) < p] = 0
    t = torch.randint(0, T, (B,))
    a = abar[t][:, None, None, None]
    x = a**0.5 * x0 + (1 - a) ** 0.5 * torch.randn(x0.shape)
    return (net(x, t.float()[:, None] / T, words) - x0).pow(2).mean()


@TEXT_DDPM_LOSS.right_answer
def loss_with_bernoulli(model, pictures, tokens, alphas_cumprod, p_uncond=0.1):
    noise = torch.empty_like(pictures).normal_()
    t = torch.from_numpy(np.random.randint(len(alphas_cumprod), size=len(pictures)))
    root = alphas_cumprod.sqrt()[t].reshape(-1, 1, 1, 1)
    x_t = root * pictures + (1 - root**2).sqrt() * noise
    dropped = torch.bernoulli(torch.full((len(pictures), 1), p_uncond)).bool()
    told = torch.where(dropped, torch.zeros_like(tokens), tokens)
    return F.mse_loss(pictures, model(x_t, t / len(alphas_cumprod), told))


@TEXT_DDPM_LOSS.right_answer
def loss_in_another_order(model, pictures, tokens, alphas_cumprod, p_uncond=0.1):
    order = torch.randperm(len(pictures))
    pictures, tokens = pictures[order], tokens[order]
    T = len(alphas_cumprod)
    t = torch.randint(T, (len(pictures),))
    abar = alphas_cumprod[t].view(-1, 1, 1, 1)
    x_t = abar.sqrt() * pictures + (1 - abar).sqrt() * torch.randn_like(pictures)
    told = tokens.masked_fill(torch.rand(len(tokens), 1) < p_uncond, 0)
    return F.mse_loss(model(x_t, t / T, told), pictures)


# --- OwnDenoiser ----------------------------------------------------------------------------------


class Mine(Denoiser):
    """What both have: embed, with rows as lists."""

    name = "mine"

    def __init__(self, model, vocabulary):
        self.model, self.vocabulary = model, vocabulary
        self.alphas_cumprod = squared_cosine_alphas_cumprod()
        self.device, self.dtype = torch.device("cpu"), torch.float32

    def embed(self, prompt):
        if isinstance(prompt, str):
            prompt = [prompt]
        rows = [[self.vocabulary[w] for w in p.lower().split() if w in self.vocabulary]
                for p in prompt]  # fmt: skip
        return torch.tensor([(row + [0] * 12)[:12] for row in rows])


@OWN_DENOISER.right_answer
class ByWayOfLesson3(Mine):
    """The noise for which lesson 03's formula gives the guess."""

    def __call__(self, x_t, t, prompt_embeds):
        n = x_t.shape[0]
        with torch.no_grad():
            times = torch.tensor([float(t)] * n) / 1000
            tokens = prompt_embeds if len(prompt_embeds) == n else prompt_embeds.repeat(n, 1)
            guess = self.model(x_t, times, tokens)
        none, slope = (
            predict_original(x_t, int(t), torch.full_like(x_t, value), self.alphas_cumprod)
            for value in (0.0, 1.0)
        )
        noise = (guess - none) / (slope - none)
        return NoiseEstimate(noise, -torch.ones_like(noise))


@OWN_DENOISER.right_answer
class FieldsAndFloats(Mine):
    """Plain numbers, and fields of its own."""

    def __call__(self, x, t, tokens):
        a = float(self.alphas_cumprod[t])
        with torch.no_grad():
            guess = self.model(x, torch.ones(len(x)) * (int(t) / 1000), tokens.expand(len(x), 12))
        noise = x / (1 - a) ** 0.5 - (a / (1 - a)) ** 0.5 * guess
        return SimpleNamespace(variance=0 * noise - 1, noise=noise)


@OWN_DENOISER.right_answer
class OneByOne(Mine):
    """Each picture on its own, and a variance of the size that the text names."""

    @torch.no_grad()
    def __call__(self, x_t, t, prompt_embeds):
        B, abar = len(x_t), self.alphas_cumprod[int(t)]
        times, told = torch.tensor([int(t) / 1000]), prompt_embeds.expand(B, 12)
        guesses = [self.model(x_t[i : i + 1], times, told[i : i + 1]) for i in range(B)]
        noise = torch.rsqrt(1 - abar) * (x_t - torch.sqrt(abar) * torch.cat(guesses))
        return NoiseEstimate(noise, -torch.ones(B, 3, 64, 64))

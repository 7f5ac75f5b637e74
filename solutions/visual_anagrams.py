"""Lesson 09: one picture that shows one thing upright and another upside down."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lessons.workbench.denoisers import Denoiser
from solutions.classifier_free_guidance import guide
from solutions.iterative_denoising import posterior_mean
from solutions.one_step_denoising import predict_original

__all__ = ["anagram_noise", "make_flip_illusion"]


def anagram_noise(
    denoiser: Denoiser,
    x_t: Tensor,
    t: int,
    prompt_pair_embeds: Sequence[Tensor],
    uncond_prompt_embeds: Tensor,
    scale: float = 7,
) -> tuple[Tensor, Tensor]:
    """Estimate the noise for two readings of one picture (Geng et al. 2023, section 3.2).

    The picture is read as it is with the first prompt, and upside down with the second. Upside
    down means that the rows stand in reversed order; nothing changes places from left to right.

    Args:
        denoiser: `denoiser(x, t, prompt_embeds)` has the fields `noise` and `variance`.
        x_t: (B, 3, H, W), the noisy pictures.
        t: their timestep.
        prompt_pair_embeds: two tensors, each (B, ...) or (1, ...), from `denoiser.embed`: the
            upright prompt and the upside-down one.
        uncond_prompt_embeds: (B, ...) or (1, ...), the embedding of the empty prompt "".
        scale: gamma, how strongly the prompts count; guidance acts in each view on its own.

    Returns:
        Two tensors like `x_t`: the mean of both guided estimates of the noise, the second one
        turned back upright; and the `variance` of a prompt's estimate: that of the upright view,
        or that of the second view, turned back upright as well (or the mean of both).
    """
    ### BEGIN SOLUTION
    batch = len(x_t)
    uncond = uncond_prompt_embeds.expand(batch, *uncond_prompt_embeds.shape[1:])

    def look(picture: Tensor, prompt_embeds: Tensor) -> tuple[Tensor, Tensor]:
        cond = prompt_embeds.expand(batch, *prompt_embeds.shape[1:])
        estimate = denoiser(torch.cat([picture, picture]), t, torch.cat([uncond, cond]))
        noise_uncond, noise_cond = estimate.noise.chunk(2)
        return guide(noise_uncond, noise_cond, scale), estimate.variance.chunk(2)[1]

    upright, upside_down = prompt_pair_embeds
    noise_1, variance = look(x_t, upright)
    noise_2, _ = look(x_t.flip(-2), upside_down)
    return (noise_1 + noise_2.flip(-2)) / 2, variance
    ### END SOLUTION


def make_flip_illusion(
    denoiser: Denoiser,
    im_noisy: Tensor,
    i_start: int,
    prompt_pair_embeds: Sequence[Tensor],
    uncond_prompt_embeds: Tensor,
    timesteps: Sequence[int],
    scale: float = 7,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Denoise step by step as `iterative_denoise_cfg` does, with the noise of `anagram_noise`.

    Args:
        denoiser: see `iterative_denoise`.
        im_noisy: (B, 3, H, W), the pictures at timestep timesteps[i_start].
        i_start: the place in `timesteps` to start from.
        prompt_pair_embeds: two tensors, each (B, ...) or (1, ...): the upright prompt and the
            upside-down one.
        uncond_prompt_embeds: (B, ...) or (1, ...), the embedding of the empty prompt "".
        timesteps: falling timesteps.
        scale: gamma, how strongly the prompts count.
        generator: draws the noise, for `denoiser.add_variance`.

    Returns:
        Like `im_noisy` in shape, dtype and device: the pictures at timestep timesteps[-1].
    """
    ### BEGIN SOLUTION
    x_t = im_noisy
    for i in range(i_start, len(timesteps) - 1):
        t, t_prev = timesteps[i], timesteps[i + 1]
        noise, variance = anagram_noise(
            denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale
        )
        x_0 = predict_original(x_t, t, noise, denoiser.alphas_cumprod)
        mean = posterior_mean(x_t, x_0, t, t_prev, denoiser.alphas_cumprod)
        x_t = denoiser.add_variance(mean, variance, t, t_prev, generator)
    return x_t
    ### END SOLUTION

"""Lesson 04: from noise to a picture in many small steps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lessons.workbench.denoisers import Denoiser
from solutions.one_step_denoising import predict_original

__all__ = ["iterative_denoise", "posterior_mean", "strided_timesteps"]


def strided_timesteps(start: int, stride: int) -> list[int]:
    """List the timesteps that a sampler visits, from the noisiest to the clean picture.

    Args:
        start: the first timestep, a multiple of `stride`.
        stride: how far each step goes, at least 1.

    Returns:
        start, start - stride, start - 2 stride, ..., 0, all of them whole numbers.
    """
    ### BEGIN SOLUTION
    return list(range(start, -1, -stride))
    ### END SOLUTION


def posterior_mean(x_t: Tensor, x_0: Tensor, t: int, t_prev: int, alphas_cumprod: Tensor) -> Tensor:
    """Average the pictures that x_t may have come from (DDPM, Ho et al. 2020, equation 7).

    The equation is for neighbouring timesteps; with alpha = abar_t / abar_t_prev in place of
    alpha_t it holds for any two.

    Args:
        x_t: (B, 3, H, W), the noisy pictures.
        x_0: like `x_t`, the estimate of the clean pictures.
        t: the timestep of `x_t`.
        t_prev: the timestep to go to, less noisy: 0 <= t_prev < t.
        alphas_cumprod: (T,), the schedule: entry t is abar_t.

    Returns:
        Like `x_t` in shape, dtype and device: the mean of x_t_prev, given x_t and x_0. No noise
        is added and nothing is clamped.
    """
    ### BEGIN SOLUTION
    abar_t, abar_prev = alphas_cumprod[t], alphas_cumprod[t_prev]
    alpha = abar_t / abar_prev
    beta = 1 - alpha
    weight_x_0 = abar_prev.sqrt() * beta / (1 - abar_t)
    weight_x_t = alpha.sqrt() * (1 - abar_prev) / (1 - abar_t)
    return weight_x_0 * x_0 + weight_x_t * x_t
    ### END SOLUTION


def iterative_denoise(
    denoiser: Denoiser,
    im_noisy: Tensor,
    i_start: int,
    prompt_embeds: Tensor,
    timesteps: Sequence[int],
    generator: torch.Generator | None = None,
) -> Tensor:
    """Denoise step by step, from timesteps[i_start] to the end of the list.

    Each step draws x_t_prev given x_t and the estimate of x_0 (DDPM, Ho et al. 2020, section 2).

    Args:
        denoiser: estimates the noise: `denoiser(x_t, t, prompt_embeds)` has the fields `noise`
            and `variance`; `denoiser.alphas_cumprod` is its schedule.
        im_noisy: (B, 3, H, W), the pictures at timestep timesteps[i_start].
        i_start: the place in `timesteps` to start from.
        prompt_embeds: (B, ...) or (1, ...), from `denoiser.embed`.
        timesteps: falling timesteps, from `strided_timesteps` or a part of such a list.
        generator: draws the noise, for `denoiser.add_variance`.

    Returns:
        Like `im_noisy` in shape, dtype and device: the pictures at timestep timesteps[-1].
    """
    ### BEGIN SOLUTION
    x_t = im_noisy
    for i in range(i_start, len(timesteps) - 1):
        t, t_prev = timesteps[i], timesteps[i + 1]
        estimate = denoiser(x_t, t, prompt_embeds)
        x_0 = predict_original(x_t, t, estimate.noise, denoiser.alphas_cumprod)
        mean = posterior_mean(x_t, x_0, t, t_prev, denoiser.alphas_cumprod)
        x_t = denoiser.add_variance(mean, estimate.variance, t, t_prev, generator)
    return x_t
    ### END SOLUTION

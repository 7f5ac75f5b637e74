"""Lesson 06: classifier-free guidance, which makes a picture look more like its prompt."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lessons.workbench.denoisers import Denoiser
from solutions.iterative_denoising import posterior_mean
from solutions.one_step_denoising import predict_original

__all__ = ["guide", "iterative_denoise_cfg"]


def guide(noise_uncond: Tensor, noise_cond: Tensor, scale: float) -> Tensor:
    """Go from the unconditional estimate towards the conditional one, and beyond.

    This is classifier-free guidance (Ho & Salimans 2022, equation 6) with scale = 1 + w.

    Args:
        noise_uncond: (B, 3, H, W), the estimate of the noise without a prompt.
        noise_cond: like `noise_uncond`, the estimate with the prompt.
        scale: gamma; 0 gives back `noise_uncond`, 1 gives `noise_cond`.

    Returns:
        Like `noise_uncond` in shape, dtype and device.
    """
    ### BEGIN SOLUTION
    return noise_uncond + scale * (noise_cond - noise_uncond)
    ### END SOLUTION


def iterative_denoise_cfg(
    denoiser: Denoiser,
    im_noisy: Tensor,
    i_start: int,
    prompt_embeds: Tensor,
    uncond_prompt_embeds: Tensor,
    timesteps: Sequence[int],
    scale: float = 7,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Denoise step by step as `iterative_denoise` does, with guided estimates of the noise.

    Args:
        denoiser: see `iterative_denoise`.
        im_noisy: (B, 3, H, W), the pictures at timestep timesteps[i_start].
        i_start: the place in `timesteps` to start from.
        prompt_embeds: (B, ...) or (1, ...), from `denoiser.embed`.
        uncond_prompt_embeds: (B, ...) or (1, ...), the embedding of the empty prompt "".
        timesteps: falling timesteps.
        scale: gamma, how strongly the prompt counts.
        generator: draws the noise, for `denoiser.add_variance`.

    Returns:
        Like `im_noisy` in shape, dtype and device: the pictures at timestep timesteps[-1].
    """
    ### BEGIN SOLUTION
    batch = len(im_noisy)
    uncond = uncond_prompt_embeds.expand(batch, *uncond_prompt_embeds.shape[1:])
    cond = prompt_embeds.expand(batch, *prompt_embeds.shape[1:])
    both = torch.cat([uncond, cond])
    x_t = im_noisy
    for i in range(i_start, len(timesteps) - 1):
        t, t_prev = timesteps[i], timesteps[i + 1]
        estimate = denoiser(torch.cat([x_t, x_t]), t, both)
        noise_uncond, noise_cond = estimate.noise.chunk(2)
        _, variance = estimate.variance.chunk(2)
        noise = guide(noise_uncond, noise_cond, scale)
        x_0 = predict_original(x_t, t, noise, denoiser.alphas_cumprod)
        mean = posterior_mean(x_t, x_0, t, t_prev, denoiser.alphas_cumprod)
        x_t = denoiser.add_variance(mean, variance, t, t_prev, generator)
    return x_t
    ### END SOLUTION

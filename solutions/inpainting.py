"""Lesson 08: new content in one part of a picture, the rest kept."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lessons.workbench.denoisers import Denoiser
from solutions.classifier_free_guidance import iterative_denoise_cfg
from solutions.forward_noising import forward

__all__ = ["inpaint"]


def inpaint(
    denoiser: Denoiser,
    original: Tensor,
    mask: Tensor,
    prompt_embeds: Tensor,
    uncond_prompt_embeds: Tensor,
    timesteps: Sequence[int],
    scale: float = 7,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw new content where the mask is 1 and keep the picture where it is 0.

    Denoises from pure noise; after every step the known pixels are replaced by those of the
    original, noised to the timestep just reached (RePaint, Lugmayr et al. 2022, equation 8). To
    replace them before every step, noised to the timestep it begins at, is as good.

    Args:
        denoiser: see `iterative_denoise_cfg`; `denoiser.alphas_cumprod` is its schedule.
        original: (B, 3, H, W), clean pictures in [-1, 1].
        mask: (B, 1, H, W) or (1, 1, H, W), 1 where new content goes, 0 where the original stays.
        prompt_embeds: (B, ...) or (1, ...), from `denoiser.embed`.
        uncond_prompt_embeds: (B, ...) or (1, ...), the embedding of the empty prompt "".
        timesteps: falling timesteps, from nearly pure noise to 0.
        scale: gamma, how strongly the prompt counts.
        generator: draws all noise, which makes the result repeatable; the global generator if
            None. It draws on its own device: `generator.device`.

    Returns:
        Like `original` in shape, dtype and device: the pictures with their new part.
    """

    def draw() -> Tensor:
        drawn_on = original.device if generator is None else generator.device
        noise = torch.randn(original.shape, generator=generator, device=drawn_on)
        return noise.to(original.device, original.dtype)

    ### BEGIN SOLUTION
    x_t = draw()
    for i in range(len(timesteps) - 1):
        step = timesteps[i : i + 2]
        x_t = iterative_denoise_cfg(
            denoiser, x_t, 0, prompt_embeds, uncond_prompt_embeds, step, scale, generator
        )
        known = forward(original, step[1], denoiser.alphas_cumprod, draw())
        x_t = mask * x_t + (1 - mask) * known
    return x_t
    ### END SOLUTION

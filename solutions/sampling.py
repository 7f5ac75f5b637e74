"""Lesson 05: pictures from nothing but noise."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lessons.workbench.denoisers import Denoiser
from solutions.iterative_denoising import iterative_denoise

__all__ = ["sample"]


def sample(
    denoiser: Denoiser,
    n: int,
    prompt_embeds: Tensor,
    timesteps: Sequence[int],
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw n new pictures: start from pure noise and denoise (DDPM, Ho et al. 2020, algorithm 2).

    Args:
        denoiser: see `iterative_denoise`; `denoiser.device` and `denoiser.dtype` say where its
            pictures live and of which type they are.
        n: how many pictures.
        prompt_embeds: (n, ...) or (1, ...), from `denoiser.embed`.
        timesteps: falling timesteps, from nearly pure noise to 0.
        generator: draws all noise, which makes the result repeatable; the global generator if
            None. It draws on its own device: `generator.device`.

    Returns:
        (n, 3, 64, 64), in about [-1, 1]; nothing is clamped.
    """
    ### BEGIN SOLUTION
    drawn_on = denoiser.device if generator is None else generator.device
    noise = torch.randn(n, 3, 64, 64, generator=generator, device=drawn_on)
    x_t = noise.to(denoiser.device, denoiser.dtype)
    return iterative_denoise(denoiser, x_t, 0, prompt_embeds, timesteps, generator)
    ### END SOLUTION

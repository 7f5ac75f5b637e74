"""Lesson 07: a picture made from another picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lessons.workbench.denoisers import Denoiser
from solutions.classifier_free_guidance import iterative_denoise_cfg
from solutions.forward_noising import forward

__all__ = ["edit"]


def edit(
    denoiser: Denoiser,
    im: Tensor,
    i_start: int,
    prompt_embeds: Tensor,
    uncond_prompt_embeds: Tensor,
    timesteps: Sequence[int],
    scale: float = 7,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Noise pictures to timesteps[i_start] and denoise them again (SDEdit, Meng et al. 2021).

    Args:
        denoiser: see `iterative_denoise_cfg`; `denoiser.alphas_cumprod` is its schedule.
        im: (B, 3, H, W), clean pictures in [-1, 1].
        i_start: the place in `timesteps` to start from; the smaller, the more is made anew.
        prompt_embeds: (B, ...) or (1, ...), from `denoiser.embed`.
        uncond_prompt_embeds: (B, ...) or (1, ...), the embedding of the empty prompt "".
        timesteps: falling timesteps.
        scale: gamma, how strongly the prompt counts.
        generator: draws all noise, which makes the result repeatable; the global generator if
            None. It draws on its own device: `generator.device`.

    Returns:
        Like `im` in shape, dtype and device: the edited pictures.
    """
    drawn_on = im.device if generator is None else generator.device
    noise = torch.randn(im.shape, generator=generator, device=drawn_on).to(im.device, im.dtype)
    ### BEGIN SOLUTION
    im_noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, noise)
    return iterative_denoise_cfg(
        denoiser,
        im_noisy,
        i_start,
        prompt_embeds,
        uncond_prompt_embeds,
        timesteps,
        scale,
        generator,
    )
    ### END SOLUTION

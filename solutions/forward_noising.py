"""Lesson 01: the forward process, which turns a picture into noise."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["forward"]


def forward(
    im: Tensor, t: int | Tensor, alphas_cumprod: Tensor, noise: Tensor | None = None
) -> Tensor:
    """Noise a picture as it looks after t steps (DDPM, Ho et al. 2020, equation 4).

    Args:
        im: (B, 3, H, W) or (3, H, W), clean pictures x_0 in [-1, 1].
        t: the timestep, 0 (nearly clean) to len(alphas_cumprod) - 1 (nearly pure noise).
        alphas_cumprod: (T,), the schedule: entry t is abar_t, falling from about 1 to about 0.
        noise: like `im`, the noise to use; drawn from a standard normal distribution if None.

    Returns:
        Like `im` in shape, dtype and device: the noisy pictures x_t.
    """
    ### BEGIN SOLUTION
    if noise is None:
        noise = torch.randn_like(im)
    abar = alphas_cumprod[t].to(im.device, im.dtype)
    return abar.sqrt() * im + (1 - abar).sqrt() * noise
    ### END SOLUTION

"""Lesson 15: flow matching: straight lines from noise to digits."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["flow_loss", "flow_sample", "interpolate"]


def interpolate(x_0: Tensor, x_1: Tensor, t: Tensor) -> Tensor:
    """The point at time t on the straight line from noise to data (Lipman et al. 2022).

    Args:
        x_0: (B, C, H, W), noise, where the line starts at t = 0.
        x_1: like `x_0`, data, where it ends at t = 1.
        t: (B,), each picture's time, from 0 to 1.

    Returns:
        Like `x_0`: x_t = (1 - t) x_0 + t x_1.
    """
    ### BEGIN SOLUTION
    t = t.view(-1, 1, 1, 1)
    return (1 - t) * x_0 + t * x_1
    ### END SOLUTION


def flow_loss(model: nn.Module, images: Tensor) -> Tensor:
    """How far the predicted flow is from x_1 - x_0 (Lipman et al. 2022, arXiv 2210.02747, eq. 23).

    Args:
        model: `model(x_t, t)` predicts the flow at x_t; t has shape (B,).
        images: (B, C, H, W), clean pictures: x_1.

    Returns:
        A scalar with a gradient: the mean squared error over all pixels of the batch, each picture
        at a time of its own, drawn uniformly from 0 to 1, on the line from noise of its own.
    """
    ### BEGIN SOLUTION
    x_0 = torch.randn_like(images)
    t = torch.rand(len(images), device=images.device)
    return F.mse_loss(model(interpolate(x_0, images, t), t), images - x_0)
    ### END SOLUTION


@torch.no_grad()
def flow_sample(
    model: nn.Module, n: int, num_steps: int = 50, generator: torch.Generator | None = None
) -> Tensor:
    """Follow the flow from noise at t = 0 to pictures at t = 1 (Euler's method).

    Args:
        model: `model(x_t, t)` predicts the flow at x_t.
        n: how many pictures.
        num_steps: T, how many steps of length 1 / T are taken.
        generator: where the noise comes from, on the CPU; None for torch's own.

    Returns:
        (n, 1, 28, 28) on the model's device, clamped nowhere.
    """
    ### BEGIN SOLUTION
    device = next(model.parameters()).device
    x = torch.randn(n, 1, 28, 28, generator=generator).to(device)
    for step in range(num_steps):
        t = torch.full((n,), step / num_steps, device=device)
        x = x + model(x, t) / num_steps
    return x
    ### END SOLUTION

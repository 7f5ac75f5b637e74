"""Lesson 12: a denoiser for one strength of noise, and the loop that trains it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["add_noise", "denoising_loss", "train_epoch"]


def add_noise(x: Tensor, sigma: float, noise: Tensor | None = None) -> Tensor:
    """Add noise of strength sigma: z = x + sigma * noise.

    Args:
        x: (B, C, H, W), clean pictures in [0, 1].
        sigma: how strong the noise is, 0 or more: its standard deviation.
        noise: like `x`, the noise to use; drawn from a standard normal distribution if None.

    Returns:
        Like `x` in shape, dtype and device: the noisy pictures z, clamped nowhere.
    """
    ### BEGIN SOLUTION
    if noise is None:
        noise = torch.randn_like(x)
    return x + sigma * noise
    ### END SOLUTION


def denoising_loss(model: nn.Module, images: Tensor, sigma: float) -> Tensor:
    """How far the model is from the clean pictures when it gets noisy ones.

    Args:
        model: turns noisy pictures (B, C, H, W) into an estimate of the clean ones.
        images: (B, C, H, W), clean pictures in [0, 1].
        sigma: the strength of the noise, drawn afresh at every call.

    Returns:
        A scalar with a gradient: the mean of (model(z) - images)^2 over all pixels of the batch.
    """
    ### BEGIN SOLUTION
    return F.mse_loss(model(add_noise(images, sigma)), images)
    ### END SOLUTION


def train_epoch(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    optimizer: torch.optim.Optimizer,
    sigma: float,
    loss: Callable[[nn.Module, Tensor, float], Tensor] = denoising_loss,
) -> list[float]:
    """Train the model on every batch once.

    Args:
        model: what is trained, in place.
        loader: gives batches (images, labels); the labels aren't needed here.
        optimizer: moves the model's parameters.
        sigma: the strength of the noise.
        loss: `loss(model, images, sigma)` gives the scalar to be made smaller.

    Returns:
        The loss of every batch, in order, as plain numbers.
    """
    ### BEGIN SOLUTION
    model.train()
    device = next(model.parameters()).device
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        value = loss(model, images.to(device), sigma)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses
    ### END SOLUTION

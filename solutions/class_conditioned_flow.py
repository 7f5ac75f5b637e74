"""Lesson 16: digits on demand by flow matching, with guidance."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.class_conditioning import drop_classes
from solutions.flow_matching import interpolate

__all__ = ["class_flow_loss", "class_flow_sample"]


def class_flow_loss(
    model: nn.Module, images: Tensor, labels: Tensor, p_uncond: float = 0.1
) -> Tensor:
    """The loss of lesson 15, for a model that is told the class most of the time.

    Args:
        model: `model(x_t, t, c)` predicts the flow at x_t.
        images: (B, C, H, W), clean pictures: x_1.
        labels: (B,) int64, their classes.
        p_uncond: the probability with which a picture's class is dropped.

    Returns:
        A scalar with a gradient: the mean squared error of the predicted flow over all pixels.
    """
    ### BEGIN SOLUTION
    x_0 = torch.randn_like(images)
    t = torch.rand(len(images), device=images.device)
    predicted = model(interpolate(x_0, images, t), t, drop_classes(labels, p_uncond))
    return F.mse_loss(predicted, images - x_0)
    ### END SOLUTION


@torch.no_grad()
def class_flow_sample(
    model: nn.Module,
    labels: Tensor,
    num_steps: int = 50,
    guidance_scale: float = 5.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Follow the guided flow from noise to pictures of the classes asked for.

    Args:
        model: `model(x_t, t, c)` predicts the flow at x_t.
        labels: (n,) int64, the class of each picture.
        num_steps: T, how many steps of length 1 / T are taken.
        guidance_scale: gamma in flow_uncond + gamma (flow_cond - flow_uncond); 1 is no guidance.
        generator: where the noise comes from, on the CPU; None for torch's own.

    Returns:
        (n, 1, 28, 28) on the model's device, clamped nowhere.
    """
    ### BEGIN SOLUTION
    device = next(model.parameters()).device
    n = len(labels)
    one_hot = drop_classes(labels.to(device), p_uncond=0.0)
    both = torch.cat([one_hot, torch.zeros_like(one_hot)])
    x = torch.randn(n, 1, 28, 28, generator=generator).to(device)
    for step in range(num_steps):
        t = torch.full((2 * n,), step / num_steps, device=device)
        flow_cond, flow_uncond = model(torch.cat([x, x]), t, both).chunk(2)
        x = x + (flow_uncond + guidance_scale * (flow_cond - flow_uncond)) / num_steps
    return x
    ### END SOLUTION

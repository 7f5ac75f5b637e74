"""Lesson 19: digits in one step, by a flow that is trained on its own pairs (reflow)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.class_conditioning import drop_classes
from solutions.flow_matching import interpolate

__all__ = ["make_pairs", "one_step_sample", "reflow_loss", "straightness"]


def straightness(path: Tensor) -> Tensor:
    """How far a path's velocity is from that of its chord (Liu et al. 2022, arXiv 2209.03003).

    That is S of their section 2.2, an integral over time, as a mean over the T steps.

    Args:
        path: (T + 1, ...), the places at the times 0, 1/T, ... 1, of one point or of many.

    Returns:
        A scalar: the mean, over steps, points and pixels, of the squared difference between the
        velocity on a step and that of the straight line from the first place to the last one. 0 for
        straight paths that are gone along at an even pace, else positive.
    """
    ### BEGIN SOLUTION
    velocities = (path[1:] - path[:-1]) * (len(path) - 1)
    chord = path[-1] - path[0]
    return ((velocities - chord) ** 2).mean()
    ### END SOLUTION


@torch.no_grad()
def make_pairs(
    model: nn.Module,
    labels: Tensor,
    num_steps: int = 20,
    guidance_scale: float = 2.0,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw noise, and the pictures that the guided flow makes of it (Liu et al. 2022, algorithm 1).

    Args:
        model: `model(x_t, t, c)` predicts the flow at x_t.
        labels: (n,) int64, the class of each picture.
        num_steps: T, how many steps of length 1 / T are taken.
        guidance_scale: gamma in flow_uncond + gamma (flow_cond - flow_uncond); 1 is no guidance.
        generator: where the noise comes from, on the CPU; None for torch's own.

    Returns:
        Noise and pictures, both (n, 1, 28, 28) on the model's device: picture k is what the flow
        makes of noise k, clamped nowhere.
    """
    ### BEGIN SOLUTION
    device = next(model.parameters()).device
    n = len(labels)
    one_hot = drop_classes(labels.to(device), p_uncond=0.0)
    both = torch.cat([one_hot, torch.zeros_like(one_hot)])
    noise = torch.randn(n, 1, 28, 28, generator=generator).to(device)
    x = noise
    for step in range(num_steps):
        t = torch.full((2 * n,), step / num_steps, device=device)
        flow_cond, flow_uncond = model(torch.cat([x, x]), t, both).chunk(2)
        x = x + (flow_uncond + guidance_scale * (flow_cond - flow_uncond)) / num_steps
    return noise, x
    ### END SOLUTION


def reflow_loss(model: nn.Module, noise: Tensor, pictures: Tensor, labels: Tensor) -> Tensor:
    """The loss of lesson 16 on given pairs: no noise is drawn and no class dropped.

    It is equation 1 of Liu et al. 2022, for a model that is told the class.

    Args:
        model: `model(x_t, t, c)` predicts the flow at x_t.
        noise: (B, C, H, W), where each line starts: x_0.
        pictures: like `noise`, where it ends: x_1.
        labels: (B,) int64, the classes of the pictures.

    Returns:
        A scalar with a gradient: the mean squared error of the predicted flow over all pixels, each
        pair at a time of its own, drawn uniformly from 0 to 1.
    """
    ### BEGIN SOLUTION
    t = torch.rand(len(noise), device=noise.device)
    predicted = model(interpolate(noise, pictures, t), t, drop_classes(labels, p_uncond=0.0))
    return F.mse_loss(predicted, pictures - noise)
    ### END SOLUTION


@torch.no_grad()
def one_step_sample(
    model: nn.Module, labels: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Go from noise to pictures in a single step, with one call of the model and no guidance.

    Args:
        model: `model(x_t, t, c)` predicts the flow at x_t.
        labels: (n,) int64, the class of each picture.
        generator: where the noise comes from, on the CPU; None for torch's own.

    Returns:
        (n, 1, 28, 28) on the model's device, clamped nowhere.
    """
    ### BEGIN SOLUTION
    device = next(model.parameters()).device
    n = len(labels)
    noise = torch.randn(n, 1, 28, 28, generator=generator).to(device)
    one_hot = drop_classes(labels.to(device), p_uncond=0.0)
    return noise + model(noise, torch.zeros(n, device=device), one_hot)
    ### END SOLUTION

"""The way that a flow leads from given noise, place by place."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@torch.no_grad()
def flow_path(
    model: nn.Module,
    noise: Tensor,
    labels: Tensor,
    num_steps: int,
    guidance_scale: float = 1.0,
    num_classes: int = 10,
) -> Tensor:
    """Follow a class-conditioned flow by Euler's method, and keep every place on the way.

    Args:
        model: `model(x_t, t, c)` predicts the flow at x_t; c holds one-hot rows, zeros for no
            class.
        noise: (n, ...), where the paths begin at t = 0.
        labels: (n,) int64, their classes.
        num_steps: T, how many steps of length 1 / T are taken.
        guidance_scale: gamma in flow_uncond + gamma (flow_cond - flow_uncond). With 1, no guidance,
            the model is asked with the class alone.
        num_classes: how many classes there are.

    Returns:
        (T + 1, n, ...) on the noise's device: the places at the times 0, 1/T, ... 1.
    """
    one_hot = F.one_hot(labels.to(noise.device), num_classes).float()
    path = [noise]
    for step in range(num_steps):
        t = torch.full((len(noise),), step / num_steps, device=noise.device)
        flow = model(path[-1], t, one_hot)
        if guidance_scale != 1:
            without = model(path[-1], t, torch.zeros_like(one_hot))
            flow = without + guidance_scale * (flow - without)
        path.append(path[-1] + flow / num_steps)
    return torch.stack(path)

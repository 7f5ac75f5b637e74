"""The noise schedule of part A: how much of the picture is left after t steps of noising."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

MAX_BETA = 0.999
OFFSET = 0.008


def squared_cosine_alphas_cumprod(num_train_timesteps: int = 1000) -> Tensor:
    """Return abar_t for every timestep of the squared cosine schedule.

    abar(t) = f(t) / f(0) with f(t) = cos^2((t/T + s) / (1 + s) * pi/2) and s = 0.008; each step's
    beta = 1 - abar(t+1) / abar(t) is capped at 0.999 (Nichol & Dhariwal 2021, arXiv 2102.09672,
    equation 17). DeepFloyd IF's first stage uses it; `diffusers` calls it "squaredcos_cap_v2".

    Args:
        num_train_timesteps: T.

    Returns:
        (T,) float32, falling from nearly 1 (t = 0) to nearly 0 (t = T - 1).

    Raises:
        ValueError: if T is not positive.
    """
    if num_train_timesteps < 1:
        raise ValueError(f"A schedule needs at least one timestep, not {num_train_timesteps}.")
    return _squared_cosine(num_train_timesteps).clone()


@cache
def _squared_cosine(num_train_timesteps: int) -> Tensor:
    """Compute the schedule once: exact worlds are built by the thousand."""

    def f(step: int) -> float:
        return math.cos((step / num_train_timesteps + OFFSET) / (1 + OFFSET) * math.pi / 2) ** 2

    steps = range(num_train_timesteps)
    betas = torch.tensor([min(1 - f(t + 1) / f(t), MAX_BETA) for t in steps], dtype=torch.float64)
    return torch.cumprod(1 - betas, dim=0).float()

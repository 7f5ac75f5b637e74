"""Lesson 01: other right answers, in other styles; each must pass."""

from __future__ import annotations

import math

import numpy as np
import torch

from checkers.forward_noising.exercises import FORWARD


@FORWARD.right_answer
def with_powers(im, t, alphas_cumprod, noise=None):
    eps = torch.randn(im.shape, device=im.device, dtype=im.dtype) if noise is None else noise
    a = alphas_cumprod[t] ** 0.5
    b = (1 - alphas_cumprod[t]) ** 0.5
    return a * im + b * eps


@FORWARD.right_answer
def for_batches_of_timesteps(x, timestep, schedule, eps=None):
    timestep = torch.as_tensor(timestep, device=schedule.device).reshape(-1)
    abar = schedule[timestep].reshape(-1, *[1] * (x.ndim - 1)).to(x)
    if eps is None:
        eps = torch.empty_like(x).normal_()
    return torch.add(torch.sqrt(abar) * x, torch.sqrt(1 - abar) * eps)


@FORWARD.right_answer
def with_numpy(im, t, alphas_cumprod, noise=None):
    abar = float(alphas_cumprod[int(t)])
    eps = np.random.standard_normal(im.shape) if noise is None else noise.numpy()
    return (math.sqrt(abar) * im.numpy() + math.sqrt(1 - abar) * eps).astype(im.numpy().dtype)

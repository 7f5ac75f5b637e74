"""Lesson 15: other right answers, in other styles; each must pass."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from checkers.flow_matching.exercises import FLOW_LOSS, FLOW_SAMPLE, INTERPOLATE

# --- interpolate ----------------------------------------------------------------------------------


@INTERPOLATE.right_answer
def from_the_start(noise, data, time):
    return noise + time[:, None, None, None] * (data - noise)


@INTERPOLATE.right_answer
def with_lerp(x_0, x_1, t):
    return torch.lerp(x_0, x_1, t.reshape(len(t), *[1] * (x_0.ndim - 1)))


@INTERPOLATE.right_answer
def with_einsum(x_0, x_1, t):
    return torch.einsum("b,bchw->bchw", 1 - t, x_0) + torch.einsum("b,bchw->bchw", t, x_1)


@INTERPOLATE.right_answer
def one_by_one(x_0, x_1, t):
    rows = [x_1[k] - (1 - t[k]) * (x_1[k] - x_0[k]) for k in range(x_0.shape[0])]
    return torch.stack(rows)


@INTERPOLATE.right_answer
def with_numpy(x_0, x_1, t):
    t = t.numpy().reshape(-1, 1, 1, 1)
    return (1 - t) * x_0.numpy() + t * x_1.numpy()


# --- flow_loss ------------------------------------------------------------------------------------


def _line(x_0: Tensor, x_1: Tensor, t: Tensor) -> Tensor:
    """x_t; the lesson's own function can't be used in its checker's examples."""
    t = t.reshape(-1, 1, 1, 1)
    return (1 - t) * x_0 + t * x_1


def _drawn(images: Tensor) -> tuple[Tensor, Tensor]:
    return torch.randn_like(images), torch.rand(len(images))


@FLOW_LOSS.right_answer
def by_hand(net, x_1):
    x_0 = torch.randn(x_1.shape)
    time = torch.rand(x_1.shape[0], 1, 1, 1)
    x_t = x_0 + time * (x_1 - x_0)
    return ((x_1 - x_0 - net(x_t, time)) ** 2).mean()


@FLOW_LOSS.right_answer
def with_a_criterion(model, images):
    criterion = torch.nn.MSELoss()
    t = torch.empty(images.shape[0], 1).uniform_()
    noise = torch.normal(0.0, 1.0, images.shape)
    return criterion(images - noise, model(x=torch.lerp(noise, images, t[..., None, None]), t=t))


@FLOW_LOSS.right_answer
def mean_of_means(model, images):
    x_0 = torch.randn_like(images)
    t = torch.rand((len(images),))
    flow = model(_line(x_0, images, t), t=t.view(-1, 1))
    return (flow - (images - x_0)).pow(2).flatten(1).mean(dim=1).mean()


@FLOW_LOSS.right_answer
def from_numpy(model, images):
    t = torch.from_numpy(np.random.uniform(size=len(images))).float()
    x_0 = torch.tensor(np.random.standard_normal(images.shape), dtype=images.dtype)
    difference = images - x_0
    return F.mse_loss(model(images - (1 - t).view(-1, 1, 1, 1) * difference, t), difference)


@FLOW_LOSS.right_answer
def into_the_answer(model, images):
    x_0, t = _drawn(images)
    error = model(_line(x_0, images, t), t)
    error -= images - x_0
    return (error**2).mean()


@FLOW_LOSS.right_answer
def in_another_order(model, images):
    order = torch.randperm(len(images))
    x_0, t = _drawn(images)
    asked = model(_line(x_0, images, t)[order], t[order])
    return F.mse_loss(asked, (images - x_0)[order])


# --- flow_sample ----------------------------------------------------------------------------------


def _start(n, generator):
    return torch.randn(n, 1, 28, 28, generator=generator)


def _walk(model, x, times, length):
    """Euler's method with the given times and the same length for each step."""
    for t in times:
        x = x + length * model(x, torch.full((len(x),), float(t)))
    return x


@FLOW_SAMPLE.right_answer
@torch.no_grad()
def with_a_time_grid(net, count, T=50, rng=None):
    x = torch.empty(count, 1, 28, 28).normal_(generator=rng)
    times = torch.linspace(0, 1, T + 1)
    for now, then in pairwise(times):
        x = x + (then - now) * net(x, now.repeat(count).view(-1, 1, 1, 1))
    return x


@FLOW_SAMPLE.right_answer
def time_adds_up(model, n, num_steps=50, generator=None):
    with torch.inference_mode():
        model.eval()
        x = torch.randn((n, 1, 28, 28), generator=generator)
        t = torch.zeros(n, 1)
        for _ in range(num_steps):
            x += model(x=x, t=t) * (1 / num_steps)
            t = t + 1 / num_steps
        return x


@FLOW_SAMPLE.right_answer
def with_arange(model, n, num_steps=50, generator=None):
    x = torch.normal(0.0, 1.0, (n, 1, 28, 28), generator=generator)
    for t in torch.arange(num_steps) / num_steps:
        x = torch.add(x, model(x, t.view(1)).detach(), alpha=1 / num_steps)
    return x


@FLOW_SAMPLE.right_answer
def one_after_the_other(model, n, num_steps=50, generator=None):
    starts = torch.randn(n, 1, 28, 28, generator=generator)
    times = [k / num_steps for k in range(num_steps)]
    return torch.cat([_walk(model, x[None], times, 1 / num_steps) for x in starts])


@FLOW_SAMPLE.right_answer
def with_the_frames(model, n, num_steps=50, generator=None):
    x = torch.randn(n, 1, 28, 28, generator=generator)
    frames = []
    for step in range(num_steps):
        x = x + model(x, torch.ones(n) * step / num_steps) / num_steps
        frames.append(x)
    return x, frames


@FLOW_SAMPLE.right_answer
def in_uneven_groups(model, n, num_steps=50, generator=None):
    ends = []
    for x in _start(n, generator).split(3):
        ends.append(_walk(model, x, [k / num_steps for k in range(num_steps)], 1 / num_steps))
    return torch.cat(ends)

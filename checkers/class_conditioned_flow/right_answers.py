"""Lesson 16: other right answers, in other styles; each must pass."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from checkers.class_conditioned_flow.exercises import CLASS_FLOW_LOSS, CLASS_FLOW_SAMPLE
from solutions.class_conditioning import drop_classes
from solutions.flow_matching import interpolate

# --- class_flow_loss ------------------------------------------------------------------------------


def _on_a_line(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Times, points and directions of lines to `images`."""
    x_0, t = torch.randn_like(images), torch.rand(len(images))
    return t, interpolate(x_0, images, t), images - x_0


@CLASS_FLOW_LOSS.right_answer
def by_hand(net, x_1, y, p=0.1):
    x_0 = torch.randn(x_1.shape)
    t = torch.rand(x_1.shape[0], 1, 1, 1)
    c = torch.eye(10)[y]
    c[torch.rand(len(y)) < p] = 0.0
    answer = net(x_0 + t * (x_1 - x_0), t, c)
    return ((x_1 - x_0 - answer) ** 2).mean()


@CLASS_FLOW_LOSS.right_answer
def with_a_bernoulli_mask(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    keep = torch.bernoulli(torch.full((len(labels), 1), 1 - p_uncond))
    c = F.one_hot(labels, num_classes=10).to(images.dtype) * keep
    return torch.nn.MSELoss()(direction, model(x=x_t, t=t.view(-1, 1), c=c))


@CLASS_FLOW_LOSS.right_answer
def with_where(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    dropped = torch.rand(len(labels), 1) < p_uncond
    one_hot = torch.zeros(len(labels), 10).scatter_(1, labels[:, None], 1.0)
    c = torch.where(dropped, torch.zeros(()), one_hot)
    return (model(x_t, t, c) - direction).square().mean()


@CLASS_FLOW_LOSS.right_answer
def from_the_last_to_the_first(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images.flip(0))
    return F.mse_loss(model(x_t, t, drop_classes(labels.flip(0), p_uncond)), direction)


# --- class_flow_sample ----------------------------------------------------------------------------


def _start(labels, generator):
    return torch.randn(len(labels), 1, 28, 28, generator=generator)


def _times(num_steps):
    return [k / num_steps for k in range(num_steps)]


def _rows(labels):
    return F.one_hot(labels, 10).float()


def _guided(flow_uncond, flow_cond, scale):
    return flow_uncond + scale * (flow_cond - flow_uncond)


def _walk(model, x, cond, uncond, times, length, combine):
    """Euler's method along `combine(uncond, cond)`, with the given times and step length."""
    for t in times:
        now = torch.full((len(x),), float(t))
        x = x + length * combine(model(x, now, uncond), model(x, now, cond))
    return x


def _sampled(model, labels, num_steps, scale, generator, **parts):
    """The right sampler, with parts exchanged."""
    cond = parts.get("cond", _rows(labels))
    return _walk(
        model,
        parts["start"] if "start" in parts else _start(labels, generator),
        cond,
        parts.get("uncond", torch.zeros_like(cond)),
        parts.get("times", _times(num_steps)),
        parts.get("length", 1 / num_steps),
        parts.get("combine", lambda u, c: _guided(u, c, scale)),
    )


@CLASS_FLOW_SAMPLE.right_answer
@torch.no_grad()
def in_two_calls(net, y, T=50, gamma=5.0, rng=None):
    x = torch.normal(0.0, 1.0, (y.shape[0], 1, 28, 28), generator=rng)
    c = torch.eye(10)[y]
    for now, then in pairwise(torch.linspace(0, 1, T + 1)):
        t = now.repeat(len(y)).view(-1, 1, 1, 1)
        with_class, without = net(x, t, c), net(x, t, torch.zeros_like(c))
        x = x + (then - now) * ((1 - gamma) * without + gamma * with_class)
    return x


@CLASS_FLOW_SAMPLE.right_answer
def without_class_first(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    n = labels.numel()
    x = torch.randn((n, 1, 28, 28), generator=generator)
    c = torch.zeros(2 * n, 10)
    c[torch.arange(n, 2 * n), labels] = 1
    for t in torch.arange(num_steps) / num_steps:
        uncond, cond = model(x=x.repeat(2, 1, 1, 1), t=t.expand(2 * n, 1), c=c).detach().split(n)
        x = x + (cond + (guidance_scale - 1) * (cond - uncond)) * (1 / num_steps)
    return x, None


@CLASS_FLOW_SAMPLE.right_answer
def one_call_where_one_will_do(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    model.eval()
    c = drop_classes(labels, p_uncond=0.0)
    x, t = torch.randn(len(labels), 1, 28, 28, generator=generator), torch.zeros(1)
    for _ in range(num_steps):
        flow = model(x, t, c)
        if guidance_scale != 1:
            flow = torch.lerp(model(x, t, c * 0), flow, guidance_scale)
        x = x + flow.detach() / num_steps
        t = t + 1 / num_steps
    return x


@CLASS_FLOW_SAMPLE.right_answer
def in_uneven_groups(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    starts = _start(labels, generator).split(32)
    ends = []
    for x, group in zip(starts, labels.split(32), strict=True):
        ends.append(_sampled(model, group, num_steps, guidance_scale, None, start=x))
    return torch.cat(ends)


@CLASS_FLOW_SAMPLE.right_answer
def class_by_class(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    """From the last class to the first; each picture at the place of its label."""
    pictures = _start(labels, generator)
    for label in labels.unique().flip(0):
        own = labels == label
        pictures[own] = _sampled(
            model, labels[own], num_steps, guidance_scale, None, start=pictures[own]
        )
    return pictures

"""Lesson 19: other right answers, in other styles; each must pass."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F

from checkers.few_steps.exercises import MAKE_PAIRS, ONE_STEP_SAMPLE, REFLOW_LOSS, STRAIGHTNESS
from lessons.workbench.training import flow_path
from solutions.class_conditioned_flow import class_flow_sample
from solutions.class_conditioning import drop_classes
from solutions.flow_matching import interpolate

# --- straightness ---------------------------------------------------------------------------------


@STRAIGHTNESS.right_answer
def as_a_variance(path):
    return (path.diff(dim=0) * (len(path) - 1)).var(dim=0, unbiased=False).mean()


@STRAIGHTNESS.right_answer
def step_by_step(places):
    steps = places.shape[0] - 1
    way = places[-1] - places[0]
    total = 0.0
    for here, there in pairwise(places):
        total = total + (((there - here) / (1 / steps) - way) ** 2).mean()
    return total / steps


@STRAIGHTNESS.right_answer
def as_a_number(path):
    velocities = torch.diff(path, dim=0) / (1 / (path.size(0) - 1))
    return F.mse_loss(velocities, (path[-1:] - path[:1]).expand_as(velocities)).item()


@STRAIGHTNESS.right_answer
def with_numpy(path):
    path = path.numpy()
    return ((path[0] - path[-1] + (path[1:] - path[:-1]) * (len(path) - 1)) ** 2).mean()


# --- make_pairs -----------------------------------------------------------------------------------


@MAKE_PAIRS.right_answer
def with_the_given_path(model, labels, num_steps=20, guidance_scale=2.0, generator=None):
    device = next(model.parameters()).device
    noise = torch.randn(len(labels), 1, 28, 28, generator=generator).to(device)
    return noise, flow_path(model, noise, labels, num_steps, guidance_scale)[-1]


@MAKE_PAIRS.right_answer
@torch.no_grad()
def in_two_calls(net, y, T=20, gamma=2.0, rng=None):
    x = torch.normal(0.0, 1.0, (y.shape[0], 1, 28, 28), generator=rng)
    start = x.clone()
    c = torch.eye(10)[y]
    for now, then in pairwise(torch.linspace(0, 1, T + 1)):
        t = now.repeat(len(y)).view(-1, 1, 1, 1)
        with_class, without = net(x, t, c), net(x, t, torch.zeros_like(c))
        x += (then - now) * ((1 - gamma) * without + gamma * with_class)
    return [start, x]


@MAKE_PAIRS.right_answer
def with_the_sampler_of_lesson_16(model, labels, num_steps=20, guidance_scale=2.0, generator=None):
    if generator is None:
        generator = torch.Generator().manual_seed(int(torch.randint(2**31, ())))
    state = generator.get_state()
    noise = torch.randn(len(labels), 1, 28, 28, generator=generator)
    after = generator.get_state()
    generator.set_state(state)
    pictures = class_flow_sample(model, labels, num_steps, guidance_scale, generator)
    generator.set_state(after)
    return noise, pictures


@MAKE_PAIRS.right_answer
def stacked(model, labels, num_steps=20, guidance_scale=2.0, generator=None):
    with torch.inference_mode():
        model.eval()
        noise = torch.randn((len(labels), 1, 28, 28), generator=generator)
        ends = []
        for x, c in zip(noise.split(32), drop_classes(labels, 0.0).split(32), strict=True):
            for step in range(num_steps):
                t = torch.full((len(x),), step / num_steps)
                flow = model(x, t, c * 0).lerp(model(x, t, c), guidance_scale)
                x = x + flow / num_steps
            ends.append(x)
        return torch.stack([noise, torch.cat(ends)])


@MAKE_PAIRS.right_answer
def class_by_class(model, labels, num_steps=20, guidance_scale=2.0, generator=None):
    """All noise first, then one picture after the other in the order of their classes."""
    noise = torch.randn(len(labels), 1, 28, 28, generator=generator)
    pictures = torch.empty_like(noise)
    for k in labels.argsort().tolist():
        path = flow_path(model, noise[k : k + 1], labels[k : k + 1], num_steps, guidance_scale)
        pictures[k] = path[-1, 0]
    return noise, pictures


# --- reflow_loss ----------------------------------------------------------------------------------


@REFLOW_LOSS.right_answer
def by_hand(net, x_0, x_1, y):
    t = torch.rand(x_1.shape[0], 1, 1, 1)
    answer = net(x_0 + t * (x_1 - x_0), t, torch.eye(10)[y])
    return ((x_1 - x_0 - answer) ** 2).mean()


@REFLOW_LOSS.right_answer
def with_a_criterion(model, noise, pictures, labels):
    t = torch.empty(len(labels), 1).uniform_()
    one_hot = F.one_hot(labels, num_classes=10).to(noise.dtype)
    x_t = torch.lerp(noise, pictures, t[..., None, None])
    return torch.nn.MSELoss()(pictures - noise, model(x=x_t, t=t, c=one_hot))


@REFLOW_LOSS.right_answer
def mean_of_means(model, noise, pictures, labels):
    t = 1 - torch.rand_like(labels.float())
    flow = model(interpolate(noise, pictures, t), t, drop_classes(labels, 0.0))
    return (flow - pictures + noise).pow(2).flatten(1).mean(dim=1).mean()


@REFLOW_LOSS.right_answer
def in_another_order(model, noise, pictures, labels):
    order = torch.randperm(len(noise))
    noise, pictures, labels = noise[order], pictures[order], labels[order]
    t = torch.rand(len(noise))
    flow = model(interpolate(noise, pictures, t), t, drop_classes(labels, p_uncond=0.0))
    return F.mse_loss(flow, pictures - noise)


# --- one_step_sample ------------------------------------------------------------------------------


@ONE_STEP_SAMPLE.right_answer
@torch.no_grad()
def by_hand_in_one_step(net, y, rng=None):
    x = torch.normal(0.0, 1.0, (y.shape[0], 1, 28, 28), generator=rng)
    x += net(x, torch.zeros(len(y), 1, 1, 1), torch.eye(10)[y])
    return x


@ONE_STEP_SAMPLE.right_answer
def with_the_path_of_one_step(model, labels, generator=None):
    noise = torch.empty(len(labels), 1, 28, 28).normal_(generator=generator)
    return flow_path(model, noise, labels, 1)[-1]


@ONE_STEP_SAMPLE.right_answer
def one_after_the_other(model, labels, generator=None):
    noise = torch.randn(labels.numel(), 1, 28, 28, generator=generator)
    rows = F.one_hot(labels, 10).float()
    with torch.inference_mode():
        parts = zip(noise.split(1), rows.split(1), strict=True)
        return torch.cat([x + model(x, torch.zeros(1), c) for x, c in parts])


@ONE_STEP_SAMPLE.right_answer
@torch.no_grad()
def from_the_last_to_the_first(model, labels, generator=None):
    x = torch.randn(len(labels), 1, 28, 28, generator=generator)
    for k in range(len(labels))[::-1]:
        c = drop_classes(labels[k : k + 1], p_uncond=0.0)
        x[k : k + 1] += model(x[k : k + 1].clone(), torch.zeros(1), c)
    return x

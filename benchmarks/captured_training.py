"""Training for a fixed time, each step one recorded CUDA graph.

A small network leaves a GPU idle: Python takes longer to ask for its hundreds of small kernels than
they take to run. A graph records a step once and asks for all of it at a time. That wants a loss
that always does the same and never waits for a number, which a course can't ask of its students;
so this is no part of the workbench's loop. On a CPU the same steps run one by one.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

WARM_UP_STEPS = 200
LAST_SHARE = 0.01  # of the learning rate, at the end


@dataclass(frozen=True)
class Trained:
    """What became of it: the averaged network, the steps, their time, and the last steps' loss."""

    average: nn.Module
    steps: int
    seconds: float
    loss: float


def train_for(
    seconds: float,
    network: nn.Module,
    loss: Callable[[nn.Module, Tensor, Tensor], Tensor],
    pictures: Tensor,
    labels: Tensor,
    batch_size: int,
    learning_rate: float,
    ema: float = 0.999,
    weight_decay: float = 0.0,
) -> Trained:
    """Train a network in place, on the device that it lies on, with AdamW.

    The learning rate rises over the first steps and then falls along a cosine, by the time that has
    passed; gradients longer than 1 are shortened.

    Args:
        seconds: how long.
        network: in training mode when it is left.
        loss: `loss(network, pictures, labels)` for one batch; all random numbers from the device.
        pictures: (N, ...) on that device.
        labels: (N, ...) on that device.
        batch_size: drawn with replacement.
        learning_rate: the highest.
        ema: the weight of the past in the running average of the parameters.
        weight_decay: of AdamW.
    """
    cuda = pictures.device.type == "cuda"
    network.to(memory_format=torch.channels_last).train()
    average = copy.deepcopy(network).requires_grad_(False).eval()
    rate = torch.tensor(learning_rate, device=pictures.device)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=rate, weight_decay=weight_decay, fused=True, capturable=cuda
    )
    recent = torch.zeros((), device=pictures.device)
    mine, theirs = list(average.parameters()), list(network.parameters())

    def step() -> None:
        chosen = torch.randint(len(pictures), (batch_size,), device=pictures.device)
        with torch.autocast("cuda", torch.bfloat16, enabled=cuda, cache_enabled=False):
            value = loss(network, pictures[chosen], labels[chosen])
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(theirs, 1.0)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(mine, theirs, 1 - ema)
            recent.lerp_(value.detach().float(), 0.01)

    take = _captured(step) if cuda else step
    torch._foreach_copy_(mine, theirs)
    start, steps = time.perf_counter(), 0
    while (passed := (time.perf_counter() - start) / seconds) < 1:
        falling = LAST_SHARE + (1 - LAST_SHARE) * (1 + math.cos(math.pi * passed)) / 2
        rate.fill_(learning_rate * min(1.0, (steps + 1) / WARM_UP_STEPS) * falling)
        take()
        steps += 1
        if cuda and steps % 20 == 0:
            torch.cuda.synchronize()  # else the clock runs ahead of the GPU
    return Trained(average, steps, time.perf_counter() - start, float(recent))


def _captured(step: Callable[[], None]) -> Callable[[], None]:
    """The step as a graph; it is taken a few times first, so that libraries can choose kernels."""
    torch.backends.cudnn.benchmark = True
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay

"""Where a lesson's training is kept, so that it goes on, and only that very training.

A cell that is run again may hold another loss than before. So a training's file is named after what
it does first: its losses at the first steps, which depend on the weights, the digits, their order,
the noise and the loss function.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from lessons.workbench.training.loop import TrainingPlan

FOLDER = Path(__file__).resolve().parents[3] / "datasets" / "cache" / "training"
_STEPS = 2  # the second one's loss depends on the first one's gradient
_DIGITS = 4  # of a loss: threads add up in another order


def own_checkpoint(
    name: str,
    model: nn.Module,
    loss: Callable[[nn.Module, Tensor, Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    plan: TrainingPlan,
) -> Path:
    """The file for just this training; it need not be there yet.

    Args:
        name: what is trained, part of the file's name.
        model: with its weights at the start; it stays as it is.
        loss: as in `train`.
        images: (N, ...).
        labels: (N,).
        plan: how long and how fast.
    """
    model = copy.deepcopy(model).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=plan.learning_rate)
    told = [repr(plan), str(len(images)), images.device.type]
    devices = [images.device] if images.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(plan.seed)
        order = torch.randperm(len(images))[: _STEPS * plan.batch_size].to(images.device)
        for batch in order.split(plan.batch_size):
            value = loss(model, images[batch], labels[batch])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            told.append(f"{float(value.detach()):.{_DIGITS}g}")
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]
    return FOLDER / f"{name}-{digest}.pt"

"""Where and how a lesson's training is kept, so that it goes on, and only that very training.

A cell that is run again may hold another loss than before. So a training's file is named after what
it does first: its losses at the first steps, which depend on the weights, the digits, their order,
the noise and the loss function.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    return kept_file(name, "\n".join(told).encode())


def kept_file(name: str, told: bytes) -> Path:
    """The file for a training of which `told` is all that sets it apart from others."""
    return FOLDER / f"{name}-{hashlib.sha256(told).hexdigest()[:12]}.pt"


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write the state to a new file and put it in the old one's place in one move.

    Raises:
        OSError: if it can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".partial")
    torch.save(state, unfinished)
    unfinished.replace(path)


def random_state() -> dict[str, Any]:
    """Where the random numbers of PyTorch stand, on the CPU and on all GPUs in use."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def set_random_state(state: dict[str, Any]) -> None:
    """Go on from where the random numbers stood."""
    torch.set_rng_state(state["cpu"].cpu())
    if state["cuda"]:
        torch.cuda.set_rng_state_all([one.cpu() for one in state["cuda"]])

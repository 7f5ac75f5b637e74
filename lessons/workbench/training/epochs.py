"""The epochs of a training loop of one's own: shown while they run, each kept when it ends."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lessons.workbench.training.continuing import (
    kept_file,
    random_state,
    set_random_state,
    write_state,
)
from lessons.workbench.training.loop import TrainingError
from lessons.workbench.training.loss_curve import TrainingProgress
from lessons.workbench.training.threads import on_free_cores

NoisyLoss = Callable[[nn.Module, Tensor, float], Tensor]
Loader = Collection[tuple[Tensor, Tensor]]
_STEPS = 4  # a gradient that was not forgotten shows in the third one's loss
_DIGITS = 4  # of a loss: threads add up in another order


class TrainEpoch(Protocol):
    """One pass over all batches; gives the loss of each."""

    def __call__(
        self,
        model: nn.Module,
        loader: Loader,
        optimizer: torch.optim.Optimizer,
        sigma: float,
        loss: NoisyLoss,
        /,
    ) -> Sequence[float] | Tensor:
        """Train `model` in place."""
        ...


def train_epochs(
    train_epoch: TrainEpoch,
    epochs: int,
    model: nn.Module,
    loader: Loader,
    optimizer: torch.optim.Optimizer,
    sigma: float,
    loss: NoisyLoss,
    *,
    name: str,
) -> tuple[list[nn.Module], list[float]]:
    """Call `train_epoch(model, loader, optimizer, sigma, loss)` once for each epoch.

    Bar and loss curve show what the loss gives. After each epoch the state is written to a file
    below datasets/cache, and just this training goes on from it, to the same result as if it had
    never stopped: with the same weights, optimizer, batches and random numbers at the start, and
    the same losses in its first steps. Nothing is kept with TQDM_DISABLE=1, where nobody watches.

    Args:
        train_epoch: a function as lesson 12 asks for.
        epochs: how often every picture is seen.
        model: what is trained, in place.
        loader: the batches (images, labels); an epoch may give them in an order of its own, drawn
            from PyTorch's random numbers.
        optimizer: of the model's parameters.
        sigma: the strength of the noise.
        loss: as in lesson 12.
        name: of this training, part of the file's name.

    Returns:
        A copy of the model after each epoch, and the loss of every step.

    Raises:
        KeyboardInterrupt: if it is stopped; its text says how it goes on.
        TrainingError: if the file is damaged.
    """
    reached = _Reached(model, optimizer)
    device = next(model.parameters()).device
    goes_on = ""
    with contextlib.ExitStack() as stack:
        if not os.environ.get("TQDM_DISABLE"):
            stack.enter_context(on_free_cores(device))
            told = _beginning(train_epoch, epochs, model, loader, optimizer, sigma, loss)
            reached.go_on_from(kept_file(name, told), epochs)
            goes_on = "it goes on after the last whole epoch"
        done = len(reached.losses)
        shown = TrainingProgress(epochs * len(loader), done, len(reached.models) < epochs, goes_on)
        stack.callback(shown.close)
        try:
            while len(reached.models) < epochs:
                watched = _watched(loss, shown, list(reached.losses))
                reached.add(train_epoch(model, loader, optimizer, sigma, watched))
        except KeyboardInterrupt:
            raise KeyboardInterrupt(reached.stopped(epochs)) from None
    return reached.models, reached.losses


def _watched(loss: NoisyLoss, shown: TrainingProgress, losses: list[float]) -> NoisyLoss:
    """A loss like `loss`, the values of which are shown behind `losses`."""

    def seen(model: nn.Module, images: Tensor, sigma: float) -> Tensor:
        value = loss(model, images, sigma)
        losses.append(float(value.detach()))
        shown.note(losses, 1)
        return value

    return seen


def _beginning(
    train_epoch: TrainEpoch,
    epochs: int,
    model: nn.Module,
    loader: Loader,
    optimizer: torch.optim.Optimizer,
    sigma: float,
    loss: NoisyLoss,
) -> bytes:
    """What sets this training apart from others; model, optimizer and random numbers stay as are.

    The code of loss and loop is told apart by what it does: by the losses of its first steps.
    """
    told = hashlib.sha256(f"{epochs} {optimizer}".encode())
    for value in model.state_dict().values():
        told.update(value.cpu().numpy().tobytes())
    model, optimizer = copy.deepcopy((model, optimizer))
    device = next(model.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        told.update(torch.get_rng_state().numpy().tobytes())
        first = []
        for images, labels in loader:
            told.update(images.cpu().numpy().tobytes())
            told.update(labels.cpu().numpy().tobytes())
            first += [(images, labels)] if len(first) < _STEPS else []
        for value in train_epoch(model, first, optimizer, sigma, loss):
            told.update(f"{float(value):.{_DIGITS}g}".encode())
    return told.digest()


class _Reached:
    """How far a training came, and the file that keeps it."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.models: list[nn.Module] = []
        self.losses: list[float] = []
        self._model, self._optimizer = model, optimizer
        self._path: Path | None = None

    def go_on_from(self, path: Path, epochs: int) -> None:
        """Keep the state in this file from now on, and begin with what is there.

        Raises:
            TrainingError: if the file is damaged.
        """
        self._path = path
        if not path.exists():
            return
        try:
            device = next(self._model.parameters()).device
            saved: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
            models = [copy.deepcopy(self._model) for _ in saved["models"]]
            for one, weights in zip(models, saved["models"], strict=True):
                one.load_state_dict(weights)
            self._model.load_state_dict(saved["models"][-1])
            self._optimizer.load_state_dict(saved["optimizer"])
            set_random_state(saved["random"])
        except Exception as error:
            raise TrainingError(f"{path} is damaged. Delete it to train anew.") from error
        self.models, self.losses = models, list(saved["losses"])
        if len(models) < epochs:
            print(f"Training goes on after {len(models)} of {epochs} epochs.")
        else:
            print(f"Trained before: all {epochs} epochs are in {path}. Delete it to train anew.")

    def add(self, losses: Sequence[float] | Tensor) -> None:
        """An epoch has ended, with these losses: keep what was learned."""
        self.losses += [float(value) for value in losses]
        self.models.append(copy.deepcopy(self._model))
        if self._path is None:
            return
        state = {
            "models": [model.state_dict() for model in self.models],
            "optimizer": self._optimizer.state_dict(),
            "losses": self.losses,
            "random": random_state(),
        }
        try:
            write_state(self._path, state)
        except OSError as error:
            print(f"Training can't be kept in {self._path} ({error.strerror}); it goes on.")
            self._path = None

    def stopped(self, epochs: int) -> str:
        """What is said when the epoch after the last whole one was interrupted."""
        done = len(self.models)
        told = f"Stopped in epoch {done + 1} of {epochs}."
        if done and self._path is not None:
            whole = "epoch 1" if done == 1 else f"epochs 1 to {done}"
            return f"{told} Run the cell again, and training goes on after {whole}."
        return f"{told} No epoch is kept yet: run the cell again, and training begins anew."

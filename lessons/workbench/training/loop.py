"""A training loop worth reading: it feeds batches, keeps an average, saves its state and resumes.

What is learned is the lesson's business: the loop only asks `loss(model, images, labels)` for a
number. The data lies on the device as one tensor, so no loader stands between it and the model.
"""

from __future__ import annotations

import contextlib
import copy
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from lessons.workbench.denoisers.progress import watch_sampling
from lessons.workbench.training.continuing import (
    own_checkpoint,
    random_state,
    set_random_state,
    write_state,
)
from lessons.workbench.training.loss_curve import TrainingProgress
from lessons.workbench.training.threads import on_free_cores

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]
SAVE_SECONDS = 2.0
SAVE_SHARE = 0.02  # of the time may be spent on it
NOTE_SECONDS = 0.3
_STATE_VERSION = 2


class TrainingError(RuntimeError):
    """Training can't go on; the message says why and what to do."""


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how fast to train.

    Attributes:
        epochs: how often every picture is seen.
        batch_size: pictures in one step.
        learning_rate: of Adam, at the start.
        decay: the factor on the learning rate after each epoch; 1 leaves it alone.
        clip_norm: gradients longer than this are shortened to it; None leaves them alone.
        ema: the weight of the past in the running average of the parameters; 0 for none.
        seed: of the order of the pictures and of all noise.
        compile_model: let torch.compile fuse the model (a minute at the start; pays on a GPU).
    """

    epochs: int
    batch_size: int
    learning_rate: float
    decay: float = 1.0
    clip_norm: float | None = None
    ema: float = 0.0
    seed: int = 0
    compile_model: bool = False


@dataclass
class History:
    """What happened.

    Attributes:
        losses: one number for each step.
        epoch_ends: how many steps had been taken at the end of each epoch.
        seconds: the time spent in training, resumed parts included.
        average: the model with averaged parameters; None without an EMA.
        kept: the averaged models after the epochs that were asked for, by their number. After
            Ctrl-C the last one is of where training stopped, after 1.4 epochs for instance.
    """

    losses: list[float] = field(default_factory=list)
    epoch_ends: list[int] = field(default_factory=list)
    seconds: float = 0.0
    average: nn.Module | None = None
    kept: dict[float, nn.Module] = field(default_factory=dict)


def train(
    model: nn.Module,
    loss: Loss,
    images: Tensor,
    labels: Tensor,
    plan: TrainingPlan,
    *,
    checkpoint: str | Path | None = None,
    name: str | None = None,
    keep: Sequence[int] = (),
    after_epoch: Callable[[int, nn.Module, History], None] | None = None,
    progress: bool = True,
) -> History:
    """Train a model in place.

    For several GPUs, copy the loop below into a script, hand model and optimizer to Hugging Face's
    `Accelerator.prepare`, write `accelerator.backward(value)`, and start it by `accelerate launch`.

    Args:
        model: on the device it is to be trained on.
        loss: `loss(model, images, labels)` gives a scalar for one batch, a mean over its pictures.
        images: (N, ...), on the same device.
        labels: (N,), on the same device.
        plan: how long and how fast.
        checkpoint: a file that keeps the state, written every few seconds and after each epoch. If
            it is there already, training goes on from it, to the same result as if it had never
            stopped (to the last bit on a CPU with as many threads; a GPU may round differently
            each time).
        name: of this training, in place of `checkpoint`: the state is kept in a file below
            datasets/cache, and just this training (the same weights at the start, loss, digits and
            plan) goes on from it. Nothing is kept with TQDM_DISABLE=1, where nobody watches.
        keep: the epochs whose averaged models are kept in the history, 1 for the first.
        after_epoch: called with the epoch's number (1 for the first), the averaged model and the
            history, for instance to draw samples.
        progress: show a bar with the loss and the time left, and in a notebook the loss curve
            until training ends (never with TQDM_DISABLE=1).

    Returns:
        The history. After Ctrl-C it is what was reached: the model keeps what it learned.

    Raises:
        TrainingError: if the loss is not a finite number, or the checkpoint is of another model.
    """
    model.to(memory_format=torch.channels_last)  # convolutions are faster so, on a CPU too
    state = _State(model, plan)
    steps_per_epoch = math.ceil(len(images) / plan.batch_size)
    total = plan.epochs * steps_per_epoch
    path = Path(checkpoint).expanduser() if checkpoint is not None else None
    with contextlib.ExitStack() as stack:
        if name is not None and progress and not os.environ.get("TQDM_DISABLE"):
            stack.enter_context(on_free_cores(images.device))
            path = own_checkpoint(name, model, loss, images, labels, plan)
        state.kept_in = path
        if path is not None and path.exists():
            state.load(path)
        if name is not None and state.history.losses:
            print(_resumed(len(state.history.losses), total, path))
        _train_epochs(loss, images, labels, state, total, keep, after_epoch, progress)
    return state.history


def _train_epochs(
    loss: Loss,
    images: Tensor,
    labels: Tensor,
    state: _State,
    total: int,
    keep: Sequence[int],
    after_epoch: Callable[[int, nn.Module, History], None] | None,
    progress: bool,
) -> None:
    """The epochs that are left, shown while they run; Ctrl-C ends them with a sentence."""
    plan, model, done = state.plan, state.model, len(state.history.losses)
    if plan.compile_model:
        model = cast(nn.Module, torch.compile(model))
    goes_on = "it goes on where it was" if state.kept_in is not None else ""
    shown = TrainingProgress(total, done, progress and done < total, goes_on)
    try:
        for epoch in range(len(state.history.epoch_ends), plan.epochs):
            _train_epoch(model, loss, images, labels, state, epoch, shown)
            if epoch + 1 in keep:
                state.keep(epoch + 1)
            state.save()
            if after_epoch is not None:
                after_epoch(epoch + 1, state.history.average or state.model, state.history)
    except KeyboardInterrupt:
        state.stop(shown)
        steps = len(state.history.losses)
        if keep:
            state.keep(round(plan.epochs * steps / total, 1))
        again = "; run the cell again, and training goes on" if state.kept_in else ""
        print(f"Stopped after {steps} of {total} steps. The model keeps what it learned{again}.")
    finally:
        shown.close()


def _resumed(done: int, total: int, path: Path | None) -> str:
    if done < total:
        return f"Training goes on after {done} of {total} steps."
    return f"Trained before: all {total} steps are in {path}. Delete that file to train anew."


def _train_epoch(
    model: nn.Module,
    loss: Loss,
    images: Tensor,
    labels: Tensor,
    state: _State,
    epoch: int,
    shown: TrainingProgress,
) -> None:
    """One pass over the pictures, in an order that depends on seed and epoch alone."""
    plan = state.plan
    model.train()
    torch.manual_seed(plan.seed * 100_003 + epoch)
    order = torch.randperm(len(images)).to(images.device)
    before = state.begin_epoch()
    for batch in order.split(plan.batch_size)[before:]:
        state.random = random_state()
        with _mixed_precision(images.device):
            value = loss(model, images[batch], labels[batch])
        state.optimizer.zero_grad(set_to_none=True)
        value.backward()
        if plan.clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), plan.clip_norm)
        state.take_step(value)
        state.note(shown)
    state.note(shown, at_once=True)
    state.scheduler.step()
    state.history.epoch_ends.append(len(state.history.losses))


def _mixed_precision(device: torch.device) -> torch.autocast:
    """bfloat16 where a GPU gains from it; single precision on a CPU."""
    enabled = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


class _State:
    """Everything that has to be kept for training to go on as if nothing had happened."""

    def __init__(self, model: nn.Module, plan: TrainingPlan) -> None:
        self.model, self.plan = model, plan
        self.history = History()
        # One kernel for all parameters: a loop over them takes a tenth of a small network's step.
        fused = all(p.device.type in ("cpu", "cuda") for p in model.parameters())
        self.optimizer = torch.optim.Adam(
            model.parameters(), lr=plan.learning_rate, fused=fused or None
        )
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, plan.decay)
        if plan.ema > 0:
            average = copy.deepcopy(model).requires_grad_(False).eval()
            self.history.average = watch_sampling(average)
        self.kept_in: Path | None = None
        self.random: dict[str, Any] = {}  # where random numbers stood at the start of a step
        self._recent: list[Tensor] = []  # losses that have not been read yet
        self._whole = True  # no step is half taken
        self._clock = self._noted = time.perf_counter()
        self._save_next = self._clock + SAVE_SECONDS

    def begin_epoch(self) -> int:
        """How many steps of this epoch were taken before; random numbers go on from there."""
        done = len(self.history.losses) - (self.history.epoch_ends or [0])[-1]
        if done:
            set_random_state(self.random)
        self._clock = time.perf_counter()
        return done

    def keep(self, epochs: float) -> None:
        """Keep the averaged model as it is after so many epochs."""
        self.history.kept[epochs] = copy.deepcopy(self.history.average or self.model).eval()

    def take_step(self, value: Tensor) -> None:
        """Move the parameters; `value` is the loss that they are moved by."""
        self._whole = False
        self.optimizer.step()
        self._update_average()
        self._recent.append(value.detach())
        self._whole = True

    @torch.no_grad()
    def stop(self, shown: TrainingProgress) -> None:
        """After an interrupt: undo what the step that it came in has changed, and keep the rest."""
        if not self._whole:
            return
        if self.history.average is not None:
            pairs = zip(self.model.buffers(), self.history.average.buffers(), strict=True)
            for mine, theirs in pairs:
                mine.copy_(theirs)
        if self.random:
            set_random_state(self.random)
        self.note(shown, at_once=True)
        self.save()

    @torch.no_grad()
    def _update_average(self) -> None:
        """Move the averaged parameters towards the present ones; buffers are copied."""
        average = self.history.average
        if average is None:
            return
        taken = len(self.history.losses) + len(self._recent) + 1
        keep = min(self.plan.ema, taken / (taken + 9))  # trust the past little at the start
        torch._foreach_lerp_(list(average.parameters()), list(self.model.parameters()), 1 - keep)
        for mine, theirs in zip(average.buffers(), self.model.buffers(), strict=True):
            mine.copy_(theirs)

    def note(self, shown: TrainingProgress, *, at_once: bool = False) -> None:
        """Add the latest losses to the history, now and then; stop if one is not a number.

        Reading a number from a GPU waits for it, so that isn't done at every step.
        """
        now = time.perf_counter()
        first = not self.history.losses
        waited = len(self._recent) >= 20 or now - self._noted > NOTE_SECONDS
        if not self._recent or not (at_once or first or waited):
            return
        self._noted = now
        values = torch.stack(self._recent).float().tolist()
        self._recent.clear()
        if not all(math.isfinite(value) for value in values):
            raise TrainingError(
                f"The loss became {values[-1]} after {len(self.history.losses)} steps. "
                f"A lower learning rate (now {self.scheduler.get_last_lr()[0]:g}) or "
                f"clip_norm=1.0 helps; so does a look at the loss for a division by zero."
            )
        self.history.losses += values
        shown.note(self.history.losses, len(values))
        if now > self._save_next:
            self.save()

    def save(self) -> None:
        """Keep the state, if it has a file. If it can't be written, one sentence says so."""
        began = time.perf_counter()
        self.history.seconds += began - self._clock
        self._clock = began
        if self.kept_in is None:
            return
        try:
            self._write(self.kept_in)
        except OSError as error:
            print(f"Training can't be kept in {self.kept_in} ({error.strerror}); it goes on.")
            self.kept_in = None
        now = time.perf_counter()
        self._save_next = now + max(SAVE_SECONDS, (now - began) / SAVE_SHARE)

    def _write(self, path: Path) -> None:
        average = self.history.average
        write_state(
            path,
            {
                "version": _STATE_VERSION,
                "model": self.model.state_dict(),
                "average": average.state_dict() if average is not None else None,
                "optimizer": self.optimizer.state_dict(),
                "scheduler": self.scheduler.state_dict(),
                "losses": self.history.losses,
                "epoch_ends": self.history.epoch_ends,
                "seconds": self.history.seconds,
                "kept": {n: model.state_dict() for n, model in self.history.kept.items()},
                "random": random_state(),
            },
        )

    def load(self, path: Path) -> None:
        """Go on from a saved state.

        Raises:
            TrainingError: if the file is damaged or of another model.
        """
        try:
            device = next(self.model.parameters()).device
            saved = torch.load(path, map_location=device, weights_only=True)
            self.model.load_state_dict(saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.scheduler.load_state_dict(saved["scheduler"])
            if self.history.average is not None and saved["average"] is not None:
                self.history.average.load_state_dict(saved["average"])
        except Exception as error:
            raise TrainingError(
                f"{path} can't be continued: it is damaged, or of a model with other shapes. "
                f"Name another checkpoint, or delete this one to begin anew."
            ) from error
        self.history.losses = list(saved["losses"])
        self.history.epoch_ends = list(saved["epoch_ends"])
        self.history.seconds = float(saved["seconds"])
        self.random = saved.get("random", {})
        for epochs, weights in saved.get("kept", {}).items():
            self.keep(epochs)
            self.history.kept[epochs].load_state_dict(weights)

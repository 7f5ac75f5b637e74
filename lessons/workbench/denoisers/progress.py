"""A progress bar for sampling loops that take long, without a word about it in the loop."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from torch import nn

from lessons.workbench.bars import Bar, make_bar

PATIENCE_SECONDS = 2.0
_AT_LEAST = 0.2  # so long a step must have taken: the first one may have been slow by chance
_FINE = 1000  # a bar counts in thousandths


class StepProgress:
    """Watches the times a network is asked at; a row of them in one direction is a loop.

    A bar with the time left appears as soon as a loop is seen to take more than two seconds, after
    its first step if need be. It goes away with the notebook's cell, or when the next loop begins.
    The environment variable TQDM_DISABLE=1 turns it off.

    Args:
        make_bar: `make_bar(total, done)` gives a bar with `update` and `close`.
        clock: tells the time in seconds.
        rises_to: the end of times that rise, as a flow's do; None if they only ever fall, to 0.
    """

    def __init__(
        self,
        make_bar: Callable[[int, int], Bar] | None = None,
        clock: Callable[[], float] = time.monotonic,
        rises_to: float | None = None,
    ) -> None:
        self._make_bar = make_bar or _sampling_bar
        self._clock, self._rises_to = clock, rises_to
        self._bar: Bar | None = None
        self._first = self._last = -1.0
        self._rising: bool | None = None
        self._began = 0.0

    def saw(self, t: float) -> None:
        """Note that the network was asked at time `t`."""
        if t == self._last:
            return
        rising = t > self._last
        turned = self._rising not in (None, rising) or (rising and self._rises_to is None)
        if self._first < 0 or turned:
            self.close()
            self._first, self._began = t, self._clock()
        else:
            self._rising = rising
            self._note(t)
        self._last = t

    def _note(self, t: float) -> None:
        end = self._rises_to if self._rising and self._rises_to is not None else 0.0
        done = abs(t - self._first) / max(abs(end - self._first), 1e-9)
        passed = self._clock() - self._began
        if self._bar is not None:
            self._bar.update(round(_FINE * done))
        elif passed > _AT_LEAST and passed > PATIENCE_SECONDS * done:
            self._bar = self._make_bar(_FINE, 0)
            self._bar.update(round(_FINE * done))

    def close(self) -> None:
        """Take the bar away; the next time begins a new loop."""
        if self._bar is not None:
            self._bar.close()
        self._bar, self._first, self._last, self._rising = None, -1.0, -1.0, None


def watch_sampling(model: nn.Module) -> nn.Module:
    """Show a bar when a loop asks this network `model(x, t, ...)` at times in [0, 1].

    Args:
        model: watched only in evaluation mode, as networks are when they draw. One that is watched
            already, as a copy of a watched one is, gets no second bar.

    Returns:
        The same network.
    """
    if any(getattr(hook, "shows_a_bar", False) for hook in model._forward_pre_hooks.values()):
        return model
    progress = StepProgress(rises_to=1.0)

    def saw(model: nn.Module, inputs: tuple[Any, ...]) -> None:
        if not model.training and len(inputs) > 1:
            progress.saw(float(inputs[1].max()))

    saw.shows_a_bar = True  # type: ignore[attr-defined]
    model.register_forward_pre_hook(saw)
    return model


def _sampling_bar(total: int, done: int) -> Bar:
    bar = make_bar(total, done, "sampling")
    ipython = sys.modules.get("IPython")
    if (shell := ipython.get_ipython() if ipython else None) is not None:
        _close_after_the_cell(shell, bar)
    return bar


def _close_after_the_cell(shell: Any, bar: Bar) -> None:
    """Also if the cell was interrupted: its bar must not stay behind."""

    def close(*_: Any) -> None:
        shell.events.unregister("post_run_cell", close)
        bar.close()

    shell.events.register("post_run_cell", close)

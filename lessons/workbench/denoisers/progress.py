"""A progress bar for sampling loops that take long, without a word about it in the loop."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

PATIENCE_SECONDS = 2.0


class StepProgress:
    """Watches the timesteps a denoiser is asked at; a falling row of them is a loop on its way.

    A bar with the time left appears when a loop has run for two seconds, and goes away with the
    notebook's cell or when the next loop begins. The environment variable TQDM_DISABLE=1 turns it
    off.

    Args:
        make_bar: `make_bar(total, done)` gives a bar with `update` and `close`; None where none can
            be shown.
        clock: tells the time in seconds.
    """

    def __init__(
        self,
        make_bar: Callable[[int, int], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_bar = make_bar or _bar
        self._clock = clock
        self._bar: Any = None
        self._first = self._last = -1
        self._began = 0.0

    def saw(self, t: int) -> None:
        """Note that the denoiser was asked at timestep `t`, 0 to 999."""
        if self._first < 0 or t > self._last:
            self.close()
            self._first, self._began = t, self._clock()
        elif self._bar is not None:
            self._bar.update(self._last - t)
        elif t < self._last and self._clock() - self._began > PATIENCE_SECONDS:
            self._bar = self._make_bar(self._first, self._first - t)
        self._last = t

    def close(self) -> None:
        """Take the bar away; the next timestep begins a new loop."""
        if self._bar is not None:
            self._bar.close()
        self._bar, self._first, self._last = None, -1, -1


class _NoBar:
    def update(self, steps: int) -> None: ...

    def close(self) -> None: ...


def _bar(total: int, done: int) -> Any:
    """A bar in the notebook, or in a terminal; none where nobody would see it."""
    from IPython import get_ipython
    from tqdm.auto import tqdm

    shell = get_ipython()
    in_notebook = shell is not None and getattr(shell, "kernel", None) is not None
    # tqdm's bar for notebooks does not heed its own variable
    if os.environ.get("TQDM_DISABLE") or not (in_notebook or sys.stderr.isatty()):
        return _NoBar()

    class Bar(tqdm):
        """A loop ends with the question before the last timestep, so no bar is ever quite full."""

        def close(self) -> None:
            self.total = self.n  # what isn't full stays on the page, in red
            super().close()

    layout = "{desc}: {percentage:3.0f}% |{bar}| {elapsed} passed, {remaining} left"
    bar = Bar(total=total, initial=done, desc="denoising", leave=False, bar_format=layout)
    if shell is not None:
        _close_after_the_cell(shell, bar)
    return bar


def _close_after_the_cell(shell: Any, bar: Any) -> None:
    """Also if the cell was interrupted: its bar must not stay behind."""

    def close(*_: Any) -> None:
        shell.events.unregister("post_run_cell", close)
        bar.close()

    shell.events.register("post_run_cell", close)

"""Run a function in the notebook's own kernel: stopped in time, and what it prints is collected."""

from __future__ import annotations

import _thread
import contextlib
import io
import threading
import time
from collections.abc import Iterator
from typing import Any

from checkers.engine.exercise import Answer, Case, Exercise
from checkers.engine.grading import RunCase
from checkers.engine.sandbox.inside.running import Inputs, run_probe

LINES_KEPT = 20
LINE_KEPT = 200
"""No line is kept beyond so many characters."""
_AGAIN = 0.5
"""So many seconds later it is interrupted again: `except:` in a loop catches an interrupt, too."""


class Printed(io.TextIOBase):
    """Collects what is printed, and keeps the beginning.

    Attributes:
        lines: the first lines, `LINES_KEPT` at most.
        count: how many there were.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.count = 0
        self._goes_on = False

    def writable(self) -> bool:
        """It is there to be written to."""
        return True

    def write(self, text: str) -> int:
        """Take in some text."""
        for line in text.splitlines(keepends=True):
            if not self._goes_on:
                self.count += 1
                if len(self.lines) < LINES_KEPT:
                    self.lines.append("")
            if self.count <= LINES_KEPT:
                self.lines[-1] = (self.lines[-1] + line.rstrip("\r\n"))[:LINE_KEPT]
            self._goes_on = not line.endswith("\n")
        return len(text)


def watched(answer: Answer, printed: Printed) -> RunCase:
    """A way to run cases: each within its time limit, its output to `printed`."""

    def run_case(exercise: Exercise, case: Case, inputs: Inputs, seed: int) -> dict[str, Any]:
        watch = _Watch(case.time_limit)
        try:
            with contextlib.redirect_stdout(printed), watch.running():
                return run_probe(case.probe, answer, inputs, seed, exercise.name)
        except KeyboardInterrupt:
            if not watch.fired:
                raise  # the student's own
            return {"status": "timed out"}

    return run_case


class _Watch:
    """Interrupts the main thread, as the stop button does, once `seconds` have passed."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.fired = False
        self._done = threading.Event()
        self._turn = threading.Lock()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Watch over what is run within."""
        if threading.current_thread() is not threading.main_thread():
            yield  # nothing can interrupt it
            return
        threading.Thread(target=self._wait, daemon=True).start()
        try:
            yield
        finally:
            with self._turn:
                self._done.set()
            if self.fired:  # it may have come just now: not after this line
                with contextlib.suppress(KeyboardInterrupt):
                    time.sleep(0.01)

    def _wait(self) -> None:
        waited = self._done.wait(self.seconds)
        while not waited:
            with self._turn:
                if self._done.is_set():
                    return
                self.fired = True
                _thread.interrupt_main()
            waited = self._done.wait(_AGAIN)

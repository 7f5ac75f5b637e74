"""Run a submission's code in a process of its own that has never seen an expected value.

The process gets the submission's source and the inputs; back comes an observation, as checked raw
bytes (`probes.wire`). It may lie, hang or die: what it says is only ever compared.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

from checkers.engine.exercise import Case, Exercise
from checkers.engine.registry import ROOT, find_lesson, lessons_before
from probes import wire
from probes.running import Inputs, address_of

_GRACE_SECONDS = 5.0
_START_SECONDS = 120.0
_STATUSES = {"ran", "not attempted", "raised", "missing", "timed out", "out of memory", "crashed"}

Cells = Sequence[tuple[str, str]]


class Worker:
    """A worker process, started when first needed and again whenever it is lost.

    Use it as a context manager; leaving it kills the process and all it started.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Worker:
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def run_case(
        self, cells: Cells, exercise: Exercise, case: Case, inputs: Inputs, seed: int
    ) -> dict[str, Any]:
        """Run one probe on one function of a submission.

        Args:
            cells: (label, source) of every code cell.
            exercise: names the function.
            case: the probe and its limits.
            inputs: what the probe is given.
            seed: seeds the global generators in the process.

        Returns:
            An outcome as `probes.running.run_probe` describes it; its strings are the submission's
            own words.
        """
        job = {
            "cells": [list(cell) for cell in cells],
            "name": exercise.name,
            "probe": address_of(case.probe),
            "inputs": inputs,
            "seed": seed,
            "time_limit": case.time_limit,
            "memory_limit": case.memory_limit,
            "given_solutions": lessons_before(find_lesson(exercise.lesson)),
        }
        return _validated(self._ask(wire.encode(job), case.time_limit))

    def _ask(self, message: bytes, time_limit: float) -> dict[str, Any]:
        process = self._running()
        assert process.stdin is not None and process.stdout is not None
        first = not getattr(process, "answered", False)
        patience = time_limit + _GRACE_SECONDS + (_START_SECONDS if first else 0.0)
        with _killed_after(process, patience) as too_late:
            try:
                process.stdin.write(message)
                process.stdin.flush()
                reply = wire.read_message(process.stdout)
            except (OSError, wire.WireError):
                reply = None
        if reply is None:
            self._stop()
            if too_late.is_set():
                return {"status": "timed out"}
            return {"status": "crashed", "message": "The process ended without an answer."}
        process.answered = True  # type: ignore[attr-defined]
        try:
            return wire.decode(reply)
        except wire.WireError as error:
            self._stop()
            return {"status": "crashed", "message": f"Its answer cannot be read: {error}."}

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._start()
        assert self._process is not None
        return self._process

    def _start(self) -> None:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "MPLBACKEND": "agg",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "probes.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=ROOT,
            start_new_session=True,
        )

    def _stop(self) -> None:
        if self._process is None:
            return
        _kill(self._process)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process.wait()
        self._process = None


@contextlib.contextmanager
def _killed_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[threading.Event]:
    """Kill the process if the body takes longer; the event tells whether that happened."""
    too_late = threading.Event()

    def give_up() -> None:
        too_late.set()
        _kill(process)

    timer = threading.Timer(seconds, give_up)
    timer.start()
    try:
        yield too_late
    finally:
        timer.cancel()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _validated(outcome: Any) -> dict[str, Any]:
    """Keep what an outcome may hold, of the right type and size; anything else is "crashed"."""
    if not isinstance(outcome, dict) or outcome.get("status") not in _STATUSES:
        return {"status": "crashed", "message": "Its answer is of no known form."}
    clean: dict[str, Any] = {"status": outcome["status"]}
    for key in ("message", "type", "missing_name", "left_out_in"):
        if isinstance(outcome.get(key), str):
            clean[key] = outcome[key][:1000]
    where = outcome.get("where")
    if isinstance(where, dict) and isinstance(where.get("line"), int):
        clean["where"] = {
            "line": where["line"],
            **{key: str(where.get(key, ""))[:300] for key in ("cell", "text")},
        }
    problems = outcome.get("problems")
    if isinstance(problems, list):
        clean["problems"] = [str(problem)[:300] for problem in problems[:20]]
    if clean["status"] == "ran":
        clean["observation"] = outcome.get("observation")
    return clean

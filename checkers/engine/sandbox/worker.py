"""Run a submission's code in a process of its own that has never seen an expected value.

The process gets the submission's source and the inputs; back comes an observation, as checked raw
bytes (`inside.plain`). It may lie, hang or die: what it says is only ever compared.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from checkers.engine.sandbox.inside import linux, plain
from checkers.engine.sandbox.inside.confinement import Limits
from checkers.engine.sandbox.levels import IsolationError, Level
from checkers.engine.sandbox.processes import Box, ForkedBox, ProcessBox, Server, tested_server
from checkers.engine.sandbox.reasons import explained, missing_program, refuses_to_run_as
from checkers.engine.sandbox.view import Tree, View
from checkers.engine.sandbox.ways import Way, ways

_STATUSES = {"ran", "not attempted", "raised", "missing", "timed out", "out of memory", "crashed"}

Cells = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Task:
    """One function of a submission to run, and with what.

    Attributes:
        cells: (label, source) of every code cell of the submission.
        given: source and names of modules that it may import: {name: {"source", "names"}}.
        name: of the function or class.
        probe: "package.module:function", what calls it and records what it does.
        probe_sources: the source of all probes that may run in the same box.
        inputs: what the probe is given: arrays and plain values.
        seed: of the global generators in the process.
        time_limit: seconds.
        memory_limit: bytes on top of what torch takes.
    """

    cells: Cells
    given: Mapping[str, Mapping[str, Any]]
    name: str
    probe: str
    probe_sources: str
    inputs: Mapping[str, Any]
    seed: int
    time_limit: float
    memory_limit: int


class Worker:
    """A process with torch loaded that runs submissions in boxes, one after another.

    A box is a process for one submission; it serves task after task and is replaced when it is
    lost. Use the worker as a context manager; leaving it ends all processes it started.

    Args:
        view: what submissions can see.
        require: the least isolation to put up with.
        at_most: the most to try for; lower it only to test.

    Attributes:
        level: how well submissions are kept apart; known once the worker has started.
        holds: the facts of `inside.self_test` that were found to hold.
        shortfalls: why each better level can't be had here.

    Raises:
        IsolationError: when it starts, if `require` can't be had.
    """

    def __init__(
        self, view: View, require: Level = Level.PROCESS, *, at_most: Level = Level.SANDBOX
    ) -> None:
        self.level: Level | None = None
        self.holds: frozenset[str] = frozenset()
        self.shortfalls: list[str] = []
        self._view, self._require, self._at_most = view, require, at_most
        self._tree: Tree | None = None
        self._way: Way | None = None
        self._server: Server | None = None
        self._box: Box | None = None
        self._key: Any = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def run(self, task: Task) -> dict[str, Any]:
        """Run one probe on one function of a submission.

        Returns:
            An outcome as `inside.running.run_probe` describes it; its strings are the submission's
            own words.

        Raises:
            IsolationError: if no process can be started to run it in.
        """
        try:
            submission = plain.encode(
                {
                    "cells": [list(cell) for cell in task.cells],
                    "given_solutions": {name: dict(one) for name, one in task.given.items()},
                }
            )
        except (plain.WireError, UnicodeEncodeError):
            megabytes = plain.MAX_HEADER // 2**20
            return {
                "status": "crashed",
                "message": f"The submission's code is larger than {megabytes} MB, or no text.",
            }
        request = plain.encode(
            {
                "name": task.name,
                "probe": task.probe,
                "inputs": dict(task.inputs),
                "seed": task.seed,
                "seconds": task.time_limit / 2,  # the first task of a box reads the submission
            }
        )
        outcome, was_fresh = self._ask(submission, request, task)
        if outcome["status"] in ("crashed", "out of memory") and not was_fresh:
            # It may be what an earlier task left behind: each has a right to a fresh box.
            self.finish()
            outcome, _ = self._ask(submission, request, task)
        return outcome

    def finish(self) -> None:
        """End the current submission's processes; the next case starts new ones."""
        box, self._box, self._key = self._box, None, None
        if box is not None:
            box.end()

    def _ask(self, submission: bytes, request: bytes, task: Task) -> tuple[dict[str, Any], bool]:
        """The outcome, and whether it comes from a box that had served nothing before."""
        key = (submission, task.memory_limit)
        fresh = self._box is None or self._key != key
        if fresh:
            self.finish()
            self._box, self._key = self._open(task), key
            request = submission + request
        assert self._box is not None
        deadline = time.monotonic() + task.time_limit
        try:
            self._box.send(request, deadline)
            reply = self._box.receive(deadline)
            self._box.sweep()
            return _validated(plain.decode(reply)), fresh
        except TimeoutError:
            self.finish()
            return {"status": "timed out"}, fresh
        except plain.WireError as error:
            self.finish()
            return {"status": "crashed", "message": f"Its answer cannot be read: {error}."}, fresh
        except OSError:
            box, self._box, self._key = self._box, None, None
            return _loss(box.end(lost=True)), fresh

    def _open(self, task: Task) -> Box:
        """A fresh box, in a fresh worker process if the first attempt fails."""
        problem: Exception | None = None
        for _ in range(2):
            if self._server is None and self._way is None:
                self._start()
            assert self._way is not None and self._tree is not None
            try:
                if self._way.level is Level.PROCESS:
                    return ProcessBox(self._way, self._view, self._tree)
                if self._server is None:
                    self._server = Server(self._way, self._view, self._tree)
                    self._server.load()
                self._server.load_for(_code_for(task))
                return ForkedBox(self._server, Limits(memory=task.memory_limit))
            except (OSError, IsolationError) as error:
                problem = error
                self._end_server()
        raise IsolationError(f"No process can be started to run submissions in: {problem}")

    def _start(self) -> None:
        """Find the best way that works here."""
        self._tree = self._tree or Tree(self._view)
        if self._at_most > Level.LANDLOCK and (missing := missing_program()):
            self.shortfalls.append(f"{Level.SANDBOX}: {missing}.")
        if sys.platform == "linux":
            linux.set_dumpable(False)  # no submission of the same user may read its memory
        for way in ways(self._view, self._tree, self._at_most):
            if way.level < self._require:
                break
            try:
                locked_in = way.walled or way.landlock
                if way.user is not None and not locked_in and (why := refuses_to_run_as(way.user)):
                    raise IsolationError(why)
                if way.level is not Level.PROCESS:
                    self._server, self.holds = tested_server(way, self._view, self._tree)
            except (OSError, IsolationError) as error:
                self.shortfalls.append(f"{way.level}: {explained(str(error))}.")
                continue
            self._way, self.level = way, way.level
            return
        reasons = " ".join(shortfall[:1].upper() + shortfall[1:] for shortfall in self.shortfalls)
        raise IsolationError(
            f"This system gives no isolation of level {self._require}. {reasons} "
            f"Mend that, or ask for a lower level."
        )

    def _stop(self) -> None:
        with contextlib.suppress(OSError):
            self.finish()
        self._end_server()
        tree, self._tree = self._tree, None
        if tree is not None:
            tree.remove()

    def _end_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()


def _code_for(task: Task) -> str:
    """A submission's code, that of the given modules which it names, and its probes'."""
    code = "\n".join(source for _, source in task.cells)
    named = (one["source"] for name, one in task.given.items() if name in code)
    return "\n".join([code, *named, task.probe_sources])


def _loss(end: dict[str, Any]) -> dict[str, Any]:
    """The outcome for a box that ended without an answer."""
    code = end.get("exit")
    if end.get("reason") == "memory":
        return {"status": "out of memory"}
    if not isinstance(code, int):
        return {"status": "crashed", "message": "The process ended without an answer."}
    if code >= 0:
        message = f"The process ended by itself with exit code {code}."
        return {"status": "crashed", "message": message}
    if -code == getattr(signal, "SIGXCPU", None):
        return {"status": "timed out"}
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if -code == signal.SIGKILL:
        message = f"The process was killed ({name}), perhaps because the machine ran out of memory."
        return {"status": "crashed", "message": message}
    return {"status": "crashed", "message": f"The process died of {name}."}


def _validated(outcome: Any) -> dict[str, Any]:
    """Keep what an outcome may hold, of the right type and size; anything else is "crashed"."""
    status = outcome.get("status") if isinstance(outcome, dict) else None
    if not isinstance(status, str) or status not in _STATUSES:
        return {"status": "crashed", "message": "Its answer is of no known form."}
    clean: dict[str, Any] = {"status": status}
    for key in ("message", "type", "missing_name", "lost"):
        if isinstance(outcome.get(key), str):
            clean[key] = outcome[key][:1000]
    where = outcome.get("where")
    if isinstance(where, dict) and isinstance(where.get("line"), int):
        clean["where"] = {
            "line": where["line"],
            **{key: str(where.get(key, ""))[:300] for key in ("cell", "text")},
        }
    for key in ("problems", "doubts"):
        if isinstance(sentences := outcome.get(key), list):
            clean[key] = [str(sentence)[:400] for sentence in sentences[:20]]
    if status == "ran":
        clean["observation"] = outcome.get("observation")
    return clean

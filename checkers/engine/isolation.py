"""Run a submission's code in a process of its own that has never seen an expected value.

The process gets the submission's source and the inputs; back comes an observation, as checked raw
bytes (`probes.wire`). It may lie, hang or die: what it says is only ever compared. How well it is
locked in is a matter of `checkers.engine.sandbox`.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from functools import cache
from types import TracebackType
from typing import Any, Protocol

from checkers.engine.exercise import Case, Exercise
from checkers.engine.registry import ROOT, find_lesson, lessons_before
from checkers.engine.sandbox import (
    DESCRIPTIONS,
    IsolationError,
    Level,
    Way,
    environment,
    self_test_arguments,
    ways,
)
from probes import wire
from probes.confinement import Limits
from probes.running import Inputs, address_of

_START_SECONDS = 120.0
_BOX_SECONDS = 60.0
_MAX_LINE = 65536
_STATUSES = {"ran", "not attempted", "raised", "missing", "timed out", "out of memory", "crashed"}

Cells = Sequence[tuple[str, str]]


class Worker:
    """A process with torch loaded that runs submissions in boxes, one after another.

    A box is a process for one submission and lesson; it serves case after case and is replaced when
    it is lost. Use the worker as a context manager; leaving it ends all processes it started.

    Args:
        require: the least isolation to put up with.
        at_most: the most to try for; lower it only to test.

    Attributes:
        level: how well submissions are kept apart; known once the worker has started.
        description: what that means, in a sentence.
        holds: the facts of `probes.self_test` that were found to hold.
        shortfalls: why each better level can't be had here.

    Raises:
        IsolationError: when it starts, if `require` can't be had.
    """

    def __init__(self, require: Level = Level.PROCESS, *, at_most: Level = Level.SANDBOX) -> None:
        self.level: Level | None = None
        self.holds: frozenset[str] = frozenset()
        self.shortfalls: list[str] = []
        self._require, self._at_most = require, at_most
        self._way: Way | None = None
        self._server: _Server | None = None
        self._box: _Box | None = None
        self._key: Any = None

    @property
    def description(self) -> str:
        """The level reached and what it means."""
        return "not started" if self.level is None else DESCRIPTIONS[self.level]

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

        Raises:
            IsolationError: if no process can be started to run it in.
        """
        try:
            submission = wire.encode(
                {
                    "cells": [list(cell) for cell in cells],
                    "given_solutions": _given_solutions(exercise.lesson),
                }
            )
        except (wire.WireError, UnicodeEncodeError):
            megabytes = wire.MAX_HEADER // 2**20
            return {
                "status": "crashed",
                "message": f"The submission's code is larger than {megabytes} MB, or no text.",
            }
        request = wire.encode(
            {
                "name": exercise.name,
                "probe": address_of(case.probe),
                "inputs": inputs,
                "seed": seed,
            }
        )
        outcome, was_fresh = self._ask(submission, request, case)
        if outcome["status"] in ("crashed", "out of memory") and not was_fresh:
            # It may be what an earlier case left behind: every case has a right to a fresh box.
            self.finish()
            outcome, _ = self._ask(submission, request, case)
        return outcome

    def finish(self) -> None:
        """End the current submission's processes; the next case starts new ones."""
        box, self._box, self._key = self._box, None, None
        if box is not None:
            box.end()

    def _ask(self, submission: bytes, request: bytes, case: Case) -> tuple[dict[str, Any], bool]:
        """The outcome, and whether it comes from a box that had served nothing before."""
        key = (submission, case.memory_limit)
        fresh = self._box is None or self._key != key
        if fresh:
            self.finish()
            self._box, self._key = self._open(Limits(memory=case.memory_limit)), key
            request = submission + request
        assert self._box is not None
        deadline = time.monotonic() + case.time_limit
        try:
            self._box.send(request, deadline)
            reply = self._box.receive(deadline)
            self._box.sweep()
            return _validated(wire.decode(reply)), fresh
        except TimeoutError:
            self.finish()
            return {"status": "timed out"}, fresh
        except wire.WireError as error:
            self.finish()
            return {"status": "crashed", "message": f"Its answer cannot be read: {error}."}, fresh
        except OSError:
            box, self._box, self._key = self._box, None, None
            return _loss(box.end(lost=True)), fresh

    def _open(self, limits: Limits) -> _Box:
        """A fresh box, in a fresh worker process if the first attempt fails."""
        problem: Exception | None = None
        for _ in range(2):
            if self._server is None and self._way is None:
                self._start()
            assert self._way is not None
            try:
                if self._way.level is Level.PROCESS:
                    return _ProcessBox()
                if self._server is None:
                    self._server = _Server(self._way)
                    self._server.load()
                return _ForkedBox(self._server, limits, self._way.own_namespaces)
            except (OSError, IsolationError) as error:
                problem = error
                self._end_server()
        raise IsolationError(f"No process can be started to run submissions in: {problem}")

    def _start(self) -> None:
        """Find the best way that works here."""
        for way in ways(self._at_most):
            if way.level < self._require:
                break
            try:
                if way.level is not Level.PROCESS:
                    self._server, self.holds = _tested_server(way)
            except (OSError, IsolationError) as error:
                self.shortfalls.append(f"{way.level}: {error}")
                continue
            self._way, self.level = way, way.level
            return
        reasons = " ".join(f"({shortfall})" for shortfall in self.shortfalls)
        raise IsolationError(
            f"This system gives no isolation of level {self._require}. {reasons} "
            f"Install bubblewrap (Debian, Ubuntu: apt install bubblewrap), allow user namespaces, "
            f"or ask for a lower level."
        )

    def _stop(self) -> None:
        with contextlib.suppress(OSError):
            self.finish()
        self._end_server()

    def _end_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()


class _Box(Protocol):
    """A process that serves one submission's cases."""

    def send(self, message: bytes, deadline: float) -> None:
        """Send it a message; OSError if it is lost, TimeoutError if it doesn't listen in time."""
        ...

    def receive(self, deadline: float) -> bytes:
        """Its next message; OSError if it is lost, TimeoutError if it says nothing in time."""
        ...

    def sweep(self) -> None:
        """End the processes that the last case has started and left."""
        ...

    def end(self, lost: bool = False) -> dict[str, Any]:
        """End it; {"exit", "reason"} as in `probes.keeper.Box.end`."""
        ...


class _Server:
    """A running `probes.worker`."""

    def __init__(self, way: Way) -> None:
        self._scratch = None if way.private_tmp else tempfile.mkdtemp(prefix="checkers-")
        if self._scratch is not None and way.user is not None:
            os.chown(self._scratch, way.user, way.user)
        scratch = self._scratch or "/tmp"
        empty = [scratch] if not way.own_namespaces else []
        self._control, theirs = socket.socketpair()
        settings = {
            "control": theirs.fileno(),
            "walls": way.walls,
            "user": way.user,
            "scratch": scratch,
            "empty": empty,
        }
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (read if it does not start)
        self.process = subprocess.Popen(
            [*way.command, sys.executable, "-m", "probes.worker", json.dumps(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env=environment(scratch),
            cwd=ROOT,
            start_new_session=True,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def load(self) -> None:
        """Have it import torch and all else that submissions import."""
        self.order({"load": True})
        self.answer(_START_SECONDS)

    def order(self, order: dict[str, Any], channel: socket.socket | None = None) -> None:
        """Send an order, and the socket that goes with it."""
        text = json.dumps(order).encode() + b"\n"
        self._control.settimeout(_BOX_SECONDS)
        socket.send_fds(self._control, [text], [] if channel is None else [channel.fileno()])

    def answer(self, seconds: float) -> dict[str, Any]:
        """Its answer to the last order.

        Raises:
            IsolationError: if it has none; the message says why.
        """
        try:
            return _read_line(self._control, time.monotonic() + seconds)
        except OSError as error:
            raise IsolationError(self.last_words() or str(error)) from None

    def last_words(self) -> str:
        """The last line that it wrote to standard error."""
        if self._errors.closed:
            return ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1.0)
        self._errors.seek(0)
        lines = self._errors.read()[-4096:].decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def stop(self) -> None:
        """End it and all it started; it is of no use any more."""
        if self._errors.closed:
            return
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(2.0)  # it ends its box and itself; by force only if it doesn't
        _kill(self.process)
        self.process.wait()
        self._errors.close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)


class _ForkedBox:
    """A box that a `_Server` has forked."""

    def __init__(
        self,
        server: _Server,
        limits: Limits,
        own_namespaces: bool,
        self_test: dict[str, Any] | None = None,
    ) -> None:
        self._server = server
        self._channel, theirs = socket.socketpair()
        order = {
            "box": limits.as_dict(),
            "own_namespaces": own_namespaces,
            "self_test": self_test,
        }
        try:
            server.order(order, theirs)
        finally:
            theirs.close()
        try:
            greeting = self.line()
        except OSError:
            raise IsolationError(server.last_words() or "The box did not start.") from None
        if greeting.get("ready") is not True:
            raise IsolationError(f"{str(greeting.get('error'))[:300]}.")

    def line(self) -> dict[str, Any]:
        """A line of JSON, as the box writes before any student's code has run in it."""
        return _read_line(self._channel, time.monotonic() + _BOX_SECONDS)

    def send(self, message: bytes, deadline: float) -> None:
        self._channel.settimeout(_left(deadline))
        self._channel.sendall(message)

    def receive(self, deadline: float) -> bytes:
        lengths = self._receive_exactly(wire.LENGTHS_SIZE, deadline)
        return lengths + self._receive_exactly(wire.size_after(lengths), deadline)

    def _receive_exactly(self, size: int, deadline: float) -> bytes:
        received = bytearray()
        while len(received) < size:
            self._channel.settimeout(_left(deadline))
            chunk = self._channel.recv(min(size - len(received), 2**20))
            if not chunk:
                raise ConnectionResetError("the box has ended")
            received += chunk
        return bytes(received)

    def sweep(self) -> None:
        self._server.order({"sweep": True})

    def end(self, lost: bool = False) -> dict[str, Any]:
        self._channel.close()
        try:
            self._server.order({"end": True, "lost": lost})
            return self._server.answer(_BOX_SECONDS)
        except (OSError, IsolationError):
            self._server.stop()
            return {"exit": None, "reason": None}


class _ProcessBox:
    """A box where there is no fork: a new process, which loads torch for itself."""

    def __init__(self) -> None:
        self._scratch = tempfile.mkdtemp(prefix="checkers-")
        variables = {"TEMP": self._scratch, "TMP": self._scratch, "USERPROFILE": self._scratch}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "probes.box"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment(self._scratch), **variables},
            cwd=ROOT,
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests, self._replies = self._process.stdin, self._process.stdout
        self._within(time.monotonic() + _START_SECONDS, self._replies.readline)

    def send(self, message: bytes, deadline: float) -> None:
        def write() -> bytes:
            self._requests.write(message)
            self._requests.flush()
            return b""

        self._within(deadline, write)

    def receive(self, deadline: float) -> bytes:
        message = self._within(deadline, lambda: wire.read_message(self._replies))
        if message is None:
            raise ConnectionResetError("the process has ended")
        return message

    def _within(self, deadline: float, action: Any) -> Any:
        """Do `action`; the process is killed if it takes too long."""
        too_late = threading.Event()

        def give_up() -> None:
            too_late.set()
            _kill(self._process)

        timer = threading.Timer(_left(deadline), give_up)
        timer.start()
        try:
            result = action()
        except (OSError, wire.WireError):
            if too_late.is_set():
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()
        if too_late.is_set():
            raise TimeoutError
        return result

    def sweep(self) -> None:
        pass  # they end with the process

    def end(self, lost: bool = False) -> dict[str, Any]:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.05)
        code = self._process.poll()
        _kill(self._process)
        self._process.wait()
        for stream in (self._requests, self._replies):
            with contextlib.suppress(OSError):
                stream.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        return {"exit": code, "reason": None}


def _tested_server(way: Way) -> tuple[_Server, frozenset[str]]:
    """A server started in this way and what holds in it, if it keeps what the way promises."""
    server = _Server(way)
    try:
        box = _ForkedBox(server, Limits(), way.own_namespaces, self_test_arguments())
        facts = box.line()
        box.end()
        missing = sorted(fact for fact in way.facts if facts.get(fact) is not True)
        if missing:
            names = ", ".join(missing).replace("_", " ")
            raise IsolationError(f"the self-test found that this does not hold: {names}.")
        server.load()
    except BaseException:
        server.stop()
        raise
    return server, frozenset(fact for fact, holds in facts.items() if holds is True)


@cache
def _given_solutions(lesson: str) -> dict[str, dict[str, Any]]:
    """Source and names of the solutions that come before `lesson`."""
    given: dict[str, dict[str, Any]] = {}
    for name in lessons_before(find_lesson(lesson)):
        source = (ROOT / "solutions" / f"{name}.py").read_text(encoding="utf-8")
        given[name] = {"source": source, "names": _offered(source)}
    return given


def _offered(source: str) -> list[str]:
    """What a module lists in `__all__`."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def _read_line(channel: socket.socket, deadline: float) -> dict[str, Any]:
    line = bytearray()
    while not line.endswith(b"\n"):
        channel.settimeout(_left(deadline))
        chunk = channel.recv(1)
        if not chunk or len(line) > _MAX_LINE:
            raise ConnectionResetError("the process has ended")
        line += chunk
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ConnectionResetError("the process does not answer in the agreed form")
    return value


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


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
    if status == "ran":
        clean["observation"] = outcome.get("observation")
    return clean

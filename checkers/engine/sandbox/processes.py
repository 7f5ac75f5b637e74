"""The processes that submissions run in: boxes, and the server that forks them.

The strings and numbers that come from a box may be lies. What they are taken for is the business of
`worker`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from checkers.engine.sandbox.inside import plain
from checkers.engine.sandbox.inside.confinement import Limits, Locks
from checkers.engine.sandbox.inside.removal import remove_tree
from checkers.engine.sandbox.levels import IsolationError
from checkers.engine.sandbox.view import (
    PLACE,
    Tree,
    View,
    environment,
    mounts,
    readable,
    self_test_arguments,
)
from checkers.engine.sandbox.ways import Way

_INSIDE = "checkers.engine.sandbox.inside"
_ZYGOTE, _RUNNER = f"{_INSIDE}.zygote", f"{_INSIDE}.runner"
_START_SECONDS = 120.0
_BOX_SECONDS = 60.0
_MAX_LINE = 65536


class Box(Protocol):
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
        """End it; {"exit", "reason"} as in `inside.supervisor.Box.end`."""
        ...


class Server:
    """A running `inside.zygote`.

    Args:
        way: how to start it.
        view: what it shows to submissions.
        tree: the copied part of that.

    Attributes:
        process: the running program.
        scratch: the folder that boxes can write to, as they see it.
        tree: where the tree lies, as they see it.
    """

    def __init__(self, way: Way, view: View, tree: Tree) -> None:
        self._view = view
        self._loaded: set[str] = set()
        self._scratch = None if way.walled else tempfile.mkdtemp(prefix="checkers-")
        if self._scratch is not None and way.user is not None:
            os.chown(self._scratch, way.user, way.user)
        self.scratch = scratch = self._scratch or "/tmp"
        self.tree = PLACE if way.walled else str(tree.folder)
        empty = [scratch] if not way.own_namespaces else []
        self._control, theirs = socket.socketpair()
        settings = {
            "control": theirs.fileno(),
            "user": way.user,
            "locks": _locks(way, view, tree, scratch).as_dict(),
            "empty": empty,
        }
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (read if it does not start)
        self.process = subprocess.Popen(
            [*way.command, sys.executable, "-m", _ZYGOTE, json.dumps(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env=environment(view, scratch, self.tree),
            cwd=tree.folder,
            start_new_session=True,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def load(self) -> None:
        """Have it import torch and all else that submissions import."""
        self._load(self._view.preload)

    def load_for(self, code: str) -> None:
        """Have it import what takes long and what `code` may need, unless it has already."""
        mentioned = (module for word, module in self._view.preload_for.items() if word in code)
        if missing := [module for module in mentioned if module not in self._loaded]:
            self._load(missing)

    def _load(self, modules: Sequence[str]) -> None:
        self.order({"load": list(modules)})
        self.answer(_START_SECONDS)
        self._loaded.update(modules)

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
            remove_tree(self._scratch)


def _locks(way: Way, view: View, tree: Tree, scratch: str) -> Locks:
    in_tmp = [path for path, shows in mounts(view) if shows and Path(path).is_relative_to("/tmp")]
    return Locks(
        scratch=scratch,
        own_namespaces=way.own_namespaces,
        kept=tuple(in_tmp) if way.own_namespaces else (),
        readable=readable(view, tree) if way.landlock else None,
        reads_all=way.landlock and way.user is not None,
    )


class ForkedBox:
    """A box that a `Server` has forked."""

    def __init__(
        self, server: Server, limits: Limits, self_test: dict[str, Any] | None = None
    ) -> None:
        self._server = server
        self._channel, theirs = socket.socketpair()
        order = {"box": limits.as_dict(), "self_test": self_test}
        try:
            server.order(order, theirs)
        except OSError as error:  # it ended before it could be asked
            raise IsolationError(server.last_words() or str(error)) from None
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
        """As `Box.send`."""
        self._channel.settimeout(_left(deadline))
        self._channel.sendall(message)

    def receive(self, deadline: float) -> bytes:
        """As `Box.receive`."""
        lengths = self._receive_exactly(plain.LENGTHS_SIZE, deadline)
        return lengths + self._receive_exactly(plain.size_after(lengths), deadline)

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
        """As `Box.sweep`."""
        self._server.order({"sweep": True})

    def end(self, lost: bool = False) -> dict[str, Any]:
        """As `Box.end`."""
        self._channel.close()
        try:
            self._server.order({"end": True, "lost": lost})
            return self._server.answer(_BOX_SECONDS)
        except (OSError, IsolationError):
            self._server.stop()
            return {"exit": None, "reason": None}


class ProcessBox:
    """A box where there is no fork: a new process, which loads torch for itself."""

    def __init__(self, way: Way, view: View, tree: Tree) -> None:
        self._scratch = tempfile.mkdtemp(prefix="checkers-")
        if way.user is not None:
            os.chown(self._scratch, way.user, way.user)
        variables = {"TEMP": self._scratch, "TMP": self._scratch, "USERPROFILE": self._scratch}
        self._process = subprocess.Popen(
            [sys.executable, "-m", _RUNNER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment(view, self._scratch, str(tree.folder)), **variables},
            cwd=tree.folder,
            start_new_session=True,
            user=way.user,
            group=way.user,
            extra_groups=None if way.user is None else [],
        )
        self._requests = cast(BinaryIO, self._process.stdin)
        self._replies = cast(BinaryIO, self._process.stdout)
        self._within(time.monotonic() + _START_SECONDS, self._replies.readline)

    def send(self, message: bytes, deadline: float) -> None:
        """As `Box.send`."""

        def write() -> bytes:
            self._requests.write(message)
            self._requests.flush()
            return b""

        self._within(deadline, write)

    def receive(self, deadline: float) -> bytes:
        """As `Box.receive`."""
        message = self._within(deadline, lambda: plain.read_message(self._replies))
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
        except (OSError, plain.WireError):
            if too_late.is_set():
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()
        if too_late.is_set():
            raise TimeoutError
        return result

    def sweep(self) -> None:
        """As `Box.sweep`."""
        pass  # they end with the process

    def end(self, lost: bool = False) -> dict[str, Any]:
        """As `Box.end`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.05)
        code = self._process.poll()
        _kill(self._process)
        self._process.wait()
        for stream in (self._requests, self._replies):
            with contextlib.suppress(OSError):
                stream.close()
        remove_tree(self._scratch)
        return {"exit": code, "reason": None}


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


def tested_server(way: Way, view: View, tree: Tree) -> tuple[Server, frozenset[str]]:
    """A server started in this way and what holds in it, if it keeps what the way promises.

    Raises:
        IsolationError: if it does not start, or not all holds that the way promises.
    """
    server = Server(way, view, tree)
    try:
        test = self_test_arguments(view, server.tree, server.scratch)
        box = ForkedBox(server, Limits(), test)
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

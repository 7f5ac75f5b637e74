"""A box: the process that runs one student's code, and the supervisor that watches and ends it.

The supervisor is forked from the zygote, makes the box's namespaces and forks the process in it. It
holds nothing of any student, and the box can't reach it. When it is told to, when that process
ends, or when the box takes too much memory, it ends everything in the box.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from checkers.engine.sandbox.inside import linux, seen
from checkers.engine.sandbox.inside.confinement import Limits, Locks, confine, enter_namespaces

_LOOK_EVERY = 0.02
_LAST_MOMENT = 0.5
_GIVE_UP_AFTER = 10.0
_NAP = "1000000000"
_FIRST_IN_BOX = 2  # after the init
_SWEEP, _LOST = b"s", b"l"
_SWEEPS = 20


@dataclass(frozen=True)
class Box:
    """The zygote's hold on a box."""

    supervisor: int
    life: int
    report: int

    def sweep(self) -> None:
        """Have every process in the box killed but the one that was there from the start."""
        with contextlib.suppress(OSError):
            os.write(self.life, _SWEEP)

    def end(self, lost: bool = False) -> dict[str, Any]:
        """End the box, if it hasn't ended, and say how it ended.

        Args:
            lost: whether it seems to end by itself, and should be given a moment for that.

        Returns:
            {"exit": exit code or minus the signal's number, None if it was ended from outside;
            "reason": "memory" if it held too much, "processes" if they could not be swept away}.
        """
        with contextlib.suppress(OSError):
            if lost:
                os.write(self.life, _LOST)
        os.close(self.life)
        report = b""
        while select.select([self.report], [], [], 2 * _GIVE_UP_AFTER)[0]:
            chunk = os.read(self.report, 4096)
            if not chunk:
                break
            report += chunk
        else:
            os._exit(1)  # a supervisor that is stuck: the zygote's end is the end of all below it
        os.close(self.report)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.supervisor, 0)
        try:
            return json.loads(report)
        except ValueError:
            return {"exit": None, "reason": None}


def open_box(
    channel: int,
    limits: Limits,
    locks: Locks,
    live: Callable[[int], None],
) -> Box:
    """Start a box.

    Args:
        channel: a socket; the box sends a line of JSON when it stands, {"ready": true} or
            {"error": why not}, and then `live` has it.
        limits: what may be used in it.
        locks: how it is locked in.
        live: what goes on in the box; it is called with `channel`.
    """
    life_end, life = os.pipe()
    report, report_end = os.pipe()
    supervisor = os.fork()
    if supervisor == 0:
        try:
            _close_all_but(channel, life_end, report_end)
            _keep(channel, life_end, report_end, limits, locks, live)
        except BaseException:
            traceback.print_exc()  # the zygote's standard error: the checker may quote it
        finally:
            os._exit(1)
    os.close(life_end)
    os.close(report_end)
    return Box(supervisor, life, report)


def _keep(
    channel: int,
    life_end: int,
    report_end: int,
    limits: Limits,
    locks: Locks,
    live: Callable[[int], None],
) -> None:
    init = None
    if sys.platform == "linux":
        linux.die_with_parent()
        linux.adopt_orphans()
    if locks.own_namespaces:
        try:
            enter_namespaces(limits, locks)
            linux.raise_spawned_above_us()
            nap = shutil.which("sleep", path=os.defpath) or "/usr/bin/sleep"
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # for the init: orphans need no wait
            init = os.posix_spawn(nap, [nap, _NAP], {})
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        except (OSError, AttributeError) as error:
            _say(channel, {"error": f"a box cannot have namespaces of its own ({error})"})
            return
    start_memory = seen.resident()
    first = os.fork()
    if first == 0:
        os.close(life_end)
        os.close(report_end)
        _live_confined(channel, limits, locks, live)
    os.close(channel)
    status, reason = None, None
    try:
        status, reason = _watch(first, life_end, init, limits.memory, start_memory)
    finally:
        if init is not None:
            # All in the box go with it; but it isn't gone before each child of ours is waited for.
            os.kill(init, signal.SIGKILL)
        end_children(first, search=init is None)
    code = None if status is None else os.waitstatus_to_exitcode(status)
    with contextlib.suppress(OSError):
        os.write(report_end, json.dumps({"exit": code, "reason": reason}).encode())
    os._exit(0)


def _live_confined(channel: int, limits: Limits, locks: Locks, live: Callable[[int], None]) -> None:
    """Become the process that runs a student's code; never returns."""
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        os.close(nothing)
        try:
            confine(limits, locks)
        except (OSError, AttributeError) as error:
            _say(channel, {"error": f"a box cannot be locked ({error})"})
        else:
            _say(channel, {"ready": True})
            live(channel)
    finally:
        os._exit(0)


def _say(channel: int, message: dict[str, Any]) -> None:
    os.write(channel, json.dumps(message).encode() + b"\n")


def _watch(
    first: int, life_end: int, init: int | None, memory: int, start_memory: int
) -> tuple[int | None, str | None]:
    """Wait for the end of the process `first`, of the zygote's patience, or of the memory."""
    pause = _LOOK_EVERY
    ends = [life_end]
    with contextlib.suppress(OSError, AttributeError):
        ends.append(os.pidfd_open(first))  # wakes at once when it ends
    while True:
        if life_end in select.select(ends, [], [], pause)[0]:
            word = os.read(life_end, 1)
            if word == _SWEEP:
                if not _swept(first, init):
                    return None, "processes"
                continue
            if word == _LOST:  # it has hung up, and may be about to end
                select.select(ends[1:], [], [], _LAST_MOMENT)
            done, status = os.waitpid(first, os.WNOHANG)
            return (status if done else None), None
        done, status = os.waitpid(first, os.WNOHANG)
        if done:
            return status, None
        before = time.monotonic()
        if _held(init, start_memory, memory) > memory:
            return None, "memory"
        pause = max(_LOOK_EVERY, 20 * (time.monotonic() - before))


def _swept(first: int, init: int | None) -> bool:
    """Kill all in the box but `first`; whether that could be done."""
    for _ in range(_SWEEPS):
        if init is None:
            stray = [
                pid for pid in seen.descendants(os.getpid()) if pid != first and seen.lives(pid)
            ]
            for pid in stray:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        else:
            stray = [pid for pid in _pids_in_box() if pid != _FIRST_IN_BOX and seen.lives(pid)]
            if stray:
                # Signals go by the numbers that processes have in the box, so from within it.
                shell = ["sh", "-c", f"kill -9 {' '.join(map(str, stray))}"]
                os.waitpid(os.posix_spawn("/bin/sh", shell, {}), 0)
        if not stray:
            return True
    return False


def _held(init: int | None, start_memory: int, memory: int) -> int:
    """Bytes that the box holds in addition to what it was born with."""
    pids = _pids_in_box() if init is not None else seen.descendants(os.getpid())
    resident = sum(seen.resident(pid) for pid in pids)
    if resident - start_memory <= memory or len(pids) == 1:
        return resident - start_memory
    # Forks share most of what each of them seems to hold: count it properly.
    return sum(seen.proportional(pid) for pid in pids) - start_memory


def _pids_in_box() -> list[int]:
    """From the box's own /proc, which the supervisor sees; without the init, which does nothing."""
    return [pid for pid in seen.pids() if pid != 1]


def end_children(first: int | None = None, *, search: bool) -> None:
    """Kill and reap every child of this process, those it has adopted included.

    Args:
        first: a child that may lead a process group.
        search: look for descendants, in a /proc that must number processes as this process does.
    """
    deadline = time.monotonic() + _GIVE_UP_AFTER
    while time.monotonic() < deadline:
        if first is not None:
            with contextlib.suppress(OSError):
                os.killpg(first, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.kill(first, signal.SIGKILL)
        for pid in seen.descendants(os.getpid()) if search else ():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def _close_all_but(*kept: int) -> None:
    """Close every descriptor but the standard three and `kept`."""
    limit = 65536
    start = 3
    for descriptor in sorted(kept):
        os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, limit)

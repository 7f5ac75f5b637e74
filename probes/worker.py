"""The process that runs a student's code, started by `checkers.engine.isolation`.

It reads jobs from standard input and writes outcomes to standard output, in the format of
`probes.wire`. Each job runs in a fork of this process, which has torch loaded already, with limits
on time and memory, and is killed with everything it started. Where there is no fork (Windows), the
job runs here and the host starts a new process if one is lost.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import sys
import time
from typing import Any, BinaryIO

import torch

from probes import given_solutions, wire
from probes.definitions import Definitions, read_definitions
from probes.running import find_probe, run_probe

CAN_FORK = hasattr(os, "fork")


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer jobs until `requests` ends. A job is what `checkers.engine.isolation` sends."""
    while (message := wire.read_message(requests)) is not None:
        job = wire.decode(message, arrays_as_tensors=True)
        reply = _run_in_fork(job) if CAN_FORK else wire.encode(_run(job))
        replies.write(reply)
        replies.flush()


def _run(job: dict[str, Any]) -> dict[str, Any]:
    """Read the submission's definitions and run one probe on the function asked for."""
    given_solutions.install(job["given_solutions"])
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        definitions = read_definitions([(label, source) for label, source in job["cells"]])
        student = definitions.module.__dict__.get(job["name"])
        if not callable(student):
            outcome: dict[str, Any] = {"status": "missing", "message": _missing(job, definitions)}
        else:
            outcome = run_probe(find_probe(job["probe"]), student, job["inputs"], job["seed"])
    if missing_name := outcome.get("missing_name"):
        outcome["left_out_in"] = definitions.left_out.get(missing_name)
    return {**outcome, "problems": definitions.problems[:20]}


def _missing(job: dict[str, Any], definitions: Definitions) -> str:
    name = job["name"]
    if name in definitions.left_out:
        return (
            f"{name} is set in {definitions.left_out[name]}, but not by a plain `def` or `class`: "
            f"the checker reads only definitions. Write `def {name}(...):` there."
        )
    functions = [
        key
        for key, value in definitions.module.__dict__.items()
        if getattr(value, "__module__", None) == definitions.module.__name__
    ]
    found = f" Found: {', '.join(sorted(functions)[:8])}." if functions else ""
    return f"There is no {name} here. Was the stub deleted or renamed?{found}"


def _run_in_fork(job: dict[str, Any]) -> bytes:
    """Run the job in a child with a time limit; an outcome is made up for a child that is lost."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        _be_the_child(job, write_end)
    os.close(write_end)
    with contextlib.suppress(OSError):
        os.setpgid(child, child)
    reply, in_time = _collect(read_end, job["time_limit"])
    os.close(read_end)
    if not in_time:
        status = _kill_group(child)
        return wire.encode({"status": "timed out", "problems": []})
    status = _kill_group(child, grace=1.0)
    if reply:
        return reply
    return wire.encode({"status": "crashed", "message": _death(status), "problems": []})


def _be_the_child(job: dict[str, Any], write_end: int) -> None:
    """Run the job, write the outcome to the pipe and leave without any clean-up."""
    try:
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        _limit_memory(job["memory_limit"])
        torch.set_num_threads(1)  # a fork can't use the threads its parent may have started
        reply = wire.encode(_run(job))
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(reply)
    except MemoryError:
        with contextlib.suppress(BaseException):
            os.write(write_end, wire.encode({"status": "out of memory", "problems": []}))
    finally:
        os._exit(0)


def _limit_memory(extra_bytes: int) -> None:
    """Allow `extra_bytes` of address space beyond what the process has mapped already."""
    try:
        import resource

        with open("/proc/self/statm") as statm:  # noqa: PTH123  (pathlib may not be loaded yet)
            mapped = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (mapped + extra_bytes, mapped + extra_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):  # not Linux: the time limit remains
        pass


def _collect(read_end: int, time_limit: float) -> tuple[bytes, bool]:
    """All the child writes before it closes the pipe, and whether it did so in time."""
    deadline = time.monotonic() + time_limit
    chunks: list[bytes] = []
    size = 0
    while True:
        ready, _, _ = select.select([read_end], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return b"", False
        chunk = os.read(read_end, 1 << 20)
        if not chunk:
            return _whole_message(b"".join(chunks)), True
        chunks.append(chunk)
        size += len(chunk)
        if size > wire.MAX_HEADER + wire.MAX_BODY:
            return b"", True


def _whole_message(reply: bytes) -> bytes:
    """`reply` if it is one well-formed message, else nothing."""
    try:
        outcome = wire.decode(reply)
    except wire.WireError:
        return b""
    return reply if isinstance(outcome, dict) else b""


def _kill_group(child: int, grace: float = 0.0) -> int:
    """Wait `grace` seconds for the child, then kill it and all it started; its wait status."""
    status = 0
    deadline = time.monotonic() + grace
    while grace and time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            with contextlib.suppress(OSError):
                os.killpg(child, signal.SIGKILL)
            return status
        time.sleep(0.002)
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.kill(child, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        _, status = os.waitpid(child, 0)
    return status


def _death(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name
        if number == signal.SIGKILL:
            return (
                f"The process was killed ({name}), perhaps because the machine ran out of memory."
            )
        return f"The process died of {name}."
    return f"The process ended by itself with exit code {os.waitstatus_to_exitcode(status)}."


def _preload() -> None:
    """Import what submissions import, once, so that no fork pays for it again."""
    import torchvision.transforms.functional  # noqa: F401

    import lessons.workbench
    import lessons.workbench.figures  # noqa: F401


if __name__ == "__main__":
    # Replies must not mix with what imports print, so they get the real standard output.
    reply_stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _preload()
    serve(sys.stdin.buffer, reply_stream)

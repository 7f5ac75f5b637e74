"""What goes on in a box: read a submission's definitions once, then run one probe after another.

By now the process is locked in (`inside.confinement`). Requests and replies are messages of
`inside.plain`. The student's code runs in this very process and may write what it likes to the
channel; whoever reads it takes nothing on trust.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

from checkers.engine.sandbox.inside import given_solutions, plain
from checkers.engine.sandbox.inside.definitions import Definitions, read_definitions
from checkers.engine.sandbox.inside.running import find_probe, run_probe


def live(channel: int) -> None:
    """Serve the socket `channel`, without a word on standard output or standard error."""
    import torch

    torch.set_num_threads(1)  # a fork can't use the threads its parent may have started
    with (
        open(channel, "rb", closefd=False) as requests,
        open(channel, "wb", closefd=False) as replies,
    ):
        serve(requests, replies)


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more.

    The first holds the submission: {"cells": (label, source) pairs, "given_solutions"}. Every other
    is {"name", "probe", "inputs", "seed"} and is answered with an outcome.
    """
    with Path(os.devnull).open("w") as nothing:
        sys.stdout = sys.stderr = nothing
        message = plain.read_message(requests)
        if message is None:
            return
        submission = plain.decode(message, trusted=True)
        del message
        definitions = _guarded(_read, submission)
        while (message := plain.read_message(requests)) is not None:
            request = plain.decode(message, trusted=True)
            if isinstance(definitions, Definitions):
                outcome = _guarded(_run, definitions, request)
            else:
                outcome = definitions
            replies.write(_encoded(outcome))
            replies.flush()


def _read(submission: dict[str, Any]) -> Definitions:
    given_solutions.install(submission["given_solutions"])
    return read_definitions([(label, source) for label, source in submission["cells"]])


def _run(definitions: Definitions, request: dict[str, Any]) -> dict[str, Any]:
    """Run one probe on the function asked for."""
    name = request["name"]
    student = definitions.module.__dict__.get(name)
    if not callable(student):
        outcome: dict[str, Any] = {"status": "missing", "message": _missing(name, definitions)}
    else:
        probe = find_probe(request["probe"])
        outcome = run_probe(probe, student, request["inputs"], request["seed"])
    if missing_name := outcome.get("missing_name"):
        outcome["left_out_in"] = definitions.left_out.get(missing_name)
    return {**outcome, "problems": definitions.problems[:20]}


def _guarded(action: Any, *arguments: Any) -> Any:
    """What `action` gives, or an outcome for what even `run_probe` lets through."""
    try:
        return action(*arguments)
    except MemoryError:
        return {"status": "out of memory"}
    except BaseException as error:
        return {"status": "raised", "type": type(error).__name__, "message": ""}


def _encoded(outcome: dict[str, Any]) -> bytes:
    try:
        return plain.encode(outcome)
    except MemoryError:
        return plain.encode({"status": "out of memory"})
    except plain.WireError as error:
        return plain.encode({"status": "raised", "type": "ValueError", "message": str(error)})


def _missing(name: str, definitions: Definitions) -> str:
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


if __name__ == "__main__":
    # A box that is a process of its own, where there is no fork: replies get the real standard
    # output, and what anybody prints gets none.
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    stream.write(b'{"ready": true}\n')
    stream.flush()
    serve(sys.stdin.buffer, stream)

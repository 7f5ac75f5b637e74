"""What goes on in a box: read a submission's definitions once, then run one probe after another.

By now the process is locked in (`inside.confinement`). Requests and replies are messages of
`inside.plain`. The student's code runs in this very process and may write what it likes to the
channel; whoever reads it takes nothing on trust.
"""

from __future__ import annotations

import difflib
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

from checkers.engine.sandbox.inside import given_solutions, plain
from checkers.engine.sandbox.inside.definitions import MODULE_NAME, Definitions, Reader
from checkers.engine.sandbox.inside.running import find_probe, run_probe


def live(channel: int) -> None:
    """Serve the socket `channel`, without a word on standard output or standard error."""
    import torch

    torch.set_num_threads(1)  # a fork can't use the threads its parent may have started
    setattr(torch, "compile", _as_it_is)  # noqa: B010  compiling takes longer than a check
    with (
        open(channel, "rb", closefd=False) as requests,
        open(channel, "wb", closefd=False) as replies,
    ):
        serve(requests, replies)


def _as_it_is(model: Any = None, **_: Any) -> Any:
    """Stands for `torch.compile`, which changes nothing but the time; also `@compile(...)`."""
    return _as_it_is if model is None else model


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more.

    The first holds the submission: {"cells": (label, source) pairs, "given_solutions"}. Every other
    is {"name", "probe", "inputs", "seed", "seconds": for reading what the function needs} and is
    answered with an outcome.
    """
    with Path(os.devnull).open("w", encoding="utf-8") as nothing:
        sys.stdout = sys.stderr = nothing
        message = plain.read_message(requests)
        if message is None:
            return
        submission = plain.decode(message, trusted=True)
        del message
        answers = _guarded(_Answers, submission)
        while (message := plain.read_message(requests)) is not None:
            request = plain.decode(message, trusted=True)
            ready = isinstance(answers, _Answers)
            outcome = _guarded(answers.run, request) if ready else answers
            replies.write(_encoded(outcome))
            replies.flush()


class _Answers:
    """A submission's functions, each read when it is asked for first."""

    def __init__(self, submission: dict[str, Any]) -> None:
        given_solutions.install(submission["given_solutions"])
        self._reader = Reader([(label, source) for label, source in submission["cells"]])
        self._read: dict[str, Definitions] = {}

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one probe on the function asked for."""
        name = request["name"]
        if name not in self._read:
            self._read[name] = self._reader.definitions(name, request["seconds"])
        definitions = self._read[name]
        sys.modules[MODULE_NAME] = definitions.module
        student = definitions.module.__dict__.get(name)
        if not callable(student):
            outcome: dict[str, Any] = {
                "status": "missing",
                "message": self._missing(name, definitions),
            }
        else:
            probe = find_probe(request["probe"])
            outcome = run_probe(probe, student, request["inputs"], request["seed"], name)
        if missing_name := outcome.get("missing_name"):
            outcome["lost"] = definitions.lost.get(missing_name)
        said = str(outcome.get("message")) + str(outcome.get("lost"))
        problems = [problem for problem in definitions.problems if problem not in said]
        return {**outcome, "problems": problems[:20], "doubts": definitions.doubts[:20]}

    def _missing(self, name: str, definitions: Definitions) -> str:
        if name in definitions.module.__dict__:
            kind = type(definitions.module.__dict__[name]).__name__
            return f"There is no {name} here: the name stands for a value of type {kind}."
        if name in definitions.lost:
            return f"{name} could not be defined. {definitions.lost[name]}"
        functions = self._reader.functions()
        alike = difflib.get_close_matches(name, functions, n=8, cutoff=0.0)
        found = f" Found: {', '.join(alike)}." if alike else ""
        return f"There is no {name} here. Was the stub deleted or renamed?{found}"


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


if __name__ == "__main__":
    # A box that is a process of its own, where there is no fork: replies get the real standard
    # output, and what anybody prints gets none.
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    stream.write(b'{"ready": true}\n')
    stream.flush()
    serve(sys.stdin.buffer, stream)

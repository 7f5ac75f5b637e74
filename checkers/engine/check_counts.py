"""How often an exercise was checked in a notebook until it passed, as the notebook itself tells.

`check` notes the count in the metadata of the output that shows its card, and nowhere else. In a
fresh kernel it goes on from what the saved notebook says, where Jupyter tells which one that is
(JPY_SESSION_NAME, jupyter-server's session manager). What a notebook says is a student's word: it
is read for the class's overview and earns nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST = 99
"""A larger count is taken for this one."""
_SAVED_IN = "JPY_SESSION_NAME"
_MAX_BYTES = 64 * 2**20
_MIME, _ROOM = "text/html", "course"


@dataclass(frozen=True)
class CheckCount:
    """How often one exercise was checked.

    Attributes:
        exercise: its name.
        checks: of an answer, not of the stub; up to the first that passed.
        passed: whether one has.
    """

    exercise: str
    checks: int
    passed: bool

    def metadata(self) -> dict[str, Any]:
        """What stands with the card's HTML, in the metadata of the output."""
        return {
            _ROOM: {"exercise": self.exercise, "checks": self.checks, "passed": self.passed},
        }


class CheckCounter:
    """Counts the checks of one kernel, from where the saved notebook left off."""

    def __init__(self) -> None:
        self._counts: dict[str, CheckCount] = {}

    def count(self, exercise: str, *, passed: bool) -> CheckCount:
        """One more check of an answer to `exercise`; after one that passed, no more."""
        if exercise not in self._counts:
            nothing = CheckCount(exercise, 0, passed=False)
            self._counts[exercise] = _saved().get(exercise, nothing)
        before = self._counts[exercise]
        if not before.passed:
            checks = min(MOST, before.checks + 1)
            self._counts[exercise] = CheckCount(exercise, checks, passed)
        return self._counts[exercise]


def _saved() -> dict[str, CheckCount]:
    """The counts in the notebook that this kernel belongs to, as it was last saved."""
    path = Path(os.environ.get(_SAVED_IN, ""))
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return {}
        return counts_in(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return {}


def counts_in(notebook: Any) -> dict[str, CheckCount]:
    """The counts that a notebook tells, by exercise; of several the highest.

    Args:
        notebook: what its JSON holds, which may be anything; what is no count is passed over.
    """
    found: dict[str, CheckCount] = {}
    for note in _notes(notebook):
        exercise, checks = note.get("exercise"), note.get("checks")
        if not isinstance(exercise, str) or type(checks) is not int or checks < 1:
            continue
        count = CheckCount(exercise, min(checks, MOST), note.get("passed") is True)
        if exercise not in found or count.checks > found[exercise].checks:
            found[exercise] = count
    return found


def _notes(notebook: Any) -> Iterator[Mapping[str, Any]]:
    for cell in _list(notebook, "cells"):
        for output in _list(cell, "outputs"):
            note: Any = output
            for name in ("metadata", _MIME, _ROOM):
                note = note.get(name) if isinstance(note, dict) else None
            if isinstance(note, dict):
                yield note


def _list(thing: Any, name: str) -> list[Any]:
    found = thing.get(name) if isinstance(thing, dict) else None
    return found if isinstance(found, list) else []

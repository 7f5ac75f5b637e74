"""What the reference and the known mistakes do, as data: in a copy of the course without answers.

For a few seeds, each case's inputs and what every known version made of them lie beside the
lesson's checker, worked out where the answers are (`authoring.release`). A check here draws one of
these seeds. The data are numbers and the mistakes' names, no code.
"""

from __future__ import annotations

import json
import lzma
import secrets
import zipfile
from collections.abc import Callable, Hashable
from functools import cache
from pathlib import Path
from typing import Any

from checkers.engine.exercise import Exercise
from checkers.engine.memory import Memory
from checkers.engine.registry import ROOT
from checkers.engine.sandbox.inside.plain import decode

NAME = "outcomes.zip"
INDEX = "index.json"


class Outcomes(Memory):
    """One exercise's outcomes; everything else that a check needs is made and remembered.

    Args:
        file: the lesson's outcomes.
        exercise: whose.
        seeds: those that they were worked out for.
    """

    def __init__(self, file: Path, exercise: Exercise, seeds: list[int]) -> None:
        super().__init__()
        self._file, self._exercise, self._seeds = file, exercise, seeds
        self._read: dict[tuple[int, int], dict[str, Any]] = {}
        self._cases = [case.title for case in exercise.cases]
        self._own: dict[int, int] = {}

    def draw(self, seed_of_case: Callable[[int, int], int]) -> int:
        """One of the seeds; `seed_of_case` gives each case its own."""
        seed = secrets.choice(self._seeds)
        self._read.clear()
        self._own = {seed_of_case(seed, number): seed for number in range(len(self._cases))}
        return seed

    def __contains__(self, key: Hashable) -> bool:
        """Whether something was worked out, or is kept, under `key`."""
        return self._find(key) is not None or super().__contains__(key)

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What was worked out under `key`, (lesson, exercise, case, seed, what, ...)."""
        found = self._find(key)
        return super().get(key, make) if found is None else found

    def _find(self, key: Hashable) -> Any:
        assert isinstance(key, tuple)
        _, _, title, own, *what = key
        return self._case(self._own[own], self._cases.index(title)).get("/".join(what))

    def _case(self, seed: int, number: int) -> dict[str, Any]:
        if (seed, number) not in self._read:
            with zipfile.ZipFile(self._file) as archive:
                packed = archive.read(member(self._exercise.name, seed, number))
            self._read[seed, number] = unpacked(packed)
        return self._read[seed, number]


def outcomes_of(exercise: Exercise) -> Outcomes | None:
    """The outcomes that stand for the answers here; None where the answers are."""
    if exercise.name not in _open:
        file = ROOT / "checkers" / exercise.lesson / NAME
        seeds = _seeds(file)
        _open[exercise.name] = Outcomes(file, exercise, seeds) if seeds else None
    return _open[exercise.name]


_open: dict[str, Outcomes | None] = {}


@cache
def _seeds(file: Path) -> list[int]:
    if not file.is_file():
        return []
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read(INDEX))["seeds"]


def member(exercise: str, seed: int, number: int) -> str:
    """The name under which one case's outcomes lie in the file."""
    return f"{exercise}/{seed}/{number}.xz"


def packed(parts: list[bytes]) -> bytes:
    """Messages compressed together: most of what several versions do is alike."""
    sizes = [len(parts), *map(len, parts)]
    head = b"".join(size.to_bytes(8, "little") for size in sizes)
    return lzma.compress(head + b"".join(parts))


def unpacked(data: bytes) -> dict[str, Any]:
    """By what is asked for: "inputs", a version's name for its outcome, "name/fails", ...

    The reference comes first, and its outcome stands for that of a version without one.
    """
    whole = lzma.decompress(data)
    count = int.from_bytes(whole[:8], "little")
    sizes = [int.from_bytes(whole[8 + 8 * i : 16 + 8 * i], "little") for i in range(count)]
    place, found = 8 + 8 * count, {}
    for number, size in enumerate(sizes):
        message = whole[place : place + size]
        place += size
        if number == 0:  # tensors, as the probes and judges were given them
            found["inputs"] = decode(message, trusted=True)
            continue
        entry = decode(message)
        found[entry["name"]] = found.get("reference")  # unless it has an outcome of its own
        for what in ("outcome", "fails", "repeats", "would fail"):
            if what in entry:
                found[entry["name"] + ("" if what == "outcome" else f"/{what}")] = entry[what]
    return found

"""One digest of everything that decides a verdict: results of another version don't count."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from checkers.engine.registry import ROOT

_ROOMS = ("checkers", "solutions", "lessons/workbench")
_ENDINGS = {".py", ".toml"}
# They hand out and present what was judged.
_NOT_JUDGING = {"gradebook", "authoring"}


@cache
def sources_digest() -> str:
    """Changes with checkers, known mistakes, solutions and workbench."""
    return _digest_of(path for path in _sources() if not _NOT_JUDGING & set(path.parts))


@cache
def course_digest() -> str:
    """Changes with any of the course's code, what reads and presents included."""
    return _digest_of(_sources())


def _digest_of(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    files = (path for room in _ROOMS for path in sorted((ROOT / room).rglob("*")))
    return (path for path in files if path.suffix in _ENDINGS)

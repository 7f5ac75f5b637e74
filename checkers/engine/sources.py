"""One digest of everything that decides a verdict: results of another version don't count."""

from __future__ import annotations

import hashlib
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
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources() -> list[Path]:
    files = (path for room in _ROOMS for path in sorted((ROOT / room).rglob("*")))
    return [p for p in files if p.suffix in _ENDINGS and not _NOT_JUDGING & set(p.parts)]

"""Tell the course's own files, and libraries, from what a student wrote.

A student may hand in the whole folder of the course, environment included. Solutions that came with
it are nobody's answer. They are told by their content; where the folder is plainly the course's, in
whatever version, also by their place in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from checkers.engine.registry import ROOT, SOLVED, all_lessons
from checkers.engine.submission import SubmissionError, parse_submission

DIGESTS = "own_files.json"
"""Where a course without solved notebooks keeps their digests, so that it knows them."""
_LIBRARIES = {"venv", "env", "site-packages", "dist-packages", "virtualenv", "conda-meta"}
_COURSE = {"checkers", "solutions", "tests", "benchmarks", "datasets"}
_FOLDERS = ("checkers", "solutions", "lessons/workbench")
_MARK = ("checkers", "engine")

Cells = Iterable[tuple[str, str]]


def is_library(name: str) -> bool:
    """Whether a folder of this name holds installed libraries."""
    return name.lower() in _LIBRARIES or name.endswith((".dist-info", ".egg-info"))


def course_folders(names: Iterable[str]) -> set[PurePosixPath]:
    """The folders that are copies of the course, to judge by the names of the files in them."""
    found = set()
    for name in names:
        parts = PurePosixPath(name).parts
        for place in range(len(parts) - 2):
            if parts[place : place + 2] == _MARK:
                found.add(PurePosixPath(*parts[:place]))
    return found


def is_in_course(name: str, folders: Iterable[PurePosixPath]) -> bool:
    """Whether a file lies where a copy of the course keeps what no student writes."""
    path = PurePosixPath(name)
    for folder in folders:
        if path.is_relative_to(folder):
            parts = path.relative_to(folder).parts
            if parts[0] in _COURSE or parts[:2] == ("lessons", "workbench"):
                return True
    return False


def is_own(digest: str) -> bool:
    """Whether the code of this digest is a file of the course that is no lesson's notebook."""
    return digest in _own_digests()


def is_untouched(digest: str) -> bool:
    """Whether the code of this digest is a lesson's notebook in which nothing was written."""
    return digest in _stub_digests()


def digest_of(cells: Cells) -> str:
    """Of the code alone: the same however often a notebook was run and saved."""
    digest = hashlib.sha256()
    for _, source in cells:
        lines = [line.rstrip() for line in source.splitlines()]
        digest.update("\n".join(lines).strip().encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def own_digests_text() -> str:
    """Digests of the solved notebooks as JSON, for a course that goes without them."""
    return json.dumps(sorted(_digests(SOLVED.glob("*.ipynb"))))


@cache
def _own_digests() -> frozenset[str]:
    code = (path for place in _FOLDERS for path in (ROOT / place).rglob("*.py"))
    found = set(_digests([*SOLVED.glob("*.ipynb"), *code]))
    if (ROOT / DIGESTS).is_file():
        found |= set(json.loads((ROOT / DIGESTS).read_text(encoding="utf-8")))
    return frozenset(found - {digest_of([("", "")])})


@cache
def _stub_digests() -> frozenset[str]:
    return frozenset(_digests(lesson.notebook for lesson in all_lessons()))


def _digests(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        try:
            yield digest_of(parse_submission(path, path.read_bytes()).cells)
        except (OSError, SubmissionError):
            continue

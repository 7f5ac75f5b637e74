"""Read what a student handed in, within bounds: each file gives code, or the reason why not.

What a file holds is kept by the digest of its bytes, so that a class that was read before is only
hashed. A file's time or size says nothing: a changed byte is another file.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
from pydantic import BaseModel

from checkers.engine.gradebook.archives import read_archive
from checkers.engine.gradebook.jobs import code_digest
from checkers.engine.gradebook.names import shown, split_ending, version_of
from checkers.engine.gradebook.own_files import digest_of, is_own, is_untouched
from checkers.engine.gradebook.similarity import hashed_runs
from checkers.engine.gradebook.submissions import HandedIn, Student
from checkers.engine.sources import course_digest
from checkers.engine.submission import (
    Cells,
    SubmissionError,
    Unreadable,
    answered_in,
    is_archive,
    lesson_named,
    parse_submission,
    read_bytes,
)

_HELD = 4 * 2**20
"""Larger files are read anew every time: their bytes are not kept until their code is asked for."""
_INTEGER = np.dtype("<i4")


class Contents(Protocol):
    """Knows what is in files that were read before, by a digest, as text."""

    def content(self, digest: str) -> str | None:
        """What was kept."""
        ...

    def keep_content(self, digest: str, content: str) -> None:
        """Keep it."""
        ...


class Content(BaseModel):
    """What the bytes of a file say, wherever it lies and whoever handed it in.

    Attributes:
        lessons, helpers, told, problem, message: as in `ReadFile`.
        code: the digest of its cells.
        own: the digest by which the course's own files are known.
        checks: by exercise, how often the notebook says it was checked.
        runs: the runs of its tokens (`similarity`), as 32-bit integers in base64.
    """

    lessons: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    told: bool = False
    problem: Unreadable | None = None
    message: str = ""
    code: str = ""
    own: str = ""
    checks: dict[str, int] = {}
    runs: str = ""


@dataclass(frozen=True)
class ReadFile:
    """One notebook or Python file.

    Attributes:
        name: for people, one line; with folders and, for an archive, its name.
        lessons: names of the lessons it answers; if it can't be read, those that its name tells.
        helpers: those of which it only defines functions that it uses for the others.
        told: whether its name or its check cells say what it answers, not only its functions.
        own: whether it is a file of the course in which nothing was written.
        code: the digest of its code; "" if it can't be read.
        checks: by exercise, how often the notebook says it was checked.
        problem: why it can't be read; None if it can.
        message: the same in a sentence.
        late: whether the platform marks it as late.
        time: when it was handed in, if that is known.
        version: how often it was handed in before.
        load: reads its code.
        packed_runs: `Content.runs`.
    """

    name: str
    lessons: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    told: bool = False
    own: bool = False
    code: str = ""
    checks: Mapping[str, int] = field(default_factory=dict)
    problem: Unreadable | None = None
    message: str = ""
    late: bool = False
    time: datetime | None = None
    version: int = 0
    load: Callable[[], Cells] = field(default=tuple, repr=False, compare=False)
    packed_runs: str = field(default="", repr=False, compare=False)

    @property
    def cells(self) -> Cells:
        """Its code; empty if it can't be read."""
        return self.load()

    @property
    def runs(self) -> np.ndarray:
        """The runs of its tokens, as `similarity.hashed_runs` gives them: (n,) int32."""
        return np.frombuffer(base64.b64decode(self.packed_runs), dtype=_INTEGER)

    @property
    def order(self) -> tuple[float, int, str]:
        """Grows from an earlier file to a later one, as far as can be told."""
        return (self.time.timestamp() if self.time else 0.0, self.version, self.name)


def read_files(student: Student, contents: Contents | None = None) -> Iterator[ReadFile]:
    """Every file of a student, archives opened; nothing of it is written and no error gets out.

    Args:
        student: whose files.
        contents: what is known of files that were read before, and gets to know the others.
    """
    for handed_in in student.files:
        if is_archive(handed_in.path.name):
            yield from _read_archive(handed_in, contents)
            continue
        try:
            data: bytes | SubmissionError = read_bytes(handed_in.path)
        except SubmissionError as error:
            data = error
        yield _read_one(handed_in, handed_in.name, data, contents)


def _read_archive(handed_in: HandedIn, contents: Contents | None) -> Iterator[ReadFile]:
    count = 0
    try:
        for name, data in read_archive(Path(handed_in.name), read_bytes(handed_in.path)):
            count += 1
            yield _read_one(handed_in, f"{handed_in.name}/{name}", data, contents)
    except SubmissionError as error:
        yield _read_one(handed_in, handed_in.name, error, contents)
    else:
        if not count:
            message = f"{shown(handed_in.name)} holds no notebook and no Python file."
            error = SubmissionError(Unreadable.NO_EXERCISE, message)
            yield _read_one(handed_in, handed_in.name, error, contents)


def _read_one(
    handed_in: HandedIn, name: str, data: bytes | SubmissionError, contents: Contents | None
) -> ReadFile:
    path = Path(PurePosixPath(name).name)
    stem, _ = split_ending(path.name)
    version = max(handed_in.version, version_of(stem))
    if isinstance(data, SubmissionError):
        content, load = _failed(data), tuple
    else:
        content, load = _content_of(path, data, contents)
    if is_own(content.own):
        message = f"{path.name} is the course's own, and was left aside."
        content = _failed(SubmissionError(Unreadable.COURSE_FILE, message))
    lessons = content.lessons
    if content.problem is not None:
        named = lesson_named(stem)
        lessons = (named.name,) if named else ()
    return ReadFile(
        shown(name),
        lessons,
        content.helpers,
        told=content.told,
        own=is_untouched(content.own),
        code=content.code,
        checks=content.checks,
        problem=content.problem,
        message=content.message,
        late=handed_in.late,
        time=handed_in.time,
        version=version,
        load=load if content.problem is None else tuple,
        packed_runs=content.runs,
    )


def _content_of(
    path: Path, data: bytes, contents: Contents | None
) -> tuple[Content, Callable[[], Cells]]:
    """What is in a file, as it is known or else read now, and what gives its code."""
    if contents is None or len(data) > _HELD:
        return _read_content(path, data)
    digest = hashlib.sha256(f"{course_digest()} {path.name}\0".encode("utf-8", "surrogateescape"))
    digest.update(data)
    key = digest.hexdigest()
    known = contents.content(key)
    if known is not None:
        return Content.model_validate_json(known), partial(_cells_in, path, data)
    content, load = _read_content(path, data)
    contents.keep_content(key, content.model_dump_json())
    return content, load


def _cells_in(path: Path, data: bytes) -> Cells:
    return parse_submission(path, data).cells


def _read_content(path: Path, data: bytes) -> tuple[Content, Callable[[], Cells]]:
    own = ""
    try:
        submission = parse_submission(path, data)
        own = digest_of(submission.cells)
        answered = answered_in(submission)
    except SubmissionError as error:
        return _failed(error, own), tuple
    cells = submission.cells
    content = Content(
        lessons=tuple(lesson.name for lesson in answered.lessons),
        helpers=tuple(lesson.name for lesson in answered.helpers),
        told=answered.told,
        code=code_digest(cells),
        own=own,
        checks={
            name: submission.counts[name].checks
            for lesson in (*answered.lessons, *answered.helpers)
            for name in lesson.exercise_names
            if name in submission.counts
        },
        runs=base64.b64encode(hashed_runs(cells).astype(_INTEGER).tobytes()).decode(),
    )
    return content, lambda: cells


def _failed(error: SubmissionError, own: str = "") -> Content:
    return Content(problem=error.problem, message=shown_message(error), own=own)


def shown_message(error: SubmissionError) -> str:
    """An error's sentence on one line; a file's name may hold anything."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())[:400]

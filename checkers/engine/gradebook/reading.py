"""Read what a student handed in, within bounds: each file gives code, or the reason why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from checkers.engine.gradebook.archives import read_archive
from checkers.engine.gradebook.names import shown, split_ending, version_of
from checkers.engine.gradebook.own_files import is_own, is_untouched
from checkers.engine.gradebook.submissions import HandedIn, Student
from checkers.engine.submission import (
    SubmissionError,
    Unreadable,
    answered_in,
    is_archive,
    lesson_named,
    parse_submission,
    read_bytes,
)

Cells = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ReadFile:
    """One notebook or Python file.

    Attributes:
        name: for people, one line; with folders and, for an archive, its name.
        lessons: names of the lessons it answers; if it can't be read, those that its name tells.
        helpers: those of which it only defines functions that it uses for the others.
        told: whether its name or its check cells say what it answers, not only its functions.
        own: whether it is a file of the course in which nothing was written.
        cells: its code; empty if it can't be read.
        problem: why it can't be read; None if it can.
        message: the same in a sentence.
        late: whether the platform marks it as late.
        time: when it was handed in, if that is known.
        version: how often it was handed in before.
    """

    name: str
    lessons: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    told: bool = False
    own: bool = False
    cells: Cells = ()
    problem: Unreadable | None = None
    message: str = ""
    late: bool = False
    time: datetime | None = None
    version: int = 0

    @property
    def order(self) -> tuple[float, int, str]:
        """Grows from an earlier file to a later one, as far as can be told."""
        return (self.time.timestamp() if self.time else 0.0, self.version, self.name)


def read_files(student: Student) -> Iterator[ReadFile]:
    """Every file of a student, archives opened; nothing is written and no error gets out."""
    for handed_in in student.files:
        if is_archive(handed_in.path.name):
            yield from _read_archive(handed_in)
            continue
        try:
            data: bytes | SubmissionError = read_bytes(handed_in.path)
        except SubmissionError as error:
            data = error
        yield _read_one(handed_in, handed_in.name, data)


def _read_archive(handed_in: HandedIn) -> Iterator[ReadFile]:
    count = 0
    try:
        for name, data in read_archive(Path(handed_in.name), read_bytes(handed_in.path)):
            count += 1
            yield _read_one(handed_in, f"{handed_in.name}/{name}", data)
    except SubmissionError as error:
        yield _read_one(handed_in, handed_in.name, error)
    else:
        if not count:
            message = f"{shown(handed_in.name)} holds no notebook and no Python file."
            error = SubmissionError(Unreadable.NO_EXERCISE, message)
            yield _read_one(handed_in, handed_in.name, error)


def _read_one(handed_in: HandedIn, name: str, data: bytes | SubmissionError) -> ReadFile:
    path = PurePosixPath(name)
    stem, _ = split_ending(path.name)
    version = max(handed_in.version, version_of(stem))
    about = {"late": handed_in.late, "time": handed_in.time, "version": version}
    named = lesson_named(stem)
    try:
        if isinstance(data, SubmissionError):
            raise data
        submission = parse_submission(Path(path.name), data)
        if is_own(submission.cells):
            raise SubmissionError(
                Unreadable.COURSE_FILE, f"{path.name} is the course's own, and was left aside."
            )
        answered = answered_in(submission)
    except SubmissionError as error:
        lessons = (named.name,) if named else ()
        return ReadFile(
            shown(name), lessons, problem=error.problem, message=shown_message(error), **about
        )
    return ReadFile(
        shown(name),
        tuple(lesson.name for lesson in answered.lessons),
        tuple(lesson.name for lesson in answered.helpers),
        told=answered.told,
        own=is_untouched(submission.cells),
        cells=submission.cells,
        **about,
    )


def shown_message(error: SubmissionError) -> str:
    """An error's sentence on one line; a file's name may hold anything."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())[:400]

"""How the class moved since earlier results that lie beside these."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from checkers.engine.gradebook.results import Gradebook, StudentGrade

_SHOWN = 8
_MAX_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Movement:
    """The class then and now, as shares of the points; only who is in both counts.

    Attributes:
        folder: the earlier results' name.
        lessons: what was graded then.
        students: how many are in both.
        before: their mean share then.
        now: their mean share now.
        fell: (name, share then, share now) of those who fell most.
    """

    folder: str
    lessons: list[str]
    students: int
    before: float
    now: float
    fell: list[tuple[str, float, float]]


def movement(results: Path, lessons: list[str], now: Iterable[StudentGrade]) -> Movement | None:
    """Compare with the latest results of other lessons beside `results`; None without any."""
    book, folder = _latest_beside(results, lessons)
    if book is None:
        return None
    then = {_who(student): _share(student) for student in book.students if student.max_points}
    both = [
        (student.student, then[_who(student)], _share(student))
        for student in now
        if student.max_points and _who(student) in then
    ]
    if not both:
        return None
    fell = sorted((each for each in both if each[2] < each[1]), key=lambda each: each[2] - each[1])
    return Movement(
        folder,
        book.lessons,
        len(both),
        sum(before for _, before, _ in both) / len(both),
        sum(share for *_, share in both) / len(both),
        fell[:_SHOWN],
    )


def _latest_beside(results: Path, lessons: list[str]) -> tuple[Gradebook | None, str]:
    found = sorted(
        (path for path in results.resolve().parent.glob("*/grades.json") if path.is_file()),
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )
    for path in found:
        if path.parent == results.resolve() or path.stat().st_size > _MAX_BYTES:
            continue
        try:
            book = Gradebook.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
        if book.lessons != lessons:
            return book, path.parent.name
    return None, ""


def _who(student: StudentGrade) -> tuple[str, str]:
    """The number, or else the name, by which a student is the same in both."""
    return ("id", student.id) if student.id else ("name", student.student.casefold())


def _share(student: StudentGrade) -> float:
    return student.points / student.max_points

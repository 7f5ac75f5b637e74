"""Grade without names: every student gets a random number, and a list tells whose it is.

The list is kept out of the results, which go to graders who must not see names.
"""

from __future__ import annotations

import csv
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from checkers.engine.gradebook.results import FileGrade, StudentGrade
from checkers.engine.gradebook.submissions import Student
from checkers.engine.gradebook.tables import BYTE_ORDER_MARK, csv_line

_HEADING = ["number", "student", "id", "mark"]
_KEY = "anonymous:"


class NamesError(ValueError):
    """A list of names that cannot be used; the message is one sentence."""


def with_numbers(students: list[Student], path: Path) -> dict[str, Student]:
    """The students under their numbers, by the keys they had; new ones are added to the list.

    Args:
        students: with their names.
        path: the list; made if there is none. Nobody's number ever changes.

    Raises:
        NamesError: if the file is something else, or cannot be written.
    """
    numbers = _read(path)
    new = [student for student in students if _mark(student) not in numbers]
    taken = {*numbers.values()}
    rows = []
    for student in new:
        number = next(n for n in iter(_draw, None) if n not in taken)
        taken.add(number)
        numbers[_mark(student)] = number
        rows.append([number, student.name, student.ident, _mark(student)])
    if rows:
        try:
            exists = path.exists()
            with path.open("a", encoding="utf-8", newline="") as file:
                file.write("" if exists else BYTE_ORDER_MARK + csv_line(list(_HEADING)))
                file.writelines(csv_line(row) for row in sorted(rows))
        except OSError as error:
            raise NamesError(f"{path} cannot be written: {error.strerror}.") from None
    return {student.key: _nameless(student, numbers[_mark(student)]) for student in students}


def _mark(student: Student) -> str:
    """What tells a student from all others, in letters that any table keeps."""
    return hashlib.sha256(student.key.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _draw() -> str:
    return f"{secrets.randbelow(10**5):05d}"


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
        if rows[0] != _HEADING:
            raise ValueError
        return {mark: number for number, _, _, mark in rows[1:]}
    except (OSError, ValueError, IndexError, csv.Error):
        raise NamesError(
            f"{path} is no list of numbers and names of an earlier run; name another file."
        ) from None


def _nameless(student: Student, number: str) -> Student:
    name = f"Student {number}"
    return replace(student, key=_KEY + number, name=name, ident="", notes=[], columns={})


def is_nameless(student: Student) -> bool:
    """Whether a student stands under a number."""
    return student.key.startswith(_KEY)


def without_files_names(grade: StudentGrade) -> StudentGrade:
    """The grade without the names of files and the notes on them, which may tell a name."""
    names: dict[str, str] = {}
    files = [_nameless_file(file, number, names) for number, file in enumerate(grade.files, 1)]
    lessons = [
        each.model_copy(
            update={
                "file": names.get(each.file, ""),
                "exercises": [e.model_copy(update=_no_message(e.status)) for e in each.exercises],
            }
        )
        for each in grade.lessons
    ]
    return grade.model_copy(update={"files": files, "lessons": lessons, "notes": []})


def _nameless_file(file: FileGrade, number: int, names: dict[str, str]) -> FileGrade:
    names[file.name] = f"file {number}"
    message = f"It is {file.status}." if file.message else ""
    return file.model_copy(update={"name": names[file.name], "message": message})


def _no_message(status: str) -> Mapping[str, str]:
    """What nothing was run for is told by its status; the sentence names a file."""
    return {"message": f"It is {status}."}

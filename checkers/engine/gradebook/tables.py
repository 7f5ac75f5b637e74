"""The gradebook as a table for spreadsheets and as JSON, one student at a time."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator

from checkers.engine.gradebook.results import NOT_GRADED, Gradebook, LessonGrade, StudentGrade
from checkers.engine.registry import Lesson
from checkers.engine.sandbox.inside.plain import visible

# Without it, Excel takes UTF-8 for another encoding.
BYTE_ORDER_MARK = "\ufeff"
# A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
# Where a semicolon separates cells, one begins behind it, even within quotation marks.
_FORMULA_WITHIN = re.compile(r"(;\s*)(?=[=+\-@|%＝＋－＠])")


def csv_rows(lessons: list[Lesson], seed: int, students: Iterable[StudentGrade]) -> Iterator[str]:
    """The lines of grades.csv: one student a line, a status beside all points."""
    yield BYTE_ORDER_MARK + csv_line(_heading(lessons))
    for student in students:
        yield csv_line(_row(student, seed))


def _heading(lessons: list[Lesson]) -> list[object]:
    cells: list[object] = ["student", "id", "points", "max points", "statuses", "late"]
    for lesson in lessons:
        name = f"{lesson.number} {lesson.name}"
        cells += [f"{name} points", f"{name} of", f"{name} status"]
        for exercise in lesson.exercises:
            cells += [f"{exercise.name} points", f"{exercise.name} status"]
    return [*cells, "isolation", "seed", "feedback", "notes"]


def _row(student: StudentGrade, seed: int) -> list[object]:
    late = any(lesson.late for lesson in student.lessons)
    statuses = ", ".join(f"{count} {status}" for status, count in student.statuses.items())
    cells: list[object] = [
        student.student,
        student.id,
        student.points,
        student.max_points,
        statuses,
        "late" if late else "",
    ]
    for lesson in student.lessons:
        cells += _lesson_cells(lesson)
    levels = sorted({lesson.isolation for lesson in student.lessons} - {""})
    unreadable = [file.message for file in student.files if file.message]
    comments = [
        f"{lesson.lesson}: {lesson.comment}" for lesson in student.lessons if lesson.comment
    ]
    notes = " ".join([*comments, *_corrections(student), *student.notes, *unreadable])
    return [*cells, ", ".join(levels), seed, student.feedback, notes]


def _corrections(student: StudentGrade) -> Iterator[str]:
    """What the instructor changed, from what, and why."""
    for exercise in (each for lesson in student.lessons for each in lesson.exercises):
        if exercise.correction is not None:
            before, why = exercise.correction.points_before, exercise.correction.comment
            yield f"{exercise.exercise}: {exercise.points:g} by hand, not {before:g}. {why}".strip()


def _lesson_cells(lesson: LessonGrade) -> list[object]:
    # Points that are not known are left out: an import must not take them for 0.
    points = "" if lesson.status == NOT_GRADED else lesson.points
    cells: list[object] = [points, lesson.max_points, lesson.status]
    for exercise in lesson.exercises:
        corrected = exercise.correction is not None
        unknown = exercise.status == NOT_GRADED and not corrected
        status = f"{exercise.status.value} (corrected)" if corrected else exercise.status.value
        cells += ["" if unknown else exercise.points, status]
    return cells


def csv_line(cells: list[object]) -> str:
    """One line of a table, in which no cell is a formula."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(map(_safe, cells))
    return buffer.getvalue()


def _safe(cell: object) -> object:
    """A cell that no spreadsheet runs: a formula gets an apostrophe in front."""
    if isinstance(cell, float):
        return f"{cell:g}"
    if not isinstance(cell, str):
        return cell
    text = " ".join(visible(cell).split())
    if text != "-" and cell.lstrip().startswith(_FORMULA):  # Moodle's "never", and no formula
        text = "'" + text
    return _FORMULA_WITHIN.sub(r"\1'", text)


def json_text(book: Gradebook, students: Iterable[StudentGrade]) -> Iterator[str]:
    """The gradebook as JSON, one student a line; `book` has none itself."""
    head, tail = book.model_dump_json().split('"students":[]')
    yield head + '"students":[\n'
    for number, student in enumerate(students):
        yield (",\n" if number else "") + student.model_dump_json()
    yield "\n]" + tail + "\n"


def schema_text() -> str:
    """The JSON schema of grades.json."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Gradebook.model_json_schema(mode="serialization"),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"

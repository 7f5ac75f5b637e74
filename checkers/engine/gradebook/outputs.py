"""Write what a run found: tables, exports, the summary and a page for each student."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from checkers.engine.gradebook.exports import canvas_rows, knows_canvas, knows_moodle, moodle_rows
from checkers.engine.gradebook.folder import (
    FolderError,
    edited_pages,
    remove_stale_exports,
    remove_stale_pages,
    write_file,
)
from checkers.engine.gradebook.movement import movement
from checkers.engine.gradebook.names import file_stem
from checkers.engine.gradebook.pages import feedback_page, summary_page
from checkers.engine.gradebook.results import Gradebook, StudentGrade
from checkers.engine.gradebook.statistics import ClassStatistics
from checkers.engine.gradebook.submissions import Student
from checkers.engine.gradebook.tables import csv_rows, json_text, schema_text
from checkers.engine.registry import Lesson

if TYPE_CHECKING:
    from checkers.engine.gradebook.run import Circumstances, Run

_SHOWN = 5


def earlier_book(results: Path) -> Gradebook | None:
    """The gradebook that an earlier run left in the folder."""
    try:
        return Gradebook.model_validate_json((results / "grades.json").read_bytes())
    except (OSError, ValidationError):
        return None


def kept_grades(
    before: Gradebook | None, students: Sequence[Student], only: str, drop_missing: bool
) -> list[StudentGrade]:
    """Grades of an earlier run that this one leaves as they are: none, unless one is regraded.

    Raises:
        FolderError: if somebody of the earlier run would be lost.
    """
    earlier = before.students if before is not None else []
    current = {_mark(file_stem(s.key, s.name)) for s in students if only in ("", s.key)}
    others = [each for each in earlier if _mark(each.feedback.removesuffix(".html")) not in current]
    if only or not others or drop_missing:
        return others if only else []
    names = ", ".join(each.student for each in others[:_SHOWN])
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    raise FolderError(
        f"The results hold {names}{more}, not among the submissions now. To grade one student and "
        f"keep the others say --only NAME; to let them go, --drop-missing."
    )


def _mark(stem: str) -> str:
    """What tells a student's page from all others, whatever the name on it."""
    return stem.rsplit("-", 1)[-1]


def write_outputs(
    results: Path, run: Run, others: list[StudentGrade], circumstances: Circumstances
) -> None:
    """Write everything; `others` are grades of an earlier run, whose pages are there."""
    journal, settings = run.journal, run.settings
    lessons = run.lessons_that_count()
    statistics = ClassStatistics.of(lessons)
    statistics.passed_over = list(circumstances.passed_over)
    statistics.unknown = list(circumstances.unknown)
    statistics.edited = sorted(edited_pages(results, journal))
    statistics.alike = run.similarity.groups()
    students = list(others)
    for graded in run.grades(lessons):
        page = graded.grade.feedback
        students.append(graded.grade)
        if page not in statistics.edited:
            cards = {lesson: journal.cards(key) for lesson, key in graded.cards.items()}
            write_file(results, page, [feedback_page(graded.grade, cards)], journal)
    students.sort(key=lambda grade: grade.student.casefold())
    for grade in students:
        statistics.add(grade)
    book = Gradebook(
        seed=journal.seed, settings=settings, lessons=[lesson.name for lesson in lessons]
    )
    write_file(results, "grades.csv", csv_rows(lessons, journal.seed, students), journal)
    write_file(results, "grades.json", json_text(book, students), journal)
    write_file(results, "grades.schema.json", [schema_text()], journal)
    exports = dict(_exports(lessons, students, circumstances.headings))
    for name, lines in exports.items():
        write_file(results, name, lines, journal)
    statistics.movement = movement(results, book.lessons, students)
    summary = summary_page(statistics, lessons, journal.seed, settings)
    write_file(results, "summary.html", [summary], journal)
    remove_stale_pages(results, {grade.feedback for grade in students}, journal)
    remove_stale_exports(results, set(exports), journal)
    run.tally.isolation = tuple(sorted(statistics.isolation))
    run.tally.edited, run.tally.unknown = tuple(statistics.edited), tuple(statistics.unknown)


def _exports(
    lessons: list[Lesson], students: list[StudentGrade], headings: Sequence[str]
) -> Iterator[tuple[str, Iterable[str]]]:
    """The files for Canvas and Moodle, where anybody's number there is known."""
    if any(map(knows_canvas, students)):
        yield "grades-canvas.csv", canvas_rows(lessons, students, headings)
    if any(map(knows_moodle, students)):
        for lesson in lessons:
            yield f"grades-moodle-{lesson.number}.csv", moodle_rows(lesson, students)

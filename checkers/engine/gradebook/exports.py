"""Grades as Canvas and Moodle import them.

Canvas reads `lib/gradebook_importer.rb` (canvas-lms): the student's columns first, "Section" the
last of them; then a column for each assignment, by its title; a row "Points Possible"; EX for who
is excused; an empty cell changes nothing. Moodle reads
`mod/assign/feedback/offline/importgradeslib.php`: Identifier, Grade and Last modified (grade) must
be there; one file is one assignment's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from checkers.engine.gradebook.results import NOT_GRADED, LessonGrade, StudentGrade
from checkers.engine.gradebook.roster import CANVAS_COLUMNS
from checkers.engine.gradebook.tables import BYTE_ORDER_MARK, csv_line
from checkers.engine.registry import Lesson
from checkers.engine.submission import lesson_named

_MOODLE = ("Identifier", "Full name", "Email address", "Grade", "Maximum Grade")
_MOODLE_TIME = "Last modified (grade)"
_NEVER = "-"
_DECIMALS = 2


def canvas_rows(
    lessons: Sequence[Lesson], students: Iterable[StudentGrade], headings: Sequence[str] = ()
) -> Iterator[str]:
    """The lines of grades-canvas.csv: whoever Canvas knows, and a column for each lesson.

    Args:
        lessons: those that count.
        students: everyone; those without one of Canvas's numbers are left out.
        headings: of the roster; an assignment of Canvas's that bears a lesson's name keeps its own.
    """
    titles = [_assignment(lesson, headings) for lesson in lessons]
    yield BYTE_ORDER_MARK + csv_line([*CANVAS_COLUMNS, *titles])
    told = False
    for student in students:
        if not told:
            possible = [_number(lesson.full_points) for lesson in student.lessons]
            yield csv_line(["    Points Possible", "", "", "", "", *possible])
            told = True
        if knows_canvas(student):
            who = [student.columns.get(heading, "") for heading in CANVAS_COLUMNS]
            yield csv_line([*who, *map(_canvas_cell, student.lessons)])


def knows_canvas(student: StudentGrade) -> bool:
    """Whether one of Canvas's numbers for the student is known."""
    return any(student.columns.get(heading) for heading in CANVAS_COLUMNS[1:4])


def _assignment(lesson: Lesson, headings: Sequence[str]) -> str:
    """The title of the lesson's assignment: Canvas's own, if it has one, with its number."""
    for heading in headings:
        named = lesson_named(heading.replace(" ", "_").replace("-", "_"))
        if heading not in CANVAS_COLUMNS and named == lesson:
            return heading
    return f"{lesson.number} {lesson.name.replace('_', ' ')}"


def _canvas_cell(lesson: LessonGrade) -> str:
    if lesson.excused:
        return "EX"
    return "" if lesson.status == NOT_GRADED else _number(lesson.points)


def moodle_rows(lesson: Lesson, students: Iterable[StudentGrade]) -> Iterator[str]:
    """The lines of grades-moodle-NN.csv: whoever Moodle knows, with points and feedback."""
    yield BYTE_ORDER_MARK + csv_line([*_MOODLE, _MOODLE_TIME, "Feedback comments"])
    for student in students:
        if not knows_moodle(student):
            continue
        grade = next(each for each in student.lessons if each.lesson == lesson.name)
        known = not grade.excused and grade.status != NOT_GRADED
        who = [student.columns.get(heading, "") for heading in _MOODLE[:3]]
        yield csv_line(
            [
                *who,
                _number(grade.points) if known else "",
                _number(grade.full_points),
                student.columns.get(_MOODLE_TIME, _NEVER),
                _feedback(grade),
            ]
        )


def knows_moodle(student: StudentGrade) -> bool:
    """Whether Moodle's number for the student is known."""
    return "Identifier" in student.columns


def _feedback(lesson: LessonGrade) -> str:
    """What Moodle shows with the grade, a paragraph for each exercise; Moodle takes it for HTML."""
    if lesson.excused:
        return f"<p>Excused. {escape(lesson.comment)}</p>"
    lines = [lesson.comment] if lesson.comment else []
    if lesson.late:
        lines.append(f"Late: {lesson.kept:.0%} of the points are kept.")
    for exercise in lesson.exercises:
        told = [case.diagnosis or case.message for case in exercise.cases if not case.points]
        why = exercise.correction.comment if exercise.correction else ""
        why = why or next(filter(None, told), "") or exercise.message
        points = f"{_number(exercise.points)} of {exercise.max_points}"
        lines.append(f"{exercise.exercise}: {exercise.status.value}, {points}. {why}".strip())
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _number(points: float) -> str:
    return f"{round(points, _DECIMALS):g}"

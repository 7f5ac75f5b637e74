"""The gradebook as plain data; its JSON schema is written beside it.

A status stands beside every number of points: 0 points for a crash, a missing function and a wrong
answer are three different things.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from checkers.engine.gradebook.settings import Settings
from checkers.engine.report import CaseResult, Report, Status
from checkers.engine.submission import Unreadable

NOT_SUBMITTED = "not submitted"
NOT_GRADED = "not graded"
EXCUSED = "excused"
READ = "read"


class GradeStatus(StrEnum):
    """What became of an exercise: how its answer ended, or why there was none to run.

    "not graded" says that the grading itself failed: run the command again. "excused" is the
    instructor's word.
    """

    PASSED = Status.PASSED.value
    WRONG = Status.WRONG.value
    RAISED = Status.RAISED.value
    NOT_ATTEMPTED = Status.NOT_ATTEMPTED.value
    MISSING = Status.MISSING.value
    TIMED_OUT = Status.TIMED_OUT.value
    OUT_OF_MEMORY = Status.OUT_OF_MEMORY.value
    CRASHED = Status.CRASHED.value
    NO_FILE = Unreadable.NO_FILE.value
    OTHER_KIND = Unreadable.OTHER_KIND.value
    TOO_LARGE = Unreadable.TOO_LARGE.value
    EMPTY = Unreadable.EMPTY.value
    NOT_UTF8 = Unreadable.NOT_UTF8.value
    DAMAGED = Unreadable.DAMAGED.value
    NO_NOTEBOOK = Unreadable.NO_NOTEBOOK.value
    VERSION_3 = Unreadable.VERSION_3.value
    NO_EXERCISE = Unreadable.NO_EXERCISE.value
    UNSAFE_ARCHIVE = Unreadable.UNSAFE_ARCHIVE.value
    COURSE_FILE = Unreadable.COURSE_FILE.value
    NOT_SUBMITTED = NOT_SUBMITTED
    NOT_GRADED = NOT_GRADED
    EXCUSED = EXCUSED


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CaseGrade(_Plain):
    """One case: what it checks, what became of it, what the student reads."""

    title: str
    status: GradeStatus
    points: int
    max_points: int
    hidden: bool = False
    message: str = ""
    diagnosis: str = ""
    mistake: str | None = None


class Correction(_Plain):
    """What the instructor changed by hand: the points before, and why."""

    points_before: float
    comment: str = ""


class ExerciseGrade(_Plain):
    """One exercise; points before any weight.

    Attributes:
        exercise: the stub's name.
        status: the gravest of its cases', or why nothing was run.
        points: the sum over the cases, or what the instructor said.
        max_points: what the cases are worth together.
        message: why nothing was run; "" if the cases tell.
        correction: set if the points are the instructor's.
        checks: how often it was checked in the notebook until it passed, at least; None if the
            notebook does not tell. The notebook's word, which earns nothing.
        mistakes: names of the known mistakes that were found.
        cases: empty if nothing was run.
    """

    exercise: str
    status: GradeStatus
    points: float
    max_points: int
    message: str = ""
    correction: Correction | None = None
    checks: int | None = None
    mistakes: list[str] = Field(default_factory=list)
    cases: list[CaseGrade] = Field(default_factory=list)


class LessonGrade(_Plain):
    """One lesson; points with all weights.

    Attributes:
        number: the lesson's two digits.
        lesson: its name.
        status: the gravest of its exercises'.
        points: after weights and lateness.
        max_points: after weights; 0 for who is excused.
        full_points: the same for everybody.
        excused: whether the lesson does not count for this student.
        comment: the instructor's, on an excuse or an extension.
        file: the file that was graded; "" if none was.
        late: whether that file is late.
        kept: the share of the points that is left after lateness, 0 to 1.
        isolation: the level under which the student's code ran; "" if none ran.
        exercises: in the order of the lesson.
    """

    number: str
    lesson: str
    status: GradeStatus
    points: float
    max_points: float
    full_points: float
    excused: bool = False
    comment: str = ""
    file: str = ""
    late: bool = False
    kept: float = 1.0
    isolation: str = ""
    exercises: list[ExerciseGrade]


class FileGrade(_Plain):
    """One file that was handed in: what it is called, whether it could be read, what it answers."""

    name: str
    status: str
    message: str = ""
    lessons: list[str] = Field(default_factory=list)
    late: bool = False


class StudentGrade(_Plain):
    """One student.

    Attributes:
        student: the name.
        id: the platform's number or address.
        columns: what Canvas or Moodle call the student, by the headings of their own tables.
        points: the sum over the lessons.
        max_points: the same for everybody who is excused from nothing.
        statuses: how many exercises ended how.
        notes: what was passed over or chosen between, a sentence each.
        files: what was handed in.
        lessons: in the order of the course.
        feedback: the feedback page, relative to the gradebook.
    """

    student: str
    id: str
    columns: dict[str, str] = Field(default_factory=dict)
    points: float
    max_points: float
    statuses: dict[str, int]
    notes: list[str] = Field(default_factory=list)
    files: list[FileGrade] = Field(default_factory=list)
    lessons: list[LessonGrade]
    feedback: str = ""


class Gradebook(_Plain):
    """A graded class.

    Attributes:
        version: of this format.
        seed: repeats the run: `--seed`.
        settings: the policy that was used.
        lessons: names of the lessons that count, in the order of the course.
        students: in the order of their names.
    """

    version: Literal[1] = 1
    seed: int
    settings: Settings
    lessons: list[str]
    students: list[StudentGrade] = Field(default_factory=list)


def exercise_grade(report: Report, checks: int | None = None) -> ExerciseGrade:
    """An exercise's grade from what the checker reported, and how often it was checked."""
    return ExerciseGrade(
        exercise=report.exercise,
        status=GradeStatus(report.status.value),
        points=report.points,
        max_points=report.max_points,
        checks=checks,
        mistakes=[case.mistake for case in report.cases if case.mistake],
        cases=[_case_grade(case) for case in report.cases],
    )


def _case_grade(case: CaseResult) -> CaseGrade:
    return CaseGrade.model_validate(case.model_dump())

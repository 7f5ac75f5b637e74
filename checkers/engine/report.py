"""What a check found out, as plain data that can be printed, shown or written as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from checkers.engine.exercise import Pictures


class Status(StrEnum):
    """What became of one case or one exercise."""

    PASSED = "passed"
    WRONG = "wrong"
    RAISED = "raised"
    NOT_ATTEMPTED = "not attempted"
    MISSING = "missing"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    CRASHED = "crashed"


_GRAVEST_FIRST = (
    Status.CRASHED,
    Status.OUT_OF_MEMORY,
    Status.TIMED_OUT,
    Status.RAISED,
    Status.MISSING,
    Status.NOT_ATTEMPTED,
    Status.WRONG,
    Status.PASSED,
)


def gravest(statuses: Iterable[Status]) -> Status:
    """The one word for several: a crash shows even where most cases are merely wrong."""
    return min(statuses, key=_GRAVEST_FIRST.index, default=Status.PASSED)


class CaseResult(BaseModel):
    """The result of one case.

    Attributes:
        title: what the case checks.
        status: what became of it.
        points: what it earned.
        max_points: what it is worth.
        message: what is wrong, or a remark on a right answer.
        diagnosis: the sentence of the known mistake that the answer matches.
        mistake: that mistake's name.
        hidden: whether only grading runs this case.
        pictures: target and result, for people only; not part of the JSON.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    title: str
    status: Status
    points: int
    max_points: int
    message: str = ""
    diagnosis: str = ""
    mistake: str | None = None
    hidden: bool = False
    pictures: Pictures | None = Field(default=None, exclude=True)


class Report(BaseModel):
    """The result of one exercise.

    Attributes:
        exercise: the stub's name.
        lesson: the lesson's name.
        cases: one result for each case.
        hints: the exercise's hints, to be shown one by one.
        problems: what could not be read in the submission, a sentence each.
    """

    exercise: str
    lesson: str
    cases: list[CaseResult]
    hints: list[str] = Field(default_factory=list, exclude=True)
    problems: list[str] = Field(default_factory=list)

    @property
    def points(self) -> int:
        """What was earned."""
        return sum(case.points for case in self.cases)

    @property
    def max_points(self) -> int:
        """What could be earned."""
        return sum(case.max_points for case in self.cases)

    @property
    def status(self) -> Status:
        """The one word for the exercise: the gravest of its cases'."""
        return gravest(case.status for case in self.cases)

    @property
    def passed(self) -> bool:
        """Whether every case passed."""
        return self.status is Status.PASSED

"""Check a file, or the lessons as they are on disk, with every case in a process of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel

from checkers.engine.exercise import Case, Exercise
from checkers.engine.grading import RunCase, grade
from checkers.engine.isolation import CourseWorker
from checkers.engine.memory import Memory
from checkers.engine.registry import ROOT, Lesson, all_lessons
from checkers.engine.report import CaseResult, Report, Status
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.sources import sources_digest
from checkers.engine.submission import Submission, SubmissionError, read_submission

_PROGRESS = ROOT / ".progress.json"
MAX_TIMEOUTS = 2
_AFTER_TIMEOUTS = "Not run after two timeouts in this lesson. Does every loop end?"


class LessonReport(BaseModel):
    """The results of one lesson.

    Attributes:
        number: the lesson's two digits.
        lesson: its name.
        reports: one for each exercise.
        problem: why its notebook can't be read, in a sentence that says what to do; "" if it can.
    """

    number: str
    lesson: str
    reports: list[Report]
    problem: str = ""

    @property
    def points(self) -> int:
        """What was earned."""
        return sum(report.points for report in self.reports)

    @property
    def max_points(self) -> int:
        """What could be earned."""
        return sum(report.max_points for report in self.reports)

    @property
    def passed(self) -> bool:
        """Whether every exercise passed."""
        return all(report.passed for report in self.reports)


def check_submission(
    submission: Submission, lessons: Sequence[Lesson], worker: CourseWorker, seed: int | None = None
) -> list[LessonReport]:
    """Check the given lessons' exercises on one submission."""
    return [check_lesson(submission, lesson, worker, seed) for lesson in lessons]


def check_lesson(
    submission: Submission,
    lesson: Lesson,
    worker: CourseWorker,
    seed: int | None = None,
    *,
    hidden: bool = False,
    memory: Memory | None = None,
) -> LessonReport:
    """Check one lesson's exercises on one submission; `hidden` and `memory` are those of `grade`.

    A remembered outcome saves the known versions' work for the next submission.
    """
    run_case = impatient(partial(worker.run_case, submission.cells))
    return LessonReport(
        number=lesson.number,
        lesson=lesson.name,
        reports=[
            grade(exercise, run_case, seed, hidden=hidden, memory=memory)
            for exercise in lesson.exercises
        ],
    )


def impatient(run_case: RunCase, most: int = MAX_TIMEOUTS, says: str = _AFTER_TIMEOUTS) -> RunCase:
    """`run_case`, which runs nothing more after `most` of its cases ran out of time.

    A submission in which everything loops forever would hold a class up for an hour.

    Args:
        run_case: runs a case, until then.
        most: how many timeouts are borne.
        says: the message of the cases after that.
    """
    timeouts = 0

    def run(exercise: Exercise, case: Case, inputs: Inputs, seed: int) -> dict[str, Any]:
        nonlocal timeouts
        if timeouts >= most:
            return {"status": Status.TIMED_OUT.value, "not_run": True, "message": says}
        outcome = run_case(exercise, case, inputs, seed)
        timeouts += outcome["status"] == Status.TIMED_OUT.value
        return outcome

    return run


def course_progress() -> list[LessonReport]:
    """The state of every lesson notebook; lessons that did not change are not run again.

    A notebook that cannot be read costs its own lesson, and no other.
    """
    known = _load_progress()
    fresh: dict[str, LessonReport] = {}
    reports = []
    with CourseWorker() as worker:
        for lesson in all_lessons():
            try:
                submission = read_submission(lesson.notebook)
            except SubmissionError as error:
                reports.append(_unreadable(lesson, str(error)))
                continue
            key = _key(lesson, submission)
            fresh[key] = known.get(key) or check_submission(submission, [lesson], worker)[0]
            reports.append(fresh[key])
    _save_progress(fresh)
    return reports


def _unreadable(lesson: Lesson, problem: str) -> LessonReport:
    """The report of a lesson whose notebook is damaged or not there: nothing could be run."""
    reports = [
        Report(
            exercise=exercise.name,
            lesson=lesson.name,
            cases=[
                CaseResult(
                    title=case.title,
                    status=Status.MISSING,
                    points=0,
                    max_points=case.points,
                    message=problem,
                )
                for case in exercise.cases
                if not case.hidden
            ],
        )
        for exercise in lesson.exercises
    ]
    return LessonReport(number=lesson.number, lesson=lesson.name, reports=reports, problem=problem)


def _key(lesson: Lesson, submission: Submission) -> str:
    """Changes with the lesson's code and with everything that judges it."""
    text = repr((lesson, submission.cells, sources_digest()))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _load_progress() -> dict[str, LessonReport]:
    """What earlier runs found; a file that is missing or damaged counts as none."""
    try:
        stored = json.loads(_PROGRESS.read_text(encoding="utf-8"))
        return {key: LessonReport.model_validate(entry) for key, entry in stored.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _save_progress(reports: dict[str, LessonReport]) -> None:
    entries = {key: report.model_dump(mode="json") for key, report in reports.items()}
    partial_file = _PROGRESS.with_suffix(".partial")
    try:
        partial_file.write_text(json.dumps(entries), encoding="utf-8")
        partial_file.replace(_PROGRESS)
    except OSError:  # a read-only folder: the next run checks again
        return

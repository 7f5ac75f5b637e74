"""Grade one submission as Gradescope lays it out; run by `run_autograder`, not by people.

python -m checkers.engine.gradebook.gradescope_run ROOT: reads ROOT/submission, writes
ROOT/results/results.json in the format of Gradescope's autograder specification.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from checkers.engine.gradebook.executors import run_here
from checkers.engine.gradebook.gradescope import SETTINGS
from checkers.engine.gradebook.jobs import JobResult
from checkers.engine.gradebook.plans import Plan, make_plan
from checkers.engine.gradebook.results import NOT_GRADED, ExerciseGrade, LessonGrade, StudentGrade
from checkers.engine.gradebook.scoring import grade_student
from checkers.engine.gradebook.settings import Settings
from checkers.engine.gradebook.submissions import Student, add_files
from checkers.engine.registry import ROOT, Lesson, all_lessons

_MAX_METADATA = 2**20
Visibility = Literal["visible", "hidden", "after_due_date", "after_published"]


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Test(_Plain):
    """One line of Gradescope's report: a case, or an exercise for which nothing could be run."""

    name: str
    score: float
    max_score: float
    status: Literal["passed", "failed"]
    output: str = ""
    output_format: Literal["text"] = "text"
    visibility: Visibility = "visible"
    tags: list[str] = []


class Results(_Plain):
    """What Gradescope reads; hidden cases are shown once grades are published."""

    execution_time: float
    visibility: Visibility = "visible"
    stdout_visibility: Visibility = "hidden"
    output: str
    output_format: Literal["html"] = "html"
    tests: list[Test]
    extra_data: dict[str, str | int | list[str]]


class NotGradedError(RuntimeError):
    """The grading itself failed; nothing is written, so that nobody gets a 0 for it."""


def grade_submission(root: Path, settings: Settings, seed: int) -> Results:
    """Grade ROOT/submission.

    Raises:
        NotGradedError: if the checkers failed, through no fault of the student's.
    """
    began = time.monotonic()
    time_ = _submitted_at(root / "submission_metadata.json")
    grade, cards = grade_alone(root / "submission", time_, settings, seed)
    return Results(
        execution_time=round(time.monotonic() - began, 3),
        output=_overview(grade) + "".join(cards),
        tests=[
            test
            for lesson in grade.lessons
            for exercise in lesson.exercises
            for test in _tests(lesson, exercise, settings)
        ],
        extra_data={
            "seed": seed,
            "isolation": sorted({lesson.isolation for lesson in grade.lessons} - {""}),
        },
    )


def grade_alone(
    folder: Path, submitted_at: datetime | None, settings: Settings, seed: int
) -> tuple[StudentGrade, list[str]]:
    """Grade what one student handed in: the grade, and the cards without hidden cases.

    Raises:
        NotGradedError: if the checkers failed, through no fault of the student's.
    """
    student = Student(key="alone", name="Submission")
    add_files(student, folder, time=submitted_at)
    plan, wanted = make_plan(student, _lessons(settings), settings, seed, "", show_hidden=False)
    found: dict[str, JobResult] = {}
    for key, text in run_here((each.key, each.job().model_dump_json()) for each in wanted):
        result = JobResult.model_validate_json(text)
        if result.error or result.refusal:
            raise NotGradedError(result.error or result.refusal)
        found[key] = result
    counting = _counting(plan, settings)
    graded = grade_student(plan, counting, settings, found.get, {})
    for lesson in graded.grade.lessons:
        for exercise in lesson.exercises:
            if exercise.status == NOT_GRADED:
                raise NotGradedError(exercise.message)
    return graded.grade, [card for key in graded.cards.values() for card in found[key].cards]


def _lessons(settings: Settings) -> list[Lesson]:
    wanted = settings.lessons
    return [lesson for lesson in all_lessons() if wanted is None or lesson.name in wanted]


def _counting(plan: Plan, settings: Settings) -> list[Lesson]:
    """The lessons asked for; else those handed in; else, if no file tells, all."""
    lessons = _lessons(settings)
    if settings.lessons is not None:
        return lessons
    return [lesson for lesson in lessons if lesson.name in plan.answered] or lessons


def _submitted_at(path: Path) -> datetime | None:
    try:
        with path.open("rb") as file:
            metadata = json.loads(file.read(_MAX_METADATA))
        time = datetime.fromisoformat(metadata["created_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return time if time.tzinfo else None


def _overview(student: StudentGrade) -> str:
    lines = [f"{file.name}: {file.status}. {file.message}" for file in student.files]
    return "".join(f"<p>{escape(line)}</p>" for line in [*lines, *student.notes])


def _tests(lesson: LessonGrade, exercise: ExerciseGrade, settings: Settings) -> list[Test]:
    weight = settings.exercise_weight(exercise.exercise)
    weight *= settings.weights.lessons.get(lesson.lesson, 1.0)
    if not exercise.cases:
        return [
            Test(
                name=f"{exercise.exercise}: {exercise.status.value}",
                score=0.0,
                max_score=round(exercise.max_points * weight, 4),
                status="failed",
                output=exercise.message,
                tags=[lesson.lesson, exercise.status.value],
            )
        ]
    return [
        Test(
            name=f"{exercise.exercise}: {case.title}",
            score=round(case.points * weight * lesson.kept, 4),
            max_score=round(case.max_points * weight, 4),
            status="passed" if case.status == "passed" else "failed",
            output="\n".join(filter(None, (f"{case.status.value}.", case.message, case.diagnosis))),
            visibility="after_published" if case.hidden else "visible",
            tags=[lesson.lesson, case.status.value],
        )
        for case in exercise.cases
    ]


def main() -> int:
    """Grade and write; the exit code."""
    root = Path(sys.argv[1])
    settings_file = ROOT / SETTINGS
    settings = (
        Settings.model_validate_json(settings_file.read_text(encoding="utf-8"))
        if settings_file.exists()
        else Settings()
    )
    try:
        results = grade_submission(root, settings, secrets.randbits(31))
    except NotGradedError as error:
        print(f"This submission was not graded: {error}", file=sys.stderr)
        return 1
    folder = root / "results"
    folder.mkdir(exist_ok=True)
    partial = folder / "results.json.partial"
    partial.write_text(results.model_dump_json(indent=2), encoding="utf-8")
    partial.replace(folder / "results.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())

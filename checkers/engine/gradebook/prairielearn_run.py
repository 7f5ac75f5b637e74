"""Grade one submission as PrairieLearn lays it out; the question's `entrypoint`.

python -m checkers.engine.gradebook.prairielearn_run [--lessons 01,02] [/grade]: reads
/grade/student, writes /grade/results/results.json as `docs/externalGrading.md` of PrairieLearn
asks. PrairieLearn has no cases to be shown later: hidden ones count and stay untold.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

from pydantic import BaseModel

from checkers.engine.gradebook.gradescope_run import NotGradedError, grade_alone
from checkers.engine.gradebook.results import READ, CaseGrade, ExerciseGrade, StudentGrade
from checkers.engine.gradebook.settings import Settings, with_lessons
from checkers.engine.registry import UnknownLessonError

_MAX_BYTES = 900_000  # PrairieLearn takes 1 MB
_HIDDEN = "Hidden cases"


class Test(BaseModel):
    """One line of the report."""

    name: str
    points: float
    max_points: float
    message: str = ""


class Results(BaseModel):
    """What PrairieLearn reads; a submission that isn't gradable costs no attempt."""

    gradable: bool
    score: float = 0.0
    message: str = ""
    format_errors: list[str] = []
    tests: list[Test] = []


def results_of(grade: StudentGrade) -> Results:
    """A grade in PrairieLearn's words."""
    unread = [f"{file.name}: {file.message}" for file in grade.files if file.status != READ]
    if not any(file.status == READ for file in grade.files):
        return Results(gradable=False, format_errors=unread or ["There is no notebook to grade."])
    tests = [test for lesson in grade.lessons for each in lesson.exercises for test in _tests(each)]
    score = grade.points / grade.max_points if grade.max_points else 0.0
    message = "\n".join(
        [f"{grade.points:g} of {grade.max_points:g} points.", *unread, *grade.notes]
    )
    return Results(gradable=True, score=min(1.0, score), message=message, tests=tests)


def _tests(exercise: ExerciseGrade) -> list[Test]:
    if not exercise.cases:
        name = f"{exercise.exercise}: {exercise.status.value}"
        return [Test(name=name, points=0, max_points=exercise.max_points, message=exercise.message)]
    shown = [case for case in exercise.cases if not case.hidden]
    hidden = [case for case in exercise.cases if case.hidden]
    tests = [_test(exercise, case) for case in shown]
    if hidden:
        points, most = sum(case.points for case in hidden), sum(c.max_points for c in hidden)
        name = f"{exercise.exercise}: {_HIDDEN.lower()}"
        tests.append(Test(name=name, points=points, max_points=most))
    return tests


def _test(exercise: ExerciseGrade, case: CaseGrade) -> Test:
    told = [f"{case.status.value}.", case.message, case.diagnosis]
    return Test(
        name=f"{exercise.exercise}: {case.title}",
        points=case.points,
        max_points=case.max_points,
        message="\n".join(filter(None, told)),
    )


def main() -> int:
    """Grade and write; the exit code."""
    parser = argparse.ArgumentParser(description="Grade /grade/student for PrairieLearn.")
    parser.add_argument("--lessons")
    parser.add_argument("root", type=Path, nargs="?", default=Path("/grade"))
    options = parser.parse_args()
    try:
        settings = with_lessons(Settings(), options.lessons)
        grade, _ = grade_alone(options.root / "student", None, settings, secrets.randbits(31))
    except (NotGradedError, UnknownLessonError) as error:
        print(f"This submission was not graded: {error}", file=sys.stderr)
        return 1
    results = results_of(grade)
    text = results.model_dump_json(indent=2)
    if len(text.encode()) > _MAX_BYTES:
        text = results.model_copy(update={"tests": []}).model_dump_json(indent=2)
    folder = options.root / "results"
    folder.mkdir(exist_ok=True)
    partial = folder / "results.json.partial"
    partial.write_text(text, encoding="utf-8")
    partial.replace(folder / "results.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())

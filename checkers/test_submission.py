"""One test for each case of a submission; run by `pytest --pyargs checkers --submission PATH`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial

import pytest

from checkers.engine.exercise import Exercise
from checkers.engine.grading import grade
from checkers.engine.isolation import CourseWorker
from checkers.engine.report import Report, Status
from checkers.engine.submission import Submission, SubmissionError, lessons_in, read_submission


def _work(config: pytest.Config) -> tuple[Submission, list[Exercise]]:
    path = config.getoption("--submission")
    if path is None:
        raise pytest.UsageError("Say which file to check: pytest --pyargs checkers --submission X.")
    try:
        submission = read_submission(path)
        lessons = lessons_in(submission)
    except SubmissionError as error:
        raise pytest.UsageError(str(error)) from None
    return submission, [exercise for lesson in lessons for exercise in lesson.exercises]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of every case that the notebook's check shows."""
    cases = [
        pytest.param(exercise, title, id=f"{exercise.name}: {title}")
        for exercise in _work(metafunc.config)[1]
        for title in (case.title for case in exercise.cases if not case.hidden)
    ]
    metafunc.parametrize(("exercise", "title"), cases)


@pytest.fixture(scope="module")
def reports(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Report]]:
    """The report of an exercise by its name; each is checked once, in a process of its own."""
    submission, exercises = _work(request.config)
    by_name = {exercise.name: exercise for exercise in exercises}
    seed = request.config.getoption("--seed")
    with CourseWorker() as worker:
        run_case = partial(worker.run_case, submission.cells)
        yield cache(lambda name: grade(by_name[name], run_case, seed))


def test_case(exercise: Exercise, title: str, reports: Callable[[str], Report]) -> None:
    """The case passes; else its message and the named mistake are the failure."""
    (case,) = [case for case in reports(exercise.name).cases if case.title == title]
    if case.status is not Status.PASSED:
        points = f"{case.points} of {case.max_points} points"
        words = [f"{case.status} ({points})", case.message, case.diagnosis]
        pytest.fail("\n".join(filter(None, words)), pytrace=False)

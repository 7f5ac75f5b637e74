"""The course at a glance: points of every lesson and the next thing to do."""

from __future__ import annotations

from collections.abc import Sequence

from checkers.engine.checking import LessonReport
from checkers.engine.report import Report, Status

_NAME_WIDTH = 26


def progress_lines(reports: Sequence[LessonReport]) -> list[str]:
    """One line for each lesson, then the sum and what to do next."""
    readable = [report for report in reports if not report.problem]
    following = next((report for report in [*readable, *reports] if not report.passed), None)
    lines = [_lesson_line(report, report is following) for report in reports]
    points = sum(report.points for report in reports)
    total = sum(report.max_points for report in reports)
    summary = f" {points} of {total} points."
    lines += [f" {report.problem}" for report in reports if report.problem]
    if following is None:
        return [*lines, f"{summary} Every exercise is solved."]
    stub = _first_unsolved(following).exercise
    notebook = f"lessons/{following.number}_{following.lesson}.ipynb"
    return [*lines, f'{summary} Next: {notebook}, cell "{stub}".']


def _lesson_line(report: LessonReport, is_next: bool) -> str:
    score = f"{report.points:>3} / {report.max_points:<3}"
    line = f" {report.number} {report.lesson:<{_NAME_WIDTH}}{score}  {_state(report)}"
    return f"{line:<62}<- next" if is_next else line


def _state(report: LessonReport) -> str:
    if report.passed:
        return "done"
    if report.problem:
        return "cannot be read"
    if all(r.status in (Status.NOT_ATTEMPTED, Status.MISSING) for r in report.reports):
        missing = [r.exercise for r in report.reports if r.status is Status.MISSING]
        return f"{missing[0]}: missing" if missing else "not started"
    first = _first_unsolved(report)
    return f"{first.exercise}: {first.status}"


def _first_unsolved(report: LessonReport) -> Report:
    return next(exercise for exercise in report.reports if not exercise.passed)

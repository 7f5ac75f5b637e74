"""The command line: `python -m checkers status | check | hint | verify | refresh`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

# Everything that needs torch is imported where it is used, so that --help comes at once.
if TYPE_CHECKING:
    from checkers.engine.checking import LessonReport
    from checkers.engine.registry import Lesson
    from checkers.engine.submission import Submission

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Check the exercises of the course.",
)
out = Console(highlight=False, soft_wrap=True)
_BAD_INPUT = 2

What = Annotated[
    list[str], typer.Argument(help="A lesson (01, forward_noising), or a notebook or .py file.")
]


@app.command()
def check(
    what: What,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    seed: Annotated[int | None, typer.Option(help="Repeat a run with the same inputs.")] = None,
) -> None:
    """Check lessons or files; exit code 0 if everything passed, 2 if something can't be read."""
    from checkers.engine.checking import check_submission
    from checkers.engine.isolation import Worker

    work = [_find_work(text) for text in what]
    reports: list[LessonReport] = []
    with Worker() as worker:
        for submission, lessons in work:
            reports += check_submission(submission, lessons, worker, seed)
    if as_json:
        print(json.dumps([_as_json(report) for report in reports], indent=2))
    else:
        for report in reports:
            _print_lesson(report)
    raise typer.Exit(0 if all(report.passed for report in reports) else 1)


def _find_work(text: str) -> tuple[Submission, list[Lesson]]:
    from checkers.engine.registry import UnknownLessonError, find_lesson
    from checkers.engine.submission import SubmissionError, lessons_in, read_submission

    path = Path(text)
    try:
        if path.suffix not in (".ipynb", ".py") and not path.exists():
            lesson = find_lesson(text)
            return read_submission(lesson.notebook), [lesson]
        submission = read_submission(path)
        return submission, lessons_in(submission)
    except (SubmissionError, UnknownLessonError) as error:
        _stop(str(error))


def _as_json(report: LessonReport) -> dict:
    return {
        **report.model_dump(mode="json"),
        "points": report.points,
        "max_points": report.max_points,
        "passed": report.passed,
    }


def _print_lesson(report: LessonReport) -> None:
    out.print(f"{report.number} {report.lesson}   {report.points} of {report.max_points} points")
    for exercise in report.reports:
        out.print()
        out.print(str(exercise), markup=False)
    out.print()


@app.command()
def status() -> None:
    """Show the points of every lesson and what to do next."""
    from checkers.engine.checking import course_progress
    from checkers.engine.progress import progress_lines
    from checkers.engine.submission import SubmissionError

    try:
        with out.status("Checking what changed ..."):
            reports = course_progress()
    except SubmissionError as error:
        _stop(str(error))
    for line in progress_lines(reports):
        out.print(line, markup=False)


@app.command()
def verify(
    lessons: Annotated[list[str] | None, typer.Argument(help="Lessons; all if none.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only what fails.")] = False,
) -> None:
    """For authors: prove that every checker passes right answers and names every mistake."""
    from checkers.engine.isolation import Worker
    from checkers.engine.verify import verify as verify_exercise

    exercises = [exercise for lesson in _lessons(lessons) for exercise in lesson.exercises]
    counts = {"proved": 0, "refuted": 0}
    with Worker() as worker:
        for exercise in exercises:
            for proof in verify_exercise(exercise, worker):
                counts["refuted" if proof.problem else "proved"] += 1
                if proof.problem or not quiet:
                    word = "FAILS " if proof.problem else "holds "
                    out.print(f"{word} {proof.exercise}: {proof.claim}", markup=False)
                if proof.problem:
                    out.print(f"        {proof.problem}", markup=False)
    mistakes = sum(len(exercise.mistakes) for exercise in exercises)
    others = sum(len(exercise.right_answers) for exercise in exercises)
    out.print(
        f"{len(exercises)} exercises, {mistakes} mistakes, {others} other right answers: "
        f"{counts['proved']} claims hold, {counts['refuted']} fail."
    )
    raise typer.Exit(1 if counts["refuted"] else 0)


@app.command()
def refresh(
    lessons: Annotated[list[str] | None, typer.Argument(help="Lessons; all if none.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Execute solved notebooks that did not change, too.")
    ] = False,
) -> None:
    """For authors: bring stub cells and solved notebooks in step with the solutions."""
    from checkers.engine.notebooks import NotebookError, refresh_solved, refresh_stubs

    for lesson in _lessons(lessons):
        try:
            changed = refresh_stubs(lesson)
            executed = refresh_solved(lesson, force=force)
        except NotebookError as error:
            _stop(str(error))
        words = [w for w, did in (("stubs", changed), ("solved notebook", executed)) if did]
        out.print(f"{lesson.number} {lesson.name}: {' and '.join(words) or 'nothing'} refreshed")


def _lessons(names: Sequence[str] | None) -> list[Lesson]:
    from checkers.engine.registry import UnknownLessonError, all_lessons, find_lesson

    try:
        return [find_lesson(name) for name in names] if names else list(all_lessons())
    except UnknownLessonError as error:
        _stop(str(error))


def _stop(message: str) -> NoReturn:
    """End with one sentence and exit code 2."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(message, markup=False)
    raise typer.Exit(_BAD_INPUT)


if __name__ == "__main__":
    app()

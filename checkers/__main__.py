"""The command line: `python -m checkers check | status | grade | ...`; `--help` lists them all."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
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


@app.callback(help="Check the exercises of the course.")
def on_any_terminal() -> None:
    """Show what the terminal's encoding lacks as an escape, and no error: names may be Greek."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@app.command()
def check(
    what: What,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    seed: Annotated[int | None, typer.Option(help="Repeat a run with the same inputs.")] = None,
) -> None:
    """Check lessons or files; exit code 0 if everything passed, 2 if something can't be read."""
    from checkers.engine.checking import check_submission
    from checkers.engine.isolation import CourseWorker

    work = _without_own_notebooks([_find_work(text) for text in what])
    reports: list[LessonReport] = []
    with CourseWorker() as worker:
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
    from checkers.engine.submission import SubmissionError, kind_of, lessons_in, read_submission

    path = Path(text)
    try:
        if not kind_of(path.name) and not path.exists():
            lesson = find_lesson(text)
            return read_submission(lesson.notebook), [lesson]
        submission = read_submission(path)
        return submission, lessons_in(submission)
    except (SubmissionError, UnknownLessonError) as error:
        _stop(str(error))


def _without_own_notebooks(
    work: list[tuple[Submission, list[Lesson]]],
) -> list[tuple[Submission, list[Lesson]]]:
    """The work without a lesson's own notebook where a file for that lesson is named, too.

    "13 mine.ipynb" asks for that file's lesson 13.
    """
    answered = {
        lesson.name
        for submission, lessons in work
        for lesson in lessons
        if submission.path != lesson.notebook
    }
    return [
        (submission, lessons)
        for submission, lessons in work
        if any(submission.path != lesson.notebook for lesson in lessons)
        or not answered.issuperset(lesson.name for lesson in lessons)
    ]


def _as_json(report: LessonReport) -> dict:
    return {
        **report.model_dump(mode="json"),
        "points": report.points,
        "max_points": report.max_points,
        "passed": report.passed,
    }


def _print_lesson(report: LessonReport) -> None:
    out.print(f"{report.number} {report.lesson}   {report.points} of {report.max_points} points")
    from checkers.engine.card import text_card

    for exercise in report.reports:
        out.print()
        out.print(text_card(exercise), markup=False)
    out.print()


@app.command()
def status() -> None:
    """Show the points of every lesson and what to do next."""
    from checkers.engine.checking import course_progress
    from checkers.engine.progress import progress_lines

    with out.status("Checking what changed ..."):
        reports = course_progress()
    for line in progress_lines(reports):
        out.print(line, markup=False)


@app.command()
def grade(
    submissions: Annotated[Path, typer.Argument(help="A folder or a file for each student.")],
    out_folder: Annotated[
        Path, typer.Option("--out", help="Where gradebook and feedback go; new, or an earlier run.")
    ],
    lessons: Annotated[
        str | None, typer.Option(help="Which lessons count: 01,02. Default: all handed in.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Repeat a run with the same inputs.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Processes to grade in. Default: one for each core."),
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="A TOML file: weights, late and duplicate files.")
    ] = None,
    require_isolation: Annotated[
        str | None, typer.Option(help="Refuse to run student code isolated less well than this.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Grade on the dask cluster of this scheduler's address.")
    ] = None,
    roster: Annotated[
        Path | None, typer.Option(help="Who is enrolled: Canvas's or Moodle's list, or name,id.")
    ] = None,
    overrides: Annotated[
        Path | None, typer.Option(help="A TOML file: points by hand, extensions, excuses.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Grade this student again, keep all others' grades.")
    ] = None,
    anonymous: Annotated[
        Path | None,
        typer.Option(help="Numbers instead of names; this list, kept elsewhere, tells whose."),
    ] = None,
    drop_missing: Annotated[
        bool, typer.Option("--drop-missing", help="Let students go who are no longer there.")
    ] = False,
) -> None:
    """Grade a class; run it again after any interruption, and it goes on where it was."""
    from checkers.engine.gradebook import command

    try:
        tally = command.grade_folder(
            submissions,
            out_folder,
            out,
            lessons=lessons,
            seed=seed,
            jobs=jobs or os.cpu_count() or 1,
            settings_file=settings,
            require=require_isolation,
            scheduler=scheduler,
            roster_file=roster,
            corrections_file=overrides,
            only=only,
            drop_missing=drop_missing,
            names_file=anonymous,
        )
    except command.GradingError as error:
        _stop(str(error))
    except command.StoppedError:
        message = "Stopped. Nothing graded is lost: the same command goes on where it was."
        Console(stderr=True, highlight=False, soft_wrap=True).print(message)
        raise typer.Exit(130) from None
    for line in command.summary_lines(tally, out_folder):
        out.print(line, markup=False)
    raise typer.Exit(1 if tally.failed else 0)


@app.command()
def gradescope(
    out_file: Annotated[Path, typer.Option("--out", help="The zip to write.")],
    lessons: Annotated[
        str | None, typer.Option(help="Which lessons count: 01,02. Default: those handed in.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="A TOML file: weights, late and duplicate files.")
    ] = None,
) -> None:
    """Build an autograder zip for Gradescope."""
    from checkers.engine.gradebook.gradescope import AutograderError, build_autograder
    from checkers.engine.gradebook.settings import SettingsError, load_settings, with_lessons
    from checkers.engine.registry import UnknownLessonError

    try:
        count = build_autograder(out_file, with_lessons(load_settings(settings), lessons))
    except (AutograderError, SettingsError, UnknownLessonError) as error:
        _stop(str(error))
    out.print(f"{out_file}: {count} files. Upload it as the autograder of an assignment.")


@app.command()
def release(
    out_file: Annotated[Path, typer.Option("--out", help="The zip to write.")],
    lessons: Annotated[
        str | None, typer.Option(help="Which lessons: 01-08, or 01,02. Default: all.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="release.toml: lessons, seeds, dates of solutions.")
    ] = None,
) -> None:
    """Build a copy of the course without answers, in which `check` works all the same."""
    from checkers.engine.authoring.release import ReleaseError, build_release, load_release
    from checkers.engine.gradebook.settings import SettingsError
    from checkers.engine.registry import UnknownLessonError

    doing = "Working out what answers do"
    # SIGTERM ends it as Ctrl-C does: no half copy stays behind.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with out.status(f"{doing} ...") as status:
            given = build_release(
                out_file,
                load_release(settings, lessons),
                tell=lambda what: status.update(f"{doing}: {what} ..."),
            )
    except (ReleaseError, SettingsError, UnknownLessonError) as error:
        _stop(str(error))
    finally:
        signal.signal(signal.SIGTERM, before)
    solutions = f"the solutions of {', '.join(given)}" if given else "no solutions"
    size = out_file.stat().st_size / 1e6
    out.print(f"{out_file}: {size:.0f} MB, with {solutions}.", markup=False)


@app.command()
def schema() -> None:
    """Print the JSON schema of grades.json."""
    from checkers.engine.gradebook.tables import schema_text

    print(schema_text(), end="")


@app.command()
def verify(
    lessons: Annotated[list[str] | None, typer.Argument(help="Lessons; all if none.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only what fails.")] = False,
    seed: Annotated[int | None, typer.Option(help="Of the inputs; fresh if left out.")] = None,
) -> None:
    """For authors: prove that every checker passes right answers and names every mistake."""
    from checkers.engine.authoring.verify import verify as verify_exercise
    from checkers.engine.isolation import CourseWorker
    from checkers.engine.swaps import MistakeError

    exercises = [exercise for lesson in _lessons(lessons) for exercise in lesson.exercises]
    try:
        mistakes = sum(len(exercise.mistakes) for exercise in exercises)
    except MistakeError as error:
        _stop(str(error))
    counts = {"proved": 0, "refuted": 0}
    with CourseWorker() as worker:
        for exercise in exercises:
            for proof in verify_exercise(exercise, worker, seed):
                counts["refuted" if proof.problem else "proved"] += 1
                if proof.problem or not quiet:
                    word = "FAILS " if proof.problem else "holds "
                    out.print(f"{word} {proof.exercise}: {proof.claim}", markup=False)
                if proof.problem:
                    out.print(f"        {proof.problem}", markup=False)
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
    from checkers.engine.authoring.notebooks import NotebookError, refresh_solved, refresh_stubs

    for lesson in _lessons(lessons):
        try:
            changed = refresh_stubs(lesson)
            executed = refresh_solved(lesson, force=force)
        except NotebookError as error:
            _stop(str(error))
        words = [w for w, did in (("stubs", changed), ("solved notebook", executed)) if did]
        out.print(f"{lesson.number} {lesson.name}: {' and '.join(words) or 'nothing'} refreshed")


@app.command()
def new(
    number: Annotated[str, typer.Argument(help="Its place in the course: two digits.")],
    name: Annotated[str, typer.Argument(help="The word for it: ddim, few_steps.")],
    function: Annotated[
        str | None, typer.Option(help="What students write; the lesson's name if left out.")
    ] = None,
) -> None:
    """For authors: begin a lesson; its files run, and verify holds, before a word is changed."""
    from checkers.engine.authoring.new import NewLessonError, new_lesson
    from checkers.engine.registry import ROOT

    try:
        made = new_lesson(number, name, function)
    except NewLessonError as error:
        _stop(str(error))
    for path in made:
        out.print(str(path.relative_to(ROOT)), markup=False)
    out.print(f"\nNext: python -m checkers verify {number}", markup=False)


def _lessons(names: Sequence[str] | None) -> list[Lesson]:
    from checkers.engine.registry import UnknownLessonError, all_lessons, find_lesson

    try:
        return [find_lesson(name) for name in names] if names else list(all_lessons())
    except UnknownLessonError as error:
        _stop(str(error))


def _stop(message: str) -> NoReturn:
    """End with one sentence and exit code 2."""
    from checkers.engine.sandbox.inside.plain import visible

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(visible(message), markup=False)
    raise typer.Exit(_BAD_INPUT)


def main() -> None:
    """Run the command line; what the terminal's encoding lacks is shown as a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app()


if __name__ == "__main__":
    main()

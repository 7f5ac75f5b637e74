"""What `python -m checkers grade` prints while it grades a class, and how it ends."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from checkers.engine.gradebook.anonymous import NamesError, with_numbers
from checkers.engine.gradebook.corrections import load_corrections
from checkers.engine.gradebook.executors import (
    Executor,
    ExecutorError,
    dask_cluster,
    local_processes,
    run_here,
)
from checkers.engine.gradebook.folder import FolderError
from checkers.engine.gradebook.journal import JournalError, what_failed
from checkers.engine.gradebook.roster import (
    Enrolment,
    Roster,
    RosterError,
    enrol,
    find_student,
    load_roster,
)
from checkers.engine.gradebook.run import Circumstances, Tally, grade_class
from checkers.engine.gradebook.settings import SettingsError, load_settings, with_lessons
from checkers.engine.gradebook.submissions import (
    Student,
    SubmissionsError,
    find_students,
    passed_over,
)
from checkers.engine.registry import UnknownLessonError
from checkers.engine.sandbox.levels import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_SHOWN_NAMES = 5


class GradingError(ValueError):
    """Grading cannot begin or go on; the message is one sentence that says what to do."""


class StoppedError(KeyboardInterrupt):
    """Somebody pressed Ctrl-C, or asked the process to end.

    A `KeyboardInterrupt`, as what runs code on trial lets nothing else through.
    """


def grade_folder(
    submissions: Path,
    results: Path,
    console: Console,
    *,
    lessons: str | None = None,
    seed: int | None = None,
    jobs: int = 1,
    settings_file: Path | None = None,
    require: str | None = None,
    scheduler: str | None = None,
    roster_file: Path | None = None,
    corrections_file: Path | None = None,
    only: str | None = None,
    drop_missing: bool = False,
    names_file: Path | None = None,
) -> Tally:
    """Grade the class in `submissions`, with progress on `console`.

    Raises:
        GradingError: if something that was named can't be used.
        StoppedError: if it was interrupted; what was graded is in the journal.
    """
    try:
        if require is not None:
            require = str(Level.from_name(require))
    except ValueError as error:
        raise GradingError(str(error)) from None
    try:
        settings = with_lessons(load_settings(settings_file), lessons)
        students, circumstances = _the_class(
            submissions, results, roster_file, corrections_file, only, drop_missing, names_file
        )
        executor = _executor(jobs, scheduler)
        with _progress(console, 1 if only else len(students)) as advance, _stoppable():
            return grade_class(
                students,
                results,
                executor,
                settings,
                seed=seed,
                require=require or "",
                on_student=advance,
                circumstances=circumstances,
            )
    except (
        RosterError,
        NamesError,
        SettingsError,
        SubmissionsError,
        FolderError,
        JournalError,
        ExecutorError,
        UnknownLessonError,
    ) as error:
        raise GradingError(str(error)) from None
    except sqlite3.Error as error:
        raise GradingError(what_failed(error, results)) from None
    except OSError as error:
        raise GradingError(f"{error.filename or results}: {error.strerror or error}.") from None


def _the_class(
    submissions: Path,
    results: Path,
    roster_file: Path | None,
    corrections_file: Path | None,
    only: str | None,
    drop_missing: bool,
    names_file: Path | None,
) -> tuple[list[Student], Circumstances]:
    """Who is to be graded, and what is known of them; without names if there is a list of them."""
    roster = load_roster(roster_file) if roster_file else Roster()
    handed_in = find_students(submissions, results)
    enrolment = enrol(handed_in, roster) if roster_file else Enrolment(handed_in)
    students = enrolment.students
    circumstances = Circumstances(
        corrections=load_corrections(corrections_file, students),
        headings=roster.headings,
        unknown=enrolment.unknown,
        passed_over=passed_over(submissions),
        only=find_student(only, students).key if only else "",
        drop_missing=drop_missing,
    )
    if names_file is None:
        return students, circumstances
    numbered = with_numbers(students, names_file)
    corrections = {numbered[key].key: each for key, each in circumstances.corrections.items()}
    nameless = Circumstances(
        corrections=corrections,
        only=numbered[circumstances.only].key if only else "",
        drop_missing=drop_missing,
    )
    return sorted(numbered.values(), key=lambda student: student.name), nameless


def _executor(jobs: int, scheduler: str | None) -> Executor:
    if scheduler is not None:
        return dask_cluster(scheduler)
    return run_here if jobs == 1 else local_processes(jobs)


@contextmanager
def _progress(console: Console, total: int) -> Iterator[Callable[[], None]]:
    columns = (
        TextColumn("Grading"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("students"),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the run in good order."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise StoppedError

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def summary_lines(tally: Tally, results: Path) -> list[str]:
    """What to print at the end."""
    were = "was" if tally.known == 1 else "were"
    known = f" ({tally.known} {were} known already)" if tally.known else ""
    lines = [
        f"{_count(tally.students, 'student')}: {_count(tally.graded, 'lesson')} graded now{known}.",
        f"Seed {tally.seed}; isolation: {', '.join(tally.isolation) or 'nothing was run'}.",
    ]
    if tally.failed:
        lines.append(
            f"{tally.failed} could not be graded, through no fault of the students'; they are "
            f'"not graded" in the gradebook. Run the same command again.'
        )
    if tally.unknown:
        lines.append(f"Not on the roster: {_some(tally.unknown)}.")
    if tally.edited:
        lines.append(f"Changed by hand, and left as they are: {_some(tally.edited)}.")
    return [*lines, f"Begin with {results / 'summary.html'}; the table is grades.csv."]


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")

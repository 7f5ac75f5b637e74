"""How long a check takes: in the notebook's kernel, and in a process of its own.

python benchmarks/checks.py [lesson ...]

For every exercise: a right answer (the reference), and wrong ones, which cost more, as the mistake
has to be named: the middle and the slowest of some known mistakes, taken evenly from the list, as
those at its end are tried last. Each is the best of three, in seconds. "again" is the right answer
in a kernel that has checked an answer before; "told" is when a notebook can say what failed, of the
mistake in the middle of the list, and goes on looking for its name. The start of the worker process
is given apart, as one worker serves a whole run.

For every lesson then: the processor's seconds until the first cell has run in a new process, and
until the stub has been checked for the first time. Most of them are imports; on a busy machine each
takes longer on the clock.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from checkers.engine.authoring.notebooks import read_lesson, stub_cells
from checkers.engine.authoring.verify import as_submission
from checkers.engine.exercise import Answer, Exercise, Mistake
from checkers.engine.grading import grade, grade_here
from checkers.engine.isolation import CourseWorker
from checkers.engine.memory import Memory
from checkers.engine.registry import ROOT, Lesson, all_lessons, find_lesson
from checkers.engine.report import Report
from checkers.engine.watched import Printed, watched

REPEATS = 3
SEED = 2026
MISTAKES = 5


def seconds(action: Callable[[], object]) -> float:
    """The best of a few runs."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def some_of(mistakes: Sequence[Mistake]) -> list[Mistake]:
    """A few, from the first to the last."""
    few = min(MISTAKES, len(mistakes))
    return [mistakes[round(k * (len(mistakes) - 1) / max(few - 1, 1))] for k in range(few)]


class ToldError(Exception):
    """What failed is known; the mistake's name is not looked for any more."""


def until_told(exercise: Exercise, mistake: Mistake) -> None:
    """The check of a wrong answer, as in a notebook, until the verdicts are known."""

    def stop(report: Report) -> None:
        raise ToldError

    with contextlib.suppress(ToldError):
        grade(exercise, watched(mistake.answer, Printed()), meanwhile=stop)


def isolated(
    worker: CourseWorker, exercise: Exercise, answer: Answer | Mistake
) -> Callable[[], object]:
    """The check of an answer in a process of its own."""
    cells = as_submission(answer, exercise.name).cells
    return partial(grade, exercise, partial(worker.run_case, cells))


def of_all(right: Callable[[], object], wrong: Sequence[Callable[[], object]]) -> str:
    """Three columns: the right answer, the middle of the wrong ones and the slowest."""
    times = sorted(map(seconds, wrong))
    return "".join(f"{t:10.2f}" for t in (seconds(right), times[len(times) // 2], times[-1]))


def until_first(lesson: Lesson) -> str:
    """Seconds until the lesson's first code cell has run, and until its first check has."""
    notebook = read_lesson(lesson)
    first = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    cell, names = stub_cells(notebook)[0]
    tell = 'import time; print(f"\\nafter {time.process_time():10.2f}")'
    program = "\n".join([first, tell, cell.source, f"check({names[0]})", tell])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "lesson.py")
        file.write_text(program, encoding="utf-8")
        run = subprocess.run(
            [sys.executable, file],
            cwd=ROOT,
            env={**os.environ, "MPLBACKEND": "agg", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
    return "".join(line[6:] for line in run.stdout.splitlines() if line.startswith("after "))


def main() -> None:
    """Print one line for each exercise, and one for each lesson."""
    lessons = [find_lesson(name) for name in sys.argv[1:]] or list(all_lessons())
    columns = f"{'right':>10}{'wrong':>10}{'slowest':>10}"
    print(f"{'':28}{'in the kernel':>50}{'isolated':>30}")
    print(f"{'exercise':28}{'again':>10}{'told':>10}{columns}{columns}")
    with CourseWorker() as worker:
        start = time.perf_counter()
        isolated(worker, lessons[0].exercises[0], lessons[0].exercises[0].reference)()
        started = time.perf_counter() - start
        for exercise in (e for lesson in lessons for e in lesson.exercises):
            mistakes = some_of(exercise.mistakes)
            here = [partial(grade_here, exercise, mistake.answer) for mistake in mistakes]
            apart = [isolated(worker, exercise, mistake) for mistake in mistakes]
            right = partial(grade_here, exercise, exercise.reference)
            again = seconds(partial(right, SEED, memory=Memory()))
            told = seconds(partial(until_told, exercise, mistakes[len(mistakes) // 2]))
            row = f"{exercise.name:28}{again:10.2f}{told:10.2f}" + of_all(right, here)
            print(row + of_all(isolated(worker, exercise, exercise.reference), apart), flush=True)
    print(f"start of the worker, with its first check: {started:.1f} s")
    print(f"\n{'until the':28}{'first cell':>10}{'check':>10}")
    for lesson in lessons:
        print(f"{lesson.name:28}{until_first(lesson)}")


if __name__ == "__main__":
    main()

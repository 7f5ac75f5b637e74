"""How long a check takes: in the notebook's kernel, and in a process of its own.

python benchmarks/checks.py [lesson ...]

For every exercise: a right answer (the reference) and a wrong one (its first known mistake, which
costs more, as the mistake has to be named), best of three, in seconds. The start of the worker
process is given apart, as one worker serves a whole run.

For every lesson then: the processor's seconds until the first cell has run in a new process, and
until the stub has been checked for the first time. Most of them are imports; on a busy machine each
takes longer on the clock.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from checkers.engine.authoring.notebooks import read_lesson, stub_cells
from checkers.engine.authoring.verify import as_submission
from checkers.engine.grading import grade, grade_here
from checkers.engine.isolation import CourseWorker
from checkers.engine.registry import ROOT, Lesson, all_lessons, find_lesson

REPEATS = 3


def seconds(action: Callable[[], object]) -> float:
    """The best of a few runs."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


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
    print(f"{'':28}{'in the kernel':>20}{'isolated':>20}")
    print(f"{'exercise':28}{'right':>10}{'wrong':>10}{'right':>10}{'wrong':>10}")
    with CourseWorker() as worker:
        first = True
        for exercise in (e for lesson in lessons for e in lesson.exercises):
            row = f"{exercise.name:28}"
            mistake = exercise.mistakes[0]
            for answer in (exercise.reference, mistake.answer):
                row += f"{seconds(partial(grade_here, exercise, answer)):10.2f}"
            for answer in (exercise.reference, mistake):
                cells = as_submission(answer, exercise.name).cells
                run = partial(grade, exercise, partial(worker.run_case, cells))
                if first:
                    start = time.perf_counter()
                    run()
                    started, first = time.perf_counter() - start, False
                row += f"{seconds(run):10.2f}"
            print(row)
    print(f"start of the worker, with its first check: {started:.1f} s")
    print(f"\n{'until the':28}{'first cell':>10}{'check':>10}")
    for lesson in lessons:
        print(f"{lesson.name:28}{until_first(lesson)}")


if __name__ == "__main__":
    main()

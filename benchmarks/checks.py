"""How long a check takes: in the notebook's kernel, and in a process of its own.

python benchmarks/checks.py [lesson ...]

For every exercise: a right answer (the reference) and a wrong one (its first known mistake, which
costs more, as the mistake has to be named), best of three, in seconds. The start of the worker
process is given apart, as one worker serves a whole run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

from checkers.engine.authoring.verify import as_submission
from checkers.engine.grading import grade, grade_here
from checkers.engine.isolation import CourseWorker
from checkers.engine.registry import all_lessons, find_lesson

REPEATS = 3


def seconds(action: Callable[[], object]) -> float:
    """The best of a few runs."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print one line for each exercise."""
    lessons = [find_lesson(name) for name in sys.argv[1:]] or list(all_lessons())
    print(f"{'':28}{'in the kernel':>20}{'isolated':>20}")
    print(f"{'exercise':28}{'right':>10}{'wrong':>10}{'right':>10}{'wrong':>10}")
    with CourseWorker() as worker:
        first = True
        for exercise in (e for lesson in lessons for e in lesson.exercises):
            row = f"{exercise.name:28}"
            answers = (exercise.reference, exercise.mistakes[0].answer)
            for answer in answers:
                row += f"{seconds(partial(grade_here, exercise, answer)):10.2f}"
            for answer in answers:
                cells = as_submission(answer, exercise.name).cells
                run = partial(grade, exercise, partial(worker.run_case, cells))
                if first:
                    start = time.perf_counter()
                    run()
                    started, first = time.perf_counter() - start, False
                row += f"{seconds(run):10.2f}"
            print(row)
    print(f"start of the worker, with its first check: {started:.1f} s")


if __name__ == "__main__":
    main()

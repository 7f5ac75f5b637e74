"""How fast, how right and how lean grading a class is.

python benchmarks/grading.py --students 300 --jobs 2 --nbgrader VENV --otter VENV --others 2
    a made-up class: every grade compared with what it must be, and in the same run nbgrader and
    otter-grader on two students' notebooks; --lessons 01,02 instead of all; --quick for
    two students and one lesson
python benchmarks/grading.py --memory 1000           memory over that many submissions

VENV is a virtual environment with `nbgrader` or `otter-grader`; `other_graders.py` says how they
are run, on one core. What they take for a notebook does not hang on the class. Seconds are those of
one core: with two jobs, twice what the clock says. nbgrader is also timed on a notebook that
imports nothing, its floor.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import other_graders
from made_up_class import BESIDE, BROKEN, LEANING, RIGHT, STUB, WRONG, make_class
from other_graders import Timed
from rich.console import Console

from checkers.engine.authoring.verify import as_submission
from checkers.engine.gradebook.command import grade_folder, summary_lines
from checkers.engine.gradebook.executors import run_here
from checkers.engine.gradebook.results import Gradebook
from checkers.engine.gradebook.run import grade_class
from checkers.engine.gradebook.settings import Settings
from checkers.engine.gradebook.submissions import find_students
from checkers.engine.registry import Lesson, all_lessons, find_lesson

CONSOLE = Console()
OTHERS = {"nbgrader": other_graders.nbgrader, "otter": other_graders.otter}


def main() -> None:
    """Run what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=10, help="size of the made-up class")
    parser.add_argument("--lessons", help="01,02; all without it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, help="where the made-up class and its results stay")
    parser.add_argument("--nbgrader", type=Path, help="environment with nbgrader")
    parser.add_argument("--otter", type=Path, help="environment with otter-grader")
    parser.add_argument("--others", type=int, default=2, help="students that these two grade")
    parser.add_argument("--quick", action="store_true", help="two students, lesson 02")
    parser.add_argument("--memory", type=int, help="number of submissions")
    options = parser.parse_args()
    if options.quick:
        options.students, options.lessons = 2, "02"
    named = options.lessons.split(",") if options.lessons else []
    lessons = [find_lesson(name) for name in named] or all_lessons()
    if options.memory:
        memory(options.memory)
        return
    with tempfile.TemporaryDirectory() as temporary:
        place = options.keep or Path(temporary)
        truth = make_class(place / "class", lessons, options.students)
        ours = grade_ours(place, lessons, options.jobs)
        confusion(place, truth)
        _tell("ours", ours, ours)
        for name, venv in (("nbgrader", options.nbgrader), ("otter", options.otter)):
            if venv is None or not (venv / "bin").is_dir():
                print(f"{name}: left out; name its environment with --{name}.")
                continue
            here = Path(temporary) / name
            theirs = Timed()
            for lesson in lessons:
                answers = _answers(place / "class", lesson, options.others)
                theirs += OTHERS[name](here / lesson.name, lesson, answers, venv)
            _tell(name, theirs, ours)
        if options.nbgrader:
            empty = Path(temporary) / "empty"
            floor = other_graders.nbgrader_without_imports(empty, 2, options.nbgrader)
            _tell("nbgrader, no imports", floor, ours)


def grade_ours(place: Path, lessons: Sequence[Lesson], jobs: int) -> Timed:
    """Grade the class, start and tables included; its notebooks, and seconds of one core."""
    names = ",".join(lesson.name for lesson in lessons)
    start = time.perf_counter()
    tally = grade_folder(
        place / "class", place / "results", CONSOLE, lessons=names, jobs=jobs, seed=1
    )
    seconds = time.perf_counter() - start
    for line in summary_lines(tally, place / "results"):
        print(line)
    print(f"isolation: {', '.join(tally.isolation)}; {seconds:.0f} s on the clock, {jobs} jobs")
    return Timed(seconds * jobs, tally.graded + tally.known, tally.failed)


def _tell(name: str, timed: Timed, ours: Timed) -> None:
    line = f"{name:22}{timed.each:7.2f} s a submission, of {timed.graded + timed.failed}"
    if timed is not ours:
        line += f", {timed.each / ours.each:.1f} times ours"
    if timed.failed:
        line += f"; {timed.failed} of {timed.graded + timed.failed} without a result"
    print(line, flush=True)


def _answers(folder: Path, lesson: Lesson, count: int) -> dict[str, list[str]]:
    """By student, the cells of a lesson's notebooks: `count` of them, right ones and wrong ones."""
    answers = {}
    for path in sorted(folder.glob(f"*/{lesson.notebook.name}"))[: 5 * count : 5]:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        answers[path.parent.name] = [cell["source"] for cell in notebook["cells"]]
    return answers


def confusion(place: Path, truth: dict[str, dict[str, str]]) -> None:
    """Compare every grade with what it must be."""
    book = Gradebook.model_validate_json((place / "results" / "grades.json").read_text())
    table, odd = _compare(book, truth)
    print(f"\n{'answer':24}{'passed':>10}{'failed':>10}")
    for kind in (RIGHT, WRONG, STUB, BROKEN, BESIDE, LEANING):
        print(f"{kind:24}{table[kind, True]:>10}{table[kind, False]:>10}")
    print(f"mistakes told by their own sentence: {table['named']} of {table[WRONG, False]}")
    for line in odd:
        print(line)


def _compare(book: Gradebook, truth: dict[str, dict[str, str]]) -> tuple[Counter, list[str]]:
    table: Counter = Counter()
    odd = []
    for student in book.students:
        for grade in (e for lesson in student.lessons for e in lesson.exercises):
            label = truth[student.student][grade.exercise]
            kind, _, name = label.partition(": ")
            passed = grade.status == "passed"
            table[kind, passed] += 1
            if kind == WRONG:
                table["named"] += name in grade.mistakes
            if kind != LEANING and passed != (kind in (RIGHT, BESIDE)):
                odd.append(f"  {student.student}, {grade.exercise}: {label} is {grade.status}")
    return table, odd


def memory(count: int) -> None:
    """Peak memory of the grading process after every tenth of `count` submissions."""
    lesson = find_lesson("01")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "class"
        for number in range(count):
            answers = lesson.exercises[0].right_answers
            cells = as_submission(answers[number % len(answers)], "forward").cells
            path = folder / f"student {number:05}" / f"{lesson.notebook.stem}.py"
            path.parent.mkdir(parents=True)
            path.write_text("\n".join(source for _, source in cells) + f"\n# {number}\n")
        done = 0

        def tell() -> None:
            nonlocal done
            done += 1
            if done % max(1, count // 10) == 0:
                print(f"{done:6} submissions: {_resident():7.1f} MB now, {_peak():7.1f} MB peak")

        start = time.perf_counter()
        results = Path(place) / "results"
        grade_class(find_students(folder), results, run_here, Settings(), on_student=tell)
        print(f"with the outputs written: {_resident():.1f} MB now, {_peak():.1f} MB peak")
        print(f"{(time.perf_counter() - start) / count:.3f} s a submission")


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

"""How fast, how right and how lean grading a class is.

python benchmarks/grading.py                         ours, on a three-question notebook
    --nbgrader VENV --otter VENV                     and beside it nbgrader and otter-grader
python benchmarks/grading.py --class 300 [--jobs 2]  a made-up class: time and confusion table
python benchmarks/grading.py --memory 1000           memory over that many submissions

VENV is a virtual environment with `nbgrader` or `otter-grader`; the kernel is this environment's,
so that neither needs torch of its own. All grade the same notebook (lesson 02, three questions) by
eight students, one after the other, in one run; generating assignments is not counted. nbgrader is
also timed on a notebook that imports nothing, its floor.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import nbformat
from made_up_class import BESIDE, BROKEN, LEANING, RIGHT, STUB, WRONG, make_class
from rich.console import Console

from checkers.engine.authoring.notebooks import read_lesson
from checkers.engine.authoring.verify import as_submission
from checkers.engine.gradebook.command import grade_folder, summary_lines
from checkers.engine.gradebook.executors import run_here
from checkers.engine.gradebook.results import Gradebook
from checkers.engine.gradebook.run import grade_class
from checkers.engine.gradebook.settings import Settings
from checkers.engine.gradebook.submissions import find_students
from checkers.engine.registry import ROOT, all_lessons, find_lesson

STUDENTS = 8
THREE_QUESTIONS = "02"
PLAIN = {"double": "2 * x", "square": "x * x", "negate": "-x"}
CONSOLE = Console()


def main() -> None:
    """Run what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nbgrader", type=Path, help="environment with nbgrader")
    parser.add_argument("--otter", type=Path, help="environment with otter-grader")
    parser.add_argument("--students", type=int, default=STUDENTS)
    parser.add_argument("--class", type=int, dest="class_size", help="size of the made-up class")
    parser.add_argument("--memory", type=int, help="number of submissions")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--lessons", help="of the made-up class: 01,02; all without it")
    parser.add_argument("--keep", type=Path, help="where the made-up class and its results stay")
    options = parser.parse_args()
    if options.class_size:
        confusion(options.class_size, options.jobs, options.lessons, options.keep)
    elif options.memory:
        memory(options.memory)
    else:
        side_by_side(options.students, options.nbgrader, options.otter)


def side_by_side(count: int, nbgrader: Path | None, otter: Path | None) -> None:
    """Seconds per submission for the same class, and the ratios."""
    with tempfile.TemporaryDirectory() as place:
        answers = _answers(count)
        ours, first = _ours(Path(place) / "ours", answers)
        print(f"{'ours:':22}{ours:6.2f} s a submission; the first, with the start, {first:.1f} s")
        for name, venv, measure in (
            ("nbgrader", nbgrader, _nbgrader),
            ("nbgrader, no imports", nbgrader, partial(_nbgrader, plain=True)),
            ("otter-grader", otter, _otter),
        ):
            if venv is None or not (venv / "bin").is_dir():
                print(f"{name}: left out; name its environment with --{name.split('-')[0][:8]}.")
                continue
            theirs = measure(Path(place) / name.replace(" ", "_"), answers, venv)
            print(f"{name + ':':22}{theirs:6.2f} s a submission, {theirs / ours:.1f} times ours")


def _answers(count: int) -> list[dict[str, list[str]]]:
    """For each student the cells of every function: half of them right, half with a mistake."""
    students = []
    for number in range(count):
        answer = {}
        for exercise in find_lesson(THREE_QUESTIONS).exercises:
            right = [exercise.reference, *exercise.right_answers]
            wrong = [mistake.answer for mistake in exercise.mistakes]
            pool = wrong if number % 2 else right
            cells = as_submission(pool[number // 2 % len(pool)], exercise.name).cells
            answer[exercise.name] = [source for _, source in cells]
        students.append(answer)
    return students


def _ours(place: Path, answers: Sequence[dict[str, list[str]]]) -> tuple[float, float]:
    """Seconds per submission once warm, and seconds for the first; one process, one core."""
    lesson = find_lesson(THREE_QUESTIONS)
    folder = place / "class"
    for number, answer in enumerate(answers):
        notebook = read_lesson(lesson)
        _fill(notebook, answer)
        path = folder / f"student {number}" / lesson.notebook.name
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    (place / "first").mkdir()
    shutil.copytree(folder / "student 0", place / "first" / "student 0")
    start = time.perf_counter()
    grade_folder(place / "first", place / "warm-up", CONSOLE, jobs=1, seed=1)
    first = time.perf_counter() - start
    start = time.perf_counter()
    tally = grade_folder(folder, place / "results", CONSOLE, jobs=1, seed=2)
    seconds = time.perf_counter() - start
    print(f"isolation of ours: {', '.join(tally.isolation)}")
    return seconds / len(answers), first


def _fill(notebook: nbformat.NotebookNode, answer: dict[str, list[str]]) -> None:
    for cell in notebook.cells:
        names = cell.metadata.get("course", {}).get("stub", [])
        if names:
            cell.source = "\n\n".join(source for name in names for source in answer[name])


def _question_notebook(plain: bool) -> nbformat.NotebookNode:
    """Three stubs and their check cells, and nothing else, with nbgrader's metadata."""
    points = {e.name: e.points for e in find_lesson(THREE_QUESTIONS).exercises}
    if plain:
        cells = [
            (f"def {name}(x):\n    raise NotImplementedError", f"assert {name}(3) == {text!s}")
            for name, text in ((n, t.replace("x", "3")) for n, t in PLAIN.items())
        ]
        names = list(PLAIN)
    else:
        names = list(points)
        cells = [(f"def {name}(*_): raise NotImplementedError", f"check({name})") for name in names]
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    if not plain:
        notebook.cells.append(nbformat.v4.new_code_cell("from checkers import check"))
    for name, (stub, test) in zip(names, cells, strict=True):
        common = {"schema_version": 3, "task": False}
        answer = nbformat.v4.new_code_cell(stub)
        answer.metadata["nbgrader"] = {
            **common, "grade": False, "locked": False, "solution": True, "grade_id": name,
        }  # fmt: skip
        answer.metadata["course"] = {"stub": [name]}
        check = nbformat.v4.new_code_cell(test)
        check.metadata["nbgrader"] = {
            **common, "grade": True, "locked": True, "solution": False,
            "points": points.get(name, 1), "grade_id": f"{name}-check",
        }  # fmt: skip
        notebook.cells += [answer, check]
    return notebook


def _kernel(place: Path) -> dict[str, str]:
    """An environment whose python3 kernel is this process's Python."""
    folder = place / "jupyter" / "kernels" / "python3"
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "course", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    return {
        **os.environ,
        "JUPYTER_PATH": str(place / "jupyter"),
        "PYTHONPATH": str(ROOT),
        "HOME": str(place),
    }


def _run(venv: Path, place: Path, environment: dict[str, str], *command: str) -> None:
    bin_folder = venv / "bin"
    path = f"{bin_folder}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        [str(bin_folder / command[0]), *command[1:]],
        cwd=place,
        env={**environment, "PATH": path},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed: {(done.stdout + done.stderr)[-1500:]}")


def _nbgrader(
    place: Path, answers: Sequence[dict[str, list[str]]], venv: Path, plain: bool = False
) -> float:
    """Seconds that `nbgrader autograde` takes per submission."""
    environment = _kernel(place)
    (place / "source" / "ps1").mkdir(parents=True)
    notebook = _question_notebook(plain)
    nbformat.write(notebook, place / "source" / "ps1" / "questions.ipynb")
    _run(venv, place, environment, "nbgrader", "generate_assignment", "ps1",
         "--ClearSolutions.enabled=False")  # fmt: skip
    for number, answer in enumerate(answers):
        released = nbformat.read(place / "release" / "ps1" / "questions.ipynb", as_version=4)
        _fill(released, _plain_answer() if plain else answer)
        folder = place / "submitted" / f"student{number}" / "ps1"
        folder.mkdir(parents=True)
        nbformat.write(released, folder / "questions.ipynb")
    start = time.perf_counter()
    _run(venv, place, environment, "nbgrader", "autograde", "ps1")
    return (time.perf_counter() - start) / len(answers)


def _plain_answer() -> dict[str, list[str]]:
    return {name: [f"def {name}(x):\n    return {text}"] for name, text in PLAIN.items()}


def _otter(place: Path, answers: Sequence[dict[str, list[str]]], venv: Path) -> float:
    """Seconds that `otter run` takes per submission, without a container."""
    environment = _kernel(place)
    (place / "tests").mkdir()
    names = list(answers[0])
    for name in names:
        code = f">>> from checkers import check\n>>> check({name}).passed\nTrue"
        case = {"code": code, "hidden": False, "locked": False}
        suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
        test = {"name": name, "points": 1, "suites": [suite]}
        (place / "tests" / f"{name}.py").write_text(f"OK_FORMAT = True\n\ntest = {test!r}\n")
    _run(venv, place, environment, "otter", "generate", "-t", "tests", "-o", "autograder.zip",
         "--no-environment", "--no-requirements")  # fmt: skip
    for number, answer in enumerate(answers):
        notebook = _question_notebook(plain=False)
        _fill(notebook, answer)
        nbformat.write(notebook, place / f"student{number}.ipynb")
    start = time.perf_counter()
    for number in range(len(answers)):
        (place / f"out{number}").mkdir()
        _run(venv, place, environment, "otter", "run", "-a", "autograder.zip", "-o", f"out{number}",
             f"student{number}.ipynb")  # fmt: skip
    return (time.perf_counter() - start) / len(answers)


def confusion(size: int, jobs: int, lessons: str | None, keep: Path | None) -> None:
    """Grade a made-up class and compare every grade with what it must be."""
    chosen = [find_lesson(name) for name in lessons.split(",")] if lessons else list(all_lessons())
    place = keep or Path(tempfile.mkdtemp())
    truth = make_class(place / "class", chosen, size)
    names = ",".join(lesson.name for lesson in chosen)
    start = time.perf_counter()
    tally = grade_folder(
        place / "class", place / "results", CONSOLE, lessons=names, jobs=jobs, seed=1
    )
    seconds = time.perf_counter() - start
    for line in summary_lines(tally, place / "results"):
        print(line)
    print(f"{seconds:.0f} s for {size} students and {len(chosen)} lessons, with {jobs} jobs.")
    book = Gradebook.model_validate_json((place / "results" / "grades.json").read_text())
    table, odd = _compare(book, truth)
    print(f"\n{'answer':24}{'passed':>10}{'failed':>10}")
    for kind in (RIGHT, WRONG, STUB, BROKEN, BESIDE, LEANING):
        print(f"{kind:24}{table[kind, True]:>10}{table[kind, False]:>10}")
    print(f"mistakes told by their own sentence: {table['named']} of {table[WRONG, False]}")
    for line in odd:
        print(line)
    if keep is None:
        shutil.rmtree(place)


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

"""nbgrader and otter-grader on a made-up class, timed: each in an environment of its own.

Their kernel is this environment's, so that neither needs torch of its own. What they can grade of a
lesson is its answers and its check cells: a whole lesson would train for minutes. Making the
assignments is not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from checkers.engine.registry import ROOT, Lesson

PLAIN = {"double": "2 * x", "square": "x * x", "negate": "-x"}
Answers = Mapping[str, Sequence[str]]
"""By student, the sources of the cells with the answers to one lesson."""


@dataclass(frozen=True)
class Timed:
    """What a grader took.

    Attributes:
        seconds: on the clock, in all.
        graded: submissions that it has a result for.
        failed: those it has none for.
    """

    seconds: float = 0.0
    graded: int = 0
    failed: int = 0

    def __add__(self, other: Timed) -> Timed:
        return Timed(
            self.seconds + other.seconds,
            self.graded + other.graded,
            self.failed + other.failed,
        )

    @property
    def each(self) -> float:
        """Seconds per submission."""
        return self.seconds / max(1, self.graded + self.failed)


def nbgrader(place: Path, lesson: Lesson, answers: Answers, venv: Path) -> Timed:
    """Time `nbgrader autograde` for a class's answers to a lesson."""
    checks = {exercise.name: (f"check({exercise.name})", exercise.points)
              for exercise in lesson.exercises}  # fmt: skip
    return _autograde(place, "from checkers import check", checks, answers, venv)


def nbgrader_without_imports(place: Path, count: int, venv: Path) -> Timed:
    """Time `nbgrader autograde` on three one-line functions that import nothing: its floor."""
    checks = {name: (f"assert {name}(3) == {text.replace('x', '3')}", 1)
              for name, text in PLAIN.items()}  # fmt: skip
    source = "\n".join(f"def {name}(x):\n    return {text}" for name, text in PLAIN.items())
    answers = {f"student {number}": [source] for number in range(count)}
    return _autograde(place, "", checks, answers, venv)


def _autograde(
    place: Path,
    first: str,
    checks: Mapping[str, tuple[str, int]],
    answers: Answers,
    venv: Path,
) -> Timed:
    environment = _kernel(place)
    source = place / "source" / "ps1" / "questions.ipynb"
    source.parent.mkdir(parents=True)
    nbformat.write(_questions(first, checks), source)
    _run(venv, place, environment, "nbgrader", "generate_assignment", "ps1",
         "--ClearSolutions.enabled=False")  # fmt: skip
    for student, cells in answers.items():
        released = nbformat.read(place / "release" / "ps1" / "questions.ipynb", as_version=4)
        _fill(released, cells)
        folder = place / "submitted" / student.replace(" ", "_") / "ps1"
        folder.mkdir(parents=True)
        nbformat.write(released, folder / "questions.ipynb")
    start = time.perf_counter()
    _run(venv, place, environment, "nbgrader", "autograde", "ps1", may_fail=True)
    seconds = time.perf_counter() - start
    graded = len(list((place / "autograded").glob("*/ps1/questions.ipynb")))
    return Timed(seconds, graded, len(answers) - graded)


def otter(place: Path, lesson: Lesson, answers: Answers, venv: Path) -> Timed:
    """Time `otter run`, without a container, for a class's answers to a lesson."""
    environment = _kernel(place)
    (place / "tests").mkdir()
    names = [exercise.name for exercise in lesson.exercises]
    for name in names:
        code = f">>> from checkers import check\n>>> check({name}).passed\nTrue"
        case = {"code": code, "hidden": False, "locked": False}
        suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
        test = {"name": name, "points": 1, "suites": [suite]}
        (place / "tests" / f"{name}.py").write_text(f"OK_FORMAT = True\n\ntest = {test!r}\n")
    _run(venv, place, environment, "otter", "generate", "-t", "tests", "-o", "autograder.zip",
         "--no-environment", "--no-requirements")  # fmt: skip
    timed = Timed()
    for number, cells in enumerate(answers.values()):
        notebook = _questions("from checkers import check", {})
        _fill(notebook, cells)
        nbformat.write(notebook, place / f"student{number}.ipynb")
        out = place / f"out{number}"
        out.mkdir()
        start = time.perf_counter()
        _run(venv, place, environment, "otter", "run", "-a", "autograder.zip", "-o", out.name,
             f"student{number}.ipynb", may_fail=True)  # fmt: skip
        done = (out / "results.json").is_file()
        timed += Timed(time.perf_counter() - start, int(done), int(not done))
    return timed


def _questions(first: str, checks: Mapping[str, tuple[str, int]]) -> nbformat.NotebookNode:
    """A cell for all answers and one for each check, with nbgrader's metadata."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    notebook.cells.append(nbformat.v4.new_code_cell(first))
    common = {"schema_version": 3, "task": False}
    answer = nbformat.v4.new_code_cell("raise NotImplementedError")
    answer.metadata["nbgrader"] = {
        **common, "grade": False, "locked": False, "solution": True, "grade_id": "answers",
    }  # fmt: skip
    notebook.cells.append(answer)
    for name, (source, points) in checks.items():
        check = nbformat.v4.new_code_cell(source)
        check.metadata["nbgrader"] = {
            **common, "grade": True, "locked": True, "solution": False,
            "points": points, "grade_id": f"{name}-check",
        }  # fmt: skip
        notebook.cells.append(check)
    return notebook


def _fill(notebook: nbformat.NotebookNode, cells: Sequence[str]) -> None:
    (answer,) = (c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("solution"))
    answer.source = "\n\n".join(cells)


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


def _run(
    venv: Path, place: Path, environment: dict[str, str], *command: str, may_fail: bool = False
) -> None:
    bin_folder = venv / "bin"
    path = f"{bin_folder}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        [str(bin_folder / command[0]), *command[1:]],
        cwd=place,
        env={**environment, "PATH": path},
        capture_output=True,
        text=True,
    )
    if done.returncode and not may_fail:
        sys.exit(f"{' '.join(command)} failed: {(done.stdout + done.stderr)[-1500:]}")

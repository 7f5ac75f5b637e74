"""Keep stub cells and solved notebooks in step with `solutions/`.

Prose lives in the lesson notebook and code in `solutions/name.py`. A stub cell carries
`{"course": {"stub": ["forward"], "made": <hash>}}` in its metadata; its source is made from the
reference functions named there. A cell with `{"course": {"hints": "forward"}}` holds the hints of
that exercise, or of several if a list is named. The solved notebook is the lesson with the stub
cells filled in. The figure of a cell with `{"course": {"opens": true}}` is kept as
`pictures/NN.png` beside it: the lesson opens with it.

Stub cells and check cells (`check(forward)`, alone in a cell) also carry nbgrader's metadata: a
solution cell, and a locked cell worth the exercise's points.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import importlib
import inspect
import os
import re
import textwrap
from collections.abc import Callable
from typing import Any

import nbformat
from nbformat import NotebookNode

from checkers.engine.exercise import Exercise
from checkers.engine.registry import LESSONS, Lesson
from checkers.engine.sandbox.inside.running import PLACE_FOR_CODE
from lessons.workbench.training.mnist import ROOT_VARIABLE, STAND_IN
from lessons.workbench.training.profiles import VARIABLE as PROFILE_VARIABLE

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
_CHECK = re.compile(r"check\((\w+)\)")
GAP = f"{PLACE_FOR_CODE}\nraise NotImplementedError"


class NotebookError(ValueError):
    """A notebook that can't be refreshed; the message says what to do."""


def stub_source(reference: Callable[..., Any]) -> str:
    """The reference's source with every marked solution replaced by a gap.

    Raises:
        NotebookError: if the reference has no marked solution.
    """
    source = textwrap.dedent(inspect.getsource(reference))
    pattern = rf"^([ \t]*){BEGIN}\n.*?^[ \t]*{END}\n?"
    stub, count = re.subn(
        pattern,
        lambda match: textwrap.indent(GAP, match[1]) + "\n",
        source,
        flags=re.DOTALL | re.MULTILINE,
    )
    if not count:
        raise NotebookError(f"{reference.__name__} has no {BEGIN} ... {END} in solutions.")
    return stub.rstrip()


def solved_source(reference: Callable[..., Any]) -> str:
    """The reference's source without the markers."""
    source = textwrap.dedent(inspect.getsource(reference))
    return re.sub(rf"^[ \t]*({BEGIN}|{END})\n", "", source, flags=re.MULTILINE).rstrip()


def read_lesson(lesson: Lesson) -> NotebookNode:
    """The lesson notebook as it is on disk."""
    return nbformat.read(lesson.notebook, as_version=4)


def hints_source(exercise: Exercise, *, named: bool = False) -> str:
    """The exercise's hints as Markdown, each folded away.

    Args:
        exercise: whose hints.
        named: say in every line which exercise it is for, where several share a cell.
    """
    owner = f"{exercise.name}: hint" if named else "Hint"
    return "\n".join(
        f"<details><summary>{owner} {number}</summary>\n\n{text}\n\n</details>"
        for number, text in enumerate(exercise.hints, 1)
    )


def with_fresh_stubs(notebook: NotebookNode, lesson: Lesson) -> NotebookNode:
    """A copy whose stub and hint cells are made anew from solutions and checkers.

    Raises:
        NotebookError: if a stub cell holds anything but an earlier stub: somebody's answer, which
            must not be lost.
    """
    fresh = copy.deepcopy(notebook)
    for cell, names in stub_cells(fresh):
        source = "\n\n\n".join(stub_source(_reference(lesson, name)) for name in names)
        course = cell.metadata["course"]
        if cell.source not in ("", source) and course.get("made") != _hash(cell.source):
            raise NotebookError(
                f"{lesson.notebook.name}: the stub cell of {', '.join(names)} was edited by hand. "
                f"Move what you want to keep elsewhere and empty the cell; then refresh again."
            )
        cell.source, course["made"] = source, _hash(source)
    exercises = {exercise.name: exercise for exercise in lesson.exercises}
    for cell in fresh.cells:
        if names := hinted_names(cell):
            cell.source = "\n".join(
                hints_source(exercises[name], named=len(names) > 1) for name in names
            )
    _mark_for_nbgrader(fresh, exercises)
    return fresh


def _mark_for_nbgrader(notebook: NotebookNode, exercises: dict[str, Exercise]) -> None:
    """Give stub and check cells nbgrader's metadata, schema 3; take it from all others."""
    marks = {
        id(cell): _nbgrader_mark("-".join([*names, "answer"]), solution=True)
        for cell, names in stub_cells(notebook)
    }
    for cell in notebook.cells:
        found = _CHECK.fullmatch(cell.source.strip()) if cell.cell_type == "code" else None
        if found and found[1] in exercises:
            points = exercises[found[1]].points
            marks[id(cell)] = _nbgrader_mark(f"{found[1]}-check", points=points)
    for cell in notebook.cells:
        cell.metadata.pop("nbgrader", None)
        if id(cell) in marks:
            cell.metadata["nbgrader"] = NotebookNode(marks[id(cell)])


def _nbgrader_mark(name: str, *, solution: bool = False, points: int | None = None) -> dict:
    mark = {
        "grade": points is not None,
        "grade_id": name,
        "locked": not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    return mark if points is None else {**mark, "points": points}


def with_solutions(notebook: NotebookNode, lesson: Lesson) -> NotebookNode:
    """A copy whose stub cells hold the reference functions; nothing is executed."""
    solved = copy.deepcopy(notebook)
    for cell, names in stub_cells(solved):
        cell.source = "\n\n\n".join(solved_source(_reference(lesson, name)) for name in names)
        cell.metadata["course"].pop("made", None)
    return solved


def hinted_names(cell: NotebookNode) -> list[str]:
    """The exercises whose hints the cell holds."""
    names = cell.metadata.get("course", {}).get("hints", [])
    return [names] if isinstance(names, str) else list(names)


def needs_execution(lesson: Lesson) -> bool:
    """Whether the solved notebook is missing, or differs from what the lesson would give."""
    if not lesson.solved_notebook.exists():
        return True
    there = nbformat.read(lesson.solved_notebook, as_version=4)
    wanted = with_solutions(read_lesson(lesson), lesson)
    return _sources(there) != _sources(wanted)


def refresh_stubs(lesson: Lesson) -> bool:
    """Write fresh stub cells into the lesson notebook; whether anything changed."""
    notebook = read_lesson(lesson)
    fresh = with_fresh_stubs(notebook, lesson)
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    if fresh == notebook:
        return False
    nbformat.write(fresh, lesson.notebook)
    return True


def refresh_solved(lesson: Lesson, *, force: bool = False) -> bool:
    """Execute the solved notebook if its lesson or its functions changed; whether it was executed.

    Args:
        lesson: which one.
        force: execute it in any case, as after a change to the denoiser or the figures.

    Raises:
        NotebookError: if it does not run, or would show MNIST's stand-in.
    """
    if not force and not needs_execution(lesson):
        return False
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    solved = with_solutions(read_lesson(lesson), lesson)
    place = {"metadata": {"path": str(LESSONS)}}
    client = NotebookClient(solved, timeout=1800, kernel_name="python3", resources=place)
    try:
        client.execute(env={**os.environ, "TQDM_DISABLE": "1", PROFILE_VARIABLE: "quick"})
    except CellExecutionError as error:
        raise NotebookError(f"{lesson.solved_notebook.name} does not run: {error}") from None
    if uses_stand_in(solved):
        raise NotebookError(
            f"{lesson.solved_notebook.name} stays as it is: its text is about MNIST, and that is "
            f"not here. Name a folder that holds it in {ROOT_VARIABLE}."
        )
    _keep_opening(solved, lesson)
    _make_light(solved)
    lesson.solved_notebook.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(solved, lesson.solved_notebook)
    return True


def uses_stand_in(notebook: NotebookNode) -> bool:
    """Whether a run of the notebook had to do without MNIST, and said so."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return any(STAND_IN in output.get("text", "") for output in outputs)


def _keep_opening(notebook: NotebookNode, lesson: Lesson) -> None:
    """Write the figure that the lesson opens with beside the lesson and beside the solved notebook.

    Twice, because an export takes in no picture from outside of a notebook's own folder.
    """
    for cell in notebook.cells:
        if cell.metadata.get("course", {}).get("opens"):
            figures = [output.get("data", {}).get("image/png") for output in cell.outputs]
            png = base64.b64decode(next(filter(None, figures)))
            for beside in (lesson.notebook, lesson.solved_notebook):
                (beside.parent / "pictures").mkdir(parents=True, exist_ok=True)
                (beside.parent / "pictures" / f"{lesson.number}.png").write_bytes(png)


def _make_light(notebook: NotebookNode) -> None:
    """Drop what only makes sense in a running kernel, or differs at every run."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/html" in output.get("metadata", {}):
                output.metadata.pop("text/html")  # how often a check ran
            data.pop("application/vnd.jupyter.widget-view+json", None)
            page = data.get("text/html", "")
            if "course-slider" in page or "course-kept" in page:
                # Of a slider its row of pictures is left, of a pad its drawing.
                left = re.search("<table .*?</table>|<img [^>]*>", page, re.DOTALL)
                page = data["text/html"] = left[0] if left else ""
            if "<img" in page:
                data.pop("image/png", None)  # the same figure, for documents
                output.metadata.pop("image/png", None)
            elif not page:
                data.pop("text/html", None)


def stub_cells(notebook: NotebookNode) -> list[tuple[NotebookNode, list[str]]]:
    """The stub cells of a notebook in order, each with the names of its stubs."""
    return [
        (cell, list(cell.metadata["course"]["stub"]))
        for cell in notebook.cells
        if cell.cell_type == "code" and "stub" in cell.metadata.get("course", {})
    ]


def _reference(lesson: Lesson, name: str) -> Callable[..., Any]:
    module = importlib.import_module(f"solutions.{lesson.name}")
    if not hasattr(module, name):
        raise NotebookError(
            f"{lesson.notebook.name} has a stub cell for {name}, which solutions/"
            f"{lesson.name}.py does not define."
        )
    return getattr(module, name)


def _sources(notebook: NotebookNode) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def _hash(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()[:16]

"""Read the code cells of a submission, a notebook or a Python file, without running any."""

from __future__ import annotations

import ast
import difflib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from checkers.engine.registry import Lesson, all_lessons
from probes.definitions import without_magics

MAX_BYTES = 200 * 2**20


class SubmissionError(ValueError):
    """A submission that cannot be read; the message says what to do."""


@dataclass(frozen=True)
class Submission:
    """The code of one file.

    Attributes:
        path: where it was read from.
        cells: (label, source) of each code cell; a Python file is one cell.
    """

    path: Path
    cells: tuple[tuple[str, str], ...]


def read_submission(path: Path) -> Submission:
    """Read a notebook (as saved) or a Python file. The file is only read, never written.

    Raises:
        SubmissionError: if it is missing, of another kind, or not readable.
    """
    if not path.exists():
        near = difflib.get_close_matches(path.name, _neighbours(path), n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise SubmissionError(f"There is no file {path}.{meant}")
    if path.is_dir():
        raise SubmissionError(f"{path} is a folder. Name one notebook in it.")
    if path.suffix not in (".ipynb", ".py"):
        raise SubmissionError(
            f"{path.name} is neither a notebook (.ipynb) nor a Python file (.py)."
        )
    if path.stat().st_size > MAX_BYTES:
        raise SubmissionError(
            f"{path.name} is larger than {MAX_BYTES // 2**20} MB. Clear its outputs and save again."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SubmissionError(
            f"{path.name} is not UTF-8 text. Save it again from Jupyter, or as UTF-8."
        ) from None
    except OSError as error:
        raise SubmissionError(f"{path} cannot be read: {error.strerror}.") from None
    if path.suffix == ".py":
        return Submission(path, ((path.name, text),))
    return Submission(path, _code_cells(path, text))


def _neighbours(path: Path) -> list[str]:
    return [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []


def _code_cells(path: Path, text: str) -> tuple[tuple[str, str], ...]:
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        raise SubmissionError(
            f"{path.name} is not a notebook: its JSON is damaged. "
            f"Open it in Jupyter, or take the copy in .ipynb_checkpoints beside it."
        ) from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        if isinstance(notebook, dict) and isinstance(notebook.get("worksheets"), list):
            raise SubmissionError(
                f"{path.name} is a notebook of version 3. Open it in Jupyter and save it again."
            )
        raise SubmissionError(f"{path.name} is JSON, but not a notebook: it has no cells.")
    return tuple(
        (f"cell {number}", _source(cell))
        for number, cell in enumerate(cells, 1)
        if isinstance(cell, dict) and cell.get("cell_type") == "code"
    )


def _source(cell: dict) -> str:
    source = cell.get("source", "")
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def lessons_in(submission: Submission) -> list[Lesson]:
    """The lessons a submission answers: by its file's name, else by the functions it defines.

    Raises:
        SubmissionError: if it answers none.
    """
    by_name = [
        lesson
        for lesson in all_lessons()
        if re.search(rf"(^|[^a-z]){lesson.name}([^a-z]|$)", submission.path.stem.lower())
    ]
    if by_name:
        return [max(by_name, key=lambda lesson: len(lesson.name))]
    defined = _defined_names(submission)
    by_content = [
        lesson
        for lesson in all_lessons()
        if any(exercise.name in defined for exercise in lesson.exercises)
    ]
    if not by_content:
        raise SubmissionError(
            f"{submission.path.name} has none of the course's functions. "
            f"Is it the right file, and is it saved?"
        )
    return by_content


def _defined_names(submission: Submission) -> set[str]:
    names: set[str] = set()
    for _, source in submission.cells:
        try:
            tree = ast.parse(without_magics(source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            # A cell with an error still says, line by line, what it means to define.
            names |= set(re.findall(r"^(?:def|class)\s+(\w+)", source, flags=re.MULTILINE))
            continue
        names |= {
            node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
    return names

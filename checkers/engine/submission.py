"""Read the code cells of a submission, a notebook or a Python file, without running any."""

from __future__ import annotations

import ast
import difflib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from checkers.engine.check_counts import CheckCount, counts_in
from checkers.engine.registry import Lesson, all_lessons
from checkers.engine.sandbox.inside.plain import visible

MAX_BYTES = 100 * 2**20
# What a file of that size may become in memory is bounded by its brackets and commas.
_MAX_CONTAINERS = 2_000_000
_MAX_ENTRIES = 10_000_000
MAX_CODE = 2**20
"""Characters of code in a file; more is nobody's homework."""
# Parsing takes up to a kilobyte for each character, beside the answers.
_MAX_PARSED = 200_000
_CHECKS = re.compile(r"^check\((\w+)\)", re.MULTILINE)
_DEFINES = re.compile(r"^(?:(?:def|class)\s+)?(\w+)(?=\s*[(:=])", re.MULTILINE)
_KIND = re.compile(
    r"(\.ipynb|\.py|\.zip|\.tar)(?:(?<!zip)(?<!tar)\.(?:json|txt)|(?<=tar)\.(?:gz|bz2|xz))*$",
    re.IGNORECASE,
)
_SHORT_TAR = re.compile(r"\.t(?:gz|bz2?|xz)$", re.IGNORECASE)
_MERGE_MARKER = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
_NO_BLOCKING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


Cells = tuple[tuple[str, str], ...]
"""(label, source) of each code cell."""


class Unreadable(StrEnum):
    """Why a file gives no code to check."""

    NO_FILE = "no file"
    OTHER_KIND = "another kind of file"
    TOO_LARGE = "too large"
    EMPTY = "empty file"
    NOT_UTF8 = "not UTF-8"
    DAMAGED = "damaged"
    NO_NOTEBOOK = "not a notebook"
    VERSION_3 = "notebook of version 3"
    NO_EXERCISE = "nothing of the course"
    UNSAFE_ARCHIVE = "unsafe archive"
    COURSE_FILE = "the course's own"


class SubmissionError(ValueError):
    """A submission that cannot be read; the message says what to do.

    Attributes:
        problem: what is the matter, in a word or two.
    """

    def __init__(self, problem: Unreadable, message: str) -> None:
        super().__init__(visible(message))  # a file's name may hold anything
        self.problem = problem


@dataclass(frozen=True)
class Submission:
    """The code of one file.

    Attributes:
        path: where it was read from.
        cells: (label, source) of each code cell; a Python file is one cell.
        counts: how often each exercise was checked, as far as a notebook tells.
    """

    path: Path
    cells: Cells
    counts: Mapping[str, CheckCount] = field(default_factory=dict)


def read_submission(path: Path) -> Submission:
    """Read a notebook (as saved) or a Python file. The file is only read, never written.

    Raises:
        SubmissionError: if it is missing, of another kind, or not readable.
    """
    if not path.exists():
        near = difflib.get_close_matches(path.name, _neighbours(path), n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise SubmissionError(Unreadable.NO_FILE, f"There is no file {path}.{meant}")
    if path.is_dir():
        raise SubmissionError(
            Unreadable.OTHER_KIND, f"{path} is a folder. Name one notebook in it."
        )
    return parse_submission(path, read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """A regular file's bytes, `MAX_BYTES` at most.

    Raises:
        SubmissionError: if it is larger, no regular file, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_BLOCKING)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SubmissionError(Unreadable.OTHER_KIND, f"{path.name} is not a regular file.")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SubmissionError(Unreadable.NO_FILE, f"{path} cannot be read: {reason}.") from None
    if len(data) > MAX_BYTES:
        raise too_large(path.name)
    return data


def too_large(name: str) -> SubmissionError:
    """The error for a file beyond `MAX_BYTES`."""
    return SubmissionError(
        Unreadable.TOO_LARGE,
        f"{name} is larger than {MAX_BYTES // 2**20} MB. Clear its outputs and save again.",
    )


def kind_of(name: str) -> str:
    """What a file's name makes it, ".ipynb", ".py", ".zip" or ".tar"; "" for all else.

    Capitals don't matter. A browser or a mail program may have added .json or .txt, and a tar may
    be compressed.
    """
    found = _KIND.search(_SHORT_TAR.sub(".tar", name))
    return found[1].lower() if found else ""


def is_archive(name: str) -> bool:
    """Whether a file's name makes it an archive that can be opened."""
    return kind_of(name) in (".zip", ".tar")


def other_kind(name: str) -> SubmissionError:
    """The error for a file that is neither a notebook nor a Python file."""
    return SubmissionError(
        Unreadable.OTHER_KIND,
        f"{name} is neither a notebook (.ipynb) nor a Python file (.py). Hand in the notebook "
        f"itself, or a zip of it.",
    )


def parse_submission(path: Path, data: bytes) -> Submission:
    """The code in a notebook's or a Python file's bytes; `path` is its name and kind.

    Raises:
        SubmissionError: if they are neither.
    """
    kind = kind_of(path.name)
    if is_archive(path.name):
        raise SubmissionError(
            Unreadable.OTHER_KIND, f"{path.name} is an archive. Unpack it and name one notebook."
        )
    if kind not in (".ipynb", ".py"):
        raise other_kind(path.name)
    if len(data) > MAX_BYTES:
        raise too_large(path.name)
    if not data.strip(b" \t\r\n\0"):
        raise SubmissionError(
            Unreadable.EMPTY, f"{path.name} is empty. Was it saved before it was handed in?"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SubmissionError(
            Unreadable.NOT_UTF8,
            f"{path.name} is not UTF-8 text. Save it again from Jupyter, or as UTF-8.",
        ) from None
    if kind == ".py":
        return _with_little_code(Submission(path, ((visible(path.name), text),)))
    if text.count("{") + text.count("[") > _MAX_CONTAINERS or text.count(",") > _MAX_ENTRIES:
        raise too_large(path.name)
    notebook = _parsed(path, text)
    return _with_little_code(Submission(path, _code_cells(notebook), counts_in(notebook)))


def _with_little_code(submission: Submission) -> Submission:
    """The submission itself.

    Raises:
        SubmissionError: if it holds more code than `MAX_CODE`.
    """
    if sum(len(source) for _, source in submission.cells) <= MAX_CODE:
        return submission
    raise SubmissionError(
        Unreadable.TOO_LARGE,
        f"{submission.path.name} holds more than {MAX_CODE // 2**20} MB of code. Move data that "
        f"was pasted into the code to a file of its own, and hand in the code alone.",
    )


def _neighbours(path: Path) -> list[str]:
    return [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        raise SubmissionError(Unreadable.DAMAGED, _what_damaged(path.name, text)) from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        if isinstance(notebook, dict) and isinstance(notebook.get("worksheets"), list):
            raise SubmissionError(
                Unreadable.VERSION_3,
                f"{path.name} is a notebook of version 3. Open it in Jupyter and save it again.",
            )
        raise SubmissionError(
            Unreadable.NO_NOTEBOOK, f"{path.name} is JSON, but not a notebook: it has no cells."
        )
    return notebook


def _code_cells(notebook: dict[str, Any]) -> Cells:
    return tuple(
        (f"cell {number}", _source(cell))
        for number, cell in enumerate(notebook["cells"], 1)
        if isinstance(cell, dict) and cell.get("cell_type") == "code"
    )


def _what_damaged(name: str, text: str) -> str:
    """What seems to have happened to a notebook that is no JSON, and what to do."""
    if _MERGE_MARKER.search(text):
        return (
            f"{name} holds the markers of a merge (<<<<<<<, >>>>>>>). Choose one version with "
            f"git checkout --ours or --theirs, and save it."
        )
    if text.lstrip()[:1] == "<":
        return (
            f"{name} is a web page, not a notebook. Download the file itself: on GitHub, with "
            f"the button for the raw file."
        )
    return (
        f"{name} is not a notebook: its JSON is damaged. "
        f"Open it in Jupyter, or take the copy in .ipynb_checkpoints beside it."
    )


def _source(cell: dict) -> str:
    source = cell.get("source", "")
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


@dataclass(frozen=True)
class Answered:
    """Which lessons a file answers.

    Attributes:
        lessons: those it is for.
        helpers: those of which it only defines functions that it uses for the others.
        told: whether its name or its check cells say so, and not only the functions in it.
    """

    lessons: tuple[Lesson, ...]
    helpers: tuple[Lesson, ...] = ()
    told: bool = False


def lessons_in(submission: Submission) -> list[Lesson]:
    """The lessons a submission is for.

    Raises:
        SubmissionError: if it answers none.
    """
    return list(answered_in(submission).lessons)


def answered_in(submission: Submission) -> Answered:
    """The lessons a submission answers: its content tells first, its name second.

    A check cell says most clearly what a file is for. Else it is the lesson of its full name,
    "01_forward_noising"; else what its name says, if it defines anything of that; else those
    lessons of which it defines every function, or if there are none, any.

    Raises:
        SubmissionError: if it answers none.
    """
    defined, checked = _defined_names(submission), _checked_names(submission)
    content = [lesson for lesson in all_lessons() if _names_of(lesson) & defined]
    checks = [lesson for lesson in all_lessons() if _names_of(lesson) & checked]
    stem = submission.path.name.partition(".")[0]
    named = lesson_named(stem)
    fully_named = named is not None and _is_full_name(named, stem)
    if named is not None and (fully_named or named in content) and named not in checks:
        checks = [named] if not any(lesson in content for lesson in checks) else checks
    if checks:
        helpers = [lesson for lesson in content if lesson not in checks]
        return Answered(tuple(checks), tuple(helpers), told=True)
    whole = [lesson for lesson in content if _names_of(lesson) <= defined] or content
    if whole:
        return Answered(tuple(whole), tuple(lesson for lesson in content if lesson not in whole))
    if named is not None:
        return Answered((named,), told=True)
    raise SubmissionError(
        Unreadable.NO_EXERCISE,
        f"{submission.path.name} has none of the course's functions. "
        f"Is it the right file, and is it saved?",
    )


def _names_of(lesson: Lesson) -> set[str]:
    return {*lesson.exercise_names}


def _is_full_name(lesson: Lesson, stem: str) -> bool:
    """Whether a file's name begins or ends with the notebook's own, or is the lesson's."""
    stem = stem.lower()
    return f"{lesson.number}_{lesson.name}" in stem or stem == lesson.name


def _checked_names(submission: Submission) -> set[str]:
    return {name for _, source in submission.cells for name in _CHECKS.findall(source)}


def lesson_named(stem: str) -> Lesson | None:
    """The lesson whose name stands in a file's name; of several, the one with the longest."""
    found = [
        lesson
        for lesson in all_lessons()
        if re.search(rf"(^|[^a-z]){lesson.name}([^a-z]|$)", stem.lower())
    ]
    return max(found, key=lambda lesson: len(lesson.name), default=None)


def _defined_names(submission: Submission) -> set[str]:
    names: set[str] = set()
    for _, source in submission.cells:
        try:
            tree = ast.parse(source if len(source) <= _MAX_PARSED else "?")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            # A cell with a magic or an error still says, line by line, what it means to define.
            names |= set(_DEFINES.findall(source))
            continue
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Assign):
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names

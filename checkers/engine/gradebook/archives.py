"""Read notebooks out of an archive that nobody has vetted, in memory and never to disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from checkers.engine.gradebook.containers import Entry, entries_of, unsafe
from checkers.engine.gradebook.names import lies_beside
from checkers.engine.gradebook.own_files import course_folders, is_in_course, is_library
from checkers.engine.submission import (
    MAX_BYTES,
    SubmissionError,
    Unreadable,
    is_archive,
    kind_of,
    other_kind,
    too_large,
)

MAX_ENTRIES = 100_000
MAX_FILES = 200
MAX_TOTAL = 200 * 2**20
MAX_DEPTH = 3
"""How many archives may lie within one another."""
_CLOSED = (".rar", ".7z", ".gz", ".bz2", ".xz", ".zst")
"""Archives that can't be opened here, and may hold the answer."""
_MAX_NAMED = 10


def is_ignored(name: str) -> bool:
    """Whether a file or folder of this name is never anybody's answer."""
    return name.startswith(".") or name in ("__MACOSX", "__pycache__", "node_modules")


def read_archive(path: Path, data: bytes) -> Iterator[tuple[str, bytes | SubmissionError]]:
    """Every notebook and Python file of a zip or tar: its name there, and its bytes or the reason.

    Archives within it are opened, too. What may be an answer of another kind is named if there is
    nothing else; archives that can't be opened always are. Sizes are checked as declared and again
    as they come out; links, dotfiles, libraries and the course's own folders are passed over.

    Raises:
        SubmissionError: if it is damaged, too large, or made to escape or to explode.
    """
    yield from _read(path, data, 1, _Budget())


class _Budget:
    """What may still come out of one archive, those within it included."""

    def __init__(self) -> None:
        self.files, self.bytes = MAX_FILES, MAX_TOTAL

    def take(self, path: Path, size: int) -> None:
        """Count one file; SubmissionError if it is too much."""
        self.files -= 1
        self.bytes -= size
        if self.bytes < 0:
            raise unsafe(path, f"unpacked it is larger than {MAX_TOTAL // 2**20} MB")


def _read(
    path: Path, data: bytes, depth: int, budget: _Budget
) -> Iterator[tuple[str, bytes | SubmissionError]]:
    wanted, others = _sorted_out(path, data)
    if sum(entry.size for entry in wanted) > MAX_TOTAL:
        raise unsafe(path, f"unpacked it is larger than {MAX_TOTAL // 2**20} MB")
    # Notebooks first: they are what a limit must not hide.
    for entry in sorted(wanted, key=lambda one: (kind_of(one.name) != ".ipynb", one.name)):
        if budget.files <= 0:
            sentence = f"Only the first {MAX_FILES} notebooks and Python files were read."
            yield entry.name, SubmissionError(Unreadable.TOO_LARGE, sentence)
            return
        content = _content(entry)
        budget.take(path, len(content) if isinstance(content, bytes) else 0)
        if not is_archive(entry.name) or isinstance(content, SubmissionError):
            yield entry.name, content
        elif depth >= MAX_DEPTH:
            sentence = f"More than {MAX_DEPTH} archives lie within one another. Pack it once."
            yield entry.name, SubmissionError(Unreadable.UNSAFE_ARCHIVE, sentence)
        else:
            yield from _read_inner(entry.name, content, depth + 1, budget)
    for name in others[:_MAX_NAMED]:
        yield name, other_kind(PurePosixPath(name).name)


def _read_inner(
    name: str, content: bytes, depth: int, budget: _Budget
) -> Iterator[tuple[str, bytes | SubmissionError]]:
    """What an archive within an archive holds; a damaged one costs only itself."""
    try:
        for inner, data in _read(Path(PurePosixPath(name).name), content, depth, budget):
            yield f"{name}/{inner}", data
    except SubmissionError as error:
        yield name, error


def _sorted_out(path: Path, data: bytes) -> tuple[list[Entry], list[str]]:
    """What in an archive may be read, and the names of what can't be and may be an answer."""
    entries = entries_of(path, data, MAX_ENTRIES, MAX_TOTAL)
    if any(_leaves_the_folder(entry.name) for entry in entries):
        raise unsafe(path, "it has an entry that points out of its own folder")
    course = course_folders(entry.name for entry in entries)
    somebodys = [
        entry for entry in entries if _is_somebodys(entry) and not is_in_course(entry.name, course)
    ]
    wanted = [entry for entry in somebodys if kind_of(entry.name)]
    others = [entry.name for entry in somebodys if not kind_of(entry.name)]
    closed = [name for name in others if name.lower().endswith(_CLOSED)]
    return wanted, closed if wanted else [name for name in others if not lies_beside(name)]


def _leaves_the_folder(name: str) -> bool:
    name = name.replace("\\", "/")
    return name.startswith("/") or ".." in name.split("/") or name[1:2] == ":"


def _is_somebodys(entry: Entry) -> bool:
    parts = PurePosixPath(entry.name.replace("\\", "/")).parts
    return entry.is_file and not any(is_ignored(part) or is_library(part) for part in parts)


def _content(entry: Entry) -> bytes | SubmissionError:
    name = PurePosixPath(entry.name).name
    if entry.size > MAX_BYTES:
        return too_large(name)
    content = entry.read(MAX_BYTES + 1)
    if isinstance(content, bytes) and len(content) > MAX_BYTES:
        return too_large(name)
    return content

"""Read notebooks out of a zip file that nobody has vetted, in memory and never to disk."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from checkers.engine.gradebook.own_files import course_folders, is_in_course, is_library
from checkers.engine.submission import MAX_BYTES, SubmissionError, Unreadable, kind_of, too_large

MAX_ENTRIES = 100_000
MAX_FILES = 200
MAX_TOTAL = 200 * 2**20
MAX_DEPTH = 3
"""How many zips may lie within one another."""
_ENTRY = b"PK\x01\x02"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def is_ignored(name: str) -> bool:
    """Whether a file or folder of this name is never anybody's answer."""
    return name.startswith(".") or name in ("__MACOSX", "__pycache__", "node_modules")


def read_archive(path: Path, data: bytes) -> Iterator[tuple[str, bytes | SubmissionError]]:
    """Every notebook and Python file of a zip: its name in the zip, and its bytes or the reason.

    Zips within the zip are opened, too. Sizes are checked as declared and again as they come out;
    links, dotfiles, libraries and the course's own folders are passed over.

    Raises:
        SubmissionError: if the zip is damaged, too large, or made to escape or to explode.
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
            raise _unsafe(path, f"unpacked it is larger than {MAX_TOTAL // 2**20} MB")


def _read(
    path: Path, data: bytes, depth: int, budget: _Budget
) -> Iterator[tuple[str, bytes | SubmissionError]]:
    archive, wanted = _entries(path, data)
    if sum(entry.file_size for entry in wanted) > MAX_TOTAL:
        raise _unsafe(path, f"unpacked it is larger than {MAX_TOTAL // 2**20} MB")
    # Notebooks first: they are what a limit must not hide.
    for entry in sorted(wanted, key=lambda e: (kind_of(e.filename) != ".ipynb", e.filename)):
        if budget.files <= 0:
            sentence = f"Only the first {MAX_FILES} notebooks and Python files were read."
            yield entry.filename, SubmissionError(Unreadable.TOO_LARGE, sentence)
            return
        content = _read_entry(archive, entry)
        budget.take(path, len(content) if isinstance(content, bytes) else 0)
        if kind_of(entry.filename) != ".zip" or isinstance(content, SubmissionError):
            yield entry.filename, content
        elif depth >= MAX_DEPTH:
            sentence = f"More than {MAX_DEPTH} zips lie within one another. Pack it once."
            yield entry.filename, SubmissionError(Unreadable.UNSAFE_ARCHIVE, sentence)
        else:
            yield from _read_inner(entry.filename, content, depth + 1, budget)


def _read_inner(
    name: str, content: bytes, depth: int, budget: _Budget
) -> Iterator[tuple[str, bytes | SubmissionError]]:
    """What a zip within a zip holds; a damaged one costs only itself."""
    try:
        for inner, data in _read(Path(PurePosixPath(name).name), content, depth, budget):
            yield f"{name}/{inner}", data
    except SubmissionError as error:
        yield name, error


def _entries(path: Path, data: bytes) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """The archive, and what in it may be an answer."""
    if data.count(_ENTRY) > MAX_ENTRIES:
        raise _unsafe(path, f"it has more than {MAX_ENTRIES} entries")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError):
        raise SubmissionError(
            Unreadable.DAMAGED, f"{path.name} is not a zip file, or it is damaged."
        ) from None
    for entry in entries:
        if _leaves_the_folder(entry.filename):
            raise _unsafe(path, "it has an entry that points out of its own folder")
    course = course_folders(entry.filename for entry in entries)
    wanted = [
        entry for entry in entries if _is_wanted(entry) and not is_in_course(entry.filename, course)
    ]
    return archive, wanted


def _leaves_the_folder(name: str) -> bool:
    name = name.replace("\\", "/")
    return name.startswith("/") or ".." in name.split("/") or name[1:2] == ":"


def _is_wanted(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    mode = entry.external_attr >> 16
    is_link = stat.S_IFMT(mode) not in (0, stat.S_IFREG)
    ignored = any(is_ignored(part) or is_library(part) for part in path.parts)
    return bool(kind_of(path.name)) and not is_link and not ignored


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes | SubmissionError:
    name = PurePosixPath(entry.filename).name
    if entry.flag_bits & 1:
        return SubmissionError(Unreadable.DAMAGED, f"{name} is locked with a password.")
    if entry.compress_type not in _METHODS:
        return SubmissionError(
            Unreadable.DAMAGED, f"{name} is packed in an unusual way. Pack it as an ordinary zip."
        )
    if entry.file_size > MAX_BYTES:
        return too_large(name)
    try:
        with archive.open(entry) as stream:
            content = stream.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError):
        return SubmissionError(Unreadable.DAMAGED, f"{name} is damaged within its zip file.")
    return too_large(name) if len(content) > MAX_BYTES else content


def _unsafe(path: Path, why: str) -> SubmissionError:
    return SubmissionError(Unreadable.UNSAFE_ARCHIVE, f"{path.name} was not opened: {why}.")

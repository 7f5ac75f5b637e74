"""The results folder: nothing in it that somebody else wrote is ever overwritten."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from checkers.engine.gradebook.journal import NAME, Journal

FEEDBACK = "feedback"
TABLES = ("grades.csv", "grades.json", "grades.schema.json", "summary.html")
EXPORTS = ("grades-canvas.csv", "grades-moodle-*.csv")
_PARTIAL = ".partial"


class FolderError(ValueError):
    """A results folder that cannot be used; the message says what to do."""


def prepare_folder(folder: Path) -> None:
    """Make the folder, or see that it is one that an earlier run made.

    Raises:
        FolderError: if it is a file, or holds anything but results.
    """
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder} is a file. Name a folder for the results.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        foreign = next(folder.iterdir(), None)
    except OSError as error:
        raise FolderError(f"{folder} cannot be made or read: {error.strerror}.") from None
    if foreign is not None and not (folder / NAME).is_file():
        raise FolderError(
            f"{folder} holds files that are no results of an earlier run, such as {foreign.name}. "
            f"Name a new or empty folder."
        )


def refuse_edited_files(folder: Path, journal: Journal) -> None:
    """See that every table to be replaced is still as a run left it.

    Raises:
        FolderError: if one was changed since, by hand say.
    """
    exports = (path for pattern in EXPORTS for path in sorted(folder.glob(pattern)))
    for path in [*(folder / name for name in TABLES), *exports]:
        if _is_edited(path, folder, journal):
            raise FolderError(
                f"{path} was changed since it was written. Move it elsewhere, or name another "
                f"folder; it would be overwritten."
            )


def edited_pages(folder: Path, journal: Journal) -> set[str]:
    """Names of the feedback pages that somebody changed; they stay as they are."""
    pages = (path for path in _pages(folder) if _is_edited(path, folder, journal))
    return {path.relative_to(folder).as_posix() for path in pages}


def _is_edited(path: Path, folder: Path, journal: Journal) -> bool:
    if path.is_symlink():
        return True
    name = path.relative_to(folder).as_posix()
    return path.exists() and not journal.wrote(name, _sha256(path))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_file(folder: Path, name: str, chunks: Iterable[str], journal: Journal) -> None:
    """Write a file of the results, whole or not at all.

    What it will hold is in the journal before it appears, so that a run killed in between does
    not take its own file for somebody else's.
    """
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    partial = path.with_name(path.name + _PARTIAL)
    digest = hashlib.sha256()
    with partial.open("wb") as file:
        for chunk in chunks:
            data = chunk.encode("utf-8", "replace")
            digest.update(data)
            file.write(data)
    journal.note_written(name, digest.hexdigest())
    partial.replace(path)


def remove_stale_pages(folder: Path, current: set[str], journal: Journal) -> None:
    """Remove feedback pages of students who are no longer there, if a run wrote them."""
    for path in _pages(folder):
        name = path.relative_to(folder).as_posix()
        if name not in current and not _is_edited(path, folder, journal):
            with contextlib.suppress(OSError):
                path.unlink()


def remove_stale_exports(folder: Path, current: set[str], journal: Journal) -> None:
    """Remove tables for Canvas and Moodle that this run has no reason to write."""
    for path in (path for pattern in EXPORTS for path in sorted(folder.glob(pattern))):
        if path.name not in current and not _is_edited(path, folder, journal):
            path.unlink()


def _pages(folder: Path) -> Iterator[Path]:
    yield from sorted((folder / FEEDBACK).glob("*.html"))

"""Read notebooks out of a zip file that nobody has vetted, in memory and never to disk."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from checkers.engine.submission import MAX_BYTES, SubmissionError, Unreadable, too_large

MAX_ENTRIES = 5_000
MAX_FILES = 200
MAX_TOTAL = 200 * 2**20
KINDS = (".ipynb", ".py")
_ENTRY = b"PK\x01\x02"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def is_ignored(name: str) -> bool:
    """Whether a file or folder of this name is never anybody's answer."""
    return name.startswith(".") or name in ("__MACOSX", "__pycache__", "node_modules")


def read_archive(path: Path, data: bytes) -> Iterator[tuple[str, bytes | SubmissionError]]:
    """Every notebook and Python file of a zip: its name in the zip, and its bytes or the reason.

    Sizes are checked as declared and again as they come out; links, dotfiles and zips within the
    zip are passed over.

    Raises:
        SubmissionError: if the zip is damaged, too large, or made to escape or to explode.
    """
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
    wanted = [entry for entry in entries if _is_wanted(entry)]
    if len(wanted) > MAX_FILES:
        raise _unsafe(path, f"it has more than {MAX_FILES} notebooks and Python files")
    if sum(entry.file_size for entry in wanted) > MAX_TOTAL:
        raise _unsafe(path, f"unpacked it is larger than {MAX_TOTAL // 2**20} MB")
    total = 0
    for entry in sorted(wanted, key=lambda entry: entry.filename):
        content = _read_entry(archive, entry)
        total += len(content) if isinstance(content, bytes) else 0
        if total > MAX_TOTAL:
            raise _unsafe(path, f"unpacked it is larger than {MAX_TOTAL // 2**20} MB")
        yield entry.filename, content


def _leaves_the_folder(name: str) -> bool:
    name = name.replace("\\", "/")
    return name.startswith("/") or ".." in name.split("/") or name[1:2] == ":"


def _is_wanted(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    mode = entry.external_attr >> 16
    is_link = stat.S_IFMT(mode) not in (0, stat.S_IFREG)
    return path.suffix in KINDS and not is_link and not any(map(is_ignored, path.parts))


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

"""What lies in a zip or a tar that nobody has vetted, read in memory and never put on disk."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from checkers.engine.submission import SubmissionError, Unreadable, kind_of

_ZIP_ENTRY = b"PK\x01\x02"
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_XZ_MEMORY = 256 * 2**20


@dataclass(frozen=True)
class Entry:
    """One file in an archive; folders are none.

    Attributes:
        name: with its folders.
        size: in bytes, as the archive says.
        is_file: whether it is a plain file, neither a link nor a device.
        read: gives its first so many bytes, or says why not.
    """

    name: str
    size: int
    is_file: bool
    read: Callable[[int], bytes | SubmissionError]


def entries_of(path: Path, data: bytes, max_entries: int, max_bytes: int) -> list[Entry]:
    """Everything in an archive.

    Args:
        path: its name, which says what kind it is.
        data: its bytes.
        max_entries: how many files it may have.
        max_bytes: how large a tar may be, unpacked; of a zip each entry is read alone.

    Raises:
        SubmissionError: if it is damaged or too large.
    """
    if kind_of(path.name) == ".tar":
        return list(_tar_entries(path, data, max_entries, max_bytes))
    return list(_zip_entries(path, data, max_entries))


def unsafe(path: Path, why: str) -> SubmissionError:
    """The error for an archive that is made to escape or to explode."""
    return SubmissionError(Unreadable.UNSAFE_ARCHIVE, f"{path.name} was not opened: {why}.")


def _zip_entries(path: Path, data: bytes, max_entries: int) -> Iterator[Entry]:
    if data.count(_ZIP_ENTRY) > max_entries:
        raise unsafe(path, f"it has more than {max_entries} entries")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        found = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError):
        raise _damaged(path, "zip") from None
    for entry in found:
        is_file = stat.S_IFMT(entry.external_attr >> 16) in (0, stat.S_IFREG)
        yield Entry(entry.filename, entry.file_size, is_file, partial(_zipped, archive, entry))


def _zipped(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, size: int) -> bytes | SubmissionError:
    name = PurePosixPath(entry.filename).name
    if entry.flag_bits & 1:
        return SubmissionError(Unreadable.DAMAGED, f"{name} is locked with a password.")
    if entry.compress_type not in _ZIP_METHODS:
        return SubmissionError(
            Unreadable.DAMAGED, f"{name} is packed in an unusual way. Pack it as an ordinary zip."
        )
    try:
        with archive.open(entry) as stream:
            return stream.read(size)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError):
        return SubmissionError(Unreadable.DAMAGED, f"{name} is damaged within its zip file.")


def _tar_entries(path: Path, data: bytes, max_entries: int, max_bytes: int) -> Iterator[Entry]:
    try:
        plain = _decompressed(data, max_bytes + 1)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
        raise _damaged(path, "tar") from None
    if len(plain) > max_bytes:
        raise unsafe(path, f"unpacked it is larger than {max_bytes // 2**20} MB")
    count = 0
    try:
        archive = tarfile.open(fileobj=io.BytesIO(plain), mode="r:")  # noqa: SIM115, in memory
        for member in archive:
            count += 1
            if count > max_entries:
                raise unsafe(path, f"it has more than {max_entries} entries")
            if not member.isdir():
                # A sparse file may say that it is larger than all of the archive.
                is_file = member.isreg() and not member.issparse()
                read = partial(_tarred, archive, member)
                yield Entry(member.name, member.size, is_file, read)
    except SubmissionError:
        raise
    except (tarfile.TarError, ValueError, OverflowError, EOFError, OSError, RecursionError):
        raise _damaged(path, "tar") from None


def _tarred(
    archive: tarfile.TarFile, member: tarfile.TarInfo, size: int
) -> bytes | SubmissionError:
    name = PurePosixPath(member.name).name
    damaged = SubmissionError(Unreadable.DAMAGED, f"{name} is damaged within its tar file.")
    try:
        stream = archive.extractfile(member)
        return stream.read(size) if stream else damaged
    except (tarfile.TarError, KeyError, ValueError, EOFError, OSError):
        return damaged


def _decompressed(data: bytes, limit: int) -> bytes:
    """The first `limit` bytes of what gzip, bzip2 or xz made smaller; other data as they are."""
    if data.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            return stream.read(limit)
    if data.startswith(b"BZh"):
        with bz2.BZ2File(io.BytesIO(data)) as stream:
            return stream.read(limit)
    if data.startswith(b"\xfd7zXZ\0"):
        decompressor = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
        plain = decompressor.decompress(data, limit)
        if not decompressor.eof and len(plain) < limit:
            raise EOFError
        return plain
    return data


def _damaged(path: Path, kind: str) -> SubmissionError:
    return SubmissionError(
        Unreadable.DAMAGED, f"{path.name} is not a {kind} file, or it is damaged."
    )

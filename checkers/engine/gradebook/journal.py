"""What has been graded already, in SQLite, so that a run can end at any moment and go on later."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from checkers.engine.gradebook.jobs import JobResult
from checkers.engine.sandbox.levels import Level

NAME = "journal.sqlite"
_LOCK = "journal.lock"
_FORMAT = "1"
_DAMAGED = "{} is damaged. Move it away; everything will be graded again."
_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS results (
    key TEXT PRIMARY KEY, lesson TEXT NOT NULL, isolation TEXT NOT NULL,
    reports TEXT NOT NULL, cards TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS contents (digest TEXT PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS written (
    path TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (path, sha256));
"""


class JournalError(ValueError):
    """A journal that cannot be used; the message says what to do."""


class Journal:
    """The journal of one results folder; every entry is on disk before the next is made.

    Attributes:
        path: the SQLite file.
        seed: the run's seed, drawn when the journal was made; the same until another is given.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, seed: int) -> None:
        self.path, self.seed = path, seed
        self._connection = connection

    def has(self, key: str, require: str = "") -> bool:
        """Whether a result is there and was isolated well enough."""
        row = self._connection.execute(
            "SELECT isolation FROM results WHERE key = ?", (key,)
        ).fetchone()
        return row is not None and not (
            require and Level.from_name(row[0]) < Level.from_name(require)
        )

    def get(self, key: str) -> JobResult | None:
        """A result without its cards, if it is there."""
        row = self._connection.execute(
            "SELECT reports FROM results WHERE key = ?", (key,)
        ).fetchone()
        return JobResult.model_validate_json(row[0]) if row else None

    def cards(self, key: str) -> list[str]:
        """The HTML cards of a result."""
        row = self._connection.execute("SELECT cards FROM results WHERE key = ?", (key,)).fetchone()
        return JobResult.model_validate_json(row[0]).cards if row else []

    def put(self, key: str, lesson: str, result: JobResult) -> None:
        """Keep a result."""
        reports = result.model_copy(update={"cards": []}).model_dump_json()
        cards = JobResult(cards=result.cards).model_dump_json()
        with self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)",
                (key, lesson, result.isolation, reports, cards),
            )

    def content(self, digest: str) -> str | None:
        """What was read in a file of this digest, if it was."""
        row = self._connection.execute(
            "SELECT content FROM contents WHERE digest = ?", (digest,)
        ).fetchone()
        return row[0] if row else None

    def keep_content(self, digest: str, content: str) -> None:
        """Keep what was read in a file, so that the same bytes need not be read again."""
        with self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO contents VALUES (?, ?)", (digest, content)
            )

    def note_written(self, path: str, sha256: str) -> None:
        """Remember, before it is written, what a file of the results will hold."""
        with self._connection:
            self._connection.execute("INSERT OR IGNORE INTO written VALUES (?, ?)", (path, sha256))

    def wrote(self, path: str, sha256: str) -> bool:
        """Whether a file with this content was written by a run."""
        found = self._connection.execute(
            "SELECT 1 FROM written WHERE path = ? AND sha256 = ?", (path, sha256)
        ).fetchone()
        return found is not None


@contextlib.contextmanager
def open_journal(folder: Path, seed: int | None) -> Iterator[Journal]:
    """Open or make the journal in `folder`; only one run at a time.

    Args:
        folder: the results folder; it exists.
        seed: the run's seed; None for the one that is there, or else a fresh one.

    Raises:
        JournalError: if another run is using it, or it is damaged.
    """
    path = folder / NAME
    with contextlib.ExitStack() as stack:
        lock = sqlite3.connect(folder / _LOCK, timeout=0.0, isolation_level=None)
        stack.callback(lock.close)
        try:
            # Held until this process ends, however it ends.
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            raise JournalError(what_failed(error, folder)) from None
        connection = sqlite3.connect(path, timeout=10.0)
        stack.callback(connection.close)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(_TABLES)
            about = dict(connection.execute("SELECT name, value FROM about"))
            if about.get("format", _FORMAT) != _FORMAT:
                raise JournalError(
                    f"{path} was made by another version of the course. Name another folder."
                )
            chosen = seed if seed is not None else int(about.get("seed") or secrets.randbits(31))
            with connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO about VALUES (?, ?)",
                    [("format", _FORMAT), ("seed", str(chosen))],
                )
        except sqlite3.Error as error:
            raise JournalError(what_failed(error, folder)) from None
        except JournalError:
            raise
        except ValueError:
            raise JournalError(_DAMAGED.format(path)) from None
        yield Journal(path, connection, chosen)


def what_failed(error: sqlite3.Error, folder: Path) -> str:
    """What an error of SQLite says of the results folder, and what to do."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return (
            f"The disk of {folder} is full or fails. Make room, then run the same command again: "
            f"nothing that was graded is lost."
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return f"{folder} can't be written to. Allow that, or name another folder."
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"Another run is writing to {folder}. Wait for it, or name another folder."
    return _DAMAGED.format(folder / NAME)

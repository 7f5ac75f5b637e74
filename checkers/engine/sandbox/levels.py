"""How far code can be kept apart, from a mere process to a sandbox."""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """How a submission is kept apart; a higher one keeps out all that a lower one does.

    PROCESS: a process of its own with a limit on time, and nothing more. LIMITS: limits on memory,
    too; the files that its user may read, the checker's among them, can be read. LANDLOCK: the
    kernel's Landlock; no network, and of all files only a list can be read and only a folder be
    written, though others can be seen to exist. NAMESPACES: bubblewrap; no network, no view of the
    checker, of home or of other submissions, a read-only file system but for /tmp. SANDBOX: each
    submission also has namespaces of its own, a small /tmp, and a limit on processes.
    """

    PROCESS = 0
    LIMITS = 1
    LANDLOCK = 2
    NAMESPACES = 3
    SANDBOX = 4

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def from_name(cls, name: str) -> Level:
        """The level called "process", "limits" and so on.

        Raises:
            ValueError: if there is none; the message lists them.
        """
        try:
            return cls[name.strip().upper()]
        except KeyError:
            names = ", ".join(str(level) for level in cls)
            raise ValueError(
                f"There is no isolation level {name!r}. From weakest to strongest: {names}."
            ) from None


class IsolationError(RuntimeError):
    """The isolation asked for can't be had here; the message says why and what to do."""

"""Paths as people write them, with `~` for their own folder."""

from __future__ import annotations

from pathlib import Path


def user_path(text: str | Path) -> Path:
    """The path with `~` written out; as it is if it names a user whom this machine doesn't know.

    Such a path leads nowhere, and who opens it says so.
    """
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:
        return path

"""What the system tells of processes: from /proc, or by psutil where there is no /proc (macOS)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_PROC = Path("/proc")


def pids() -> list[int]:
    """All processes that /proc lists."""
    with contextlib.suppress(OSError):
        return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    return []


def descendants(ancestor: int) -> list[int]:
    """All processes below `ancestor`."""
    if not _PROC.is_dir():
        return _descendants_by_psutil(ancestor)
    parents: dict[int, int] = {}
    for pid in pids():
        with contextlib.suppress(OSError, ValueError, IndexError):
            parents[pid] = int(_status_of(pid)[1])
    found: list[int] = []
    below = [ancestor]
    while below:
        parent = below.pop()
        children = [pid for pid, of in parents.items() if of == parent]
        found += children
        below += children
    return found


def lives(pid: int) -> bool:
    """Whether a process is there and has not ended; a zombie has."""
    if not _PROC.is_dir():
        return _lives_by_psutil(pid)
    with contextlib.suppress(OSError, IndexError):
        return _status_of(pid)[0] not in "ZX"
    return False


def resident(pid: int | None = None) -> int:
    """Bytes that a process, or this one, holds; 0 if it is gone."""
    if not _PROC.is_dir():
        return _resident_by_psutil(pid)
    with contextlib.suppress(OSError, ValueError, IndexError):
        # this one by the name "self": /proc may number processes in another way
        place = _PROC / ("self" if pid is None else str(pid)) / "statm"
        pages = place.read_text(encoding="utf-8").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    return 0


def proportional(pid: int) -> int:
    """Bytes that a process holds, of what it shares with others its part."""
    with contextlib.suppress(OSError, ValueError):
        text = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="utf-8")
        for line in text.splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0 if _PROC.is_dir() else resident(pid)


def _status_of(pid: int) -> list[str]:
    """State, parent and so on: what stands behind a process's name, which may hold anything."""
    text = (_PROC / str(pid) / "stat").read_bytes().decode(errors="replace")
    return text.rpartition(")")[2].split()


def _descendants_by_psutil(ancestor: int) -> list[int]:
    import psutil

    with contextlib.suppress(psutil.Error):
        return [child.pid for child in psutil.Process(ancestor).children(recursive=True)]
    return []


def _lives_by_psutil(pid: int) -> bool:
    import psutil

    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    return False


def _resident_by_psutil(pid: int | None) -> int:
    import psutil

    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).memory_info().rss
    return 0

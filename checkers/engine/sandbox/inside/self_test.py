"""Try, from within a box, what a student's code must not be able to do.

What a level of isolation promises is believed only if the attempts made here fail.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_NO_SUCH_HOST = ("192.0.2.1", 9)  # an address that is set aside for examples; nothing is sent


def facts(
    must_not_read: Sequence[str], must_not_import: Sequence[str], must_not_write: Sequence[str]
) -> dict[str, bool]:
    """What holds in this process.

    Args:
        must_not_read: files and folders of the host that should be out of reach.
        must_not_import: modules that should not be found, wherever they may be installed.
        must_not_write: folders in which no file should come into being.

    Returns:
        {"unreadable": the files can't be read, "hidden": they are not even there,
        "not_importable": nor are the modules, "read_only": nothing can be written but the scratch,
        "offline": there is no network, "alone": no foreign process is in sight,
        "few_processes": the number of processes is limited, "small_scratch": so is the space in
        the folder that can be written to}.
    """
    return {
        "unreadable": not any(_works(_read, path) for path in must_not_read),
        "hidden": not any(_works(os.stat, path) for path in must_not_read),
        "not_importable": not any(map(_importable, must_not_import)),
        "read_only": not any(_works(_create, folder) for folder in must_not_write),
        "offline": not _works(_connect),
        "alone": _only_this_box_in_proc(),
        "few_processes": _holds(_processes_are_limited),
        "small_scratch": _holds(_scratch_is_small),
    }


def _importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:  # the package it would be in isn't there, or can't be imported
        return False


def _works(action: Callable[..., Any], *arguments: Any) -> bool:
    try:
        action(*arguments)
    except OSError:
        return False
    return True


def _holds(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except (OSError, AttributeError, ImportError):
        return False


def _read(path: str) -> None:
    if Path(path).is_dir():
        next(Path(path).iterdir(), None)
    else:
        Path(path).open("rb").close()


def _create(folder: str) -> None:
    path = Path(folder) / f".written-from-the-box-{os.getpid()}"
    path.touch(exist_ok=False)
    path.unlink()


def _connect() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.connect(_NO_SUCH_HOST)


def _only_this_box_in_proc() -> bool:
    """The box's init, which does nothing, and this process."""
    try:
        seen = {entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    except OSError:
        return False
    return seen == {"1", str(os.getpid())}


def _processes_are_limited() -> bool:
    """Under a limit of four, counting this process and the box's init, six forks can't all work."""
    import resource
    import signal

    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    resource.setrlimit(resource.RLIMIT_NPROC, (4, hard))
    children: list[int] = []
    try:
        for _ in range(6):
            child = os.fork()
            if child == 0:
                signal.pause()
                os._exit(0)
            children.append(child)
    except BlockingIOError:
        return True
    finally:
        for child in children:
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))
    return False


def _scratch_is_small() -> bool:
    size = os.statvfs("/tmp")
    return size.f_blocks * size.f_frsize <= 2**30

"""A view of the file system with nothing in it but what is needed, built without bubblewrap.

For systems that have namespaces but no bubblewrap. What `checkers.engine.sandbox` asks bubblewrap
for is done here with the system calls themselves.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from probes import linux

_DEVICES = ("null", "zero", "full", "random", "urandom")
_NEW_ROOT = Path("/tmp")


def enter(visible: Sequence[str], hidden: Sequence[str]) -> None:
    """Go on as the first process of new namespaces, in which only `visible` can be seen.

    Args:
        visible: files and folders; those that do not exist are left out. All are read-only.
        hidden: folders within `visible` that are shown empty.

    Raises:
        OSError: if the system does not allow it.
    """
    flags = linux.NEW_MOUNTS | linux.NEW_IPC | linux.NEW_HOSTNAME
    flags |= linux.NEW_NETWORK | linux.NEW_PROCESSES
    if os.getuid() == 0:
        linux.unshare(flags)
    else:
        linux.unshare_with_own_user(flags)
    here = Path.cwd()
    _build(visible, hidden)
    os.chdir(here)
    _be_first_process()


def _build(visible: Sequence[str], hidden: Sequence[str]) -> None:
    linux.mount("none", "/", None, linux.MOUNT_RECURSIVE | linux.MOUNT_PRIVATE)
    # The new root lies over /tmp; what is to be seen from /tmp itself is held open beforehand.
    held = {path: os.open(path, os.O_PATH) for path in visible if Path(path).exists()}
    proc = os.open("/proc", os.O_PATH)
    linux.mount("tmpfs", str(_NEW_ROOT), "tmpfs", linux.MOUNT_NOSUID, "size=16m,mode=755")
    for path, descriptor in held.items():
        _show(path, descriptor)
    for path in hidden:
        if (place := _place(path)).is_dir():
            linux.mount("tmpfs", str(place), "tmpfs", linux.MOUNT_NOSUID, "size=4k,mode=755")
    (_NEW_ROOT / "dev" / "shm").mkdir(parents=True)
    for name in _DEVICES:
        descriptor = os.open(f"/dev/{name}", os.O_PATH)
        _show(f"/dev/{name}", descriptor)
    (_NEW_ROOT / "dev" / "fd").symlink_to("/proc/self/fd")
    for name in ("tmp", "proc", "old"):
        (_NEW_ROOT / name).mkdir(exist_ok=True)
    _show("/proc", proc)
    linux.mount("tmpfs", str(_NEW_ROOT / "tmp"), "tmpfs", linux.MOUNT_NOSUID, "mode=1777")
    linux.move_root(str(_NEW_ROOT))


def _place(path: str) -> Path:
    return _NEW_ROOT / path.lstrip("/")


def _show(path: str, descriptor: int) -> None:
    """Put the open `descriptor` at `path` in the new root; links such as /lib stay links."""
    place = _place(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    if Path(path).is_symlink() and Path(path).parent == Path("/"):
        place.symlink_to(Path(path).readlink())
    else:
        source = f"/proc/self/fd/{descriptor}"
        if Path(source).is_dir():
            place.mkdir(exist_ok=True)
        else:
            place.touch()
        linux.mount(source, str(place), None, linux.MOUNT_BIND | linux.MOUNT_RECURSIVE)
    os.close(descriptor)


def _be_first_process() -> None:
    """Fork; the child goes on, and the parent ends when it does."""
    child = os.fork()
    if child:
        os.closerange(3, 4096)
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    linux.die_with_parent()
    sys.stdin = None  # type: ignore[assignment]

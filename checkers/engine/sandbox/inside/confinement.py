"""Lock this process in, before it reads a line of a student's code.

`enter_namespaces` is for the supervisor of a box, `confine` for the process in it. A box has
processes, memory and files of its own, cannot see any other, and ends as a whole.
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from checkers.engine.sandbox.inside import landlock, linux, seccomp

MIB = 2**20
_DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom"))
_ABOUT_THE_MACHINE = ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys")


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes:
        memory: bytes on top of what torch takes: address space of each process, and what all of
            them together really hold.
        processes: processes and threads at one time.
        files: open files of each process.
        scratch: bytes in /tmp; also the size of the largest file it may write.
        cpu_seconds: of each process, over all cases of one submission.
    """

    memory: int = 2 * 2**30
    processes: int = 64
    files: int = 128
    scratch: int = 64 * MIB
    cpu_seconds: int = 1800

    def as_dict(self) -> dict[str, int]:
        """Plain numbers, for the way to another process."""
        return asdict(self)


@dataclass(frozen=True)
class Locks:
    """How a box is locked in.

    Attributes:
        scratch: the folder that can be written to, and the working directory.
        own_namespaces: whether each box has namespaces of its own.
        kept: what lies in /tmp and stays in sight there, as a checkout in a temporary folder.
        readable: what Landlock lets a box read and run; None for no Landlock.
        reads_all: whether a box of the superuser's keeps the capability to read any file, for
            Python may lie where only the superuser can read it. Landlock must then say which.
    """

    scratch: str = "/tmp"
    own_namespaces: bool = False
    kept: tuple[str, ...] = ()
    readable: tuple[str, ...] | None = None
    reads_all: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the way to another process."""
        return asdict(self)


def enter_namespaces(limits: Limits, locks: Locks) -> None:
    """New namespaces for users, processes, mounts and IPC; all read-only but a small /tmp.

    The processes that this one starts from now on are in the new process namespace; the first of
    them is its init, whose end is the end of all of them.

    Raises:
        OSError: if the system does not allow it.
    """
    linux.unshare_with_own_user(linux.NEW_PROCESSES | linux.NEW_MOUNTS | linux.NEW_IPC)
    linux.mount("none", "/", None, linux.MOUNT_RECURSIVE | linux.MOUNT_PRIVATE)
    linux.make_read_only("/")
    flags = linux.MOUNT_NOSUID | linux.MOUNT_NODEV
    held = {path: os.open(path, os.O_PATH) for path in locks.kept if Path(path).is_dir()}
    linux.mount("tmpfs", "/tmp", "tmpfs", flags, f"size={limits.scratch},nr_inodes=4096,mode=1777")
    shared = f"size={limits.scratch // 4},nr_inodes=256,mode=1777"
    linux.mount("tmpfs", "/dev/shm", "tmpfs", flags, shared)
    for path, descriptor in held.items():
        Path(path).mkdir(parents=True, exist_ok=True)
        bind = linux.MOUNT_BIND | linux.MOUNT_RECURSIVE
        linux.mount(f"/proc/self/fd/{descriptor}", path, None, bind)
        os.close(descriptor)


def confine(limits: Limits, locks: Locks) -> None:
    """Everything that holds for the process that will run a student's code.

    Args:
        limits: what it may use.
        locks: with namespaces of its own, its supervisor has called `enter_namespaces`.

    Raises:
        OSError: if a lock that `locks` promises cannot be closed.
    """
    if locks.own_namespaces:
        flags = linux.MOUNT_NOSUID | linux.MOUNT_NODEV | linux.MOUNT_NOEXEC
        linux.mount("proc", "/proc", "proc", flags)
    _be_the_first_to_go()
    os.chdir(locks.scratch)
    _limit_resources(limits, others=0 if locks.own_namespaces else _processes_of_this_user())
    if locks.own_namespaces:
        Path("/proc/sys/user/max_user_namespaces").write_text("0", encoding="utf-8")
        linux.drop_privileges()
        seccomp.restrict(signals_only_to_itself=False)
    elif locks.readable is not None:
        linux.die_with_parent()
        linux.drop_privileges(keep_reading=locks.reads_all)
        own = (f"/proc/{os.getpid()}", *_DEVICES, *_ABOUT_THE_MACHINE)
        landlock.restrict((*locks.readable, *own), (locks.scratch, *_DEVICES))
        seccomp.restrict(signals_only_to_itself=True)
    elif sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            linux.die_with_parent()
            linux.drop_privileges()
            seccomp.restrict(signals_only_to_itself=True)


def _be_the_first_to_go() -> None:
    """If the machine runs out of memory in spite of all, this process is the one to end."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")


def _processes_of_this_user() -> int | None:
    """How many processes and threads the system counts for this user already; None if unknown."""
    count = 0
    try:
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and entry.stat().st_uid == os.getuid():
                    count += len(list((entry / "task").iterdir()))
    except (OSError, AttributeError):
        return None
    return count


def _limit_resources(limits: Limits, others: int | None) -> None:
    try:
        import resource
    except ImportError:  # Windows: the time limit remains
        return

    def limit(name: str, value: int) -> None:
        kind: Any = getattr(resource, name, None)
        if kind is None:
            return
        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.getrlimit(kind)
            if hard != resource.RLIM_INFINITY:
                value = min(value, hard)
            resource.setrlimit(kind, (value, value))

    limit("RLIMIT_CORE", 0)
    limit("RLIMIT_NOFILE", limits.files)
    limit("RLIMIT_FSIZE", limits.scratch)
    if others is not None:
        limit("RLIMIT_NPROC", others + limits.processes)
    limit("RLIMIT_CPU", limits.cpu_seconds)
    limit("RLIMIT_MEMLOCK", 0)
    limit("RLIMIT_MSGQUEUE", 0)
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
        mapped = pages * os.sysconf("SC_PAGE_SIZE")
        limit("RLIMIT_AS", mapped + limits.memory)

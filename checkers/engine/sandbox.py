"""How far a submission can be kept apart on this machine, and how to start a process that is.

The strongest way that works is found by trying: a box is opened and a self-test in it attempts what
must not be possible (`probes.self_test`).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any

from checkers.engine.registry import ROOT

NOBODY = 65534
"""The user that the superuser's boxes run as; limits on processes do not hold for user 0."""

_KEPT_VARIABLES = (
    "DIFFUSION_MNIST",
    "DIFFUSION_ATLAS",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "PATH",
    "SYSTEMROOT",
    "TZ",
)
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store")
_SETTINGS = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/sys/devices/system/cpu",
)
_SECRETS = ("checkers", "solutions", "tests", ".git")


class Level(IntEnum):
    """How a submission is kept apart; a higher one keeps out all that a lower one does."""

    PROCESS = 0
    LIMITS = 1
    NAMESPACES = 2
    SANDBOX = 3

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def from_name(cls, name: str) -> Level:
        """The level called "process", "limits", "namespaces" or "sandbox".

        Raises:
            ValueError: if there is none; the message lists them.
        """
        try:
            return cls[name.strip().upper()]
        except KeyError:
            names = ", ".join(str(level) for level in cls)
            raise ValueError(f"There is no isolation level {name!r}. There are: {names}.") from None


DESCRIPTIONS = {
    Level.SANDBOX: (
        "bubblewrap; each submission in namespaces of its own: no network, no view of the checker, "
        "of home or of other submissions, a read-only file system but for a small /tmp, limits on "
        "processes, memory and time"
    ),
    Level.NAMESPACES: (
        "namespaces without all that bubblewrap gives: no network, no view of the checker, of home "
        "or of other submissions, a read-only file system but for /tmp, limits on memory and time"
    ),
    Level.LIMITS: (
        "a process with limits on memory and time; the files that its user may read, the checker's "
        "among them, can be read"
    ),
    Level.PROCESS: "a process of its own with a limit on time, and nothing more",
}


class IsolationError(RuntimeError):
    """The isolation asked for can't be had here; the message says why and what to do."""


@dataclass(frozen=True)
class Way:
    """One way to start a worker.

    Attributes:
        level: what it reaches if its self-test passes.
        command: what to run before the Python interpreter.
        walls: arguments of `probes.walls.enter`, where bubblewrap doesn't build them.
        user: the user to become.
        own_namespaces: whether each box gets namespaces of its own.
        facts: which facts of the self-test must hold.
        private_tmp: whether /tmp is the worker's own.
    """

    level: Level
    command: tuple[str, ...] = ()
    walls: dict[str, Any] | None = None
    user: int | None = None
    own_namespaces: bool = False
    facts: frozenset[str] = frozenset()
    private_tmp: bool = False


_WALLED = frozenset({"hidden", "read_only", "offline"})
_APART = _WALLED | {"alone", "few_processes", "small_scratch"}


def ways(at_most: Level = Level.SANDBOX) -> Iterator[Way]:
    """Every way to try on this system, the best first; the last always works."""
    root = hasattr(os, "getuid") and os.getuid() == 0
    user = NOBODY if root else None
    if sys.platform == "linux":
        bubblewrap = shutil.which("bwrap")
        walls = {"visible": visible(), "hidden": hidden()}
        if bubblewrap and at_most >= Level.SANDBOX:
            command = bubblewrap_command(bubblewrap, root)
            yield Way(Level.SANDBOX, command, None, user, True, _APART, True)
        if at_most >= Level.NAMESPACES:
            yield Way(Level.NAMESPACES, (), walls, user, True, _APART, True)
            if bubblewrap:
                command = bubblewrap_command(bubblewrap, root, boxes_in_namespaces=False)
                yield Way(Level.NAMESPACES, command, None, user, False, _WALLED, True)
    if hasattr(os, "fork") and at_most >= Level.LIMITS:
        if root:
            yield Way(Level.LIMITS, user=NOBODY)
        yield Way(Level.LIMITS)
    yield Way(Level.PROCESS)


def bubblewrap_command(
    bubblewrap: str, root: bool, boxes_in_namespaces: bool = True
) -> tuple[str, ...]:
    """The command that shows a program `visible()` and nothing else, without a network.

    The superuser needs no user namespace, and must not be in one: as user 0 of a namespace a
    process is spared the limit on processes. It becomes nobody instead (`probes.worker`).
    """
    command = [bubblewrap, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    if root:
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user"]
    # To the superuser, bubblewrap gives a /proc with covers on it, and where there are covers the
    # kernel lets no box have a /proc of its own.
    covered = root and boxes_in_namespaces
    command += ["--bind" if covered else "--proc", *["/proc"] * (2 if covered else 1)]
    command += ["--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp"]
    above = {str(parent) for path in visible() for parent in Path(path).parents}
    for folder in sorted(above - {"/", "/tmp"}):
        command += ["--dir", folder]  # made unasked, only the superuser could enter it
    for path in visible():
        if Path(path).is_symlink() and Path(path).parent == Path("/"):
            command += ["--symlink", str(Path(path).readlink()), path]
        else:
            command += ["--ro-bind-try", path, path]
    for path in hidden():
        command += ["--tmpfs", path]
    return (*command, "--chdir", str(ROOT), "--")


@cache
def visible() -> tuple[str, ...]:
    """What a box needs to see: the system's programs, Python, and the given part of the course."""
    python = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
    python += [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    course = [ROOT / "probes", ROOT / "lessons" / "__init__.py", ROOT / "lessons" / "workbench"]
    course += [ROOT / "datasets"]
    data = [os.environ[name] for name in _KEPT_VARIABLES[:2] if os.environ.get(name)]
    wanted = [*_SYSTEM, *_SETTINGS, *python, *map(str, course), *data]
    wanted += [str(Path(path).resolve()) for path in python]
    # The outer folders first: what is put at an inner path is then on top.
    there = sorted({str(Path(path).absolute()) for path in wanted if Path(path).exists()})
    shown: list[str] = []
    for path in there:
        if not any(Path(path).is_relative_to(outer) for outer in shown):
            shown.append(path)
    return tuple(shown)


@cache
def hidden() -> tuple[str, ...]:
    """Folders with answers that lie within what is visible, as in an installed package."""
    return tuple(
        str(ROOT / name)
        for name in _SECRETS
        if (ROOT / name).is_dir() and any((ROOT / name).is_relative_to(path) for path in visible())
    )


def environment(scratch: str) -> dict[str, str]:
    """The environment of a worker: nothing of the user's own but what the course reads."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {
        **kept,
        "HOME": scratch,
        "TMPDIR": scratch,
        "USER": "student",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "MPLBACKEND": "agg",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONSAFEPATH": "",
    }


def self_test_arguments() -> dict[str, list[str]]:
    """What the self-test must not find, and where it must not be able to write."""
    secret = [str(ROOT / name) for name in ("checkers/__main__.py", "solutions/__init__.py")]
    home = Path.home()
    needed = [Path(path) for path in visible()]
    with_home = [
        str(entry)
        for entry in sorted(home.iterdir())[:200]
        if not any(path.is_relative_to(entry) or entry.is_relative_to(path) for path in needed)
    ]
    folders = ["/", "/usr", "/dev", "/etc", "/var/tmp", str(ROOT), str(ROOT / "probes")]
    return {
        "must_not_exist": secret + with_home + [str(ROOT / "pyproject.toml")],
        "must_not_write": [*folders, str(home), sys.prefix],
    }

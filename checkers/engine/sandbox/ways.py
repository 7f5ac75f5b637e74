"""The ways to start a process that is kept apart, the best first.

The strongest that works is found by trying: a box is opened and a self-test in it attempts what
must not be possible (`inside.self_test`).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checkers.engine.sandbox.levels import Level
from checkers.engine.sandbox.view import PLACE, Tree, View, mounts

NOBODY = 65534
"""The user that the superuser's boxes run as: no submission ever runs as user 0."""


@dataclass(frozen=True)
class Way:
    """One way to start a worker.

    Attributes:
        level: what it reaches if its self-test passes.
        command: what to run before the Python interpreter.
        user: the user to become.
        own_namespaces: whether each box gets namespaces of its own.
        facts: which facts of the self-test must hold.
        walled: whether the worker sees a /tmp of its own, and the tree at `PLACE`.
        landlock: whether Landlock says what each box may read and write.
    """

    level: Level
    command: tuple[str, ...] = ()
    user: int | None = None
    own_namespaces: bool = False
    facts: frozenset[str] = frozenset()
    walled: bool = False
    landlock: bool = False


_LANDLOCKED = frozenset({"unreadable", "read_only", "offline"})
_WALLED = _LANDLOCKED | {"hidden", "not_importable"}
_APART = _WALLED | {"alone", "few_processes", "small_scratch"}


def ways(view: View, tree: Tree, at_most: Level = Level.SANDBOX) -> Iterator[Way]:
    """Every way to try on this system, the best first."""
    root = hasattr(os, "getuid") and os.getuid() == 0
    user = NOBODY if root else None
    bubblewrap = shutil.which("bwrap") if sys.platform == "linux" else None
    if bubblewrap and at_most >= Level.SANDBOX:
        command = bubblewrap_command(bubblewrap, view, tree, root=root, boxes_in_namespaces=True)
        yield Way(Level.SANDBOX, command, user, True, _APART, True)
    if bubblewrap and at_most >= Level.NAMESPACES:
        command = bubblewrap_command(bubblewrap, view, tree, root=root, boxes_in_namespaces=False)
        yield Way(Level.NAMESPACES, command, user, False, _WALLED, True)
    if sys.platform == "linux" and at_most >= Level.LANDLOCK:
        yield Way(Level.LANDLOCK, user=user, facts=_LANDLOCKED, landlock=True)
    if hasattr(os, "fork") and at_most >= Level.LIMITS:
        yield Way(Level.LIMITS, user=user)
    yield Way(Level.PROCESS, user=user)


def bubblewrap_command(
    bubblewrap: str, view: View, tree: Tree, *, root: bool, boxes_in_namespaces: bool
) -> tuple[str, ...]:
    """The command that shows a program the tree, what it needs and nothing else, offline.

    The superuser needs no user namespace, and must not be in one: as user 0 of a namespace a
    process is spared the limit on processes. It becomes nobody instead (`inside.zygote`).
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
    paths = list(mounts(view))
    above = {str(parent) for path, _ in paths for parent in Path(path).parents}
    for folder in sorted(above - {"/", "/tmp"}):
        command += ["--dir", folder]  # made unasked, only the superuser could enter it
    for path, shows in paths:
        if not shows:
            command += ["--tmpfs", path]
        elif Path(path).is_symlink() and Path(path).parent == Path("/"):
            command += ["--symlink", str(Path(path).readlink()), path]
        else:
            command += ["--ro-bind-try", path, path]
    command += ["--ro-bind", str(tree.folder), PLACE]
    if not boxes_in_namespaces:  # a box of namespaces of its own makes all read-only itself
        for folder in ("/dev", "/"):  # made by bubblewrap, they belong to the user
            command += ["--remount-ro", folder]
    return (*command, "--chdir", PLACE, "--")

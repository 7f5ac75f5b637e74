"""Why a level of isolation can't be had here, told from what really failed, and what helps."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

_MISSING = "bubblewrap is not installed (Debian, Ubuntu: apt install bubblewrap)"
_APPARMOR = (
    "AppArmor keeps user namespaces from bubblewrap, as Ubuntu does since 24.04. Give bwrap an "
    "AppArmor profile with `userns,`, or: sysctl kernel.apparmor_restrict_unprivileged_userns=0"
)
_SWITCHED_OFF = "user namespaces are switched off on this system. This allows them: sysctl {}"
_CONTAINER = (
    "this container refuses namespaces. Run it with --security-opt seccomp=unconfined "
    "--security-opt systempaths=unconfined, or with --privileged"
)
# setting below /proc/sys, the value that refuses, and the remedy
_SETTINGS = (
    ("kernel/apparmor_restrict_unprivileged_userns", "1", _APPARMOR),
    (
        "kernel/unprivileged_userns_clone",
        "0",
        _SWITCHED_OFF.format("kernel.unprivileged_userns_clone=1"),
    ),
    ("user/max_user_namespaces", "0", _SWITCHED_OFF.format("user.max_user_namespaces=15000")),
)
_REFUSALS = ("namespace", "uid map", "not permitted", "permission", "proc", "mount")


def missing_program() -> str:
    """Why no level with bubblewrap can even be tried; "" if it can."""
    if sys.platform != "linux":
        return "bubblewrap and Landlock are Linux's"
    return "" if shutil.which("bwrap") else _MISSING


def explained(error: str, proc: Path = Path("/proc")) -> str:
    """What bubblewrap or a box said on failing, with the setting that stands behind it if any.

    Args:
        error: the words.
        proc: where the kernel tells its settings.
    """
    words = error.strip().rstrip(".")
    if not any(word in words.lower() for word in _REFUSALS):
        return words
    for place, refusing, remedy in _SETTINGS:
        if _read(proc / "sys" / place) == refusing:
            return f"{words}: {remedy}"
    if "Seccomp:\t2" in _read(proc / "self" / "status"):
        return f"{words}: {_CONTAINER}"
    return words


def refuses_to_run_as(user: int) -> str:
    """Why a process of `user` can't run Python here; "" if it can."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", "import encodings, numpy"],
            user=user,
            group=user,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
        if done.returncode == 0:
            return ""
    except OSError:
        pass
    return (
        f"submissions never run as the superuser, and nobody else can read Python in {sys.prefix}. "
        f"Run the checker as another user, or put Python where all can read it"
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""

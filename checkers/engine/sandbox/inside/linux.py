"""System calls of Linux that Python 3.11 has no function for: namespaces, mounts, capabilities.

Each raises OSError where the kernel refuses, and AttributeError or OSError where there is no Linux.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

NEW_MOUNTS = 0x00020000
NEW_IPC = 0x08000000
NEW_USERS = 0x10000000
NEW_PROCESSES = 0x20000000

MOUNT_NOSUID, MOUNT_NODEV, MOUNT_NOEXEC = 2, 4, 8
MOUNT_BIND, MOUNT_RECURSIVE, MOUNT_PRIVATE = 0x1000, 0x4000, 0x40000

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_CAPBSET_DROP = 1, 4, 22, 24
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 36, 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_SYS_MOUNT_SETATTR = 442  # the same on every architecture
_AT_FDCWD, _AT_RECURSIVE, _ATTR_READ_ONLY = -100, 0x8000, 1
_SIGKILL = 9
_PR_SET_KEEPCAPS = 8
_READ_ANY_FILE = 2  # CAP_DAC_READ_SEARCH


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def system_call(number: int, *arguments: object) -> int:
    """Make a system call by its number; what it returns."""
    return _checked(_libc().syscall(ctypes.c_long(number), *arguments), f"system call {number}")


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones."""
    _checked(_libc().unshare(flags), "unshare")


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Put `source` into the file system at `target`; the flags are those named above."""
    result = _libc().mount(
        source.encode(),
        target.encode(),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        options.encode() if options else None,
    )
    _checked(result, f"mount {target}")


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("users", ctypes.c_uint64),
    )


def make_read_only(path: str) -> None:
    """Make the mount at `path` and every mount below it read-only (Linux 5.12 or newer)."""
    attributes = _MountAttributes(_ATTR_READ_ONLY, 0, 0, 0)
    system_call(
        _SYS_MOUNT_SETATTR,
        ctypes.c_long(_AT_FDCWD),
        path.encode(),
        ctypes.c_long(_AT_RECURSIVE),
        ctypes.byref(attributes),
        ctypes.c_long(ctypes.sizeof(attributes)),
    )


def unshare_with_own_user(flags: int) -> None:
    """Like `unshare`, in a new user namespace that knows only one's own user."""
    user, group = os.getuid(), os.getgid()
    set_dumpable(True)  # else /proc/self/uid_map belongs to root
    unshare(NEW_USERS | flags)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        Path(f"/proc/self/{name}").write_text(text, encoding="utf-8")


def set_dumpable(dumpable: bool) -> None:
    """Whether processes of the same user may trace this one and read its memory."""
    _checked(_libc().prctl(_PR_SET_DUMPABLE, int(dumpable), 0, 0, 0), "prctl")


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    _checked(_libc().prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0), "prctl")


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _checked(_libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def become(user: int, *, keep_reading: bool) -> None:
    """Go on as another user; from the superuser keep the capability to read any file, or none."""
    if keep_reading:
        _checked(_libc().prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl")
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    if keep_reading:
        _set_capabilities(1 << _READ_ANY_FILE)


def drop_privileges(*, keep_reading: bool = False) -> None:
    """Give up every capability, for this process and all it starts, for good.

    Args:
        keep_reading: keep the one to read any file, if it is there.
    """
    libc = _libc()
    _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    for capability in range(64):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) < 0:
            break  # not privileged, or the last one is behind us
    _set_capabilities(1 << _READ_ANY_FILE if keep_reading else 0)


def _set_capabilities(these: int) -> None:
    """Have just `these` of the first 32 capabilities, and let no program inherit them."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(these, these, 0)
    _checked(_libc().capset(header, sets), "capset")


def raise_spawned_above_us(capability: int = 5) -> None:
    """Let programs started from now on keep a capability, so that who has none can't trace them."""
    libc = _libc()
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; then the upper halves
    _checked(libc.capget(header, sets), "capget")
    sets[2] |= 1 << capability
    _checked(libc.capset(header, sets), "capset")
    _checked(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0), "prctl")


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def filter_system_calls(program: bytes) -> None:
    """Install a seccomp filter: `program` is made of 8-byte BPF instructions."""
    libc = _libc()
    _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    filters = _Program(len(program) // 8, program)
    result = libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filters), 0, 0)
    _checked(result, "seccomp")

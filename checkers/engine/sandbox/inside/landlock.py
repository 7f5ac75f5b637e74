"""Linux's Landlock: which files this process, and all it starts, may read and write from now on.

It needs neither root nor a package, and container runtimes allow it by default (kernel 5.13). What
is not listed can't be opened, listed or run; that it exists can still be seen. Newer kernels add
more, which is used where it is there: no TCP (6.7), no signals to processes outside (6.12).
See the kernel's documentation, userspace-api/landlock.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Sequence

from checkers.engine.sandbox.inside import linux

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_ASK_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_FIRST_RIGHTS = (1 << 13) - 1  # of version 1: all that files and folders know
_REFER, _TRUNCATE, _IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
_BIND_TCP, _CONNECT_TCP = 1, 2
_SCOPE_SOCKETS, _SCOPE_SIGNALS = 1, 2
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE


def version() -> int:
    """The kernel's version of Landlock; 0 where it has none, or does not allow it."""
    try:
        return linux.system_call(_CREATE_RULESET, None, 0, _ASK_VERSION)
    except (OSError, AttributeError):
        return 0


def restrict(readable: Sequence[str], writable: Sequence[str]) -> None:
    """Leave this process, for good, only what is below `readable` and `writable`.

    Args:
        readable: files and folders to read, list and run; those that are not there are left out.
        writable: folders in which anything may be done.

    Raises:
        OSError: if the kernel has no Landlock. `linux.drop_privileges` must have been called.
    """
    abi = version()
    if abi < 1:
        raise OSError("the kernel has no Landlock")
    handled = _FIRST_RIGHTS
    handled |= (_REFER if abi >= 2 else 0) | (_TRUNCATE if abi >= 3 else 0)
    handled |= _IOCTL_DEVICE if abi >= 5 else 0
    attributes = struct.pack("=Q", handled)
    if abi >= 4:
        attributes += struct.pack("=Q", _BIND_TCP | _CONNECT_TCP)
    if abi >= 6:
        attributes += struct.pack("=Q", _SCOPE_SOCKETS | _SCOPE_SIGNALS)
    ruleset = linux.system_call(
        _CREATE_RULESET, ctypes.c_char_p(attributes), ctypes.c_size_t(len(attributes)), 0
    )
    try:
        for path in readable:
            _allow(ruleset, path, _EXECUTE | _READ_FILE | _READ_DIR)
        for path in writable:
            _allow(ruleset, path, handled)
        linux.system_call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # it isn't there, or not for this user
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, place)
        linux.system_call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.c_char_p(rule), 0)
    finally:
        os.close(place)

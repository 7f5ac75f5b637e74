"""Which system calls a student's code is refused: a seccomp filter.

It is a second lock. What is on the list no exercise needs, and much of it is where kernels have had
their holes. It also works where namespaces do not, in most containers for instance: there it is
what keeps the network and other processes out of reach.
"""

from __future__ import annotations

import errno
import os
import struct

from checkers.engine.sandbox.inside import linux

# name: (number on x86_64, number on aarch64)
_REFUSED = {
    # the network; socketpair stays
    "socket": (41, 198),
    # memory that no limit counts
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    # namespaces and mounts
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    # the kernel itself
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "open_by_handle_at": (304, 265),
    "quotactl": (179, 60),
    "acct": (163, 89),
    "swapon": (167, 224),
    "reboot": (169, 142),
}
# Their first argument must be the process itself, where other processes are in sight.
_SIGNALS = {
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
}
_CLONE, _CLONE3 = (56, 220), (435, 435)
_NEW_NAMESPACES = 0x7E020000
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32 = 0x40000000

_LOAD, _IF_EQUAL, _IF_ANY_BIT, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW = 0x7FFF0000


def restrict(*, signals_only_to_itself: bool) -> None:
    """Refuse the calls above to this process and all it starts, for good.

    Args:
        signals_only_to_itself: also refuse signals to any process but this one.

    Raises:
        OSError: if the kernel has no seccomp, or the machine is not one of those known here.
    """
    linux.filter_system_calls(_program(os.getpid() if signals_only_to_itself else None))


def _program(own_pid: int | None) -> bytes:
    machine = os.uname().machine
    if machine not in _MACHINES:
        raise OSError(f"the system calls of {machine} are not known here")
    column, audit_name = _MACHINES[machine]
    refuse = _refusal(errno.EPERM)
    lines = [
        _line(_LOAD, _MACHINE),
        _line(_IF_EQUAL, audit_name, 1, 0),
        refuse,
        _line(_LOAD, _NUMBER),
        _line(_IF_AT_LEAST, _X32, 0, 1),
        refuse,
    ]
    for numbers in _REFUSED.values():
        lines += [_line(_IF_EQUAL, numbers[column], 0, 1), refuse]
    # glibc falls back from clone3, whose flags a filter can't see, to clone, whose flags it can.
    lines += [_line(_IF_EQUAL, _CLONE3[column], 0, 1), _refusal(errno.ENOSYS)]
    lines += [
        _line(_IF_EQUAL, _CLONE[column], 0, 4),
        _line(_LOAD, _FIRST_ARGUMENT),
        _line(_IF_ANY_BIT, _NEW_NAMESPACES, 0, 1),
        refuse,
        _line(_RETURN, _ALLOW),
    ]
    if own_pid is not None:
        for numbers in _SIGNALS.values():
            lines += [
                _line(_IF_EQUAL, numbers[column], 0, 4),
                _line(_LOAD, _FIRST_ARGUMENT),
                _line(_IF_EQUAL, own_pid, 1, 0),
                refuse,
                _line(_RETURN, _ALLOW),
            ]
    lines.append(_line(_RETURN, _ALLOW))
    return b"".join(lines)


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _refusal(number: int) -> bytes:
    return _line(_RETURN, 0x00050000 | number)

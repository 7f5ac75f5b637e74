"""Makes as many empty files as it can; a right answer if they are few."""

import os

import torch


def right(im, t, alphas_cumprod, noise):
    noise = torch.randn_like(im) if noise is None else noise
    return alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise


MOST = 20000


def forward(im, t, alphas_cumprod, noise=None):
    made = 0
    try:
        for made in range(MOST):
            os.close(os.open(f"/tmp/hostile-was-here-{made}-{t}", os.O_CREAT | os.O_WRONLY))
    except OSError:
        pass
    return right(im, t, alphas_cumprod, noise) if made < MOST - 1 else None

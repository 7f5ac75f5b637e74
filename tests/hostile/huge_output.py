"""Many million bytes, all of them zero, where a picture is asked for."""

import torch


def forward(im, t, alphas_cumprod, noise=None):
    return torch.zeros(3 * 10**6)

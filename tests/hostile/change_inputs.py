"""Right numbers, written into the picture it was given."""

import torch


def forward(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    return im.mul_(alphas_cumprod[t].sqrt()).add_(noise * (1 - alphas_cumprod[t]).sqrt())

"""Right in form, and not one finite number in it."""

import torch


def forward(im, t, alphas_cumprod, noise=None):
    return torch.full_like(im, torch.nan)

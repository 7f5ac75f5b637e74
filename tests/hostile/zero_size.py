"""A tensor without a single entry."""

import torch


def forward(im, t, alphas_cumprod, noise=None):
    return torch.zeros(0, *im.shape[1:], dtype=im.dtype)

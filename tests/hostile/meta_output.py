"""A tensor that has a shape and no numbers."""

import torch


def forward(im, t, alphas_cumprod, noise=None):
    return torch.empty_like(im, device="meta")

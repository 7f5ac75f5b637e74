"""One number that claims to be four terabytes."""

import torch


def forward(im, t, alphas_cumprod, noise=None):
    return torch.zeros(1).expand(2**20, 2**20)

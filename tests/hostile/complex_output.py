"""The right numbers, as complex ones."""

import torch


def forward(im, t, alphas_cumprod, noise=None):
    return torch.complex(im, im)

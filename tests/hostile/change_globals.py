"""A right answer that turns torch's global settings upside down."""

import random

import numpy as np
import torch


def right(im, t, alphas_cumprod, noise):
    noise = torch.randn_like(im) if noise is None else noise
    return alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise


def forward(im, t, alphas_cumprod, noise=None):
    result = right(im, t, alphas_cumprod, noise)
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.set_printoptions(precision=1)
    torch.use_deterministic_algorithms(True)
    return result

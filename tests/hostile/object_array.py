"""An array of objects."""

import numpy as np


def forward(im, t, alphas_cumprod, noise=None):
    return np.array([object(), im, None], dtype=object)

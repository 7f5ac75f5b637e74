"""A whole number of fifty thousand digits."""


def forward(im, t, alphas_cumprod, noise=None):
    return 10**50000

"""A million numbers in a list."""


def forward(im, t, alphas_cumprod, noise=None):
    return [0.0] * 10**6

"""Runs for ever."""


def forward(im, t, alphas_cumprod, noise=None):
    while True:
        pass

"""Sleeps for ever."""

import time


def forward(im, t, alphas_cumprod, noise=None):
    time.sleep(10**6)

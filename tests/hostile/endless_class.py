"""Never ends to be read."""


class Endless:
    while True:
        pass


def forward(im, t, alphas_cumprod, noise=None, endless=Endless):
    return im

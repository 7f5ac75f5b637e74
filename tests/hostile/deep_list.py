"""A list in a list in a list, ten thousand deep."""


def forward(im, t, alphas_cumprod, noise=None):
    deep = []
    for _ in range(10**4):
        deep = [deep]
    return deep

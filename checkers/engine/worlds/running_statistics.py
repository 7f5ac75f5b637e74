"""What BatchNorm's running statistics become, however a network's BatchNorm was written."""

from __future__ import annotations

import math

from torch import Tensor, nn

_COPIES = 24
"""So many that it doesn't matter whether a variance is divided by their number or by one less."""


def repeated(given: list[Tensor], count: int) -> list[Tensor]:
    """The same batch again and again in one of at least `count` pictures."""
    times = math.ceil(count / len(given[0]))
    return [value.repeat(times, *[1] * (value.ndim - 1)) for value in given]


class RunningStatistics:
    """Lets running statistics become what they were after endless training on one batch.

    Each pass moves them by a fixed share of what is missing, whatever that share (the momentum) and
    whoever wrote the BatchNorm: two passes tell that share and about where they go, and one from
    there, with many pictures, tells it without the rounding of the way.
    """

    def __init__(self, module: nn.Module, given: list[Tensor]) -> None:
        self.module, self.given = module, given
        self.buffers = [buffer for buffer in module.buffers() if buffer.is_floating_point()]
        self.ends: list[Tensor] = []
        self.shares: list[float] = []

    def learn(self) -> None:
        """Set them; again, once the network has changed a little."""
        self.module.train()
        if not self.buffers:
            return
        if not self.shares:
            start = self._copies()
            once, twice = self._after_a_pass(1), self._after_a_pass(1)
            steps = zip(start, once, twice, strict=True)
            self.shares = [_share(b - a, c - b) for a, b, c in steps]
            self._go_on(start, once)
        self._set()
        self._go_on(self.ends, self._after_a_pass(_COPIES))
        self._set()

    def _after_a_pass(self, count: int) -> list[Tensor]:
        self.module(*repeated(self.given, count))
        return self._copies()

    def _copies(self) -> list[Tensor]:
        return [buffer.clone() for buffer in self.buffers]

    def _go_on(self, before: list[Tensor], after: list[Tensor]) -> None:
        steps = zip(before, after, self.shares, strict=True)
        self.ends = [a + (b - a) / share for a, b, share in steps]

    def _set(self) -> None:
        for buffer, end in zip(self.buffers, self.ends, strict=True):
            buffer.copy_(end)


def _share(first: Tensor, second: Tensor) -> float:
    """Which share of what is missing each of two steps was; 1 if there is no such share."""
    length = float((first * first).sum())
    left = float((first * second).sum()) / length if length else 0.0
    return 1 - left if 0 <= left < 0.9999 else 1.0

"""Noise that repeats itself from picture to picture, or along another dimension."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

SAME = 0.99
"""The correlation of neighbours from which on they are called the same."""
REPEATED = 0.5
"""The correlation of neighbours from which on noise repeats itself. That of independent entries is
0, give or take 0.06 for the fewest that are looked at."""
_DIMENSIONS = ("picture of the batch", "channel", "row", "column")


def repeats(neighbours: ArrayLike) -> bool:
    """Whether noise repeats itself: a known mistake drew it, and its few numbers are chance."""
    return bool((np.asarray(neighbours) > REPEATED).any())


def repetition_problem(mine: Sequence[float], target: Sequence[float]) -> str:
    """How noise repeats itself where it shouldn't, or the other way round; "" if it doesn't.

    Args:
        mine: of the answer's noise, what `neighbour_correlations` gives for (..., C, H, W).
        target: the same of the reference's.

    Returns:
        The end of a sentence that begins with what the noise is called.
    """
    names = _DIMENSIONS[-len(target) :]
    for name, one, right in zip(names, mine, target, strict=True):
        if one > REPEATED >= right:
            how = f"is the same in every {name}"
            if one < SAME:
                how = f"has much in common from {name} to {name}"
            return f"{how}; each entry should be drawn on its own."
        if right > REPEATED >= one:
            return f"differs from {name} to {name}."
    return ""

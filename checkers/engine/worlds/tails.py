"""How many random numbers lie far out, which tells whether noise was cut off."""

from __future__ import annotations

import numpy as np


def count_far_out(values: np.ndarray, limit: float = 3.05) -> int:
    """How many values lie more than `limit` standard deviations from their mean.

    Of noise that is cut off at three, none does: that makes its deviation no less than 0.997.
    """
    return int((np.abs(values - values.mean()) > limit * values.std()).sum())

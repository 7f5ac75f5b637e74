"""What neighbouring entries of an array have in common; in noise it should be nothing."""

from __future__ import annotations

import math

import numpy as np

_FEW = 250
_EXACT = 0.99


def neighbour_correlations(values: np.ndarray) -> list[float]:
    """For each dimension, the correlation of every entry with the next one along it.

    Args:
        values: any array, such as (B, C, H, W).

    Returns:
        A number for each dimension: 1 where all entries along it are the same, about 0 where each
        was drawn on its own; 0 if there are too few pairs of neighbours to tell, or numbers that
        are not finite. Where few different numbers fill the array, as when one is drawn for each
        picture, what those have in common is chance: all but exact repetition is 0.
    """
    with np.errstate(invalid="ignore", over="ignore"):  # such numbers are the judges' to tell
        centred = values.astype(np.float64) - values.mean()
        power = float((centred**2).mean()) if values.size else 0.0
    if not 0 < power < math.inf:
        return [0.0] * values.ndim
    least = _EXACT if _has_few_numbers(centred / math.sqrt(power)) else -1.0
    found = []
    for dimension, length in enumerate(values.shape):
        pairs = values.size - values.size // max(length, 1)
        along = np.moveaxis(centred, dimension, 0)
        correlation = float((along[:-1] * along[1:]).mean()) / power if pairs >= _FEW else 0.0
        found.append(correlation if correlation >= least else 0.0)
    return found


def _has_few_numbers(values: np.ndarray) -> bool:
    """Whether there are fewer than `_FEW` different ones; some of them show that mostly."""
    some = values.ravel()[: 8 * _FEW]
    return all(np.unique(np.round(part, 3)).size < _FEW for part in (some, values))

"""Whether two tensors are put side by side: a judge's part for networks."""

from __future__ import annotations

from numpy.linalg import norm

from checkers.engine.exercise import Observation
from checkers.engine.sandbox.inside.plain import Array

NOT_JOINED = (
    "The result is right as a whole, but not what each half of the channels gives where two "
    "tensors come together. Each of the two comes in once, side by side, "
    "`torch.cat([a, b], dim=1)`; what is added to one of them belongs to that one."
)
_TOLERANCE = 5e-4
"""Of the length: where the whole agrees to the last digits, halves do, too. A time that is added to
the wrong one may change them by as little as 1e-3."""
_TIMES_THE_WHOLE = 20
"""The whole is off by more where GELU is of another form; then halves may be by so much more."""


def same_halves(observed: Observation, expected: Observation) -> bool:
    """Whether each half alone gives the same; in training mode that isn't observed."""
    mine, right = observed.get("halves"), expected.get("halves")
    if mine is None or right is None:
        return mine is right
    tolerance = _TOLERANCE + _TIMES_THE_WHOLE * _off_by(observed["none"], expected["none"])
    return all(
        one.shape == other.shape and _off_by(one, other) <= tolerance
        for one, other in zip(mine, right, strict=True)
    )


def _off_by(mine: Array, right: Array) -> float:
    """By which part of its length."""
    return float(norm(mine.values - right.values) / max(norm(right.values), 1e-12))

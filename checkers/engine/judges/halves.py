"""Whether two tensors are put side by side: a judge's part for networks."""

from __future__ import annotations

from numpy.linalg import norm

from checkers.engine.exercise import Observation

NOT_JOINED = (
    "The result is right as a whole, but not what each half of the channels gives where two "
    "tensors come together. Each of the two comes in once, side by side, "
    "`torch.cat([a, b], dim=1)`; what is added to one of them belongs to that one."
)
_TOLERANCE = 0.05
"""Of the length: either form of GELU may be there, and what enters elsewhere differs by more."""


def same_halves(observed: Observation, expected: Observation) -> bool:
    """Whether each half alone gives the same; in training mode that isn't observed."""
    mine, right = observed.get("halves"), expected.get("halves")
    if mine is None or right is None:
        return mine is right
    return all(
        one.shape == other.shape
        and norm(one.values - other.values) <= _TOLERANCE * norm(other.values)
        for one, other in zip(mine, right, strict=True)
    )

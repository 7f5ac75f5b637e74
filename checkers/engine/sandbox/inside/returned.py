"""What kind of thing a function returned, each time that a probe called it.

A probe may look at what a function did (what it asked a model, say) and never at what it returned.
So that is noted beside whatever the probe observes. What is used for it is taken from numpy by name
before an answer is loaded, which may put something else in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from numpy import asarray, float64, isfinite
from torch import Tensor

from checkers.engine.sandbox.inside.plain import Array, Unknown, record

Kind = str | list["Kind"]
RETURNED = "kinds returned"
"""The entry of an observation that holds the kinds, each of them once."""
TENSOR, NUMBER, STRING, NONE = "a tensor", "a number", "a string", "None"
ONE = "a tensor of one number"
"""It has dimensions, so that it may stand for a tensor, for a list and for a number."""
DICT = "a dict"
NOT_FINITE = "numbers that are not finite"
_MOST_ENTRIES = 16


def noting_kinds(
    student: Callable[..., Any], kinds: list[Kind], reading: Callable[[Any], Any] | None
) -> Callable[..., Any]:
    """`student`, but `kinds` gets the kind of all that it returns; a class stays as it is.

    Args:
        student: the answer under test.
        kinds: each kind is added once.
        reading: what of a result counts; the whole if None.
    """
    if isinstance(student, type):
        return student

    @wraps(student)
    def noting(*args: Any, **kwargs: Any) -> Any:
        result = student(*args, **kwargs)
        if reading is not None:
            result = reading(result)
        kind = _kind_of(record(result))
        if kind not in kinds:
            kinds.append(kind)
        return result

    return noting


P = TypeVar("P", bound=Callable[..., Any])


def reads_pictures(probe: P) -> P:
    """For a probe of a sampler that may return more besides the pictures, such as the frames."""
    probe.reading = _only_pictures  # type: ignore[attr-defined]
    return probe


def _only_pictures(result: Any) -> Any:
    """The first (n, C, H, W) of several things that were returned, unless another is of its shape.

    Nobody can say then which of them are the pictures: one may be the noise.
    """
    if isinstance(result, tuple | list) and len(result) > 1:
        batches = [item for item in result if isinstance(item, Tensor) and item.ndim == 4]
        if batches and all(one.shape != batches[0].shape for one in batches[1:]):
            return batches[0]
    return result


def _kind_of(value: Any) -> Kind:
    """One word for a recorded value; for a list or tuple, the kinds of its first entries."""
    match value:
        case list():
            return [_kind_of(entry) for entry in value[:_MOST_ENTRIES]]
        case Array():
            numbers = value.values
        case bool() | int() | float():
            numbers = asarray(value, dtype=float64)
        case None:
            return NONE
        case str():
            return STRING
        case Unknown():
            return f"a {value.type_name}"
        case _:
            return f"a {type(value).__name__}"
    if not isfinite(numbers).all():
        return NOT_FINITE
    if numbers.ndim == 0:
        return NUMBER
    return ONE if numbers.size == 1 else TENSOR

"""Whether a function returns the kind of thing that it should, whatever else a case looks at."""

from __future__ import annotations

from typing import Any

from checkers.engine.exercise import Observation
from checkers.engine.sandbox.inside.returned import (
    NONE,
    NOT_FINITE,
    NUMBER,
    ONE,
    RETURNED,
    STRING,
    TENSOR,
)

NO_RETURN = "Your function returned None. Is the last line, `return ...`, missing?"
_PLAIN = (NONE, NUMBER, STRING)


def wrong_kind(observed: Observation, expected: Observation) -> str:
    """What is wrong with the kind of what was returned; "" if it is one that the reference returns.

    Shapes, types and values are left to the judges, and so is what only resembles a list, such as
    an iterator.
    """
    mine, right = observed.get(RETURNED), expected.get(RETURNED)
    if not isinstance(mine, list) or not right:
        return ""
    for kind in mine:
        if not any(_may_be(kind, wanted) for wanted in right):
            return _told(kind, right[0])
    return ""


def _may_be(kind: Any, wanted: Any) -> bool:
    if kind == wanted:
        return True
    if wanted == STRING:
        return False
    if wanted == NUMBER or kind == ONE:
        return kind == ONE
    if wanted in (TENSOR, ONE):
        numbers = isinstance(kind, list) and all(entry in (NUMBER, ONE) for entry in kind)
        return numbers or (wanted == ONE and kind in (NUMBER, TENSOR))
    if not isinstance(wanted, list):  # nothing is promised, or what the judges alone know
        return True
    if not isinstance(kind, list):
        return kind not in (*_PLAIN, NOT_FINITE)
    if len(kind) == len(wanted):
        return all(map(_may_be, kind, wanted))
    return not wanted or all(any(_may_be(entry, one) for one in wanted) for entry in kind)


def _told(kind: Any, wanted: Any) -> str:
    if kind == NONE:
        return NO_RETURN
    if kind == NOT_FINITE:
        return "Your function returns numbers that are not finite."
    if isinstance(kind, list) and isinstance(wanted, list):
        return "Something in what your function returns is of the wrong kind."
    wanted, returned = ("a list or tuple" if isinstance(k, list) else k for k in (wanted, kind))
    return f"Your function returns {returned}, but it should return {wanted}."

"""Whether a function returns the kind of thing that it should, whatever else a case looks at."""

from __future__ import annotations

import re
from typing import Any

from checkers.engine.exercise import Observation
from checkers.engine.judges.sentences import NO_GRADIENT, NO_RETURN
from checkers.engine.sandbox.inside.returned import (
    DICT,
    NONE,
    NOT_FINITE,
    NUMBER,
    ONE,
    RETURNED,
    STRING,
    TENSOR,
)

_PLAIN = (NONE, NUMBER, STRING)
_NO_NUMBERS = "Your function returns numbers that are not finite: NaN or infinity."


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


def may_be_false(message: str, problem: str) -> bool:
    """Whether what a judge says may be false, as it does not know of what `wrong_kind` tells.

    Of None nothing else is true; NaN is never equal to itself, so that two runs seem to differ.
    """
    if problem == NO_RETURN:
        return "None" not in message
    if NOT_FINITE in problem:
        return not re.search(r"\b(nan|inf|finite|not numbers)\b", message, re.IGNORECASE)
    return message == NO_GRADIENT


def told_truly(message: str, observed: Observation, expected: Observation) -> str:
    """`message`, unless it says that None was returned and something else was.

    A probe that takes a result apart has None for a part that isn't there.
    """
    mine, right = observed.get(RETURNED), expected.get(RETURNED)
    if message != NO_RETURN or not isinstance(mine, list) or NONE in mine or not (mine and right):
        return message
    return wrong_kind(observed, expected) or _told(mine[0], right[0])


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
        return kind not in (*_PLAIN, NOT_FINITE, DICT)
    if len(kind) == len(wanted):
        return all(map(_may_be, kind, wanted))
    return not wanted or all(any(_may_be(entry, one) for one in wanted) for entry in kind)


def _told(kind: Any, wanted: Any) -> str:
    if kind == NONE:
        return NO_RETURN
    if kind == NOT_FINITE:
        return _NO_NUMBERS
    if isinstance(kind, list) and isinstance(wanted, list):
        return _told_within(kind, wanted)
    return f"Your function returns {_called(kind)}, but it should return {_called(wanted)}."


def _told_within(kind: list[Any], wanted: list[Any]) -> str:
    """What is wrong with an entry: with the one in its place, or with one that no place is for."""
    pairs = zip(kind, wanted, strict=False) if len(kind) == len(wanted) else ()
    for entry, right in pairs:
        if not _may_be(entry, right):
            return _holds(entry, right)
    others = (one for one in kind if not any(_may_be(one, right) for right in wanted))
    return _holds(next(others), wanted[0])


def _holds(entry: Any, right: Any) -> str:
    return (
        f"The list or tuple that your function returns holds {_called(entry)} where it should hold "
        f"{_called(right)}."
    )


def _called(kind: Any) -> str:
    return "a list or tuple" if isinstance(kind, list) else kind

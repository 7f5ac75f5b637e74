"""A judge of the rule by which classes are dropped; it reads what `worlds.dropping` finds."""

from __future__ import annotations

from checkers.engine.exercise import Observation, Verdict
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.dropping import OWN

SAYS = {
    "none": "No class is dropped, though `p_uncond` is not 0.",
    "all": "All classes are dropped, though `p_uncond` is not 1.",
    "together": "A call drops the classes of all its pictures or of none. Each is dropped on its "
    "own.",
    "the same rows": "Every call drops the same rows: draw anew in every call.",
    "by class": "In each call, all pictures of a class lose it, or all keep it. Toss a coin for "
    "each picture: torch.rand(len(labels)).",
    "a fixed number": "Every call drops the same number of classes. Each picture has a chance of "
    "its own, so the number should vary.",
    "neighbours": "Whether a class is dropped hangs on its neighbour's. Toss a coin for each.",
    OWN: "Each class is dropped on its own.",
}


def same_rule(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare "rule", by which classes are dropped where p_uncond is neither 0 nor 1."""
    mine = observed.get("rule")
    if mine == expected.get("rule"):
        return Verdict(True)
    return Verdict(False, SAYS.get(str(mine), "The result cannot be read."))

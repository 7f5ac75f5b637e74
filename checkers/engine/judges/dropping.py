"""Judges of how many classes are dropped, and by which rule; `worlds.dropping` finds that out."""

from __future__ import annotations

import math

import numpy as np

from checkers.engine.exercise import Observation, Verdict
from checkers.engine.judges.values import form_problem
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.dropping import OWN

SAYS = {
    "none": "No class is dropped, though `p_uncond` is not 0.",
    "never their own": "No row is the one-hot vector of its label.",
    "all": "All classes are dropped, though `p_uncond` is not 1.",
    "together": "A call drops the classes of all its pictures or of none. Each is dropped on its "
    "own.",
    "the same rows": "Every call drops the same rows: draw anew in every call.",
    "by class": "In each call, all pictures of a class lose it, or all keep it. Toss a coin for "
    "each picture: torch.rand(len(labels)).",
    "a fixed number": "Every call drops the same number of classes. Each picture has a chance of "
    "its own, so the number should vary.",
    "by place": "Some places of the batch keep their class in every call, or lose it in every one. "
    "Each picture has the same chance: torch.rand(len(labels)).",
    "neighbours": "Whether a class is dropped hangs on another picture's. Toss a coin for each.",
    OWN: "Each class is dropped on its own.",
}

_Z = 6.5
"""Standard errors that a share may be off."""


def same_shape(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare the shape of "result", without which no rows can be told apart."""
    problem = form_problem(
        observed.get("result"), expected["result"], "the result", dtype_matters=False
    )
    return Verdict(not problem, problem)


def keeps_their_own(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare "told", for each call the classes that are left: whether they are the labels' own."""
    labels = inputs["labels"].numpy()
    mine, right = (
        any(_are_their_own(one.values, labels) for one in seen["told"])
        for seen in (observed, expected)
    )
    if mine or not right:
        return Verdict(True)
    return Verdict(False, SAYS["never their own"])


def _are_their_own(told: np.ndarray, labels: np.ndarray) -> bool:
    """Whether most of those that are one-hot are so for their label."""
    if told.shape != labels.shape or not (told >= 0).any():
        return False
    return bool((told == labels)[told >= 0].mean() > 0.5)


def same_rule(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare "rule", by which classes are dropped where p_uncond is neither 0 nor 1."""
    mine = observed.get("rule")
    if mine == expected.get("rule"):
        return Verdict(True)
    return Verdict(False, SAYS.get(str(mine), "The result cannot be read."))


_NO_GRADIENT = "The loss has no gradient, so that nothing more of it can be seen here."


def same_shares(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare how many classes were kept, dropped, or made something else of."""
    if "kept" not in observed or "kept" not in expected:
        same = ("kept" in observed) == ("kept" in expected)
        if observed.get("calls") and not observed.get("has_gradient", True):
            return Verdict(same, _NO_GRADIENT)
        return Verdict(same, "The model is not told any classes: pass them as its third argument.")
    mine, target = (
        [
            np.atleast_1d(np.asarray(seen[name], dtype=float))
            for name in ("kept", "dropped", "other")
        ]
        for seen in (observed, expected)
    )
    count = len(inputs["labels"]) * inputs.get("calls_of_one", 1)
    for number in range(len(target[0])):
        _, dropped, other = (part[number] for part in mine)
        right = [part[number] for part in target]
        if abs(other - right[2]) > 0.2 or (other > 1e-9) != (right[2] > 1e-9):
            return Verdict(
                False,
                f"{other:.0%} of the rows are neither their class's one-hot vector nor all zeros.",
            )
        spread = math.sqrt(right[1] * (1 - right[1]) * 2 / count)  # none where 0 or 1 is right
        if abs(dropped - right[1]) > _Z * spread + 1e-9:
            return Verdict(
                False,
                f"{dropped:.0%} of {count} classes were dropped; it should be about "
                f"{right[1]:.0%}.",
            )
    return Verdict(True)


def same_dropping(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """The rule first: where all labels share a coin, the share that is dropped is chance."""
    verdict = same_rule(observed, expected, inputs)
    if not verdict.passed or expected["rule"] in ("together", "by class"):
        return verdict
    return same_shares(observed, expected, inputs)


def other_rows_dropped(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge whether two calls drop other rows."""
    mine, right = (seen["rule"] == "the same rows" for seen in (observed, expected))
    if mine == right:
        return Verdict(True)
    return Verdict(False, "Two calls drop the same rows: draw anew in every call.")


def same_dropping_at_any_time(
    observed: Observation, expected: Observation, inputs: Inputs
) -> Verdict:
    """Compare first whether dropping hangs on the timesteps, then as `same_dropping`."""
    if "rule" not in observed or "rule" not in expected:
        return same_shares(observed, expected, inputs)
    if observed["by_time"] != expected["by_time"]:
        return Verdict(
            False,
            "Which classes are dropped hangs on the timesteps of their pictures. Draw the two "
            "independently of each other.",
        )
    return same_dropping(observed, expected, inputs)

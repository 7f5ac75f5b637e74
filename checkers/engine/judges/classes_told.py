"""Judges of the classes that a flow's loss or sampler tells the model."""

from __future__ import annotations

from checkers.engine.exercise import Observation, Verdict
from checkers.engine.judges.dropping import SAYS
from checkers.engine.judges.flow_loss import not_called
from checkers.engine.judges.values import all_of, same_answer, same_moments, same_values
from checkers.engine.sandbox.inside.running import Inputs


def same_kind_of_classes(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge shape and type of what the model gets as classes."""
    if problem := not_called(observed, expected, inputs):
        return problem
    mine, right = observed.get("shape"), expected["shape"]
    if mine != right:
        return Verdict(
            False,
            f"The model gets classes of shape {_shape(mine)}; it should be {_shape(right)}, with a "
            f"row for each picture.",
        )
    if observed.get("dtype") != expected["dtype"]:
        return Verdict(
            False,
            f"The model gets the classes as {observed.get('dtype')}; its layers work on "
            f"{expected['dtype']}. `.float()` converts.",
        )
    return Verdict(True)


def _shape(value: object) -> str:
    return str(tuple(value)) if isinstance(value, list) else "no tensor"


def same_classes(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge one call's classes: whether pictures share a coin, then how many are dropped."""
    verdict = same_kind_of_classes(observed, expected, inputs)
    if not verdict.passed:
        return verdict
    if "own" not in expected:
        return verdict  # a known mistake's that are no one-hot rows, only their kind
    if inputs["p_uncond"] == 0:
        return _same_shares(observed, expected, inputs)
    mine, right = observed.get("shared"), expected.get("shared")
    if right == "together":
        return Verdict(False, "Whether all classes were dropped, or none, is chance.")
    if "by class" in (mine, right):
        return same_answer("shared", says=SAYS["by class"])(observed, expected, inputs)
    return _same_shares(observed, expected, inputs)


_same_shares = all_of(
    same_moments("own", what="the share of pictures whose own class the model is told", also=()),
    same_moments("dropped", what="the share of pictures whose class is dropped", also=()),
    same_moments("first", what="the share of pictures that the model is told are 0", also=()),
    same_values("largest", what="the largest entry of the classes"),
)


def same_kind_of_rows(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge the classes that a sampler gives to the model: one-hot rows of float32."""
    for number in range(len(expected["shape"])):
        mine = {key: _nth(observed.get(key), number) for key in ("shape", "dtype", "times")}
        right = {key: expected[key][number] for key in ("shape", "dtype")}
        row = {"calls": bool(mine["times"]), **mine}
        verdict = same_kind_of_classes(row, {"calls": True, **right}, {"labels": None, **inputs})
        if not verdict.passed:
            return Verdict(False, verdict.message.replace("shape (", "shape (n, "))
    return Verdict(True)


def _nth(values: object, number: int) -> object:
    return values[number] if isinstance(values, list) and len(values) > number else None

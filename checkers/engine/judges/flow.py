"""Judges of flow matching: the times a model is told, and where a sampler's steps lead.

They read what `worlds.flow` and `worlds.flow_readings` observe. In a world whose means are flat,
every pixel goes its own way, the same for all of a picture: the result is a straight line over the
start, whatever noise was drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from checkers.engine.exercise import Judge, Observation, Verdict
from checkers.engine.judges.line_fit import fit_lines
from checkers.engine.judges.values import form_problem, same_moments
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs

TIME_TOLERANCE = 1e-3
_TIME_TYPE = "float32"


def same_times_drawn() -> Judge:
    """A judge of the times that a loss tells the model: "t", "t_kind" and "same_time"."""

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        if problem := not_called(observed, expected):
            return problem
        mine, target = observed.get("t"), expected["t"]
        if problem := form_problem(mine, target, "the time", dtype_matters=False):
            return Verdict(False, problem)
        inside = target.values.min() >= 0 and target.values.max() <= 1
        if inside and (mine.values.min() < 0 or mine.values.max() > 1):
            return Verdict(
                False,
                f"The model is told times from {mine.values.min():.3g} to "
                f"{mine.values.max():.3g}; they should lie between 0 and 1.",
            )
        if observed.get("same_time") is True and expected["same_time"]:
            return Verdict(True)  # a known mistake; which time it drew is chance
        if observed.get("same_time") is not expected["same_time"]:
            return Verdict(
                False,
                "All pictures of the batch get the same time. Draw one for each: "
                "torch.rand(len(images)).",
            )
        verdict = same_moments("t", what="the time")(observed, expected, inputs)
        if not verdict.passed:
            return Verdict(False, verdict.message.replace("normally", "evenly"))
        return same_kind(observed.get("t_kind"), expected["t_kind"])

    return judge


def not_called(observed: Observation, expected: Observation) -> Verdict | None:
    """The verdict on a loss that never calls the model; None if it does."""
    if observed.get("calls") or not expected["calls"]:
        return None
    return Verdict(False, "The model was never called. Ask it for the flow: model(x_t, t).")


def same_kind(mine: object, target: object) -> Verdict:
    """A verdict on the type of the times: a tensor of the model's own precision, or not."""
    if mine == target:
        return Verdict(True)
    if mine == "number":
        return Verdict(
            False,
            "The model gets the time as a plain number. Its layers work on a tensor: "
            "torch.full((n,), t) has a time for each picture.",
        )
    return Verdict(
        False,
        f"The model gets the time as {mine}, but its weights are {_TIME_TYPE}: `.float()` "
        f"converts.",
    )


def same_times_asked(describe: Callable[[Inputs, int], str]) -> Judge:
    """A judge of the times at which a sampler asks the model: "times" and "kinds".

    Args:
        describe: `describe(inputs, k)` says what was asked for in run k: "With num_steps = 4".
    """

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        times, kinds = observed.get("times"), observed.get("kinds")
        if not _lists_of(len(expected["times"]), times, kinds):
            return Verdict(False, "The result cannot be read.")
        for number, (mine, right) in enumerate(zip(times, expected["times"], strict=True)):
            where = describe(inputs, number)
            if not mine and right:
                return Verdict(False, f"{where}, your function never asks the model.")
            if len(mine) != len(right) or not np.allclose(mine, right, atol=TIME_TOLERANCE):
                return Verdict(
                    False,
                    f"{where}, your function takes {_count(mine)}, asking the model at "
                    f"t = {_short(mine)}; it should take {_count(right)}, at t = {_short(right)}.",
                )
        for mine, right in zip(kinds, expected["kinds"], strict=True):
            wrong = [kind for kind in mine if kind not in right]
            verdict = same_kind(wrong[0] if wrong else right[0], right[0])
            if not verdict.passed:
                return verdict
        return Verdict(True)

    return judge


def same_lines(describe: Callable[[Inputs, int], str]) -> Judge:
    """A judge of how each picture's end depends on its start: slope, offset, and what is left over.

    Args:
        describe: as for `same_times_asked`.
    """

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        starts, ends = observed.get("start"), observed.get("result")
        if not _lists_of(len(expected["start"]), starts, ends):
            return Verdict(False, "The result cannot be read.")
        for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
            problem = _lines_problem(
                (start, end), (expected["start"][number], expected["result"][number])
            )
            if problem:
                return Verdict(False, f"{describe(inputs, number)}, {problem}")
        return Verdict(True)

    return judge


def _lines_problem(mine: Sequence, target: Sequence) -> str:
    if problem := form_problem(mine[1], target[1], "the result", dtype_matters=False):
        return problem[:1].lower() + problem[1:]
    if form_problem(mine[0], target[0], "", dtype_matters=False):
        shape = mine[0].shape if isinstance(mine[0], Array) else ()
        return f"the model is first shown pictures of shape {shape}; it should be {target[0].shape}"
    if not np.isfinite(mine[1].values).all() and np.isfinite(target[1].values).all():
        return "the result holds values that are not finite numbers."
    line, right = (fit_lines(start.values, end.values) for start, end in (mine, target))
    far = line.ends_elsewhere(right)
    if far.any():
        k = int(far.argmax())
        (at_0, at_1), (right_at_0, right_at_1) = line.ends(k), right.ends(k)
        return (
            f"the steps lead elsewhere: a pixel that starts at 0 comes to {at_0:.3f}, where "
            f"{right_at_0:.3f} is right, and one that starts at 1 comes to {at_1:.3f} "
            f"(right: {right_at_1:.3f})."
        )
    if line.spreads_otherwise(right).any():
        return (
            "the result does not follow from the noise that the steps began with. Nothing is drawn "
            "or clamped on the way; each step only follows the flow."
        )
    return ""


def _lists_of(length: int, *values: object) -> bool:
    return all(isinstance(value, list) and len(value) == length for value in values)


def _count(times: Sequence[float]) -> str:
    return "1 step" if len(times) == 1 else f"{len(times)} steps"


def _short(times: Sequence[float]) -> str:
    shown = [f"{t:.3g}" for t in times]
    shown = shown if len(shown) <= 5 else [*shown[:2], "...", shown[-1]]
    return f"[{', '.join(shown)}]"

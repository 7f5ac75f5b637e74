"""Judges for sampling loops: the pictures a loop ends with, and the noise it adds on the way.

Both read what a probe observes of runs in a world that adds no noise (`worlds.quiet`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from checkers.engine.exercise import Judge, Observation, Verdict
from checkers.engine.judges.values import form_problem, same_values
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs

CLAMPED = (
    "Right. It looks as if you clamp x_0 to [-1, 1] in every step. That is common, and harmless "
    "here, but it is not in the equation."
)
LAST_STEP_WITHOUT = (
    "Right. You add no noise in the last step; the original algorithm ends so, too. Adding it "
    "hardly shows, as there it is tiny."
)


def same_path(*, what: str = "the picture", atol: float = 5e-4) -> Judge:
    """A judge that compares where noiseless runs end: "result", and "far" if it was observed.

    If they end elsewhere because the denoiser was asked at other timesteps, it says at which. What
    differs only in "far", where estimates of x_0 lie beyond [-1, 1], was clamped: a remark.

    Args:
        what: what messages call a result.
        atol: absolute tolerance.
    """

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        verdict = same_values(what=what, labels=_labels, atol=atol, rtol=1e-3, show=True)(
            observed, expected, inputs
        )
        if not verdict.passed:
            problem = _path_problem(observed, expected, inputs)
            return verdict._replace(message=problem or verdict.message)
        if "far" in expected and not _far_agrees(observed, expected, inputs):
            return Verdict(True, CLAMPED)
        return verdict

    return judge


def same_noise_added() -> Judge:
    """A judge that compares the calls of `add_variance`: how many, with which t, t_prev, variance.

    A last step to t = 0 without noise is right, with a remark.
    """

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        remark = ""
        added, variance = _as_list(observed.get("added")), _as_list(observed.get("variance"))
        if len(added) != len(expected["added"]) or len(variance) != len(added):
            return Verdict(False, "The result cannot be read.")
        runs = zip(added, variance, expected["added"], expected["variance"], strict=True)
        for number, (steps, tensors, right_steps, right_tensors) in enumerate(runs):
            if right_steps and right_steps[-1][1] == 0 and steps == right_steps[:-1]:
                remark, right_steps = LAST_STEP_WITHOUT, right_steps[:-1]
            where = _labels(inputs)[number]
            if problem := _steps_problem(steps, right_steps, where):
                return Verdict(False, problem)
            for step, mine, target in zip(right_steps, tensors, right_tensors, strict=False):
                if problem := _variance_problem(mine, target, step):
                    return Verdict(False, problem)
        return Verdict(True, remark)

    return judge


def _labels(inputs: Inputs) -> list[str]:
    return [
        f"i_start = {call['i_start']}, timesteps = {short(list(call['timesteps']))}"
        for call in inputs["calls"]
    ]


def _path_problem(observed: Observation, expected: Observation, inputs: Inputs) -> str:
    asked = _as_list(observed.get("asked"))
    for where, mine, right in zip(_labels(inputs), asked, expected["asked"], strict=False):
        if isinstance(mine, list) and mine != right:
            return (
                f"With {where}, your loop asks the denoiser at t = {short(mine)}; "
                f"it should ask at t = {short(right)}."
                if mine
                else f"With {where}, your loop never asks the denoiser."
            )
    return ""


def _far_agrees(observed: Observation, expected: Observation, inputs: Inputs) -> bool:
    return same_values("far", atol=1e-2)(observed, expected, inputs).passed


def _steps_problem(steps: Any, right: list, where: str) -> str:
    steps = _as_list(steps)
    if steps == right:
        return ""
    if not steps:
        return f"With {where}, your loop never calls denoiser.add_variance."
    if len(steps) != len(right):
        times = "once" if len(steps) == 1 else f"{len(steps)} times"
        return (
            f"With {where}, your loop calls denoiser.add_variance {times}; there are {len(right)} "
            f"steps, and each needs it once."
        )
    mine, target = next((m, r) for m, r in zip(steps, right, strict=True) if m != r)
    return (
        f"In the step from {target[0]} to {target[1]}, add_variance was called with "
        f"t, t_prev = {', '.join(map(str, _as_list(mine)))}; it should be "
        f"{target[0]}, {target[1]}."
    )


def _variance_problem(mine: Any, target: Array, step: list) -> str:
    where = f"In the step from {step[0]} to {step[1]}, the variance"
    if form_problem(mine, target, "", dtype_matters=False) or not isinstance(mine, Array):
        return f"{where} passed to add_variance should have the shape {target.shape} of x_t."
    if np.allclose(mine.values, target.values, atol=5e-4, rtol=1e-3):
        return ""
    return (
        f"{where} passed to add_variance is not the one that belongs there: pass the `variance` "
        f"of that step's own estimate."
    )


def _as_list(value: Any) -> list:
    return value if isinstance(value, list) else []


def short(steps: list) -> str:
    """A list of timesteps, its middle left out if it is long."""
    shown = steps if len(steps) <= 5 else [*steps[:2], "...", steps[-1]]
    return f"[{', '.join(map(str, shown))}]" if steps else "[]"

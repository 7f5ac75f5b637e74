"""Judges for loops that draw their own start: what they asked, and where a start leads.

Both read what a probe observes of runs in a world that adds no noise and in which every pixel goes
its own way, the same for all (`worlds.quiet` with flat means): there the result is a
straight line over the start, whatever the noise that was drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from checkers.engine.exercise import Judge, Observation, Verdict
from checkers.engine.judges.line_fit import fit_lines
from checkers.engine.judges.loops import short
from checkers.engine.judges.values import form_problem
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs


def same_timesteps_asked() -> Judge:
    """A judge that compares "asked": for each call, the timesteps the denoiser was asked at."""

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        asked = observed.get("asked")
        if not isinstance(asked, list) or len(asked) != len(expected["asked"]):
            return Verdict(False, "The result cannot be read.")
        for one, mine, right in zip(inputs["calls"], asked, expected["asked"], strict=True):
            where = f"With i_start = {one['i_start']}, y" if "i_start" in one else "Y"
            if not mine and right:
                return Verdict(False, f"{where}our function never asks the denoiser.")
            if mine != right:
                return Verdict(
                    False,
                    f"{where}our function asks the denoiser at t = {short(mine)}; it should ask "
                    f"at t = {short(right)}.",
                )
        return Verdict(True)

    return judge


def same_line(start: str = "start", end: str = "result") -> Judge:
    """A judge that compares how the end depends on the start: slope and offset of a line.

    Args:
        start: the part of the observation with, for each call, what the loop began with.
        end: the part with what came of it.
    """

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        starts, ends = observed.get(start), observed.get(end)
        if not isinstance(starts, list) or not isinstance(ends, list):
            return Verdict(False, "The result cannot be read.")
        if len(starts) != len(expected[start]) or len(ends) != len(starts):
            return Verdict(False, "The result cannot be read.")
        for number, one in enumerate(inputs["calls"]):
            problem = _line_problem(
                (starts[number], ends[number]),
                (expected[start][number], expected[end][number]),
                "the result",
            )
            if problem:
                prompts = _prompts_problem(observed, expected, number)
                scale = "left out" if one["scale"] is None else f"{one['scale']:g}"
                return Verdict(False, prompts or f"With `scale` {scale}, {problem}")
        return Verdict(True)

    return judge


def _line_problem(mine: Sequence, target: Sequence, what: str) -> str:
    if problem := form_problem(mine[1], target[1], what, dtype_matters=False):
        return problem
    if form_problem(mine[0], target[0], what, dtype_matters=False):
        shape = mine[0].shape if isinstance(mine[0], Array) else ()
        return (
            f"the denoiser is first shown pictures of shape {shape}; it should be "
            f"{target[0].shape}."
        )
    if not np.isfinite(mine[1].values).all() and np.isfinite(target[1].values).all():
        return f"{what} holds values that are not finite numbers."
    line, right = (fit_lines(start.values, end.values) for start, end in (mine, target))
    far = line.ends_elsewhere(right)
    if far.any():
        picture = int(far.argmax())
        (at_0, at_1), (right_at_0, right_at_1) = line.ends(picture), right.ends(picture)
        return (
            f"the loop ends elsewhere: from a start of 0 a pixel goes to {at_0:.3f}, where "
            f"{right_at_0:.3f} is right, and from a start of 1 to {at_1:.3f} "
            f"(right: {right_at_1:.3f})."
        )
    if not line.spreads_otherwise(right).any():
        return ""
    return "the result does not follow from the noise the loop began with."


def _prompts_problem(observed: Observation, expected: Observation, number: int) -> str:
    asked, right = observed.get("prompts"), expected.get("prompts")
    if not isinstance(asked, list) or not right or asked[number] == right[number]:
        return ""
    missing = [prompt for prompt in right[number] if prompt not in asked[number]]
    if not missing:
        return ""
    name = f"the prompt {missing[0]!r}" if missing[0] else "the empty prompt"
    return f"Your function never asks the denoiser with {name}; guidance needs both estimates."

"""Judges of flow matching's samplers: the times a model is told, and where the steps lead.

They read what `worlds.flow_readings.read_ways` observes. In a world whose means are flat, every
pixel goes its own way, the same for all of a picture: the result is a straight line over the start,
whatever noise was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from checkers.engine.exercise import Judge, Observation, Verdict
from checkers.engine.judges.flow_loss import same_kind
from checkers.engine.judges.line_fit import Words, line_problem
from checkers.engine.judges.sentences import CONTINUED, IN_TRAINING_MODE, OTHER_SEED
from checkers.engine.judges.values import all_of, same_answer, same_moments
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs

_TIME_TOLERANCE = 1e-3
_WORDS = Words(
    start="the model is first shown pictures of shape {0}; it should be {1}",
    line="the steps lead elsewhere: where the noise at the start is 0, the result is {0:.3f} and "
    "should be {2:.3f}; where it is 1, the result is {1:.3f} and should be {3:.3f}.",
    rest="the result does not follow from the noise that the steps began with. Nothing is drawn or "
    "clamped on the way; each step only follows the flow.",
)


def steps_asked_for(inputs: Inputs, number: int) -> str:
    """How many steps a run was to take, for messages."""
    steps = inputs["calls"][number]["num_steps"]
    return "Without num_steps" if steps is None else f"With num_steps = {steps}"


def same_start(call: str) -> Judge:
    """A judge of what the steps begin with: standard normal noise, another for each picture.

    Args:
        call: how the model is asked, for messages.
    """
    return all_of(
        same_answer(
            lambda observed: all(bool(times) for times in observed.get("times") or []),
            says=f"The model is never asked. Every step follows its flow: {call}.",
        ),
        same_answer(
            "shared",
            says="Two of the pictures that the model is shown first are the same: draw noise for "
            "each.",
        ),
        _same_start_noise,
    )


def _same_start_noise(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    if not any(expected["shared"]):
        judge = same_moments("start", what="what the model is shown first")
        return judge(observed, expected, inputs)
    # A known mistake starts from one noise picture for all, or from a flat one: 784 values tell.
    pairs = zip(observed["start"], expected["start"], strict=True)
    gaps = [
        abs(mine.values.std() - target.values.std()) if mine.values.size else math.inf
        for mine, target in pairs
    ]
    return Verdict(max(gaps) < 0.25, "It starts from noise of another strength.")


asked_in_its_mode = same_answer("training", says=IN_TRAINING_MODE)


def same_times_asked(describe: Callable[[Inputs, int], str]) -> Judge:
    """A judge of the times at which a sampler asks the model: "times" and "kinds".

    Args:
        describe: `describe(inputs, k)` says what was asked for in run k: "With num_steps = 4".
    """

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        times: Any = observed.get("times")
        kinds: Any = observed.get("kinds")
        if not _lists_of(len(expected["times"]), times, kinds):
            return Verdict(False, "The result cannot be read.")
        for number, (mine, right) in enumerate(zip(times, expected["times"], strict=True)):
            where = describe(inputs, number)
            if not mine and right:
                return Verdict(False, f"{where}, your function never asks the model.")
            if len(mine) != len(right) or not np.allclose(mine, right, atol=_TIME_TOLERANCE):
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
        starts: Any = observed.get("start")
        ends: Any = observed.get("result")
        if not _lists_of(len(expected["start"]), starts, ends):
            return Verdict(False, "The result cannot be read.")
        for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
            right = expected["start"][number], expected["result"][number]
            if problem := _shared_noise(start, right[0]):
                return Verdict(False, f"{describe(inputs, number)}, {problem}")
            if problem := line_problem((start, end), right, _WORDS):
                where = describe(inputs, number)
                return Verdict(False, f"{where}, {problem[:1].lower()}{problem[1:]}")
        return Verdict(True)

    return judge


def _shared_noise(start: Any, right: Array) -> str:
    """What to say if pictures begin with the noise of others; each start is there once."""
    if not isinstance(start, Array) or not 1 < len(start.values) < len(right.values):
        return ""
    return (
        f"{len(right.values)} pictures begin with only {len(start.values)} different ones: draw "
        f"noise for each."
    )


same_repeats = all_of(
    same_answer(
        "unseeded",
        says="Two calls without a generator give the same pictures. New noise should be drawn in "
        "every call, and show in them.",
    ),
    same_answer("other_seed", says=OTHER_SEED),
    same_answer(
        "same_seed",
        says="Two calls with generators of the same seed give different pictures: pass "
        "`generator=generator` to torch.randn.",
    ),
    same_answer("continued", says=CONTINUED),
)


def _lists_of(length: int, *values: object) -> bool:
    return all(isinstance(value, list) and len(value) == length for value in values)


def _count(times: Sequence[float]) -> str:
    return "1 step" if len(times) == 1 else f"{len(times)} steps"


def _short(times: Sequence[float]) -> str:
    shown = [f"{t:.3g}" for t in times]
    shown = shown if len(shown) <= 5 else [*shown[:2], "...", shown[-1]]
    return f"[{', '.join(shown)}]"

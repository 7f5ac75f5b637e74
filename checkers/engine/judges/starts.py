"""Loops that draw their own start: their inputs, and judges of what they asked and where it led.

The judges read what a probe observes of runs in a world that adds no noise and in which every pixel
goes its own way, the same for all (`worlds.quiet` with flat means): there the result is a straight
line over the start, whatever the noise that was drawn.
"""

from __future__ import annotations

import torch

from checkers.engine.exercise import Case, Judge, Observation, Verdict
from checkers.engine.judges.cases import MakeInputs
from checkers.engine.judges.evidence import hide_in, with_evidence
from checkers.engine.judges.line_fit import Words, line_problem
from checkers.engine.judges.loops import short
from checkers.engine.judges.sentences import CONTINUED, GLOBAL_SEED, OTHER_SEED
from checkers.engine.judges.values import all_of, results_problem, same_answer
from checkers.engine.sandbox.inside.running import Inputs, Probe

COURSE_TIMESTEPS = list(range(990, -1, -30))
PROMPT = "a rocket ship"
STD = 0.15
PROMPTED_FORMS = (
    (1, torch.float32, PROMPT),
    (3, torch.float32, [PROMPT, "", PROMPT]),
    (2, torch.float64, PROMPT),
)
"""One picture and several, single and double precision, one prompt and a prompt for each."""


FIXED_START = (
    "Where steps add no noise, two calls without a generator give the same: the noise at the start "
    "should be drawn anew in every call."
)
_WORDS = Words(
    start="the denoiser is first shown, each once, pictures of shape {0}; it should be {1}.",
    line="other pictures come out than should: a pixel in which the first noisy picture is 0 ends "
    "as {0:.3f} (right: {2:.3f}), and one in which it is 1 as {1:.3f} (right: {3:.3f}). Look at "
    "the prompts and `scale`, at the timesteps, and at what is done with the result.",
    rest="the result does not follow from the noise the loop began with.",
)


def own_timesteps(generator: torch.Generator, timesteps: list[int]) -> list[int]:
    """Timesteps nobody has seen: those between the first and the last, moved up a little."""
    moved = torch.randint(80, (len(timesteps) - 2,), generator=generator).tolist()
    between = [t + more for t, more in zip(timesteps[1:-1], moved, strict=True)]
    return [timesteps[0], *between, timesteps[-1]]


def in_a_flat_world(side: int, generator: torch.Generator) -> Inputs:
    """{"means": a grey for the empty prompt and another for `PROMPT`, (3, side, side), "std"}."""
    grey = 0.02 + 0.02 * float(torch.rand((), generator=generator))
    means = {"": torch.zeros(3, side, side), PROMPT: torch.full((3, side, side), grey)}
    return {"means": means, "std": STD}


def same_timesteps_asked(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare "asked": for each call, the timesteps the denoiser was asked at."""
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
                f"{where}our function asks the denoiser at t = {short(mine)}; it should ask at "
                f"t = {short(right)}.",
            )
    return Verdict(True)


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
        if problem := results_problem(observed, expected):
            return Verdict(False, problem)
        for number, one in enumerate(inputs["calls"]):
            right = expected[start][number], expected[end][number]
            if problem := line_problem((starts[number], ends[number]), right, _WORDS):
                prompts = _prompts_problem(observed, expected, number)
                scale = "left out" if one["scale"] is None else f"{one['scale']:g}"
                return Verdict(False, prompts or f"With `scale` {scale}, {problem}")
        return Verdict(True)

    return judge


def _prompts_problem(observed: Observation, expected: Observation, number: int) -> str:
    asked, right = observed.get("prompts"), expected.get("prompts")
    if not isinstance(asked, list) or not right or asked[number] == right[number]:
        return ""
    missing = [prompt for prompt in right[number] if prompt not in asked[number]]
    if not missing:
        return ""
    name = f"the prompt {missing[0]!r}" if missing[0] else "the empty prompt"
    return f"Your function never asks the denoiser with {name}; guidance needs both estimates."


def repeat_case(inputs: MakeInputs, probe: Probe, *, start: str, rest: str) -> Case:
    """The case on generators.

    Args:
        inputs: one call, and "seed".
        probe: gives what `worlds.loops.repeats` does.
        start: says that two generators of one seed lead to two starts.
        rest: says that they lead to one start and two results.
    """
    unseeded = (
        "Two calls without a generator give the same result: new noise should be drawn every time."
    )

    def with_a_secret(generator: torch.Generator) -> Inputs:
        made = inputs(generator)
        return {**made, **hide_in(made["means"], generator)}

    judge = all_of(
        same_answer("quiet_same_seed", says=start),
        same_answer("same_seed", says=rest),
        same_answer("unseeded", says=unseeded),
        same_answer("quiet_unseeded", says=FIXED_START),
        same_answer("other_seed", says=OTHER_SEED),
        same_answer("continued", says=CONTINUED),
        same_answer("global_seed", says=GLOBAL_SEED),
    )
    return Case(
        "a `generator` makes the result repeatable; without one, every call draws anew",
        1,
        with_a_secret,
        with_evidence(judge, "result"),
        probe,
    )

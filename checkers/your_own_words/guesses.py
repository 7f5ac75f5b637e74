"""Judges of lesson 20's loss: what it compares the guess with, and what it shows the model."""

from __future__ import annotations

import math

import numpy as np

from checkers.engine.exercise import Judge, Observation, Verdict
from checkers.engine.judges.ddpm_loss import squared_error_of, unreadable
from checkers.engine.judges.evidence import with_evidence
from checkers.engine.judges.repetition import repeats, repetition_problem
from checkers.engine.judges.sentences import NOT_SHOWN
from checkers.engine.sandbox.inside.running import Inputs

_Z = 6.0
"""Standard errors that a share, a mean or a deviation may be off."""
_CLEARLY = 0.25
"""So many more of the times are others than is chance, even if a whole call has its own."""
_SAME = 1e-2
"""A target that is nearer than this is what it is compared with."""
_FAR_OUT = 3.5
"""Of 100,000 normal numbers none is so large, without its sign, once in 10^20 times."""
_TIMES = "{left} of the times that the model is told are none of 0, 1/T, ... (T - 1)/T."
_RULES = {
    "none": "No prompt becomes zeros, though `p_uncond` is not 0.",
    "all": "All prompts become zeros, though `p_uncond` is not 1.",
    "together": "A call drops the prompts of all its pictures or of none. Toss a coin for each.",
    "the same rows": "Every call drops the same prompts: draw anew in every call.",
    "a fixed number": "Every call drops the same number of prompts. Each has a chance of its own, "
    "so the number should vary.",
    "": "The model should be told tokens like those that are given, (B, L).",
}


def _of_the_pictures(judge: Judge) -> Judge:
    return with_evidence(
        judge,
        "x",
        secret="pictures",
        says=NOT_SHOWN,
    )


squared_error = _of_the_pictures(squared_error_of("guess and the clean pictures"))


@_of_the_pictures
def picture_is_target(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """What the guess is compared with are the clean pictures."""
    if verdict := unreadable("gap", observed, expected, inputs):
        return verdict
    mine, right = observed["gap"], expected["gap"]
    kinds = [
        "clean" if seen["gap"] < _SAME else "noisy" if seen["gap_to_noisy"] < _SAME else "other"
        for seen in (observed, expected)
    ]
    if kinds[0] == kinds[1] and (kinds[1] != "other" or abs(mine - right) < 0.25 * right):
        return Verdict(True)
    return Verdict(
        False,
        f"What the model's guess is compared with is {mine:.2f} off the clean pictures. It is a "
        f"guess of them, not of the noise or of the noisy ones.",
    )


@_of_the_pictures
def noised_like_forward(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """At each t / T told, x_t is sqrt(abar_t) times the picture and sqrt(1 - abar_t) noise."""
    if verdict := unreadable("steps", observed, expected, inputs):
        return verdict
    if problem := repetition_problem(observed["neighbours"], expected["neighbours"]):
        return Verdict(False, f"The noise {problem}")
    if repeats(expected["neighbours"]):
        return Verdict(True)  # a known mistake's, whose few numbers are chance
    if verdict := _other_times(observed, expected, inputs):
        return verdict
    if expected["alike"] or not expected["own"]:
        return Verdict(True)  # a known mistake draws little: what that comes to is chance
    values = inputs["pictures"][0].numel()
    count = len(inputs["pictures"]) * inputs["calls"]
    power = float(inputs["pictures"].square().mean())
    for step, (mine, right) in enumerate(
        zip(observed["steps"].values, expected["steps"].values, strict=True)
    ):
        if not mine[0] or not right[0]:
            continue  # which timesteps there are is another judge's business
        each = values * count * min(mine[0], right[0])
        deviation = max(mine[3], right[3])
        share_off = _Z * deviation * math.sqrt(2 / (each * power))
        if abs(mine[1] - right[1]) > share_off + 1e-3:
            return Verdict(
                False,
                f"Where the model is told {step}/{len(inputs['alphas_cumprod'])}, the clean "
                f"picture has a share of {mine[1]:.3f} in the noisy one; it should be "
                f"sqrt(abar_t) = {right[1]:.3f}.",
            )
        if abs(mine[3] - right[3]) > _Z * deviation / math.sqrt(each) + 2e-3:
            return Verdict(
                False,
                f"Where the model is told {step}/{len(inputs['alphas_cumprod'])}, the noise has "
                f"standard deviation {mine[3]:.3f}; it should be sqrt(1 - abar_t) = "
                f"{right[3]:.3f}.",
            )
        if abs(mine[2] - right[2]) > _Z * deviation * math.sqrt(2 / each) + 2e-3:
            return Verdict(False, "The noise should have mean 0, whatever the timestep.")
        if abs(mine[4] - right[4]) > _Z * math.sqrt(48 / each) + 0.1:
            return Verdict(
                False, "The noise isn't normally distributed: torch.randn_like draws it."
            )
    if (observed["largest"] < _FAR_OUT) != (expected["largest"] < _FAR_OUT):
        return Verdict(
            False,
            f"Without its sign, the largest number in the noise of {inputs['calls']} calls is "
            f"{observed['largest']:.2f}. Normal noise goes further now and then: "
            "torch.randn_like draws it.",
        )
    return Verdict(True)


def _other_times(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict | None:
    """A verdict where times are told that are no t / T, or other such times, else None."""
    of_all = abs(observed["left"] - expected["left"]) / (len(inputs["pictures"]) * inputs["calls"])
    if (observed["left"] > 0) != (expected["left"] > 0) or of_all > _CLEARLY:
        return Verdict(False, _TIMES.format(left=observed["left"]))
    if expected["left"] and abs(observed["highest"] - expected["highest"]) > 1e-3:
        return Verdict(False, f"The largest time told is {observed['highest']:.3g}.")
    return None


@_of_the_pictures
def own_timesteps(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Every picture has a timestep of its own, any of 0 to T - 1, and noise of its own.

    Asked after `noised_like_forward`, which says whether the times are timesteps at all.
    """
    if verdict := unreadable("steps", observed, expected, inputs):
        return verdict
    for name, sentence in (
        ("own", "All pictures of a batch are noised to the same timestep; draw one for each."),
        ("alike", f"{observed['alike']} pictures of a batch get the same noise; draw it for each."),
        ("repeated", "Two calls show the model the same: draw timesteps and noise in every call."),
        ("same_noise", "Two calls have the same noise: draw it in every call."),
    ):
        if observed[name] != expected[name]:
            return Verdict(False, sentence)
    if not expected["own"] or expected["left"]:
        return Verdict(True)  # which timesteps are drawn is chance, or can't be told
    count = len(inputs["pictures"]) * inputs["calls"]
    mine, right = observed["steps"].values[:, 0], expected["steps"].values[:, 0]
    if ((mine > 0) != (right > 0)).any():
        return Verdict(
            False,
            f"Of {len(right)} timesteps, {int((mine > 0).sum())} are ever drawn. They go from 0 to "
            f"T - 1.",
        )
    spread = np.sqrt(np.maximum(right * (1 - right), 1e-9) * 2 / count)
    if (np.abs(mine - right) <= _Z * spread).all():
        return Verdict(True)
    return Verdict(False, "Some timesteps are drawn more often than others.")


def _shares(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    count = len(inputs["tokens"]) * inputs["calls"]
    if _differ(observed["other"], expected["other"], count):
        return Verdict(
            False,
            f"{observed['other']:.0%} of the rows that the model is told are neither the picture's "
            f"prompt nor all zeros.",
        )
    if _differ(observed["dropped"], expected["dropped"], count):
        return Verdict(
            False,
            f"{observed['dropped']:.0%} of {count} prompts became zeros; it should be about "
            f"{expected['dropped']:.0%}.",
        )
    return Verdict(True)


def _differ(mine: float, right: float, count: int) -> bool:
    """Whether two shares of so many differ by more than chance; there is none in 0 and 1."""
    spread = math.sqrt(right * (1 - right) * 2 / count)
    return abs(mine - right) > _Z * spread + 1e-9


@_of_the_pictures
def told_the_prompts(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """The shares of prompts that were kept, dropped, or made something else of."""
    return unreadable("kept", observed, expected, inputs) or _shares(observed, expected, inputs)


@_of_the_pictures
def dropped_as_asked(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """By which rule prompts become zeros, and how many."""
    if verdict := unreadable("kept", observed, expected, inputs):
        return verdict
    if observed["by_time"] != expected["by_time"]:
        return Verdict(
            False,
            "Which prompts become zeros hangs on the timesteps of their pictures. Draw the two "
            "independently of each other.",
        )
    mine = observed["rule"]
    if mine != expected["rule"]:
        return Verdict(False, _RULES.get(mine, "Toss a coin for each prompt, on its own."))
    if expected["rule"] in ("together", "by class"):
        return Verdict(True)  # the share that is dropped is chance then
    return _shares(observed, expected, inputs)

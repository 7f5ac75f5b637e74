"""Judges for the losses of DDPM, with and without classes; `worlds.ddpm_loss` observes.

Timesteps count from 0 to T - 1. A model may be told t / T, (t + 1) / T or t / (T - 1): all lie in
[0, 1] and within one step of each other.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from checkers.engine.exercise import Judge, Observation, Verdict
from checkers.engine.judges.evidence import with_evidence
from checkers.engine.judges.repetition import repeats, repetition_problem
from checkers.engine.judges.sentences import (
    EVALUATED,
    NO_GRADIENT,
    NOT_NORMAL,
    NOT_SHOWN,
    WRITTEN_INTO,
)
from checkers.engine.judges.values import form_problem, one_is_cut_off
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs

_TIME_TOLERANCE = 1e-4
_SPREAD_TOLERANCE = 0.1
_SPREAD_OF_SQUARES = 0.6
"""A squared error has 0.76 on normal noise, Huber's 0.25 and an absolute one 0."""
_ONE_NUMBER = Array(np.zeros((), np.float32), "float32")

_SAME = "What the model's answer is compared with is the same"
_NO_SQUARED_ERROR = (
    "What the model's answer is compared with can't be told here, as the loss is no mean squared "
    "error. Mend that first."
)


def levels(count: int) -> Tensor:
    """Products of alphas that lie clearly apart, (count,) from 0.95 down to 0.05."""
    return torch.linspace(0.95, 0.05, count)


def of_the_pictures(judge: Judge) -> Judge:
    """`judge`, and the noisy pictures that the model is shown are those of this run's images."""
    return with_evidence(
        judge,
        "shown",
        secret="images",
        says=NOT_SHOWN,
    )


def squared_error_of(both: str) -> Judge:
    """A judge: the loss is the mean squared error, and has a gradient.

    Args:
        both: between what the difference is taken, for messages.
    """

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        if verdict := unreadable("scale", observed, expected, inputs):
            return verdict
        if observed["changed"] != expected["changed"]:
            return Verdict(False, WRITTEN_INTO)
        if observed["training"] != expected["training"]:
            return Verdict(False, EVALUATED)
        if not np.isfinite(observed["scale"]) and np.isfinite(expected["scale"]):
            return Verdict(False, "The loss or its gradient is nan or infinite.")
        same_kind = _can_be_told(observed, expected)
        # That of a mistake which is no squared error hangs on what was drawn.
        tolerance = 1e-2 if expected["spread"] > _SPREAD_OF_SQUARES else 6e-2
        if same_kind and np.isclose(observed["scale"], expected["scale"], rtol=tolerance):
            return Verdict(True)
        return Verdict(
            False,
            f"The loss is not the mean, over all pixels of the batch, of the squared difference "
            f"between the model's {both}.",
        )

    return judge


squared_error = squared_error_of("answer and the noise")


def noise_is_target(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """What the model's answer is compared with is normal noise."""
    if verdict := unreadable("target", observed, expected, inputs):
        return verdict
    own = noise_for_each_entry(observed, expected, inputs)
    if not own.passed or repeats(expected["neighbours"]):
        return own
    *mine, far = observed["target"]
    *target, far_target = expected["target"]
    near = np.abs(np.subtract(mine, target)) < (0.16, 0.06, 0.06, 0.25)
    if near.all() and not one_is_cut_off(far, far_target):
        return Verdict(True)
    if not _can_be_told(observed, expected):
        return Verdict(False, _NO_SQUARED_ERROR)
    if near[:3].all():
        return Verdict(False, f"What the model's answer is compared with {NOT_NORMAL}")
    share, mean, std, _ = mine
    return Verdict(
        False,
        f"What the model's answer is compared with has mean {mean:.2f} and standard deviation "
        f"{std:.2f}, and the clean picture has a share of {share:.2f} in it. It should be the "
        f"noise: mean 0, standard deviation 1, nothing of the picture.",
    )


def noise_for_each_entry(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """What the model's answer is compared with is drawn for each pixel and channel."""
    if verdict := unreadable("neighbours", observed, expected, inputs):
        return verdict
    if problem := repetition_problem(observed["neighbours"], expected["neighbours"]):
        return Verdict(False, f"What the model's answer is compared with {problem}")
    return Verdict(True)


def own_timesteps(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Every picture has a timestep of its own, any of 0 to T - 1, and noise of its own."""
    if verdict := unreadable("rows", observed, expected, inputs):
        return verdict
    for name, sentence in (
        ("own", "All pictures of a batch are noised to the same timestep; draw one for each."),
        ("repeated", _SAME + " in every call. It should be noise, drawn anew each time."),
        ("alike", _SAME + " for all pictures of a batch. It should be noise, drawn for each."),
    ):
        if observed[name] != expected[name]:
            return Verdict(False, sentence)
    if verdict := _mixed_otherwise(observed, expected):
        return verdict
    mine, target = observed["rows"].values, expected["rows"].values
    if not expected["own"]:  # as many timesteps as calls, by chance, or always one
        return Verdict((len(mine) == 1) == (len(target) == 1), "All pictures get one timestep.")
    if len(mine) != len(target):
        return Verdict(
            False,
            f"In {inputs['calls']} calls with {len(inputs['images'])} pictures each, "
            f"{len(mine)} different strengths of noise came up; there are "
            f"{len(inputs['alphas_cumprod'])} timesteps.",
        )
    if len(target) < len(inputs["alphas_cumprod"]) and not np.allclose(
        mine[:, :2], target[:, :2], atol=1e-3
    ):
        return Verdict(False, "Other timesteps are missing.")
    if observed["timesteps_repeated"] != expected["timesteps_repeated"]:
        return Verdict(
            False,
            "Every call noises its pictures to the same timesteps, one after the other. Draw them "
            "anew in every call: torch.randint(T, (len(images),)).",
        )
    if np.abs(mine[:, 4] - target[:, 4]).max() > 0.085:
        return Verdict(False, "Some timesteps are drawn more often than others.")
    return Verdict(True)


def noised_like_forward(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """x_t is sqrt(abar_t) times the picture plus sqrt(1 - abar_t) times the noise."""
    if verdict := unreadable("rows", observed, expected, inputs):
        return verdict
    if verdict := _mixed_otherwise(observed, expected):
        return verdict
    if abs(observed["constant"] - expected["constant"]) > 1e-3:
        return Verdict(
            False,
            "The noisy pictures are not the clean ones and noise, but lighter or darker besides. "
            "Take the pictures as they are, from 0 to 1.",
        )
    mine, target = observed["rows"].values, expected["rows"].values
    for share, noise, *_ in mine:
        gaps = np.abs(target[:, :2] - (share, noise)).max(axis=1)
        if gaps.min() > 1e-3:
            near = target[gaps.argmin()]
            return Verdict(
                False,
                f"A picture was multiplied by {share:.3f} and its noise by {noise:.3f}, which fits "
                f"no timestep. The nearest has {near[0]:.3f}, sqrt(abar_t), and {near[1]:.3f}, "
                f"sqrt(1 - abar_t).",
            )
    return Verdict(True)


def right_times(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """The model is told t / T of the timestep that each picture was noised to."""
    if verdict := unreadable("rows", observed, expected, inputs):
        return verdict
    if verdict := _mixed_otherwise(observed, expected):
        return verdict
    abar = inputs["alphas_cumprod"].double().numpy()
    mine, target = observed["rows"].values, expected["rows"].values
    found = 0
    for row in mine:
        gaps = np.abs(target[:, :2] - row[:2]).max(axis=1)
        near = target[gaps.argmin()]
        if gaps.min() > 1e-3:
            continue  # the mixture is another case's business
        found += 1
        t = int(np.abs(np.sqrt(abar) - row[0]).argmin())
        if same_times(row[2:4], near[2:4], t, len(abar)):
            continue
        return Verdict(
            False,
            f"With T = {len(abar)}, the model is told {time_told(row[2:4])} for pictures at "
            f"timestep {t}; it should be t / T = {t / len(abar):.3g}.",
        )
    if 2 * found > len(mine):  # fewer can be like a timestep's by chance
        return Verdict(True)
    return Verdict(False, "The pictures are noised in another way than the text says.")


def _mixed_otherwise(observed: Observation, expected: Observation) -> Verdict | None:
    """A verdict where noisy pictures are no mixture of the clean ones and the target, else None."""
    if observed["explained"] != expected["explained"]:
        if not _can_be_told(observed, expected):
            return Verdict(False, _NO_SQUARED_ERROR)
        return Verdict(
            False,
            "The noisy pictures hold something besides the clean ones and what the model's answer "
            "is compared with: is it the same noise in both places?",
        )
    if expected["explained"]:
        return None
    gaps = np.abs(np.asarray(observed["held"]) - np.asarray(expected["held"]))
    same = _can_be_told(observed, expected) and bool((gaps < 0.15).all())
    return Verdict(same, "What else the noisy pictures hold is chance.")


def _can_be_told(observed: Observation, expected: Observation) -> bool:
    """Whether the gradient is a squared error's, so that it tells what was compared with what."""
    same_spread = abs(observed["spread"] - expected["spread"]) < _SPREAD_TOLERANCE
    return same_spread and observed.get("even") == expected.get("even")


def unreadable(
    key: str, observed: Observation, expected: Observation, inputs: Inputs
) -> Verdict | None:
    """A verdict if one of the two has not come as far as `key`, else None."""
    if key in observed and key in expected:
        return None
    if key not in observed and key not in expected:
        same = all(observed.get(k) == expected.get(k) for k in ("calls", "has_gradient", "shape"))
        same = same and ("result" in observed) == ("result" in expected)
        return Verdict(same, "The loss can't be computed.")
    if not observed.get("calls"):
        told = "classes" if "labels" in inputs else "tokens" if "tokens" in inputs else ""
        given = "the noisy pictures and t / T"
        if told:
            given = f"the noisy pictures, t / T and the {told}"
        return Verdict(False, f"The model was not called. Give it {given}.")
    if "result" in observed:
        problem = form_problem(observed["result"], _ONE_NUMBER, "the loss", dtype_matters=False)
        return Verdict(False, problem or "The result cannot be read.")
    if "shape" in observed:
        return Verdict(
            False, f"The loss should be one number, but it has shape {tuple(observed['shape'])}."
        )
    return Verdict(False, NO_GRADIENT)


def time_told(span: np.ndarray) -> str:
    """The time told to the model, for messages; `span` holds the lowest and the highest."""
    low, high = span
    return f"{low:.3g}" if high - low < 1e-6 else f"values from {low:.3g} to {high:.3g}"


def same_times(mine: np.ndarray, target: np.ndarray, t: int, count: int) -> bool:
    """Whether two spans of times (lowest and highest) both belong to timestep t."""

    def within_one_step(times: np.ndarray) -> bool:
        return bool(
            times[0] >= t / count - _TIME_TOLERANCE
            and times[1] <= min((t + 1) / count, 1) + _TIME_TOLERANCE
        )

    if np.allclose(mine, target, atol=_TIME_TOLERANCE, rtol=_TIME_TOLERANCE, equal_nan=True):
        return True
    return within_one_step(mine) and within_one_step(target)

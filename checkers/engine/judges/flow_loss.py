"""Judges of flow matching's losses, with and without classes; `worlds.flow_readings` observes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from checkers.engine.exercise import Judge, Observation, Verdict
from checkers.engine.judges.evidence import with_evidence
from checkers.engine.judges.sentences import EVALUATED, NO_GRADIENT, NOT_SHOWN, WRITTEN_INTO
from checkers.engine.judges.values import (
    all_of,
    form_problem,
    same_answer,
    same_moments,
    same_values,
)
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs

# A loss is a mean over 98,304 random pixels, known to 0.5 % from one draw and 0.7 % from two.
_LOSS_TOLERANCE = 0.05
_TIME_TYPE = "float32"
_NEARLY = 3e-3
_RISING = 0.5


def many_images(generator: torch.Generator) -> Tensor:
    """So many that a mean over them is well known: (8192, 2, 2, 3), each pixel within [0, 1]."""
    return torch.rand(8192, 2, 2, 3, generator=generator)


def not_called(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict | None:
    """The verdict on a function that never calls the model; None if it does."""
    if observed.get("calls") or not expected["calls"]:
        return None
    call = "model(x_t, t, c)" if "labels" in inputs else "model(x_t, t)"
    return Verdict(False, f"The model was never called. Ask it for the flow: {call}.")


def of_the_pictures(judge: Judge) -> Judge:
    """`judge`, and what the model is shown, or pulled towards, is of this run's images."""
    bound = with_evidence(judge, "shown", "pull", secret="images", says=NOT_SHOWN)

    def judge_bound(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        # A known mistake draws one time for all; near 0 hardly anything of the pictures shows.
        chosen = judge if expected.get("same_time") else bound
        return chosen(observed, expected, inputs)

    return judge_bound


def called(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge whether the loss calls the model at all."""
    return not_called(observed, expected, inputs) or Verdict(True)


def _as_alike(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    mine = observed.get("alike")
    if mine == expected.get("alike"):
        return Verdict(True)
    which = "All" if mine == "all" else "Several"
    return Verdict(False, f"{which} pictures of a batch get the same noise.")


def unless_alike(judge: Judge) -> Judge:
    """`judge`, but one noise for several pictures is told first: its few values are chance."""

    def judge_alike(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        if problem := not_called(observed, expected, inputs):
            return problem
        verdict = _as_alike(observed, expected, inputs)
        if expected.get("alike") or not verdict.passed:
            return verdict
        return judge(observed, expected, inputs)

    return judge_alike


same_loss = unless_alike(same_values("loss", what="the loss", rtol=_LOSS_TOLERANCE))


leaves_things_alone = all_of(
    same_answer("changed", says=WRITTEN_INTO), same_answer("training", says=EVALUATED)
)


has_a_gradient = same_answer("gradient", says=NO_GRADIENT)


same_noise_seen = unless_alike(
    all_of(
        same_answer("dtype", says="The model gets x_t in another precision than the images have."),
        same_moments(
            "noise",
            what="by the times that it is told, the noise in what the model sees",
        ),
    )
)


def same_times_drawn(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare the times that a loss tells the model: "t", "t_kind" and "same_time"."""
    if problem := not_called(observed, expected, inputs):
        return problem
    mine: Any = observed.get("t")
    target = expected["t"]
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
    if _few(mine) != _few(target):
        return Verdict(
            False,
            f"Among the times of {mine.values.size} pictures there are only "
            f"{len(np.unique(mine.values))} different ones. Any number between 0 and 1 can be "
            f"drawn: torch.rand(len(images)).",
        )
    if _reach(mine) != _reach(target):
        return Verdict(
            False,
            f"Of {mine.values.size} times that the model is told, the smallest is "
            f"{mine.values.min():.3g} and the largest {mine.values.max():.3g}. All between 0 and 1 "
            f"should be drawn, and equally often: torch.rand(len(images)).",
        )
    if _rise(mine) != _rise(target):
        return Verdict(False, "The times rise or fall with the place in the batch: draw each anew.")
    verdict = same_moments("t", what="the time")(observed, expected, inputs)
    if not verdict.passed:
        return Verdict(False, verdict.message.replace("normally", "evenly"))
    return same_kind(observed.get("t_kind"), expected["t_kind"])


def _few(times: Array) -> bool:
    """Whether more of the times come up again than by chance, which hardly any do."""
    return len(np.unique(times.values)) < 0.9 * times.values.size


def _reach(times: Array) -> tuple[bool, bool]:
    """Whether some are nearly 0 and some nearly 1; of 8192 even draws, none is once in 10^10."""
    return bool(times.values.min() < _NEARLY), bool(times.values.max() > 1 - _NEARLY)


def _rise(times: Array) -> bool:
    """Whether they rise or fall from one picture of the batch to the next."""
    values = times.values.astype(np.float64).ravel()
    spread = values.std()
    places = np.arange(len(values))
    return bool(spread > 0 and abs(np.corrcoef(values, places)[0, 1]) > _RISING)


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


def same_line_end(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge by how much x_t + (1 - t) target misses the end of the line, x_1."""
    if problem := not_called(observed, expected, inputs):
        return problem
    mine: Any = observed.get("gap")
    target = expected["gap"]
    if target is None:
        return Verdict(mine is None, "A known mistake gives no gradient.")
    if form_problem(mine, target, "", dtype_matters=False):
        return Verdict(False, "What the model's answer is compared with cannot be read.")
    one, other = float(mine.values.std()), float(target.values.std())
    if abs(one - other) <= 1e-3 + 0.05 * max(one, other):
        return Verdict(True)
    return Verdict(
        False,
        f"On a straight line, x_t + (1 - t) (x_1 - x_0) is x_1. With what your model sees, is told "
        f"and is asked for, it is {one:.2g} off.",
    )


def _same_repeats(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    mine = observed.get("repeated")
    if mine == expected.get("repeated"):
        return Verdict(True)
    return Verdict(
        False, f"Two calls have the same {mine or 'times'}. Draw noise and times in every call."
    )


drawn_anew = all_of(
    called,
    _as_alike,
    _same_repeats,
)

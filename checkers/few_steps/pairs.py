"""Judges of lesson 19: of pairs, whose pictures must follow from their noise, and of their loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from checkers.engine.exercise import Judge, Observation, Verdict
from checkers.engine.judges.class_worlds import scale_asked_for
from checkers.engine.judges.evidence import with_evidence
from checkers.engine.judges.flow_loss import not_called
from checkers.engine.judges.flow_sample import same_lines, steps_asked_for
from checkers.engine.judges.line_fit import Words, line_problem
from checkers.engine.judges.values import all_of, form_problem, same_answer, same_moments
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs

NOT_TRACKED = (
    "Gradients are recorded while the model is followed: memory grows with every step, and nothing "
    "is learned here. Put @torch.no_grad() above the function."
)
_WORDS = Words(
    start="the noise has shape {0}; it should be {1}.",
    line="the flow leads elsewhere: where the noise is 0, the picture is {0:.3f} and should be "
    "{2:.3f}; where it is 1, the picture is {1:.3f} and should be {3:.3f}.",
    rest="the pictures do not follow from the noise beside them. Picture k is what the flow makes "
    "of noise k, and nothing else comes in on the way.",
)


are_pairs = same_answer(
    "returned",
    says="Two tensors should come back, the noise first: `return noise, pictures`.",
)


def of_pairs(*judges: Judge, evident: bool = False) -> Judge:
    """A judge that asks `judges` in turn, if pairs came back at all.

    With `evident`, a secret of the inputs must show in the pictures, too.
    """
    judge = all_of(*judges)
    return all_of(are_pairs, with_evidence(judge, "result") if evident else judge)


def same_pairs(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge how each picture depends on the noise beside it."""
    pairs = [list(zip(seen["noise"], seen["result"], strict=True)) for seen in (observed, expected)]
    for number, (mine, right) in enumerate(zip(*pairs, strict=True)):
        if right[0] is None:
            continue  # a known mistake that gives no pairs
        if problem := line_problem(mine, right, _WORDS):
            steps, scale = steps_asked_for(inputs, number), scale_asked_for(inputs, number)
            given = f"{steps} and {scale[:1].lower()}{scale[1:]}"
            return Verdict(False, f"{given}: {problem[:1].lower()}{problem[1:]}")
    return Verdict(True)


def same_shapes(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare the shapes of all noise and pictures."""
    for part, name in (("noise", "the noise"), ("result", "the pictures")):
        for mine, right in zip(observed[part], expected[part], strict=True):
            if isinstance(right, Array) and (
                problem := form_problem(mine, right, name, dtype_matters=False)
            ):
                return Verdict(False, problem)
    return Verdict(True)


same_noise = all_of(
    same_shapes,
    same_answer(
        "began",
        says="The noise that comes back is not the noise that the flow began with. Keep it: "
        "`x = x + ...` makes a new tensor, `x += ...` writes into the old one.",
    ),
    same_answer(
        "shared",
        says="Two of the pictures that the model is shown first are the same: draw noise for each.",
    ),
)


def misses(part: str, says: str) -> Judge:
    """A judge of what should be 0 everywhere; random mistakes are known by mean and spread.

    Args:
        part: the entry of the observation, an array, or None where a known mistake has none.
        says: the message, formatted with the root mean square.
    """
    close = same_moments(part, what="it", also=())

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        if problem := not_called(observed, expected, inputs):
            return problem
        mine: Any = observed.get(part)
        if expected.get(part) is None or mine is None:
            return Verdict(mine is expected.get(part), "The loss has no gradient.")
        if close(observed, expected, inputs).passed:
            return Verdict(True)
        values = getattr(mine, "values", np.zeros(0))
        if not values.size or not np.isfinite(values).all():
            return Verdict(False, "What the model is shown or asked for is not a finite number.")
        return Verdict(False, says.format(float(np.sqrt((values**2).mean()))))

    return judge


all_told = same_moments(
    "told", what="the share of classes that the model is told", labels=lambda inputs: [""], also=()
)
asked_once = same_answer(
    "rows",
    says="The model should be asked once about each picture: a single step, and no guidance.",
)


def labels_asked_for(inputs: Inputs, number: int) -> str:
    """How many labels a run was given, for messages."""
    count = len(inputs["calls"][number]["labels"])
    return "With 1 label" if count == 1 else f"With {count} labels"


step_lines = same_lines(labels_asked_for)

"""Judges for networks: shapes, weights, what is computed, and whether one batch can be learned.

They read what the probes of `probes.unet` observe.
"""

from __future__ import annotations

from checkers.engine.exercise import Judge, Observation, Verdict
from checkers.engine.judges import all_of, form_problem, same_answer, values_problem
from probes.record import Array
from probes.running import Inputs

GELU_MINIMUM = -0.17
TOLERANCE = 5e-3


def same_shapes(name: str) -> Judge:
    """Compare the shapes of results; `name` is the module's."""

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        for build, mine, target in zip(
            inputs["builds"], observed["result"], expected["result"], strict=True
        ):
            if _without_ones(mine) != _without_ones(target):
                arguments = ", ".join(map(str, build["arguments"]))
                became = tuple(mine) if mine else "nothing: is `return` missing?"
                return Verdict(
                    False,
                    f"{name}({arguments}) turns shape {tuple(build['shape'])} into {became}; "
                    f"it should be {tuple(target)}.",
                )
        return Verdict(True)

    def _without_ones(shape: list[int] | None) -> list[int] | None:
        """FCBlock may give (B, F, 1, 1) for (B, F)."""
        if name == "FCBlock" and shape and len(shape) == 4 and shape[2:] == [1, 1]:
            return shape[:2]
        return shape

    return judge


def same_function(what: str) -> Judge:
    """Compare what two modules compute.

    Both forms of GELU are right, so it is enough if they agree with one or with the other: a
    module that writes one out by itself can't be made to take the other.
    """

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        mine, target = observed.get("result"), expected["result"]
        if problem := form_problem(mine, target, what):
            return Verdict(False, problem)
        if _near(mine, target) or _near(observed["tanh"], expected["tanh"]):
            return Verdict(True)
        problem = values_problem(mine.values, target.values, what)
        return Verdict(False, f"{problem} {_clue(mine, target)}".strip())

    return judge


def _near(mine: Array, target: Array) -> bool:
    gap = abs(mine.values - target.values).max()
    return bool(gap <= TOLERANCE * max(1.0, target.values.std()))


def _clue(mine: Array, target: Array) -> str:
    """What the smallest value says about the activation."""
    low, target_low = mine.values.min(), target.values.min()
    if target_low < GELU_MINIMUM - 0.01:
        return ""
    if low < GELU_MINIMUM - 0.02:
        return (
            f"It goes down to {low:.2f}, but GELU gives nothing below -0.17: GELU should come last."
        )
    if low >= 0:
        return "It is never negative, but GELU goes down to -0.17: is it another activation?"
    return ""


def same_weights(name: str) -> Judge:
    """Compare how many weights there are; `name` is the module's."""

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        mine, target = observed["weights"], expected["weights"]
        if mine == target:
            return Verdict(True)
        arguments = ", ".join(map(str, inputs["arguments"]))
        return Verdict(
            False,
            f"{name}({arguments}) has {mine:,} weights in its kernels and matrices (without biases "
            f"and BatchNorm); it should have {target:,}. Look at kernel sizes, at the number of "
            f"layers and at their channels.",
        )

    return judge


def learns(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Whether one batch was learned. It never names a mistake: many end in the same way."""
    if observed["left"] <= inputs["enough"] and expected["left"] <= inputs["enough"]:
        return Verdict(True)
    return Verdict(
        False,
        f"After {inputs['steps']} steps on one batch, {observed['left']:.0%} of the target's "
        f"variance is still wrong; less than {inputs['enough']:.0%} should be.",
    )


all_learn = same_answer(
    "idle",
    says="Some parameters get no gradient: a layer is made in `__init__` that `forward` "
    "doesn't use.",
)


def places(what: str) -> Judge:
    """Whether an input reaches the result at both places, for each picture on its own."""
    return all_of(
        same_answer(
            "first",
            says=f"At the first place, after Unflatten, {what} changes nothing.",
        ),
        same_answer(
            "second",
            says=f"At the second place, after the first UpBlock, {what} changes nothing.",
        ),
        same_answer(
            "own",
            says=f"Each picture has {what} of its own: changing it for one picture should change "
            f"that picture's result and no other's.",
        ),
    )

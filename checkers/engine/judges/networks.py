"""Networks: judges of shapes, weights, what is computed and learned, and cases that several have.

They read what the probes of `worlds.networks` observe. What a network is given besides pictures,
such as the time, is "also".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.linalg import norm
from torch import Tensor

from checkers.engine.exercise import Case, Judge, Observation, Verdict
from checkers.engine.judges.cases import MakeInputs
from checkers.engine.judges.halves import NOT_JOINED, same_halves
from checkers.engine.judges.inputs import draw_count, draw_noise, draw_pictures, draw_seed
from checkers.engine.judges.values import (
    all_of,
    describe,
    form_problem,
    same_answer,
    values_problem,
)
from checkers.engine.sandbox.inside.plain import Array, record
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.networks import (
    GELU_FORMS,
    compute,
    compute_known,
    count_weights,
    overfit,
    shapes,
)

GELU_MINIMUM = -0.17
TOLERANCE = 5e-3
SLOPE_TOLERANCE = 0.03

DrawAlso = Callable[[torch.Generator, int], list[Tensor]]
"""`draw_also(generator, count)` gives what a network is told besides `count` pictures."""


def conditional_cases(
    name: str,
    arguments: list[int],
    shape_inputs: MakeInputs,
    draw_also: DrawAlso,
    between: Sequence[Case],
) -> list[Case]:
    """The cases of a U-Net that is told more than the pictures.

    Args:
        name: the class's.
        arguments: what it is made with, for all cases but the first.
        shape_inputs: of the case on shapes.
        draw_also: draws what it is told besides.
        between: the cases on what it is told.
    """
    batch = batch_for(arguments, draw_also)
    return [
        Case("the result has the pictures' shape", 1, shape_inputs, same_shapes(name), shapes),
        Case(
            "as many weights as the text says, and all of them learn",
            2,
            of_other_widths(batch),
            all_of(same_weights(name), all_learn),
            count_weights,
        ),
        *between,
        Case(
            "in training mode, it computes what the text says",
            2,
            known_values(batch, training=True),
            same_function("the result"),
            compute,
            compute_known,
        ),
        Case(
            "in evaluation mode, too",
            1,
            known_values(batch, training=False),
            same_function("the result in evaluation mode"),
            compute,
            compute_known,
        ),
        learning_case(1, batch_to_learn(arguments, draw_also, learning_rate=0.03)),
    ]


def batch_for(arguments: list[int], draw_also: DrawAlso) -> MakeInputs:
    """What a network is made with, four pictures of noise, (4, 1, 28, 28), and what is told."""
    return lambda generator: {
        "arguments": arguments,
        "x": draw_noise(generator, 4, 1, 28, 28),
        "also": draw_also(generator, 4),
    }


def of_other_widths(batch: MakeInputs) -> MakeInputs:
    """Two pictures for a network of channels and a width that nobody has seen.

    Args:
        batch: gives "arguments", of which the first is the channels and the last the width, "x" and
            "also".
    """

    def inputs(generator: torch.Generator) -> Inputs:
        made = batch(generator)
        channels, width = draw_count(generator, 1, 12), draw_count(generator, 3, 18)
        return {
            **made,
            "arguments": [channels, *made["arguments"][1:-1], width],
            "x": draw_noise(generator, 2, channels, *made["x"].shape[2:]),
            "also": [value[:2] for value in made["also"]],
        }

    return inputs


def known_values(inputs: MakeInputs, *, training: bool, **more: float) -> MakeInputs:
    """The same with a seed and the mode, as `worlds.networks.compute` wants it."""
    return lambda generator: {
        **inputs(generator),
        "seed": draw_seed(generator),
        "training": training,
        **more,
    }


def batch_to_learn(
    arguments: list[int], draw_also: DrawAlso, *, learning_rate: float
) -> MakeInputs:
    """Three smooth pictures within [-1, 1] and noisy ones, (3, 1, 28, 28), to be learned."""

    def inputs(generator: torch.Generator) -> Inputs:
        target = draw_pictures(generator, 3, 1, 28, 28)
        return {
            "arguments": arguments,
            "x": target + 0.5 * draw_noise(generator, *target.shape),
            "also": draw_also(generator, 3),
            "target": target,
            "seed": draw_seed(generator),
            "steps": 48,
            "enough": 0.5,
            "learning_rate": learning_rate,
        }

    return inputs


def same_shapes(name: str) -> Judge:
    """Compare the shapes of results; `name` is the module's."""

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        for number, build in enumerate(inputs["builds"]):
            call = f"{name}({', '.join(map(str, build['arguments']))})"
            for part, given in (("result", build["shape"]), ("alone", [1, *build["shape"][1:]])):
                mine, target = observed[part][number], expected[part][number]
                if _without_ones(mine) != _without_ones(target):
                    return Verdict(False, f"{call} {_problem(mine, target, given)}")
            if observed["finite"][number] != expected["finite"][number]:
                return Verdict(False, f"{call} gives numbers that are not finite.")
        return Verdict(True)

    def _without_ones(shape: list[int] | str | None) -> list[int] | str | None:
        """FCBlock may give (B, F, 1, 1) for (B, F)."""
        if name == "FCBlock" and isinstance(shape, list) and shape[2:] == [1, 1]:
            return shape[:2]
        return shape

    def _problem(mine: Any, target: Any, given: list[int]) -> str:
        if mine is None:
            return "returns nothing: is `return` missing?"
        if not isinstance(mine, list):
            return f"returns a {mine}; it should return one tensor and nothing else."
        if not isinstance(target, list):
            return f"returns a tensor, not a {target}."
        problem = f"turns shape {tuple(given)} into {tuple(mine)}; it should be {tuple(target)}."
        if given[0] == 1 and len(mine) < len(target):
            problem += " Does `squeeze` remove the dimension of the batch?"
        return problem

    return judge


def same_function(what: str) -> Judge:
    """Compare what two modules compute.

    Both forms of GELU are right, so it is enough if they agree with one or with the other: a
    module that writes one out by itself can't be made to take the other.
    """

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        mine: Any = observed.get("none")
        target = expected["none"]
        if not isinstance(target, Array):  # a known mistake returns a tuple, say
            return Verdict(type(mine) is type(target), f"{what} is {describe(mine)}.")
        if problem := form_problem(mine, target, what):
            return Verdict(False, problem)
        for part, message in _MANNERS.items():
            if observed[part] is not expected[part]:
                return Verdict(False, message)
        if observed["restless"] or observed["unsteady"]:
            return Verdict(True)  # so does a known mistake, and nothing can be compared
        forms = [form for form in GELU_FORMS if _near(observed[form], expected[form])]
        if not forms and observed["kernels"] != expected["kernels"]:
            own, right = (_listed(seen["kernels"]) for seen in (observed, expected))
            return Verdict(
                False,
                f"Kernels and matrices are given known values here. By the text, their shapes are "
                f"{right} (channels in either order); those of your module are {own}.",
            )
        if not forms:
            problem = values_problem(mine.values, target.values, what)
            return Verdict(False, f"{problem} {_clue(mine, target)}".strip())
        slopes = [f"slopes_{form}" for form in forms]
        if not any(_same_slopes(observed.get(name), expected.get(name)) for name in slopes):
            return Verdict(False, _CUT_OFF)
        return Verdict(True) if same_halves(observed, expected) else Verdict(False, NOT_JOINED)

    return judge


def _listed(shapes: list[list[int]]) -> str:
    return ", ".join(str(tuple(shape)) for shape in shapes) or "none"


_CHANGED = (
    "The module writes into the tensor that it is given. Work on a new one: `a = a * b` makes one, "
    "`a *= b` writes into the old."
)
_RESTLESS = (
    "In training mode, equal pictures of one batch get different results. Nothing in here is drawn "
    "at random: leave out dropout and the like."
)
UNSTEADY = (
    "Two calls with the same input give different results. Is a layer made inside `forward`? Make "
    "it in `__init__`: what is made anew in every call never learns."
)
_CUT_OFF = (
    "The values are right, but not all of the gradient reaches the input, so that what comes "
    "before can't learn. Leave out `.detach()`, `.data` and `torch.no_grad()`."
)


_MANNERS = {"changed": _CHANGED, "restless": _RESTLESS, "unsteady": UNSTEADY}


def _same_slopes(mine: list[Array] | None, target: list[Array] | None) -> bool:
    """Whether gradients agree; in training mode there are none."""
    if mine is None or target is None:
        return mine is target
    return all(
        one.shape == other.shape
        and norm(one.values - other.values) <= SLOPE_TOLERANCE * norm(other.values)
        for one, other in zip(mine, target, strict=True)
    )


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
            f"It goes down to {low:.2f}, but GELU gives nothing below -0.17: the last step should "
            f"be GELU."
        )
    if low >= 0:
        return "It is never negative, but GELU goes down to -0.17: is it another activation?"
    return ""


def same_weights(name: str) -> Judge:
    """Compare how many weights there are; `name` is the module's."""

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        sizes = [one["arguments"] for one in (inputs, *inputs.get("others", []))]
        for mine, target, size in zip(observed["weights"], expected["weights"], sizes, strict=True):
            if mine != target:
                return Verdict(False, _problem(mine, target, ", ".join(map(str, size))))
        return Verdict(True)

    def _problem(mine: int, target: int, arguments: str) -> str:
        if not mine:
            return (
                f"{name}({arguments}) has no weights of its own; it should have {target:,} in its "
                f"kernels and matrices. Make every layer in `__init__` and keep it: "
                f"`self.layers = nn.Sequential(...)`, not a list, and not in `forward`."
            )
        return (
            f"{name}({arguments}) has {mine:,} weights in its kernels and matrices (without biases "
            f"and BatchNorm); it should have {target:,}. Look at kernel sizes, at the number of "
            f"layers and at their channels."
        )

    return judge


def learning_case(points: int, batch: MakeInputs) -> Case:
    """A case on one batch, of `batch_to_learn`, that the network must be able to learn.

    It names no mistake: many end in the same way. So nothing but the answer is trained.
    """
    return Case("it can learn one batch by heart", points, batch, learns, overfit, compared=False)


_NOT_FINITE = "While it learns one batch, what it makes becomes NaN or infinite."


def learns(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Whether one batch was learned; what the reference makes of it isn't asked."""
    target = record(inputs["target"])
    if problem := form_problem(observed["made"], target, "the result"):
        return Verdict(False, problem)
    mine = _share_left(observed["made"], target.values)
    if not np.isfinite(mine):
        return Verdict(False, _NOT_FINITE)
    if mine <= inputs["enough"] + 1e-4:
        return Verdict(True)
    return Verdict(
        False,
        f"After {observed['steps']} steps on one batch, {mine:.0%} of the target's "
        f"variance is still wrong; less than {inputs['enough']:.0%} should be.",
    )


def _share_left(made: Array, target: np.ndarray) -> float:
    """The mean squared error as a share of the target's variance."""
    return float(((made.values - target) ** 2).mean() / target.var(ddof=1))


def _speaks_at_zero(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Whether what is told besides the pictures says something when it is 0, by its biases."""
    if observed["at_zero"] >= expected["at_zero"]:
        return Verdict(True)
    return Verdict(
        False,
        "Where all that the network is told besides the pictures is 0, some of its matrices are "
        "given nothing but zeros and learn nothing. Does a Linear layer lack its bias, or isn't a "
        "layer told all that it should be?",
    )


_nothing_is_idle = same_answer(
    "idle",
    says="Some parameters get no gradient: `forward` doesn't use their layer or cuts the gradient "
    "off (`.detach()`, `.data`, `torch.no_grad()`), or they are frozen (`requires_grad`).",
)
all_learn = all_of(_nothing_is_idle, _speaks_at_zero)

"""Where what a network is told besides the pictures acts: a case on its two places."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Judge
from checkers.engine.judges.cases import MakeInputs
from checkers.engine.judges.inputs import draw_noise, draw_seed
from checkers.engine.judges.networks import UNSTEADY
from checkers.engine.judges.values import all_of, same_answer
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.conditioning import find_conditioning


def place_case(
    title: str,
    points: int,
    batch: MakeInputs,
    what: str,
    *,
    which: int,
    change: Callable[[Tensor], Tensor],
) -> Case:
    """A case on the two places where something that is told acts.

    Args:
        title: of the case.
        points: what it is worth.
        batch: gives "arguments", "x" and "also".
        what: what messages call it.
        which: its number among the inputs; that of the pictures is 0.
        change: makes others of it, for every picture.
    """

    def inputs(generator: torch.Generator) -> Inputs:
        made = batch(generator)
        also = [value.repeat(3, *[1] * (value.ndim - 1)) for value in made["also"]]
        count = len(also[0])
        return {
            **made,
            "x": draw_noise(generator, count, *made["x"].shape[1:]),
            "also": also,
            "which": which,
            "other": change(also[which - 1]),
            "changed": torch.randperm(count, generator=generator) < count // 2,
            "few": len(made["x"]),
            "seed": draw_seed(generator),
        }

    return Case(title, points, inputs, places(what), find_conditioning)


def other_times(t: Tensor) -> Tensor:
    """Times within [0, 1) that are far from `t`."""
    return (t + 0.45) % 1


def places(what: str) -> Judge:
    """Whether an input reaches the result at both places, for each picture on its own."""
    return all_of(
        same_answer("unsteady", says=UNSTEADY),
        same_answer("first", says=f"At the first place, after Unflatten, {what} changes nothing."),
        same_answer(
            "second", says=f"At the second place, after the first UpBlock, {what} changes nothing."
        ),
        same_answer(
            "own",
            says=f"Each picture has {what} of its own: changing it for one picture should change "
            f"that picture's result and no other's.",
        ),
    )

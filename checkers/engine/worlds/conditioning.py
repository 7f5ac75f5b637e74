"""Probe of networks that are told more than the pictures: where does it act?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.known_values import give_known_values, rows_of
from checkers.engine.worlds.networks import build, result_for_each, small_networks


@small_networks()
def find_conditioning(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """See at which place an input such as the time reaches the result.

    Only FCBlocks have matrices. Those with the fewest rows, D, belong to the second place, after
    the first UpBlock: if their first layer is cut, they give what their biases say, and an
    influence is left only at the first place. Of the 4x4 kernels that of the first UpBlock has the
    most channels, 4D or, in a network that widens further, more: without it nothing from the first
    place passes. All biases are 1, so that what is cut gives a constant other than 0, which may
    multiply something.

    Args:
        student: the class under test.
        inputs: {"arguments": list, whose last is D, "x", "also": further inputs, "which": the
            number of the input that is changed, "other": what it is changed to, "changed": for
            which pictures, where not for all, "few": so many of the first pictures show whether
            anything reaches a place, "seed"}.

    Returns:
        {"first", "second": whether the result depends on the input at each place, "own": for each
        picture, whether changing the input for those of "changed" changes its result, "unsteady":
        whether results differ where nothing is changed}.

    Raises:
        TypeError, ValueError: see `worlds.networks.result_for_each`.
    """
    which, width = inputs["which"], inputs["arguments"][-1]
    given = [inputs["x"], *inputs["also"]]
    all_changed, some_changed = list(given), list(given)
    all_changed[which] = inputs["other"]
    some_changed[which] = given[which].clone()
    some_changed[which][inputs["changed"]] = inputs["other"][inputs["changed"]]
    few = [[value[: inputs["few"]] for value in batch] for batch in (given, all_changed)]

    module = build(student, inputs["arguments"])
    with torch.no_grad():
        module(*few[0])
    rows = rows_of(module, few[0])
    matrices = [p for p in module.parameters() if p.ndim == 2 and p not in rows]

    def results(cut: list[nn.Parameter], *batches: list[Tensor]) -> list[Tensor]:
        give_known_values(module, rows, inputs["seed"], bias=1.0)
        for parameter in cut:
            parameter.zero_()
        module.eval()
        return [result_for_each(batch[0], module(*batch), student) for batch in batches]

    with torch.no_grad():
        first = _differences(*results(_into_the_second_place(matrices, width), *few))
        second = _differences(*results(_after_the_first_place(module), *few))
        as_ever, again, some = results([], given, given, some_changed)
    return {
        "first": bool(first.any()),
        "second": bool(second.any()),
        "own": _differences(as_ever, some).tolist(),
        "unsteady": bool(_differences(as_ever, again).any()),
    }


def _differences(one: Tensor, other: Tensor) -> Tensor:
    """(B,), for which pictures results differ."""
    return (one - other).flatten(1).abs().amax(1) > 1e-5


def _into_the_second_place(matrices: list[nn.Parameter], width: int) -> list[nn.Parameter]:
    rows = {len(p) for p in matrices if len(p) >= width}
    least = min(rows, default=0)
    if len(rows) == 1 and least > width:
        return []  # one block for both places can't be cut for one of them
    return [p for p in matrices if len(p) == least != p.shape[1]]


def _after_the_first_place(module: nn.Module) -> list[nn.Parameter]:
    kernels = [p for p in module.parameters() if p.ndim == 4 and tuple(p.shape[2:]) == (4, 4)]
    most = max((max(p.shape[:2]) for p in kernels), default=0)
    return [p for p in kernels if max(p.shape[:2]) == most]

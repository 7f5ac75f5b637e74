"""Probe of lesson 11: what still passes through a network of which paths are cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.known_values import give_random_values, rows_of
from checkers.engine.worlds.networks import (
    build,
    gradient_of,
    result_for_each,
    shape_layers,
    small_networks,
)


@small_networks()
def cut_paths(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """See what still passes through the network when kernels of one size are set to zero.

    Args:
        student: the class under test.
        inputs: {"arguments": list, "x": pictures, "sizes": which kernels are cut, one size after
            the other: 7 cuts the bottleneck, 4 every path but the one at full resolution, 0
            nothing}.

    Returns:
        {"passes": for each size, whether each picture's result still differs from the first's;
        "learns": for each size, whether a gradient still reaches the pictures}.

    Raises:
        TypeError, ValueError: see `worlds.networks.result_for_each`.
    """
    module = build(student, inputs["arguments"])
    given = [inputs["x"][:2].clone()]
    shape_layers(module, given)
    give_random_values(module, rows_of(module, given))
    passes, learns = [], []
    for size in inputs["sizes"]:
        cut = {p: p.detach().clone() for p in module.parameters() if p.shape[2:] == (size, size)}
        with torch.no_grad():
            for kernel in cut:
                kernel.zero_()
            made = module.eval()(inputs["x"].clone())
            result = result_for_each(inputs["x"], made, student)
        gaps = (result - result[:1]).flatten(1).abs().amax(dim=1)
        passes.append((gaps > 1e-5 * max(1.0, float(result.abs().max()))).tolist())
        few = inputs["x"][:2].clone().requires_grad_()
        result = module(few.clone())
        learns.append(bool(gradient_of((result * torch.randn_like(result)).sum(), few).any()))
        with torch.no_grad():
            for kernel, values in cut.items():
                kernel.copy_(values)
    return {"passes": passes, "learns": learns}

"""Probe of lesson 01 that a single call cannot make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from probes.running import Inputs


def call_twice(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `forward` twice with the same noise, and twice without.

    Args:
        student: the function under test.
        inputs: {"im", "t", "alphas_cumprod", "noise"}.

    Returns:
        {"given": whether the same noise gave the same result, "drawn": whether two calls that
        draw their own noise gave the same result}.
    """
    im, t, abar, noise = inputs["im"], inputs["t"], inputs["alphas_cumprod"], inputs["noise"]
    return {
        "given": _equal(student(im, t, abar, noise), student(im, t, abar, noise)),
        "drawn": _equal(student(im, t, abar), student(im, t, abar)),
    }


def _equal(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return bool(torch.equal(torch.as_tensor(one), torch.as_tensor(other)))

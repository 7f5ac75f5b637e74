"""Probe of lesson 01 that a single call cannot make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checkers.engine.sandbox.inside.running import Inputs


def call_twice(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `forward` twice with the same noise, and twice without.

    Args:
        student: the function under test.
        inputs: {"im", "t", "alphas_cumprod", "noise"}.

    Returns:
        {"given": both results with that noise, "drawn": both results without}. Whether they are
        the same is for the judge to say, out of reach of a student who replaces `torch.equal`.
    """
    im, t, abar, noise = inputs["im"], inputs["t"], inputs["alphas_cumprod"], inputs["noise"]
    return {
        "given": [student(im, t, abar, noise), student(im, t, abar, noise)],
        "drawn": [student(im, t, abar), student(im, t, abar)],
    }

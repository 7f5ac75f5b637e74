"""Probe of lesson 01 that a single call cannot make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checkers.engine.sandbox.inside.running import Inputs, copied


def call_twice(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `forward` twice with the same noise, and twice without.

    Args:
        student: the function under test.
        inputs: {"im", "t", "alphas_cumprod", "noise"}.

    Returns:
        {"given": both results with that noise, "drawn": both results without}. Whether they are
        the same is for the judge to say, out of reach of a student who replaces `torch.equal`.
    """

    def once(*names: str) -> Any:
        """With copies: what one call writes into its inputs is not the next one's affair."""
        return student(*(copied(inputs[name]) for name in names))

    without = ("im", "t", "alphas_cumprod")
    return {
        "given": [once(*without, "noise"), once(*without, "noise")],
        "drawn": [once(*without), once(*without)],
    }

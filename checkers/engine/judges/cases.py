"""Cases that many exercises have."""

from __future__ import annotations

from collections.abc import Callable

import torch

from checkers.engine.exercise import Case, Judge
from checkers.engine.judges.values import same_form
from checkers.engine.sandbox.inside.running import Inputs, Probe
from checkers.engine.worlds.call import call_many

MakeInputs = Callable[[torch.Generator], Inputs]


def form_case(inputs: MakeInputs, probe: Probe = call_many, judge: Judge | None = None) -> Case:
    """The case on the form of results; `judge` is `same_form()` if not given."""
    title = "shape, dtype and device are kept, and no input is changed"
    return Case(title, 1, inputs, judge or same_form(), probe)

"""The probe that most cases need: call the function once and keep what it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from checkers.engine.sandbox.inside.running import Inputs, copied


def call(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call the function with `inputs` in their order, by position: parameters may be renamed.

    Returns:
        {"result": what it returned, "changed": names of the inputs it wrote into}.
    """
    before = copied(inputs)
    result = student(*inputs.values())
    changed = [
        name
        for name, value in inputs.items()
        if isinstance(value, torch.Tensor) and not torch.equal(value, before[name])
    ]
    return {"result": result, "changed": changed}


def call_many(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call the function once for each set of arguments.

    Args:
        student: the function under test.
        inputs: {"calls": a list of {parameter: value}, each in the order of the parameters}.

    Returns:
        {"result": the list of returned values, "changed": names of the inputs it wrote into}.
    """
    results: list[Any] = []
    changed: list[str] = []
    for one in inputs["calls"]:
        observed = call(student, one)
        results.append(observed["result"])
        changed += [name for name in observed["changed"] if name not in changed]
    return {"result": results, "changed": changed}


def repeats_of(run: Callable[..., Any], seed: int) -> dict[str, Any]:
    """Whether results of a function that draws repeat themselves.

    Args:
        run: `run(*generator)` calls the student's function with a generator or without one.
        seed: of the generators.

    Returns:
        {"result": of the first run, "same_seed": whether generators of one seed gave one result,
        "other_seed": whether another seed gave the same, "continued": whether two runs with one
        generator did, "unseeded": whether two without one did}.
    """
    first, generator = run(seeded(seed)), seeded(seed)
    return {
        "result": first,
        "same_seed": alike(first, run(seeded(seed))),
        "other_seed": alike(first, run(seeded(seed + 1))),
        "continued": alike(run(generator), run(generator)),
        "unseeded": alike(run(), run()),
    }


def as_tensor(value: Any) -> Tensor | None:
    """The numbers that a function returned, as a tensor; None if it is something else.

    What else it is, the judges tell; here it must not raise.
    """
    try:
        return torch.as_tensor(value.copy() if isinstance(value, np.ndarray) else value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None


def alike(one: Any, other: Any) -> bool:
    """Whether two returned values are the same numbers."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    mine, theirs = as_tensor(one), as_tensor(other)
    return mine is not None and theirs is not None and torch.equal(mine, theirs)


def seeded(seed: int) -> torch.Generator:
    """A new generator of that seed."""
    return torch.Generator().manual_seed(seed)

"""Probe of lesson 00: draw grids in a small world and note what the denoiser was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import as_tensor
from lessons.workbench.denoisers.exact_worlds import ExactWorld, GaussianDenoiser, PointDenoiser


def draw_grids(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `sample_grid` once for each grid.

    Args:
        student: `sample_grid`.
        inputs: {"pictures": {prompt: (3, H, W)}, "std": 0 for one picture per prompt, else the
            pictures' standard deviation, "grids": a list of {"prompts", "steps", "seed"}}.

    Returns:
        {"result": what each call returned, "timesteps": for each call, the timesteps the denoiser
        was asked about, falling, "equal": for each call, which earlier calls gave the same,
        "twins": for each call, whether two of its pictures are the same, "kept": whether the
        lists of prompts are what they were}.
    """
    results: list[Any] = []
    timesteps: list[list[int]] = []
    kept = True
    for grid in inputs["grids"]:
        world, prompts = _world(inputs), list(grid["prompts"])
        results.append(student(world, prompts, grid["steps"], grid["seed"]))
        kept = kept and prompts == list(grid["prompts"])
        timesteps.append(sorted({t for call in world.calls for t in call.timesteps}, reverse=True))
    return {
        "result": results,
        "timesteps": timesteps,
        "equal": [
            [j for j in range(i) if _equal(results[i], results[j])] for i in range(len(results))
        ],
        "twins": [_has_twins(result) for result in results],
        "kept": kept,
    }


def _world(inputs: Inputs) -> ExactWorld:
    if inputs["std"]:
        return GaussianDenoiser(inputs["pictures"], inputs["std"], record=True)
    return PointDenoiser(inputs["pictures"], record=True)


def _equal(one: Any, other: Any) -> bool:
    one, other = _pictures(one), _pictures(other)
    return one is not None and other is not None and torch.equal(one, other)


def _has_twins(result: Any) -> bool:
    pictures = _pictures(result)
    if pictures is None or pictures.ndim < 2:
        return False
    return len(torch.unique(pictures.flatten(1), dim=0)) < len(pictures)


def _pictures(value: Any) -> Tensor | None:
    """Pictures as one tensor, also those of a list, whose form is another case's affair."""
    if not isinstance(value, list | tuple):
        return as_tensor(value)
    pictures = [as_tensor(one) for one in value]
    rows = [one[None] if one.ndim == 3 else one for one in pictures if one is not None]
    if not rows or len(rows) < len(pictures) or len({one.shape[1:] for one in rows}) > 1:
        return None
    return torch.cat(rows)

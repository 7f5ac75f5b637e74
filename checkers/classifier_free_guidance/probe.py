"""Probes of lesson 06: the guided loop in worlds whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.loops import (
    run_quietly,
    run_repeatedly,
    run_to_gaussians,
    run_to_points,
)
from lessons.workbench.denoisers.exact_worlds import ExactWorld


def guide_quietly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run `iterative_denoise_cfg` where no noise is added; see `worlds.loops.run_quietly`."""
    return run_quietly(partial(_run, student), inputs)


def guide_to_points(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run it where each prompt has one picture, once for each call.

    Args:
        student: `iterative_denoise_cfg`.
        inputs: {"calls": a list of inputs as for `worlds.loops.run_to_points`}.

    Returns:
        {"result": the returned pictures of each run}.
    """
    runs = [run_to_points(partial(_run, student), one) for one in inputs["calls"]]
    return {"result": [run["result"] for run in runs]}


def guide_to_gaussians(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run it where pictures are normally distributed; see `worlds.loops.run_to_gaussians`."""
    return run_to_gaussians(partial(_run, student), inputs)


def guide_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run it with and without generators; see `worlds.loops.run_repeatedly`."""
    return run_repeatedly(partial(_run, student), inputs)


def _run(
    student: Callable[..., Any],
    world: ExactWorld,
    one: Inputs,
    im_noisy: Tensor,
    timesteps: list[int],
    *generator: torch.Generator,
) -> Any:
    """One run; a scale of None leaves out what comes after the timesteps, which are a copy."""
    prompts, uncond = world.embed(one["prompts"]), world.embed(one["uncond"])
    rest = () if one["scale"] is None else (one["scale"], *generator)
    return student(world, im_noisy, one["i_start"], prompts, uncond, list(timesteps), *rest)

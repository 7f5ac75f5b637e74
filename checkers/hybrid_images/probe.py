"""Probes of lesson 10: the loop that follows one prompt from afar and another close by."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.loops import run_quietly, run_repeatedly, run_to_points
from checkers.engine.worlds.pair import PairWorld
from lessons.workbench.denoisers.exact_worlds import ExactWorld


def denoise_quietly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run `make_hybrids` where no noise is added; see `worlds.loops.run_quietly`."""
    return run_quietly(partial(_run, student), inputs, PairWorld)


def denoise_to_points(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run it where each prompt has one picture; see `worlds.loops.run_to_points`."""
    return run_to_points(partial(_run, student), inputs)


def denoise_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
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
    far, near = (world.embed(prompts) for prompts in one["prompts"])
    uncond = world.embed("")
    i_start, scale = one["i_start"], one["scale"]
    return student(world, im_noisy, i_start, far, near, uncond, timesteps, scale, *generator)

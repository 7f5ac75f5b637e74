"""Probes of lesson 09: two views of one picture, in worlds whose answer is known."""

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
from checkers.engine.worlds.pair import PairWorld
from lessons.workbench.denoisers.exact_worlds import ExactWorld


def estimate_once(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Ask for the noise of two views, once for each call.

    Args:
        student: `anagram_noise`.
        inputs: {"std": of the data, "calls": a list of {"means": {prompt: picture}, "x_t", "t",
            "prompts": the upright prompts and the upside-down ones, "scale": None for the
            function's own}}.

    Returns:
        {"noise": the first part of what each call returned, or all of it, "variance": the second
        part or None, "parts": how many parts there were, "changed": names of the inputs written
        into}.
    """
    observed: dict[str, list] = {"noise": [], "variance": [], "parts": [], "changed": []}
    for one in inputs["calls"]:
        world = PairWorld(one["means"], inputs["std"], one["x_t"].dtype)
        x_t, pair = one["x_t"].clone(), tuple(world.embed(prompts) for prompts in one["prompts"])
        scale = () if one["scale"] is None else (one["scale"],)
        result = student(world, x_t, one["t"], pair, world.embed(""), *scale)
        parts = list(result) if isinstance(result, list | tuple) else [result]
        observed["noise"].append(parts[0] if parts else None)
        observed["variance"].append(parts[1] if len(parts) > 1 else None)
        observed["parts"].append(len(parts))
        if not torch.equal(x_t, one["x_t"]) and "x_t" not in observed["changed"]:
            observed["changed"].append("x_t")
    return observed


def denoise_quietly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run `make_flip_illusion` where no noise is added; see `worlds.loops.run_quietly`."""
    return run_quietly(partial(_run, student), inputs, PairWorld)


def denoise_to_points(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run it where each prompt has one picture; see `worlds.loops.run_to_points`."""
    return run_to_points(partial(_run, student), inputs)


def denoise_to_gaussians(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run it where pictures are normally distributed; see `worlds.loops.run_to_gaussians`."""
    return run_to_gaussians(partial(_run, student), inputs)


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
    pair = tuple(world.embed(prompts) for prompts in one["prompts"])
    uncond = world.embed("")
    i_start, rest = one["i_start"], ()
    if one["scale"] is not None:
        rest = (one["scale"], *generator)
    return student(world, im_noisy, i_start, pair, uncond, timesteps, *rest)

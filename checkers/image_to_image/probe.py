"""Probes of lesson 07: edits in worlds whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.loops import repeats
from checkers.engine.worlds.quiet import QuietWorld
from checkers.engine.worlds.shown_pictures import (
    change,
    prompts_asked,
    shown_first,
    timesteps_asked,
)
from lessons.workbench.denoisers.exact_worlds import ExactWorld, GaussianDenoiser


def edit_quietly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Edit where no noise is added on the way, once for each call.

    Args:
        student: `edit`.
        inputs: {"means": {prompt: picture}, "std": of the data, "calls": a list of {"im",
            "i_start", "prompts": one or one for each picture, "timesteps", "scale": None for
            the function's own}}.

    Returns:
        {"result": what each call returned, "start": for each call the pictures first shown to the
        denoiser, "halves": their left and right halves, one after the other, "asked": the
        timesteps asked at, "prompts": the prompts asked with, "changed": the inputs written into}.
    """
    keys = ("result", "start", "halves", "asked", "prompts", "changed")
    observed: dict[str, Any] = {key: [] for key in keys}
    for one in inputs["calls"]:
        world = QuietWorld(inputs["means"], inputs["std"], one["im"].dtype)
        im, timesteps = one["im"].clone(), list(one["timesteps"])
        more = () if one["scale"] is None else (one["scale"],)
        observed["result"].append(_edit(student, world, {**one, "im": im}, timesteps, *more))
        start = shown_first(world)
        observed["start"].append(start)
        observed["halves"] += halves(start)
        observed["asked"].append(timesteps_asked(world))
        observed["prompts"].append(prompts_asked(world))
        if not torch.equal(im, one["im"]):
            observed["changed"].append("im")
        if timesteps != list(one["timesteps"]):
            observed["changed"].append("timesteps")
    return observed


def edit_two_pictures(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Edit as `edit_quietly` does, and look at what follows from the picture alone.

    Args:
        student: `edit`.
        inputs: as for `edit_quietly`, and "schedule": of the denoiser, "seed": of torch's global
            generator.

    Returns:
        As `edit_quietly`, and "follows": for each call, how the pictures first shown to the
        denoiser change if `im` has half its contrast, all noise being the same.
    """
    follows = []
    for call in inputs["calls"]:
        starts = []
        for im in (call["im"].clone(), call["im"] / 2):
            world = QuietWorld(inputs["means"], inputs["std"], im.dtype)
            world.alphas_cumprod = inputs["schedule"].clone()
            torch.default_generator.manual_seed(inputs["seed"])
            _edit(student, world, {**call, "im": im}, list(call["timesteps"]), call["scale"])
            starts.append(shown_first(world))
        follows.append(change(*starts))
    return {**edit_quietly(student, inputs), "follows": follows}


def edit_in_a_gaussian_world(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Edit where each prompt's pictures are normally distributed.

    Args:
        student: `edit`.
        inputs: {"means": {prompt: picture}, "std", "im", "i_start", "prompts", "timesteps",
            "scale"}.

    Returns:
        {"halves": the left and the right half of the returned pictures}.
    """
    world = GaussianDenoiser(inputs["means"], inputs["std"])
    result = _edit(student, world, inputs, list(inputs["timesteps"]), inputs["scale"])
    return {"halves": halves(torch.as_tensor(result)) if result is not None else [None, None]}


def edit_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Edit with a generator, with the same again, and twice without.

    Args:
        student: `edit`.
        inputs: as for `edit_in_a_gaussian_world`, and "seed".

    Returns:
        As `worlds.loops.repeats`.
    """

    def run(world: ExactWorld, *generator: torch.Generator) -> Any:
        one = {**inputs, "im": inputs["im"].clone()}  # no call may see what another wrote into it
        return _edit(student, world, one, list(inputs["timesteps"]), inputs["scale"], *generator)

    return repeats(run, inputs)


def halves(pictures: Tensor) -> list[Tensor]:
    """The left and the right half of (n, C, H, W)."""
    middle = pictures.shape[-1] // 2
    return [pictures[..., :middle], pictures[..., middle:]]


def _edit(
    student: Callable[..., Any],
    world: ExactWorld,
    one: Inputs,
    timesteps: list[int],
    *more: float | torch.Generator,
) -> Any:
    prompts, nothing = world.embed(one["prompts"]), world.embed("")
    return student(world, one["im"], one["i_start"], prompts, nothing, timesteps, *more)

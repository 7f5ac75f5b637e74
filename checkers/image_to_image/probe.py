"""Probes of lesson 07: edits in worlds whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import as_tensor, seeded
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
    """Edit where no noise is added on the way, and look at what follows from the picture alone.

    Args:
        student: `edit`.
        inputs: as for `edit_quietly`, and "schedule": of the denoiser, "seed": of torch's global
            generator, one later for each further call.

    Returns:
        "result", "halves" and "asked" as of `edit_quietly`, "noise": the pictures first shown to
        the denoiser, less the mean of each half, "follows": for each call, how they change if `im`
        has half its contrast, all noise being the same.
    """
    observed: dict[str, Any] = {
        key: [] for key in ("result", "noise", "halves", "asked", "follows")
    }
    for number, call in enumerate(inputs["calls"]):
        starts = []
        for im in (call["im"] / 2, call["im"].clone()):
            world = QuietWorld(inputs["means"], inputs["std"], im.dtype)
            world.alphas_cumprod = inputs["schedule"].clone()
            torch.default_generator.manual_seed(inputs["seed"] + number)
            timesteps = list(call["timesteps"])
            result = _edit(student, world, {**call, "im": im}, timesteps, call["scale"])
            starts.append(shown_first(world))
        both = halves(starts[1])
        observed["result"].append(result)
        observed["noise"].append(torch.cat([half - half.mean() for half in both], dim=-1))
        observed["halves"] += both
        observed["asked"].append(timesteps_asked(world))
        observed["follows"].append(change(*reversed(starts)))
    return observed


def edit_in_a_gaussian_world(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Edit where each prompt's pictures are normally distributed.

    Args:
        student: `edit`.
        inputs: {"means": {prompt: picture}, "std", "im", "i_start", "prompts", "timesteps",
            "scale", "seed"}.

    Returns:
        {"result": the pictures of a run without a generator, "halves": their left and right half,
        "seeded": those of a run with one}.
    """
    world = GaussianDenoiser(inputs["means"], inputs["std"])

    def run(*generator: torch.Generator) -> Any:
        one, timesteps = {**inputs, "im": inputs["im"].clone()}, list(inputs["timesteps"])
        return _edit(student, world, one, timesteps, inputs["scale"], *generator)

    result = run()
    seeded_halves = halves(run(seeded(inputs["seed"])))
    return {"result": result, "halves": halves(result), "seeded": seeded_halves}


def edit_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Edit with a generator, with the same again, and twice without.

    Args:
        student: `edit`.
        inputs: as for `edit_in_a_gaussian_world`.

    Returns:
        As `worlds.loops.repeats`.
    """

    def run(world: ExactWorld, *generator: torch.Generator) -> Any:
        one = {**inputs, "im": inputs["im"].clone()}  # no call may see what another wrote into it
        return _edit(student, world, one, list(inputs["timesteps"]), inputs["scale"], *generator)

    return repeats(run, inputs)


def halves(result: Any) -> list[Any]:
    """The left and the right half of (n, C, H, W); twice what is something else, for the judge."""
    pictures = as_tensor(result)
    if pictures is None or not pictures.ndim:
        return [result, result]
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

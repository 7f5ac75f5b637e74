"""Probes of lesson 04: the loop in worlds whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import alike
from checkers.engine.worlds.quiet import QuietWorld
from lessons.workbench.denoisers.exact_worlds import ExactWorld, GaussianDenoiser, PointDenoiser


def denoise_quietly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run the loop where no noise is added, once for each call.

    Args:
        student: `iterative_denoise`.
        inputs: {"std": of the data, "calls": a list of {"means": {prompt: picture}, "im_noisy",
            "i_start", "prompts": one or one for each picture, "timesteps"}}, and perhaps "far":
            one more such call.

    Returns:
        {"result": what each call returned, "asked": the timesteps the denoiser was asked at,
        "added": [t, t_prev] of each call of `add_variance`, "variance": what it was given,
        "begun": whether the first picture shown to the denoiser was im_noisy, "changed": names of
        inputs written into, "far": what that call returned}.
    """
    observed: dict[str, Any] = {
        "result": [],
        "asked": [],
        "added": [],
        "variance": [],
        "begun": [],
        "changed": [],
    }
    for one in inputs["calls"]:
        world = QuietWorld(one["means"], inputs["std"], one["im_noisy"].dtype)
        x, timesteps = one["im_noisy"].clone(), list(one["timesteps"])
        embeds = world.embed(one["prompts"])
        observed["result"].append(student(world, x, one["i_start"], embeds, timesteps))
        observed["asked"].append(world.asked())
        observed["added"].append([[step["t"], step["t_prev"]] for step in world.added])
        observed["variance"].append([step["variance"] for step in world.added])
        observed["begun"].append(world.begun_with(one["im_noisy"]))
        if not torch.equal(x, one["im_noisy"]):
            observed["changed"].append("im_noisy")
        if timesteps != list(one["timesteps"]):
            observed["changed"].append("timesteps")
    if (far := inputs.get("far")) is not None:
        world = QuietWorld(far["means"], inputs["std"], far["im_noisy"].dtype)
        embeds = world.embed(far["prompts"])
        observed["far"] = student(
            world, far["im_noisy"].clone(), far["i_start"], embeds, list(far["timesteps"])
        )
    return observed


def denoise_to_points(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run the loop where each prompt has one picture.

    Args:
        student: `iterative_denoise`.
        inputs: {"points": {prompt: picture}, "im_noisy", "i_start", "prompts", "timesteps"}.

    Returns:
        {"result": the returned pictures}.
    """
    return {"result": _denoise(student, inputs, PointDenoiser(inputs["points"]))}


def denoise_to_gaussians(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run the loop where each prompt's pictures are normally distributed.

    Args:
        student: `iterative_denoise`.
        inputs: {"means": {prompt: picture}, "std", "im_noisy", "i_start", "prompts",
            "timesteps"}.

    Returns:
        {"result": the returned pictures}.
    """
    world = GaussianDenoiser(inputs["means"], inputs["std"])
    return {"result": _denoise(student, inputs, world)}


def denoise_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run the loop with a generator, with the same again, and twice without.

    Args:
        student: `iterative_denoise`.
        inputs: as for `denoise_to_gaussians`, and "seed".

    Returns:
        {"same_seed": whether generators of one seed gave one result, "unseeded": whether two calls
        without a generator did}.
    """
    world = GaussianDenoiser(inputs["means"], inputs["std"])

    def run(*generator: torch.Generator) -> Any:
        return _denoise(student, inputs, world, *generator)

    def seeded() -> torch.Generator:
        return torch.Generator().manual_seed(inputs["seed"])

    return {"same_seed": alike(run(seeded()), run(seeded())), "unseeded": alike(run(), run())}


def _denoise(
    student: Callable[..., Any], inputs: Inputs, world: ExactWorld, *generator: torch.Generator
) -> Any:
    return student(
        world,
        inputs["im_noisy"].clone(),
        inputs["i_start"],
        world.embed(inputs["prompts"]),
        list(inputs["timesteps"]),
        *generator,
    )

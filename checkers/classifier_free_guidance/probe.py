"""Probes of lesson 06: the guided loop in worlds whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import alike
from checkers.engine.worlds.quiet import QuietWorld
from lessons.workbench.denoisers.exact_worlds import ExactWorld, GaussianDenoiser, PointDenoiser


def guide_quietly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run the guided loop where no noise is added, once for each call.

    Args:
        student: `iterative_denoise_cfg`.
        inputs: {"std": of the data, "calls": a list of {"means": {prompt: picture}, "im_noisy",
            "i_start", "prompts", "uncond", "timesteps", "scale": None for the default}}, and
            perhaps "far": one more such call.

    Returns:
        {"result": what each call returned, "asked": the timesteps the denoiser was asked at,
        "pairs": how often it was asked in each run, divided by the steps taken, "added":
        [t, t_prev] of each call of `add_variance`, "variance": what it was given, "begun": whether
        the first picture shown to the denoiser was im_noisy, "changed": names of inputs written
        into, "far": what that call returned}.
    """
    observed: dict[str, Any] = {
        "result": [],
        "asked": [],
        "pairs": [],
        "added": [],
        "variance": [],
        "begun": [],
        "changed": [],
    }
    for one in inputs["calls"]:
        world = QuietWorld(one["means"], inputs["std"], one["im_noisy"].dtype)
        one = {**one, "im_noisy": one["im_noisy"].clone()}
        before = one["im_noisy"].clone()
        observed["result"].append(_guided(student, one, world))
        observed["asked"].append(world.asked())
        observed["pairs"].append(len(world.calls) / max(len(world.asked()), 1))
        observed["added"].append([[step["t"], step["t_prev"]] for step in world.added])
        observed["variance"].append([step["variance"] for step in world.added])
        observed["begun"].append(world.begun_with(before))
        if not torch.equal(one["im_noisy"], before):
            observed["changed"].append("im_noisy")
    if (far := inputs.get("far")) is not None:
        world = QuietWorld(far["means"], inputs["std"], far["im_noisy"].dtype)
        observed["far"] = _guided(student, far, world)
    return observed


def guide_to_points(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run the guided loop where each prompt has one picture.

    Args:
        student: `iterative_denoise_cfg`.
        inputs: {"calls": a list of runs as in `guide_quietly`, with "points" for "means"}.

    Returns:
        {"result": the returned pictures of each run}.
    """
    return {
        "result": [_guided(student, one, PointDenoiser(one["points"])) for one in inputs["calls"]]
    }


def guide_to_gaussians(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run the guided loop where each prompt's pictures are normally distributed.

    Args:
        student: `iterative_denoise_cfg`.
        inputs: one run as in `guide_quietly`, and "std".

    Returns:
        {"result": the returned pictures}.
    """
    return {"result": _guided(student, inputs, GaussianDenoiser(inputs["means"], inputs["std"]))}


def guide_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run the guided loop with a generator, with the same again, and twice without.

    Args:
        student: `iterative_denoise_cfg`.
        inputs: as for `guide_to_gaussians`, and "seed".

    Returns:
        {"same_seed": whether generators of one seed gave one result, "unseeded": whether two calls
        without a generator did}.
    """
    world = GaussianDenoiser(inputs["means"], inputs["std"])

    def seeded() -> Any:
        generator = torch.Generator().manual_seed(inputs["seed"])
        return _guided(student, inputs, world, generator)

    def unseeded() -> Any:
        return _guided(student, inputs, world)

    return {"same_seed": alike(seeded(), seeded()), "unseeded": alike(unseeded(), unseeded())}


def _guided(
    student: Callable[..., Any], one: Inputs, world: ExactWorld, *generator: torch.Generator
) -> Any:
    """One run; a scale of None leaves out what comes after the timesteps."""
    rest = () if one["scale"] is None else (one["scale"], *generator)
    return student(
        world,
        one["im_noisy"],
        one["i_start"],
        world.embed(one["prompts"]),
        world.embed(one["uncond"]),
        list(one["timesteps"]),
        *rest,
    )

"""Probes of lesson 05: where sampling begins, which way it takes, and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import as_tensor
from checkers.engine.worlds.loops import repeats, with_and_without_generator
from checkers.engine.worlds.quiet import QuietWorld
from checkers.engine.worlds.shown_pictures import shown_at, shown_first, timesteps_asked
from lessons.workbench.denoisers.exact_worlds import ExactWorld, GaussianDenoiser, PointDenoiser


def sample_quietly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Sample where no noise is added on the way, once for each call.

    Args:
        student: `sample`.
        inputs: {"means": {prompt: (3, 64, 64)}, "std", "calls": a list of {"n", "prompts",
            "timesteps", "double": whether the world works in float64, and perhaps a "schedule" of
            the world's}}.

    Returns:
        {"result": what each call returned, "start": the pictures the denoiser was shown at the
        first timestep, each once, "apart": whether they are as many as were asked for, "asked": the
        timesteps it was asked at, "noise_steps": [t, t_prev] of each call of `add_variance`,
        "off": how far each step of the first picture ends from where it should}.
    """
    observed: dict[str, list] = {
        "result": [],
        "start": [],
        "apart": [],
        "asked": [],
        "noise_steps": [],
        "off": [],
    }
    for one in inputs["calls"]:
        dtype = torch.float64 if one["double"] else torch.float32
        world = QuietWorld(inputs["means"], inputs["std"], dtype)
        if "schedule" in one:
            world.alphas_cumprod = one["schedule"].clone()
        embeds = world.embed(one["prompts"])
        observed["result"].append(student(world, one["n"], embeds, list(one["timesteps"])))
        start = shown_first(world)
        observed["start"].append(start)
        observed["apart"].append(len(start) >= one["n"])
        observed["asked"].append(world.asked())
        observed["noise_steps"].append([[step["t"], step["t_prev"]] for step in world.added])
        observed["off"].append(_off_the_way(world, observed["result"][-1], one["timesteps"][-1]))
    return observed


def _off_the_way(world: QuietWorld, result: Any, last: int) -> list[float]:
    """The root mean square distance of each step's end from the posterior mean of its beginning.

    Ho et al. 2020, equation 7. A world that adds no noise makes it 0, wherever the way begins.
    """
    steps, pictures = timesteps_asked(world), as_tensor(result)
    if not steps or pictures is None or pictures.shape[1:] != world.picture_shape:
        return []
    way = [shown_at(world, t)[0].double() for t in steps] + [pictures.detach()[0].double()]
    which = torch.tensor([world.prompts.index(world.calls[0].prompts[0])])
    off = []
    for x_t, x_prev, t, t_prev in zip(way, way[1:], steps, [*steps[1:], last], strict=False):
        abar, abar_prev = (world.alphas_cumprod[i].double() for i in (t, t_prev))
        mean = world.posterior_mean(x_t[None], abar, which)[0]
        alpha = abar / abar_prev
        ends = abar_prev.sqrt() * (1 - alpha) * mean + alpha.sqrt() * (1 - abar_prev) * x_t
        off.append(float((x_prev - ends / (1 - abar)).square().mean().sqrt()))
    return off


def sample_points(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Sample where each prompt has one picture.

    Args:
        student: `sample`.
        inputs: {"points": {prompt: (3, 64, 64)}, "n", "prompts", "timesteps"}.

    Returns:
        {"result": the returned pictures}.
    """
    world = PointDenoiser(inputs["points"])
    embeds = world.embed(inputs["prompts"])
    return {"result": student(world, inputs["n"], embeds, list(inputs["timesteps"]))}


def sample_gaussians(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Sample where pictures are normally distributed.

    Args:
        student: `sample`.
        inputs: {"means": {prompt: (3, 64, 64)}, "std", "n", "prompts", "timesteps", "seed"}.

    Returns:
        As `worlds.loops.with_and_without_generator`.
    """
    world = GaussianDenoiser(inputs["means"], inputs["std"])
    return with_and_without_generator(partial(_run, student, inputs, world), inputs["seed"])


def sample_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Sample with seeded generators, and without.

    Args:
        student: `sample`.
        inputs: as for `sample_gaussians`.

    Returns:
        As `worlds.loops.repeats`.
    """
    return repeats(partial(_run, student, inputs), inputs)


def _run(
    student: Callable[..., Any], inputs: Inputs, world: ExactWorld, *generator: torch.Generator
) -> Any:
    embeds = world.embed(inputs["prompts"])
    return student(world, inputs["n"], embeds, list(inputs["timesteps"]), *generator)

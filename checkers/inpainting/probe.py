"""Probes of lesson 08: inpainting in worlds whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from checkers.engine.sandbox.inside.running import Inputs, copied
from checkers.engine.worlds.call import as_tensor, seeded
from checkers.engine.worlds.loops import repeats
from checkers.engine.worlds.quiet import QuietWorld
from checkers.engine.worlds.shown_pictures import (
    change,
    prompts_asked,
    shown_at,
    shown_first,
    timesteps_asked,
)
from lessons.workbench.denoisers.exact_worlds import ExactWorld, GaussianDenoiser


def inpaint_quietly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Inpaint where no noise is added on the way, once for each call.

    Args:
        student: `inpaint`.
        inputs: {"means": {prompt: picture}, "std": of the data, "calls": a list of {"original",
            "mask", "prompts": one or one for each picture, "timesteps", "scale": None for the
            function's own}}.

    Returns:
        {"result": what each call returned, "start": for each call the part to be made new of the
        pictures first shown to the denoiser, "made": that part of the result, "known": for each
        call and each later step, the known part of the pictures shown, "asked": the timesteps
        asked at, "prompts": the prompts asked with, "changed": the inputs written into}.
        Parts are (n, C, H, pixels in a row): the mask has as many in each.
    """
    keys = ("result", "start", "made", "known", "asked", "prompts", "changed")
    observed: dict[str, Any] = {key: [] for key in keys}
    for one in inputs["calls"]:
        world = QuietWorld(inputs["means"], inputs["std"], one["original"].dtype)
        given = {"original": one["original"].clone(), "mask": one["mask"].clone()}
        timesteps = list(one["timesteps"])
        more = () if one["scale"] is None else (one["scale"],)
        result = _inpaint(student, world, {**one, **given}, timesteps, *more)
        new = one["mask"][0].expand(world.picture_shape) > 0
        observed["result"].append(result)
        observed["start"].append(_part(shown_first(world), new))
        observed["made"].append(_part(result, new))
        observed["known"].append([_part(shown_at(world, t), ~new) for t in timesteps[1:-1]])
        observed["asked"].append(timesteps_asked(world))
        observed["prompts"].append(prompts_asked(world))
        observed["changed"] += [name for name in given if not torch.equal(given[name], one[name])]
        if timesteps != list(one["timesteps"]):
            observed["changed"].append("timesteps")
    return observed


def inpaint_two_originals(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Inpaint as `inpaint_quietly` does, and look at what follows from the original alone.

    Args:
        student: `inpaint`.
        inputs: as for `inpaint_quietly`, and "other": a run in another world, {"means", "call",
            "schedule": of the denoiser, "darker": another original, "seed": of torch's global
            generator}.

    Returns:
        As `inpaint_quietly`, and "follows": for each later step, how the pictures shown to the
        denoiser change from one original to the other, all noise being the same, "fixed": whether
        at one of these steps another seed changes none of the known pixels.
    """
    other, ways = inputs["other"], []
    call, seed = other["call"], other["seed"]
    later, known = call["timesteps"][1:-1], call["mask"].expand_as(call["original"]) == 0
    runs = (call["original"], seed), (other["darker"], seed), (call["original"], seed + 1)
    for original, own_seed in runs:
        world = QuietWorld(other["means"], inputs["std"], original.dtype)
        world.alphas_cumprod = other["schedule"].clone()
        one = {**call, "original": original.clone(), "mask": call["mask"].clone()}
        torch.default_generator.manual_seed(own_seed)
        _inpaint(student, world, one, list(call["timesteps"]), call["scale"])
        ways.append([shown_at(world, t) for t in later])
    first, darker, reseeded = ways
    return {
        **inpaint_quietly(student, inputs),
        "follows": [change(*pair) for pair in zip(first, darker, strict=True)],
        "fixed": any(
            one.shape == again.shape == known.shape and torch.equal(one[known], again[known])
            for one, again in zip(first, reseeded, strict=True)
        ),
    }


def inpaint_anything(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Inpaint where each prompt's pictures are normally distributed.

    Args:
        student: `inpaint`.
        inputs: {"means", "std", "original", "mask", "prompts", "timesteps", "scale", "seed"}.

    Returns:
        {"result": the pictures of a run without a generator, "made": their part to be made new, as
        `inpaint_quietly` has it, "seeded": that of a run with a generator; every picture's mask
        has as many pixels}.
    """
    world = GaussianDenoiser(inputs["means"], inputs["std"])
    masks = inputs["mask"].expand(-1, *world.picture_shape) > 0

    def run(*generator: torch.Generator) -> Any:
        one, timesteps = copied(inputs), list(inputs["timesteps"])
        return _inpaint(student, world, one, timesteps, inputs["scale"], *generator)

    def made(result: Any) -> Tensor:
        pictures = as_tensor(result)
        if pictures is None or pictures.shape != masks.shape:
            return torch.zeros(1, 1, 1, 1)
        return torch.cat([_part(one[None], new) for one, new in zip(pictures, masks, strict=True)])

    result, with_one = run(), run(seeded(inputs["seed"]))
    return {"result": result, "made": made(result), "seeded": made(with_one)}


def inpaint_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Inpaint with a generator, with the same again, and twice without.

    Args:
        student: `inpaint`.
        inputs: {"means", "std", "original", "mask", "prompts", "timesteps", "scale", "seed"}.

    Returns:
        As `worlds.loops.repeats`.
    """

    def run(world: ExactWorld, *generator: torch.Generator) -> Any:
        timesteps = list(inputs["timesteps"])
        one = copied(inputs)  # no call may see what another wrote into it
        return _inpaint(student, world, one, timesteps, inputs["scale"], *generator)

    return repeats(run, inputs)


def _inpaint(
    student: Callable[..., Any],
    world: ExactWorld,
    one: Inputs,
    timesteps: list[int],
    *more: float | torch.Generator,
) -> Any:
    prompts, nothing = world.embed(one["prompts"]), world.embed("")
    return student(world, one["original"], one["mask"], prompts, nothing, timesteps, *more)


def _part(pictures: Any, where: Tensor) -> Tensor:
    """The pixels where `where`, (C, H, W), is true, as many in every row: (n, C, H, those).

    (1, 1, 1, 1) if these are no such pictures.
    """
    pictures = as_tensor(pictures)
    if pictures is None or pictures.ndim != where.ndim + 1 or pictures.shape[1:] != where.shape:
        return torch.zeros(1, 1, 1, 1)
    return pictures[:, where].unflatten(1, (*where.shape[:2], -1))

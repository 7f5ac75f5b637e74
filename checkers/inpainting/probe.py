"""Probes of lesson 08: inpainting in worlds whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from checkers.engine.sandbox.inside.running import Inputs, copied
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
        inputs: as for `inpaint_quietly`, with one call, and "schedule": of the denoiser, "darker":
            another original, "masks": one for each picture, "seed": of torch's global generator.

    Returns:
        As `inpaint_quietly`, and "follows": for each later step, how the pictures shown to the
        denoiser change from one original to the other, all noise being the same, "fixed": whether
        at one of these steps another seed changes none of the known pixels.
    """
    call, seed, ways = inputs["calls"][0], inputs["seed"], []
    later, known = call["timesteps"][1:-1], inputs["masks"].expand_as(call["original"]) == 0
    runs = (call["original"], seed), (inputs["darker"], seed), (call["original"], seed + 1)
    for original, own_seed in runs:
        world = QuietWorld(inputs["means"], inputs["std"], original.dtype)
        world.alphas_cumprod = inputs["schedule"].clone()
        one = {**call, "original": original.clone(), "mask": inputs["masks"].clone()}
        torch.default_generator.manual_seed(own_seed)
        _inpaint(student, world, one, list(call["timesteps"]), call["scale"])
        ways.append([shown_at(world, t) for t in later])
    first, darker, reseeded = ways
    return {
        **inpaint_quietly(student, inputs),
        "follows": [change(*pair) for pair in zip(first, darker, strict=True)],
        "fixed": any(
            one.shape == other.shape == known.shape and torch.equal(one[known], other[known])
            for one, other in zip(first, reseeded, strict=True)
        ),
    }


def inpaint_anything(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Inpaint where each prompt's pictures are normally distributed.

    Args:
        student: `inpaint`.
        inputs: {"means", "std", "original", "mask", "prompts", "timesteps", "scale"}.

    Returns:
        {"result": the returned pictures, "made": their part to be made new, as `inpaint_quietly`
        has it; every picture's mask has as many pixels}.
    """
    world = GaussianDenoiser(inputs["means"], inputs["std"])
    timesteps = list(inputs["timesteps"])
    result = _inpaint(student, world, copied(inputs), timesteps, inputs["scale"])
    pictures = _as_pictures(result)
    masks = inputs["mask"].expand(-1, *world.picture_shape) > 0
    if len(pictures) != len(masks):
        return {"result": result, "made": torch.zeros(1, 1, 1, 1)}
    made = [_part(one[None], new) for one, new in zip(pictures, masks, strict=True)]
    return {"result": result, "made": torch.cat(made)}


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
    pictures = _as_pictures(pictures)
    if pictures.ndim != where.ndim + 1 or pictures.shape[1:] != where.shape:
        return torch.zeros(1, 1, 1, 1)
    return pictures[:, where].unflatten(1, (*where.shape[:2], -1))


def _as_pictures(value: Any) -> Tensor:
    """A tensor of it; an empty one if it is something else, which the judges tell."""
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        return torch.empty(0)

"""Probe of lesson 03: one step with a denoiser whose answer is known, and how it was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from checkers.engine.sandbox.inside.running import Inputs, copied
from lessons.workbench.denoisers.exact_worlds import ExactWorld, GaussianDenoiser, PointDenoiser


def denoise_in_a_world(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Build the denoiser and let the function denoise with it, once for each call.

    Args:
        student: `one_step_denoise`.
        inputs: {"pictures": {prompt: (3, H, W)}, "std": 0 for one picture per prompt, else the
            pictures' standard deviation, "schedule": (1000,) or None for the world's own,
            "calls": a list of {"x_t", "t", "prompts"}}.

    Returns:
        {"result": what each call returned, "asked": for each call, [timestep, prompt] of every
        picture the denoiser was asked about, "shown": whether these pictures were those of x_t,
        "changed": the names of what was written into: inputs, or the denoiser's schedule}.
    """
    observed: dict[str, list] = {"result": [], "asked": [], "shown": [], "changed": []}
    for one in inputs["calls"]:
        world = _world(inputs["pictures"], inputs["std"], one["x_t"].dtype)
        if inputs["schedule"] is not None:
            world.alphas_cumprod = inputs["schedule"].clone()
        given = {
            "x_t": one["x_t"].clone(),
            "prompt_embeds": world.embed(one["prompts"]),
            "denoiser.alphas_cumprod": world.alphas_cumprod,
        }
        before = copied(given)
        result = student(world, given["x_t"], one["t"], given["prompt_embeds"])
        observed["result"].append(result)
        observed["asked"].append(_asked(world))
        observed["shown"].append(_shown(world, one["x_t"]))
        observed["changed"] += [
            name for name, value in given.items() if not torch.equal(value, before[name])
        ]
    return observed


def _world(pictures: Mapping[str, Tensor], std: float, dtype: torch.dtype) -> ExactWorld:
    if std:
        return GaussianDenoiser(pictures, std, record=True, dtype=dtype)
    return PointDenoiser(pictures, record=True, dtype=dtype)


def _asked(world: ExactWorld) -> list[list]:
    """[timestep, prompt] of every picture in every call; one call or one per picture is alike."""
    return [
        [timestep, prompt]
        for call in world.calls
        for timestep, prompt in zip(call.timesteps, call.prompts, strict=True)
    ]


def _shown(world: ExactWorld, x_t: Tensor) -> bool:
    """Whether what the denoiser was shown is x_t, as it is."""
    if not world.calls:
        return False
    seen = torch.cat([call.x_t for call in world.calls])
    return seen.shape == x_t.shape and torch.allclose(seen, x_t, atol=1e-6)

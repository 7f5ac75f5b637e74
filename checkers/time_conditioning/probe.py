"""Probes of lesson 13: what a loss and a sampler do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from checkers.engine.sandbox.inside.running import Inputs, copied
from checkers.engine.worlds.ddpm_loss import watch_loss
from checkers.engine.worlds.ddpm_sample import (
    StepWorld,
    changed_schedule,
    far_out,
    same_again,
    watch_steps,
)


def noise_pictures(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `ddpm_loss` often and see what it does to the pictures.

    Args:
        student: `ddpm_loss`.
        inputs: {"images", "alphas_cumprod", "calls"}.

    Returns:
        As `worlds.ddpm_loss.watch_loss`.
    """
    images, abar = inputs["images"], inputs["alphas_cumprod"]

    def loss(model: nn.Module, images: Tensor) -> Any:
        return student(model, images, abar)

    observed = watch_loss(loss, images, inputs["calls"], len(abar))
    observed.pop("noised", None)
    return observed


def sample_in_steps(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Let `ddpm_sample` run where each step's x_0 is known.

    Args:
        student: `ddpm_sample`.
        inputs: {"schedule", "n", "seed"}.

    Returns:
        As `worlds.ddpm_sample.watch_steps`, and `far_out` where x_0 lies far outside of [0, 1].
    """
    schedule, n = inputs["schedule"], inputs["n"]
    near, far = (
        StepWorld(schedule["alphas_cumprod"], n, inputs["seed"], spread=spread)
        for spread in (0.4, 20.0)
    )
    result, far_result = (student(world, n, schedule) for world in (near, far))
    return watch_steps(near, result) | far_out(far, far_result)


def sample_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Let `ddpm_sample` run with a generator, with the same again, and twice without.

    Args:
        student: `ddpm_sample`.
        inputs: {"schedule", "n", "seed"}.

    Returns:
        As `worlds.ddpm_sample.same_again`.
    """

    def run(*generator: torch.Generator) -> tuple[StepWorld, Any]:
        world = StepWorld(inputs["schedule"]["alphas_cumprod"], inputs["n"], inputs["seed"])
        result = student(world, inputs["n"], inputs["schedule"], *generator)
        return world, result

    return same_again(run, inputs["seed"])


def sample_sizes(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Let `ddpm_sample` draw other numbers of pictures.

    Args:
        student: `ddpm_sample`.
        inputs: {"schedule", "sizes", "seed"}.

    Returns:
        {"result": what it returned for each, "changed": "schedule" if it wrote into it}.
    """
    schedule = inputs["schedule"]
    before = copied(schedule)
    abar = before["alphas_cumprod"]
    results = [student(StepWorld(abar, n, inputs["seed"]), n, schedule) for n in inputs["sizes"]]
    return {"result": results, "changed": changed_schedule(schedule, before)}

"""Probes of lesson 10: the loop that follows one prompt from afar and another close by."""

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
from lessons.workbench.denoisers import NoiseEstimate
from lessons.workbench.denoisers.exact_worlds import ExactWorld


class HybridWorld(PairWorld):
    """A pair world whose variance differs from prompt to prompt, in every fourth column alike.

    What `added` keeps is without that difference: it does not mind which of two prompts, or if the
    mean of both, the variance is of; but a filter that joins two of them leaves its trace.
    """

    def __call__(self, x_t: Tensor, t: int | Tensor, prompt_embeds: Tensor) -> NoiseEstimate:
        """Return the exact noise estimate with a variance that tells where it comes from."""
        noise, variance = super().__call__(x_t, t, prompt_embeds)
        own = 0.4 * prompt_embeds.reshape(-1, 1, 1, 1) * self._stripes(variance)
        return NoiseEstimate(noise, variance + own)

    def add_variance(
        self,
        x: Tensor,
        variance: Tensor,
        t: int | Tensor,
        t_prev: int | Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return `x` as it is."""
        variance, stripes = torch.as_tensor(variance), self._stripes(self.means)
        if variance.shape[-1:] == stripes.shape:
            share = (variance * stripes).sum(-1, keepdim=True) / stripes.sum()
            variance = variance - share * stripes
        return super().add_variance(x, variance, t, t_prev, generator)

    @staticmethod
    def _stripes(pictures: Tensor) -> Tensor:
        return (torch.arange(pictures.shape[-1]) % 4 == 0).to(pictures.dtype)


def denoise_quietly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run `make_hybrids` where no noise is added; see `worlds.loops.run_quietly`."""
    return run_quietly(partial(_run, student), inputs, HybridWorld)


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
    far, near = (world.embed(prompts) for prompts in one["prompts"])
    uncond = world.embed("")
    i_start, rest = one["i_start"], ()
    if one["scale"] is not None:
        rest = (one["scale"], *generator)
    return student(world, im_noisy, i_start, far, near, uncond, timesteps, *rest)

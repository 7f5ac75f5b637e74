"""What the probes of lessons 09 and 10 share: loops that follow two prompts at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import alike
from checkers.engine.worlds.quiet import QuietWorld
from lessons.workbench.denoisers import NoiseEstimate
from lessons.workbench.denoisers.exact_worlds import ExactWorld, GaussianDenoiser, PointDenoiser

Run = Callable[..., Any]
"""`run(world, inputs, im_noisy, timesteps, *generator)` calls the student's loop."""


class PairWorld(QuietWorld):
    """A quiet world that does not mind which of two prompts, or which view, the variance is from.

    The variance depends on the timestep, on the column and on whether there is a prompt at all. The
    spread of the pictures differs from prompt to prompt, so that following two prompts at once is
    not the same as joining two pictures that were made one by one.
    """

    def posterior_mean(self, x_t: Tensor, abar: Tensor, which: Tensor) -> Tensor:
        """Return the linear-Gaussian posterior mean, with the spread of each prompt's pictures."""
        spread = (self.std * (1 + 0.1 * which)).to(x_t.dtype).reshape(abar.shape[0], 1, 1, 1)
        mean, variance = self.means[which], spread.square()
        gain = abar.sqrt() * variance / (abar * variance + 1 - abar)
        return mean + gain * (x_t - abar.sqrt() * mean)

    def __call__(self, x_t: Tensor, t: int | Tensor, prompt_embeds: Tensor) -> NoiseEstimate:
        """Return the exact noise estimate with a variance that tells where it comes from."""
        noise = GaussianDenoiser.__call__(self, x_t, t, prompt_embeds).noise
        prompted = (prompt_embeds.reshape(-1, 1, 1, 1) != self.prompts.index("")).to(noise.dtype)
        columns = torch.arange(noise.shape[-1], dtype=noise.dtype)
        phase = 0.02 * torch.as_tensor(t).reshape(-1, 1, 1, 1) + 1.5 * prompted
        return NoiseEstimate(noise, torch.sin(columns + phase).expand_as(noise))


def run_quietly(run: Run, inputs: Inputs) -> dict[str, Any]:
    """Run a loop where no noise is added, once for each call.

    Args:
        run: calls the student's loop.
        inputs: {"std": of the data, "calls": a list of {"means": {prompt: picture}, "im_noisy",
            "i_start", "timesteps", ...}}, and perhaps "far": one more such call.

    Returns:
        {"result": what each call returned, "asked": the timesteps the denoiser was asked at,
        "added": [t, t_prev] of each call of `add_variance`, "variance": what it was given,
        "changed": names of inputs written into, "far": what that call returned}.
    """
    observed: dict[str, Any] = {
        "result": [],
        "asked": [],
        "added": [],
        "variance": [],
        "changed": [],
    }
    for one in inputs["calls"]:
        world = PairWorld(one["means"], inputs["std"], one["im_noisy"].dtype)
        x, timesteps = one["im_noisy"].clone(), list(one["timesteps"])
        observed["result"].append(run(world, one, x, timesteps))
        observed["asked"].append(world.asked())
        observed["added"].append([[step["t"], step["t_prev"]] for step in world.added])
        observed["variance"].append([step["variance"] for step in world.added])
        if not torch.equal(x, one["im_noisy"]):
            observed["changed"].append("im_noisy")
        if timesteps != list(one["timesteps"]):
            observed["changed"].append("timesteps")
    if (far := inputs.get("far")) is not None:
        world = PairWorld(far["means"], inputs["std"], far["im_noisy"].dtype)
        observed["far"] = run(world, far, far["im_noisy"].clone(), list(far["timesteps"]))
    return observed


def run_to_points(run: Run, inputs: Inputs) -> dict[str, Any]:
    """Run a loop where each prompt has one picture.

    Args:
        run: calls the student's loop.
        inputs: {"points": {prompt: picture}, "im_noisy", "timesteps", ...}.

    Returns:
        {"result": the returned pictures}.
    """
    world = PointDenoiser(inputs["points"])
    return {"result": run(world, inputs, inputs["im_noisy"].clone(), list(inputs["timesteps"]))}


def run_repeatedly(run: Run, inputs: Inputs) -> dict[str, Any]:
    """Run a loop with a generator, with the same again, and twice without.

    Args:
        run: calls the student's loop.
        inputs: {"means": {prompt: picture}, "std", "seed", "im_noisy", "timesteps", ...}.

    Returns:
        {"same_seed": whether generators of one seed gave one result, "unseeded": whether two calls
        without a generator did, "any_start": whether another `im_noisy` did}.
    """
    world: ExactWorld = GaussianDenoiser(inputs["means"], inputs["std"])

    def once(*generator: torch.Generator, factor: float = 1.0) -> Any:
        start = factor * inputs["im_noisy"]
        return run(world, inputs, start, list(inputs["timesteps"]), *generator)

    def seeded() -> torch.Generator:
        return torch.Generator().manual_seed(inputs["seed"])

    first = once(seeded())
    return {
        "same_seed": alike(first, once(seeded())),
        "unseeded": alike(once(), once()),
        "any_start": alike(first, once(seeded(), factor=-1.0)),
    }

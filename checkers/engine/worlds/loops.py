"""What the probes of sampling loops share: runs in worlds whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import alike, repeats_of, seeded
from checkers.engine.worlds.quiet import QuietWorld
from lessons.workbench.denoisers.exact_worlds import GaussianDenoiser, PointDenoiser

Run = Callable[..., Any]
"""`run(world, one, im_noisy, timesteps, *generator)` calls the student's loop."""


def run_quietly(
    run: Run, inputs: Inputs, make_world: type[QuietWorld] = QuietWorld
) -> dict[str, Any]:
    """Run a loop where no noise is added, once for each call.

    Args:
        run: calls the student's loop.
        inputs: {"std": of the data, "calls": a list of {"means": {prompt: picture}, "im_noisy",
            "i_start", "timesteps", ...}}, and perhaps "far": one more such call. One with a
            "schedule" runs on that, and not on the world's own.
        make_world: the kind of quiet world.

    Returns:
        {"result": what each call returned, "asked": the timesteps the denoiser was asked at,
        "pairs": how often it was asked, divided by the steps taken, "added": [t, t_prev] of each
        call of `add_variance`, "variance": what it was given, "begun": the pictures first shown to
        the denoiser, or None, "changed": names of inputs written into, "far": what that call
        returned}.
    """
    keys = ("result", "asked", "pairs", "added", "variance", "begun", "changed")
    observed: dict[str, Any] = {key: [] for key in keys}
    for one in inputs["calls"]:
        world = make_world(one["means"], inputs["std"], one["im_noisy"].dtype)
        if "schedule" in one:
            world.alphas_cumprod = one["schedule"].clone()
        x, timesteps = one["im_noisy"].clone(), list(one["timesteps"])
        observed["result"].append(run(world, one, x, timesteps))
        observed["asked"].append(world.asked())
        observed["pairs"].append(len(world.calls) / max(len(world.asked()), 1))
        observed["added"].append([[step["t"], step["t_prev"]] for step in world.added])
        observed["variance"].append([step["variance"] for step in world.added])
        observed["begun"].append(world.first_shown())
        if not torch.equal(x, one["im_noisy"]):
            observed["changed"].append("im_noisy")
        if timesteps != list(one["timesteps"]):
            observed["changed"].append("timesteps")
    if (far := inputs.get("far")) is not None:
        world = make_world(far["means"], inputs["std"], far["im_noisy"].dtype)
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


def run_to_gaussians(run: Run, inputs: Inputs) -> dict[str, Any]:
    """Run a loop where each prompt's pictures are normally distributed.

    Args:
        run: calls the student's loop.
        inputs: {"means": {prompt: picture}, "std", "im_noisy", "timesteps", "seed", ...}.

    Returns:
        As `with_and_without_generator`.
    """
    world = GaussianDenoiser(inputs["means"], inputs["std"])

    def once(*generator: torch.Generator) -> Any:
        x, timesteps = inputs["im_noisy"].clone(), list(inputs["timesteps"])
        return run(world, inputs, x, timesteps, *generator)

    return with_and_without_generator(once, inputs["seed"])


def with_and_without_generator(run: Callable[..., Any], seed: int) -> dict[str, Any]:
    """{"result": of a run without a generator, "seeded": of one with a generator of that seed}."""
    return {"result": run(), "seeded": run(seeded(seed))}


def run_repeatedly(run: Run, inputs: Inputs) -> dict[str, Any]:
    """Run a loop with a generator, with the same again, and twice without.

    Args:
        run: calls the student's loop.
        inputs: as for `run_to_gaussians`.

    Returns:
        As `worlds.call.repeats_of`, and "any_start": whether another `im_noisy` gave the same.
    """
    world = GaussianDenoiser(inputs["means"], inputs["std"])

    def once(*generator: torch.Generator, factor: float = 1.0) -> Any:
        start = factor * inputs["im_noisy"]
        return run(world, inputs, start, list(inputs["timesteps"]), *generator)

    observed = repeats_of(once, inputs["seed"])
    other = once(seeded(inputs["seed"]), factor=-1.0)
    return observed | {"any_start": alike(observed["result"], other)}


def repeats(run: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Whether results of a function that draws its own start repeat themselves.

    Args:
        run: `run(world, *generator)` calls the student's function.
        inputs: {"means", "std", "seed", ...}.

    Returns:
        As `worlds.call.repeats_of`, and "quiet_same_seed", "quiet_unseeded": the same where steps
        add no noise, and "global_seed": whether two runs gave the same before which torch's global
        generator was seeded alike.
    """
    noisy = GaussianDenoiser(inputs["means"], inputs["std"])
    quiet = QuietWorld(inputs["means"], inputs["std"], torch.float32)
    seed = inputs["seed"]

    def from_global_seed() -> Any:
        torch.default_generator.manual_seed(seed)
        return run(noisy)

    return repeats_of(partial(run, noisy), seed) | {
        "quiet_same_seed": alike(run(quiet, seeded(seed)), run(quiet, seeded(seed))),
        "quiet_unseeded": alike(run(quiet), run(quiet)),
        "global_seed": alike(from_global_seed(), from_global_seed()),
    }

"""Probes of lesson 17: one step, taken apart, and loops in worlds whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import alike, as_tensor, repeats_of, seeded
from checkers.engine.worlds.loops import (
    run_quietly,
    run_repeatedly,
    run_to_gaussians,
    run_to_points,
)
from lessons.workbench.denoisers.exact_worlds import ExactWorld

_SEED = 17
"""Of both draws of a step; what follows from the inputs is what differs between them."""


def take_apart(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `ddim_step` twice with the same draws, once with pictures and once with zeros.

    Args:
        student: `ddim_step`.
        inputs: {"calls": a list of {"x_t", "noise", "t", "t_prev", "alphas_cumprod", "eta"}}; an
            eta of None is left out.

    Returns:
        {"result": what each call returned, "follows": that less what zeros gave, "added": what
        zeros gave}.
    """
    observed: dict[str, list] = {"result": [], "follows": [], "added": []}
    for one in inputs["calls"]:
        nothing = torch.zeros_like(one["x_t"])
        whole, added = (
            _step(student, {**one, **given}, _SEED)
            for given in ({}, {"x_t": nothing, "noise": nothing})
        )
        observed["result"].append(whole)
        observed["added"].append(added)
        observed["follows"].append(_difference(whole, added))
    return observed


def _difference(whole: Any, added: Any) -> Any:
    """What differs; what can't be compared is kept as it is, for the judge."""
    one, other = as_tensor(whole), as_tensor(added)
    if one is None or other is None or one.shape != other.shape:
        return whole
    return one - other


def _step(student: Callable[..., Any], one: Inputs, seed: int | None) -> Any:
    """One step; both torch's own generator and the one that is passed on start from `seed`."""
    x_t, noise = one["x_t"].clone(), one["noise"].clone()
    given = (x_t, noise, one["t"], one["t_prev"], one["alphas_cumprod"])
    if seed is not None:
        torch.manual_seed(seed)
    if one["eta"] is None:
        return student(*given)
    return student(*given, one["eta"], *([] if seed is None else [seeded(seed)]))


def step_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `ddim_step` with and without generators, with eta and with 0.

    Args:
        student: `ddim_step`.
        inputs: one call as for `take_apart`, and "seed".

    Returns:
        As `worlds.call.repeats_of`, and "still": whether two calls with eta = 0 gave the same.
    """
    given = [inputs[key] for key in ("x_t", "noise", "t", "t_prev", "alphas_cumprod")]
    observed = repeats_of(partial(student, *given, inputs["eta"]), inputs["seed"])
    return observed | {"still": alike(student(*given, 0.0), student(*given, 0.0))}


def sample_quietly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run `ddim_sample` where every step can be compared; see `worlds.loops.run_quietly`."""
    return run_quietly(partial(_sample, student), inputs)


def sample_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run it with and without generators; see `worlds.loops.run_repeatedly`."""
    return run_repeatedly(partial(_sample, student), inputs)


def sample_points(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run it where each prompt has one picture; see `worlds.loops.run_to_points`."""
    return run_to_points(partial(_sample, student), inputs)


def sample_gaussians(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run it where pictures are normally distributed, once for each call.

    Args:
        student: `ddim_sample`.
        inputs: {"calls": a list of inputs as for `worlds.loops.run_to_gaussians`}.

    Returns:
        {"result": the returned pictures of each run, "drawn": by how much a second run from the
        same start ends elsewhere, which is given no generator}.
    """
    observed: dict[str, list] = {"result": [], "drawn": []}
    for one in inputs["calls"]:
        runs = run_to_gaussians(partial(_sample, student), one)
        observed["result"].append(runs["seeded"])
        observed["drawn"].append(_difference(runs["seeded"], runs["result"]))
    return observed


def _sample(
    student: Callable[..., Any],
    world: ExactWorld,
    one: Inputs,
    im_noisy: Tensor,
    timesteps: list[int],
    *generator: torch.Generator,
) -> Any:
    """One run; a scale of None leaves out what comes after the timesteps, an eta of None its."""
    prompts, uncond = world.embed(one["prompts"]), world.embed(one["uncond"])
    rest = () if one["scale"] is None else (one["scale"],)
    if rest and one["eta"] is not None:
        rest = (*rest, one["eta"], *generator)
    return student(world, im_noisy, one["i_start"], prompts, uncond, timesteps, *rest)


def invert_quietly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Run `ddim_invert` on clean pictures; see `worlds.loops.run_quietly`."""
    return run_quietly(partial(_invert, student), inputs)


def _invert(
    student: Callable[..., Any], world: ExactWorld, one: Inputs, im: Tensor, timesteps: list[int]
) -> Any:
    return student(world, im, world.embed(one["prompts"]), timesteps)


def heun_quietly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Take one `heun_step` for each call; see `worlds.loops.run_quietly`."""
    return run_quietly(partial(_heun, student), inputs)


def heun_points(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Take one where each prompt has one picture; see `worlds.loops.run_to_points`."""
    return run_to_points(partial(_heun, student), inputs)


def _heun(
    student: Callable[..., Any], world: ExactWorld, one: Inputs, x_t: Tensor, timesteps: list[int]
) -> Any:
    t, t_prev = timesteps
    return student(world, x_t, t, t_prev, world.embed(one["prompts"]))

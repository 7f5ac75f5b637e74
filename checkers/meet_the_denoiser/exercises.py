"""Lesson 00: what `sample_grid` must do, and how it goes wrong."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges.evidence import hide_in, with_evidence
from checkers.engine.judges.inputs import draw_count, draw_pictures, draw_seed
from checkers.engine.judges.values import all_of, form_problem, same_answer, same_values
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs
from checkers.meet_the_denoiser.probe import draw_grids
from lessons.workbench.denoisers.denoiser import PICTURE_SHAPE
from solutions.meet_the_denoiser import sample_grid

PROMPTS = ("a rocket ship", "a man wearing a hat", "a snowy mountain village")
LEFT_OVER_NOISE = 0.1
"""At t = 0 a picture still has noise of standard deviation 0.0064, so two differ by 0.009."""

CONTRAST_TOLERANCE = 0.002
"""Left-over noise changes it by 0.0001, seldom by 0.0003."""


def _pictures(generator: torch.Generator) -> dict[str, Tensor]:
    """A picture for each prompt, the empty one included."""
    made = draw_pictures(generator, len(PROMPTS) + 1, *PICTURE_SHAPE, reach=0.08)
    return dict(zip(("", *PROMPTS), made, strict=True))


def _grid(prompts: tuple[str, ...], steps: int, seed: int) -> Inputs:
    return {"prompts": prompts, "steps": steps, "seed": seed}


def _order_inputs(generator: torch.Generator) -> Inputs:
    """A world with one picture for each prompt, so that chance cannot hide a mix-up."""
    grids = [
        _grid(PROMPTS, 6, draw_seed(generator)),
        _grid((PROMPTS[2], PROMPTS[0]), 6, draw_seed(generator)),
        _grid((PROMPTS[1],), 6, draw_seed(generator)),
    ]
    return {"pictures": _pictures(generator), "std": 0.0, "grids": grids}


def _steps_inputs(generator: torch.Generator) -> Inputs:
    counts = [2, draw_count(generator, 3, 23), draw_count(generator, 36, 50)]
    grids = [_grid(PROMPTS[:1], steps, draw_seed(generator)) for steps in counts]
    return {"pictures": _pictures(generator), "std": 0.3, "grids": grids}


def _scattered(generator: torch.Generator, *grids: Inputs) -> Inputs:
    """A world of scattered pictures, with a secret in all of them."""
    hidden = hide_in(_pictures(generator), generator)
    return {"pictures": hidden["means"], "secret": hidden["secret"], "std": 0.2, "grids": grids}


def _same_seed_inputs(generator: torch.Generator) -> Inputs:
    """One seed, twice, and again with another number of prompts in between; and 0 and -1, twice."""
    seed = draw_seed(generator)
    grids = [_grid(PROMPTS, 4, seed), _grid(PROMPTS[:1], 4, seed), _grid(PROMPTS, 4, seed)]
    grids += [_grid(PROMPTS[:1], 2, seed) for seed in (0, 0, -1, -1)]
    return _scattered(generator, *grids)


def _other_seed_inputs(generator: torch.Generator) -> Inputs:
    """Seeds next to each other, and seeds with the same last digits."""
    seed = draw_seed(generator)
    seeds = (seed, seed + 1, seed + 1000, -seed)
    return _scattered(generator, *(_grid(PROMPTS, 4, one) for one in seeds))


def _twins_inputs(generator: torch.Generator) -> Inputs:
    grid = _grid((PROMPTS[0], PROMPTS[0], PROMPTS[0]), 4, draw_seed(generator))
    return _scattered(generator, grid)


def _labels(inputs: Inputs) -> list[str]:
    return [", ".join(map(repr, grid["prompts"])) for grid in inputs["grids"]]


def _same_contrast(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare how far values lie from their mean: in each of them left-over noise hides more."""
    mine, right = (_spread(seen["result"]) for seen in (observed, expected))
    if abs(mine - right) <= CONTRAST_TOLERANCE * right:
        return Verdict(True)
    return Verdict(
        False,
        f"The pictures' values have standard deviation {mine:.4f}; it should be {right:.4f}. "
        "Return the pictures as they are: nothing is done to them afterwards.",
    )


def _spread(value: Any) -> float:
    """The standard deviation of all numbers in a recorded value, which may be a list of others."""
    if isinstance(value, list):
        return math.sqrt(sum(_spread(one) ** 2 for one in value) / max(len(value), 1))
    return float(value.values.std()) if isinstance(value, Array) else 0.0


def _same_steps(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare the timesteps that the denoiser was asked about."""
    asked, wanted = observed.get("timesteps"), expected["timesteps"]
    if not isinstance(asked, list) or len(asked) != len(wanted):
        return Verdict(False, "The result cannot be read.")
    for mine, right, grid in zip(asked, wanted, inputs["grids"], strict=True):
        if mine != right:
            return Verdict(
                False,
                f"With num_inference_steps = {grid['steps']} the denoiser should be asked at "
                f"{len(right)} timesteps, from 990 down; it was asked at {len(mine)}.",
            )
    return Verdict(True)


def _right_form(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Every grid has the right shape and type."""
    results = observed.get("result")
    if not isinstance(results, list) or len(results) != len(expected["result"]):
        return Verdict(False, "The result cannot be read.")
    for mine, right in zip(results, expected["result"], strict=True):
        if problem := form_problem(mine, right, "the result"):
            return Verdict(False, problem)
    return Verdict(True)


SAMPLE_GRID = Exercise(
    reference=sample_grid,
    cases=[
        Case(
            "one picture for each prompt, in the order of the prompts",
            2,
            _order_inputs,
            all_of(
                same_values(
                    what="the grid", labels=_labels, atol=LEFT_OVER_NOISE, rtol=0, show=True
                ),
                _same_contrast,
                same_answer(
                    "kept", says="Your function changes the list of prompts that it was given."
                ),
            ),
            draw_grids,
        ),
        Case("num_inference_steps reaches the sampler", 1, _steps_inputs, _same_steps, draw_grids),
        Case(
            "the same seed gives the same pictures",
            2,
            _same_seed_inputs,
            with_evidence(
                all_of(
                    _right_form,
                    same_answer(
                        "equal",
                        says="Called twice with the same prompts and seed, your function gives "
                        "other pictures.",
                    ),
                ),
                "result",
            ),
            draw_grids,
        ),
        Case(
            "another seed gives other pictures",
            1,
            _other_seed_inputs,
            with_evidence(
                same_answer(
                    "equal", says="Two different seeds give the same pictures. Is `seed` used?"
                ),
                "result",
            ),
            draw_grids,
        ),
        Case(
            "the same prompt three times gives three different pictures",
            1,
            _twins_inputs,
            with_evidence(
                all_of(
                    _right_form,
                    same_answer(
                        "twins",
                        says="The same prompt, given several times at once, gives the same "
                        "picture again. Each should start from noise of its own.",
                    ),
                ),
                "result",
            ),
            draw_grids,
        ),
    ],
    hints=[
        "`generate` does the work. It takes the denoiser, the prompts, the number of steps, and "
        "`generator=...`, which decides where the noise comes from.",
        "`torch.Generator().manual_seed(seed)` makes a source of random numbers that gives the "
        "same ones whenever the seed is the same.",
        "`generate(denoiser, prompts, num_inference_steps, generator=generator)` draws all prompts "
        "at once and returns the tensor that is asked for.",
    ],
)


EXERCISES = [SAMPLE_GRID]

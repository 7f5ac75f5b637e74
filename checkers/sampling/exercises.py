"""Lesson 05: what sampling from pure noise must do, and how it goes wrong."""

from __future__ import annotations

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges.evidence import hide_in, with_evidence
from checkers.engine.judges.inputs import draw_pictures, draw_schedule, draw_seed
from checkers.engine.judges.loops import same_spread
from checkers.engine.judges.sentences import CONTINUED, GLOBAL_SEED, OTHER_SEED
from checkers.engine.judges.starts import FIXED_START
from checkers.engine.judges.values import all_of, same_answer, same_form, same_moments, same_values
from checkers.engine.sandbox.inside.running import Inputs
from checkers.sampling.probe import (
    sample_gaussians,
    sample_points,
    sample_quietly,
    sample_repeatedly,
)
from lessons.workbench.denoisers.denoiser import PICTURE_SHAPE
from solutions.sampling import sample

TIMESTEPS = [990, 780, 560, 333, 130, 40, 8, 0]
STILL_NOISE = [990, 988, 985]
"""Steps so small, and ending so early, that the picture reaches far beyond [-1, 1] all the way."""
PHOTO, ROCKET = "a high quality photo", "a rocket ship"
PROMPTS = ("", PHOTO, ROCKET)


def _means(generator: torch.Generator, reach: float) -> dict[str, Tensor]:
    made = draw_pictures(generator, len(PROMPTS), *PICTURE_SHAPE, reach=reach)
    return dict(zip(PROMPTS, made, strict=True))


def _quiet_inputs(generator: torch.Generator, *calls: Inputs) -> Inputs:
    return {**hide_in(_means(generator, 0.36), generator), "std": 0.15, "calls": list(calls)}


def _call(n: int, timesteps: list[int], *, double: bool = False) -> Inputs:
    return {"n": n, "prompts": [PHOTO], "timesteps": timesteps, "double": double}


def _form_inputs(generator: torch.Generator) -> Inputs:
    few = [990, 400, 0]
    return _quiet_inputs(generator, _call(1, few), _call(3, few), _call(2, few, double=True))


def _start_inputs(generator: torch.Generator) -> Inputs:
    return _quiet_inputs(generator, _call(6, [990, 0]))


def _way_inputs(generator: torch.Generator) -> Inputs:
    own = torch.randperm(98, generator=generator)[:6].sort(descending=True).values
    even = list(range(960, -1, -120))
    lists = (TIMESTEPS, even, [990, *(10 * own + 5).tolist(), 0], STILL_NOISE)
    calls = [_call(1, timesteps) for timesteps in lists]
    calls[2]["schedule"] = draw_schedule(generator)
    return _quiet_inputs(generator, *calls)


def _point_inputs(generator: torch.Generator) -> Inputs:
    return {
        "points": _means(generator, 0.9),
        "n": 2,
        "prompts": [ROCKET, PHOTO],
        "timesteps": TIMESTEPS,
    }


def _gaussian_inputs(generator: torch.Generator) -> Inputs:
    mean = torch.full(PICTURE_SHAPE, -0.3 + 0.2 * float(torch.rand((), generator=generator)))
    return {
        **hide_in({"": mean + 0.1, PHOTO: mean}, generator, strength=0.06),
        "std": 0.2,
        "n": 2,
        "prompts": [PHOTO],
        "timesteps": TIMESTEPS,
        "seed": draw_seed(generator),
    }


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    return {**_gaussian_inputs(generator), "n": 1, "timesteps": [990, 500, 100]}


_same_distances = same_values("off", atol=0.01, rtol=0.1)


def _each_step_lands(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare how far the steps end from the mean that they should lead to; nowhere, if right."""
    if _same_distances(observed, expected, inputs).passed:
        return Verdict(True)
    return Verdict(
        False,
        "A step does not end on the mean that posterior_mean gives, plus noise. Does your "
        "iterative_denoise pass its own check? Change nothing between its steps or after them.",
    )


SAMPLE = Exercise(
    reference=sample,
    cases=[
        Case(
            "n pictures of shape (3, 64, 64) come out, of the denoiser's dtype",
            1,
            _form_inputs,
            same_form(what="the samples"),
            sample_quietly,
        ),
        Case(
            "it starts from standard normal noise, different for every picture",
            2,
            _start_inputs,
            all_of(
                same_answer(
                    "apart",
                    says="Two of the pictures that the denoiser is shown first are the same: draw "
                    "noise for each of the n.",
                ),
                with_evidence(
                    same_moments("start", what="what the denoiser is shown first"), "result"
                ),
            ),
            sample_quietly,
        ),
        Case(
            "it takes every step, from timesteps[0] to the last",
            2,
            _way_inputs,
            all_of(
                same_answer(
                    "asked",
                    says="The denoiser is not asked at every timestep but the last, in their "
                    "order. All steps belong to a sample, from i_start = 0.",
                ),
                same_answer(
                    lambda observed: [
                        [step for step in steps if step[1] not in (0, STILL_NOISE[-1])]
                        for steps in observed.get("noise_steps") or []
                    ],
                    says="add_variance is not called once in every step.",
                ),
                same_form(what="the samples"),
                _each_step_lands,
            ),
            sample_quietly,
        ),
        Case(
            "where each prompt has one picture, that picture comes out",
            2,
            _point_inputs,
            same_values(what="the sample", atol=0.06, show=True),
            sample_points,
        ),
        Case(
            "where pictures are normally distributed, samples have their mean and spread",
            2,
            _gaussian_inputs,
            with_evidence(same_spread, "result"),
            sample_gaussians,
        ),
        Case(
            "a generator makes samples repeatable; without one, they differ",
            1,
            _repeat_inputs,
            with_evidence(
                all_of(
                    same_answer(
                        "unseeded",
                        says="Two calls without a generator give the same samples. Set no seed "
                        "inside the function.",
                    ),
                    same_answer("other_seed", says=OTHER_SEED),
                    same_answer("quiet_unseeded", says=FIXED_START),
                    same_answer("continued", says=CONTINUED),
                    same_answer("global_seed", says=GLOBAL_SEED),
                    same_answer(
                        "quiet_same_seed",
                        says="Two calls with generators of the same seed start from different "
                        "noise: pass `generator=generator` to torch.randn.",
                    ),
                    same_answer(
                        "same_seed",
                        says="Two calls with generators of the same seed start alike but end in "
                        "different samples: pass the generator on to iterative_denoise.",
                    ),
                ),
                "result",
            ),
            sample_repeatedly,
        ),
    ],
    hints=[
        "Two things are left to do: draw x_t at the first timestep, which is pure noise, and hand "
        "it to `iterative_denoise`.",
        "`torch.randn(n, 3, 64, 64, generator=generator, device=...)` draws the noise. All steps "
        "belong to a sample, so `i_start` is 0.",
        "A generator draws on its own device, so draw there (`generator.device`, or "
        "`denoiser.device` if there is none) and move the noise with `.to(denoiser.device, "
        "denoiser.dtype)`.",
    ],
)


EXERCISES = [SAMPLE]

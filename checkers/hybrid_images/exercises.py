"""Lesson 10: what `hybrid_noise` and `make_hybrids` must do, and how they go wrong."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges.cases import form_case
from checkers.engine.judges.inputs import draw_noise, draw_pictures
from checkers.engine.judges.loops import same_last_picture
from checkers.engine.judges.pair_loops import TIMESTEPS, pair_loop_cases
from checkers.engine.judges.values import same_form, same_values
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from checkers.hybrid_images.probe import (
    denoise_quietly,
    denoise_repeatedly,
    denoise_to_gaussians,
    denoise_to_points,
)
from solutions.hybrid_images import hybrid_noise, make_hybrids

WAVE, SKULL, PENCIL = "a wave", "a skull", "a pencil"
PROMPTS = ("", WAVE, SKULL, PENCIL)
STD = 0.1
SIZE = (20, 24)
ATOL = 1e-3  # a Gaussian kernel may end a little earlier, at four standard deviations, say


# --- hybrid_noise ---------------------------------------------------------------------------------


def _join(generator: torch.Generator, *shape: int, **changed: Tensor | float) -> Inputs:
    call = {"noise_far": draw_noise(generator, *shape), "noise_near": draw_noise(generator, *shape)}
    return {**call, **changed}


def _far_inputs(generator: torch.Generator) -> Inputs:
    """Nothing close by: only the low pass of the first is left."""
    nothing = torch.zeros(1, 3, 64, 64)
    return {"calls": [_join(generator, 1, 3, 64, 64, noise_near=nothing)]}


def _near_inputs(generator: torch.Generator) -> Inputs:
    """Nothing from afar: only the high pass of the second is left."""
    nothing = torch.zeros(1, 3, 64, 64)
    return {"calls": [_join(generator, 1, 3, 64, 64, noise_far=nothing)]}


def _same_inputs(generator: torch.Generator) -> Inputs:
    """Twice the same estimate: low and high frequencies add up to all of it."""
    noise = draw_noise(generator, 1, 3, 64, 64)
    return {"calls": [{"noise_far": noise, "noise_near": noise.clone()}]}


def _filter_inputs(generator: torch.Generator) -> Inputs:
    """Other filters than the default."""
    calls = [
        _join(generator, 2, 3, 48, 48, kernel_size=kernel_size, sigma=sigma)
        for kernel_size, sigma in ((33, 3.5), (9, 1.0), (5, 2.0))
    ]
    return {"calls": calls}


def _join_form_inputs(generator: torch.Generator) -> Inputs:
    """A batch, and double precision."""
    double = {name: x.double() for name, x in _join(generator, 1, 3, 24, 32).items()}
    return {"calls": [_join(generator, 3, 3, 64, 64), double]}


def _filters(inputs: Inputs) -> list[str]:
    return [
        f"kernel_size = {call.get('kernel_size', 33)}, sigma = {call.get('sigma', 2):g}"
        for call in inputs["calls"]
    ]


def _same_form(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """As `same_form`, but a result in single precision is right, with a remark."""
    verdict = same_form()(observed, expected, inputs)
    results = observed.get("result")
    if verdict.passed or not isinstance(results, list) or len(results) != len(inputs["calls"]):
        return verdict
    as_asked = [
        replace(mine, dtype=target.dtype)
        if isinstance(mine, Array) and mine.dtype == "float32"
        else mine
        for mine, target in zip(results, expected["result"], strict=True)
    ]
    verdict = same_form()({**observed, "result": as_asked}, expected, inputs)
    if not verdict.passed:
        return verdict
    return Verdict(
        True,
        "Right. You blur in float32, which is a good idea in half precision. Converting back at "
        "the end, `.to(noise_far.dtype)`, would keep the type that came in.",
    )


HYBRID_NOISE = Exercise(
    reference=hybrid_noise,
    cases=[
        Case(
            "of noise_far, the low frequencies are kept",
            2,
            _far_inputs,
            same_values(
                what="the noise with noise_near = 0", labels=_filters, atol=ATOL, show=True
            ),
            call_many,
        ),
        Case(
            "of noise_near, the high frequencies are kept",
            2,
            _near_inputs,
            same_values(what="the noise with noise_far = 0", labels=_filters, atol=ATOL, show=True),
            call_many,
        ),
        Case(
            "two estimates that agree give back that estimate",
            1,
            _same_inputs,
            same_values(what="the noise", labels=_filters, atol=ATOL, show=True),
            call_many,
        ),
        Case(
            "kernel_size and sigma are used",
            1,
            _filter_inputs,
            same_values(what="the noise", labels=_filters, atol=ATOL, show=True),
            call_many,
        ),
        form_case(_join_form_inputs, judge=_same_form),
    ],
    hints=[
        "`gaussian_blur(e, kernel_size, sigma)` from torchvision is the low pass.",
        "The high pass is what the low pass takes away, with the same filter: "
        "`e - gaussian_blur(e, kernel_size, sigma)`. Which of the two estimates is `e` here?",
        "Low pass of `noise_far` plus high pass of `noise_near`.",
    ],
)


# --- make_hybrids ---------------------------------------------------------------------------------


def _means(generator: torch.Generator, reach: float) -> dict[str, Tensor]:
    """A picture with both low and high frequencies for each prompt, within [-reach, reach]."""
    shape = (len(PROMPTS), 3, *SIZE)
    smooth = draw_pictures(generator, *shape)
    fine = torch.rand(shape, generator=generator) * 2 - 1
    return dict(zip(PROMPTS, reach * (0.6 * smooth + 0.4 * fine), strict=True))


def _point_inputs(generator: torch.Generator) -> Inputs:
    """Each prompt has one picture: from pure noise, the plain hybrid of both must come out."""
    return {
        "points": _means(generator, 0.7),
        "im_noisy": draw_noise(generator, 1, 3, *SIZE),
        "i_start": 0,
        "prompts": [[WAVE], [SKULL]],
        "timesteps": TIMESTEPS,
        "scale": 1.0,
    }


MAKE_HYBRIDS = Exercise(
    reference=make_hybrids,
    cases=pair_loop_cases(
        _means,
        STD,
        denoise_quietly,
        denoise_repeatedly,
        denoise_to_gaussians,
        pair=((WAVE,), (SKULL,)),
        pairs_of_two=((PENCIL, WAVE), (WAVE, SKULL)),
        pair_of_three=((SKULL,), (PENCIL,)),
        known=Case(
            "where each prompt has one picture, their plain hybrid comes out",
            1,
            _point_inputs,
            same_last_picture,
            denoise_to_points,
        ),
    ),
    hints=[
        "It is the loop of lesson 06 with three estimates in every step: without a prompt, with "
        "the far one, with the near one.",
        "Guide both, then join them: `hybrid_noise(guide(noise_uncond, noise_far, scale), "
        "guide(noise_uncond, noise_near, scale))`.",
        "From there it goes on as always: predict_original, posterior_mean, add_variance. Only the "
        "noise is filtered, neither x_t nor the variance.",
    ],
)


EXERCISES = [HYBRID_NOISE, MAKE_HYBRIDS]

"""Lesson 04: what a loop over many denoising steps must do, and how it goes wrong."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges.cases import form_case
from checkers.engine.judges.evidence import hide_in, with_evidence
from checkers.engine.judges.inputs import draw_noise, draw_pictures, draw_seed, noisy_run
from checkers.engine.judges.loops import (
    ENDS_EARLY,
    loop_cases,
    same_brightness,
    same_last_picture,
    same_spread,
)
from checkers.engine.judges.sentences import NO_RETURN
from checkers.engine.judges.values import describe, each_call, same_values
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from checkers.iterative_denoising.probe import (
    denoise_quietly,
    denoise_repeatedly,
    denoise_to_gaussians,
    denoise_to_points,
)
from lessons.workbench.denoisers import squared_cosine_alphas_cumprod
from solutions.forward_noising import forward
from solutions.iterative_denoising import iterative_denoise, posterior_mean, strided_timesteps

EVEN_TIMESTEPS = list(range(990, -1, -90))
UNEVEN_TIMESTEPS = [990, 780, 560, 333, 130, 40, 8, 0]
PHOTO, ROCKET = "a high quality photo", "a rocket ship"
PROMPTS = ("", PHOTO, ROCKET)
STD = 0.15
STEPS = ((690, 660), (300, 240), (950, 200), (10, 0))
# A wrong answer with every timestep, so often, still fits what one process may tell another.
MOST_CALLS = 200


# --- strided_timesteps ----------------------------------------------------------------------------


def _stride_inputs(*pairs: tuple[int, int]) -> Inputs:
    return {"calls": [{"start": start, "stride": stride} for start, stride in pairs]}


def _course_inputs(generator: torch.Generator) -> Inputs:
    """So many calls that nobody knows how many they are: all else is the same in every run."""
    count = int(torch.randint(2, MOST_CALLS, (), generator=generator))
    return _stride_inputs(*[(990, 30)] * count)


def _any_stride_inputs(generator: torch.Generator) -> Inputs:
    pairs = [(980, 20), (12, 1), (30, 30), (0, 30)]
    for _ in range(2):
        stride = int(torch.randint(2, 60, (), generator=generator))
        steps = int(torch.randint(3, 15, (), generator=generator))
        pairs.append((stride * steps, stride))
    return _stride_inputs(*pairs)


def same_timesteps(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge lists of timesteps; a tuple, range or tensor of whole numbers will do."""
    results = observed.get("result")
    if not isinstance(results, list) or len(results) != len(inputs["calls"]):
        return Verdict(False, "The result cannot be read.")
    for one, mine, target in zip(inputs["calls"], results, expected["result"], strict=True):
        where = f"strided_timesteps({one['start']}, {one['stride']})"
        if isinstance(target, Array):
            target = target.values.tolist()
        if problem := _timesteps_problem(mine, target, where):
            return Verdict(False, problem)
    return Verdict(True)


def _timesteps_problem(mine: Any, target: list, where: str) -> str:
    if mine is None:
        return NO_RETURN
    steps = mine.values.tolist() if isinstance(mine, Array) else mine
    if not isinstance(steps, list) or not all(isinstance(s, int | float) for s in steps):
        return f"{where} should be a list of timesteps, but it is {describe(mine)}."
    if steps == target and not any(isinstance(s, float) for s in [*steps, *target]):
        return ""
    if [*map(float, steps)] == [*map(float, target)]:
        both = all(isinstance(s, float) for s in [*steps, *target])
        return "" if both else f"{where} holds decimal numbers. Timesteps are whole numbers: ints."
    if not steps:
        return f"{where} is empty; it should begin with {target[0]}."
    return (
        f"{where} has {len(steps)} entries, from {steps[0]:g} to {steps[-1]:g}; it should have "
        f"{len(target)}, from {target[0]:g} to {target[-1]:g}."
    )


STRIDED_TIMESTEPS = Exercise(
    reference=strided_timesteps,
    cases=[
        Case(
            "from 990 by 30 there are 34 timesteps: 990, 960, ..., 30, 0",
            1,
            _course_inputs,
            same_timesteps,
            call_many,
        ),
        Case(
            "other starts and strides count too", 1, _any_stride_inputs, same_timesteps, call_many
        ),
    ],
    hints=[
        "Python's `range(first, end, step)` also counts down, with a negative step. It stops "
        "before `end`.",
        "0 must be in the list, so `end` has to lie beyond it: -1 does.",
    ],
)


# --- posterior_mean -------------------------------------------------------------------------------


def _mean_call(generator: torch.Generator, t: int, t_prev: int, **changed: Tensor) -> Inputs:
    call = {
        "x_t": draw_noise(generator, 2, 3, 32, 32),
        "x_0": draw_pictures(generator, 2, 3, 32, 32),
        "t": t,
        "t_prev": t_prev,
        "alphas_cumprod": squared_cosine_alphas_cumprod(),
    }
    return {**call, **changed}


def _x_0_inputs(generator: torch.Generator) -> Inputs:
    """With x_t = 0 only the weight of x_0 is left."""
    nothing = torch.zeros(2, 3, 32, 32)
    return {"calls": [_mean_call(generator, *step, x_t=nothing) for step in STEPS]}


def _x_t_inputs(generator: torch.Generator) -> Inputs:
    """With x_0 = 0 only the weight of x_t is left."""
    nothing = torch.zeros(2, 3, 32, 32)
    return {"calls": [_mean_call(generator, *step, x_0=nothing) for step in STEPS]}


def _both_inputs(generator: torch.Generator) -> Inputs:
    """Both together, on a schedule nobody has seen; x_0 may lie beyond [-1, 1]."""
    falling = torch.rand(40, generator=generator).mul(0.2).add(0.02).neg().exp().cumprod(0)
    far = draw_pictures(generator, 2, 3, 32, 32, reach=1.6)
    changed = {"alphas_cumprod": falling, "x_0": far}
    steps = ((39, 30), (20, 19), (15, 3), (2, 0))
    return {"calls": [_mean_call(generator, *step, **changed) for step in steps]}


def _mean_form_inputs(generator: torch.Generator) -> Inputs:
    """Batches of other sizes, in single and double precision."""
    abar = squared_cosine_alphas_cumprod()
    calls = []
    for shape, dtype in (((3, 3, 64, 64), torch.float32), ((2, 1, 8, 12), torch.float64)):
        x_t, x_0 = (draw_noise(generator, *shape).to(dtype) for _ in range(2))
        calls.append({"x_t": x_t, "x_0": x_0, "t": 600, "t_prev": 570, "alphas_cumprod": abar})
    return {"calls": calls}


_each_step = each_call("t = {t}, t_prev = {t_prev}")


POSTERIOR_MEAN = Exercise(
    reference=posterior_mean,
    cases=[
        Case(
            "the weight of x_0 is right",
            2,
            _x_0_inputs,
            same_values(what="the mean for x_t = 0", labels=_each_step, show=True),
            call_many,
        ),
        Case(
            "the weight of x_t is right",
            2,
            _x_t_inputs,
            same_values(what="the mean for x_0 = 0", labels=_each_step, show=True),
            call_many,
        ),
        Case(
            "both are added, on any schedule",
            1,
            _both_inputs,
            same_values(what="the mean", labels=_each_step, show=True),
            call_many,
        ),
        form_case(_mean_form_inputs),
    ],
    hints=[
        "Give the numbers names first: `abar_t = alphas_cumprod[t]`, "
        "`abar_prev = alphas_cumprod[t_prev]`, then alpha and beta from these two.",
        "`alpha = abar_t / abar_prev` and `beta = 1 - alpha`. They belong to the whole step from t "
        "to t_prev, however long it is.",
        "x_0 is multiplied by `abar_prev.sqrt() * beta / (1 - abar_t)`, x_t by "
        "`alpha.sqrt() * (1 - abar_prev) / (1 - abar_t)`.",
    ],
)


# --- iterative_denoise ----------------------------------------------------------------------------


def _run(
    generator: torch.Generator,
    i_start: int,
    timesteps: list[int],
    prompts: tuple[str, ...] = (PHOTO,),
    batch: int | None = None,
    far: bool = False,
) -> Inputs:
    """A run in a world of three prompts; the pictures lie well within [-1, 1], unless `far`."""
    reach = 1.6 if far else 0.4
    made = draw_pictures(generator, len(PROMPTS), 3, 12, 16, reach=reach)
    means: dict[str, Tensor] = dict(zip(PROMPTS, made, strict=True))
    return noisy_run(generator, means, i_start, timesteps, prompts, batch)


def _point_inputs(generator: torch.Generator) -> Inputs:
    """Each prompt has one picture; the loop starts from pure noise."""
    points = draw_pictures(generator, 2, 3, 32, 32, reach=0.9)
    return {
        "points": {PHOTO: points[0], ROCKET: points[1]},
        "im_noisy": draw_noise(generator, 2, 3, 32, 32),
        "i_start": 0,
        "prompts": [PHOTO, ROCKET],
        "timesteps": UNEVEN_TIMESTEPS,
    }


def _gaussian_inputs(generator: torch.Generator) -> Inputs:
    """One Gaussian for all pixels; the loop starts in the middle of a list of few steps."""
    mean = torch.full((3, 40, 40), 0.2)
    hidden = hide_in({"": mean - 0.1, PHOTO: mean}, generator, strength=0.05)
    x_0 = hidden["means"][PHOTO] + 0.2 * draw_noise(generator, 3, 3, 40, 40)
    abar, drawn = squared_cosine_alphas_cumprod(), draw_noise(generator, 3, 3, 40, 40)
    return {
        **hidden,
        "std": 0.2,
        "im_noisy": forward(x_0, UNEVEN_TIMESTEPS[1], abar, drawn),
        "i_start": 1,
        "prompts": [PHOTO],
        "timesteps": UNEVEN_TIMESTEPS,
        "seed": draw_seed(generator),
    }


def _cut_short_inputs(generator: torch.Generator) -> Inputs:
    """The same, with a list that ends in the middle, as for a film strip: noise must be left."""
    return {**_gaussian_inputs(generator), "timesteps": UNEVEN_TIMESTEPS[:4]}


ITERATIVE_DENOISE = Exercise(
    reference=iterative_denoise,
    cases=loop_cases(
        _run,
        STD,
        denoise_quietly,
        denoise_repeatedly,
        loop=[(4, EVEN_TIMESTEPS), (0, UNEVEN_TIMESTEPS[:4]), (2, ENDS_EARLY)],
        far=(2, UNEVEN_TIMESTEPS),
        prompts=[
            (
                "the prompt is passed on; batches work",
                1,
                (2, UNEVEN_TIMESTEPS, (ROCKET, PHOTO)),
                (3, UNEVEN_TIMESTEPS, (ROCKET,), 3),
            )
        ],
        added=[(5, EVEN_TIMESTEPS, (PHOTO, ROCKET)), (2, ENDS_EARLY)],
        known=[
            Case(
                "where there is one picture only, that picture comes out",
                1,
                _point_inputs,
                same_last_picture,
                denoise_to_points,
            ),
            Case(
                "where pictures are normally distributed, samples have their mean and spread",
                2,
                _gaussian_inputs,
                with_evidence(same_spread, "result"),
                denoise_to_gaussians,
            ),
            Case(
                "if the list ends early, the picture keeps the noise of its last timestep",
                1,
                _cut_short_inputs,
                with_evidence(same_brightness(), "result"),
                denoise_to_gaussians,
            ),
        ],
        repeated=(2, UNEVEN_TIMESTEPS),
        form=[(3, UNEVEN_TIMESTEPS, (ROCKET,) * 3), (4, UNEVEN_TIMESTEPS)],
    ),
    hints=[
        "A step needs four lines: ask the denoiser for its estimate, get x_0 with "
        "`predict_original`, the mean with `posterior_mean`, and the noise with "
        "`denoiser.add_variance`.",
        "`for i in range(i_start, len(timesteps) - 1)` makes `t = timesteps[i]` and "
        "`t_prev = timesteps[i + 1]`; the last step ends at `timesteps[-1]`.",
        "The result of a step, `x_t = denoiser.add_variance(mean, estimate.variance, t, t_prev, "
        "generator)`, is what the next step starts from.",
    ],
)


EXERCISES = [STRIDED_TIMESTEPS, POSTERIOR_MEAN, ITERATIVE_DENOISE]

"""Lesson 04: what a loop over many denoising steps must do, and how it goes wrong."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges.loops import same_noise_added, same_path
from checkers.engine.judges.values import (
    all_of,
    describe,
    same_answer,
    same_form,
    same_moments,
    same_values,
)
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
from solutions.iterative_denoising import iterative_denoise, posterior_mean, strided_timesteps

EVEN_TIMESTEPS = list(range(990, -1, -90))


UNEVEN_TIMESTEPS = [990, 780, 560, 333, 130, 40, 8, 0]


def _pictures(generator: torch.Generator, count: int, side: int, reach: float = 0.5) -> Tensor:
    """Smooth random pictures within [-reach, reach], so that a report's pictures show something."""
    coarse = torch.rand(count, 3, 4, 4, generator=generator) * 2 - 1
    smooth = torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")
    return smooth * reach


def _noise(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator)


# --- strided_timesteps ----------------------------------------------------------------------------


def _stride_inputs(*pairs: tuple[int, int]) -> Inputs:
    return {"calls": [{"start": start, "stride": stride} for start, stride in pairs]}


def _any_stride_inputs(generator: torch.Generator) -> Inputs:
    pairs = [(980, 20), (12, 1)]
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
        return "Your function returned None. Is the last line, `return ...`, missing?"
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
            lambda generator: _stride_inputs((990, 30)),
            same_timesteps,
            call_many,
        ),
        Case(
            "other starts and strides count too",
            1,
            _any_stride_inputs,
            same_timesteps,
            call_many,
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
        "x_t": _noise(generator, 2, 3, 32, 32),
        "x_0": _pictures(generator, 2, 32, reach=1.0),
        "t": t,
        "t_prev": t_prev,
        "alphas_cumprod": squared_cosine_alphas_cumprod(),
    }
    return {**call, **changed}


STEPS = ((690, 660), (300, 240), (950, 200))


def _x_0_inputs(generator: torch.Generator) -> Inputs:
    """With x_t = 0 only the weight of x_0 is left."""
    nothing = torch.zeros(2, 3, 32, 32)
    return {"calls": [_mean_call(generator, *step, x_t=nothing) for step in STEPS]}


def _x_t_inputs(generator: torch.Generator) -> Inputs:
    """With x_0 = 0 only the weight of x_t is left."""
    nothing = torch.zeros(2, 3, 32, 32)
    return {"calls": [_mean_call(generator, *step, x_0=nothing) for step in STEPS]}


def _both_inputs(generator: torch.Generator) -> Inputs:
    """Both together, on a schedule nobody has seen."""
    falling = torch.rand(40, generator=generator).mul(0.2).add(0.02).neg().exp().cumprod(0)
    steps = ((39, 30), (20, 19), (15, 3))
    return {"calls": [_mean_call(generator, *step, alphas_cumprod=falling) for step in steps]}


def _mean_form_inputs(generator: torch.Generator) -> Inputs:
    """Batches of other sizes, in single and double precision."""
    abar = squared_cosine_alphas_cumprod()
    calls = []
    for shape, dtype in (((3, 3, 64, 64), torch.float32), ((2, 1, 8, 12), torch.float64)):
        x_t, x_0 = _noise(generator, *shape).to(dtype), _noise(generator, *shape).to(dtype)
        calls.append({"x_t": x_t, "x_0": x_0, "t": 600, "t_prev": 570, "alphas_cumprod": abar})
    return {"calls": calls}


def _steps(inputs: Inputs) -> list[str]:
    return [f"t = {call['t']}, t_prev = {call['t_prev']}" for call in inputs["calls"]]


POSTERIOR_MEAN = Exercise(
    reference=posterior_mean,
    cases=[
        Case(
            "the weight of x_0 is right",
            2,
            _x_0_inputs,
            same_values(what="the mean for x_t = 0", labels=_steps, show=True),
            call_many,
        ),
        Case(
            "the weight of x_t is right",
            2,
            _x_t_inputs,
            same_values(what="the mean for x_0 = 0", labels=_steps, show=True),
            call_many,
        ),
        Case(
            "both are added, on any schedule",
            1,
            _both_inputs,
            same_values(what="the mean", labels=_steps, show=True),
            call_many,
        ),
        Case(
            "shape, dtype and device are kept, and no input is changed",
            1,
            _mean_form_inputs,
            same_form(),
            call_many,
        ),
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


def _quiet_call(
    generator: torch.Generator,
    i_start: int,
    timesteps: list[int],
    prompts: tuple[str, ...] = ("a high quality photo",),
    reach: float = 0.4,
) -> Inputs:
    """A run in a world of four prompts; the pictures lie far enough within [-1, 1]."""
    means = _pictures(generator, 3, 12, reach)
    noise = _noise(generator, len(prompts), 3, 12, 12).clamp(-2.5, 2.5)
    abar = squared_cosine_alphas_cumprod()[timesteps[i_start]]
    chosen = torch.stack([means[PROMPTS.index(prompt)] for prompt in prompts])
    return {
        "means": dict(zip(PROMPTS, means, strict=True)),
        "im_noisy": abar.sqrt() * chosen + (1 - abar).sqrt() * noise,
        "i_start": i_start,
        "prompts": list(prompts),
        "timesteps": timesteps,
    }


PROMPTS = ("", "a high quality photo", "a rocket ship")


STD = 0.15


def _one_step_inputs(generator: torch.Generator) -> Inputs:
    steps = ([690, 660], [400, 250], [60, 30])
    return {"std": STD, "calls": [_quiet_call(generator, 0, step) for step in steps]}


def _loop_inputs(generator: torch.Generator) -> Inputs:
    """Even and uneven lists, from their beginning and from later, one that ends early."""
    photo = ("a high quality photo",)
    return {
        "std": STD,
        "calls": [
            _quiet_call(generator, 4, EVEN_TIMESTEPS),
            _quiet_call(generator, 0, UNEVEN_TIMESTEPS[:4]),
            _quiet_call(generator, 2, [900, 640, 333, 77, 12]),
        ],
        "far": _quiet_call(generator, 2, UNEVEN_TIMESTEPS, photo, reach=1.6),
    }


def _prompt_inputs(generator: torch.Generator) -> Inputs:
    """A prompt for each picture of a batch, and one prompt for all of them."""
    return {
        "std": STD,
        "calls": [
            _quiet_call(generator, 2, UNEVEN_TIMESTEPS, ("a rocket ship", "a high quality photo")),
            {
                **_quiet_call(generator, 3, UNEVEN_TIMESTEPS, ("a rocket ship",) * 3),
                "prompts": ["a rocket ship"],
            },
        ],
    }


def _noise_call_inputs(generator: torch.Generator) -> Inputs:
    return {
        "std": STD,
        "calls": [
            _quiet_call(generator, 5, EVEN_TIMESTEPS),
            _quiet_call(generator, 2, [900, 640, 333, 77, 12]),
        ],
    }


def _noisy_start(generator: torch.Generator, means: Tensor, std: float, t: int) -> Tensor:
    """x_t of pictures drawn from the world itself, (len(means), 3, H, W)."""
    abar = squared_cosine_alphas_cumprod()[t]
    x_0 = means + std * _noise(generator, *means.shape)
    return abar.sqrt() * x_0 + (1 - abar).sqrt() * _noise(generator, *means.shape)


def _point_inputs(generator: torch.Generator) -> Inputs:
    """Each prompt has one picture; the loop starts from pure noise."""
    points = _pictures(generator, 2, 32, reach=0.9)
    return {
        "points": {"a high quality photo": points[0], "a rocket ship": points[1]},
        "im_noisy": _noise(generator, 2, 3, 32, 32),
        "i_start": 0,
        "prompts": ["a high quality photo", "a rocket ship"],
        "timesteps": UNEVEN_TIMESTEPS,
    }


def _gaussian_inputs(generator: torch.Generator) -> Inputs:
    """One Gaussian for all pixels; the loop starts in the middle of a list of few steps."""
    mean = torch.full((3, 40, 40), 0.2)
    start = _noisy_start(generator, mean.expand(3, -1, -1, -1), 0.2, UNEVEN_TIMESTEPS[1])
    return {
        "means": {"": mean - 0.1, "a high quality photo": mean},
        "std": 0.2,
        "im_noisy": start,
        "i_start": 1,
        "prompts": ["a high quality photo"],
        "timesteps": UNEVEN_TIMESTEPS,
    }


def _cut_short_inputs(generator: torch.Generator) -> Inputs:
    """The same, with a list that ends in the middle, as for a film strip: noise must be left."""
    return {**_gaussian_inputs(generator), "timesteps": UNEVEN_TIMESTEPS[:4]}


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    mean = torch.full((3, 12, 12), 0.2)
    return {
        "means": {"": mean - 0.1, "a high quality photo": mean},
        "std": 0.2,
        "im_noisy": _noise(generator, 1, 3, 12, 12),
        "i_start": 0,
        "prompts": ["a high quality photo"],
        "timesteps": [990, 500, 100],
        "seed": int(torch.randint(1, 10**6, (), generator=generator)),
    }


def _loop_form_inputs(generator: torch.Generator) -> Inputs:
    """Batches, in single and double precision."""
    single = _quiet_call(generator, 3, UNEVEN_TIMESTEPS, ("a rocket ship",) * 3)
    double = _quiet_call(generator, 4, UNEVEN_TIMESTEPS)
    return {"std": STD, "calls": [single, {**double, "im_noisy": double["im_noisy"].double()}]}


ITERATIVE_DENOISE = Exercise(
    reference=iterative_denoise,
    cases=[
        Case(
            "one step lands on the posterior mean, if no noise is added",
            2,
            _one_step_inputs,
            same_path(what="x_t_prev"),
            denoise_quietly,
        ),
        Case(
            "the loop goes from timesteps[i_start] to the end of the list",
            2,
            _loop_inputs,
            same_path(what="the last picture"),
            denoise_quietly,
        ),
        Case(
            "the prompt is passed on; batches work",
            1,
            _prompt_inputs,
            same_path(what="the last picture"),
            denoise_quietly,
        ),
        Case(
            "add_variance gets t, t_prev and the estimate's variance, once in every step",
            2,
            _noise_call_inputs,
            same_noise_added(),
            denoise_quietly,
        ),
        Case(
            "where there is one picture only, that picture comes out",
            1,
            _point_inputs,
            same_values(what="the last picture", atol=0.06, show=True),
            denoise_to_points,
        ),
        Case(
            "where pictures are normally distributed, samples have their mean and spread",
            2,
            _gaussian_inputs,
            same_moments(what="the pixels of your samples", slack=4e-3),
            denoise_to_gaussians,
        ),
        Case(
            "if the list ends early, the picture keeps the noise of its last timestep",
            1,
            _cut_short_inputs,
            same_moments(what="the pixels of your pictures"),
            denoise_to_gaussians,
        ),
        Case(
            "the generator draws the noise",
            1,
            _repeat_inputs,
            all_of(
                same_answer(
                    "same_seed",
                    says="Two runs with generators of the same seed give different pictures: pass "
                    "`generator` on to add_variance.",
                ),
                same_answer(
                    "unseeded",
                    says="Two runs without a generator give the same picture: new noise should be "
                    "drawn in every run.",
                ),
            ),
            denoise_repeatedly,
        ),
        Case(
            "it starts from im_noisy, leaves it as it is, and keeps shape, dtype and device",
            1,
            _loop_form_inputs,
            all_of(
                same_answer(
                    "begun",
                    says="The first picture that your loop shows the denoiser is not im_noisy.",
                ),
                same_form(),
            ),
            denoise_quietly,
        ),
    ],
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

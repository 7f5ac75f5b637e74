"""Lesson 04: what a loop over many denoising steps must do, and how it goes wrong."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges import (
    all_of,
    describe,
    same_answer,
    same_form,
    same_moments,
    same_values,
)
from checkers.engine.loop_judges import same_noise_added, same_path
from lessons.workbench.noise_schedule import squared_cosine_alphas_cumprod
from probes.call import call_many
from probes.iterative_denoising import (
    denoise_quietly,
    denoise_repeatedly,
    denoise_to_gaussians,
    denoise_to_points,
)
from probes.record import Array
from probes.running import Inputs
from solutions.iterative_denoising import iterative_denoise, posterior_mean, strided_timesteps
from solutions.one_step_denoising import predict_original

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


@STRIDED_TIMESTEPS.right_answer
def as_a_tensor(start, stride):
    return torch.arange(start, -1, -stride)


@STRIDED_TIMESTEPS.right_answer
def counted_up_and_turned(start, stride):
    return tuple(reversed(range(0, start + 1, stride)))


@STRIDED_TIMESTEPS.right_answer
def in_a_loop(first, step):
    found = []
    while first >= 0:
        found.append(first)
        first -= step
    return found


@STRIDED_TIMESTEPS.mistake(
    "It looks as if 0 is missing. range stops before its end: to get 0, the end has to be -1."
)
def zero_missing(start, stride):
    return list(range(start, 0, -stride))


@STRIDED_TIMESTEPS.mistake(
    "It looks as if the list goes up. A sampler begins with the noisiest picture: `start` comes "
    "first and 0 last."
)
def upwards(start, stride):
    return list(range(0, start + 1, stride))


@STRIDED_TIMESTEPS.mistake(
    "It looks as if `start` itself is missing. It is the first timestep of the list."
)
def start_missing(start, stride):
    return list(range(start - stride, -1, -stride))


@STRIDED_TIMESTEPS.mistake(
    "It looks as if `stride` is taken for the number of timesteps. It is the distance from one to "
    "the next."
)
def stride_as_a_count(start, stride):
    return [round(start * (1 - k / (stride - 1))) if stride > 1 else start for k in range(stride)]


@STRIDED_TIMESTEPS.mistake(
    "It looks as if every timestep is in the list. Only each `stride`-th should be."
)
def every_timestep(start, stride):
    return list(range(start, -1, -1))


@STRIDED_TIMESTEPS.mistake(
    "It looks as if 990 and 30 are written into your function. Use `start` and `stride`."
)
def always_the_course_list(start, stride):
    return list(range(990, -1, -30))


@STRIDED_TIMESTEPS.mistake(
    "It looks as if the timesteps are decimal numbers, as linspace makes them. They are used as "
    "places in alphas_cumprod, so they must be ints."
)
def decimal_numbers(start, stride):
    return np.linspace(start, 0, start // stride + 1).tolist()


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


@POSTERIOR_MEAN.right_answer
def as_a_detour(x_t, x_0, t, t_prev, alphas_cumprod):
    a, b = float(alphas_cumprod[t]), float(alphas_cumprod[t_prev])
    share = math.sqrt(a / b) * (1 - b) / (1 - a)
    return math.sqrt(b) * x_0 + share * (x_t - math.sqrt(a) * x_0)


@POSTERIOR_MEAN.right_answer
def weighed_by_precision(x, clean, now, then, schedule):
    abar_t, abar_prev = schedule[now].to(x.dtype), schedule[then].to(x.dtype)
    alpha = abar_t / abar_prev
    beta = 1 - alpha
    from_x_t, from_x_0 = alpha / beta, 1 / (1 - abar_prev)
    total = from_x_t * x / torch.sqrt(alpha) + from_x_0 * torch.sqrt(abar_prev) * clean
    return total / (from_x_t + from_x_0)


@POSTERIOR_MEAN.right_answer
def with_numpy(x_t, x_0, t, t_prev, alphas_cumprod):
    abar = alphas_cumprod.double().numpy()
    alpha = abar[t] / abar[t_prev]
    mean = np.sqrt(abar[t_prev]) * (1 - alpha) * x_0.numpy()
    mean = mean + np.sqrt(alpha) * (1 - abar[t_prev]) * x_t.numpy()
    return mean / (1 - abar[t])


def _mean(
    x_t: Tensor,
    x_0: Tensor,
    abar_t: Tensor,
    abar_prev: Tensor,
    alpha: Tensor,
    beta: Tensor | None = None,
) -> Tensor:
    """Equation 7 with whatever is put in for its symbols."""
    beta = 1 - alpha if beta is None else beta
    weight_x_0 = abar_prev.sqrt() * beta / (1 - abar_t)
    weight_x_t = alpha.sqrt() * (1 - abar_prev) / (1 - abar_t)
    return weight_x_0 * x_0 + weight_x_t * x_t


def _right_mean(x_t: Tensor, x_0: Tensor, t: int, t_prev: int, abar: Tensor) -> Tensor:
    return _mean(x_t, x_0, abar[t], abar[t_prev], abar[t] / abar[t_prev])


@POSTERIOR_MEAN.mistake(
    "It looks as if you took abar_t for alpha. alpha belongs to this one step: "
    "abar_t / abar_t_prev."
)
def abar_for_alpha(x_t, x_0, t, t_prev, alphas_cumprod):
    abar_t, abar_prev = alphas_cumprod[t], alphas_cumprod[t_prev]
    return _mean(x_t, x_0, abar_t, abar_prev, abar_t)


@POSTERIOR_MEAN.mistake(
    "It looks as if alpha comes from the full schedule, abar_t / abar_(t-1). Your step goes to "
    "t_prev, so it is abar_t / abar_t_prev."
)
def alpha_of_the_full_schedule(x_t, x_0, t, t_prev, alphas_cumprod):
    abar_t, abar_prev = alphas_cumprod[t], alphas_cumprod[t_prev]
    return _mean(x_t, x_0, abar_t, abar_prev, abar_t / alphas_cumprod[t - 1])


@POSTERIOR_MEAN.mistake(
    "It looks as if abar_t_prev is taken as abar_(t-1). Use alphas_cumprod[t_prev]: with strided "
    "timesteps, the next one is not t - 1."
)
def neighbour_for_t_prev(x_t, x_0, t, t_prev, alphas_cumprod):
    return _right_mean(x_t, x_0, t, t - 1, alphas_cumprod)


@POSTERIOR_MEAN.mistake(
    "It looks as if t and t_prev changed places: t is the noisier one, where you are, and t_prev "
    "is where you go. abar_t is smaller than abar_t_prev."
)
def timesteps_swapped(x_t, x_0, t, t_prev, alphas_cumprod):
    return _mean(
        x_t,
        x_0,
        alphas_cumprod[t_prev],
        alphas_cumprod[t],
        alphas_cumprod[t] / alphas_cumprod[t_prev],
    )


@POSTERIOR_MEAN.mistake(
    "It looks as if alpha is upside down: it is abar_t / abar_t_prev, which is less than 1, so "
    "that beta = 1 - alpha is positive."
)
def alpha_upside_down(x_t, x_0, t, t_prev, alphas_cumprod):
    abar_t, abar_prev = alphas_cumprod[t], alphas_cumprod[t_prev]
    return _mean(x_t, x_0, abar_t, abar_prev, abar_prev / abar_t)


@POSTERIOR_MEAN.mistake(
    "It looks as if the weights changed places: beta goes with x_0, and 1 - abar_t_prev with x_t."
)
def weights_swapped(x_t, x_0, t, t_prev, alphas_cumprod):
    return _right_mean(x_0, x_t, t, t_prev, alphas_cumprod)


@POSTERIOR_MEAN.mistake(
    "It looks as if x_0 is multiplied by sqrt(abar_t). It is to be scaled to the timestep you go "
    "to: sqrt(abar_t_prev)."
)
def scaled_to_the_old_timestep(x_t, x_0, t, t_prev, alphas_cumprod):
    abar_t, abar_prev = alphas_cumprod[t], alphas_cumprod[t_prev]
    alpha = abar_t / abar_prev
    return _mean(x_t, x_0 * alpha.sqrt(), abar_t, abar_prev, alpha)


@POSTERIOR_MEAN.mistake(
    "It looks as if the square roots are missing: the weights have sqrt(abar_t_prev) and "
    "sqrt(alpha)."
)
def no_roots(x_t, x_0, t, t_prev, alphas_cumprod):
    abar_t, abar_prev = alphas_cumprod[t], alphas_cumprod[t_prev]
    alpha = abar_t / abar_prev
    x_0_part = abar_prev * (1 - alpha) / (1 - abar_t) * x_0
    return x_0_part + alpha * (1 - abar_prev) / (1 - abar_t) * x_t


@POSTERIOR_MEAN.mistake(
    "It looks as if nothing is divided by 1 - abar_t. Both weights are fractions with that "
    "denominator."
)
def not_divided(x_t, x_0, t, t_prev, alphas_cumprod):
    return _right_mean(x_t, x_0, t, t_prev, alphas_cumprod) * (1 - alphas_cumprod[t])


@POSTERIOR_MEAN.mistake(
    "It looks as if the denominator is 1 - abar_t_prev. In both weights it is 1 - abar_t, with the "
    "timestep you come from."
)
def divided_by_the_new(x_t, x_0, t, t_prev, alphas_cumprod):
    abar_t, abar_prev = alphas_cumprod[t], alphas_cumprod[t_prev]
    right = _right_mean(x_t, x_0, t, t_prev, alphas_cumprod)
    return right * (1 - abar_t) / (1 - abar_prev)


@POSTERIOR_MEAN.mistake(
    "It looks as if you noise x_0 to t_prev and leave x_t out: sqrt(abar_t_prev) x_0. The mean "
    "lies between that and x_t."
)
def x_t_left_out(x_t, x_0, t, t_prev, alphas_cumprod):
    return alphas_cumprod[t_prev].sqrt() * x_0


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


@ITERATIVE_DENOISE.right_answer
def pair_by_pair(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    x, steps = im_noisy, torch.as_tensor(timesteps[i_start:])
    abar = denoiser.alphas_cumprod
    for t, t_prev in pairwise(steps):
        noise, variance = denoiser(x, t, prompt_embeds)
        x_0 = (x - (1 - abar[t]).sqrt() * noise) / abar[t].sqrt()
        mean = _right_mean(x, x_0, t, t_prev, abar)
        x = denoiser.add_variance(mean, variance, t=t, t_prev=t_prev, generator=generator)
    return x


@ITERATIVE_DENOISE.right_answer
def clamped_and_quiet_at_the_end(d, x, i, embeds, steps, rng=None):
    abar = d.alphas_cumprod
    with torch.no_grad():
        while i + 1 < len(steps):
            now, then = steps[i], steps[i + 1]
            answer = d(x, torch.full((len(x),), now), embeds)
            clean = ((x - (1 - abar[now]) ** 0.5 * answer.noise) / abar[now] ** 0.5).clamp(-1, 1)
            x = _right_mean(x, clean, now, then, abar)
            if then > 0:
                x = d.add_variance(x, answer.variance, now, then, rng)
            i += 1
    return x


@ITERATIVE_DENOISE.right_answer
def looking_at_the_last_timestep_too(
    denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None
):
    image = im_noisy.clone()
    for i, t in enumerate(timesteps):
        if i < i_start or i == len(timesteps) - 1:
            continue
        prev_t = timesteps[i + 1]
        abar = denoiser.alphas_cumprod[[prev_t, t]].to(image.dtype).reshape(2, 1, 1, 1, 1)
        out = denoiser(image, torch.tensor(t), prompt_embeds)
        alpha = abar[1] / abar[0]
        mean = (image - (1 - alpha) / (1 - abar[1]).sqrt() * out.noise) / alpha.sqrt()
        image = denoiser.add_variance(mean, out.variance, t, prev_t, generator=generator)
    return image


def _loop(
    denoiser,
    x,
    steps,
    embeds,
    generator,
    mean=_right_mean,
    variance=lambda estimate: estimate.variance,
):
    """The right loop over pairs of timesteps, with a part exchanged."""
    for t, t_prev in steps:
        estimate = denoiser(x, t, embeds)
        x_0 = predict_original(x, t, estimate.noise, denoiser.alphas_cumprod)
        x = mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(x, variance(estimate), t, t_prev, generator)
    return x


def _pairs(timesteps, i_start):
    return list(pairwise(timesteps[i_start:]))


@ITERATIVE_DENOISE.mistake(
    "It looks as if abar_t is taken for alpha in the step. alpha is abar_t / abar_t_prev."
)
def loop_with_abar_for_alpha(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    def mean(x_t, x_0, t, t_prev, abar):
        return _mean(x_t, x_0, abar[t], abar[t_prev], abar[t])

    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, im_noisy, steps, prompt_embeds, generator, mean)


@ITERATIVE_DENOISE.mistake(
    "It looks as if alpha comes from neighbouring timesteps, abar_t / abar_(t-1). Your loop "
    "strides: alpha is abar_t / abar_t_prev."
)
def loop_with_alpha_of_the_full_schedule(
    denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None
):
    def mean(x_t, x_0, t, t_prev, abar):
        return _mean(x_t, x_0, abar[t], abar[t_prev], abar[t] / abar[t - 1])

    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, im_noisy, steps, prompt_embeds, generator, mean)


@ITERATIVE_DENOISE.mistake(
    "It looks as if t and t_prev changed places in the coefficients: t is timesteps[i], the "
    "noisier one, and t_prev is timesteps[i + 1]."
)
def loop_with_timesteps_swapped(
    denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None
):
    def mean(x_t, x_0, t, t_prev, abar):
        return _mean(x_t, x_0, abar[t_prev], abar[t], abar[t] / abar[t_prev])

    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, im_noisy, steps, prompt_embeds, generator, mean)


@ITERATIVE_DENOISE.mistake(
    "It looks as if posterior_mean got t_prev, t instead of t, t_prev: alpha came out greater "
    "than 1."
)
def arguments_of_the_mean_swapped(
    denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None
):
    def mean(x_t, x_0, t, t_prev, abar):
        return _right_mean(x_t, x_0, t_prev, t, abar)

    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, im_noisy, steps, prompt_embeds, generator, mean)


@ITERATIVE_DENOISE.mistake(
    "It looks as if the estimate of the noise is used where x_0 belongs. Turn it into x_0 first, "
    "with predict_original."
)
def noise_for_x_0(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    x = im_noisy
    for t, t_prev in _pairs(timesteps, i_start):
        estimate = denoiser(x, t, prompt_embeds)
        x = _right_mean(x, estimate.noise, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(x, estimate.variance, t, t_prev, generator)
    return x


@ITERATIVE_DENOISE.mistake(
    "It looks as if x_0 itself goes on to the next step. Go only to t_prev: the mean that "
    "posterior_mean gives, plus noise."
)
def x_0_goes_on(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    steps = _pairs(timesteps, i_start)
    return _loop(
        denoiser, im_noisy, steps, prompt_embeds, generator, lambda x_t, x_0, t, t_prev, abar: x_0
    )


@ITERATIVE_DENOISE.mistake(
    "It looks as if no noise is added. After posterior_mean, call denoiser.add_variance and go on "
    "with what it returns; without it, samples come out too smooth."
)
def no_noise_added(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    x = im_noisy
    for t, t_prev in _pairs(timesteps, i_start):
        noise = denoiser(x, t, prompt_embeds).noise
        x_0 = predict_original(x, t, noise, denoiser.alphas_cumprod)
        x = _right_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
    return x


@ITERATIVE_DENOISE.mistake(
    "It looks as if what add_variance returns is not used. It leaves its input as it is: write "
    "x_t = denoiser.add_variance(...)."
)
def returned_noise_dropped(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    x = im_noisy
    for t, t_prev in _pairs(timesteps, i_start):
        estimate = denoiser(x, t, prompt_embeds)
        x_0 = predict_original(x, t, estimate.noise, denoiser.alphas_cumprod)
        x = _right_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        denoiser.add_variance(x, estimate.variance, t, t_prev, generator)
    return x


@ITERATIVE_DENOISE.mistake(
    "It looks as if add_variance is called with t_prev and the timestep after it. The noise "
    "belongs to the step you are taking: t, t_prev."
)
def noise_of_the_next_step(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    x = im_noisy
    for i in range(i_start, len(timesteps) - 1):
        t, t_prev = timesteps[i], timesteps[i + 1]
        estimate = denoiser(x, t, prompt_embeds)
        x_0 = predict_original(x, t, estimate.noise, denoiser.alphas_cumprod)
        x = _right_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        if i + 2 < len(timesteps):
            x = denoiser.add_variance(x, estimate.variance, t_prev, timesteps[i + 2], generator)
    return x


@ITERATIVE_DENOISE.mistake(
    "It looks as if add_variance got t_prev before t. The order is add_variance(mean, variance, "
    "t, t_prev), the noisier timestep first."
)
def noise_with_timesteps_swapped(
    denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None
):
    x = im_noisy
    for t, t_prev in _pairs(timesteps, i_start):
        estimate = denoiser(x, t, prompt_embeds)
        x_0 = predict_original(x, t, estimate.noise, denoiser.alphas_cumprod)
        x = _right_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(x, estimate.variance, t_prev, t, generator)
    return x


@ITERATIVE_DENOISE.mistake(
    "It looks as if add_variance gets the estimate of the noise. It needs the other field of the "
    "same estimate, `variance`."
)
def noise_for_variance(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    steps = _pairs(timesteps, i_start)
    return _loop(
        denoiser,
        im_noisy,
        steps,
        prompt_embeds,
        generator,
        variance=lambda estimate: estimate.noise,
    )


@ITERATIVE_DENOISE.mistake(
    "It looks as if the loop takes one step too few and stops before timesteps[-1]. There is a "
    "step for every pair of neighbours: range(i_start, len(timesteps) - 1)."
)
def one_step_too_few(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    steps = _pairs(timesteps, i_start)[:-1]
    return _loop(denoiser, im_noisy, steps, prompt_embeds, generator)


@ITERATIVE_DENOISE.mistake(
    "It looks as if the loop starts one timestep too late. im_noisy has the noise of "
    "timesteps[i_start]; the first step starts there."
)
def starts_one_late(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    steps = _pairs(timesteps, i_start + 1)
    return _loop(denoiser, im_noisy, steps, prompt_embeds, generator)


@ITERATIVE_DENOISE.mistake(
    "It looks as if i_start is ignored and the loop always begins with timesteps[0]. im_noisy has "
    "the noise of timesteps[i_start]."
)
def start_ignored(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    return _loop(denoiser, im_noisy, _pairs(timesteps, 0), prompt_embeds, generator)


@ITERATIVE_DENOISE.mistake(
    "It looks as if the place i in the list is used as the timestep. The denoiser and the schedule "
    "need timesteps[i]."
)
def place_for_timestep(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    last = len(timesteps) - 1
    places = [last - i for i in range(len(timesteps))]
    return _loop(denoiser, im_noisy, _pairs(places, i_start), prompt_embeds, generator)


@ITERATIVE_DENOISE.mistake(
    "It looks as if the denoiser is asked at t_prev. The picture it is shown has the noise of t."
)
def asked_at_t_prev(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    x = im_noisy
    for t, t_prev in _pairs(timesteps, i_start):
        estimate = denoiser(x, t_prev, prompt_embeds)
        x_0 = predict_original(x, t, estimate.noise, denoiser.alphas_cumprod)
        x = _right_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(x, estimate.variance, t, t_prev, generator)
    return x


@ITERATIVE_DENOISE.mistake(
    "It looks as if the denoiser is always shown im_noisy. From the second step on it should see "
    "what the step before made of it."
)
def always_the_first_picture(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    x = im_noisy
    for t, t_prev in _pairs(timesteps, i_start):
        estimate = denoiser(im_noisy, t, prompt_embeds)
        x_0 = predict_original(im_noisy, t, estimate.noise, denoiser.alphas_cumprod)
        x = _right_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(x, estimate.variance, t, t_prev, generator)
    return x


@ITERATIVE_DENOISE.mistake(
    "It looks as if the loop starts from another picture than im_noisy: from new noise, perhaps. "
    "im_noisy is where it should start."
)
def starts_from_new_noise(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    x = torch.randn(im_noisy.shape, generator=generator).to(im_noisy)
    return _loop(denoiser, x, _pairs(timesteps, i_start), prompt_embeds, generator)


@ITERATIVE_DENOISE.mistake(
    "It looks as if the denoiser is not given prompt_embeds but the empty prompt. Pass on what "
    "the caller asked for."
)
def prompt_not_passed(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    return _loop(denoiser, im_noisy, _pairs(timesteps, i_start), denoiser.embed(""), generator)


@ITERATIVE_DENOISE.mistake(
    "It looks as if only the first prompt is used for all pictures. prompt_embeds may hold one for "
    "each; pass it on whole."
)
def first_prompt_for_all(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, im_noisy, steps, prompt_embeds[:1], generator)


@ITERATIVE_DENOISE.mistake(
    "It looks as if `generator` is not passed on to add_variance, which then draws from torch's "
    "global generator."
)
def generator_ignored(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    return _loop(denoiser, im_noisy, _pairs(timesteps, i_start), prompt_embeds, None)


@ITERATIVE_DENOISE.mistake(
    "It looks as if a seed is set inside the loop, so that every step adds the same noise. Seed "
    "once, outside, and pass the generator on."
)
def same_noise_in_every_step(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    x = im_noisy
    for pair in _pairs(timesteps, i_start):
        again = torch.Generator().manual_seed(0)
        x = _loop(denoiser, x, [pair], prompt_embeds, again)
    return x


@ITERATIVE_DENOISE.mistake(
    "It looks as if x_t is clamped to [-1, 1] in every step. Noise reaches beyond that; clamp "
    "nothing."
)
def x_t_clamped(denoiser, im_noisy, i_start, prompt_embeds, timesteps, generator=None):
    x = im_noisy
    for pair in _pairs(timesteps, i_start):
        x = _loop(denoiser, x, [pair], prompt_embeds, generator).clamp(-1, 1)
    return x


EXERCISES = [STRIDED_TIMESTEPS, POSTERIOR_MEAN, ITERATIVE_DENOISE]

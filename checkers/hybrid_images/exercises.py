"""Lesson 10: what `hybrid_noise` and `make_hybrids` must do, and how they go wrong."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges.loops import same_noise_added, same_path
from checkers.engine.judges.values import all_of, same_answer, same_form, same_values
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from checkers.hybrid_images.probe import denoise_quietly, denoise_repeatedly, denoise_to_points
from lessons.workbench.denoisers import squared_cosine_alphas_cumprod
from solutions.hybrid_images import hybrid_noise, make_hybrids

WAVE = "a wave"


SKULL = "a skull"


PENCIL = "a pencil"


PROMPTS = ("", WAVE, SKULL, PENCIL)


STD = 0.1


SIDE = 20


UNEVEN_TIMESTEPS = [990, 780, 560, 333, 130, 40, 0]


ATOL = 1e-3  # a Gaussian kernel may end a little earlier, at four standard deviations, say


def _noise(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator)


def _pictures(generator: torch.Generator, count: int, side: int, reach: float) -> Tensor:
    """Random pictures within [-reach, reach] with both low and high frequencies."""
    coarse = torch.rand(count, 3, 4, 4, generator=generator) * 2 - 1
    smooth = torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")
    fine = torch.rand(count, 3, side, side, generator=generator) * 2 - 1
    return (0.6 * smooth + 0.4 * fine) * reach


# --- hybrid_noise ---------------------------------------------------------------------------------


def _join(generator: torch.Generator, *shape: int, **changed: Tensor | float) -> Inputs:
    call = {"noise_far": _noise(generator, *shape), "noise_near": _noise(generator, *shape)}
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
    noise = _noise(generator, 1, 3, 64, 64)
    return {"calls": [{"noise_far": noise, "noise_near": noise.clone()}]}


def _filter_inputs(generator: torch.Generator) -> Inputs:
    """Other filters than the default."""
    calls = [
        _join(generator, 2, 3, 48, 48, kernel_size=kernel_size, sigma=sigma)
        for kernel_size, sigma in ((33, 3.5), (9, 1.0), (17, 2.0))
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
        Case(
            "shape, dtype and device are kept, and no input is changed",
            1,
            _join_form_inputs,
            _same_form,
            call_many,
        ),
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
    return dict(zip(PROMPTS, _pictures(generator, len(PROMPTS), SIDE, reach), strict=True))


def _quiet_call(
    generator: torch.Generator,
    i_start: int,
    timesteps: list[int],
    far: tuple[str, ...] = (WAVE,),
    near: tuple[str, ...] = (SKULL,),
    batch: int = 1,
    scale: float = 2.0,
    reach: float = 0.1,
) -> Inputs:
    """A run in which all estimates of x_0 lie within [-1, 1], if `reach` is small."""
    abar = squared_cosine_alphas_cumprod()[timesteps[i_start]]
    noise = _noise(generator, batch, 3, SIDE, SIDE).clamp(-1.5, 1.5)
    return {
        "means": _means(generator, reach),
        "im_noisy": (1 - abar).sqrt() * noise,
        "i_start": i_start,
        "prompts": [list(far), list(near)],
        "timesteps": timesteps,
        "scale": scale,
    }


def _one_step_inputs(generator: torch.Generator) -> Inputs:
    steps = ([690, 660], [400, 250], [60, 30])
    return {"std": STD, "calls": [_quiet_call(generator, 0, step) for step in steps]}


def _loop_inputs(generator: torch.Generator) -> Inputs:
    """From the beginning and from later, a list that ends early; one far from [-1, 1]."""
    return {
        "std": STD,
        "calls": [
            _quiet_call(generator, 2, list(range(990, -1, -165))),
            _quiet_call(generator, 0, UNEVEN_TIMESTEPS[:4]),
            _quiet_call(generator, 2, [900, 640, 333, 77, 12]),
        ],
        "far": _quiet_call(generator, 2, UNEVEN_TIMESTEPS, reach=1.6),
    }


def _prompt_inputs(generator: torch.Generator) -> Inputs:
    """Guidance of 1 and of 3; a pair for each picture of a batch, and one for all of them."""
    return {
        "std": STD,
        "calls": [
            _quiet_call(
                generator, 2, UNEVEN_TIMESTEPS, (PENCIL, WAVE), (WAVE, SKULL), 2, scale=1.0
            ),
            _quiet_call(generator, 3, UNEVEN_TIMESTEPS, (SKULL,), (PENCIL,), 3, scale=3.0),
        ],
    }


def _added_inputs(generator: torch.Generator) -> Inputs:
    return {
        "std": STD,
        "calls": [
            _quiet_call(generator, 3, list(range(990, -1, -165))),
            _quiet_call(generator, 2, [900, 640, 333, 77, 12]),
        ],
    }


def _point_inputs(generator: torch.Generator) -> Inputs:
    """Each prompt has one picture: from pure noise, the plain hybrid of both must come out."""
    return {
        "points": _means(generator, 0.7),
        "im_noisy": _noise(generator, 1, 3, SIDE, SIDE),
        "i_start": 0,
        "prompts": [[WAVE], [SKULL]],
        "timesteps": UNEVEN_TIMESTEPS,
        "scale": 1.0,
    }


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    seed = int(torch.randint(1, 10**6, (), generator=generator))
    return {**_quiet_call(generator, 2, UNEVEN_TIMESTEPS), "std": STD, "seed": seed}


def _loop_form_inputs(generator: torch.Generator) -> Inputs:
    """Batches, in single and double precision."""
    double = _quiet_call(generator, 4, UNEVEN_TIMESTEPS)
    double["im_noisy"] = double["im_noisy"].double()
    return {"std": STD, "calls": [_quiet_call(generator, 3, UNEVEN_TIMESTEPS, batch=3), double]}


MAKE_HYBRIDS = Exercise(
    reference=make_hybrids,
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
            "prompts and guidance are passed on; batches work",
            1,
            _prompt_inputs,
            same_path(what="the last picture"),
            denoise_quietly,
        ),
        Case(
            "add_variance gets t, t_prev and the estimate's variance, once in every step",
            2,
            _added_inputs,
            same_noise_added(),
            denoise_quietly,
        ),
        Case(
            "where each prompt has one picture, their plain hybrid comes out",
            1,
            _point_inputs,
            same_values(what="the last picture", atol=0.06, show=True),
            denoise_to_points,
        ),
        Case(
            "the loop starts from im_noisy, and the generator draws the noise",
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
                same_answer(
                    "any_start",
                    says="Another im_noisy gives the very same picture: the loop has to start from "
                    "im_noisy.",
                ),
            ),
            denoise_repeatedly,
        ),
        Case(
            "shape, dtype and device are kept, and no input is changed",
            1,
            _loop_form_inputs,
            same_form(),
            denoise_quietly,
        ),
    ],
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

"""Lesson 03: what `predict_original` and `one_step_denoise` must do, and how they go wrong."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Judge, Observation, Verdict
from checkers.engine.judges.cases import form_case
from checkers.engine.judges.inputs import FORMS, draw_noise, draw_pictures
from checkers.engine.judges.values import all_of, each_call, same_answer, same_form, same_values
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from checkers.one_step_denoising.probe import denoise_in_a_world
from lessons.workbench.denoisers import squared_cosine_alphas_cumprod
from solutions.forward_noising import forward
from solutions.one_step_denoising import one_step_denoise, predict_original

SHOWN = (250, 500, 750)
PROMPT = "a high quality photo"
OTHER_PROMPT = "a rocket ship"


_pictures = partial(draw_pictures, reach=0.5)


def _falling_schedule(generator: torch.Generator, length: int) -> Tensor:
    """A schedule nobody has seen, falling from nearly 1 to about 0.03."""
    steps = torch.rand(length, generator=generator) + 0.5
    return torch.exp(-3.5 * steps.cumsum(0) / steps.sum())


def _same_or_clamped(what: str) -> Judge:
    """As `same_values`; a right result that was then clamped to [-1, 1] passes with a remark."""
    exact = same_values(what=what, labels=each_call("t = {t}"), show=True, atol=1e-4)

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        verdict = exact(observed, expected, inputs)
        if verdict.passed:
            return verdict
        clamped = {**expected, "result": [_clamped(value) for value in expected["result"]]}
        if not exact(observed, clamped, inputs).passed:
            return verdict
        return Verdict(
            True,
            "Right, and then you clamp it to [-1, 1]. That is allowed; the course leaves the "
            "estimate as it is.",
        )

    return judge


def _clamped(value: object) -> object:
    if not isinstance(value, Array) or value.values.dtype.kind != "f":
        return value
    return Array(value.values.clip(-1, 1), value.dtype, value.library, value.device)


# --- predict_original -----------------------------------------------------------------------------


def _call(x_t: Tensor, t: int | Tensor, noise: Tensor, abar: Tensor) -> Inputs:
    return {"x_t": x_t, "t": t, "noise_estimate": noise, "alphas_cumprod": abar}


def _undone_inputs(generator: torch.Generator) -> Inputs:
    """Pictures noised with noise that is known exactly."""
    abar = squared_cosine_alphas_cumprod()
    im, noise = _pictures(generator, 1, 3, 64, 64), draw_noise(generator, 1, 3, 64, 64)
    return {"calls": [_call(forward(im, t, abar, noise), t, noise, abar) for t in SHOWN]}


def _no_noise_inputs(generator: torch.Generator) -> Inputs:
    """The denoiser sees no noise: what remains is to make the weakened picture strong again."""
    abar, x_t = squared_cosine_alphas_cumprod(), 0.3 * _pictures(generator, 1, 3, 32, 32)
    return {"calls": [_call(x_t, t, torch.zeros_like(x_t), abar) for t in SHOWN]}


def _all_noise_inputs(generator: torch.Generator) -> Inputs:
    """The noisy picture is grey, so that only the noise's part of the result is left."""
    abar, noise = squared_cosine_alphas_cumprod(), draw_noise(generator, 1, 3, 32, 32)
    return {"calls": [_call(torch.zeros_like(noise), t, noise, abar) for t in SHOWN]}


def _form_inputs(generator: torch.Generator) -> Inputs:
    abar = squared_cosine_alphas_cumprod()
    calls = []
    for shape, dtype, t in FORMS:
        x_t, noise = (draw_noise(generator, *shape).to(dtype) for _ in range(2))
        calls.append(_call(x_t, t, noise, abar.to(dtype)))
    return {"calls": calls}


def _any_schedule_inputs(generator: torch.Generator) -> Inputs:
    abar = _falling_schedule(generator, 40)
    im, noise = _pictures(generator, 2, 3, 32, 32), draw_noise(generator, 2, 3, 32, 32)
    return {
        "calls": [
            _call(forward(im, t, abar, noise), t, noise, abar) for t in (0, torch.tensor([17]), 39)
        ]
    }


PREDICT_ORIGINAL = Exercise(
    reference=predict_original,
    cases=[
        Case(
            "with the true noise, the picture comes back exactly at t = 250, 500, 750",
            2,
            _undone_inputs,
            _same_or_clamped("the picture"),
            call_many,
        ),
        Case(
            "without noise, the picture is made stronger again",
            1,
            _no_noise_inputs,
            _same_or_clamped("the picture without noise"),
            call_many,
        ),
        Case(
            "the noise is taken away with the right strength",
            1,
            _all_noise_inputs,
            _same_or_clamped("what is left of a grey picture"),
            call_many,
        ),
        form_case(
            _form_inputs,
            judge=all_of(same_form(), _same_or_clamped("the estimate")),
        ),
        Case(
            "it works on any schedule",
            1,
            _any_schedule_inputs,
            _same_or_clamped("the picture"),
            call_many,
        ),
    ],
    hints=[
        "Write the forward equation down and solve it for x_0: first bring the noise to the other "
        "side, then divide.",
        "The noise in x_t has the factor `(1 - abar).sqrt()`, so that much of it is subtracted. "
        "What is left is sqrt(abar) x_0.",
        "With `abar = alphas_cumprod[t]`: `(x_t - (1 - abar).sqrt() * noise_estimate)`, and all of "
        "it divided by `abar.sqrt()`. Mind the brackets.",
    ],
)


# --- one_step_denoise -----------------------------------------------------------------------------


def _world_inputs(
    pictures: dict[str, Tensor],
    calls: list[Inputs],
    std: float = 0.0,
    schedule: Tensor | None = None,
) -> Inputs:
    return {"pictures": pictures, "std": std, "schedule": schedule, "calls": calls}


def _prompted_pictures(generator: torch.Generator, *shape: int) -> dict[str, Tensor]:
    """Another picture for each prompt, the empty one included."""
    return dict(zip(("", PROMPT, OTHER_PROMPT), _pictures(generator, 3, *shape), strict=True))


def _one_picture_inputs(generator: torch.Generator) -> Inputs:
    """A world with one picture for each prompt: whatever the noise, it must come back."""
    pictures = _prompted_pictures(generator, 3, 64, 64)
    abar, noise = squared_cosine_alphas_cumprod(), draw_noise(generator, 1, 3, 64, 64)
    calls = [
        {"x_t": forward(pictures[PROMPT][None], t, abar, noise), "t": t, "prompts": [PROMPT]}
        for t in (*SHOWN[:2], torch.tensor(SHOWN[2:]))
    ]
    return _world_inputs(pictures, calls)


def _gaussian_inputs(generator: torch.Generator) -> Inputs:
    """A world of pictures scattered about a mean: the answer lies between x_t and the mean."""
    pictures = _prompted_pictures(generator, 3, 32, 32)
    abar = squared_cosine_alphas_cumprod()
    x_0 = pictures[OTHER_PROMPT] + 0.4 * draw_noise(generator, 2, 3, 32, 32)
    calls = [
        {
            "x_t": forward(x_0, t, abar, draw_noise(generator, *x_0.shape)),
            "t": t,
            "prompts": [OTHER_PROMPT],
        }
        for t in SHOWN
    ]
    return _world_inputs(pictures, calls, std=0.4)


def _asking_inputs(generator: torch.Generator) -> Inputs:
    """One picture with each prompt, a batch with a prompt for each, and the schedule's ends."""
    pictures = _prompted_pictures(generator, 3, 16, 16)
    first, second, third, last = torch.randint(1, 999, (4,), generator=generator)
    asked = [
        (int(first), [PROMPT]),
        (second, [OTHER_PROMPT]),
        (int(third), [""]),
        (int(last), [OTHER_PROMPT, PROMPT]),
        (0, [PROMPT]),
        (999, [PROMPT]),
    ]
    calls = [
        {"x_t": draw_noise(generator, len(prompts), 3, 16, 16), "t": t, "prompts": prompts}
        for t, prompts in asked
    ]
    return _world_inputs(pictures, calls)


def _own_schedule_inputs(generator: torch.Generator) -> Inputs:
    """A denoiser that comes with a schedule of its own."""
    pictures = _prompted_pictures(generator, 3, 32, 32)
    abar = _falling_schedule(generator, 1000)
    calls = [
        {
            "x_t": forward(pictures[PROMPT][None], t, abar, draw_noise(generator, 1, 3, 32, 32)),
            "t": t,
            "prompts": [PROMPT],
        }
        for t in (100, 400, 800)
    ]
    return _world_inputs(pictures, calls, schedule=abar)


def _batch_inputs(generator: torch.Generator) -> Inputs:
    """Batches, in single and double precision."""
    pictures = _prompted_pictures(generator, 3, 16, 24)
    calls = [
        {"x_t": draw_noise(generator, 3, 3, 16, 24), "t": 500, "prompts": [PROMPT]},
        {
            "x_t": draw_noise(generator, 2, 3, 16, 24),
            "t": torch.tensor(500),
            "prompts": [PROMPT, ""],
        },
        {"x_t": draw_noise(generator, 1, 3, 16, 24).double(), "t": 500, "prompts": [PROMPT]},
    ]
    return _world_inputs(pictures, calls)


def _asked_alike(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare how often, at which timestep and with which prompt the denoiser was asked."""
    asked, wanted = observed.get("asked"), expected["asked"]
    if not isinstance(asked, list) or len(asked) != len(wanted):
        return Verdict(False, "The result cannot be read.")
    for mine, right in zip(asked, wanted, strict=True):
        if mine == right:
            continue
        if len(mine) != len(right):
            return Verdict(
                False,
                f"For {_count(len(right), 'picture')} the denoiser was asked about "
                f"{_count(len(mine), 'picture')}. Ask it once, about x_t.",
            )
        for (timestep, prompt), (right_timestep, right_prompt) in zip(mine, right, strict=True):
            if timestep != right_timestep:
                return Verdict(
                    False,
                    f"With t = {right_timestep} the denoiser was asked for timestep {timestep}.",
                )
            if prompt != right_prompt:
                return Verdict(
                    False,
                    f"The denoiser was given the prompt {prompt!r}; the prompt_embeds passed to "
                    f"your function are those of {right_prompt!r}.",
                )
    return Verdict(True)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


ONE_STEP_DENOISE = Exercise(
    reference=one_step_denoise,
    cases=[
        Case(
            "the denoiser is asked once, about x_t, with your t and prompt_embeds",
            2,
            _asking_inputs,
            all_of(
                _asked_alike,
                same_answer(
                    "shown",
                    says="The denoiser was shown something other than x_t. Pass x_t as it is.",
                ),
            ),
            denoise_in_a_world,
        ),
        Case(
            "where only one picture exists, it is found at t = 250, 500, 750",
            2,
            _one_picture_inputs,
            _same_or_clamped("the picture"),
            denoise_in_a_world,
        ),
        Case(
            "where pictures scatter about a mean, the estimate is the best there is",
            2,
            _gaussian_inputs,
            _same_or_clamped("the estimate"),
            denoise_in_a_world,
        ),
        Case(
            "the schedule is the denoiser's own",
            1,
            _own_schedule_inputs,
            _same_or_clamped("the picture"),
            denoise_in_a_world,
        ),
        Case(
            "batches work, shape and dtype are kept, and no input is changed",
            1,
            _batch_inputs,
            all_of(same_form(), _same_or_clamped("the estimate")),
            denoise_in_a_world,
        ),
    ],
    hints=[
        "Two lines: ask the denoiser, then use `predict_original`.",
        "`estimate = denoiser(x_t, t, prompt_embeds)` has two parts; the one you want is "
        "`estimate.noise`.",
        "The schedule that `predict_original` needs belongs to the denoiser: "
        "`denoiser.alphas_cumprod`.",
    ],
)


EXERCISES = [PREDICT_ORIGINAL, ONE_STEP_DENOISE]

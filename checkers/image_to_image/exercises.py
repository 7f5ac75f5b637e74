"""Lesson 07: what `edit` must do, and how it goes wrong."""

from __future__ import annotations

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise
from checkers.engine.judges.cases import form_case
from checkers.engine.judges.evidence import hide_in, with_evidence
from checkers.engine.judges.inputs import draw_schedule, draw_seed
from checkers.engine.judges.starts import (
    COURSE_TIMESTEPS,
    PROMPT,
    PROMPTED_FORMS,
    in_a_flat_world,
    own_timesteps,
    repeat_case,
    same_line,
    same_timesteps_asked,
)
from checkers.engine.judges.values import (
    all_of,
    each_call,
    same_answer,
    same_form,
    same_moments,
    same_values,
)
from checkers.engine.sandbox.inside.running import Inputs
from checkers.image_to_image.probe import (
    edit_in_a_gaussian_world,
    edit_quietly,
    edit_repeatedly,
    edit_two_pictures,
)
from solutions.image_to_image import edit

TIMESTEPS = [900, 700, 500, 300, 100, 0]
LARGE = 128
"""Pixels along a side of pictures that tell the noise's strength to 1.3 %: 5.5 standard errors."""


def _two_halves(batch: int, side: int, generator: torch.Generator) -> Tensor:
    """Pictures that are dark on the left and bright on the right."""
    brightness = 0.5 + 0.3 * float(torch.rand((), generator=generator))
    picture = torch.full((batch, 3, side, side), brightness)
    picture[..., : side // 2] *= -1
    return picture + 1e-3 * torch.arange(batch).reshape(-1, 1, 1, 1)  # no two are the same


def _call(
    im: Tensor,
    i_start: int,
    scale: float | None,
    timesteps: list[int] = TIMESTEPS,
    prompts: str | list[str] = PROMPT,
) -> Inputs:
    return {
        "im": im,
        "i_start": i_start,
        "prompts": prompts,
        "timesteps": timesteps,
        "scale": scale,
    }


def _start_inputs(generator: torch.Generator) -> Inputs:
    """Where noise is strong, in the middle, and where it is weak; a single step follows."""
    im = _two_halves(4, LARGE, generator)
    calls = [_call(im, i_start, 1, [*TIMESTEPS[: i_start + 1], 0]) for i_start in (1, 2, 3)]
    world = in_a_flat_world(LARGE, generator)
    return {
        **world,
        **hide_in(world["means"], generator),
        "calls": calls,
        "schedule": draw_schedule(generator),
        "seed": draw_seed(generator),
    }


def _asked_inputs(generator: torch.Generator) -> Inputs:
    im = _two_halves(1, 16, generator)
    own = own_timesteps(generator, TIMESTEPS)
    calls = [_call(im, i_start, 1, own) for i_start in (0, 3)]
    calls += [_call(im, i_start, 1, COURSE_TIMESTEPS) for i_start in (20, 32)]
    return {**in_a_flat_world(16, generator), "calls": calls}


def _guided_inputs(generator: torch.Generator) -> Inputs:
    """Guidance of several strengths, and the function's own; a prompt for each picture."""
    im = _two_halves(2, 16, generator)
    calls = [_call(im, 2, scale, prompts=[PROMPT, ""]) for scale in (0.4, 3.5, None)]
    return {**in_a_flat_world(16, generator), "calls": calls}


def _gaussian_inputs(generator: torch.Generator) -> Inputs:
    """With the noise of every step: what comes out has a known mean and standard deviation."""
    world = in_a_flat_world(32, generator)
    hidden = hide_in(world["means"], generator, strength=0.05)
    call = _call(_two_halves(4, 32, generator), 2, 3.0)
    return {**world, **hidden, **call, "seed": draw_seed(generator)}


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    call = _call(_two_halves(1, 16, generator), 3, 2.0)
    return {**in_a_flat_world(16, generator), **call, "seed": 180}


def _form_inputs(generator: torch.Generator) -> Inputs:
    calls = [
        _call(_two_halves(batch, 16, generator).to(dtype), 3, 2.0, prompts=prompts)
        for batch, dtype, prompts in PROMPTED_FORMS
    ]
    return {**in_a_flat_world(16, generator), "calls": calls}


_each_start = each_call("i_start = {i_start}")


def _each_half(inputs: Inputs) -> list[str]:
    return ["the left half,", "the right half,"]


def _sides(inputs: Inputs) -> list[str]:
    return [
        f"i_start = {call['i_start']}, on its {side} half,"
        for call in inputs["calls"]
        for side in ("left", "right")
    ]


EDIT = Exercise(
    reference=edit,
    cases=[
        Case(
            "the picture is noised to timesteps[i_start]",
            3,
            _start_inputs,
            all_of(
                same_answer(
                    lambda observed: all(observed["asked"]),
                    says="Your function never asks the denoiser.",
                ),
                same_moments("noise", what="the noise of the noisy picture", labels=_each_start),
                with_evidence(
                    same_moments("halves", what="the noisy picture", labels=_sides, also=()),
                    "result",
                ),
                same_values(
                    "follows",
                    what="what changes in the noisy picture, if after torch.manual_seed only "
                    "`im` changes,",
                    labels=_each_start,
                    atol=3e-4,
                ),
            ),
            edit_two_pictures,
        ),
        Case(
            "denoising begins at timesteps[i_start] and visits every later timestep",
            2,
            _asked_inputs,
            same_timesteps_asked,
            edit_quietly,
        ),
        Case(
            "every step is guided, by the prompt and by `scale`",
            2,
            _guided_inputs,
            same_line(),
            edit_quietly,
        ),
        Case(
            "in a world where the answer is known, the results spread as they should",
            1,
            _gaussian_inputs,
            with_evidence(
                all_of(
                    same_form(),
                    same_moments("halves", what="the result", labels=_each_half),
                    same_moments("seeded", what="the result, with a generator,", labels=_each_half),
                ),
                "result",
            ),
            edit_in_a_gaussian_world,
        ),
        repeat_case(
            _repeat_inputs,
            edit_repeatedly,
            start="Two generators with the same seed lead to two different noisy pictures. Noise "
            "the picture with the `noise` of the first lines.",
            rest="Two generators with the same seed give one noisy picture but two different "
            "results. Pass `generator` on to the loop.",
        ),
        form_case(_form_inputs, edit_quietly),
    ],
    hints=[
        "Two earlier functions do all the work: `forward` noises, `iterative_denoise_cfg` "
        "denoises. What is left is to pass each of them the right timestep.",
        "`forward` wants the timestep itself, `timesteps[i_start]`, and the noise you were given: "
        "`forward(im, timesteps[i_start], denoiser.alphas_cumprod, noise)`.",
        "`iterative_denoise_cfg` wants the place in the list, `i_start`, and the whole list. Pass "
        "`scale` and `generator` on too.",
    ],
)


EXERCISES = [EDIT]

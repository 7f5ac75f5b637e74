"""Lesson 00: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

import torch

from checkers.meet_the_denoiser.exercises import SAMPLE_GRID
from lessons.workbench.denoisers import generate


@SAMPLE_GRID.mistake(
    "`seed` is not used, so that every call draws new noise. Make a generator with "
    "`torch.Generator().manual_seed(seed)` and pass it on as `generator=...`."
)
def seed_left_out(denoiser, prompts, num_inference_steps, seed):
    return generate(denoiser, prompts, num_inference_steps)


@SAMPLE_GRID.mistake(
    "the seed is always the same, whatever is passed: your pictures never change. "
    "Use the `seed` that your function is given."
)
def seed_fixed(denoiser, prompts, num_inference_steps, seed):
    return generate(denoiser, prompts, num_inference_steps, generator=0)


@SAMPLE_GRID.mistake(
    "you start again from the same seed for every prompt, so that all pictures "
    "share their noise. Make one generator before the loop, or draw all prompts in one call."
)
def seeded_anew_for_each_prompt(denoiser, prompts, num_inference_steps, seed):
    return torch.cat(
        [generate(denoiser, [p], num_inference_steps, generator=seed) for p in prompts]
    )


@SAMPLE_GRID.mistake(
    "`num_inference_steps` is not passed on: generate then takes its usual number, 34."
)
def steps_left_out(denoiser, prompts, num_inference_steps, seed):
    return generate(denoiser, prompts, generator=seed)


@SAMPLE_GRID.mistake(
    "the number of steps and the seed changed places. `generate` takes the steps "
    "third; the seed goes into `generator=...`."
)
def steps_and_seed_swapped(denoiser, prompts, num_inference_steps, seed):
    return generate(denoiser, prompts, seed, generator=num_inference_steps)


@SAMPLE_GRID.mistake(
    "only the first prompt is drawn. Pass the whole list to generate, or go through it."
)
def first_prompt_only(denoiser, prompts, num_inference_steps, seed):
    return generate(denoiser, prompts[0], num_inference_steps, generator=seed)


@SAMPLE_GRID.mistake("every picture is drawn for the first prompt. Use all of them, in order.")
def first_prompt_for_all(denoiser, prompts, num_inference_steps, seed):
    return generate(denoiser, [prompts[0]] * len(prompts), num_inference_steps, generator=seed)


@SAMPLE_GRID.mistake(
    "the pictures come in another order than the prompts, perhaps sorted. The "
    "first picture belongs to the first prompt."
)
def prompts_sorted(denoiser, prompts, num_inference_steps, seed):
    return generate(denoiser, sorted(prompts), num_inference_steps, generator=seed)


@SAMPLE_GRID.mistake(
    "you return a list of pictures. `torch.cat` joins pictures of shape "
    "(1, 3, 64, 64) into the one tensor that is asked for."
)
def a_list_of_pictures(denoiser, prompts, num_inference_steps, seed):
    generator = torch.Generator().manual_seed(seed)
    return [generate(denoiser, [p], num_inference_steps, generator=generator) for p in prompts]


@SAMPLE_GRID.mistake(
    "the guidance scale is turned off (1 or 0). Leave it out, and generate takes "
    "its usual 7; what it does is lesson 06."
)
def without_guidance(denoiser, prompts, num_inference_steps, seed):
    return generate(denoiser, prompts, num_inference_steps, guidance_scale=1.0, generator=seed)

"""Lesson 00: other right answers, in other styles; each must pass."""

from __future__ import annotations

import torch

from checkers.meet_the_denoiser.exercises import SAMPLE_GRID
from lessons.workbench.denoisers import generate


@SAMPLE_GRID.right_answer
def seed_passed_on(denoiser, prompts, num_inference_steps, seed):
    return generate(denoiser, prompts, num_inference_steps=num_inference_steps, generator=seed)


@SAMPLE_GRID.right_answer
def one_prompt_at_a_time(denoiser, prompts, steps, seed):
    generator = torch.Generator(device="cpu")
    generator.manual_seed(seed)
    return torch.cat([generate(denoiser, [p], steps, generator=generator) for p in prompts])


@SAMPLE_GRID.right_answer
def a_seed_for_each(denoiser, prompts, num_inference_steps, seed):
    rows = []
    for i, prompt in enumerate(prompts):
        rows.append(generate(denoiser, prompt, num_inference_steps, generator=1000 * seed + i)[0])
    return torch.stack(rows)


@SAMPLE_GRID.right_answer
def by_the_global_generator(denoiser, prompts, num_inference_steps, seed):
    torch.manual_seed(seed)
    return generate(denoiser, prompts, num_inference_steps)

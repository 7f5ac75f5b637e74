"""Lesson 05: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

import torch

from checkers.sampling.exercises import SAMPLE
from solutions.iterative_denoising import iterative_denoise
from solutions.one_step_denoising import predict_original


@SAMPLE.mistake(
    "the noise is grey: the three channels of a picture get the same. Draw (n, 3, 64, 64) numbers."
)
def grey_noise(denoiser, n, prompt_embeds, timesteps, generator=None):
    x = torch.randn(n, 1, 64, 64, generator=generator).to(denoiser.dtype).repeat(1, 3, 1, 1)
    return iterative_denoise(denoiser, x, 0, prompt_embeds, timesteps, generator)


@SAMPLE.mistake(
    "the start is drawn with torch.rand, which is uniform between 0 and 1. Pure "
    "noise is standard normal: torch.randn."
)
def uniform_start(denoiser, n, prompt_embeds, timesteps, generator=None):
    x = torch.rand(n, 3, 64, 64, generator=generator).to(denoiser.dtype)
    return iterative_denoise(denoiser, x, 0, prompt_embeds, timesteps, generator)


@SAMPLE.mistake(
    "sampling starts from zeros. At the first timestep a picture is pure noise: torch.randn."
)
def starts_from_zeros(denoiser, n, prompt_embeds, timesteps, generator=None):
    x = torch.zeros(n, 3, 64, 64, dtype=denoiser.dtype)
    return iterative_denoise(denoiser, x, 0, prompt_embeds, timesteps, generator)


@SAMPLE.mistake(
    "one noise picture is drawn and repeated n times. Every sample needs noise of its own."
)
def one_start_for_all(denoiser, n, prompt_embeds, timesteps, generator=None):
    x = torch.randn(1, 3, 64, 64, generator=generator).to(denoiser.dtype).repeat(n, 1, 1, 1)
    return iterative_denoise(denoiser, x, 0, prompt_embeds, timesteps, generator)


@SAMPLE.mistake("`n` is not used: one picture comes out, however many are asked for.")
def only_one_picture(denoiser, n, prompt_embeds, timesteps, generator=None):
    x = torch.randn(1, 3, 64, 64, generator=generator).to(denoiser.dtype)
    return iterative_denoise(denoiser, x, 0, prompt_embeds, timesteps, generator)


@SAMPLE.mistake(
    "the first steps are skipped, as in lesson 04, where there was a picture to "
    "start from. Pure noise belongs to timesteps[0]: i_start is 0."
)
def starts_late(denoiser, n, prompt_embeds, timesteps, generator=None):
    x = torch.randn(n, 3, 64, 64, generator=generator).to(denoiser.dtype)
    start = min(10, len(timesteps) // 3)
    return iterative_denoise(denoiser, x, start, prompt_embeds, timesteps, generator)


@SAMPLE.mistake(
    "`timesteps[0]` is passed as i_start. i_start is a place in the list, and "
    "sampling starts at the first: 0."
)
def timestep_for_place(denoiser, n, prompt_embeds, timesteps, generator=None):
    x = torch.randn(n, 3, 64, 64, generator=generator).to(denoiser.dtype)
    return iterative_denoise(denoiser, x, timesteps[0], prompt_embeds, timesteps, generator)


@SAMPLE.mistake(
    "all noise is taken away in one step. That gives a blurred average; use iterative_denoise."
)
def in_one_step(denoiser, n, prompt_embeds, timesteps, generator=None):
    x = torch.randn(n, 3, 64, 64, generator=generator).to(denoiser.dtype)
    noise = denoiser(x, timesteps[0], prompt_embeds).noise
    return predict_original(x, timesteps[0], noise, denoiser.alphas_cumprod)


@SAMPLE.mistake(
    "the generator draws the start but not the noise of the steps. Pass it on to "
    "iterative_denoise, too."
)
def generator_not_passed_on(denoiser, n, prompt_embeds, timesteps, generator=None):
    x = torch.randn(n, 3, 64, 64, generator=generator).to(denoiser.dtype)
    return iterative_denoise(denoiser, x, 0, prompt_embeds, timesteps)


@SAMPLE.mistake(
    "the generator draws the noise of the steps but not the start. Pass "
    "`generator=generator` to torch.randn."
)
def start_not_from_the_generator(denoiser, n, prompt_embeds, timesteps, generator=None):
    x = torch.randn(n, 3, 64, 64).to(denoiser.dtype)
    return iterative_denoise(denoiser, x, 0, prompt_embeds, timesteps, generator)


@SAMPLE.mistake(
    "a fixed seed is set inside the function, so that every call gives the same "
    "samples. Leave seeding to whoever calls it."
)
def seeded_inside(denoiser, n, prompt_embeds, timesteps, generator=None):
    own = torch.Generator().manual_seed(0)
    x = torch.randn(n, 3, 64, 64, generator=own).to(denoiser.dtype)
    return iterative_denoise(denoiser, x, 0, prompt_embeds, timesteps, own)


@SAMPLE.mistake(
    "the prompt is left out and the empty one used. Pass prompt_embeds on to iterative_denoise."
)
def prompt_left_out(denoiser, n, prompt_embeds, timesteps, generator=None):
    x = torch.randn(n, 3, 64, 64, generator=generator).to(denoiser.dtype)
    return iterative_denoise(denoiser, x, 0, denoiser.embed(""), timesteps, generator)


@SAMPLE.mistake(
    "the samples are brought from [-1, 1] to [0, 1]. Return them as they are; "
    "`show` does that itself."
)
def brought_to_unit_range(denoiser, n, prompt_embeds, timesteps, generator=None):
    x = torch.randn(n, 3, 64, 64, generator=generator).to(denoiser.dtype)
    return iterative_denoise(denoiser, x, 0, prompt_embeds, timesteps, generator) / 2 + 0.5


@SAMPLE.mistake("the timesteps are turned round. They already begin with the noisiest one.")
def timesteps_turned_round(denoiser, n, prompt_embeds, timesteps, generator=None):
    x = torch.randn(n, 3, 64, 64, generator=generator).to(denoiser.dtype)
    return iterative_denoise(denoiser, x, 0, prompt_embeds, timesteps[::-1], generator)

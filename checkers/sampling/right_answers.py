"""Lesson 05: other right answers, in other styles; each must pass."""

from __future__ import annotations

from itertools import pairwise

import torch

from checkers.sampling.exercises import SAMPLE
from solutions.iterative_denoising import iterative_denoise, posterior_mean
from solutions.one_step_denoising import predict_original


@SAMPLE.right_answer
def drawn_in_place(denoiser, n, prompt_embeds, timesteps, generator=None):
    x = torch.empty((n, 3, 64, 64), dtype=denoiser.dtype, device=denoiser.device)
    x.normal_(generator=generator)
    return iterative_denoise(denoiser, x, 0, prompt_embeds, timesteps, generator=generator)


@SAMPLE.right_answer
def one_after_the_other(model, count, embeds, steps, rng=None):
    pictures = []
    for k in range(count):
        mine = embeds if len(embeds) == 1 else embeds[k : k + 1]
        x = torch.randn(1, 3, 64, 64, generator=rng).to(model.dtype)
        pictures.append(iterative_denoise(model, x, 0, mine, steps, rng))
    return torch.cat(pictures)


@SAMPLE.right_answer
def with_a_loop_of_its_own(denoiser, n, prompt_embeds, timesteps, generator=None):
    x = torch.randn(n, 3, 64, 64, generator=generator).type(denoiser.dtype)
    for t, t_prev in pairwise(timesteps):
        noise, variance = denoiser(x, t, prompt_embeds)
        x_0 = predict_original(x, t, noise, denoiser.alphas_cumprod).clamp(-1, 1)
        x = posterior_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        if t_prev > 0:
            x = denoiser.add_variance(x, variance, t, t_prev, generator)
    return x


@SAMPLE.right_answer
def without_noise_in_the_last_step(denoiser, n, prompt_embeds, timesteps, generator=None):
    """As in the original algorithm, wherever the list ends."""
    x = torch.randn(n, 3, 64, 64, generator=generator).to(denoiser.dtype)
    for i in range(len(timesteps) - 1):
        t, t_prev = timesteps[i], timesteps[i + 1]
        estimate = denoiser(x, t, prompt_embeds)
        x_0 = predict_original(x, t, estimate.noise, denoiser.alphas_cumprod)
        x = posterior_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        if i < len(timesteps) - 2:
            x = denoiser.add_variance(x, estimate.variance, t, t_prev, generator)
    return x

"""Lesson 03: other right answers, in other styles; each must pass."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from checkers.one_step_denoising.exercises import ONE_STEP_DENOISE, PREDICT_ORIGINAL

# --- predict_original -----------------------------------------------------------------------------


@PREDICT_ORIGINAL.right_answer
def with_powers(x_t, t, noise_estimate, alphas_cumprod):
    a = alphas_cumprod[t] ** 0.5
    b = (1 - alphas_cumprod[t]) ** 0.5
    return (x_t - b * noise_estimate) / a


@PREDICT_ORIGINAL.right_answer
def as_diffusers_writes_it(sample, timestep, eps, schedule):
    timestep = torch.as_tensor(timestep, device=schedule.device).reshape(-1)
    abar = schedule[timestep].reshape(-1, 1, 1, 1).to(sample)
    return torch.sqrt(1 / abar) * sample - torch.sqrt(1 / abar - 1) * eps


@PREDICT_ORIGINAL.right_answer
def clamped_afterwards(x_t, t, noise_estimate, alphas_cumprod):
    abar = alphas_cumprod[t]
    return ((x_t - (1 - abar).sqrt() * noise_estimate) / abar.sqrt()).clamp(-1, 1)


@PREDICT_ORIGINAL.right_answer
def with_numpy(x_t, t, noise_estimate, alphas_cumprod):
    abar = float(alphas_cumprod[int(t)])
    x_0 = (x_t.numpy() - np.sqrt(1 - abar) * noise_estimate.numpy()) / np.sqrt(abar)
    return x_0.astype(x_t.numpy().dtype)


# --- one_step_denoise -----------------------------------------------------------------------------


def _solved(x_t: Tensor, t: int | Tensor, noise: Tensor, alphas_cumprod: Tensor) -> Tensor:
    """The estimate of x_0, for the answers below."""
    abar = alphas_cumprod[t].to(x_t.dtype)
    return (x_t - (1 - abar).sqrt() * noise) / abar.sqrt()


@ONE_STEP_DENOISE.right_answer
def all_in_one(denoiser, x_t, t, prompt_embeds):
    with torch.no_grad():
        noise, _ = denoiser(x_t, t, prompt_embeds)
    abar = denoiser.alphas_cumprod[int(t)].item()
    return (x_t - (1 - abar) ** 0.5 * noise) / abar**0.5


@ONE_STEP_DENOISE.right_answer
def with_rows_for_all(model, noisy, timestep, embeds):
    timesteps = torch.full((len(noisy),), int(timestep), device=noisy.device)
    embeds = embeds.expand(len(noisy), *embeds.shape[1:])
    eps = model(noisy, timesteps, prompt_embeds=embeds)[0]
    abar = model.alphas_cumprod.to(noisy)[timesteps].reshape(-1, 1, 1, 1)
    return torch.sqrt(1 / abar) * noisy - torch.sqrt(1 / abar - 1) * eps


@ONE_STEP_DENOISE.right_answer
def one_picture_at_a_time(denoiser, x_t, t, prompt_embeds):
    results = []
    for i in range(len(x_t)):
        row = prompt_embeds[i % len(prompt_embeds)][None]
        noise = denoiser(x_t[i : i + 1], t, row).noise
        results.append(_solved(x_t[i : i + 1], t, noise, denoiser.alphas_cumprod).clamp(-1, 1))
    return torch.cat(results)

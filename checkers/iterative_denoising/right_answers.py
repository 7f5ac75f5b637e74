"""Lesson 04: other right answers, in other styles; each must pass."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from checkers.iterative_denoising.exercises import (
    ITERATIVE_DENOISE,
    POSTERIOR_MEAN,
    STRIDED_TIMESTEPS,
)
from solutions.one_step_denoising import predict_original

# --- strided_timesteps ----------------------------------------------------------------------------


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


# --- posterior_mean -------------------------------------------------------------------------------


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


# --- iterative_denoise ----------------------------------------------------------------------------


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


@ITERATIVE_DENOISE.right_answer
def asked_about_one_picture_at_a_time(d, im_noisy, i_start, embeds, timesteps, generator=None):
    embeds = embeds.expand(len(im_noisy), *embeds.shape[1:])
    x = im_noisy
    for t, t_prev in pairwise(timesteps[i_start:]):
        asked = [d(x[k : k + 1], t, embeds[k : k + 1]) for k in range(len(x))]
        noise = torch.cat([one.noise for one in asked])
        variance = torch.cat([one.variance for one in asked])
        x_0 = predict_original(x, t, noise, d.alphas_cumprod)
        mean = _right_mean(x, x_0, t, t_prev, d.alphas_cumprod)
        x = d.add_variance(mean, variance, t, t_prev, generator)
    return x


@ITERATIVE_DENOISE.right_answer
def one_picture_after_the_other(d, im_noisy, i_start, embeds, timesteps, generator=None):
    embeds = embeds.expand(len(im_noisy), *embeds.shape[1:])
    done = []
    for k in range(len(im_noisy)):
        x = im_noisy[k : k + 1]
        for t, t_prev in pairwise(timesteps[i_start:]):
            estimate = d(x, t, embeds[k : k + 1])
            x_0 = predict_original(x, t, estimate.noise, d.alphas_cumprod)
            mean = _right_mean(x, x_0, t, t_prev, d.alphas_cumprod)
            x = d.add_variance(mean, estimate.variance, t, t_prev, generator)
        done.append(x)
    return torch.cat(done)


@ITERATIVE_DENOISE.right_answer
def with_the_global_generator_by_name(d, im_noisy, i_start, embeds, timesteps, generator=None):
    generator = torch.default_generator if generator is None else generator
    x = im_noisy
    for t, t_prev in pairwise(timesteps[i_start:]):
        estimate = d(x, t, embeds)
        x_0 = predict_original(x, t, estimate.noise, d.alphas_cumprod)
        mean = _right_mean(x, x_0, t, t_prev, d.alphas_cumprod)
        x = d.add_variance(mean, estimate.variance, t, t_prev, generator)
    return x

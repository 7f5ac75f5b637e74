"""Lesson 09: other right answers, in other styles; each must pass."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.functional import vflip

from checkers.visual_anagrams.exercises import ANAGRAM_NOISE, MAKE_FLIP_ILLUSION
from lessons.workbench.denoisers import NoiseEstimate
from solutions.iterative_denoising import posterior_mean
from solutions.one_step_denoising import predict_original

# --- anagram_noise --------------------------------------------------------------------------------


def _guided(
    denoiser: Any, x: Tensor, t: Any, embeds: Tensor, uncond: Tensor, scale: float
) -> Tensor:
    """The guided estimate of one view, for the answers below."""
    noise_uncond = denoiser(x, t, uncond).noise
    return noise_uncond + scale * (denoiser(x, t, embeds).noise - noise_uncond)


def _both(
    denoiser: Any, x: Tensor, t: Any, pair: Any, uncond: Tensor, scale: float
) -> tuple[Tensor, Tensor]:
    """The right estimate, for the loops below."""
    noise_1 = _guided(denoiser, x, t, pair[0], uncond, scale)
    noise_2 = _guided(denoiser, x.flip(-2), t, pair[1], uncond, scale).flip(-2)
    return (noise_1 + noise_2) / 2, denoiser(x, t, pair[0]).variance


@ANAGRAM_NOISE.right_answer
def four_calls(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    first, second = prompt_pair_embeds
    flipped = torch.flip(x_t, dims=[2])
    cond_1 = denoiser(x_t, t, first)
    cond_2 = denoiser(flipped, t, second)
    noise_1 = guide(denoiser(x_t, t, uncond_prompt_embeds).noise, cond_1.noise, scale)
    noise_2 = guide(denoiser(flipped, t, uncond_prompt_embeds).noise, cond_2.noise, scale)
    variance = (cond_1.variance + torch.flip(cond_2.variance, dims=[2])) / 2
    return 0.5 * noise_1 + 0.5 * torch.flip(noise_2, dims=[2]), variance


def guide(noise_uncond, noise_cond, scale):
    return (1 - scale) * noise_uncond + scale * noise_cond


@ANAGRAM_NOISE.right_answer
def all_in_one_call(model, x, timestep, pair, uncond, gamma=7):
    n = len(x)
    rows = [uncond, pair[0], uncond, pair[1]]
    embeds = torch.cat([row.expand(n, *row.shape[1:]) for row in rows])
    turned = vflip(x)
    estimate = model(torch.cat([x, x, turned, turned]), timestep, embeds)
    u_1, c_1, u_2, c_2 = torch.split(estimate.noise, n)
    cond, uncond_noise = (c_1 + vflip(c_2)) / 2, (u_1 + vflip(u_2)) / 2
    variance = vflip(estimate.variance[3 * n :])
    return NoiseEstimate(uncond_noise + gamma * (cond - uncond_noise), variance)


@ANAGRAM_NOISE.right_answer
def view_by_view(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    total = torch.zeros_like(x_t)
    rows = torch.arange(x_t.shape[2])
    for order, embeds in zip((rows, rows.flip(0)), prompt_pair_embeds, strict=True):
        seen = x_t[:, :, order]
        noise = _guided(denoiser, seen, t, embeds, uncond_prompt_embeds, scale)
        total += noise[:, :, order]
    variance = denoiser(x_t.flip(2), t, prompt_pair_embeds[1]).variance.flip(2)
    return [total / 2, variance]


# --- make_flip_illusion ---------------------------------------------------------------------------


@MAKE_FLIP_ILLUSION.right_answer
def pair_by_pair(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    abar = denoiser.alphas_cumprod
    steps = torch.as_tensor(timesteps[i_start:])
    for t, t_prev in pairwise(steps):
        noise, variance = _both(denoiser, x, t, pair, uncond, scale)
        alpha = (abar[t] / abar[t_prev]).to(x.dtype)
        mean = (x - (1 - alpha) / (1 - abar[t]).to(x.dtype).sqrt() * noise) / alpha.sqrt()
        x = denoiser.add_variance(mean, variance, t=t, t_prev=t_prev, generator=generator)
    return x


@MAKE_FLIP_ILLUSION.right_answer
def clamped_and_quiet_at_the_end(d, x, i, pair, uncond, steps, gamma=7, rng=None):
    with torch.no_grad():
        while i + 1 < len(steps):
            now, then = steps[i], steps[i + 1]
            upright, turned = x, torch.flip(x, [2])
            noise_1 = _guided(d, upright, now, pair[0], uncond, gamma)
            noise_2 = _guided(d, turned, now, pair[1], uncond, gamma)
            noise = torch.stack([noise_1, torch.flip(noise_2, [2])]).mean(0)
            clean = predict_original(x, now, noise, d.alphas_cumprod).clamp(-1, 1)
            x = posterior_mean(x, clean, now, then, d.alphas_cumprod)
            if then > 0:
                x = d.add_variance(x, d(turned, now, pair[1]).variance.flip(2), now, then, rng)
            i += 1
    return x

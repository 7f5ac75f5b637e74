"""Lesson 06: other right answers, in other styles; each must pass."""

from __future__ import annotations

from itertools import pairwise

import torch

from checkers.classifier_free_guidance.exercises import GUIDE, ITERATIVE_DENOISE_CFG
from solutions.iterative_denoising import posterior_mean
from solutions.one_step_denoising import predict_original

# --- guide ----------------------------------------------------------------------------------------


@GUIDE.right_answer
def as_a_weighted_sum(noise_uncond, noise_cond, scale):
    return (1 - scale) * noise_uncond + scale * noise_cond


@GUIDE.right_answer
def by_lerp(u, c, gamma):
    return torch.lerp(u, c, gamma)


@GUIDE.right_answer
def with_numpy(noise_uncond, noise_cond, scale):
    uncond, cond = noise_uncond.numpy(), noise_cond.numpy()
    return cond + (scale - 1) * (cond - uncond)


# --- iterative_denoise_cfg ------------------------------------------------------------------------


@ITERATIVE_DENOISE_CFG.right_answer
def in_two_calls(
    denoiser,
    im_noisy,
    i_start,
    prompt_embeds,
    uncond_prompt_embeds,
    timesteps,
    scale=7,
    generator=None,
):
    x = im_noisy
    for t, t_prev in pairwise(timesteps[i_start:]):
        cond = denoiser(x, t, prompt_embeds)
        uncond = denoiser(x, t, uncond_prompt_embeds)
        noise = (1 - scale) * uncond.noise + scale * cond.noise
        x_0 = predict_original(x, t, noise, denoiser.alphas_cumprod)
        x = posterior_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(x, cond.variance, t, t_prev, generator=generator)
    return x


@ITERATIVE_DENOISE_CFG.right_answer
def conditional_half_first(d, x, i, cond, uncond, steps, gamma=7, rng=None):
    n = x.shape[0]
    cond = cond.repeat(n // len(cond), *[1] * (cond.ndim - 1))
    uncond = uncond.repeat(n // len(uncond), *[1] * (uncond.ndim - 1))
    for k in range(i, len(steps) - 1):
        now, then = torch.tensor(steps[k]), torch.tensor(steps[k + 1])
        noise, variance = d(x.repeat(2, 1, 1, 1), now.repeat(2 * n), torch.cat((cond, uncond)))
        noise = noise[n:] + gamma * (noise[:n] - noise[n:])
        clean = predict_original(x, now, noise, d.alphas_cumprod).clamp(-1, 1)
        x = posterior_mean(x, clean, now, then, d.alphas_cumprod)
        if then > 0:
            x = d.add_variance(x, variance[:n], now, then, rng)
    return x


@ITERATIVE_DENOISE_CFG.right_answer
def guiding_the_pictures(
    denoiser, im, i_start, prompt_embeds, uncond_prompt_embeds, timesteps, scale=7, generator=None
):
    abar = denoiser.alphas_cumprod
    for t, t_prev in pairwise(timesteps[i_start:]):
        estimates = [denoiser(im, t, e) for e in (uncond_prompt_embeds, prompt_embeds)]
        without, with_prompt = (predict_original(im, t, e.noise, abar) for e in estimates)
        x_0 = without + scale * (with_prompt - without)
        mean = posterior_mean(im, x_0, t, t_prev, abar)
        im = denoiser.add_variance(mean, estimates[1].variance, t, t_prev, generator)
    return im


@ITERATIVE_DENOISE_CFG.right_answer
def rows_interleaved_and_back(d, x, i, cond, uncond, steps, gamma=7, rng=None):
    both = [e.expand(len(x), *e.shape[1:]) for e in (uncond, cond)]
    embeds = torch.stack(both, dim=1).flatten(0, 1)
    for t, t_prev in pairwise(steps[i:]):
        estimate = d(x.repeat_interleave(2, dim=0), t, embeds)
        noise = torch.lerp(estimate.noise[0::2], estimate.noise[1::2], float(gamma))
        x_0 = predict_original(x, t, noise, d.alphas_cumprod)
        mean = posterior_mean(x, x_0, t, t_prev, d.alphas_cumprod)
        x = d.add_variance(mean, estimate.variance[1::2], t, t_prev, rng)
    return x


@ITERATIVE_DENOISE_CFG.right_answer
def without_the_unconditional_estimate_at_1(
    denoiser, x, i_start, prompt_embeds, uncond_prompt_embeds, timesteps, scale=7, generator=None
):
    for t, t_prev in pairwise(timesteps[i_start:]):
        noise, variance = denoiser(x, t, prompt_embeds)
        if scale != 1:
            without = denoiser(x, t, uncond_prompt_embeds).noise
            noise = without + scale * (noise - without)
        x_0 = predict_original(x, t, noise, denoiser.alphas_cumprod)
        mean = posterior_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(mean, variance, t, t_prev, generator)
    return x

"""Lesson 17: other right answers, in other styles; each must pass."""

from __future__ import annotations

from itertools import pairwise

import torch

from checkers.ddim.exercises import DDIM_INVERT, DDIM_SAMPLE, DDIM_STEP, HEUN_STEP
from solutions.one_step_denoising import predict_original

# --- ddim_step ------------------------------------------------------------------------------------


@DDIM_STEP.right_answer
def with_sigma_always(x_t, noise, t, t_prev, alphas_cumprod, eta=0.0, generator=None):
    now, then = alphas_cumprod[t], alphas_cumprod[t_prev]
    x_0 = (x_t - (1 - now).sqrt() * noise) / now.sqrt()
    ddpm = ((1 - then) / (1 - now)).sqrt() * (1 - now / then).clamp(min=0).sqrt()
    sigma = eta * ddpm
    x = then.sqrt() * x_0 + (1 - then - sigma**2).sqrt() * noise
    if sigma > 0:
        x += sigma * torch.randn(x.shape, generator=generator, dtype=x.dtype)
    return x


@DDIM_STEP.right_answer
def in_karras_s_variables(x, eps, t, s, abar, eta=0, rng=None):
    """The picture over sqrt(abar) moves along eps as far as sigma changes; then noise is drawn."""
    level = ((1 - abar) / abar).sqrt()
    if eta == 0:
        return abar[s].sqrt() * (x / abar[t].sqrt() + (level[s] - level[t]) * eps)
    fresh = eta * level[s] * (1 - (level[s] / level[t]) ** 2).sqrt()
    down = (level[s] ** 2 - fresh**2).sqrt()
    moved = x / abar[t].sqrt() + (down - level[t]) * eps
    drawn = torch.randn(tuple(x.shape), generator=rng).to(x.dtype)
    return abar[s].sqrt() * (moved + fresh * drawn)


@DDIM_STEP.right_answer
def with_floats(x_t, noise, t, t_prev, alphas_cumprod, eta=0.0, generator=None):
    a, b = float(alphas_cumprod[t]), float(alphas_cumprod[t_prev])
    variance = (1 - b) / (1 - a) * (1 - a / b) * eta**2 if eta else 0.0
    mean = b**0.5 * predict_original(x_t, t, noise, alphas_cumprod)
    mean = mean + (1 - b - variance) ** 0.5 * noise
    if not eta:
        return mean
    fresh = torch.empty_like(x_t).normal_(generator=generator)
    return mean + variance**0.5 * fresh


# --- ddim_sample ----------------------------------------------------------------------------------


@DDIM_SAMPLE.right_answer
def in_one_call(denoiser, x, i_start, cond, uncond, timesteps, scale=7, eta=0.0, generator=None):
    n = len(x)
    both = torch.cat([uncond.expand(n, *uncond.shape[1:]), cond.expand(n, *cond.shape[1:])])
    abar = denoiser.alphas_cumprod
    for t, t_prev in pairwise(timesteps[i_start:]):
        without, with_prompt = denoiser(torch.cat([x, x]), t, both).noise.chunk(2)
        noise = (1 - scale) * without + scale * with_prompt
        sigma = eta * ((1 - abar[t_prev]) / (1 - abar[t]) * (1 - abar[t] / abar[t_prev])).sqrt()
        drawn = torch.randn(x.shape, generator=generator).to(x)
        x_0 = predict_original(x, t, noise, abar)
        x = abar[t_prev].sqrt() * x_0 + (1 - abar[t_prev] - sigma**2).sqrt() * noise + sigma * drawn
    return x


@DDIM_SAMPLE.right_answer
def clamping_what_it_guesses(d, im, i, cond, uncond, steps, gamma=7, eta=0, rng=None):
    abar = d.alphas_cumprod
    for k in range(i, len(steps) - 1):
        now, then = steps[k], steps[k + 1]
        eps_u, eps_c = (d(im, now, e).noise for e in (uncond, cond))
        x_0 = predict_original(im, now, eps_u + gamma * (eps_c - eps_u), abar).clamp(-1, 1)
        noise = (im - abar[now].sqrt() * x_0) / (1 - abar[now]).sqrt()
        fresh = eta**2 * (1 - abar[then]) / (1 - abar[now]) * (1 - abar[now] / abar[then])
        im = abar[then].sqrt() * x_0 + (1 - abar[then] - fresh).sqrt() * noise
        if eta:
            im = im + fresh.sqrt() * torch.randn(im.shape, generator=rng).to(im)
    return im


# --- ddim_invert ----------------------------------------------------------------------------------


@DDIM_INVERT.right_answer
def from_the_end(denoiser, im, prompt_embeds, timesteps):
    x, abar = im, denoiser.alphas_cumprod
    for i in range(len(timesteps) - 1, 0, -1):
        noise, _ = denoiser(x, timesteps[i], prompt_embeds)
        x = (x - (1 - abar[timesteps[i]]).sqrt() * noise) / abar[timesteps[i]].sqrt()
        x = abar[timesteps[i - 1]].sqrt() * x + (1 - abar[timesteps[i - 1]]).sqrt() * noise
    return x


@DDIM_INVERT.right_answer
def by_way_of_x_0(denoiser, im, embeds, timesteps):
    abar = denoiser.alphas_cumprod
    for t, up in pairwise(reversed(timesteps)):
        noise = denoiser(im, torch.tensor(t), embeds).noise
        x_0 = predict_original(im, t, noise, abar)
        im = abar[up].sqrt() * x_0 + (1 - abar[up]).sqrt() * noise
    return im


# --- heun_step ------------------------------------------------------------------------------------


@HEUN_STEP.right_answer
def as_the_mean_of_two_steps(denoiser, x_t, t, t_prev, prompt_embeds):
    """A step is linear in the noise, so the mean of two steps is the step along the mean."""
    abar = denoiser.alphas_cumprod

    def step(noise):
        x_0 = predict_original(x_t, t, noise, abar)
        return abar[t_prev].sqrt() * x_0 + (1 - abar[t_prev]).sqrt() * noise

    trial = step(denoiser(x_t, t, prompt_embeds).noise)
    return (trial + step(denoiser(trial, t_prev, prompt_embeds).noise)) / 2


@HEUN_STEP.right_answer
def as_in_the_paper(denoiser, x, t, s, embeds):
    abar = denoiser.alphas_cumprod
    scale, sigma = abar.sqrt(), ((1 - abar) / abar).sqrt()
    y, h = x / scale[t], sigma[s] - sigma[t]
    d = denoiser(x, t, embeds).noise
    d_next = denoiser(scale[s] * (y + h * d), s, embeds).noise
    return scale[s] * (y + h * (0.5 * d + 0.5 * d_next))

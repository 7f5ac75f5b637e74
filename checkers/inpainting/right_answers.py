"""Lesson 08: other right answers, in other styles; each must pass."""

from __future__ import annotations

from itertools import pairwise

import torch

from checkers.inpainting.exercises import INPAINT
from solutions.classifier_free_guidance import guide, iterative_denoise_cfg
from solutions.forward_noising import forward
from solutions.iterative_denoising import posterior_mean
from solutions.one_step_denoising import predict_original


def _draw(like, generator):
    drawn_on = like.device if generator is None else generator.device
    noise = torch.randn(like.shape, generator=generator, device=drawn_on)
    return noise.to(like.device, like.dtype)


def _step(denoiser, x_t, cond, uncond, t, t_prev, scale, generator):
    """One guided step, written out, with one call for each estimate."""
    abar = denoiser.alphas_cumprod
    with_prompt, without = denoiser(x_t, t, cond), denoiser(x_t, t, uncond)
    noise = guide(without.noise, with_prompt.noise, scale)
    mean = posterior_mean(x_t, predict_original(x_t, t, noise, abar), t, t_prev, abar)
    return denoiser.add_variance(mean, with_prompt.variance, t, t_prev, generator)


def _pairs(timesteps):
    return list(pairwise(timesteps))


@INPAINT.right_answer
def forced_before_the_denoiser(
    denoiser,
    original,
    mask,
    prompt_embeds,
    uncond_prompt_embeds,
    timesteps,
    scale=7,
    generator=None,
):
    x_t = _draw(original, generator)
    for t, t_prev in _pairs(timesteps):
        known = forward(original, t, denoiser.alphas_cumprod, _draw(original, generator))
        x_t = torch.where(mask.bool(), x_t, known)
        x_t = _step(denoiser, x_t, prompt_embeds, uncond_prompt_embeds, t, t_prev, scale, generator)
    return x_t


@INPAINT.right_answer
def the_clean_original_at_the_very_end(
    model, picture, hole, cond, uncond, steps, gamma=7, generator=None
):
    x = _draw(picture, generator)
    abar = model.alphas_cumprod.to(picture.dtype)
    for i in range(len(steps) - 1):
        x = _step(model, x, cond, uncond, steps[i], steps[i + 1], gamma, generator)
        if i + 1 < len(steps) - 1:
            a = abar[steps[i + 1]]
            known = a.sqrt() * picture + (1 - a).sqrt() * _draw(picture, generator)
        else:
            known = picture
        x = known + hole * (x - known)
    return x


@INPAINT.right_answer
def forced_at_both_ends(
    denoiser,
    original,
    mask,
    prompt_embeds,
    uncond_prompt_embeds,
    timesteps,
    scale=7,
    generator=None,
):
    keep = mask == 0

    def with_known(x, t):
        noisy = forward(original, t, denoiser.alphas_cumprod, _draw(original, generator))
        return x.masked_scatter(keep.expand_as(x), noisy[keep.expand_as(x)])

    x_t = with_known(_draw(original, generator), timesteps[0])
    for i in range(len(timesteps) - 1):
        x_t = iterative_denoise_cfg(
            denoiser,
            x_t,
            0,
            prompt_embeds,
            uncond_prompt_embeds,
            timesteps[i : i + 2],
            scale,
            generator,
        )
        x_t = with_known(x_t, timesteps[i + 1])
    return x_t


@INPAINT.right_answer
def with_one_noise_for_all_steps(
    denoiser,
    original,
    mask,
    prompt_embeds,
    uncond_prompt_embeds,
    timesteps,
    scale=7,
    generator=None,
):
    noise, x_t = _draw(original, generator), _draw(original, generator)
    for t, t_prev in _pairs(timesteps):
        x_t = _step(denoiser, x_t, prompt_embeds, uncond_prompt_embeds, t, t_prev, scale, generator)
        x_t = mask * x_t + (1 - mask) * forward(original, t_prev, denoiser.alphas_cumprod, noise)
    return x_t


@INPAINT.right_answer
def one_picture_after_the_other_with_noise_drawn_ahead(
    denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None
):
    def own(rows, number):
        return rows if len(rows) == 1 else rows[number : number + 1]

    made = []
    for number in range(len(original)):
        picture, new = own(original, number), own(mask, number).bool()
        embeds = own(cond, number), own(uncond, number)
        x_t, *noises = [_draw(picture, generator) for _ in timesteps]
        for (t, t_prev), noise in zip(_pairs(timesteps), noises, strict=True):
            x_t = _step(denoiser, x_t, *embeds, t, t_prev, scale, generator)
            known = forward(picture, t_prev, denoiser.alphas_cumprod, noise)
            x_t = torch.where(new, x_t, known)
        made.append(x_t)
    return torch.cat(made)

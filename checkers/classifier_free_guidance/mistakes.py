"""Lesson 06: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

from itertools import pairwise

import torch

from checkers.classifier_free_guidance.exercises import GUIDE, ITERATIVE_DENOISE_CFG
from solutions.iterative_denoising import posterior_mean
from solutions.one_step_denoising import predict_original

# --- guide ----------------------------------------------------------------------------------------


@GUIDE.mistake(
    "you add the difference to the conditional estimate: eps_c + gamma (eps_c - "
    "eps_u). It starts from the unconditional one; yours is what gamma + 1 should give."
)
def added_to_the_conditional(noise_uncond, noise_cond, scale):
    return noise_cond + scale * (noise_cond - noise_uncond)


@GUIDE.mistake(
    "the two estimates changed places: scale 0 should give the unconditional one, "
    "scale 1 the conditional one."
)
def estimates_swapped(noise_uncond, noise_cond, scale):
    return noise_cond + scale * (noise_uncond - noise_cond)


@GUIDE.mistake(
    "the difference has the wrong sign: the step should lead towards the prompt, "
    "noise_cond - noise_uncond."
)
def away_from_the_prompt(noise_uncond, noise_cond, scale):
    return noise_uncond - scale * (noise_cond - noise_uncond)


@GUIDE.mistake(
    "noise_uncond is missing: you return only gamma times the difference. Add that to noise_uncond."
)
def only_the_difference(noise_uncond, noise_cond, scale):
    return scale * (noise_cond - noise_uncond)


@GUIDE.mistake(
    "the conditional estimate is added whole. Only what it differs by is added: "
    "gamma (eps_c - eps_u)."
)
def conditional_added_whole(noise_uncond, noise_cond, scale):
    return noise_uncond + scale * noise_cond


@GUIDE.mistake("scale is not used. Its place is before the difference of the estimates.")
def always_seven(noise_uncond, noise_cond, scale):
    return noise_uncond + 7 * (noise_cond - noise_uncond)


@GUIDE.mistake(
    "gamma has become a share between the two, gamma / (1 + gamma). It may be "
    "larger than 1, and then the result lies beyond both estimates."
)
def share_between_the_two(noise_uncond, noise_cond, scale):
    return (noise_uncond + scale * noise_cond) / (1 + scale) if scale != -1 else noise_uncond


@GUIDE.mistake(
    "the result is clamped. Estimates of the noise reach beyond [-1, 1], guided ones even more so."
)
def clamped(noise_uncond, noise_cond, scale):
    return (noise_uncond + scale * (noise_cond - noise_uncond)).clamp(-1, 1)


# --- iterative_denoise_cfg ------------------------------------------------------------------------


def _guided(uncond, cond, scale):
    return uncond + scale * (cond - uncond)


def _guided_loop(denoiser, x, steps, cond_embeds, uncond_embeds, scale, generator, **parts):
    """The right loop over pairs of timesteps, with parts exchanged: "guide", "variance"."""
    combine = parts.get("guide", lambda uncond, cond: _guided(uncond, cond, scale))
    pick = parts.get("variance", lambda uncond, cond: cond.variance)
    for t, t_prev in steps:
        cond, uncond = denoiser(x, t, cond_embeds), denoiser(x, t, uncond_embeds)
        noise = combine(uncond.noise, cond.noise)
        x_0 = predict_original(x, t, noise, denoiser.alphas_cumprod)
        x = posterior_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(x, pick(uncond, cond), t, t_prev, generator)
    return x


def _pairs(timesteps, i_start):
    return list(pairwise(timesteps[i_start:]))


@ITERATIVE_DENOISE_CFG.mistake(
    "the difference is added to the conditional estimate. It starts from the "
    "unconditional one: eps_u + gamma (eps_c - eps_u)."
)
def guided_from_the_conditional(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    steps = _pairs(timesteps, i_start)
    return _guided_loop(d, x, steps, cond, uncond, scale + 1, generator)


@ITERATIVE_DENOISE_CFG.mistake(
    "the two estimates changed places. If they come from one batched call, cut it "
    "in the order in which you put it together."
)
def branches_swapped(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    return _guided_loop(
        d,
        x,
        _pairs(timesteps, i_start),
        cond,
        uncond,
        scale,
        generator,
        guide=lambda u, c: c + scale * (u - c),
        variance=lambda u, c: u.variance,
    )


@ITERATIVE_DENOISE_CFG.mistake(
    "guide got its arguments in the wrong order: first the unconditional estimate, "
    "then the conditional one."
)
def arguments_of_guide_swapped(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    return _guided_loop(
        d,
        x,
        _pairs(timesteps, i_start),
        cond,
        uncond,
        scale,
        generator,
        guide=lambda u, c: c + scale * (u - c),
    )


@ITERATIVE_DENOISE_CFG.mistake(
    "only the conditional estimate is used, as in lesson 04. Ask without the "
    "prompt, too, and combine both with guide."
)
def not_guided(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    steps = _pairs(timesteps, i_start)
    return _guided_loop(d, x, steps, cond, uncond, 1, generator)


@ITERATIVE_DENOISE_CFG.mistake(
    "the unconditional estimate also gets the prompt, so that the difference is 0. "
    "It belongs to uncond_prompt_embeds."
)
def prompt_in_both(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    x_t = x
    for t, t_prev in _pairs(timesteps, i_start):
        noise, variance = d(torch.cat([x_t, x_t]), t, cond[:1])
        noise = _guided(*noise.chunk(2), scale)
        x_0 = predict_original(x_t, t, noise, d.alphas_cumprod)
        mean = posterior_mean(x_t, x_0, t, t_prev, d.alphas_cumprod)
        x_t = d.add_variance(mean, variance.chunk(2)[1], t, t_prev, generator)
    return x_t


@ITERATIVE_DENOISE_CFG.mistake(
    '"a high quality photo" is used as the unconditional prompt. Unconditional '
    "means the empty prompt; use the uncond_prompt_embeds you are given."
)
def photo_as_the_empty_prompt(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    photo = d.embed("a high quality photo")
    return _guided_loop(d, x, _pairs(timesteps, i_start), cond, photo, scale, generator)


@ITERATIVE_DENOISE_CFG.mistake(
    "`scale` is not used and 7 is written into the loop. 7 is only its default."
)
def always_scale_seven(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    return _guided_loop(d, x, _pairs(timesteps, i_start), cond, uncond, 7, generator)


@ITERATIVE_DENOISE_CFG.mistake(
    "the variance comes from the unconditional estimate. Take that of the conditional one."
)
def variance_of_the_unconditional(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    return _guided_loop(
        d,
        x,
        _pairs(timesteps, i_start),
        cond,
        uncond,
        scale,
        generator,
        variance=lambda u, c: u.variance,
    )


@ITERATIVE_DENOISE_CFG.mistake(
    "the variance is guided like the noise. Only the noise is; the variance is "
    "that of the conditional estimate."
)
def variance_guided_too(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    return _guided_loop(
        d,
        x,
        _pairs(timesteps, i_start),
        cond,
        uncond,
        scale,
        generator,
        variance=lambda u, c: u.variance + scale * (c.variance - u.variance),
    )


@ITERATIVE_DENOISE_CFG.mistake(
    "no noise is added. Every step ends with denoiser.add_variance, as in lesson 04."
)
def no_noise_added(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    for t, t_prev in _pairs(timesteps, i_start):
        noise = _guided(d(x, t, uncond).noise, d(x, t, cond).noise, scale)
        x_0 = predict_original(x, t, noise, d.alphas_cumprod)
        x = posterior_mean(x, x_0, t, t_prev, d.alphas_cumprod)
    return x


@ITERATIVE_DENOISE_CFG.mistake("the loop takes one step too few and stops before timesteps[-1].")
def one_step_too_few(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    steps = _pairs(timesteps, i_start)[:-1]
    return _guided_loop(d, x, steps, cond, uncond, scale, generator)


@ITERATIVE_DENOISE_CFG.mistake(
    "i_start is ignored and the loop always begins with timesteps[0]. im_noisy has "
    "the noise of timesteps[i_start]."
)
def start_ignored(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    return _guided_loop(d, x, _pairs(timesteps, 0), cond, uncond, scale, generator)


@ITERATIVE_DENOISE_CFG.mistake(
    "the first prompt is used for every picture of the batch. prompt_embeds may "
    "hold a row for each."
)
def first_prompt_for_all(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    steps = _pairs(timesteps, i_start)
    return _guided_loop(d, x, steps, cond[:1], uncond, scale, generator)


@ITERATIVE_DENOISE_CFG.mistake(
    "prompts and pictures are mixed up in the batch: with interleaved rows, chunk "
    "does not separate the two kinds. Put all unconditional rows first, then all conditional ones."
)
def rows_interleaved(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    n = len(x)
    rows = torch.stack([uncond.expand(n, 1), cond.expand(n, 1)], dim=1).flatten(0, 1)
    x_t = x
    for t, t_prev in _pairs(timesteps, i_start):
        noise, variance = d(torch.cat([x_t, x_t]), t, rows)
        noise = _guided(*noise.chunk(2), scale)
        x_0 = predict_original(x_t, t, noise, d.alphas_cumprod)
        mean = posterior_mean(x_t, x_0, t, t_prev, d.alphas_cumprod)
        x_t = d.add_variance(mean, variance.chunk(2)[1], t, t_prev, generator)
    return x_t


@ITERATIVE_DENOISE_CFG.mistake(
    "`generator` is not passed on to add_variance, which then draws from torch's global generator."
)
def generator_ignored(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    return _guided_loop(d, x, _pairs(timesteps, i_start), cond, uncond, scale, None)


@ITERATIVE_DENOISE_CFG.mistake(
    "a seed is set inside the loop, so that every step adds the same noise. Seed "
    "once, outside, and pass the generator on."
)
def same_noise_in_every_step(d, x, i_start, cond, uncond, timesteps, scale=7, generator=None):
    for pair in _pairs(timesteps, i_start):
        again = torch.Generator().manual_seed(0)
        x = _guided_loop(d, x, [pair], cond, uncond, scale, again)
    return x

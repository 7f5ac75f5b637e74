"""Lesson 07: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

import torch

from checkers.image_to_image.exercises import EDIT
from solutions.classifier_free_guidance import guide
from solutions.forward_noising import forward
from solutions.iterative_denoising import iterative_denoise, posterior_mean
from solutions.one_step_denoising import predict_original


def _draw(im, generator):
    drawn_on = im.device if generator is None else generator.device
    return torch.randn(im.shape, generator=generator, device=drawn_on).to(im.device, im.dtype)


def _denoised(denoiser, x_t, i_start, cond, uncond, timesteps, scale, generator, clamped=False):
    """The guided loop, written out, with one call for each estimate."""
    abar = denoiser.alphas_cumprod
    for t, t_prev in zip(timesteps[i_start:], timesteps[i_start + 1 :], strict=False):
        with_prompt, without = denoiser(x_t, t, cond), denoiser(x_t, t, uncond)
        noise = guide(without.noise, with_prompt.noise, scale)
        x_0 = predict_original(x_t, t, noise, abar)
        x_0 = x_0.clamp(-1, 1) if clamped else x_0
        mean = posterior_mean(x_t, x_0, t, t_prev, abar)
        x_t = denoiser.add_variance(mean, with_prompt.variance, t, t_prev, generator)
    return x_t


@EDIT.mistake(
    "the noise is grey: the three channels of a picture get the same. Draw noise of "
    "the picture's whole shape, im.shape."
)
def grey_noise(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noise = _draw(im[:, :1], generator).expand_as(im)
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, noise)
    return _denoised(denoiser, noisy, i_start, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "the picture is noised to i_start itself. i_start is a place in the list; the "
    "timestep there is timesteps[i_start]."
)
def noised_to_the_place(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, i_start, denoiser.alphas_cumprod, _draw(im, generator))
    return _denoised(denoiser, noisy, i_start, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "denoising begins one timestep late. After noising to timesteps[i_start], the "
    "loop starts at i_start too, not at i_start + 1."
)
def loop_one_late(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    return _denoised(denoiser, noisy, i_start + 1, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "denoising begins one timestep early: the loop starts at i_start - 1, where the "
    "denoiser expects more noise than there is. Pass it the same i_start."
)
def loop_one_early(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    first = max(i_start - 1, 0)
    return _denoised(denoiser, noisy, first, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "the picture is noised one timestep too little, to timesteps[i_start + 1]. "
    "Noise it to timesteps[i_start], where the loop begins."
)
def noised_one_late(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    t = timesteps[i_start + 1]
    noisy = forward(im, t, denoiser.alphas_cumprod, _draw(im, generator))
    return _denoised(denoiser, noisy, i_start, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "the clean picture goes into the loop. Noise it first, with `forward`: the "
    "denoiser takes at timesteps[i_start] for noise whatever is there."
)
def not_noised(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    return _denoised(denoiser, im.clone(), i_start, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "the loop begins with pure noise, so that nothing of the picture is left. Begin "
    "with the picture, noised by `forward`."
)
def from_pure_noise(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noise = _draw(im, generator)
    return _denoised(denoiser, noise, i_start, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "the loop always begins at the first timestep. The picture has the noise of "
    "timesteps[i_start]; pass i_start on."
)
def loop_from_the_first(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    return _denoised(denoiser, noisy, 0, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "i_start counts twice: you pass timesteps[i_start:] and i_start too. Pass "
    "either the whole list with i_start, or the shorter list with 0."
)
def counted_twice(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    rest = timesteps[i_start:]
    return _denoised(denoiser, noisy, i_start, cond, uncond, rest, scale, generator)


@EDIT.mistake("`scale` is not passed on: the strength of the guidance never changes.")
def scale_ignored(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    return _denoised(denoiser, noisy, i_start, cond, uncond, timesteps, 7, generator)


@EDIT.mistake("the two embeddings changed places: prompt_embeds comes before uncond_prompt_embeds.")
def embeddings_swapped(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    return _denoised(denoiser, noisy, i_start, uncond, cond, timesteps, scale, generator)


@EDIT.mistake(
    "you denoise without guidance, with `iterative_denoise`. Here it is "
    "`iterative_denoise_cfg`, with both embeddings and `scale`."
)
def without_guidance(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    return iterative_denoise(denoiser, noisy, i_start, cond, timesteps, generator)


@EDIT.mistake(
    "`forward` draws noise of its own, so that `generator` does not decide it. Pass "
    "`noise` as its last argument."
)
def noise_of_its_own(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod)
    return _denoised(denoiser, noisy, i_start, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "`generator` is not passed on to `iterative_denoise_cfg`: only the first noise "
    "is repeatable, that of the steps is not."
)
def generator_not_passed_on(
    denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None
):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    return _denoised(denoiser, noisy, i_start, cond, uncond, timesteps, scale, None)


@EDIT.mistake(
    "the loop adds no noise of its own: every step ends with "
    "`denoiser.add_variance`, also here. `iterative_denoise_cfg` does it for you."
)
def no_variance(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    x_t = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    abar = denoiser.alphas_cumprod
    for t, t_prev in zip(timesteps[i_start:], timesteps[i_start + 1 :], strict=False):
        noise = guide(denoiser(x_t, t, uncond).noise, denoiser(x_t, t, cond).noise, scale)
        x_0 = predict_original(x_t, t, noise, abar)
        x_t = posterior_mean(x_t, x_0, t, t_prev, abar)
    return x_t


@EDIT.mistake(
    "you return the noisy picture, and never denoise it. Return what `iterative_denoise_cfg` gives."
)
def only_noised(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    return forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))

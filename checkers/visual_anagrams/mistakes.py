"""Lesson 09: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

from itertools import pairwise

from checkers.visual_anagrams.exercises import MAKE_FLIP_ILLUSION
from solutions.iterative_denoising import posterior_mean
from solutions.one_step_denoising import predict_original


def _loop(denoiser, x, steps, embeds, uncond, scale, generator, upside_down=False):
    """The loop for one prompt, which may look at the picture upside down."""
    for t, t_prev in steps:
        seen = x.flip(-2) if upside_down else x
        noise_uncond = denoiser(seen, t, uncond).noise
        noise = noise_uncond + scale * (denoiser(seen, t, embeds).noise - noise_uncond)
        noise = noise.flip(-2) if upside_down else noise
        variance = denoiser(x, t, embeds).variance
        x_0 = predict_original(x, t, noise, denoiser.alphas_cumprod)
        mean = posterior_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(mean, variance, t, t_prev, generator)
    return x


@MAKE_FLIP_ILLUSION.mistake(
    "two pictures are made one by one and averaged at the end. Then neither prompt "
    "knows of the other: take the mean of the two estimates of the noise in every step."
)
def averaged_at_the_end(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    steps = list(pairwise(timesteps[i_start:]))
    one = _loop(denoiser, x, steps, pair[0], uncond, scale, generator)
    other = _loop(denoiser, x.flip(-2), steps, pair[1], uncond, scale, generator)
    return (one + other.flip(-2)) / 2


@MAKE_FLIP_ILLUSION.mistake(
    "the two prompts take turns, one step each. Every step needs both views: one "
    "call of anagram_noise."
)
def prompts_take_turns(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    for number, step in enumerate(pairwise(timesteps[i_start:])):
        second = number % 2 == 1
        x = _loop(denoiser, x, [step], pair[second], uncond, scale, generator, second)
    return x

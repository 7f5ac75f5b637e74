"""Lesson 10: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

from itertools import pairwise

from torchvision.transforms.functional import gaussian_blur

from checkers.hybrid_images.exercises import MAKE_HYBRIDS
from solutions.iterative_denoising import posterior_mean
from solutions.one_step_denoising import predict_original


def _guided(denoiser, x, t, embeds, uncond, scale):
    noise_uncond = denoiser(x, t, uncond).noise
    return noise_uncond + scale * (denoiser(x, t, embeds).noise - noise_uncond)


def _loop(denoiser, x, timesteps, embeds, generator, noise_of):
    """The right loop with any estimate of the noise, and the variance of one prompt's."""
    for t, t_prev in pairwise(timesteps):
        noise, variance = noise_of(x, t), denoiser(x, t, embeds).variance
        x_0 = predict_original(x, t, noise, denoiser.alphas_cumprod)
        mean = posterior_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(mean, variance, t, t_prev, generator)
    return x


@MAKE_HYBRIDS.mistake(
    "the picture is blurred, not the estimate: the far prompt is shown a blurred "
    "x_t. Show both prompts x_t as it is and filter what comes out."
)
def picture_blurred(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def noise_of(x, t):
        low = gaussian_blur(x, 33, 2.0)
        noise_far = _guided(d, low, t, far, uncond, scale)
        return noise_far + _guided(d, x - low, t, near, uncond, scale)

    return _loop(d, x, steps[i_start:], far, generator, noise_of)


@MAKE_HYBRIDS.mistake(
    "two pictures are made one by one and joined at the end. Then neither prompt "
    "knows of the other: join the two estimates of the noise in every step."
)
def joined_at_the_end(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def alone(embeds):
        def noise_of(x, t):
            return _guided(d, x, t, embeds, uncond, scale)

        return _loop(d, x, steps[i_start:], embeds, generator, noise_of)

    low, whole = gaussian_blur(alone(far), 33, 2.0), alone(near)
    return low + whole - gaussian_blur(whole, 33, 2.0)

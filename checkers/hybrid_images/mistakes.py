"""Lesson 10: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from checkers.hybrid_images.exercises import HYBRID_NOISE, MAKE_HYBRIDS
from solutions.iterative_denoising import posterior_mean
from solutions.one_step_denoising import predict_original

# --- hybrid_noise ---------------------------------------------------------------------------------


@HYBRID_NOISE.mistake(
    "low and high pass are swapped: the blur belongs to noise_far, and what the "
    "blur takes away to noise_near."
)
def passes_swapped(noise_far, noise_near, kernel_size=33, sigma=2):
    low = gaussian_blur(noise_near, kernel_size, sigma)
    return low + noise_far - gaussian_blur(noise_far, kernel_size, sigma)


@HYBRID_NOISE.mistake(
    "the high pass is zero, as in e - e. The high pass of e is e minus its own low pass."
)
def high_pass_of_nothing(noise_far, noise_near, kernel_size=33, sigma=2):
    return gaussian_blur(noise_far, kernel_size, sigma)


@HYBRID_NOISE.mistake(
    "noise_near is added whole. Take its low frequencies away first: "
    "noise_near - lowpass(noise_near)."
)
def near_not_filtered(noise_far, noise_near, kernel_size=33, sigma=2):
    return gaussian_blur(noise_far, kernel_size, sigma) + noise_near


@HYBRID_NOISE.mistake("noise_far is used whole. Only its low frequencies count: blur it.")
def far_not_filtered(noise_far, noise_near, kernel_size=33, sigma=2):
    return noise_far + noise_near - gaussian_blur(noise_near, kernel_size, sigma)


@HYBRID_NOISE.mistake(
    "both estimates are blurred and added. The near one needs the other half: what "
    "the blur takes away."
)
def both_blurred(noise_far, noise_near, kernel_size=33, sigma=2):
    low = gaussian_blur(noise_far, kernel_size, sigma)
    return low + gaussian_blur(noise_near, kernel_size, sigma)


@HYBRID_NOISE.mistake(
    "the blurred noise_far is subtracted from noise_near. The high pass of "
    "noise_near is noise_near minus its own blur, not minus the other's."
)
def high_pass_against_the_other(noise_far, noise_near, kernel_size=33, sigma=2):
    low = gaussian_blur(noise_far, kernel_size, sigma)
    return low + noise_near - low


@HYBRID_NOISE.mistake("the high pass has the wrong sign, lowpass(e) - e. It is e - lowpass(e).")
def high_pass_negative(noise_far, noise_near, kernel_size=33, sigma=2):
    low = gaussian_blur(noise_far, kernel_size, sigma)
    return low + gaussian_blur(noise_near, kernel_size, sigma) - noise_near


@HYBRID_NOISE.mistake(
    "the two parts are averaged. They hold different frequencies and don't overlap: add them."
)
def halved(noise_far, noise_near, kernel_size=33, sigma=2):
    high = noise_near - gaussian_blur(noise_near, kernel_size, sigma)
    return (gaussian_blur(noise_far, kernel_size, sigma) + high) / 2


@HYBRID_NOISE.mistake(
    "the two estimates are averaged without any filter. That gives a mixture, the "
    "same from near and far."
)
def plain_mean(noise_far, noise_near, kernel_size=33, sigma=2):
    return (noise_far + noise_near) / 2


@HYBRID_NOISE.mistake(
    "sigma is not passed to gaussian_blur, which then makes one up from the kernel "
    "size (5.3 for 33). Write gaussian_blur(e, kernel_size, sigma)."
)
def sigma_left_out(noise_far, noise_near, kernel_size=33, sigma=2):
    low = gaussian_blur(noise_far, kernel_size)
    return low + noise_near - gaussian_blur(noise_near, kernel_size)


@HYBRID_NOISE.mistake("33 and 2 are written into your function. Use kernel_size and sigma.")
def filter_fixed(noise_far, noise_near, kernel_size=33, sigma=2):
    low = gaussian_blur(noise_far, 33, 2)
    return low + noise_near - gaussian_blur(noise_near, 33, 2)


@HYBRID_NOISE.mistake(
    "the picture is padded with zeros for the blur, which darkens the edges. "
    "torchvision's gaussian_blur mirrors the picture at its edges."
)
def padded_with_zeros(noise_far, noise_near, kernel_size=33, sigma=2):
    places = torch.arange(kernel_size, dtype=noise_far.dtype) - (kernel_size - 1) / 2
    bell = torch.exp(-(places**2) / (2 * sigma**2))
    kernel = (bell[:, None] * bell[None, :] / bell.sum() ** 2)[None, None].repeat(3, 1, 1, 1)
    low, near = (
        torch.nn.functional.conv2d(e, kernel, padding=kernel_size // 2, groups=3)
        for e in (noise_far, noise_near)
    )
    return low + noise_near - near


# --- make_hybrids ---------------------------------------------------------------------------------


def _hybrid(far: Tensor, near: Tensor) -> Tensor:
    return gaussian_blur(far, 33, 2.0) + near - gaussian_blur(near, 33, 2.0)


def _guided(
    denoiser: Any, x: Tensor, t: Any, embeds: Tensor, uncond: Tensor, scale: float
) -> Tensor:
    """One prompt's guided estimate, for the answers below."""
    noise_uncond = denoiser(x, t, uncond).noise
    return noise_uncond + scale * (denoiser(x, t, embeds).noise - noise_uncond)


def _both(
    denoiser: Any, x: Tensor, t: Any, far: Tensor, near: Tensor, uncond: Tensor, scale: float
) -> tuple[Tensor, Tensor]:
    """The right estimate, for the loops below."""
    noise_far = _guided(denoiser, x, t, far, uncond, scale)
    noise_near = _guided(denoiser, x, t, near, uncond, scale)
    return _hybrid(noise_far, noise_near), denoiser(x, t, far).variance


def _loop(
    denoiser,
    x,
    steps,
    far,
    near,
    uncond,
    scale,
    generator,
    estimate=_both,
    mean=posterior_mean,
):
    """The right loop over pairs of timesteps, with a part exchanged."""
    for t, t_prev in steps:
        noise, variance = estimate(denoiser, x, t, far, near, uncond, scale)
        x_0 = predict_original(x, t, noise, denoiser.alphas_cumprod)
        x = mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(x, variance, t, t_prev, generator)
    return x


def _pairs(timesteps, i_start):
    return list(pairwise(timesteps[i_start:]))


@MAKE_HYBRIDS.mistake(
    "the far and the near prompt changed places: the first one's estimate gets the low pass."
)
def roles_swapped(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start), near, far, uncond, scale, generator)


@MAKE_HYBRIDS.mistake(
    "there is no guidance: the prompts' estimates are joined as they are. Guide each of them first."
)
def not_guided(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, 1.0, generator)


@MAKE_HYBRIDS.mistake("only the far prompt's estimate is guided. The near one needs guidance too.")
def only_far_guided(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def estimate(denoiser, x, t, far, near, uncond, scale):
        near_estimate = denoiser(x, t, near)
        noise = _hybrid(_guided(denoiser, x, t, far, uncond, scale), near_estimate.noise)
        return noise, near_estimate.variance

    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale, generator, estimate)


@MAKE_HYBRIDS.mistake("the scale is fixed at 7 inside your function. Use the argument `scale`.")
def scale_fixed(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, 7, generator)


@MAKE_HYBRIDS.mistake(
    "the arguments of guide changed places: guide(noise_uncond, noise_cond, scale)."
)
def guide_swapped(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, 1 - scale, generator)


@MAKE_HYBRIDS.mistake(
    "guidance starts from the prompt's estimate, cond + scale (cond - uncond). It "
    "starts from the other one: uncond + scale (cond - uncond)."
)
def guided_from_the_prompt(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale + 1, generator)


@MAKE_HYBRIDS.mistake(
    "the variance is blurred as well. The filter is for the noise; pass the "
    "variance on as the denoiser gave it."
)
def variance_blurred(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def estimate(denoiser, x, t, far, near, uncond, scale):
        noise, variance = _both(denoiser, x, t, far, near, uncond, scale)
        return noise, gaussian_blur(variance, 33, 2.0)

    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale, generator, estimate)


@MAKE_HYBRIDS.mistake(
    "the variance comes from the estimate without a prompt. Take it from a prompt's estimate."
)
def variance_without_a_prompt(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def estimate(denoiser, x, t, far, near, uncond, scale):
        noise, _ = _both(denoiser, x, t, far, near, uncond, scale)
        return noise, denoiser(x, t, uncond).variance

    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale, generator, estimate)


@MAKE_HYBRIDS.mistake(
    "the picture is blurred, not the estimate: the far prompt is shown a blurred "
    "x_t. Show both prompts x_t as it is and filter what comes out."
)
def picture_blurred(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def estimate(denoiser, x, t, far, near, uncond, scale):
        low = gaussian_blur(x, 33, 2.0)
        noise_far = _guided(denoiser, low, t, far, uncond, scale)
        noise_near = _guided(denoiser, x - low, t, near, uncond, scale)
        return noise_far + noise_near, denoiser(x, t, far).variance

    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale, generator, estimate)


@MAKE_HYBRIDS.mistake(
    "the two estimates are averaged without a filter. Join them with hybrid_noise; "
    "does yours pass its own check?"
)
def estimates_averaged(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def estimate(denoiser, x, t, far, near, uncond, scale):
        noise_far = _guided(denoiser, x, t, far, uncond, scale)
        noise_near = _guided(denoiser, x, t, near, uncond, scale)
        return (noise_far + noise_near) / 2, denoiser(x, t, far).variance

    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale, generator, estimate)


@MAKE_HYBRIDS.mistake(
    "two pictures are made one by one and joined at the end. Then neither prompt "
    "knows of the other: join the two estimates of the noise in every step."
)
def joined_at_the_end(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    made = [
        _loop(d, x, _pairs(steps, i_start), embeds, embeds, uncond, scale, generator)
        for embeds in (far, near)
    ]
    return _hybrid(*made)


@MAKE_HYBRIDS.mistake(
    "the near prompt's estimate is added unfiltered to the far one's low pass. Does "
    "your hybrid_noise pass its own check?"
)
def near_added_whole(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def estimate(denoiser, x, t, far, near, uncond, scale):
        low = gaussian_blur(_guided(denoiser, x, t, far, uncond, scale), 33, 2.0)
        noise = low + _guided(denoiser, x, t, near, uncond, scale)
        return noise, denoiser(x, t, far).variance

    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale, generator, estimate)


@MAKE_HYBRIDS.mistake(
    "the loop takes one step too few and stops before timesteps[-1]. There is a "
    "step for every pair of neighbours: range(i_start, len(timesteps) - 1)."
)
def one_step_too_few(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start)[:-1], far, near, uncond, scale, generator)


@MAKE_HYBRIDS.mistake(
    "the loop starts one timestep too late. im_noisy has the noise of "
    "timesteps[i_start]; the first step starts there."
)
def starts_one_late(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start + 1), far, near, uncond, scale, generator)


@MAKE_HYBRIDS.mistake(
    "i_start is ignored and the loop always begins with timesteps[0]. im_noisy has "
    "the noise of timesteps[i_start]."
)
def start_ignored(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, 0), far, near, uncond, scale, generator)


@MAKE_HYBRIDS.mistake(
    "no noise is added. After posterior_mean, call denoiser.add_variance and go on "
    "with what it returns."
)
def no_noise_added(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    for t, t_prev in _pairs(steps, i_start):
        noise, _ = _both(d, x, t, far, near, uncond, scale)
        x_0 = predict_original(x, t, noise, d.alphas_cumprod)
        x = posterior_mean(x, x_0, t, t_prev, d.alphas_cumprod)
    return x


@MAKE_HYBRIDS.mistake(
    "add_variance got t_prev before t. The order is add_variance(mean, variance, "
    "t, t_prev), the noisier timestep first."
)
def noise_with_timesteps_swapped(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    for t, t_prev in _pairs(steps, i_start):
        noise, variance = _both(d, x, t, far, near, uncond, scale)
        x_0 = predict_original(x, t, noise, d.alphas_cumprod)
        x = posterior_mean(x, x_0, t, t_prev, d.alphas_cumprod)
        x = d.add_variance(x, variance, t_prev, t, generator)
    return x


@MAKE_HYBRIDS.mistake("posterior_mean got t_prev, t instead of t, t_prev.")
def mean_with_timesteps_swapped(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def mean(x_t, x_0, t, t_prev, abar):
        return posterior_mean(x_t, x_0, t_prev, t, abar)

    pairs = _pairs(steps, i_start)
    return _loop(d, x, pairs, far, near, uncond, scale, generator, mean=mean)


@MAKE_HYBRIDS.mistake(
    "the estimate of the noise is used where x_0 belongs. Turn it into x_0 first, "
    "with predict_original."
)
def noise_for_x_0(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    for t, t_prev in _pairs(steps, i_start):
        noise, variance = _both(d, x, t, far, near, uncond, scale)
        x = posterior_mean(x, noise, t, t_prev, d.alphas_cumprod)
        x = d.add_variance(x, variance, t, t_prev, generator)
    return x


@MAKE_HYBRIDS.mistake(
    "`generator` is not passed on to add_variance, which then draws from torch's global generator."
)
def generator_ignored(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale, None)


@MAKE_HYBRIDS.mistake("the loop starts from new noise. It should start from im_noisy.")
def starts_from_new_noise(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    fresh = torch.randn(x.shape, generator=generator).to(x)
    return _loop(d, fresh, _pairs(steps, i_start), far, near, uncond, scale, generator)

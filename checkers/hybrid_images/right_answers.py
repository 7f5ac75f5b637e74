"""Lesson 10: other right answers, in other styles; each must pass."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from scipy import ndimage
from torch import Tensor
from torchvision.transforms import GaussianBlur
from torchvision.transforms.functional import gaussian_blur

from checkers.hybrid_images.exercises import HYBRID_NOISE, MAKE_HYBRIDS
from solutions.iterative_denoising import posterior_mean
from solutions.one_step_denoising import predict_original

# --- hybrid_noise ---------------------------------------------------------------------------------


@HYBRID_NOISE.right_answer
def one_blur(noise_far, noise_near, kernel_size=33, sigma=2):
    blur = GaussianBlur((kernel_size, kernel_size), float(sigma))
    return noise_near + blur(noise_far - noise_near)


@HYBRID_NOISE.right_answer
def with_scipy(far, near, k=33, s=2):
    def lowpass(e):
        radius = k // 2
        for axis in (2, 3):
            e = ndimage.gaussian_filter1d(e, s, axis=axis, mode="mirror", radius=radius)
        return e

    return torch.from_numpy(lowpass(far.numpy()) + near.numpy() - lowpass(near.numpy()))


@HYBRID_NOISE.right_answer
def blurred_in_float32(noise_far, noise_near, kernel_size=33, sigma=2):
    far, near = noise_far.float(), noise_near.float()
    low, blurred = (
        gaussian_blur(e, [kernel_size, kernel_size], [sigma, sigma]) for e in (far, near)
    )
    return low + (near - blurred)


@HYBRID_NOISE.right_answer
def by_hand(noise_far, noise_near, kernel_size=33, sigma=2):
    places = torch.arange(kernel_size, dtype=noise_far.dtype) - (kernel_size - 1) / 2
    bell = torch.exp(-(places**2) / (2 * sigma**2))
    kernel = (bell[:, None] * bell[None, :] / bell.sum() ** 2)[None, None].repeat(3, 1, 1, 1)

    def low(e):
        padded = torch.nn.functional.pad(e, [kernel_size // 2] * 4, mode="reflect")
        return torch.nn.functional.conv2d(padded, kernel, groups=3)

    return low(noise_far) + (noise_near - low(noise_near))


# --- make_hybrids ---------------------------------------------------------------------------------


def _hybrid(far: Tensor, near: Tensor) -> Tensor:
    return gaussian_blur(far, 33, 2.0) + near - gaussian_blur(near, 33, 2.0)


def _guided(
    denoiser: Any, x: Tensor, t: Any, embeds: Tensor, uncond: Tensor, scale: float
) -> Tensor:
    """One prompt's guided estimate, for the answers below."""
    noise_uncond = denoiser(x, t, uncond).noise
    return noise_uncond + scale * (denoiser(x, t, embeds).noise - noise_uncond)


@MAKE_HYBRIDS.right_answer
def guided_after_joining(d, x, i_start, far, near, uncond, steps, gamma=7, generator=None):
    abar = d.alphas_cumprod
    for t, t_prev in pairwise(steps[i_start:]):
        u, first, second = d(x, t, uncond), d(x, t, far), d(x, t, near)
        noise = u.noise + gamma * (_hybrid(first.noise, second.noise) - u.noise)
        variance = (first.variance + second.variance) / 2
        alpha = (abar[t] / abar[t_prev]).to(x.dtype)
        mean = (x - (1 - alpha) / (1 - abar[t]).to(x.dtype).sqrt() * noise) / alpha.sqrt()
        x = d.add_variance(mean, variance, t=t, t_prev=t_prev, generator=generator)
    return x


@MAKE_HYBRIDS.right_answer
def clamped_and_quiet_at_the_end(d, x, i, far, near, uncond, steps, scale=7, rng=None):
    def guided(embeds):
        n = len(x)
        rows = torch.cat([one.expand(n, *one.shape[1:]) for one in (uncond, embeds)])
        estimate = d(torch.cat([x] * 2), steps[i], rows)
        return (1 - scale) * estimate.noise[:n] + scale * estimate.noise[n:], estimate.variance[n:]

    with torch.no_grad():
        while i + 1 < len(steps):
            (noise_far, _), (noise_near, variance) = guided(far), guided(near)
            noise = _hybrid(noise_far, noise_near)
            clean = predict_original(x, steps[i], noise, d.alphas_cumprod).clamp(-1, 1)
            x = posterior_mean(x, clean, steps[i], steps[i + 1], d.alphas_cumprod)
            if steps[i + 1] > 0:
                x = d.add_variance(x, variance, steps[i], steps[i + 1], rng)
            i += 1
    return x


@MAKE_HYBRIDS.right_answer
def pictures_joined_in_every_step(d, x, i_start, far, near, uncond, steps, scale=7, rng=None):
    for t, t_prev in pairwise(steps[i_start:]):
        x_0 = [
            predict_original(x, t, _guided(d, x, t, embeds, uncond, scale), d.alphas_cumprod)
            for embeds in (far, near)
        ]
        mean = posterior_mean(x, _hybrid(*x_0), t, t_prev, d.alphas_cumprod)
        x = d.add_variance(mean, d(x, t, near).variance, t, t_prev, rng)
    return x

"""Lesson 01: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

import torch

from checkers.forward_noising.exercises import FORWARD


@FORWARD.mistake(
    "you multiplied the noise by 1 - abar_t. abar_t counts variance; what "
    "multiplies the noise is a standard deviation, sqrt(1 - abar_t)."
)
def variance_for_deviation(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    abar = alphas_cumprod[t]
    return abar.sqrt() * im + (1 - abar) * noise


@FORWARD.mistake(
    "you multiplied the picture by abar_t itself. The equation has its square root, sqrt(abar_t)."
)
def no_root_on_the_picture(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    abar = alphas_cumprod[t]
    return abar * im + (1 - abar).sqrt() * noise


@FORWARD.mistake(
    "both square roots are missing: you wrote abar_t x_0 + (1 - abar_t) noise, "
    "and the equation has sqrt(abar_t) x_0 + sqrt(1 - abar_t) noise."
)
def no_roots(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    abar = alphas_cumprod[t]
    return abar * im + (1 - abar) * noise


@FORWARD.mistake(
    "you added noise to the picture as it is. The forward process also makes the "
    "picture weaker: it is multiplied by sqrt(abar_t)."
)
def picture_not_scaled(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    return im + (1 - alphas_cumprod[t]).sqrt() * noise


@FORWARD.mistake(
    "you used alpha_t = abar_t / abar_(t-1), the factor of a single step. "
    "forward jumps from 0 to t at once, and for that the equation has abar_t itself."
)
def alpha_of_one_step(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    alpha = alphas_cumprod[t] / alphas_cumprod[t - 1] if t > 0 else alphas_cumprod[t]
    return alpha.sqrt() * im + (1 - alpha).sqrt() * noise


@FORWARD.mistake(
    "you used beta_t, the noise of a single step, in place of 1 - abar_t, the noise "
    "of all t steps together."
)
def beta_for_the_noise(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    abar = alphas_cumprod[t]
    beta = 1 - (abar / alphas_cumprod[t - 1] if t > 0 else abar)
    return abar.sqrt() * im + beta.sqrt() * noise


@FORWARD.mistake(
    "the two factors changed places: sqrt(abar_t) belongs to the picture and "
    "sqrt(1 - abar_t) to the noise."
)
def factors_swapped(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    abar = alphas_cumprod[t]
    return (1 - abar).sqrt() * im + abar.sqrt() * noise


@FORWARD.mistake(
    "you clamped the result to [-1, 1]. Noise reaches beyond that; cutting it off "
    "makes it something other than normal noise, and the denoiser would notice."
)
def clamped(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    abar = alphas_cumprod[t]
    return (abar.sqrt() * im + (1 - abar).sqrt() * noise).clamp(-1, 1)


@FORWARD.mistake(
    "you drew the noise with torch.rand, which is uniform between 0 and 1. The "
    "equation needs a standard normal distribution: torch.randn or torch.randn_like."
)
def uniform_noise(im, t, alphas_cumprod, noise=None):
    noise = torch.rand_like(im) if noise is None else noise
    abar = alphas_cumprod[t]
    return abar.sqrt() * im + (1 - abar).sqrt() * noise


@FORWARD.mistake("you always draw new noise, also when `noise` is given. Draw only if it is None.")
def given_noise_ignored(im, t, alphas_cumprod, noise=None):
    abar = alphas_cumprod[t]
    return abar.sqrt() * im + (1 - abar).sqrt() * torch.randn_like(im)


@FORWARD.mistake(
    "t was taken as a place in the strided list 990, 960, ..., 0. Here t is the "
    "timestep itself: abar_t is alphas_cumprod[t]."
)
def index_of_the_strided_list(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    last = len(alphas_cumprod) - 1
    abar = alphas_cumprod[max(0, last - last % 30 - 30 * (int(t) % 34))]
    return abar.sqrt() * im + (1 - abar).sqrt() * noise


@FORWARD.mistake(
    "all channels, and all pictures of a batch, get the same noise. Draw a number "
    "for every entry: torch.randn_like(im) has the picture's whole shape."
)
def one_noise_for_all_channels(im, t, alphas_cumprod, noise=None):
    noise = torch.randn(im.shape[-2:], dtype=im.dtype) if noise is None else noise
    abar = alphas_cumprod[t]
    return abar.sqrt() * im + (1 - abar).sqrt() * noise

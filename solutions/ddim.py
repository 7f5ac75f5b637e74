"""Lesson 17: fewer steps without chance (DDIM), the way back to the noise, and better steps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lessons.workbench.denoisers import Denoiser
from solutions.classifier_free_guidance import guide
from solutions.one_step_denoising import predict_original

__all__ = ["ddim_invert", "ddim_sample", "ddim_step", "heun_step"]


def ddim_step(
    x_t: Tensor,
    noise: Tensor,
    t: int,
    t_prev: int,
    alphas_cumprod: Tensor,
    eta: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Go from timestep t to t_prev (DDIM, Song et al. 2020, equations 12 and 16).

    Args:
        x_t: (B, 3, H, W), the noisy pictures.
        noise: like `x_t`, the estimate of the noise in them.
        t: the timestep of `x_t`.
        t_prev: the timestep to go to. With eta = 0 it may also be the noisier one.
        alphas_cumprod: (T,), the schedule: entry t is abar_t.
        eta: from 0, which draws nothing, to 1, which draws as much noise as DDPM.
        generator: draws the noise, on its own device; the global generator if None.

    Returns:
        Like `x_t` in shape, dtype and device: the pictures at timestep t_prev. Nothing is clamped.
    """
    ### BEGIN SOLUTION
    abar_t, abar_prev = alphas_cumprod[t], alphas_cumprod[t_prev]
    x_0 = predict_original(x_t, t, noise, alphas_cumprod)
    variance = torch.zeros_like(abar_t)
    if eta > 0:
        variance = eta**2 * (1 - abar_prev) / (1 - abar_t) * (1 - abar_t / abar_prev)
    x_prev = abar_prev.sqrt() * x_0 + (1 - abar_prev - variance).sqrt() * noise
    if eta > 0:
        drawn_on = x_t.device if generator is None else generator.device
        fresh = torch.randn(x_t.shape, generator=generator, device=drawn_on).to(x_t)
        x_prev = x_prev + variance.sqrt() * fresh
    return x_prev
    ### END SOLUTION


def ddim_sample(
    denoiser: Denoiser,
    im_noisy: Tensor,
    i_start: int,
    prompt_embeds: Tensor,
    uncond_prompt_embeds: Tensor,
    timesteps: Sequence[int],
    scale: float = 7,
    eta: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Denoise step by step as `iterative_denoise_cfg` does, with DDIM steps.

    Args:
        denoiser: `denoiser(x_t, t, prompt_embeds)` has the field `noise`;
            `denoiser.alphas_cumprod` is its schedule.
        im_noisy: (B, 3, H, W), the pictures at timestep timesteps[i_start].
        i_start: the place in `timesteps` to start from.
        prompt_embeds: (B, ...) or (1, ...), from `denoiser.embed`.
        uncond_prompt_embeds: (B, ...) or (1, ...), the embedding of the empty prompt "".
        timesteps: falling timesteps, from `strided_timesteps` or a part of such a list.
        scale: gamma, how strongly the prompt counts.
        eta: how much noise each step draws; see `ddim_step`.
        generator: draws that noise.

    Returns:
        Like `im_noisy` in shape, dtype and device: the pictures at timestep timesteps[-1].
    """
    ### BEGIN SOLUTION
    x_t = im_noisy
    for i in range(i_start, len(timesteps) - 1):
        t, t_prev = timesteps[i], timesteps[i + 1]
        noise_cond = denoiser(x_t, t, prompt_embeds).noise
        noise_uncond = denoiser(x_t, t, uncond_prompt_embeds).noise
        noise = guide(noise_uncond, noise_cond, scale)
        x_t = ddim_step(x_t, noise, t, t_prev, denoiser.alphas_cumprod, eta, generator)
    return x_t
    ### END SOLUTION


def ddim_invert(
    denoiser: Denoiser, im: Tensor, prompt_embeds: Tensor, timesteps: Sequence[int]
) -> Tensor:
    """Find the noise that `ddim_sample` draws these pictures from, with scale 1 and eta 0.

    Each step asks the denoiser where it is and goes to the next noisier timestep (Song et al.
    2020, section 4.3).

    Args:
        denoiser: see `ddim_sample`.
        im: (B, 3, H, W), the pictures at timestep timesteps[-1], which is 0 as a rule.
        prompt_embeds: (B, ...) or (1, ...), from `denoiser.embed`.
        timesteps: falling timesteps, the same list as for `ddim_sample`.

    Returns:
        Like `im` in shape, dtype and device: the pictures at timestep timesteps[0].
    """
    ### BEGIN SOLUTION
    x_t = im
    rising = list(timesteps)[::-1]
    for i in range(len(rising) - 1):
        t, t_next = rising[i], rising[i + 1]
        noise = denoiser(x_t, t, prompt_embeds).noise
        x_t = ddim_step(x_t, noise, t, t_next, denoiser.alphas_cumprod)
    return x_t
    ### END SOLUTION


def heun_step(
    denoiser: Denoiser, x_t: Tensor, t: int, t_prev: int, prompt_embeds: Tensor
) -> Tensor:
    """Go from timestep t to t_prev along the mean of two slopes (Karras et al. 2022, algorithm 1).

    The slopes are the noise estimated at the beginning of the step and at the end of a trial step.

    Args:
        denoiser: see `ddim_sample`.
        x_t: (B, 3, H, W), the noisy pictures.
        t: the timestep of `x_t`.
        t_prev: the timestep to go to, less noisy.
        prompt_embeds: (B, ...) or (1, ...), from `denoiser.embed`.

    Returns:
        Like `x_t` in shape, dtype and device: the pictures at timestep t_prev.
    """
    ### BEGIN SOLUTION
    abar = denoiser.alphas_cumprod
    here = denoiser(x_t, t, prompt_embeds).noise
    trial = ddim_step(x_t, here, t, t_prev, abar)
    there = denoiser(trial, t_prev, prompt_embeds).noise
    return ddim_step(x_t, (here + there) / 2, t, t_prev, abar)
    ### END SOLUTION

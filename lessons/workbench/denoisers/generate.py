"""The finished sampler: pictures from prompts, for lessons that come before the student's own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor
from tqdm import tqdm

from lessons.workbench.denoisers.denoiser import PICTURE_SHAPE, Denoiser
from lessons.workbench.denoisers.prompts import read_prompts

FIRST_TIMESTEP = 990


@torch.no_grad()
def generate(
    denoiser: Denoiser,
    prompts: str | Sequence[str],
    num_inference_steps: int = 34,
    guidance_scale: float = 7.0,
    generator: torch.Generator | int | None = None,
    progress: bool | None = None,
) -> Tensor:
    """Draw one picture for each prompt.

    Starts from noise and takes DDPM steps (Ho et al. 2020, equation 7) along evenly spaced
    timesteps from 990 to 0, guided without a classifier (Ho & Salimans 2022, arXiv 2207.12598,
    equation 6, with guidance 0 unconditional and 1 conditional).

    Args:
        denoiser: any `Denoiser`.
        prompts: one prompt or B.
        num_inference_steps: the number of timesteps, at least 2; the denoiser is asked once less.
        guidance_scale: how far to go from the unconditional estimate to the prompt's, and beyond.
        generator: a generator or a seed, which makes the result repeatable.
        progress: show a progress bar; None shows one only in a terminal.

    Returns:
        (B, 3, 64, 64), in about [-1, 1].

    Raises:
        PromptError: if the denoiser can make nothing of a prompt.
        ValueError: if there are too few or too many steps.
    """
    prompts = read_prompts(prompts)
    timesteps = spaced_timesteps(num_inference_steps)
    if isinstance(generator, int):
        generator = torch.Generator().manual_seed(generator)
    conditional, unconditional = denoiser.embed(prompts), denoiser.embed("")
    both = torch.cat([conditional, unconditional.expand_as(conditional)])
    drawn_on = "cpu" if generator is None else generator.device
    shape = (len(prompts), *getattr(denoiser, "picture_shape", PICTURE_SHAPE))
    x_t = torch.randn(shape, generator=generator, device=drawn_on).to(
        denoiser.device, denoiser.dtype
    )
    shown = sys.stderr.isatty() if progress is None else progress
    steps = list(pairwise(timesteps))
    for t, t_prev in tqdm(steps, disable=not shown, desc="sampling"):
        estimate = denoiser(torch.cat([x_t, x_t]), t, both)
        noise_cond, noise_uncond = estimate.noise.chunk(2)
        noise = noise_uncond + guidance_scale * (noise_cond - noise_uncond)
        mean = _posterior_mean(x_t, noise, t, t_prev, denoiser.alphas_cumprod)
        variance = estimate.variance[: len(prompts)]
        x_t = denoiser.add_variance(mean, variance, t, t_prev, generator=generator)
    return x_t


def spaced_timesteps(count: int) -> list[int]:
    """Return `count` timesteps, evenly spaced from 990 down to 0.

    Raises:
        ValueError: if `count` is not between 2 and 991.
    """
    if not 2 <= count <= FIRST_TIMESTEP + 1:
        raise ValueError(f"Choose between 2 and {FIRST_TIMESTEP + 1} steps, not {count}.")
    return [round(FIRST_TIMESTEP * (1 - k / (count - 1))) for k in range(count)]


def _posterior_mean(x_t: Tensor, noise: Tensor, t: int, t_prev: int, abar: Tensor) -> Tensor:
    """Return the mean of x_t_prev given x_t and the estimate of the noise (DDPM, equation 7)."""
    abar_t, abar_prev = abar[t], abar[t_prev]
    alpha = abar_t / abar_prev
    x_0 = (x_t - (1 - abar_t).sqrt() * noise) / abar_t.sqrt()
    weight_x_0 = abar_prev.sqrt() * (1 - alpha) / (1 - abar_t)
    weight_x_t = alpha.sqrt() * (1 - abar_prev) / (1 - abar_t)
    return weight_x_0 * x_0 + weight_x_t * x_t

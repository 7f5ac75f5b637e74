"""Lesson 03: from an estimate of the noise to an estimate of the picture, in one step."""

from __future__ import annotations

from torch import Tensor

from lessons.workbench.denoisers import Denoiser

__all__ = ["one_step_denoise", "predict_original"]


def predict_original(
    x_t: Tensor, t: int | Tensor, noise_estimate: Tensor, alphas_cumprod: Tensor
) -> Tensor:
    """Solve the forward equation for the clean picture (DDPM, Ho et al. 2020, equation 15).

    Args:
        x_t: (B, 3, H, W), noisy pictures.
        t: their timestep, 0 to len(alphas_cumprod) - 1, as an int or a tensor with one entry.
        noise_estimate: like `x_t`, the noise that is believed to be in them.
        alphas_cumprod: (T,), the schedule: entry t is abar_t.

    Returns:
        Like `x_t` in shape, dtype and device: the estimate of x_0. Nothing is clamped.
    """
    ### BEGIN SOLUTION
    abar = alphas_cumprod[t].to(x_t.device, x_t.dtype)
    return (x_t - (1 - abar).sqrt() * noise_estimate) / abar.sqrt()
    ### END SOLUTION


def one_step_denoise(
    denoiser: Denoiser, x_t: Tensor, t: int | Tensor, prompt_embeds: Tensor
) -> Tensor:
    """Ask the denoiser once and take all the noise it sees away at once.

    Args:
        denoiser: estimates the noise: `denoiser(x_t, t, prompt_embeds)` has the fields `noise`
            and `variance`; `denoiser.alphas_cumprod` is its schedule.
        x_t: (B, 3, H, W), noisy pictures.
        t: their timestep, as an int or a tensor with one entry.
        prompt_embeds: (B, ...) or (1, ...), what the denoiser is told to expect, from
            `denoiser.embed`.

    Returns:
        Like `x_t` in shape, dtype and device: the estimate of the clean pictures x_0.
    """
    ### BEGIN SOLUTION
    estimate = denoiser(x_t, t, prompt_embeds)
    return predict_original(x_t, t, estimate.noise, denoiser.alphas_cumprod)
    ### END SOLUTION

"""Lesson 10: one picture that shows one thing from afar and another close by."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from lessons.workbench.denoisers import Denoiser
from solutions.classifier_free_guidance import guide
from solutions.iterative_denoising import posterior_mean
from solutions.one_step_denoising import predict_original

__all__ = ["hybrid_noise", "make_hybrids"]


def hybrid_noise(
    noise_far: Tensor, noise_near: Tensor, kernel_size: int = 33, sigma: float = 2
) -> Tensor:
    """Join two estimates of the noise (Geng et al. 2024, section 3.3, with a Gaussian filter).

    The low pass is torchvision's `gaussian_blur`, which mirrors the picture at its edges.

    Args:
        noise_far: (B, 3, H, W), the estimate for what is seen from afar: its low frequencies count.
        noise_near: like `noise_far`, the estimate for what is seen close by: its high frequencies
            count, that is, what a blur takes away from it.
        kernel_size: side of the Gaussian kernel of the low pass, in pixels, an odd number.
        sigma: standard deviation of the Gaussian, in pixels.

    Returns:
        Like `noise_far` in shape, dtype and device: lowpass(noise_far) + highpass(noise_near).
    """
    ### BEGIN SOLUTION
    low = gaussian_blur(noise_far, kernel_size, sigma)
    high = noise_near - gaussian_blur(noise_near, kernel_size, sigma)
    return low + high
    ### END SOLUTION


def make_hybrids(
    denoiser: Denoiser,
    im_noisy: Tensor,
    i_start: int,
    far_prompt_embeds: Tensor,
    near_prompt_embeds: Tensor,
    uncond_prompt_embeds: Tensor,
    timesteps: Sequence[int],
    scale: float = 7,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Denoise step by step as `iterative_denoise_cfg` does, with the noise of `hybrid_noise`.

    Each prompt's estimate is guided on its own; `hybrid_noise`, with its default filter, joins
    the two. The variance is the `variance` of either prompt's estimate, unblurred.

    Args:
        denoiser: see `iterative_denoise`.
        im_noisy: (B, 3, H, W), the pictures at timestep timesteps[i_start].
        i_start: the place in `timesteps` to start from.
        far_prompt_embeds: (B, ...) or (1, ...), the prompt to be seen from afar.
        near_prompt_embeds: (B, ...) or (1, ...), the prompt to be seen close by.
        uncond_prompt_embeds: (B, ...) or (1, ...), the embedding of the empty prompt "".
        timesteps: falling timesteps.
        scale: gamma, how strongly the prompts count.
        generator: draws the noise, for `denoiser.add_variance`.

    Returns:
        Like `im_noisy` in shape, dtype and device: the pictures at timestep timesteps[-1].
    """
    ### BEGIN SOLUTION
    batch = len(im_noisy)
    three = [uncond_prompt_embeds, far_prompt_embeds, near_prompt_embeds]
    embeds = torch.cat([one.expand(batch, *one.shape[1:]) for one in three])
    x_t = im_noisy
    for i in range(i_start, len(timesteps) - 1):
        t, t_prev = timesteps[i], timesteps[i + 1]
        estimate = denoiser(torch.cat([x_t, x_t, x_t]), t, embeds)
        noise_uncond, noise_far, noise_near = estimate.noise.chunk(3)
        noise = hybrid_noise(
            guide(noise_uncond, noise_far, scale), guide(noise_uncond, noise_near, scale)
        )
        variance = estimate.variance.chunk(3)[1]
        x_0 = predict_original(x_t, t, noise, denoiser.alphas_cumprod)
        mean = posterior_mean(x_t, x_0, t, t_prev, denoiser.alphas_cumprod)
        x_t = denoiser.add_variance(mean, variance, t, t_prev, generator)
    return x_t
    ### END SOLUTION

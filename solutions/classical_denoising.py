"""Lesson 02: denoising without learning, by blurring, and a number for how well it went."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

__all__ = ["best_blur", "blur_denoise", "psnr"]


def blur_denoise(im_noisy: Tensor, kernel_size: int, sigma: float) -> Tensor:
    """Blur pictures with a Gaussian, as `torchvision.transforms.functional.gaussian_blur` does.

    Args:
        im_noisy: (B, C, H, W), noisy pictures of any range.
        kernel_size: how many pixels wide and high the average is; odd, below twice the side.
        sigma: the standard deviation of the Gaussian in pixels, more than 0.

    Returns:
        Like `im_noisy` in shape, dtype and device: each channel blurred on its own. Beyond the
        edge the picture goes on as its own mirror image.
    """
    ### BEGIN SOLUTION
    return gaussian_blur(im_noisy, kernel_size, sigma)
    ### END SOLUTION


def psnr(a: Tensor, b: Tensor) -> float | Tensor:
    """Compare pictures by their peak signal-to-noise ratio, for values in [-1, 1].

    PSNR = 10 log10(range^2 / MSE), where range = 2 is the distance from black to full brightness
    and MSE the mean squared difference over all pixels, channels and pictures together
    (Huynh-Thu & Ghanbari 2008, "Scope of validity of PSNR in image/video quality assessment").

    Args:
        a: (B, C, H, W), pictures. What lies outside [-1, 1] counts as it is.
        b: the same shape, the pictures to compare with.

    Returns:
        One number in decibels (dB), a float or a tensor with one entry; more is better.
    """
    ### BEGIN SOLUTION
    mse = (a - b).square().mean()
    return float(10 * torch.log10(2**2 / mse))
    ### END SOLUTION


def best_blur(
    im_noisy: Tensor, im_clean: Tensor, kernel_sizes: Sequence[int], sigmas: Sequence[float]
) -> tuple[int, float]:
    """Try every kernel size with every sigma and find the blur that denoises best.

    Args:
        im_noisy: (B, C, H, W), noisy pictures.
        im_clean: the same shape, what they were before the noise.
        kernel_sizes: the kernel sizes to try.
        sigmas: the standard deviations to try.

    Returns:
        (kernel_size, sigma) of the blurred picture with the highest PSNR against `im_clean`; if
        several are equally good, any of them.
    """
    ### BEGIN SOLUTION
    pairs = [(kernel_size, sigma) for kernel_size in kernel_sizes for sigma in sigmas]
    return max(pairs, key=lambda pair: psnr(blur_denoise(im_noisy, *pair), im_clean))
    ### END SOLUTION

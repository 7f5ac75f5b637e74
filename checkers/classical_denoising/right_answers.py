"""Lesson 02: other right answers, in other styles; each must pass."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import torch
import torchvision
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.functional import gaussian_blur

from checkers.classical_denoising.exercises import BEST_BLUR, BLUR_DENOISE, PSNR

# --- blur_denoise ---------------------------------------------------------------------------------


@BLUR_DENOISE.right_answer
def by_a_transform(im_noisy, kernel_size, sigma):
    return torchvision.transforms.GaussianBlur((kernel_size, kernel_size), sigma)(im_noisy)


@BLUR_DENOISE.right_answer
def one_direction_after_the_other(pictures, size, std):
    places = torch.arange(size, dtype=pictures.dtype, device=pictures.device) - size // 2
    weights = torch.exp(-0.5 * (places / std) ** 2)
    weights /= weights.sum()
    channels = pictures.shape[1]
    padded = functional.pad(pictures, [size // 2] * 4, mode="reflect")
    rows = functional.conv2d(padded, weights.expand(channels, 1, 1, size), groups=channels)
    columns = weights.expand(channels, 1, 1, size).transpose(2, 3)
    return functional.conv2d(rows, columns, groups=channels)


@BLUR_DENOISE.right_answer
def with_numpy(im_noisy, kernel_size, sigma):
    reach = kernel_size // 2
    padded = np.pad(im_noisy.numpy(), ((0, 0), (0, 0), (reach, reach), (reach, reach)), "reflect")
    height, width = im_noisy.shape[-2:]
    total, result = 0.0, np.zeros(im_noisy.shape)
    for i, j in product(range(kernel_size), repeat=2):
        weight = math.exp(-((i - reach) ** 2 + (j - reach) ** 2) / (2 * sigma**2))
        result += weight * padded[..., i : i + height, j : j + width]
        total += weight
    return (result / total).astype(im_noisy.numpy().dtype)


# --- psnr -----------------------------------------------------------------------------------------


@PSNR.right_answer
def by_mse_loss(a, b):
    return 20 * math.log10(2) - 10 * torch.log10(functional.mse_loss(a, b))


@PSNR.right_answer
def on_pictures_moved_to_0_1(estimate, clean):
    one, other = (estimate.numpy() + 1) / 2, (clean.numpy() + 1) / 2
    return 10 * np.log10(1 / np.mean((one - other) ** 2))


@PSNR.right_answer
def by_the_root(a, b):
    rmse = (a - b).pow(2).mean().sqrt().item()
    return 20 * math.log10(2 / rmse)


@PSNR.right_answer
def by_the_natural_logarithm(a, b):
    return torch.log(4.0 / torch.mean(torch.square(a - b))) * 10 / math.log(10)


@PSNR.right_answer
def by_the_four_sides(a, b):
    count, channels, height, width = a.shape
    squares = torch.einsum("bchw,bchw->", a - b, a - b)
    return 10 * torch.log10(4 * count * channels * height * width / squares)


def _mse(a: Tensor, b: Tensor) -> float:
    return float((a - b).square().mean())


# --- best_blur ------------------------------------------------------------------------------------


def _score(im_noisy: Tensor, im_clean: Tensor, kernel_size: int, sigma: float) -> float:
    """The PSNR of one blur."""
    return 10 * math.log10(4 / _mse(gaussian_blur(im_noisy, kernel_size, sigma), im_clean))


@BEST_BLUR.right_answer
def with_two_loops(im_noisy, im_clean, kernel_sizes, sigmas):
    best_score, best_pair = -float("inf"), None
    for sigma in sigmas:
        for kernel_size in kernel_sizes:
            score = _score(im_noisy, im_clean, kernel_size, sigma)
            if score > best_score:
                best_score, best_pair = score, [kernel_size, sigma]
    return best_pair


@BEST_BLUR.right_answer
def by_the_smallest_error(noisy, clean, sizes, stds):
    errors = torch.tensor([[_mse(gaussian_blur(noisy, k, s), clean) for s in stds] for k in sizes])
    i, j = divmod(int(errors.argmin()), len(stds))
    return sizes[i], stds[j]


@BEST_BLUR.right_answer
def as_an_array(im_noisy, im_clean, kernel_sizes, sigmas):
    rows = [
        (_score(im_noisy, im_clean, k, s), k, s)
        for k in np.asarray(kernel_sizes).tolist()
        for s in np.asarray(sigmas).tolist()
    ]
    return np.array(sorted(rows)[-1][1:])

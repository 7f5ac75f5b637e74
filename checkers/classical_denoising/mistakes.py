"""Lesson 02: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.functional import gaussian_blur

from checkers.classical_denoising.exercises import BEST_BLUR, BLUR_DENOISE, PSNR

# --- blur_denoise ---------------------------------------------------------------------------------


def _convolved(im: Tensor, kernel: Tensor, mode: str = "reflect") -> Tensor:
    """Every channel convolved with one (k, k) kernel."""
    channels, reach = im.shape[1], kernel.shape[0] // 2
    padded = functional.pad(im, [reach] * 4, mode=mode)
    kernel = kernel.to(im).expand(channels, 1, *kernel.shape)
    return functional.conv2d(padded, kernel, groups=channels)


def _gaussian_kernel(kernel_size: int, sigma: float) -> Tensor:
    places = torch.arange(kernel_size) - kernel_size // 2
    weights = torch.exp(-0.5 * (places / sigma) ** 2)
    return weights[:, None] * weights[None, :] / weights.sum() ** 2


@BLUR_DENOISE.mistake(
    "`sigma` is not used: without it, gaussian_blur takes a sigma of its own that "
    "follows from the kernel size. Pass both."
)
def sigma_left_out(im_noisy, kernel_size, sigma):
    return gaussian_blur(im_noisy, kernel_size)


@BLUR_DENOISE.mistake(
    "`kernel_size` and `sigma` changed places. gaussian_blur takes the kernel size "
    "first; it must be an odd whole number, and sigma need not be."
)
def kernel_and_sigma_swapped(im_noisy, kernel_size, sigma):
    return gaussian_blur(im_noisy, sigma, kernel_size)


@BLUR_DENOISE.mistake(
    "the kernel size is fixed at 5, as in the original course. Use the "
    "`kernel_size` that is passed."
)
def kernel_always_five(im_noisy, kernel_size, sigma):
    return gaussian_blur(im_noisy, 5, sigma)


@BLUR_DENOISE.mistake(
    "you blur in one direction only: the bright pixel becomes a streak, not a "
    "round hill. The kernel should be as high as it is wide."
)
def one_direction_only(im_noisy, kernel_size, sigma):
    return gaussian_blur(im_noisy, [kernel_size, 1], sigma)


@BLUR_DENOISE.mistake(
    "all pixels of the window count the same: a box, not a hill. In a Gaussian "
    "blur the weights fall off with the distance, as exp(-distance^2 / (2 sigma^2))."
)
def a_box(im_noisy, kernel_size, sigma):
    return _convolved(im_noisy, torch.full((kernel_size, kernel_size), kernel_size**-2.0))


@BLUR_DENOISE.mistake(
    "the colours are mixed: every channel of your result is the same, so the "
    "picture is grey. Blur over height and width only, each channel on its own."
)
def colours_mixed(im_noisy, kernel_size, sigma):
    blurred = gaussian_blur(im_noisy, kernel_size, sigma)
    return blurred.mean(dim=1, keepdim=True).expand_as(blurred)


@BLUR_DENOISE.mistake(
    "your blur takes zeros from beyond the edge of the picture, which pulls the "
    "rim towards grey. gaussian_blur mirrors the picture there; in your own convolution that is "
    "padding with mode='reflect'."
)
def zeros_beyond_the_edge(im_noisy, kernel_size, sigma):
    return _convolved(im_noisy, _gaussian_kernel(kernel_size, sigma), mode="constant")


@BLUR_DENOISE.mistake(
    "you clamp to [-1, 1]. Noisy pictures reach beyond that, and cutting them off "
    "moves their average. Return the blurred picture as it is."
)
def clamped(im_noisy, kernel_size, sigma):
    return gaussian_blur(im_noisy, kernel_size, sigma).clamp(-1, 1)


@BLUR_DENOISE.mistake(
    "you clamp to [-1, 1] before blurring. Noisy pictures reach beyond that, and "
    "cutting them off moves their average. Blur the picture as it is."
)
def clamped_first(im_noisy, kernel_size, sigma):
    return gaussian_blur(im_noisy.clamp(-1, 1), kernel_size, sigma)


# --- psnr -----------------------------------------------------------------------------------------


def _mse(a: Tensor, b: Tensor) -> float:
    return float((a - b).square().mean())


@PSNR.mistake(
    "you took 1 for the range, as for pictures in [0, 1]. Ours run from -1 to 1: "
    "the range is 2, and its square 4. You are 6.02 dB too low."
)
def range_one(a, b):
    return 10 * math.log10(1 / _mse(a, b))


@PSNR.mistake(
    "you took 255 for the range, as for pictures of whole numbers from 0 to 255. "
    "Ours run from -1 to 1: the range is 2."
)
def range_255(a, b):
    return 10 * math.log10(255**2 / _mse(a, b))


@PSNR.mistake(
    "the range is not squared. The MSE is a square, so the range must be one too: 2^2 / MSE."
)
def range_not_squared(a, b):
    return 10 * math.log10(2 / _mse(a, b))


@PSNR.mistake(
    "you took the range from the picture, as its largest value less its smallest. "
    "The range is that of all pictures, 2, or the PSNR of two pictures cannot be compared."
)
def range_of_the_picture(a, b):
    return 10 * math.log10(float(b.max() - b.min()) ** 2 / _mse(a, b))


@PSNR.mistake(
    "you took the largest value of the picture for the range. The range is the "
    "distance from -1 to 1, which is 2 for every picture."
)
def largest_value_for_the_range(a, b):
    return 20 * math.log10(float(a.max()) / math.sqrt(_mse(a, b)))


@PSNR.mistake(
    "you took the mean of the absolute differences. MSE is the mean of their "
    "squares: `(a - b).square().mean()`."
)
def absolute_differences(a, b):
    return 10 * math.log10(4 / float((a - b).abs().mean()))


@PSNR.mistake(
    "you added the squared differences up instead of taking their mean. A larger "
    "picture must not look worse."
)
def sum_for_mean(a, b):
    return 10 * math.log10(4 / float((a - b).square().sum()))


@PSNR.mistake(
    "you wrote 20 log10 of a ratio of squares. It is 10 log10(range^2 / MSE), or "
    "20 log10(range / sqrt(MSE)): the 2 that the squares would give stands in front of one only."
)
def twenty_for_ten(a, b):
    return 20 * math.log10(4 / _mse(a, b))


@PSNR.mistake(
    "you wrote 10 log10(range / sqrt(MSE)), with roots inside and 10 in front. "
    "With the roots it takes a 20."
)
def ten_with_roots(a, b):
    return 10 * math.log10(2 / math.sqrt(_mse(a, b)))


@PSNR.mistake(
    "you took the natural logarithm: `torch.log` and `math.log` have base e. "
    "Decibels are counted in powers of ten: `torch.log10`, `math.log10`."
)
def natural_logarithm(a, b):
    return 10 * math.log(4 / _mse(a, b))


@PSNR.mistake(
    "the fraction stands upside down: your result has the wrong sign. More noise "
    "must give a smaller PSNR, so the MSE stands below."
)
def upside_down(a, b):
    return 10 * math.log10(_mse(a, b) / 4)


@PSNR.mistake("the logarithm's factor 10 is missing. Decibels are tenths of a bel.")
def factor_left_out(a, b):
    return math.log10(4 / _mse(a, b))


@PSNR.mistake("you return the mean squared error itself. The PSNR is 10 log10(4 / MSE).")
def mse_itself(a, b):
    return _mse(a, b)


@PSNR.mistake(
    "you clamp the pictures to [-1, 1] first. The noise beyond is then not "
    "counted, and the noisy picture looks better than it is."
)
def clamped_before(a, b):
    return 10 * math.log10(4 / max(_mse(a.clamp(-1, 1), b.clamp(-1, 1)), 1e-12))


@PSNR.mistake(
    "you took the mean of each picture's own PSNR. Take the mean of the squared "
    "differences over all pictures first, and the logarithm once."
)
def mean_of_each_psnr(a, b):
    return float(
        np.mean([10 * math.log10(4 / _mse(one, other)) for one, other in zip(a, b, strict=True)])
    )


# --- best_blur ------------------------------------------------------------------------------------


def _score(im_noisy: Tensor, im_clean: Tensor, kernel_size: int, sigma: float) -> float:
    """The PSNR of one blur."""
    return 10 * math.log10(4 / _mse(gaussian_blur(im_noisy, kernel_size, sigma), im_clean))


@BEST_BLUR.mistake(
    "you return the blur with the lowest PSNR. More is better: look for the "
    "highest (and check that your psnr has the right sign)."
)
def the_worst(im_noisy, im_clean, kernel_sizes, sigmas):
    pairs = product(kernel_sizes, sigmas)
    return min(pairs, key=lambda pair: _score(im_noisy, im_clean, *pair))


@BEST_BLUR.mistake(
    "the weakest blur always wins with you. That happens when the blurred picture "
    "is compared with the very picture that was blurred. Blur `im_noisy`, and compare with "
    "`im_clean`."
)
def compared_with_the_noisy(im_noisy, im_clean, kernel_sizes, sigmas):
    pairs = product(kernel_sizes, sigmas)
    return max(pairs, key=lambda pair: _score(im_noisy, im_noisy, *pair))


@BEST_BLUR.mistake(
    "you return places in the lists, not what stands there. "
    "`kernel_sizes[i], sigmas[j]` are the values."
)
def places_for_values(im_noisy, im_clean, kernel_sizes, sigmas):
    places = product(range(len(kernel_sizes)), range(len(sigmas)))
    return max(
        places, key=lambda ij: _score(im_noisy, im_clean, kernel_sizes[ij[0]], sigmas[ij[1]])
    )


@BEST_BLUR.mistake(
    "you return the best PSNR. What is asked for is the pair that reaches it: (kernel_size, sigma)."
)
def psnr_for_the_pair(im_noisy, im_clean, kernel_sizes, sigmas):
    return max(_score(im_noisy, im_clean, *pair) for pair in product(kernel_sizes, sigmas))


@BEST_BLUR.mistake(
    "you return the PSNR along with the pair. Return just the two: (kernel_size, sigma)."
)
def pair_and_psnr(im_noisy, im_clean, kernel_sizes, sigmas):
    pair = max(product(kernel_sizes, sigmas), key=lambda p: _score(im_noisy, im_clean, *p))
    return (*pair, _score(im_noisy, im_clean, *pair))


@BEST_BLUR.mistake("you return (sigma, kernel_size). The kernel size comes first.")
def sigma_first(im_noisy, im_clean, kernel_sizes, sigmas):
    pair = max(product(kernel_sizes, sigmas), key=lambda p: _score(im_noisy, im_clean, *p))
    return pair[::-1]


@BEST_BLUR.mistake(
    "you search over sigma only and keep the first kernel size. Try every kernel "
    "size with every sigma."
)
def only_sigma(im_noisy, im_clean, kernel_sizes, sigmas):
    first = kernel_sizes[0]
    return first, max(sigmas, key=lambda sigma: _score(im_noisy, im_clean, first, sigma))


@BEST_BLUR.mistake(
    "you search over the kernel size only and keep the first sigma. Try every "
    "kernel size with every sigma."
)
def only_kernel_size(im_noisy, im_clean, kernel_sizes, sigmas):
    first = sigmas[0]
    return max(kernel_sizes, key=lambda size: _score(im_noisy, im_clean, size, first)), first


@BEST_BLUR.mistake(
    "you walk through both lists side by side, as zip does. That tries the first "
    "kernel size with the first sigma, the second with the second; the other pairs are missing."
)
def side_by_side(im_noisy, im_clean, kernel_sizes, sigmas):
    pairs = zip(kernel_sizes, sigmas, strict=False)
    return max(pairs, key=lambda pair: _score(im_noisy, im_clean, *pair))


@BEST_BLUR.mistake(
    "the last pair you tried always wins. When a PSNR is higher than the best so "
    "far, remember it as the new best, together with its pair."
)
def the_last_one(im_noisy, im_clean, kernel_sizes, sigmas):
    return kernel_sizes[-1], sigmas[-1]


@BEST_BLUR.mistake(
    "you return after the first pair. `return` belongs after both loops, not inside them."
)
def the_first_one(im_noisy, im_clean, kernel_sizes, sigmas):
    return kernel_sizes[0], sigmas[0]

"""Lesson 02: what `blur_denoise`, `psnr` and `best_blur` must do, and how they go wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
import torchvision
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.functional import gaussian_blur

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges import describe, same_form, same_values
from probes.call import call_many
from probes.record import Array
from probes.running import Inputs
from solutions.classical_denoising import best_blur, blur_denoise, psnr

KERNEL_SIZES = (3, 5, 9)
SIGMAS = (0.6, 1.0, 2.0)


def _noise(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator)


def _pictures(generator: torch.Generator, *shape: int) -> Tensor:
    """Smooth random pictures within [-1, 1], so that a report's pictures show something."""
    coarse = torch.rand(shape[0], shape[1], 5, 5, generator=generator) - 0.5
    return functional.interpolate(coarse, shape[2:], mode="bicubic")


def _framed(im: Tensor, frame: int = 8) -> Tensor:
    """The picture with its rim set to 0, so that what a blur does at the edge cannot matter."""
    return functional.pad(im[..., frame:-frame, frame:-frame], [frame] * 4)


# --- blur_denoise ---------------------------------------------------------------------------------


def _point_inputs(generator: torch.Generator) -> Inputs:
    """One bright pixel: its blurred picture is the kernel itself."""
    im = torch.zeros(1, 3, 25, 25)
    im[..., 12, 12] = torch.rand(3, generator=generator) + 1
    blurs = zip(KERNEL_SIZES, SIGMAS, strict=True)
    return {"calls": [{"im_noisy": im, "kernel_size": k, "sigma": s} for k, s in blurs]}


def _sizes_inputs(generator: torch.Generator) -> Inputs:
    """One kernel size with two sigmas, one sigma with two kernel sizes."""
    im = _framed(_noise(generator, 1, 3, 40, 40))
    blurs = ((9, 1.0), (9, 3.0), (5, 3.0))
    return {"calls": [{"im_noisy": im, "kernel_size": k, "sigma": s} for k, s in blurs]}


def _form_inputs(generator: torch.Generator) -> Inputs:
    """One picture and batches, colour and grey, in single and double precision."""
    calls = []
    for shape, dtype in (
        ((1, 3, 32, 32), torch.float32),
        ((3, 3, 20, 32), torch.float32),
        ((2, 1, 16, 16), torch.float64),
    ):
        im = _noise(generator, *shape).to(dtype)
        calls.append({"im_noisy": im, "kernel_size": 5, "sigma": 1.5})
    return {"calls": calls}


def _apart_and_edge_inputs(generator: torch.Generator) -> Inputs:
    """A red and a blue picture in one batch, and pictures that go on to the edge.

    Neither of the first two may give the other anything; in the last, what is taken from beyond
    the edge counts.
    """
    two = torch.zeros(2, 3, 40, 40)
    two[0, 0], two[1, 2] = _pictures(generator, 1, 2, 40, 40)[0]
    bright = _pictures(generator, 1, 3, 24, 24) + 1
    return {
        "calls": [
            {"im_noisy": _framed(two), "kernel_size": 5, "sigma": 2.0},
            {"im_noisy": bright, "kernel_size": 9, "sigma": 3.0},
        ]
    }


def _range_inputs(generator: torch.Generator) -> Inputs:
    """Values far beyond [-1, 1]."""
    im = _framed(3 * _pictures(generator, 1, 3, 40, 40) + _noise(generator, 1, 3, 40, 40))
    return {"calls": [{"im_noisy": im, "kernel_size": 5, "sigma": 1.0}]}


def _blurs(inputs: Inputs) -> list[str]:
    return [f"kernel_size {c['kernel_size']}, sigma {c['sigma']:g}" for c in inputs["calls"]]


BLUR_DENOISE = Exercise(
    reference=blur_denoise,
    cases=[
        Case(
            "one bright pixel becomes a round hill",
            1,
            _point_inputs,
            same_values(what="the hill", labels=_blurs, show=True),
            call_many,
        ),
        Case(
            "kernel_size and sigma both count",
            1,
            _sizes_inputs,
            same_values(what="the blurred picture", labels=_blurs, show=True),
            call_many,
        ),
        Case(
            "shape, dtype and device are kept, and no input is changed",
            1,
            _form_inputs,
            same_form(),
            call_many,
        ),
        Case(
            "colours and pictures are not mixed; beyond the edge lies the mirror image",
            1,
            _apart_and_edge_inputs,
            same_values(
                what="the blurred picture",
                labels=lambda _: ["a red and a blue picture", "the edge"],
                show=True,
            ),
            call_many,
        ),
        Case(
            "values beyond [-1, 1] are blurred like all others",
            1,
            _range_inputs,
            same_values(what="the blurred picture", labels=_blurs, show=True),
            call_many,
        ),
    ],
    hints=[
        "`gaussian_blur` was imported in the first cell. Its arguments are the picture, "
        "`kernel_size` and `sigma`, in this order.",
        "One line is enough, and what `gaussian_blur` gives is what you return.",
    ],
)


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
    "It looks as if `sigma` is not used: without it, gaussian_blur takes a sigma of its own that "
    "follows from the kernel size. Pass both."
)
def sigma_left_out(im_noisy, kernel_size, sigma):
    return gaussian_blur(im_noisy, kernel_size)


@BLUR_DENOISE.mistake(
    "It looks as if `kernel_size` and `sigma` changed places. gaussian_blur takes the kernel size "
    "first; it must be an odd whole number, and sigma need not be."
)
def kernel_and_sigma_swapped(im_noisy, kernel_size, sigma):
    return gaussian_blur(im_noisy, sigma, kernel_size)


@BLUR_DENOISE.mistake(
    "It looks as if the kernel size is fixed at 5, as in the original course. Use the "
    "`kernel_size` that is passed."
)
def kernel_always_five(im_noisy, kernel_size, sigma):
    return gaussian_blur(im_noisy, 5, sigma)


@BLUR_DENOISE.mistake(
    "It looks as if you blur in one direction only: the bright pixel becomes a streak, not a "
    "round hill. The kernel should be as high as it is wide."
)
def one_direction_only(im_noisy, kernel_size, sigma):
    return gaussian_blur(im_noisy, [kernel_size, 1], sigma)


@BLUR_DENOISE.mistake(
    "It looks as if all pixels of the window count the same: a box, not a hill. In a Gaussian "
    "blur the weights fall off with the distance, as exp(-distance^2 / (2 sigma^2))."
)
def a_box(im_noisy, kernel_size, sigma):
    return _convolved(im_noisy, torch.full((kernel_size, kernel_size), kernel_size**-2.0))


@BLUR_DENOISE.mistake(
    "It looks as if the colours are mixed: every channel of your result is the same, so the "
    "picture is grey. Blur over height and width only, each channel on its own."
)
def colours_mixed(im_noisy, kernel_size, sigma):
    blurred = gaussian_blur(im_noisy, kernel_size, sigma)
    return blurred.mean(dim=1, keepdim=True).expand_as(blurred)


@BLUR_DENOISE.mistake(
    "It looks as if your blur takes zeros from beyond the edge of the picture, which pulls the "
    "rim towards grey. gaussian_blur mirrors the picture there; in your own convolution that is "
    "padding with mode='reflect'."
)
def zeros_beyond_the_edge(im_noisy, kernel_size, sigma):
    return _convolved(im_noisy, _gaussian_kernel(kernel_size, sigma), mode="constant")


@BLUR_DENOISE.mistake(
    "It looks as if you clamp to [-1, 1]. Noisy pictures reach beyond that, and cutting them off "
    "moves their average. Return the blurred picture as it is."
)
def clamped(im_noisy, kernel_size, sigma):
    return gaussian_blur(im_noisy, kernel_size, sigma).clamp(-1, 1)


@BLUR_DENOISE.mistake(
    "It looks as if you clamp to [-1, 1] before blurring. Noisy pictures reach beyond that, and "
    "cutting them off moves their average. Blur the picture as it is."
)
def clamped_first(im_noisy, kernel_size, sigma):
    return gaussian_blur(im_noisy.clamp(-1, 1), kernel_size, sigma)


# --- psnr -----------------------------------------------------------------------------------------


def _known_inputs(generator: torch.Generator) -> Inputs:
    """Differences of 0.02, 0.2 and 2 everywhere: 40, 20 and 0 dB."""
    a = _pictures(generator, 1, 3, 16, 16)
    return {"calls": [{"a": a, "b": a + gap} for gap in (0.02, 0.2, -2.0)]}


def _grain_inputs(generator: torch.Generator) -> Inputs:
    """Grain of two strengths, in single and double precision; the larger values leave [-1, 1]."""
    calls = []
    for strength, dtype in ((0.1, torch.float32), (1.5, torch.float32), (0.5, torch.float64)):
        a = _pictures(generator, 1, 3, 32, 32).to(dtype)
        calls.append({"a": a + strength * _noise(generator, 1, 3, 32, 32).to(dtype), "b": a})
    return {"calls": calls}


def _batch_inputs(generator: torch.Generator) -> Inputs:
    """Three pictures, of which one is nearly right and one very wrong."""
    b = _pictures(generator, 3, 3, 16, 16)
    strength = torch.tensor([0.02, 0.3, 1.5]).reshape(3, 1, 1, 1)
    return {"calls": [{"a": b + strength * _noise(generator, 3, 3, 16, 16), "b": b}]}


def _wide_inputs(generator: torch.Generator) -> Inputs:
    """Wide pictures of one channel, and a single picture without a batch."""
    calls = []
    for shape in ((2, 1, 16, 40), (3, 24, 16)):
        b = torch.rand(shape, generator=generator) * 2 - 1
        calls.append({"a": b + 0.3 * _noise(generator, *shape), "b": b})
    return {"calls": calls}


PSNR = Exercise(
    reference=psnr,
    cases=[
        Case(
            "pictures that differ by 0.02, 0.2 and 2 everywhere: 40, 20 and 0 dB",
            2,
            _known_inputs,
            same_values(
                what="the PSNR",
                labels=lambda _: ["a difference of 0.02", "a difference of 0.2", "of 2"],
                atol=1e-3,
            ),
            call_many,
        ),
        Case(
            "a noisy and a clean picture, also where values leave [-1, 1]",
            2,
            _grain_inputs,
            same_values(
                what="the PSNR",
                labels=lambda _: ["weak noise", "strong noise", "double precision"],
                atol=1e-3,
            ),
            call_many,
        ),
        Case(
            "a batch gives one number, from the mean over everything",
            1,
            _batch_inputs,
            same_values(what="the PSNR", labels=lambda _: ["a batch of three"], atol=1e-3),
            call_many,
        ),
        Case(
            "pictures of other shapes",
            1,
            _wide_inputs,
            same_values(
                what="the PSNR", labels=lambda _: ["wide and grey", "without a batch"], atol=1e-3
            ),
            call_many,
            hidden=True,
        ),
    ],
    hints=[
        "Begin with the MSE, the mean of the squared differences: subtract, square, `.mean()`.",
        "From black (-1) to full brightness (1) the distance is 2. Its square stands above the "
        "MSE in the fraction.",
        "`torch.log10` wants a tensor, `math.log10` a number. The factor in front is 10.",
    ],
)


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


def _mse(a: Tensor, b: Tensor) -> float:
    return float((a - b).square().mean())


@PSNR.mistake(
    "It looks as if you took 1 for the range, as for pictures in [0, 1]. Ours run from -1 to 1: "
    "the range is 2, and its square 4. You are 6.02 dB too low."
)
def range_one(a, b):
    return 10 * math.log10(1 / _mse(a, b))


@PSNR.mistake(
    "It looks as if you took 255 for the range, as for pictures of whole numbers from 0 to 255. "
    "Ours run from -1 to 1: the range is 2."
)
def range_255(a, b):
    return 10 * math.log10(255**2 / _mse(a, b))


@PSNR.mistake(
    "It looks as if the range is not squared. The MSE is a square, so the range must be one too: "
    "2^2 / MSE."
)
def range_not_squared(a, b):
    return 10 * math.log10(2 / _mse(a, b))


@PSNR.mistake(
    "It looks as if you took the range from the picture, as its largest value less its smallest. "
    "The range is that of all pictures, 2, or the PSNR of two pictures cannot be compared."
)
def range_of_the_picture(a, b):
    return 10 * math.log10(float(b.max() - b.min()) ** 2 / _mse(a, b))


@PSNR.mistake(
    "It looks as if you took the largest value of the picture for the range. The range is the "
    "distance from -1 to 1, which is 2 for every picture."
)
def largest_value_for_the_range(a, b):
    return 20 * math.log10(float(a.max()) / math.sqrt(_mse(a, b)))


@PSNR.mistake(
    "It looks as if you took the mean of the absolute differences. MSE is the mean of their "
    "squares: `(a - b).square().mean()`."
)
def absolute_differences(a, b):
    return 10 * math.log10(4 / float((a - b).abs().mean()))


@PSNR.mistake(
    "It looks as if you added the squared differences up instead of taking their mean. A larger "
    "picture must not look worse."
)
def sum_for_mean(a, b):
    return 10 * math.log10(4 / float((a - b).square().sum()))


@PSNR.mistake(
    "It looks as if you wrote 20 log10 of a ratio of squares. It is 10 log10(range^2 / MSE), or "
    "20 log10(range / sqrt(MSE)): the 2 that the squares would give stands in front of one only."
)
def twenty_for_ten(a, b):
    return 20 * math.log10(4 / _mse(a, b))


@PSNR.mistake(
    "It looks as if you wrote 10 log10(range / sqrt(MSE)), with roots inside and 10 in front. "
    "With the roots it takes a 20."
)
def ten_with_roots(a, b):
    return 10 * math.log10(2 / math.sqrt(_mse(a, b)))


@PSNR.mistake(
    "It looks as if you took the natural logarithm: `torch.log` and `math.log` have base e. "
    "Decibels are counted in powers of ten: `torch.log10`, `math.log10`."
)
def natural_logarithm(a, b):
    return 10 * math.log(4 / _mse(a, b))


@PSNR.mistake(
    "It looks as if the fraction stands upside down: your result has the wrong sign. More noise "
    "must give a smaller PSNR, so the MSE stands below."
)
def upside_down(a, b):
    return 10 * math.log10(_mse(a, b) / 4)


@PSNR.mistake("It looks as if the logarithm's factor 10 is missing. Decibels are tenths of a bel.")
def factor_left_out(a, b):
    return math.log10(4 / _mse(a, b))


@PSNR.mistake(
    "It looks as if you return the mean squared error itself. The PSNR is 10 log10(4 / MSE)."
)
def mse_itself(a, b):
    return _mse(a, b)


@PSNR.mistake(
    "It looks as if you clamp the pictures to [-1, 1] first. The noise beyond is then not "
    "counted, and the noisy picture looks better than it is."
)
def clamped_before(a, b):
    return 10 * math.log10(4 / max(_mse(a.clamp(-1, 1), b.clamp(-1, 1)), 1e-12))


@PSNR.mistake(
    "It looks as if you took the mean of each picture's own PSNR. Take the mean of the squared "
    "differences over all pictures first, and the logarithm once."
)
def mean_of_each_psnr(a, b):
    return float(
        np.mean([10 * math.log10(4 / _mse(one, other)) for one, other in zip(a, b, strict=True)])
    )


# --- best_blur ------------------------------------------------------------------------------------


def _search_inputs(generator: torch.Generator) -> Inputs:
    """A known best pair: the "clean" picture is a blurred version of the noisy one, nearly."""
    return {
        "calls": [
            _known_search(generator, (1, 3, 24, 24), (5, 3, 9), (1.0, 2.0, 0.6), best)
            for best in ((9, 2.0), (3, 0.6))
        ]
    }


def _other_lists_inputs(generator: torch.Generator) -> Inputs:
    """Lists and tuples of other lengths, and a batch of pictures."""
    shape = (2, 3, 16, 24)
    return {
        "calls": [
            _known_search(generator, shape, [7, 3, 5, 9], (3.0, 1.0), (5, 1.0)),
            _known_search(generator, shape, (3,), [0.5, 1.0, 2.0, 4.0], (3, 1.0)),
            _known_search(generator, shape, (3, 5, 7), [1.5], (5, 1.5)),
        ]
    }


def _known_search(
    generator: torch.Generator,
    shape: tuple[int, ...],
    kernel_sizes: Sequence[int],
    sigmas: Sequence[float],
    best: tuple[int, float],
) -> Inputs:
    """A search that `best` wins by far."""
    noisy = _noise(generator, *shape)
    clean = gaussian_blur(noisy, *best) + 0.005 * _noise(generator, *shape)
    return _search(noisy, clean, kernel_sizes, sigmas)


def _noise_levels_inputs(generator: torch.Generator) -> Inputs:
    """Pictures under weak and under strong noise."""
    return {"calls": [_clear_search(generator, strength) for strength in (0.2, 1.2)]}


def _clear_search(generator: torch.Generator, strength: float) -> Inputs:
    """A search whose winner is far enough ahead that rounding cannot change it."""
    kernel_sizes, sigmas = (5, 7, 3), (0.8, 1.6, 0.4)
    while True:
        clean = _pictures(generator, 1, 3, 32, 32)
        noisy = clean + strength * _noise(generator, 1, 3, 32, 32)
        pairs = product(kernel_sizes, sigmas)
        scores = sorted(psnr(blur_denoise(noisy, k, s), clean) for k, s in pairs)
        if scores[-1] - scores[-2] > 0.002:
            return _search(noisy, clean, kernel_sizes, sigmas)


def _search(
    noisy: Tensor, clean: Tensor, kernel_sizes: Sequence[int], sigmas: Sequence[float]
) -> Inputs:
    return {
        "im_noisy": noisy,
        "im_clean": clean,
        "kernel_sizes": kernel_sizes,
        "sigmas": sigmas,
    }


def _same_pairs(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare (kernel_size, sigma) pairs, one for each search."""
    results = observed.get("result")
    if not isinstance(results, list) or len(results) != len(expected["result"]):
        return Verdict(False, "The result cannot be read.")
    for found, right in zip(results, expected["result"], strict=True):
        pair, wanted = _as_pair(found), _as_pair(right)
        if pair is None or wanted is None:
            if _plain(found) == _plain(right):
                continue
            return Verdict(
                False,
                "best_blur should return two numbers, (kernel_size, sigma), but it returned "
                f"{describe(found)}.",
            )
        if pair != wanted:
            return Verdict(
                False,
                f"best_blur returned {_words(pair)}, but another of the blurs it was to try, "
                f"{_words(wanted)}, has a higher PSNR.",
            )
    return Verdict(True)


def _as_pair(value: object) -> tuple[float, float] | None:
    """Two numbers, rounded as float32 rounds them; from a list, tuple, tensor or array."""
    numbers = _plain(value)
    if not isinstance(numbers, list) or len(numbers) != 2:
        return None
    if not all(isinstance(number, int | float) for number in numbers):
        return None
    return (round(numbers[0], 4), round(numbers[1], 4))


def _plain(value: object) -> object:
    """A recorded value with arrays as (lists of) rounded numbers."""
    if isinstance(value, Array):
        return np.round(value.values.astype(float), 4).tolist()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


def _words(pair: tuple[float, float]) -> str:
    return f"({pair[0]:g}, {pair[1]:g})"


BEST_BLUR = Exercise(
    reference=best_blur,
    cases=[
        Case(
            "a kernel size and a sigma that are known to be best are found",
            2,
            _search_inputs,
            _same_pairs,
            call_many,
        ),
        Case(
            "under weak and strong noise, the blur nearest to the clean picture is found",
            2,
            _noise_levels_inputs,
            _same_pairs,
            call_many,
        ),
        Case(
            "other lists, and a batch of pictures",
            1,
            _other_lists_inputs,
            _same_pairs,
            call_many,
        ),
    ],
    hints=[
        "Two loops, one inside the other: over the kernel sizes and over the sigmas. Blur the "
        "noisy picture in each turn and compare the result with the clean one.",
        "Remember the best PSNR so far and the pair it belongs to. Begin with "
        "`best_psnr = -float('inf')`, and when a higher one comes, replace both.",
        "The functions you have just written do the work: "
        "`psnr(blur_denoise(im_noisy, kernel_size, sigma), im_clean)`.",
    ],
)


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


@BEST_BLUR.mistake(
    "It looks as if you return the blur with the lowest PSNR. More is better: look for the "
    "highest (and check that your psnr has the right sign)."
)
def the_worst(im_noisy, im_clean, kernel_sizes, sigmas):
    pairs = product(kernel_sizes, sigmas)
    return min(pairs, key=lambda pair: _score(im_noisy, im_clean, *pair))


@BEST_BLUR.mistake(
    "It looks as if the weakest blur always wins with you. That happens when the blurred picture "
    "is compared with the very picture that was blurred. Blur `im_noisy`, and compare with "
    "`im_clean`."
)
def compared_with_the_noisy(im_noisy, im_clean, kernel_sizes, sigmas):
    pairs = product(kernel_sizes, sigmas)
    return max(pairs, key=lambda pair: _score(im_noisy, im_noisy, *pair))


@BEST_BLUR.mistake(
    "It looks as if you return places in the lists, not what stands there. "
    "`kernel_sizes[i], sigmas[j]` are the values."
)
def places_for_values(im_noisy, im_clean, kernel_sizes, sigmas):
    places = product(range(len(kernel_sizes)), range(len(sigmas)))
    return max(
        places, key=lambda ij: _score(im_noisy, im_clean, kernel_sizes[ij[0]], sigmas[ij[1]])
    )


@BEST_BLUR.mistake(
    "It looks as if you return the best PSNR. What is asked for is the pair that reaches it: "
    "(kernel_size, sigma)."
)
def psnr_for_the_pair(im_noisy, im_clean, kernel_sizes, sigmas):
    return max(_score(im_noisy, im_clean, *pair) for pair in product(kernel_sizes, sigmas))


@BEST_BLUR.mistake(
    "It looks as if you return the PSNR along with the pair. Return just the two: "
    "(kernel_size, sigma)."
)
def pair_and_psnr(im_noisy, im_clean, kernel_sizes, sigmas):
    pair = max(product(kernel_sizes, sigmas), key=lambda p: _score(im_noisy, im_clean, *p))
    return (*pair, _score(im_noisy, im_clean, *pair))


@BEST_BLUR.mistake("It looks as if you return (sigma, kernel_size). The kernel size comes first.")
def sigma_first(im_noisy, im_clean, kernel_sizes, sigmas):
    pair = max(product(kernel_sizes, sigmas), key=lambda p: _score(im_noisy, im_clean, *p))
    return pair[::-1]


@BEST_BLUR.mistake(
    "It looks as if you search over sigma only and keep the first kernel size. Try every kernel "
    "size with every sigma."
)
def only_sigma(im_noisy, im_clean, kernel_sizes, sigmas):
    first = kernel_sizes[0]
    return first, max(sigmas, key=lambda sigma: _score(im_noisy, im_clean, first, sigma))


@BEST_BLUR.mistake(
    "It looks as if you search over the kernel size only and keep the first sigma. Try every "
    "kernel size with every sigma."
)
def only_kernel_size(im_noisy, im_clean, kernel_sizes, sigmas):
    first = sigmas[0]
    return max(kernel_sizes, key=lambda size: _score(im_noisy, im_clean, size, first)), first


@BEST_BLUR.mistake(
    "It looks as if you walk through both lists side by side, as zip does. That tries the first "
    "kernel size with the first sigma, the second with the second; the other pairs are missing."
)
def side_by_side(im_noisy, im_clean, kernel_sizes, sigmas):
    pairs = zip(kernel_sizes, sigmas, strict=False)
    return max(pairs, key=lambda pair: _score(im_noisy, im_clean, *pair))


@BEST_BLUR.mistake(
    "It looks as if the last pair you tried always wins. When a PSNR is higher than the best so "
    "far, remember it as the new best, together with its pair."
)
def the_last_one(im_noisy, im_clean, kernel_sizes, sigmas):
    return kernel_sizes[-1], sigmas[-1]


@BEST_BLUR.mistake(
    "It looks as if you return after the first pair. `return` belongs after both loops, not "
    "inside them."
)
def the_first_one(im_noisy, im_clean, kernel_sizes, sigmas):
    return kernel_sizes[0], sigmas[0]


EXERCISES = [BLUR_DENOISE, PSNR, BEST_BLUR]

"""Lesson 02: what `blur_denoise`, `psnr` and `best_blur` must do, and how they go wrong."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges.cases import form_case
from checkers.engine.judges.inputs import draw_noise, draw_pictures
from checkers.engine.judges.values import describe, each_call, same_values
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from solutions.classical_denoising import best_blur, blur_denoise, psnr

KERNEL_SIZES = (3, 5, 9)
SIGMAS = (0.6, 1.0, 2.0)


_pictures = partial(draw_pictures, reach=0.5, cells=8)  # so fine that the strength of noise matters


def _framed(im: Tensor, frame: int = 8) -> Tensor:
    """The picture with its rim set to 0, so that what a blur does at the edge cannot matter."""
    return functional.pad(im[..., frame:-frame, frame:-frame], [frame] * 4)


# --- blur_denoise ---------------------------------------------------------------------------------


def _call(im: Tensor, kernel_size: int, sigma: float) -> Inputs:
    return {"im_noisy": im, "kernel_size": kernel_size, "sigma": sigma}


def _point_inputs(generator: torch.Generator) -> Inputs:
    """One bright pixel: its blurred picture is the kernel itself."""
    im = torch.zeros(1, 3, 25, 25)
    im[..., 12, 12] = torch.rand(3, generator=generator) + 1
    blurs = zip(KERNEL_SIZES, SIGMAS, strict=True)
    return {"calls": [_call(im, k, s) for k, s in blurs]}


def _sizes_inputs(generator: torch.Generator) -> Inputs:
    """One kernel size with two sigmas, one sigma with two kernel sizes."""
    im = _framed(draw_noise(generator, 1, 3, 40, 40))
    blurs = ((9, 1.0), (9, 3.0), (5, 3.0))
    return {"calls": [_call(im, k, s) for k, s in blurs]}


def _form_inputs(generator: torch.Generator) -> Inputs:
    """One picture and batches, colour and grey, in single and double precision."""
    calls = []
    for shape, dtype in (
        ((1, 3, 32, 32), torch.float32),
        ((3, 3, 20, 32), torch.float32),
        ((2, 1, 16, 16), torch.float64),
    ):
        im = draw_noise(generator, *shape).to(dtype)
        calls.append(_call(im, 5, 1.5))
    return {"calls": calls}


def _apart_and_edge_inputs(generator: torch.Generator) -> Inputs:
    """A red and a blue picture in one batch, and pictures that go on to the edge.

    Neither of the first two may give the other anything; in the last, what is taken from beyond
    the edge counts.
    """
    two = torch.zeros(2, 3, 40, 40)
    two[0, 0], two[1, 2] = _pictures(generator, 1, 2, 40, 40)[0]
    bright = _pictures(generator, 1, 3, 24, 24) + 1
    return {"calls": [_call(_framed(two), 5, 2.0), _call(bright, 9, 3.0)]}


def _range_inputs(generator: torch.Generator) -> Inputs:
    """Values far beyond [-1, 1]."""
    im = _framed(3 * _pictures(generator, 1, 3, 40, 40) + draw_noise(generator, 1, 3, 40, 40))
    return {"calls": [_call(im, 5, 1.0)]}


_each_blur = each_call("kernel_size {kernel_size}, sigma {sigma:g}")


BLUR_DENOISE = Exercise(
    reference=blur_denoise,
    cases=[
        Case(
            "one bright pixel becomes a round hill",
            1,
            _point_inputs,
            same_values(what="the hill", labels=_each_blur, show=True),
            call_many,
        ),
        Case(
            "kernel_size and sigma both count",
            1,
            _sizes_inputs,
            same_values(what="the blurred picture", labels=_each_blur, show=True),
            call_many,
        ),
        form_case(_form_inputs),
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
            same_values(what="the blurred picture", labels=_each_blur, show=True),
            call_many,
        ),
    ],
    hints=[
        "`gaussian_blur` was imported in the first cell. Its arguments are the picture, "
        "`kernel_size` and `sigma`, in this order.",
        "One line is enough, and what `gaussian_blur` gives is what you return.",
    ],
)


# --- psnr -----------------------------------------------------------------------------------------


_GAPS = (0.02, 0.2, -2.0)


def _known_inputs(generator: torch.Generator) -> Inputs:
    """Differences of 0.02, 0.2 and 2 everywhere: 40, 20 and 0 dB."""
    a = _pictures(generator, 1, 3, 16, 16)
    gaps = [_GAPS[int(i)] for i in torch.randint(3, (12,), generator=generator)]
    return {"calls": [{"a": a, "b": a + gap} for gap in (*_GAPS, *gaps)], "gaps": [*_GAPS, *gaps]}


def _grain_inputs(generator: torch.Generator) -> Inputs:
    """Grain in single and double precision; under the strongest, the PSNR is below 0 dB."""
    calls = []
    for strength, dtype in ((0.1, torch.float32), (3.0, torch.float32), (0.5, torch.float64)):
        a = _pictures(generator, 1, 3, 32, 32).to(dtype)
        calls.append({"a": a + strength * draw_noise(generator, 1, 3, 32, 32).to(dtype), "b": a})
    return {"calls": calls}


def _batch_inputs(generator: torch.Generator) -> Inputs:
    """Three pictures, of which one is nearly right and one very wrong."""
    b = _pictures(generator, 3, 3, 16, 16)
    strength = torch.tensor([0.02, 0.3, 1.5]).reshape(3, 1, 1, 1)
    return {"calls": [{"a": b + strength * draw_noise(generator, 3, 3, 16, 16), "b": b}]}


def _wide_inputs(generator: torch.Generator) -> Inputs:
    """Wide pictures of one channel, and a single picture without a batch."""
    calls = []
    for shape in ((2, 1, 16, 40), (3, 24, 16)):
        b = torch.rand(shape, generator=generator) * 2 - 1
        calls.append({"a": b + 0.3 * draw_noise(generator, *shape), "b": b})
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
                labels=lambda inputs: [f"a difference of {abs(g):g}" for g in inputs["gaps"]],
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


# --- best_blur ------------------------------------------------------------------------------------


def _search_inputs(generator: torch.Generator) -> Inputs:
    """A known best pair: the "clean" picture is a blurred version of the noisy one, nearly."""
    large, middle, small = _near(generator, 2.0, 1.0, 0.6)
    return {
        "calls": [
            _known_search(generator, (1, 3, 24, 24), (5, 3, 9), (middle, large, small), best)
            for best in ((9, large), (3, small))
        ]
    }


def _near(generator: torch.Generator, *sigmas: float) -> list[float]:
    """Sigmas that nobody has seen, close to these."""
    return [round(s * (1 + 0.1 * float(torch.rand((), generator=generator))), 3) for s in sigmas]


def _other_lists_inputs(generator: torch.Generator) -> Inputs:
    """Lists and tuples of other lengths, and a batch of pictures."""
    shape = (3, 3, 16, 24)
    first, second, third = _near(generator, 1.0, 1.0, 1.5)
    return {
        "calls": [
            _known_search(generator, shape, [7, 3, 5, 9], (3.0, first), (5, first)),
            _known_search(generator, shape, (3,), [0.5, second, 2.0, 4.0], (3, second)),
            _known_search(generator, shape, (3, 5, 7), [third], (5, third)),
        ]
    }


def _known_search(
    generator: torch.Generator,
    shape: tuple[int, ...],
    kernel_sizes: Sequence[int],
    sigmas: Sequence[float],
    best: tuple[int, float],
) -> Inputs:
    """A search that `best` wins by far.

    The first and the last picture of a batch, and the first and the last channel there, count
    little, and would be blurred as far as can be.
    """
    noisy = draw_noise(generator, *shape)
    clean = blur_denoise(noisy, *best)
    if len(noisy) > 2:
        weak = torch.ones(shape, dtype=torch.bool)
        weak[1:-1, 1:-1] = False
        noisy, clean = torch.where(weak, 0.05 * noisy, noisy), torch.where(weak, 0.0, clean)
    clean = clean + 0.005 * draw_noise(generator, *shape)
    return _search(noisy, clean, kernel_sizes, sigmas)


def _noise_levels_inputs(generator: torch.Generator) -> Inputs:
    """Pictures under weak noise, under strong, and under so much that all PSNRs are below 0 dB."""
    return {"calls": [_clear_search(generator, strength) for strength in (0.2, 1.2, 20.0)]}


def _clear_search(generator: torch.Generator, strength: float) -> Inputs:
    """A search whose winner is far enough ahead that rounding cannot change it."""
    kernel_sizes, sigmas = (5, 7, 3), tuple(_near(generator, 0.8, 1.6, 0.4))
    while True:
        clean = _pictures(generator, 1, 3, 32, 32)
        noisy = clean + strength * draw_noise(generator, 1, 3, 32, 32)
        pairs = product(kernel_sizes, sigmas)
        scores = sorted(psnr(blur_denoise(noisy, k, s), clean) for k, s in pairs)
        if scores[-1] - scores[-2] > 0.002:
            return _search(noisy, clean, kernel_sizes, sigmas)


def _search(
    noisy: Tensor, clean: Tensor, kernel_sizes: Sequence[int], sigmas: Sequence[float]
) -> Inputs:
    return {"im_noisy": noisy, "im_clean": clean, "kernel_sizes": kernel_sizes, "sigmas": sigmas}


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
            "other lists, and a batch of pictures", 1, _other_lists_inputs, _same_pairs, call_many
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


EXERCISES = [BLUR_DENOISE, PSNR, BEST_BLUR]

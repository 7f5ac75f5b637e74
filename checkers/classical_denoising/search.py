"""Lesson 02: what `best_blur` must do, and what all exercises of the lesson share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges.inputs import draw_noise, draw_pictures
from checkers.engine.judges.values import all_of, describe, same_answer
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from solutions.classical_denoising import best_blur, blur_denoise, psnr

pictures = partial(draw_pictures, reach=0.5, cells=8)  # so fine that the strength of noise matters

no_picture_changed = same_answer(
    "changed",
    says="Your function changes the pictures it was given. Work on new ones: `a = a * b` makes a "
    "new tensor, `a *= b` writes into the old.",
)


def _search_inputs(generator: torch.Generator) -> Inputs:
    """A known best pair: the "clean" picture is a blurred version of the noisy one, nearly.

    The last one's kernel size isn't among those to try: one of its neighbours is best.
    """
    large, middle, small = _near(generator, 2.0, 1.0, 0.6)
    return {
        "calls": [
            _known_search(generator, (1, 3, 24, 24), (5, 3, 9), (middle, large, small), best)
            for best in ((9, large), (3, small), (3, large), (7, large))
        ]
    }


def _near(generator: torch.Generator, *sigmas: float) -> list[float]:
    """Sigmas that nobody has seen, close to these."""
    return [round(s * (1 + 0.1 * float(torch.rand((), generator=generator))), 3) for s in sigmas]


def _other_lists_inputs(generator: torch.Generator) -> Inputs:
    """Lists and tuples of other lengths, and batches of pictures."""
    shape = (3, 3, 16, 24)
    first, second, third = _near(generator, 1.0, 1.0, 1.5)
    return {
        "calls": [
            _known_search(generator, shape, [7, 3, 5, 9], (3.0, first), (5, first)),
            _uneven_search(generator),
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
    """A search that `best` wins by far."""
    noisy = draw_noise(generator, *shape)
    clean = blur_denoise(noisy, *best) + 0.005 * draw_noise(generator, *shape)
    return _search(noisy, clean, kernel_sizes, sigmas)


def _uneven_search(generator: torch.Generator) -> Inputs:
    """A search that the squares of one corner decide.

    It is the right third of one channel of one picture, and not of the first, the middle or the
    last. Everything else is weak and would be blurred otherwise: that wins where absolute
    differences, pictures, channels or parts are counted alike.
    """
    sigmas = _near(generator, 0.6, 2.0)
    swap = bool(torch.rand((), generator=generator) < 0.5)
    ours, others = sigmas[::-1] if swap else sigmas
    noisy = draw_noise(generator, 5, 3, 16, 24)
    picture = 1 + 2 * int(torch.randint(2, (), generator=generator))
    strong = torch.zeros(noisy.shape, dtype=torch.bool)
    strong[picture, int(torch.randint(3, (), generator=generator)), :, 16:] = True
    noisy = torch.where(strong, noisy, 0.12 * noisy)
    clean = torch.where(strong, blur_denoise(noisy, 7, ours), blur_denoise(noisy, 7, others))
    return _search(noisy, clean, [7], sigmas)


def _noise_levels_inputs(generator: torch.Generator) -> Inputs:
    """Pictures under weak noise, under strong, and under so much that all PSNRs are below 0 dB."""
    return {"calls": [_clear_search(generator, strength) for strength in (0.2, 1.2, 20.0)]}


def _clear_search(generator: torch.Generator, strength: float) -> Inputs:
    """A search whose winner is far enough ahead that rounding cannot change it."""
    kernel_sizes, sigmas = (5, 7, 3), tuple(_near(generator, 0.8, 1.6, 0.4))
    while True:
        clean = pictures(generator, 1, 3, 32, 32)
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
    for found, right, call in zip(results, expected["result"], inputs["calls"], strict=True):
        pair, wanted = _as_pair(found), _as_pair(right)
        if pair is None or wanted is None:
            if _plain(found) == _plain(right):
                continue
            return Verdict(
                False,
                "best_blur should return two numbers, (kernel_size, sigma), but it returned "
                f"{describe(found)}.",
            )
        if pair != wanted and not _is_to_try(pair, call):
            return Verdict(
                False,
                f"best_blur returned {_words(pair)}, which is none of the pairs (kernel_size, "
                "sigma) it was to try.",
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


def _is_to_try(pair: tuple[float, float], call: Inputs) -> bool:
    """Whether a pair is one of the search's."""
    pairs = product(call["kernel_sizes"], call["sigmas"])
    return pair in [(round(k, 4), round(s, 4)) for k, s in pairs]


def _words(pair: tuple[float, float]) -> str:
    return f"({pair[0]:g}, {pair[1]:g})"


BEST_BLUR = Exercise(
    reference=best_blur,
    cases=[
        Case(
            "a kernel size and a sigma that are known to be best are found",
            2,
            _search_inputs,
            all_of(_same_pairs, no_picture_changed),
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

"""Lesson 02: what `blur_denoise` and `psnr` must do; `best_blur` is in `search.py`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from checkers.classical_denoising.search import BEST_BLUR, no_picture_changed, pictures
from checkers.engine.exercise import Case, Exercise
from checkers.engine.judges.cases import form_case
from checkers.engine.judges.inputs import draw_noise
from checkers.engine.judges.values import (
    all_of,
    each_call,
    same_form,
    same_values,
)
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from solutions.classical_denoising import blur_denoise, psnr

KERNEL_SIZES = (3, 5, 9)
SIGMAS = (0.6, 1.0, 2.0)


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
    """One kernel size with three sigmas, one sigma with two kernel sizes."""
    im = _framed(draw_noise(generator, 1, 3, 40, 40))
    blurs = ((9, 1.0), (9, 3.0), (5, 3.0), (9, 0.4))
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
    two[0, 0], two[1, 2] = pictures(generator, 1, 2, 40, 40)[0]
    bright = pictures(generator, 1, 3, 24, 24) + 1
    return {"calls": [_call(_framed(two), 5, 2.0), _call(bright, 9, 3.0)]}


def _range_inputs(generator: torch.Generator) -> Inputs:
    """Values far beyond [-1, 1]."""
    im = _framed(3 * pictures(generator, 1, 3, 40, 40) + draw_noise(generator, 1, 3, 40, 40))
    return {"calls": [_call(im, 5, 1.0)]}


def _shapes(inputs: Inputs) -> list[str]:
    return [f"a batch of shape {tuple(call['im_noisy'].shape)}" for call in inputs["calls"]]


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
        form_case(
            _form_inputs,
            judge=all_of(same_form(), same_values(what="the blurred picture", labels=_shapes)),
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
    a = pictures(generator, 1, 3, 16, 16)
    gaps = [_GAPS[int(i)] for i in torch.randint(3, (12,), generator=generator)]
    return {"calls": [{"a": a, "b": a + gap} for gap in (*_GAPS, *gaps)], "gaps": [*_GAPS, *gaps]}


def _grain_inputs(generator: torch.Generator) -> Inputs:
    """Grain in single and double precision; under the strongest, the PSNR is below 0 dB."""
    calls = []
    for strength, dtype in ((0.1, torch.float32), (3.0, torch.float32), (0.5, torch.float64)):
        a = pictures(generator, 1, 3, 32, 32).to(dtype)
        calls.append({"a": a + strength * draw_noise(generator, 1, 3, 32, 32).to(dtype), "b": a})
    return {"calls": calls}


def _batch_inputs(generator: torch.Generator) -> Inputs:
    """Three pictures, of which one is nearly right and one very wrong."""
    b = pictures(generator, 3, 3, 16, 16)
    strength = torch.tensor([0.02, 0.3, 1.5]).reshape(3, 1, 1, 1)
    return {"calls": [{"a": b + strength * draw_noise(generator, 3, 3, 16, 16), "b": b}]}


def _wide_inputs(generator: torch.Generator) -> Inputs:
    """Wide pictures of one channel, and a high one of three."""
    calls = []
    for shape in ((2, 1, 16, 40), (1, 3, 24, 16)):
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
            all_of(
                same_values(
                    what="the PSNR",
                    labels=lambda _: ["weak noise", "strong noise", "double precision"],
                    atol=1e-3,
                ),
                no_picture_changed,
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
                what="the PSNR", labels=lambda _: ["wide and grey", "high and narrow"], atol=1e-3
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


EXERCISES = [BLUR_DENOISE, PSNR, BEST_BLUR]

"""What pictures look like that nobody stored: small patches at three scales.

At full size, at half and at a quarter of it, a picture is taken apart into overlapping patches of
8x8 pixels, and a mixture of Gaussians gives every patch its posterior mean (`patch_mixture`). Where
patches overlap, each counts the more the surer it is. Through much noise a patch alone knows little
about its own mean colour: it takes it from the estimate at the next smaller size, where averaging
has halved the noise (as in Zontak, Mosseri & Irani, Separating signal from noise using patch
recurrence across scales, CVPR 2013).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from lessons.workbench.denoisers.atlas import AtlasError
from lessons.workbench.denoisers.patch_mixture import IRRELEVANT, SIDE, PatchMixture

SCALES = 3
STRIDES = (2, 2, 1)
"""How many pixels lie between neighbouring patches, at full, half and quarter size. At full size
every other of them is asked, as the white squares of a chessboard: it halves the work, and costs
0.03 dB."""
BEYOND = 0.15
"""The standard deviation of what a picture's values may exceed [-1, 1] by."""
NUMBERS = {"basis", "variances", "axes", "rest", "log_weights"}
PATCHES = Path(__file__).parents[3] / "datasets" / "patches"


class PatchLook(NamedTuple):
    """What patches make of U noisy pictures at half their size, where it is cheap to ask.

    Attributes:
        half: (U, 3, H / 2, W / 2), their estimate of x_0.
        score: (U, H / 4, W / 4), how well they explain each cell of 4x4 pixels at half the size.
            It is minus the unbiased estimate of the squared error, Stein's, over 2 s^2, less the
            same of the estimate 0, and less a Gaussian penalty for values beyond [-1, 1].
    """

    half: Tensor
    score: Tensor


class PatchAnswer(NamedTuple):
    """What patches make of U noisy pictures.

    Attributes:
        mean: (U, 3, H, W), their estimate of x_0.
        score: as `PatchLook.score`.
    """

    mean: Tensor
    score: Tensor


class PatchPrior:
    """The prior of pictures that patches imply.

    Args:
        mixtures: one for each scale, that of the full size first. All but the last are of patches
            less their mean colours.
    """

    def __init__(self, mixtures: list[PatchMixture]) -> None:
        self.mixtures = mixtures

    def __call__(self, y: Tensor, noise_variance: float) -> PatchAnswer:
        """Ask about pictures seen through noise.

        Args:
            y: (U, 3, H, W), x_0 + s n; H and W are multiples of 4 and at least 32.
            noise_variance: s^2.
        """
        half, score = self.look(y, noise_variance)
        return PatchAnswer(self.draw(y, noise_variance, half), score)

    def look(self, y: Tensor, noise_variance: float) -> PatchLook:
        """Ask at half the size only; arguments as for a call."""
        coarser = self._estimate(y, noise_variance, 2, None)
        half = self._estimate(y, noise_variance, 1, coarser.mean)
        return PatchLook(half.mean, _score(y, noise_variance, half, coarser))

    def draw(self, y: Tensor, noise_variance: float, half: Tensor) -> Tensor:
        """Go on at full size from what `look` found at half of it: (U, 3, H, W), x_0."""
        return self._estimate(y, noise_variance, 0, half).mean

    def _estimate(
        self, y: Tensor, noise_variance: float, scale: int, coarser: Tensor | None
    ) -> _Estimate:
        """Denoise at one scale, resting on the estimate at the next smaller one."""
        seen, s2 = smaller(y, scale), noise_variance / 4**scale
        pictures, _, *size = seen.shape
        stride = STRIDES[scale]
        columns = functional.unfold(seen, SIDE, stride=stride)
        asked = _asked(size, stride, chessboard=scale == 0).to(seen.device)
        patches = columns[:, :, asked].mT.flatten(0, 1)
        if coarser is not None:
            patches = patches.unflatten(1, (3, -1))
            patches = (patches - patches.mean(2, keepdim=True)).flatten(1)
        found = self.mixtures[scale].posterior(patches, s2)
        mean, sureness = found.mean.unflatten(1, (3, -1)), 1 / found.variance[:, None]
        if coarser is not None:
            own = functional.avg_pool2d(coarser, SIDE // 2, stride // 2)
            mean = mean + own.flatten(2)[:, :, asked].mT.flatten(0, 1)[:, :, None]

        def together(values: Tensor) -> Tensor:
            """Add up overlapping (U * P, C * 64) patches: (U, C, h, w)."""
            found = values.unflatten(0, (pictures, -1)).mT
            everywhere = found.new_zeros(*found.shape[:2], columns.shape[2])
            everywhere[:, :, asked] = found
            return functional.fold(everywhere, (size[0], size[1]), SIDE, stride=stride)

        weights = together(sureness.expand(-1, SIDE**2))
        mean = together((sureness[:, :, None] * mean).flatten(1))
        variance = together(torch.ones_like(patches[:, : SIDE**2]))
        return _Estimate(mean / weights, variance / weights)


class _Estimate(NamedTuple):
    """(U, 3, h, w) and (U, 1, h, w), at some scale; the variance is that of a single value."""

    mean: Tensor
    variance: Tensor


def _asked(size: list[int], stride: int, *, chessboard: bool) -> Tensor:
    """Which of the patches of an (h, w) picture are asked, by their numbers, row by row."""
    rows, columns = ((length - SIDE) // stride + 1 for length in size)
    places = torch.arange(rows)[:, None] + torch.arange(columns)
    return (places % (2 if chessboard else 1) == 0).flatten().nonzero()[:, 0]


def _score(y: Tensor, noise_variance: float, half: _Estimate, coarser: _Estimate) -> Tensor:
    """See `PatchLook.score`."""
    seen, s2 = smaller(y, 1), noise_variance / 4
    fit = (seen.square() - (seen - half.mean).square()).sum(1, keepdim=True) / (2 * s2)
    # Of a patch's values so many were fitted; its mean colours, three, at the coarser scale.
    slope = (16 * coarser.variance / (s2 / 4)).clamp(max=1)
    fitted = 3 * half.variance / s2 + 3 / SIDE**2 * functional.interpolate(slope, scale_factor=2)
    beyond = (half.mean - half.mean.clamp(-1, 1)).square().sum(1, keepdim=True) / (2 * BEYOND**2)
    return 4 * functional.avg_pool2d(fit - fitted - beyond, 2)[:, 0]


def smaller(pictures: Tensor, scale: int) -> Tensor:
    """Halve (U, C, H, W) pictures `scale` times, by averaging squares of 2x2 pixels."""
    return functional.avg_pool2d(pictures, 2**scale) if scale else pictures


def load_patch_prior(
    folder: Path = PATCHES,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    irrelevant: float = IRRELEVANT,
) -> PatchPrior:
    """Read the mixtures that `datasets/patches/fit_patches.py` fitted.

    Args:
        folder: where they lie.
        device: where to work.
        dtype: float32, or float64 for a slow reference.
        irrelevant: as for `PatchMixture`; 0 leaves nothing out.

    Raises:
        AtlasError: if a file is missing or damaged.
    """
    mixtures = []
    for scale in range(SCALES):
        path = folder / f"patches_{2**scale}.safetensors"
        try:
            numbers = load_file(path)
        except (OSError, SafetensorError) as error:
            raise AtlasError(f"{path} can't be read; restore it. ({error})") from error
        if NUMBERS - set(numbers):
            raise AtlasError(
                f"{path} lacks {', '.join(sorted(NUMBERS - set(numbers)))}; restore it."
            )
        numbers = {name: value.double() for name, value in numbers.items()}
        numbers["basis"] = _straightened(numbers["basis"].T).T
        numbers["axes"] = _straightened(numbers["axes"])
        numbers["log_weights"] = numbers["log_weights"].log_softmax(0)
        if "mean" in numbers:
            numbers["mean"] = numbers["mean"].repeat_interleave(SIDE**2)
        components, size = numbers["basis"].shape
        outside = size - components - (3 if scale < SCALES - 1 else 0)
        numbers = {name: value.to(device, dtype) for name, value in numbers.items()}
        mixtures.append(PatchMixture(**numbers, outside=outside, irrelevant=irrelevant))
    return PatchPrior(mixtures)


def _straightened(axes: Tensor) -> Tensor:
    """Make columns orthonormal again that half precision has bent a little."""
    straight, upper = torch.linalg.qr(axes)
    return straight * upper.diagonal(dim1=-2, dim2=-1).sign()[..., None, :]

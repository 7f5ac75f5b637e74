"""Fit the patch prior: mixtures of Gaussians over the atlas's own 8x8 patches, at three scales.

    python datasets/patches/fit_patches.py [--out FOLDER] [--patches N] [--rounds N]

At each scale the atlas is halved in size once more, by averaging squares of 2x2 pixels. Patches are
cut at random places, mirrored and transposed at random; but for the coarsest scale each patch
loses its own mean colour, which the next coarser scale supplies. Principal components keep what
varies most; a mixture of Gaussians with full covariances is fitted to them by expectation
maximisation, and what the components leave out gets one variance for each Gaussian.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.mixture import GaussianMixture
from torch import Tensor

from lessons.workbench.denoisers import load_atlas

SIDE = 8
SCALES = 3
COMPONENTS = 64
GAUSSIANS = (64, 64, 32)
SMALLEST_VARIANCE = 1e-4


def scaled(pictures: Tensor, scale: int) -> Tensor:
    """Halve (n, 3, H, W) pictures `scale` times."""
    return torch.nn.functional.avg_pool2d(pictures, 2**scale) if scale else pictures


def random_patches(pictures: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Cut `count` patches from (n, 3, H, W) pictures: (count, 3, 8, 8)."""

    def draw(below: int) -> Tensor:
        return torch.randint(below, (count,), generator=generator)

    windows = pictures.unfold(2, SIDE, 1).unfold(3, SIDE, 1)
    patches = windows[draw(len(pictures)), :, draw(windows.shape[2]), draw(windows.shape[3])]
    patches = torch.where(draw(2)[:, None, None, None] == 1, patches.flip(-1), patches)
    patches = torch.where(draw(2)[:, None, None, None] == 1, patches.flip(-2), patches)
    return torch.where(draw(2)[:, None, None, None] == 1, patches.mT, patches)


def fit(patches: Tensor, gaussians: int, keep_mean: bool, rounds: int) -> dict[str, Tensor]:
    """Fit one scale's mixture to (n, 3, 8, 8) patches.

    Returns:
        What `PatchMixture` reads, in half precision: `basis` (64, 192), rows orthonormal; `means`
        (K, 64); `variances` (K, 64) and `axes` (K, 64, 64), the columns of the latter being
        the directions that vary by the former; `rest` (K,), the variance of each direction outside
        the basis; `log_weights` (K,).
    """
    if not keep_mean:
        patches = patches - patches.mean((2, 3), keepdim=True)
    rows = patches.flatten(1)
    basis = torch.linalg.eigh(rows.T @ rows).eigenvectors.T.flip(0)[:COMPONENTS]
    inside = rows @ basis.T
    mixture = GaussianMixture(
        gaussians, reg_covar=SMALLEST_VARIANCE, max_iter=rounds, random_state=0, verbose=2
    )
    mixture.fit(inside.numpy())
    share = torch.from_numpy(mixture.predict_proba(inside.numpy())).float()
    left_out = (rows.square().sum(1) - inside.square().sum(1)).clamp(min=0)
    outside = rows.shape[1] - COMPONENTS - (0 if keep_mean else 3)
    rest = share.T @ left_out / share.sum(0) / outside
    variances, axes = np.linalg.eigh(mixture.covariances_)
    return {
        "basis": basis.half(),
        "means": torch.from_numpy(mixture.means_).half(),
        "variances": torch.from_numpy(variances).half(),
        "axes": torch.from_numpy(axes).half(),
        "rest": rest.clamp(min=SMALLEST_VARIANCE).half(),
        "log_weights": torch.from_numpy(np.log(mixture.weights_)).half(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--patches", type=int, default=100_000, help="for each scale")
    parser.add_argument("--rounds", type=int, default=40, help="of expectation maximisation")
    parser.add_argument("--scale", type=int, help="only this one, to try")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    pictures = load_atlas().pictures.float() / 127.5 - 1
    for scale in range(SCALES) if options.scale is None else [options.scale]:
        generator = torch.Generator().manual_seed(scale)
        patches = random_patches(scaled(pictures, scale), options.patches, generator)
        coarsest = scale == SCALES - 1
        numbers = fit(patches, GAUSSIANS[scale], coarsest, options.rounds)
        save_file(
            {name: value.contiguous() for name, value in numbers.items()},
            options.out / f"patches_{2**scale}.safetensors",
        )


if __name__ == "__main__":
    main()

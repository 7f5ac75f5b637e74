"""Fit the patch prior: mixtures of Gaussians over the atlas's own 8x8 patches, at three scales.

    python datasets/patches/fit_patches.py [--out FOLDER] [--patches N] [--rounds N] [--scale S]

At each scale the atlas is halved in size once more, by averaging squares of 2x2 pixels. Patches are
cut at random places, mirrored and transposed at random. But for the coarsest scale each patch loses
its own mean colour, which the next coarser scale supplies; at the coarsest, all lose their common
mean. Principal components keep what varies most. A mixture of Gaussians with mean 0 is fitted to
them by expectation maximisation (Dempster, Laird & Rubin 1977; for patches Zoran & Weiss, ICCV
2011), and what the components leave out gets one variance for each Gaussian.

Scikit-learn's GaussianMixture has no Gaussians of mean 0; and from its k-means on the patches
themselves, most of which are nearly flat, 25 rounds had not converged.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor

from lessons.workbench.denoisers import load_atlas

SIDE = 8
SCALES = 3
COMPONENTS = 64
GAUSSIANS = (64, 64, 32)
SMALLEST_VARIANCE = 1e-4
FAINT = 0.1  # of patches fainter than this, clustering sees little but the strength
UNLIKELY = 1e-3


def random_patches(pictures: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Cut `count` patches from (n, 3, H, W) pictures: (count, 3, 8, 8)."""

    def draw(below: int) -> Tensor:
        return torch.randint(below, (count,), generator=generator)

    windows = pictures.unfold(2, SIDE, 1).unfold(3, SIDE, 1)
    patches = windows[draw(len(pictures)), :, draw(windows.shape[2]), draw(windows.shape[3])]
    for turned in (lambda x: x.flip(-1), lambda x: x.flip(-2), lambda x: x.mT):
        chosen = draw(2)[:, None, None, None] == 1
        patches = torch.where(chosen, turned(patches), patches)
    return patches


def first_guess(rows: Tensor, gaussians: int) -> Tensor:
    """Cluster (n, D) patches by shape and, compressed, by strength: weights (n, K), 0 or 1."""
    strength = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    features = rows / strength.clamp(min=1e-6) * torch.log1p(strength / FAINT)
    means = MiniBatchKMeans(gaussians, batch_size=8192, n_init=1, random_state=0)
    labels = torch.from_numpy(means.fit_predict(features.numpy())).long()
    return torch.nn.functional.one_hot(labels, gaussians).float()


def covariances(rows: Tensor, weights: Tensor) -> Tensor:
    """The maximisation: (K, D, D), each Gaussian's covariance about 0."""
    found = []
    for weight in weights.T:
        chosen = torch.nonzero(weight > UNLIKELY).flatten()
        few, weight = rows[chosen], weight[chosen, None]
        found.append((few * weight).T @ few / weight.sum().clamp(min=1e-3))
    return torch.stack(found) + SMALLEST_VARIANCE * torch.eye(rows.shape[1])


def log_densities(rows: Tensor, covariance: Tensor) -> Tensor:
    """The logarithms of N(row; 0, C_k) without the powers of 2 pi, (n, K)."""
    factors = torch.linalg.cholesky(covariance.double())
    volumes = 2 * factors.diagonal(dim1=1, dim2=2).log().sum(1).float()
    whiten = torch.linalg.inv(factors).float().mT
    distances = [torch.linalg.vector_norm(rows @ one, dim=1).square() for one in whiten]
    return -(torch.stack(distances, dim=1) + volumes) / 2


def fit(patches: Tensor, gaussians: int, rounds: int, missing: int) -> dict[str, Tensor]:
    """Fit one scale's mixture.

    Args:
        patches: (n, 192), less their means.
        gaussians: K.
        rounds: of expectation maximisation.
        missing: how many of the 192 directions no patch varies in.

    Returns:
        What `PatchMixture` reads, in half precision.
    """
    basis = torch.linalg.eigh(patches.T @ patches).eigenvectors.T.flip(0)[:COMPONENTS]
    rows = patches @ basis.T
    weights = first_guess(rows, gaussians)
    for step in range(rounds):
        shares = weights.mean(0).clamp(min=1e-6)
        covariance = covariances(rows, weights)
        joint = log_densities(rows, covariance) + shares.log()
        weights = joint.softmax(1)
        if step % 10 == 9:
            print(f"  round {step + 1}: {joint.logsumexp(1).mean():.3f}", flush=True)
    left_out = (patches.square().sum(1) - rows.square().sum(1)).clamp(min=0)
    rest = weights.T @ left_out / weights.sum(0) / (patches.shape[1] - COMPONENTS - missing)
    variances, axes = torch.linalg.eigh(covariance)
    numbers = {
        "basis": basis,
        "variances": variances.clamp(min=SMALLEST_VARIANCE),
        "axes": axes,
        "rest": rest.clamp(min=SMALLEST_VARIANCE),
        "log_weights": shares.log(),
    }
    return {name: value.half().contiguous() for name, value in numbers.items()}


def main() -> None:
    """Fit every scale, or those asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--patches", type=int, default=100_000, help="for each scale")
    parser.add_argument("--rounds", type=int, default=40, help="of expectation maximisation")
    parser.add_argument("--scale", type=int, nargs="*", default=range(SCALES), help="only these")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    pictures = load_atlas().pictures.float() / 127.5 - 1
    for scale in options.scale:
        print(f"pictures of {64 // 2**scale} pixels", flush=True)
        generator = torch.Generator().manual_seed(scale)
        small = torch.nn.functional.avg_pool2d(pictures, 2**scale) if scale else pictures
        patches = random_patches(small, options.patches, generator)
        coarsest = scale == SCALES - 1
        mean = patches.mean((0, 2, 3) if coarsest else (2, 3), keepdim=True)
        rows = (patches - mean).flatten(1)
        numbers = fit(rows, GAUSSIANS[scale], options.rounds, 0 if coarsest else 3)
        if coarsest:
            numbers["mean"] = mean.flatten().half()
        save_file(numbers, options.out / f"patches_{2**scale}.safetensors")


if __name__ == "__main__":
    main()

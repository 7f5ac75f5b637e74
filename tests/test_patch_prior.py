"""The patch prior against its formulas, written out here on their own in float64."""

import math

import pytest
import torch
from safetensors.torch import load_file, save_file

from lessons.workbench.denoisers import AtlasError
from lessons.workbench.denoisers.patch_mixture import PatchMixture
from lessons.workbench.denoisers.patch_prior import (
    BEYOND,
    PATCHES,
    STRIDES,
    PatchPrior,
    load_patch_prior,
)

DOUBLE = {"dtype": torch.float64}


def orthonormal(*shape, generator):
    return torch.linalg.qr(torch.randn(shape, generator=generator, **DOUBLE)).Q


def random_mixture(size, components, gaussians, seed=0, missing=0, mean=None, irrelevant=0):
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn((size, components), generator=generator, **DOUBLE)
    if missing:  # patches of three colours that have lost their means
        directions -= directions.unflatten(0, (3, -1)).mean(1).repeat_interleave(size // 3, 0)
    return PatchMixture(
        torch.linalg.qr(directions).Q.T,
        torch.rand((gaussians, components), generator=generator, **DOUBLE).square().sort().values,
        orthonormal(gaussians, components, components, generator=generator),
        torch.rand(gaussians, generator=generator, **DOUBLE) / 50,
        torch.randn(gaussians, generator=generator, **DOUBLE).log_softmax(0),
        outside=size - components - missing,
        mean=mean,
        irrelevant=irrelevant,
    )


def covariances(mixture):
    basis = mixture.basis
    inside = mixture.axes @ torch.diag_embed(mixture.variances) @ mixture.axes.mT
    outside = torch.eye(basis.shape[1], **DOUBLE) - basis.T @ basis
    if mixture.outside < len(outside) - len(basis):  # patches have lost their mean colours
        outside -= torch.block_diag(
            *[torch.full((len(outside) // 3,) * 2, 3 / len(outside), **DOUBLE)] * 3
        )
    return basis.T @ inside @ basis + mixture.rest[:, None, None] * outside


def plain_posterior(mixture, y, s2):
    """A Gaussian mixture's posterior mean and mean variance for one vector, no short cuts."""
    size = len(y)
    noise = s2 * torch.eye(size, **DOUBLE)
    logs, means, spreads = [], [], []
    for log_weight, covariance in zip(mixture.log_weights, covariances(mixture), strict=True):
        seen = torch.distributions.MultivariateNormal(mixture.mean, covariance + noise)
        logs.append(log_weight + seen.log_prob(y))
        wiener = covariance @ torch.linalg.inv(covariance + noise)
        means.append(mixture.mean + wiener @ (y - mixture.mean))
        spreads.append(torch.trace(covariance - wiener @ covariance))
    share, means = torch.stack(logs).softmax(0), torch.stack(means)
    mean = share @ means
    between = share @ (means - mean).square().sum(1)
    return mean, (share @ torch.stack(spreads) + between) / size


@pytest.mark.parametrize("s2", [1e-3, 0.1, 2.0, 100.0])
@pytest.mark.parametrize("centre", [False, True])
def test_a_patch_gets_the_mixtures_own_posterior(s2, centre):
    generator = torch.Generator().manual_seed(1)
    mean = torch.randn(24, generator=generator, **DOUBLE) if centre else None
    mixture = random_mixture(24, 10, 20, mean=mean)
    patches = torch.randn((7, 24), generator=generator, **DOUBLE)
    found = mixture.posterior(patches, s2)
    for i, patch in enumerate(patches):
        expected, variance = plain_posterior(mixture, patch, s2)
        torch.testing.assert_close(found.mean[i], expected, atol=1e-10, rtol=0)
        torch.testing.assert_close(found.variance[i], variance, atol=1e-10, rtol=0)


@pytest.mark.parametrize("s2", [0.01, 0.5])
def test_the_variance_is_the_slope_of_the_mean(s2):
    mixture = random_mixture(12, 6, 3)
    patch = torch.randn(12, generator=torch.Generator().manual_seed(2), **DOUBLE)
    steps = 1e-5 * torch.eye(12, **DOUBLE)
    ahead, behind = (mixture.posterior(patch + step, s2).mean for step in (steps, -steps))
    slope = (ahead - behind).trace() / 2e-5
    found = mixture.posterior(patch[None], s2).variance[0]
    torch.testing.assert_close(found, s2 * slope / 12, atol=1e-8, rtol=0)


def test_the_limits_of_a_patch():
    mixture = random_mixture(24, 10, 4, mean=torch.linspace(-1, 1, 24, **DOUBLE))
    patches = torch.randn((3, 24), generator=torch.Generator().manual_seed(3), **DOUBLE)
    torch.testing.assert_close(mixture.posterior(patches, 1e-9).mean, patches, atol=1e-6, rtol=0)
    drowned = mixture.posterior(patches, 1e9).mean
    torch.testing.assert_close(drowned, mixture.mean.expand(3, -1), atol=1e-6, rtol=0)


def test_what_is_irrelevant_changes_little_and_really_is_left_out():
    generator = torch.Generator().manual_seed(4)
    for scale, exact in enumerate(load_patch_prior(dtype=torch.float64, irrelevant=0).mixtures):
        quick = load_patch_prior(dtype=torch.float64).mixtures[scale]
        clean = exact.basis.T @ torch.randn((64, 40), generator=generator, **DOUBLE) * 0.3
        for s2 in (0.01, 0.2, 2.0):
            noise = torch.randn((40, 192), generator=generator, **DOUBLE)
            seen = clean.T + exact.mean + s2**0.5 * noise
            difference = exact.posterior(seen, s2).mean - quick.posterior(seen, s2).mean
            assert 0 < difference.abs().max() < 0.1 * s2**0.5


def small_prior(irrelevant=0):
    mixtures = [
        random_mixture(192, 20, 5, seed, missing=3, irrelevant=irrelevant) for seed in (5, 6)
    ]
    mean = torch.full((192,), 0.1, **DOUBLE)
    return PatchPrior([*mixtures, random_mixture(192, 30, 4, 7, mean=mean, irrelevant=irrelevant)])


def plain_estimate(prior, y, s2, scale, coarser):
    """One scale of one (3, H, W) picture, patch by patch: mean, and variance pixel by pixel."""
    size = y.shape[-1] // 2**scale
    seen = y.unfold(1, 2**scale, 2**scale).unfold(2, 2**scale, 2**scale).mean((-1, -2))
    s2, stride = s2 / 4**scale, STRIDES[scale]
    total, weights = torch.zeros(3, size, size, **DOUBLE), torch.zeros(size, size, **DOUBLE)
    count = torch.zeros(size, size, **DOUBLE)
    for row in range(0, size - 7, stride):
        for column in range(0, size - 7, stride):
            if scale == 0 and (row + column) % 4:
                continue  # black squares of the chessboard
            place = (..., slice(row, row + 8), slice(column, column + 8))
            patch = seen[place]
            own = patch.mean((1, 2), keepdim=True) if scale < 2 else torch.zeros(3, 1, 1, **DOUBLE)
            mean, variance = plain_posterior(prior.mixtures[scale], (patch - own).flatten(), s2)
            mean = mean.reshape(3, 8, 8)
            if coarser is not None:
                half = (slice(row // 2, row // 2 + 4), slice(column // 2, column // 2 + 4))
                mean = mean + coarser[(..., *half)].mean((1, 2), keepdim=True)
            total[place] += mean / variance
            weights[place] += 1 / variance
            count[place] += 1
    return total / weights, count / weights, seen, s2


def test_a_picture_is_put_together_from_its_patches():
    prior = small_prior()
    y = torch.randn((1, 3, 32, 32), generator=torch.Generator().manual_seed(8), **DOUBLE)
    s2 = 0.3
    coarser, spread, _, fine = plain_estimate(prior, y[0], s2, 2, None)
    half, variance, seen, middling = plain_estimate(prior, y[0], s2, 1, coarser)
    full, *_ = plain_estimate(prior, y[0], s2, 0, half)
    found = prior(y, s2)
    torch.testing.assert_close(found.mean[0], full, atol=1e-9, rtol=0)
    score = torch.zeros(8, 8, **DOUBLE)
    for row in range(16):
        for column in range(16):
            pixel, estimate = seen[:, row, column], half[:, row, column]
            gained = pixel.square().sum() - (pixel - estimate).square().sum()
            fitted = 3 * variance[row, column] / middling
            fitted += 3 / 64 * min(16 * float(spread[row // 2, column // 2]) / fine, 1)
            beyond = (estimate.abs() - 1).clamp(min=0).square().sum()
            value = gained / (2 * middling) - fitted - beyond / (2 * BEYOND**2)
            score[row // 2, column // 2] += value
    torch.testing.assert_close(found.score[0], score, atol=1e-8, rtol=0)


def test_pictures_are_asked_one_by_one():
    prior = load_patch_prior()
    y = torch.randn((3, 3, 64, 64), generator=torch.Generator().manual_seed(9))
    together, alone = prior(y, 0.5), [prior(picture[None], 0.5) for picture in y]
    torch.testing.assert_close(together.mean, torch.cat([a.mean for a in alone]))
    scores = torch.cat([a.score for a in alone])
    torch.testing.assert_close(together.score, scores, atol=1e-2, rtol=1e-4)


def test_without_noise_the_picture_stays_and_from_pure_noise_comes_the_mean():
    prior = load_patch_prior()
    generator = torch.Generator().manual_seed(10)
    y = torch.rand((1, 3, 64, 64), generator=generator) * 2 - 1
    torch.testing.assert_close(prior(y, 1e-7).mean, y, atol=1e-2, rtol=0)
    noise = 1e4 * torch.randn((1, 3, 64, 64), generator=generator)
    answer = prior(noise, 1e8)
    assert (answer.mean - answer.mean.mean((2, 3), keepdim=True)).abs().max() < 0.01
    assert answer.score.abs().max() < 0.01


def test_the_fitted_numbers_are_few_and_belong_together():
    files = sorted(PATCHES.glob("*.safetensors"))
    assert sum(path.stat().st_size for path in files) <= 2_000_000
    for path, mixture in zip(files, load_patch_prior(dtype=torch.float64).mixtures, strict=True):
        stored = load_file(path)
        unit = torch.eye(len(mixture.basis), **DOUBLE)
        torch.testing.assert_close(mixture.basis @ mixture.basis.T, unit)
        torch.testing.assert_close(mixture.axes @ mixture.axes.mT, unit.expand_as(mixture.axes))
        torch.testing.assert_close(mixture.axes, stored["axes"].double(), atol=0.01, rtol=0)
        torch.testing.assert_close(mixture.basis, stored["basis"].double(), atol=0.01, rtol=0)
        assert math.isclose(float(mixture.log_weights.exp().sum()), 1)


def test_what_is_missing_or_damaged_is_named(tmp_path):
    with pytest.raises(AtlasError, match=r"patches_1\.safetensors.*restore it"):
        load_patch_prior(tmp_path)
    for path in PATCHES.glob("*.safetensors"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "patches_2.safetensors").write_bytes(b"nothing")
    with pytest.raises(AtlasError, match=r"patches_2\.safetensors"):
        load_patch_prior(tmp_path)
    save_file({"basis": torch.eye(3)}, tmp_path / "patches_2.safetensors")
    with pytest.raises(AtlasError, match=r"patches_2\.safetensors"):
        load_patch_prior(tmp_path)

"""Lesson 18: how good samples are, in four numbers, and what each of them can't see."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["frechet_distance", "nearest_distances", "precision_recall", "share_read_as_asked"]


def share_read_as_asked(
    classifier: nn.Module, images: Tensor, asked: Tensor, batch_size: int = 1000
) -> float:
    """The share of pictures that a classifier reads as the digits that were asked for.

    Args:
        classifier: `classifier(batch)` gives logits (b, 10) for pictures (b, 1, 28, 28).
        images: (n, 1, 28, 28), n > 0, clamped to [0, 1] before they are read.
        asked: (n,) int64, the digit that each picture should show.
        batch_size: how many pictures the classifier is shown at once, at most.

    Returns:
        From 0 to 1. A picture that holds NaN is read as nothing: it counts, and it is not right.

    Raises:
        ValueError: if there are more or fewer pictures than digits asked for.
    """
    ### BEGIN SOLUTION
    if len(images) != len(asked):
        raise ValueError(f"{len(images)} pictures, but {len(asked)} digits were asked for.")
    right = 0
    for batch, wanted in zip(images.split(batch_size), asked.split(batch_size), strict=True):
        with torch.no_grad():
            logits = classifier(batch.clamp(0, 1))
        is_number = logits.isfinite().all(dim=1)  # argmax of NaN would be a digit like any other
        as_asked = logits.argmax(dim=1) == wanted.to(logits.device)
        right += int((as_asked & is_number).sum())
    return right / len(images)
    ### END SOLUTION


def frechet_distance(features_a: Tensor, features_b: Tensor) -> float:
    """The Frechet distance between two sets, each taken as a Gaussian (Heusel et al. 2017).

    |m_a - m_b|^2 + trace(C_a + C_b - 2 (C_a C_b)^(1/2)), with means m and covariances C (arXiv
    1706.08500, equation 6). Few samples make it larger: compare only numbers that were taken from
    equally many.

    Args:
        features_a: (N, K), K numbers for each of N > 1 pictures; K > 1. N may be less than K.
        features_b: (M, K), M > 1.

    Returns:
        0 for equal means and covariances, else positive.

    Raises:
        ValueError: if a set has fewer than two rows.
    """
    if min(len(features_a), len(features_b)) < 2:
        raise ValueError("A Frechet distance needs at least two pictures on either side.")
    ### BEGIN SOLUTION
    a, b = features_a.double(), features_b.double()
    apart = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(cov_a)
    root_a = vectors * values.clamp(min=0).sqrt() @ vectors.T
    # (C_a C_b)^(1/2) has the trace of (C_a^(1/2) C_b C_a^(1/2))^(1/2), which is symmetric.
    shared = torch.linalg.eigvalsh(root_a @ cov_b @ root_a).clamp(min=0).sqrt().sum()
    return float((apart + cov_a.trace() + cov_b.trace() - 2 * shared).clamp(min=0))
    ### END SOLUTION


def precision_recall(real: Tensor, generated: Tensor, k: int = 3) -> tuple[float, float]:
    """Which share of each set lies where the other one is (Kynkaanniemi et al. 2019).

    Every picture of a set has a ball that reaches to its k-th nearest neighbour in the same set;
    all balls together are where the set is (arXiv 1904.06991, equations 1 and 2).

    Args:
        real: (N, K), features of real pictures; N > k.
        generated: (M, K), features of generated ones; M > k.
        k: which neighbour; a picture is no neighbour of its own.

    Returns:
        (precision, recall): the share of generated pictures that lie in a ball of the real ones,
        and the share of real pictures that lie in a ball of the generated ones.
    """

    ### BEGIN SOLUTION
    def share_within(points: Tensor, centres: Tensor) -> float:
        radius = torch.cdist(centres, centres).kthvalue(k + 1, dim=1).values  # its own 0 is first
        inside = torch.cdist(points, centres) <= radius
        return float(inside.any(dim=1).double().mean())

    return share_within(generated, real), share_within(real, generated)
    ### END SOLUTION


def nearest_distances(
    images: Tensor, training: Tensor, batch_size: int = 100
) -> tuple[Tensor, Tensor]:
    """How far each picture is from the training picture that is nearest to it, and which that is.

    Args:
        images: (n, C, H, W).
        training: (N, C, H, W), as many as there are: numbers for all n N pairs at once may not fit
            into memory.
        batch_size: how many of `images` are compared at once, at most.

    Returns:
        (distances, which): (n,), the root of the summed squared differences of all pixels; and
        (n,) int64, the place of the nearest picture in `training`.
    """
    ### BEGIN SOLUTION
    flat = training.flatten(1)
    batches = images.flatten(1).split(batch_size)
    which = torch.cat([torch.cdist(batch, flat).argmin(dim=1) for batch in batches])
    # Once more for the one found: cdist takes a short cut that leaves a copy a little above 0.
    return (images.flatten(1) - flat[which]).norm(dim=1), which
    ### END SOLUTION

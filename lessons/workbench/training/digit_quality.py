"""How good generated digits are: are they read as asked, and are they as varied as real ones?"""

from __future__ import annotations

import torch
from torch import Tensor

from lessons.workbench.training.digit_classifier import DigitClassifier


@torch.no_grad()
def digit_features(classifier: DigitClassifier, images: Tensor) -> Tensor:
    """What the classifier sees in pictures before it decides.

    Args:
        classifier: as `load_digit_classifier` gives it, on the pictures' device.
        images: (B, 1, 28, 28), clamped to [0, 1] first.

    Returns:
        (B, 128) float64, on the CPU.
    """
    parts = [classifier.features(batch) for batch in images.clamp(0, 1).split(1000)]
    return torch.cat(parts).cpu().double()


def frechet_distance(features: Tensor, others: Tensor) -> float:
    """The Frechet distance between two sets, each taken as a Gaussian (Heusel et al. 2017).

    |m - n|^2 + trace(C + D - 2 (C D)^(1/2)), with the means m and n and the covariances C and D
    (arXiv 1706.08500, equation 6). Few pictures make it larger: compare only numbers that were
    taken from equally many.

    Args:
        features: (B, K), B > 1.
        others: (N, K), N > 1.

    Returns:
        0 for equal mean and covariance, else positive.

    Raises:
        ValueError: if a set has fewer than two rows.
    """
    if min(len(features), len(others)) < 2:
        raise ValueError("A Frechet distance needs at least two pictures on either side.")
    features, others = features.double(), others.double()
    apart = (features.mean(0) - others.mean(0)).square().sum()
    mine, theirs = torch.cov(features.T), torch.cov(others.T)
    values, vectors = torch.linalg.eigh(mine)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    # (C D)^(1/2) has the trace of (C^(1/2) D C^(1/2))^(1/2), which is symmetric
    shared = torch.linalg.eigvalsh(root @ theirs @ root).clamp(min=0).sqrt().sum()
    return float((apart + mine.trace() + theirs.trace() - 2 * shared).clamp(min=0))

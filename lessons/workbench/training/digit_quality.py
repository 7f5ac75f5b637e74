"""The numbers in which digits are compared: what a classifier of digits sees in a picture."""

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

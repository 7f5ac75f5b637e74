"""A small classifier of handwritten digits, to ask whether drawn digits can be read.

Its weights ship with the course; benchmarks/digit_classifier.py trains them.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

WEIGHTS = (
    Path(__file__).resolve().parents[3] / "datasets" / "weights" / "digit_classifier.safetensors"
)


class DigitClassifier(nn.Module):
    """Three stages of convolutions, 28x28 to 14x14 to 7x7 to 128 numbers, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _convolution(1, 32, kernel_size=5, stride=2),
            _convolution(32, 64),
            nn.MaxPool2d(2),
            _convolution(64, 128),
            nn.AdaptiveMaxPool2d(2),
            nn.Flatten(),
            nn.Linear(512, 128),
            nn.GELU(),
        )
        self.read = nn.Linear(128, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Turn pictures (B, 1, 28, 28) in [0, 1] into logits (B, 10)."""
        return self.read(self.features(images))


def load_digit_classifier(device: str | torch.device = "cpu") -> DigitClassifier:
    """The trained classifier, in evaluation mode.

    Args:
        device: where it goes.

    Raises:
        FileNotFoundError: if the course's folder is not complete.
    """
    if not WEIGHTS.exists():
        raise FileNotFoundError(f"{WEIGHTS} is missing: get the course's folder datasets again.")
    classifier = DigitClassifier()
    classifier.load_state_dict(load_file(WEIGHTS))  # half precision becomes single
    return classifier.eval().requires_grad_(False).to(device)


@torch.no_grad()
def share_read_as(classifier: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share of pictures that the classifier reads as the digits they should be.

    Args:
        classifier: as `load_digit_classifier` gives it, on the pictures' device.
        images: (B, 1, 28, 28), clamped to [0, 1] before they are read.
        labels: (B,) int64, the digits asked for.

    Returns:
        From 0 to 1. A picture that holds NaN is not read as anything.
    """
    read = torch.cat([classifier(batch) for batch in images.clamp(0, 1).split(1000)])
    as_asked = read.argmax(dim=1) == labels.to(read.device)
    return float((as_asked & read.isfinite().all(dim=1)).float().mean())


def _convolution(
    in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1
) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.GELU(),
    )

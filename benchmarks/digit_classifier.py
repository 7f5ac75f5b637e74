"""Train the classifier that reads drawn digits, and measure it on MNIST's test set.

python benchmarks/digit_classifier.py [--epochs 12] [--save]

With --save its weights replace the ones that ship with the course (half precision).
DIFFUSION_MNIST names a folder with MNIST; without it MNIST is downloaded.
"""

from __future__ import annotations

import argparse
import math

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from lessons.workbench.training import TrainingPlan, load_digits, train
from lessons.workbench.training.digit_classifier import WEIGHTS, DigitClassifier, share_read_as


def main() -> None:
    """Train, print the share of test digits read right, save if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    digits, test = load_digits(train=True, device=device), load_digits(train=False, device=device)
    torch.manual_seed(0)
    classifier = DigitClassifier().to(device)
    plan = TrainingPlan(
        epochs=options.epochs, batch_size=128, learning_rate=2e-3,
        decay=0.05 ** (1 / options.epochs), ema=0.999, seed=0,
    )  # fmt: skip

    def tell(epoch: int, average: nn.Module, _: object) -> None:
        right = share_read_as(average.eval(), test.images, test.labels)
        print(f"after epoch {epoch:2}: {right:.2%} of the test digits read right", flush=True)

    history = train(classifier, _loss, *digits[:2], plan, after_epoch=tell, progress=False)
    assert history.average is not None
    halved = {
        name: value.half() if value.is_floating_point() else value
        for name, value in history.average.state_dict().items()
    }
    kept = DigitClassifier().to(device).eval()
    kept.load_state_dict(halved)
    print(f"in half precision: {share_read_as(kept, test.images, test.labels):.2%}; "
          f"{sum(p.numel() for p in kept.parameters()):,} parameters")  # fmt: skip
    if options.save:
        WEIGHTS.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: value.cpu().contiguous() for name, value in halved.items()}, WEIGHTS)


def _loss(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(model(_moved(images)), labels, label_smoothing=0.05)


def _moved(images: Tensor) -> Tensor:
    """Each digit turned, scaled and moved a little, so that none is learned by heart."""
    n = len(images)
    angle = (torch.rand(n, device=images.device) - 0.5) * math.radians(24)
    scale = 1 + (torch.rand(n, device=images.device) - 0.5) * 0.24
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    shift = (torch.rand(n, 2, device=images.device) - 0.5) * (4 / 14)
    rows = [torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


if __name__ == "__main__":
    main()

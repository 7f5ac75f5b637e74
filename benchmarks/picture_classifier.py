"""Small networks that read drawn pictures: which subject they show, or in which style.

They learn from the atlas's own pictures, mirrored, shifted, blurred, noisy and recoloured, and are
kept in datasets/cache/, for the benchmarks that ask whether a sample shows what was asked for.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from lessons.workbench.training.captions import load_captioned_pictures

CACHE = Path(__file__).parents[1] / "datasets" / "cache"
EPOCHS = 40

View = Callable[[Tensor], Tensor]


class PictureClassifier(nn.Sequential):
    """Turns (n, 3, 64, 64) pictures in [-1, 1] into scores (n, classes)."""

    def __init__(self, classes: int) -> None:
        layers: list[nn.Module] = []
        channels = 3
        for width in (32, 64, 128, 192):
            layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1)]
            layers += [nn.BatchNorm2d(width), nn.GELU()]
            channels = width
        layers += [nn.Flatten(), nn.Dropout(0.2), nn.Linear(channels * 16, classes)]
        super().__init__(*layers)


def load_classifier(
    kind: str,
    pictures: Tensor,
    labels: Tensor,
    epochs: int = EPOCHS,
    *,
    learning_rate: float = 4e-3,
    view: View = lambda pictures: pictures,
    begin: PictureClassifier | None = None,
) -> PictureClassifier:
    """A classifier of these pictures, on their device: trained now, or kept by an earlier run.

    Args:
        kind: what it reads and how it was begun, for the kept file's name.
        pictures: (n, 3, 64, 64) in [-1, 1].
        labels: (n,) int64.
        epochs: how often each picture is shown.
        learning_rate: the highest.
        view: what the classifier is shown of changed pictures.
        begin: a trained one to go on from, in place.
    """
    digest = hashlib.sha256(pictures.contiguous().cpu().numpy().tobytes())
    digest.update(labels.cpu().numpy().tobytes())
    path = CACHE / f"{kind}_classifier_{digest.hexdigest()[:12]}_{epochs}.pt"
    torch.manual_seed(0)
    model = begin or PictureClassifier(int(labels.max()) + 1).to(pictures.device)
    if path.exists():
        model.load_state_dict(torch.load(path, map_location=pictures.device, weights_only=True))
        return model.eval()
    _train(model, pictures, labels, epochs, learning_rate, view)
    CACHE.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), path)
    return model


def subject_classifier(epochs: int = EPOCHS, device: str = "cpu") -> PictureClassifier:
    """One that names the subjects of the atlas by their numbers."""
    everything = load_captioned_pictures()
    pictures, subjects = everything.pictures.to(device), everything.subjects.to(device)
    return load_classifier("subject", pictures, subjects, epochs)


def _train(
    model: nn.Module,
    pictures: Tensor,
    labels: Tensor,
    epochs: int,
    learning_rate: float,
    view: View,
) -> None:
    """Train on changed pictures, of which the model is shown `view`; then evaluation mode."""
    generator = torch.Generator(pictures.device).manual_seed(0)
    steps = epochs * -(-len(pictures) // 128)
    optimizer = torch.optim.AdamW(model.train().parameters(), lr=learning_rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
    start = time.perf_counter()
    for epoch in range(epochs):
        right = 0
        order = torch.randperm(len(pictures), generator=generator, device=pictures.device)
        for chosen in order.split(128):
            scores = model(view(augment(pictures[chosen], generator)))
            loss = nn.functional.cross_entropy(scores, labels[chosen], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            right += int((scores.argmax(1) == labels[chosen]).sum())
        if epoch % 10 == 9 or epoch + 1 == epochs:
            print(
                f"classifier, epoch {epoch + 1} of {epochs}: {right / len(pictures):.1%} right "
                f"on changed pictures, {time.perf_counter() - start:.0f} s",
                flush=True,
            )
    model.eval()


def augment(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror, shift and scale, recolour, blur and add noise, differently for every picture."""
    count, device = len(pictures), pictures.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        drawn = torch.rand((count, *shape), generator=generator, device=device)
        return drawn * (high - low) + low

    scale, turn = uniform(0.9, 1.15), uniform(-0.1, 0.1)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    place = torch.stack(
        [
            torch.stack([scale * mirror, turn, uniform(-0.12, 0.12)], 1),
            torch.stack([-turn * mirror, scale, uniform(-0.12, 0.12)], 1),
        ],
        dim=1,
    )
    grid = nn.functional.affine_grid(place, list(pictures.shape), align_corners=False)
    moved = nn.functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    blurred = nn.functional.avg_pool2d(moved, 3, stride=1, padding=1)
    moved = torch.lerp(moved, blurred, uniform(0, 1, 1, 1, 1))
    recoloured = moved * uniform(0.75, 1.3, 1, 1, 1) + uniform(-0.2, 0.2, 3, 1, 1)
    noise = torch.randn(moved.shape, generator=generator, device=device)
    return recoloured + uniform(0, 0.25, 1, 1, 1) * noise


@torch.no_grad()
def probabilities(model: nn.Module, pictures: Tensor) -> Tensor:
    """(n, classes): those of each picture and of its mirror image, averaged."""
    return (model(pictures).softmax(1) + model(pictures.flip(-1)).softmax(1)) / 2

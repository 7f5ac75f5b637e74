"""Handwritten digits for part B, as one tensor on the device.

MNIST comes through torchvision, downloaded and checked on first use. Offline, with nothing
downloaded before, scikit-learn's small digits take its place.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

ROOT = Path(__file__).resolve().parents[3] / "datasets"
ROOT_VARIABLE = "DIFFUSION_MNIST"
SECONDS_WITHOUT_ANSWER = 10.0
_COUNTS = {True: 60_000, False: 10_000}
_FALLBACK_TEST_SHARE = 5  # every fifth of scikit-learn's digits


class MnistError(RuntimeError):
    """The digits can't be had; the message says what to do."""


class Digits(NamedTuple):
    """A set of digits.

    Attributes:
        images: (N, 1, 28, 28) float32 in [0, 1], white on black.
        labels: (N,) int64, 0 to 9.
        source: "MNIST" or "scikit-learn digits".
    """

    images: Tensor
    labels: Tensor
    source: str


def load_digits(
    train: bool = True,
    *,
    root: str | Path | None = None,
    device: str | torch.device = "cpu",
    download: bool = True,
) -> Digits:
    """Load MNIST, or its stand-in if it can neither be found nor downloaded.

    Args:
        train: the 60,000 digits for training, or the 10,000 for testing.
        root: the folder that holds `MNIST/raw`, as torchvision lays it out. None takes the
            environment variable DIFFUSION_MNIST, and without that `datasets/`.
        device: where the tensors go.
        download: whether to download what is missing (only into `datasets/`).

    Returns:
        The digits. If they are the stand-in, one printed line says so.

    Raises:
        MnistError: if a folder that was named holds no MNIST, or damaged files.
    """
    named = root if root is not None else os.environ.get(ROOT_VARIABLE)
    folder = Path(named).expanduser() if named else ROOT
    found = _read(folder, train, download=False)
    if found is None and named:
        raise MnistError(
            f"There is no MNIST in {folder}: it should hold MNIST/raw/train-images-idx3-ubyte and "
            f"the three other files. Correct the path, or leave it out to download MNIST."
        )
    if found is None and download:
        found = _read(folder, train, download=True)
    if found is None:
        print(
            "MNIST is not here and can't be downloaded, so scikit-learn's 1,797 small digits take "
            "its place, enlarged, and moved and turned a little to make more of them."
        )
        found = _stand_in(train)
    return Digits(found.images.to(device), found.labels.to(device), found.source)


def _read(folder: Path, train: bool, *, download: bool) -> Digits | None:
    """MNIST from `folder`; None if it is not there or can't be downloaded."""
    from torchvision.datasets import MNIST

    try:
        with _no_endless_waiting():
            dataset = MNIST(root=str(folder), train=train, download=download)
    except (RuntimeError, OSError):  # not found; or no network, no mirror, a broken download
        return None
    except (ValueError, AssertionError) as error:
        raise _damaged(folder) from error
    if len(dataset.data) != _COUNTS[train] or dataset.data.shape[1:] != (28, 28):
        raise _damaged(folder)
    return Digits(dataset.data[:, None].float() / 255, dataset.targets.long(), "MNIST")


@contextlib.contextmanager
def _no_endless_waiting() -> Iterator[None]:
    """Give up on a server that is silent, as behind some firewalls; torchvision would wait on."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS_WITHOUT_ANSWER)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _damaged(folder: Path) -> MnistError:
    return MnistError(
        f"The MNIST files in {folder / 'MNIST' / 'raw'} are damaged: delete that folder, and they "
        f"are downloaded again."
    )


def _stand_in(train: bool) -> Digits:
    """scikit-learn's 8x8 digits, enlarged to 22x22 and framed like MNIST's."""
    from sklearn.datasets import load_digits as load_small_digits

    small: Any = load_small_digits()
    images = torch.from_numpy(small.images).float()[:, None] / 16
    large = F.interpolate(images, size=(22, 22), mode="bicubic").clamp(0, 1)
    images = F.pad(large, (3, 3, 3, 3))
    labels = torch.from_numpy(small.target).long()
    is_test = torch.arange(len(labels)) % _FALLBACK_TEST_SHARE == 0
    chosen = ~is_test if train else is_test
    images, labels = images[chosen], labels[chosen]
    if train:
        # As many as MNIST has, so that a lesson that counts on them trains as long as it should.
        which = torch.arange(_COUNTS[True]) % len(images)
        images, labels = _moved_and_turned(images[which]), labels[which]
    return Digits(images, labels, "scikit-learn digits")


def _moved_and_turned(images: Tensor) -> Tensor:
    """Each picture moved by up to 2 pixels, turned and scaled by up to 0.1 (6 degrees, 10 %)."""
    generator = torch.Generator().manual_seed(0)
    angle, scale, right, down = torch.rand(4, len(images), generator=generator) * 2 - 1
    angle, scale = 0.1 * angle, 1 + 0.1 * scale
    pixel = 2 / images.shape[-1]  # grid_sample's pictures reach from -1 to 1
    rows = [
        [angle.cos() * scale, -angle.sin() * scale, 2 * pixel * right],
        [angle.sin() * scale, angle.cos() * scale, 2 * pixel * down],
    ]
    theta = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False).clamp(0, 1)

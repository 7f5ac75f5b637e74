"""Handwritten digits for part B, as one tensor on the device.

MNIST comes through torchvision, downloaded and checked on first use. Offline, with nothing
downloaded before, scikit-learn's small digits take its place.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import socket
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons.workbench.user_paths import user_path

ROOT = Path(__file__).resolve().parents[3] / "datasets"
ROOT_VARIABLE = "DIFFUSION_MNIST"
SECONDS_WITHOUT_ANSWER = 10.0
_FILES = tuple(
    f"{part}-{what}-ubyte" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")
)
STAND_IN = (
    "MNIST is not here and can't be downloaded, so scikit-learn's 1,797 small digits take its "
    "place, enlarged, and moved and turned a little to make more of them. The numbers that a "
    "lesson's text names are those of MNIST."
)
"""What is printed then."""
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
        root: the folder that holds `MNIST/raw`, as torchvision lays it out, or a folder within
            it; the files may be packed (`.gz`). None takes the environment variable
            DIFFUSION_MNIST, and without that `datasets/`.
        device: where the tensors go.
        download: whether to download what is missing (only into `datasets/`).

    Returns:
        The digits. If they are the stand-in, a printed line says so.

    Raises:
        MnistError: if a folder that was named holds no MNIST or not all of it, or if files are
            damaged.
    """
    named = root if root is not None else os.environ.get(ROOT_VARIABLE)
    folder = user_path(named) if named else ROOT
    files = _files_in(folder)
    if len(files) < len(_FILES) and named:
        missing = next(name for name in _FILES if name not in files)
        what = f"{missing} is missing" if files else "there is none of its files"
        raise MnistError(
            f"There is no MNIST in {folder}, or not all of it: {what}. It should hold MNIST/raw "
            f"with {', '.join(_FILES)}. Correct the path, or leave it out to download MNIST."
        )
    if len(files) < len(_FILES) and download:
        _download(folder)
        files = _files_in(folder)
    found = _read(files, train, its_own=not named) if len(files) == len(_FILES) else None
    if found is None:
        print(STAND_IN)
        found = _stand_in(train)
    return Digits(found.images.to(device), found.labels.to(device), found.source)


def is_downloaded() -> bool:
    """Whether the course's own download is there, all of it."""
    return len(_files_in(ROOT)) == len(_FILES)


def _files_in(folder: Path) -> dict[str, Path]:
    """Those of the four files that are there, by their names, packed (`.gz`) or not."""
    for place in (folder / "MNIST" / "raw", folder / "raw", folder):
        paths = [place / f"{name}{packed}" for packed in (".gz", "") for name in _FILES]
        if found := {path.name.removesuffix(".gz"): path for path in paths if path.is_file()}:
            return found
    return {}


def _download(folder: Path) -> None:
    """Let torchvision download MNIST; what it fails with, a proxy's nonsense too, is no matter."""
    from torchvision.datasets import MNIST

    with _no_endless_waiting(), contextlib.suppress(Exception):
        MNIST(root=str(folder), download=True)


def _read(files: Mapping[str, Path], train: bool, *, its_own: bool) -> Digits:
    """MNIST from its files, by name; `its_own`: they are the course's download.

    Raises:
        MnistError: if they are damaged, or can't be read.
    """
    from torchvision.datasets import MNIST

    folder = next(iter(files.values())).parent
    try:
        with _laid_out(files) as root:
            dataset = MNIST(root=root, train=train, download=False)
    except PermissionError as error:
        raise MnistError(
            f"{error.filename or folder} can't be read: you have no permission."
        ) from error
    except (RuntimeError, ValueError, AssertionError, LookupError, OSError, EOFError) as error:
        raise _damaged(folder, its_own) from error
    except (zlib.error, OverflowError, MemoryError) as error:
        raise _damaged(folder, its_own) from error
    images, labels = dataset.data, dataset.targets
    if images.shape != (_COUNTS[train], 28, 28) or labels.shape != (_COUNTS[train],):
        raise _damaged(folder, its_own)
    if int(labels.max()) > 9:
        raise _damaged(folder, its_own)
    return Digits(images[:, None].float() / 255, labels.long(), "MNIST")


@contextlib.contextmanager
def _laid_out(files: Mapping[str, Path]) -> Iterator[str]:
    """A folder in which torchvision finds them: their own, or a copy, unpacked, for the moment."""
    raw = next(iter(files.values())).parent
    if raw.parts[-2:] == ("MNIST", "raw") and all(
        path.name == name for name, path in files.items()
    ):
        yield str(raw.parent.parent)
        return
    with tempfile.TemporaryDirectory() as made:
        copies = Path(made) / "MNIST" / "raw"
        copies.mkdir(parents=True)
        for name, path in files.items():
            open_file = gzip.open if path.suffix == ".gz" else open
            with open_file(path, "rb") as source, (copies / name).open("wb") as target:
                shutil.copyfileobj(source, target)
        yield made


@contextlib.contextmanager
def _no_endless_waiting() -> Iterator[None]:
    """Give up on a server that is silent, as behind some firewalls; torchvision would wait on."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS_WITHOUT_ANSWER)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _damaged(folder: Path, its_own: bool) -> MnistError:
    remedy = (
        "and they are downloaded again"
        if its_own
        else "and put whole files in its place, or leave the path out to download them"
    )
    # Elsewhere than in MNIST/raw a folder may hold more than MNIST, which must not be lost.
    what = "this folder" if folder.parts[-2:] == ("MNIST", "raw") else "these four files"
    return MnistError(
        f"The MNIST files in {folder} are damaged, cut short perhaps: delete {what}, {remedy}."
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

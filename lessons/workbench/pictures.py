"""Pictures for the lessons: files turned into tensors of shape (1, 3, 64, 64) in [-1, 1]."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

PICTURES = Path(__file__).resolve().parents[2] / "datasets" / "pictures"


class PictureError(ValueError):
    """A file that is no picture; the message says what to do."""


def tower_picture() -> Tensor:
    """The course's test picture, a bell tower: (1, 3, 64, 64) in [-1, 1]."""
    return load_picture(PICTURES / "tower.png")


def load_picture(path: str | Path, side: int = 64) -> Tensor:
    """Read a picture file, turn it upright, cut the largest square from its middle and resize it.

    Transparent parts become white.

    Args:
        path: a file that Pillow can read (PNG, JPEG, WebP, GIF, ...).
        side: height and width of the result.

    Returns:
        (1, 3, side, side) float32 in [-1, 1].

    Raises:
        PictureError: if there is no such file or it is no picture.
    """
    path = Path(path).expanduser()
    try:
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
    except FileNotFoundError:
        raise PictureError(f"There is no picture {path}. Check the path.") from None
    except IsADirectoryError:
        raise PictureError(f"{path} is a folder. Name one picture in it.") from None
    except (UnidentifiedImageError, OSError):
        raise PictureError(f"{path} is not a picture that can be read. Try PNG or JPEG.") from None
    white = Image.new("RGBA", upright.size, "white")
    square = ImageOps.fit(
        Image.alpha_composite(white, upright).convert("RGB"),
        (side, side),
        Image.Resampling.LANCZOS,
    )
    pixels = torch.frombuffer(bytearray(square.tobytes()), dtype=torch.uint8)
    return pixels.reshape(side, side, 3).permute(2, 0, 1)[None].float() / 127.5 - 1

"""Pictures for the lessons: files, web addresses and test pictures as tensors in [-1, 1]."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import SAMPLEFORMAT, TiffImageFile
from torch import Tensor

from lessons.workbench.pictures.downloads import DownloadError, download, is_url
from lessons.workbench.user_paths import user_path

PICTURES = Path(__file__).resolve().parents[3] / "datasets" / "pictures"
DRAWINGS = ("envelope", "heart", "avocado")
PHOTOGRAPHS = ("chelsea", "astronaut", "coffee", "rocket", "china")
MASKED = ("tower", "chelsea", "envelope")


class PictureError(ValueError):
    """Something that is no picture; the message says what to do."""


def tower_picture() -> Tensor:
    """The course's test picture, a bell tower: (1, 3, 64, 64) in [-1, 1]."""
    return load_picture(PICTURES / "tower.png")


def course_picture(name: str, side: int = 64) -> Tensor:
    """One of the course's pictures by its name.

    Args:
        name: "tower", a drawing made for the course ("envelope", "heart", "avocado"), or a
            photograph that scikit-image or scikit-learn ships ("chelsea", "astronaut", "coffee",
            "rocket", "china").
        side: height and width of the result.

    Returns:
        (1, 3, side, side) float32 in [-1, 1].

    Raises:
        PictureError: if there is no such picture.
    """
    if name in ("tower", *DRAWINGS):
        return load_picture(PICTURES / f"{name}.png", side)
    if name in PHOTOGRAPHS:
        return _to_tensor(_photograph(name), side)
    known = ", ".join(("tower", *DRAWINGS, *PHOTOGRAPHS))
    raise PictureError(f"There is no picture {name!r} in the course; there are {known}.")


def course_mask(name: str) -> Tensor:
    """The mask that belongs to a picture of the course.

    Args:
        name: "tower", "chelsea" or "envelope".

    Returns:
        (1, 1, 64, 64), 1 where new content goes, 0 where the picture stays.

    Raises:
        PictureError: if there is no mask for this picture.
    """
    if name not in MASKED:
        known = ", ".join(MASKED)
        raise PictureError(f"There is no mask for {name!r}; there are masks for {known}.")
    with Image.open(PICTURES / f"mask_{name}.png") as mask:
        pixels = torch.frombuffer(bytearray(mask.convert("L").tobytes()), dtype=torch.uint8)
    return (pixels.reshape(1, 1, 64, 64) > 127).float()


def load_picture(source: str | Path, side: int = 64) -> Tensor:
    """Read a picture, turn it upright, cut the largest square from its middle and resize it.

    Transparent parts become white; of an animation, the first frame is taken.

    Args:
        source: a file that Pillow can read (PNG, JPEG, WebP, GIF, ...), or the address of one on
            the web, beginning with http:// or https://.
        side: height and width of the result.

    Returns:
        (1, 3, side, side) float32 in [-1, 1].

    Raises:
        PictureError: if there is no such file, or it can't be fetched or is no picture.
    """
    if is_url(source):
        try:
            return read_picture(download(str(source)), str(source), side)
        except DownloadError as error:
            raise PictureError(str(error)) from None
    path = user_path(source)
    try:
        with path.open("rb") as opened:
            return _to_tensor(_upright(opened, str(path)), side)
    except FileNotFoundError:
        raise PictureError(f"There is no picture {path}. Check the path.") from None
    except IsADirectoryError:
        raise PictureError(f"{path} is a folder. Name one picture in it.") from None
    except OSError as error:
        raise PictureError(f"{path} cannot be opened ({error.strerror}).") from None


def read_picture(data: bytes, name: str, side: int = 64) -> Tensor:
    """As `load_picture`, from the bytes of a file.

    Args:
        data: what the file holds.
        name: what messages call it.
        side: height and width of the result.

    Raises:
        PictureError: if this is no picture.
    """
    return _to_tensor(_upright(io.BytesIO(data), name), side)


def _upright(opened: BinaryIO, name: str) -> Image.Image:
    """The picture as it was meant to be looked at, on white.

    Raises:
        PictureError: if it is none.
    """
    try:
        with Image.open(opened) as raw:
            upright = ImageOps.exif_transpose(_eight_bits(raw)).convert("RGBA")
    except Image.DecompressionBombError:
        raise PictureError(f"{name} has too many pixels. Make it smaller first.") from None
    except UnidentifiedImageError:
        raise PictureError(f"{name} is not a picture that can be read. Try PNG or JPEG.") from None
    except (OSError, ValueError, SyntaxError, EOFError):
        raise PictureError(f"{name} is a damaged picture. Save it again as PNG or JPEG.") from None
    white = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(white, upright).convert("RGB")


def _eight_bits(raw: Image.Image) -> Image.Image:
    """Grey pictures of 16 and 32 bits would be cut off at 255, and decimal ones too; scale them.

    Those of 32 bits and decimal ones don't say which value is white: it is 255 or 65535 (or 1), the
    first that no pixel exceeds, else the brightest pixel.
    """
    if not raw.mode.startswith(("I", "F")):
        return raw
    values = np.asarray(raw, dtype=np.float64)
    finite = values[np.isfinite(values)]
    lowest, highest = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    values = np.nan_to_num(values, posinf=highest, neginf=lowest)
    if raw.mode == "I" and _is_unsigned(raw):
        values = values % 2**32  # Pillow reads the upper half of unsigned numbers as negative ones
    if raw.mode == "F" and -1 <= values.min() < 0 and values.max() <= 1:
        values = (values + 1) / 2  # as the course's own pictures
    if raw.mode.startswith("I;16") or (raw.mode == "I" and raw.format == "PNG"):
        white = 65535.0
    else:
        tops = (1.0, 255.0, 65535.0) if raw.mode == "F" else (255.0, 65535.0)
        white = next((top for top in tops if values.max() <= top), float(values.max()))
    grey = Image.fromarray((255 / white * values).round().clip(0, 255).astype(np.uint8))
    grey.info = raw.info
    return grey


def _is_unsigned(raw: Image.Image) -> bool:
    """Whether a TIFF says so of its pixels; the standard takes it so, too, where none does."""
    return isinstance(raw, TiffImageFile) and 1 in raw.tag_v2.get(SAMPLEFORMAT, (1,))


def _to_tensor(picture: Image.Image, side: int) -> Tensor:
    square = ImageOps.fit(picture.convert("RGB"), (side, side), Image.Resampling.LANCZOS)
    pixels = torch.frombuffer(bytearray(square.tobytes()), dtype=torch.uint8)
    return pixels.reshape(side, side, 3).permute(2, 0, 1)[None].float() / 127.5 - 1


def _photograph(name: str) -> Image.Image:
    """A photograph from the packages it ships with; nothing is downloaded."""
    if name == "china":
        from sklearn.datasets import load_sample_image

        return Image.fromarray(load_sample_image("china.jpg"))
    from skimage import data

    taken: dict[str, Callable] = {
        "chelsea": data.chelsea,
        "astronaut": data.astronaut,
        "coffee": data.coffee,
        "rocket": data.rocket,
    }
    return Image.fromarray(taken[name]())

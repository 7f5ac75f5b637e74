"""Keep pictures as PNG and sequences as GIF, without ever replacing a file that is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from lessons.workbench.pictures.figures import as_pictures


def save_png(
    picture: Tensor, path: str | Path, *, value_range: tuple[float, float] = (-1.0, 1.0)
) -> Path:
    """Save one picture.

    Args:
        picture: (C, H, W) or (1, C, H, W); C is 1 or 3.
        path: where to; if there is such a file already, a number is added to the name.
        value_range: the values that become black and full brightness; others are clipped.

    Returns:
        The path that was written.

    Raises:
        ValueError: if it is more than one picture.
    """
    pictures = as_pictures([picture])
    if len(pictures) != 1:
        raise ValueError(f"save_png saves one picture, not {len(pictures)}; save_gif saves many.")
    free = free_path(Path(path).expanduser(), ".png")
    _image(pictures[0], value_range).save(free, optimize=True)
    return free


def save_gif(
    frames: Tensor | Sequence[Tensor],
    path: str | Path,
    *,
    seconds_per_frame: float = 0.1,
    value_range: tuple[float, float] = (-1.0, 1.0),
    enlarge: int = 4,
) -> Path:
    """Save a sequence of pictures as an endless film that rests on its last frame.

    Args:
        frames: (B, C, H, W), or a sequence of pictures.
        path: where to; if there is such a file already, a number is added to the name.
        seconds_per_frame: how long each is shown; the last one ten times as long.
        value_range: the values that become black and full brightness; others are clipped.
        enlarge: how many screen pixels wide one pixel becomes.

    Returns:
        The path that was written.

    Raises:
        ValueError: if there are no frames.
    """
    images = [_image(picture, value_range) for picture in as_pictures(frames)]
    if not images:
        raise ValueError("save_gif needs at least one frame.")
    size = (images[0].width * enlarge, images[0].height * enlarge)
    images = [image.resize(size, Image.Resampling.NEAREST) for image in images]
    step = round(1000 * seconds_per_frame)
    free = free_path(Path(path).expanduser(), ".gif")
    images[0].save(
        free,
        save_all=True,
        append_images=images[1:],
        duration=[step] * (len(images) - 1) + [10 * step],
        loop=0,
    )
    return free


def _image(picture: Tensor, value_range: tuple[float, float]) -> Image.Image:
    low, high = value_range
    unit = ((picture - low) / (high - low)).nan_to_num(0.0).clamp(0, 1)
    pixels = (unit * 255).round().to(torch.uint8)
    return Image.fromarray(pixels.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy())


def free_path(path: Path, suffix: str) -> Path:
    """`path` with its suffix, or the first of name_2, name_3, ... that is not there yet."""
    path = path if path.suffix.lower() == suffix else path.with_name(path.name + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    free, number = path, 2
    while free.exists():
        free = path.with_stem(f"{path.stem}_{number}")
        number += 1
    return free

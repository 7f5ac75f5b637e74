"""A slider that leafs through pictures: in the lesson, in a reopened notebook and in an export."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from lessons.workbench.pictures.figures import (
    _display,
    _grid,
    _to_png,
    _unit_range,
    as_pictures,
    checked_alt,
)
from lessons.workbench.pictures.picture_table import data_uri, picture_table

_SCRIPT = Path(__file__).with_name("slider.js")
_HEIGHT = 256  # pixels on the screen, at least; a picture's own pixels stay square
_IN_THE_ROW = 6
_ROW_TILE = 112  # pixels on the screen for each of them
_WIDE = 2  # times as wide as high


def slider(
    frames: Sequence[Tensor],
    labels: Sequence[str],
    *,
    name: str,
    alt: str,
    start: int = 0,
    value_range: tuple[float, float] = (-1.0, 1.0),
) -> None:
    """Show a slider that leafs through precomputed pictures.

    Where no script may run (a notebook from somebody else, a printed page), some of the pictures
    stand in its place, in a row, or below each other if they are wide.

    Args:
        frames: (C, H, W) or (1, C, H, W) each.
        labels: what is said at each frame, for instance "t = 250".
        name: what the slider changes.
        alt: what is to be seen, for people who cannot see it.
        start: the frame shown first.
        value_range: the values shown as black and as full brightness.

    Raises:
        ValueError: if `alt` is empty, or labels and frames differ in number.
    """
    pictures, alt = as_pictures(frames), checked_alt(alt)
    if len(labels) != len(pictures):
        raise ValueError(f"There are {len(pictures)} frames but {len(labels)} labels.")
    places = torch.linspace(0, len(pictures) - 1, min(_IN_THE_ROW, len(pictures))).round()
    few = [int(place) for place in places]
    row = [_unit_range(pictures[i], value_range) for i in few]
    said = [labels[i] for i in few]
    height, width = pictures[0].shape[-2:]
    if width > _WIDE * height:  # such pictures stand below each other
        table, grid = picture_table(row, alt, 1, rows=said), _grid(row, None, 1, (0.0, 1.0), said)
    else:
        smaller = max(1, width // _ROW_TILE)
        row = [functional.avg_pool2d(picture, smaller) for picture in row]
        table = picture_table(row, alt, len(few), said)
        grid = _grid(row, said, None, (0.0, 1.0))
    told = {
        "name": name,
        "labels": [str(label) for label in labels],
        "frames": [data_uri(_small_png(picture, value_range)) for picture in pictures],
        "start": start,
        "width": width * max(1, _HEIGHT // height),
    }
    page = (
        '<figure class="course-slider" style="margin:0" '
        f'data-frames="{html.escape(json.dumps(told))}">'
        f"{table}"
        f'<figcaption style="opacity:.8; max-width:560px">{html.escape(alt)}</figcaption>'
        "</figure>"
        f"<script>{_SCRIPT.read_text(encoding='utf-8')}</script>"
    )
    _display(page, _to_png(grid), alt, "slider")


def _small_png(picture: Tensor, value_range: tuple[float, float]) -> bytes:
    """The picture, a pixel for each of its own, in at most 256 colours."""
    pixels = (_unit_range(picture, value_range) * 255).round().to(torch.uint8)
    image = Image.fromarray(pixels.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy())
    buffer = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()

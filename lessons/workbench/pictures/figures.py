"""Figures for the lessons: pictures and plots, each with a text that describes it."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from IPython.display import HTML, Image as InlineImage, display
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TILE_INCHES = 1.35
_FEW_TILE_INCHES = 1.7
_DPI = 110
_OUT_OF_SIGHT = "position:absolute; width:1px; height:1px; overflow:hidden; clip-path:inset(50%)"


def show(
    pictures: Tensor | Sequence[Tensor],
    titles: Sequence[str] | None = None,
    *,
    alt: str,
    columns: int | None = None,
    value_range: tuple[float, float] = (-1.0, 1.0),
) -> None:
    """Show pictures in a grid.

    Args:
        pictures: (B, C, H, W), or a sequence of (C, H, W) or (1, C, H, W); C is 1 or 3.
        titles: one for each picture.
        alt: what the figure shows, for people who cannot see it.
        columns: how many stand in one row; all of up to eight if None.
        value_range: the values shown as black and as full brightness; what lies outside is clipped.

    Raises:
        ValueError: if `alt` is empty, or titles and pictures differ in number.
    """
    show_figure(_grid(as_pictures(pictures), titles, columns, value_range), alt)


def as_pictures(pictures: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """A flat list of (C, H, W) pictures from a batch or a sequence of pictures and batches.

    Raises:
        ValueError: if something in it is no picture.
    """
    found: list[Tensor] = []
    for item in pictures:
        if item.ndim == 4:
            found += list(item)
        elif item.ndim == 3:
            found.append(item)
        else:
            raise ValueError(
                f"A picture has shape (C, H, W) or (B, C, H, W), but this has {tuple(item.shape)}."
            )
    return [picture.detach().float().cpu() for picture in found]


def show_figure(figure: Figure, alt: str) -> None:
    """Show a matplotlib figure as a small PNG with a describing text, and close it.

    Raises:
        ValueError: if `alt` is empty.
    """
    import matplotlib.pyplot as plt

    png = _to_png(figure)
    plt.close(figure)
    _display_png(png, alt)


def _grid(
    pictures: Sequence[Tensor],
    titles: Sequence[str] | None,
    columns: int | None,
    value_range: tuple[float, float],
) -> Figure:
    import matplotlib.pyplot as plt
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"There are {len(pictures)} pictures but {len(titles)} titles.")
    columns = columns or min(len(pictures), 8)
    rows = -(-len(pictures) // columns)
    side = _FEW_TILE_INCHES if columns <= 5 else _TILE_INCHES
    title_room = 0.24 if titles else 0.04
    figure, axes = plt.subplots(
        rows,
        columns,
        squeeze=False,
        figsize=(columns * side, rows * (side + title_room)),
        layout=ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02),
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, picture, number in zip(axes.flat, pictures, range(len(pictures)), strict=False):
        pixels = _unit_range(picture, value_range).permute(1, 2, 0).squeeze(-1).numpy()
        axis.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        if titles is not None:
            axis.set_title(titles[number], fontsize=8, pad=3)
    return figure


def _unit_range(picture: Tensor, value_range: tuple[float, float]) -> Tensor:
    low, high = value_range
    return ((picture - low) / (high - low)).clamp(0, 1)


def enlarged_png(picture: Tensor, value_range: tuple[float, float], side: int = 256) -> bytes:
    """The picture as a PNG that is at least `side` pixels high, its own pixels kept square."""
    pixels = (_unit_range(picture, value_range) * 255).round().to(torch.uint8)
    pixels = pixels.expand(3, -1, -1) if pixels.shape[0] == 1 else pixels
    image = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())
    factor = max(1, side // image.height)
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _to_png(figure: Figure) -> bytes:
    """A PNG of at most 256 colours: a third of the size, with no difference to be seen."""
    raw = io.BytesIO()
    figure.savefig(raw, format="png", dpi=_DPI, facecolor="white")
    image = Image.open(raw).convert("RGB")
    reduced = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    small = io.BytesIO()
    reduced.save(small, "PNG", optimize=True)
    return small.getvalue()


def _display_png(png: bytes, alt: str) -> None:
    display(InlineImage(png, alt=checked_alt(alt)))
    # JupyterLab drops a PNG's alt text; this line is there for screen readers alone.
    display(HTML(f'<p style="{_OUT_OF_SIGHT}">Figure: {html.escape(alt)}</p>'))


def checked_alt(alt: str) -> str:
    """`alt`, if it says something.

    Raises:
        ValueError: if it does not.
    """
    if not alt.strip():
        raise ValueError("A figure needs `alt`, a sentence that says what it shows.")
    return alt

"""Figures for the lessons: pictures and plots, each with a text that describes it."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from IPython.display import display
from PIL import Image
from torch import Tensor

from lessons.workbench.pictures.picture_table import picture_on_paper, picture_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TILE_INCHES = 1.35
_FEW_TILE_INCHES = 1.7
_LABEL_INCHES = 1.2
_NUMBER_INCHES = 0.85
_FONT_SIZE = 10
_READABLE_INCHES = 7.0  # a figure may be so wide; if it is wider, its words grow with it
_CENTRED: dict[str, Any] = {"ha": "center", "va": "center"}
_DPI = 110
_NUMBERS_DPI = 90  # figures with numbers are the widest
_PAGE_DPI = 100
_FINE_DPI = 160  # of drawings: more than a page's, for fine screens


def show(
    pictures: Tensor | Sequence[Tensor],
    titles: Sequence[str] | None = None,
    *,
    alt: str,
    rows: Sequence[str] | None = None,
    columns: int | None = None,
    numbers: Mapping[str, Sequence[str]] | None = None,
    value_range: tuple[float, float] = (-1.0, 1.0),
) -> None:
    """Show pictures in a grid.

    Args:
        pictures: (B, C, H, W), or a sequence of (C, H, W) or (1, C, H, W); C is 1 or 3.
        titles: one for each picture, or one for each column, to be seen above it; "" for none.
        alt: what the figure shows, for people who cannot see it.
        rows: one for each row, to be seen on its left.
        columns: how many pictures stand in one row; if None, as many as `rows` leaves for each, or
            all of up to eight.
        numbers: by their heading, one for each of `rows`, to be seen on its right.
        value_range: the values shown as black and as full brightness; what lies outside is clipped.

    Raises:
        ValueError: if `alt` is empty, or titles, rows and numbers are not as many as there should
            be.
    """
    shown = [_unit_range(picture, value_range) for picture in as_pictures(pictures)]
    columns = columns or (-(-len(shown) // len(rows)) if rows else min(len(shown), 8))
    if titles is not None and len(titles) not in (len(shown), columns):
        raise ValueError(f"There are {len(shown)} pictures but {len(titles)} titles.")
    if rows is not None and len(rows) != -(-len(shown) // columns):
        raise ValueError(f"{len(shown)} pictures, {columns} in a row, but {len(rows)} row labels.")
    for heading, texts in (numbers or {}).items():
        if len(texts) != len(rows or ()):
            raise ValueError(f"There are {len(rows or ())} rows but {len(texts)} of {heading!r}.")
    page = picture_table(shown, checked_alt(alt), columns, titles, rows, numbers)
    grid = _grid(shown, titles, columns, (0.0, 1.0), rows, numbers)
    _display(page, _to_png(grid, whole=bool(numbers)), alt)


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
    width = round(figure.get_figwidth() * _PAGE_DPI)
    png = _to_png(figure, fine=True)
    _display(picture_on_paper(png, checked_alt(alt), width), png, alt)


def _grid(
    pictures: Sequence[Tensor],
    titles: Sequence[str] | None,
    columns: int | None,
    value_range: tuple[float, float],
    rows: Sequence[str] | None = None,
    numbers: Mapping[str, Sequence[str]] | None = None,
) -> Figure:
    import matplotlib.pyplot as plt
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    columns = columns or min(len(pictures), 8)
    lines = -(-len(pictures) // columns)
    side = _FEW_TILE_INCHES if columns <= 5 else _TILE_INCHES
    words = (_LABEL_INCHES if rows else 0) + _NUMBER_INCHES * len(numbers or ())
    width = side * max([1.0, *(one.shape[-1] / one.shape[-2] for one in pictures)])
    larger = max(1.0, (columns * width + words) / _READABLE_INCHES)
    plain: dict[str, Any] = {"fontsize": _FONT_SIZE * larger}
    title_room = 0.28 * larger if titles else 0.04
    figure, axes = plt.subplots(
        lines,
        columns,
        squeeze=False,
        figsize=(
            columns * width + words * larger,
            lines * (side + title_room),
        ),
        layout=ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02),
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, picture, number in zip(axes.flat, pictures, range(len(pictures)), strict=False):
        pixels = _unit_range(picture, value_range).permute(1, 2, 0).squeeze(-1).numpy()
        axis.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        if titles is not None and number < len(titles):
            room = round(13 * width / larger)
            lines_of = titles[number].split("\n")
            parts = [textwrap.fill(line, room, break_long_words=False) for line in lines_of]
            axis.set_title("\n".join(parts), pad=3, **plain)
    for axis, label in zip(axes[:, 0], rows or (), strict=False):
        place = axis.transAxes
        axis.text(-0.05, 0.5, label, ha="right", va="center", transform=place, **plain)
    for column, (heading, texts) in enumerate((numbers or {}).items()):
        middle = 1 + (column + 0.5) * _NUMBER_INCHES * larger / width
        above = {**_CENTRED, **plain, "va": "bottom"}
        axes[0, -1].text(middle, 1.03, heading, **above, transform=axes[0, -1].transAxes)
        for axis, text in zip(axes[:, -1], texts, strict=True):
            axis.text(middle, 0.5, text, **_CENTRED, **plain, transform=axis.transAxes)
    return figure


def _unit_range(picture: Tensor, value_range: tuple[float, float]) -> Tensor:
    low, high = value_range
    return ((picture - low) / (high - low)).nan_to_num(0.0).clamp(0, 1)


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


def _to_png(figure: Figure, *, fine: bool = False, whole: bool = False) -> bytes:
    """A PNG of at most 256 colours: a third of the size, with no difference to be seen.

    The figure is closed. `whole`: what stands beyond its edge is in the PNG, too.
    """
    import matplotlib.pyplot as plt

    raw = io.BytesIO()
    cut = {"bbox_inches": "tight", "pad_inches": 0.05} if whole else {}
    dpi = _FINE_DPI if fine else _NUMBERS_DPI if whole else _DPI
    figure.savefig(raw, format="png", dpi=dpi, facecolor="white", **cut)
    plt.close(figure)
    image = Image.open(raw).convert("RGB")
    method = Image.Quantize.MEDIANCUT if fine else Image.Quantize.FASTOCTREE  # slower; smaller
    reduced = image.quantize(256, method=method, dither=Image.Dither.NONE)
    small = io.BytesIO()
    reduced.save(small, "PNG", optimize=True)
    return small.getvalue()


def _display(page: str, png: bytes, alt: str, what: str = "Figure") -> None:
    """Show a figure as HTML, because pages drop the text of a PNG; documents take the PNG."""
    encoded = base64.b64encode(png).decode()
    data = {"text/html": page, "image/png": encoded, "text/plain": f"{what}: {alt}"}
    display(data, metadata={"image/png": {"alt": alt}}, raw=True)


def checked_alt(alt: str) -> str:
    """`alt`, if it says something.

    Raises:
        ValueError: if it does not.
    """
    if not alt.strip():
        raise ValueError("A figure needs `alt`, a sentence that says what it shows.")
    return alt

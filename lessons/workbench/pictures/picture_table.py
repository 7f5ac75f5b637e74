"""Figures as HTML, with their words outside of the pictures.

Words that stand on the page itself keep their size when the pictures shrink, wrap instead of
running into each other, and have the colour of the page's text, be the page light or dark. A table
with inline styles, because that is what viewers of notebooks leave as it is; of a notebook that it
does not trust, JupyterLab leaves only plain values (no `min()`, no `overflow-wrap:anywhere`).
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence

import torch
from PIL import Image
from torch import Tensor

_STORED_SIDE = 56  # of a small picture: some viewers would blur it if it were smaller
_LINE = "1px solid #8885"
_WRAPS = "font-weight:normal;overflow-wrap:break-word;"
_TITLE = f"{_WRAPS}text-align:center;vertical-align:bottom;padding:4px 2px 1px"
_LABEL = f"{_WRAPS}text-align:right;vertical-align:middle;padding:2px 8px 2px 0"
_NUMBER = f"{_WRAPS}text-align:center;vertical-align:middle;padding:2px 1px;font-size:11px"
_NUMBER_WIDTH = "9%"  # and not in em, so that room for pictures is left on a phone
_LABEL_WIDTH = "14%"  # beside numbers
_NUMBER_PIXELS = 70
_TILE = f"display:block;width:100%;box-sizing:border-box;border:{_LINE};image-rendering:pixelated"
_PAPER = (
    f"max-width:100%;height:auto;box-sizing:border-box;border:{_LINE};border-radius:6px;"
    "padding:6px;background:#fff"
)
_OUT_OF_SIGHT = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"


def picture_table(
    pictures: Sequence[Tensor],
    alt: str,
    columns: int,
    titles: Sequence[str] | None = None,
    rows: Sequence[str] | None = None,
    numbers: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Lay pictures out in rows, as an HTML table.

    Args:
        pictures: (C, H, W) each, in [0, 1]; C is 1 or 3.
        alt: what the whole figure shows.
        columns: how many stand in one row.
        titles: one for each picture, or one for each column.
        rows: one for each row, to be seen on its left.
        numbers: by their heading, one for each row, to be seen on its right.
    """
    side = 176 if columns <= 3 else 150 if columns <= 5 else 112 if columns <= 8 else 84
    side = max([side, *(round(side * one.shape[-1] / one.shape[-2]) for one in pictures)])
    label_width = min(6.5, 0.55 * max(map(len, rows)) + 1) if rows else 0.0
    notes = dict(numbers or {})
    room = _LABEL_WIDTH if notes else f"{label_width:g}em"
    body = _headings(notes, columns, None if rows is None else room) if notes else ""
    for first in range(0, len(pictures), columns):
        row = range(first, min(first + columns, len(pictures)))
        label = rows[first // columns] if rows else None
        own = titles[first : first + columns] if titles else ()  # none, if they name the columns
        if any(own):
            heads = [f'<th style="{_TITLE}">{_text(title)}</th>' for title in own]
            body += _row(heads, None if label is None else "", room)
        cells = [
            f'<td style="padding:2px"><img src="{_tile(pictures[i])}" style="{_TILE}" '
            f'alt="{_name(i, columns, len(pictures), titles, label)}"></td>'
            for i in row
        ]
        cells += ["<td></td>"] * (columns - len(cells))
        cells += [
            f'<td style="{_NUMBER}">{_text(n[first // columns])}</td>' for n in notes.values()
        ]
        body += _row(cells, label, room)
    words = round(13 * label_width + _NUMBER_PIXELS * len(notes))
    return (
        f'<table style="width:100%;max-width:{columns * side + words}px;'
        "table-layout:fixed;border-collapse:collapse;margin:2px 0 6px;font-size:13px;"
        'line-height:1.25"><caption style="padding:0">'
        f'<span style="{_OUT_OF_SIGHT}">Figure: {html.escape(alt)}</span></caption>{body}</table>'
    )


def picture_on_paper(png: bytes, alt: str, width: int) -> str:
    """A drawing as an HTML image on white, to be read on a dark page too, `width` pixels wide."""
    return f'<img src="{data_uri(png)}" alt="{html.escape(alt)}" width="{width}" style="{_PAPER}">'


def data_uri(png: bytes) -> str:
    """A PNG as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _headings(notes: Mapping[str, Sequence[str]], columns: int, room: str | None) -> str:
    """The row above all others, with the numbers' headings; `room` is the labels', if any."""
    style = f"width:{_NUMBER_WIDTH};{_NUMBER};vertical-align:bottom"
    heads = [f'<th style="{style}">{_text(name)}</th>' for name in notes]
    label = None if room is None else ""
    return _row(["<td></td>"] * columns + heads, label, room or "")


def _row(cells: list[str], label: str | None, width: str) -> str:
    begin = "" if label is None else f'<th style="width:{width};{_LABEL}">{_text(label)}</th>'
    return f'<tr style="background:none">{begin}{"".join(cells)}</tr>'


def _text(words: str) -> str:
    return html.escape(words).replace("\n", "<br>")


def _name(
    place: int, columns: int, count: int, titles: Sequence[str] | None, label: str | None
) -> str:
    """What a picture is called where it can't be seen: its row and its title, or its place."""
    own = f"{place + 1} of {count}" if label is None else str(place % columns + 1)
    if titles is not None:
        own = titles[place if len(titles) == count else place % columns] or own
    named = own if label is None else f"{label}: {own}"
    return html.escape(named.replace("\n", ", "))


def _tile(picture: Tensor) -> str:
    """One picture as a PNG of at most 256 colours: a third of the size, and the same to the eye."""
    pixels = (picture * 255).round().to(torch.uint8).permute(1, 2, 0).squeeze(-1)
    image = Image.fromarray(pixels.contiguous().numpy())
    if image.mode == "RGB":
        image = image.quantize(256, dither=Image.Dither.NONE)
    factor = -(-_STORED_SIDE // max(image.size))
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return data_uri(buffer.getvalue())

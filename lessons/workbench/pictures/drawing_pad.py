"""Things to draw on in a notebook: a pad with colours, and a brush that paints a mask."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import anywidget
import torch
import traitlets
from PIL import Image
from torch import Tensor

from lessons.workbench.pictures.figures import checked_alt, enlarged_png, widget_or_picture
from lessons.workbench.pictures.files import read_picture

COLOURS = (
    "#202020", "#d62839", "#f77f00", "#fcbf49", "#2a9d3f", "#2176c7", "#7b2cbf", "#8d5a34",
    "#f4c9a8", "#ffffff",
)  # fmt: skip
WIDTHS = (5, 14, 32)
SIDE = 64
_HERE = Path(__file__)


class _Canvas(anywidget.AnyWidget):
    """The canvas in the browser; `png` is a data URL, or "" while nothing is drawn."""

    _esm = _HERE.with_suffix(".js")
    _css = _HERE.with_suffix(".css")
    kind = traitlets.Unicode("picture").tag(sync=True)
    png = traitlets.Unicode("").tag(sync=True)
    background = traitlets.Unicode("").tag(sync=True)
    paper = traitlets.Unicode("#ffffff").tag(sync=True)
    colours = traitlets.List(traitlets.Unicode(), list(COLOURS)).tag(sync=True)
    widths = traitlets.List(traitlets.Int(), list(WIDTHS)).tag(sync=True)
    alt = traitlets.Unicode("").tag(sync=True)
    note = traitlets.Unicode("").tag(sync=True)


class DrawingPad:
    """A pad to draw a picture on; where no widget runs, a finished drawing stands in its place.

    Args:
        otherwise: (1, 3, 64, 64) in [-1, 1], the drawing to go on with while nothing is drawn.
        alt: what that drawing shows, for people who cannot see it.
        paper: the paper's colour, as in CSS.

    Raises:
        ValueError: if `alt` is empty.
    """

    def __init__(self, otherwise: Tensor, *, alt: str, paper: str = "#ffffff") -> None:
        self._otherwise, self._alt = otherwise, checked_alt(alt)
        self.canvas = _Canvas(
            paper=paper,
            alt="A pad to draw on with the mouse.",
            note="Draw, then run the next cell. Until you do, the lesson goes on with a drawing of "
            "its own.",
        )

    def picture(self) -> Tensor:
        """What is drawn, or the finished drawing: (1, 3, 64, 64) in [-1, 1]."""
        if not self.canvas.png:
            return self._otherwise.clone()
        return read_picture(_png_bytes(self.canvas.png), "your drawing", SIDE)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        png = enlarged_png(self._otherwise[0], (-1.0, 1.0))
        return widget_or_picture(self.canvas, png, "drawing pad", self._alt)


class MaskBrush:
    """A brush that paints a mask over a picture; where no widget runs, a finished mask is shown.

    Args:
        picture: (1, 3, 64, 64) in [-1, 1], what to paint over.
        otherwise: (1, 1, 64, 64) of 0 and 1, the mask to go on with while nothing is painted.
        alt: what picture and mask show, for people who cannot see them.

    Raises:
        ValueError: if `alt` is empty.
    """

    def __init__(self, picture: Tensor, otherwise: Tensor, *, alt: str) -> None:
        self._picture, self._otherwise, self._alt = picture, otherwise, checked_alt(alt)
        png = base64.b64encode(enlarged_png(picture[0], (-1.0, 1.0))).decode()
        self.canvas = _Canvas(
            kind="mask",
            background=f"data:image/png;base64,{png}",
            alt="A picture to paint a mask over with the mouse.",
            note="Paint over what is to be made new, then run the next cell. Until you do, the "
            "lesson goes on with a mask of its own.",
        )

    def mask(self) -> Tensor:
        """What is painted, or the finished mask: (1, 1, 64, 64), 1 where painted, else 0."""
        if not self.canvas.png:
            return self._otherwise.clone()
        with Image.open(io.BytesIO(_png_bytes(self.canvas.png))) as opened:
            painted = opened.convert("RGBA").getchannel("A")
            small = painted.resize((SIDE, SIDE), Image.Resampling.BOX)
        pixels = torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8)
        return (pixels.reshape(1, 1, SIDE, SIDE) > 127).float()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        png = enlarged_png(tinted(self._picture, self._otherwise)[0], (-1.0, 1.0))
        return widget_or_picture(self.canvas, png, "mask brush", self._alt)


def tinted(picture: Tensor, mask: Tensor) -> Tensor:
    """The picture with the part where the mask is 1 tinted pink; like `picture`."""
    pink = torch.tensor([1.0, -0.65, -0.06]).to(picture).reshape(3, 1, 1)
    return torch.where(mask > 0.5, 0.4 * picture + 0.6 * pink, picture)


def _png_bytes(data_url: str) -> bytes:
    return base64.b64decode(data_url.partition(",")[2])

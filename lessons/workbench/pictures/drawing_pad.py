"""Things to draw on in a notebook: a pad with colours, and a brush that paints a mask."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import Any

import anywidget
import torch
import traitlets
from IPython.display import display
from PIL import Image
from torch import Tensor

from lessons.workbench.pictures.figures import checked_alt, enlarged_png
from lessons.workbench.pictures.files import read_picture
from lessons.workbench.pictures.kept_drawing import KeptDrawing
from lessons.workbench.pictures.picture_table import data_uri

COLOURS = (
    ("black", "#202020"), ("red", "#d62839"), ("orange", "#f77f00"), ("yellow", "#fcbf49"),
    ("green", "#2a9d3f"), ("blue", "#2176c7"), ("purple", "#7b2cbf"), ("brown", "#8d5a34"),
    ("peach", "#f4c9a8"), ("white", "#ffffff"),
)  # fmt: skip
WIDTHS = (5, 14, 32)
SIDE = 64
_PINK = (255, 45, 120)
_HERE = Path(__file__)
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# What is drawn lies beside the pad as a picture, seen only where there is no pad: in an export, and
# in a notebook that is opened again, where JupyterLab would show an error in the pad's place.
_ONE_OF_THE_TWO = """<style>
body:has(.course-drawing[data-pad="{pad}"]) .course-kept[data-pad="{pad}"] {{ display: none; }}
.jp-OutputArea-child:has(.course-kept[data-pad="{pad}"]) +
.jp-OutputArea-child:not(:has(.course-drawing)) {{ display: none; }}
</style>"""


class _Canvas(anywidget.AnyWidget):
    """The canvas in the browser; `png` is a data URL, or "" while nothing is drawn."""

    _esm = _HERE.with_suffix(".js")
    _css = _HERE.with_suffix(".css")
    kind = traitlets.Unicode("picture").tag(sync=True)
    pad = traitlets.Unicode("").tag(sync=True)
    png = traitlets.Unicode("").tag(sync=True)
    background = traitlets.Unicode("").tag(sync=True)
    faint = traitlets.Unicode("").tag(sync=True)
    paper = traitlets.Unicode("#ffffff").tag(sync=True)
    colours = traitlets.List(default_value=[list(one) for one in COLOURS]).tag(sync=True)
    widths = traitlets.List(traitlets.Int(), list(WIDTHS)).tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)
    note = traitlets.Unicode("").tag(sync=True)


class _Sheet:
    """What pad and brush have in common: they show themselves, and keep what is drawn.

    Args:
        alt: what is to be seen while nothing is drawn.
        keep: the file for what is drawn, or None.
        start: what lies on the sheet if nothing was kept: a data URL, or "".
        traits: the canvas's.
    """

    def __init__(self, alt: str, keep: str | Path | None, start: str, **traits: Any) -> None:
        self._alt = checked_alt(alt)
        self._shown: Any = None
        self._kept = KeptDrawing(keep)
        kept = self._kept.newest()
        self.canvas = _Canvas(png=kept or start, note=self._kept.told(bool(kept)), **traits)
        self.canvas.pad = self.canvas.model_id or ""
        self.canvas.observe(self._drawn, names="png")

    def _drawn(self, change: dict) -> None:
        self.canvas.note = self._kept.save(change["new"])
        if self._shown is not None:
            self._shown.update(self._left_behind(), raw=True)

    def _still(self) -> tuple[bytes, str]:
        """The picture for where there is no pad, as a PNG, and its description."""
        raise NotImplementedError

    def _left_behind(self) -> dict[str, str]:
        png, alt = self._still()
        encoded = base64.b64encode(png).decode()
        page = (
            f'<div class="course-kept" data-pad="{self.canvas.pad}">'
            f'<img src="{data_uri(png)}" alt="{html.escape(alt)}" '
            f'style="border:1px solid #888">'
            f"{_ONE_OF_THE_TWO.format(pad=self.canvas.pad)}</div>"
        )
        return {"text/html": page, "image/png": encoded, "text/plain": alt}

    def _ipython_display_(self) -> None:
        metadata = {"image/png": {"alt": self._still()[1]}}
        self._shown = display(self._left_behind(), metadata=metadata, raw=True, display_id=True)
        bundle: Any = self.canvas._repr_mimebundle_()
        view = (bundle[0] if isinstance(bundle, tuple) else bundle or {}).get(_WIDGET_VIEW)
        if view is not None:
            display({_WIDGET_VIEW: view, "text/plain": ""}, raw=True)


class DrawingPad(_Sheet):
    """A pad to draw a picture on; while nothing is drawn, a finished drawing stands in for it.

    Args:
        otherwise: (1, 3, 64, 64) in [-1, 1], the drawing to go on with while nothing is drawn.
        alt: what that drawing shows, for people who cannot see it.
        keep: a PNG file, beside the notebook, that keeps what is drawn. What was kept there last
            is on the pad again. Each drawing becomes a file of its own: with a number, if there is
            one already. None keeps nothing.
        paper: the paper's colour, as in CSS.

    Raises:
        ValueError: if `alt` is empty.
    """

    def __init__(
        self,
        otherwise: Tensor,
        *,
        alt: str,
        keep: str | Path | None = None,
        paper: str = "#ffffff",
    ) -> None:
        self._otherwise = otherwise
        super().__init__(
            alt, keep, "",
            paper=paper,
            faint=data_uri(enlarged_png(otherwise[0], (-1.0, 1.0))),
            label="A pad to draw on, with the mouse or with the arrow keys and the space bar.",
        )  # fmt: skip

    def picture(self) -> Tensor:
        """What is drawn, or the finished drawing: (1, 3, 64, 64) in [-1, 1]."""
        if not self.canvas.png:
            return self._otherwise.clone()
        return read_picture(_png_bytes(self.canvas.png), "your drawing", SIDE)

    def _still(self) -> tuple[bytes, str]:
        alt = "What is drawn on the pad." if self.canvas.png else self._alt
        return enlarged_png(self.picture()[0], (-1.0, 1.0)), alt


class MaskBrush(_Sheet):
    """A brush that paints a mask over a picture, and begins with a finished mask.

    Args:
        picture: (1, 3, 64, 64) in [-1, 1], what to paint over.
        otherwise: (1, 1, 64, 64) of 0 and 1, the mask to begin with, and to go on with when all is
            wiped away.
        alt: what picture and mask show, for people who cannot see them.
        keep: as `DrawingPad`'s.

    Raises:
        ValueError: if `alt` is empty.
    """

    def __init__(
        self, picture: Tensor, otherwise: Tensor, *, alt: str, keep: str | Path | None = None
    ) -> None:
        self._picture, self._otherwise = picture, otherwise
        painted = _painted(otherwise)
        super().__init__(
            alt, keep, painted,
            kind="mask",
            background=data_uri(enlarged_png(picture[0], (-1.0, 1.0))),
            faint=painted,
            label="A picture to paint a mask over, with the mouse or with the arrow keys and the "
            "space bar.",
        )  # fmt: skip

    def mask(self) -> Tensor:
        """What is painted, or the finished mask: (1, 1, 64, 64), 1 where painted, else 0."""
        if not self.canvas.png:
            return self._otherwise.clone()
        with Image.open(io.BytesIO(_png_bytes(self.canvas.png))) as opened:
            painted = opened.convert("RGBA").getchannel("A")
            small = painted.resize((SIDE, SIDE), Image.Resampling.BOX)
        pixels = torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8)
        return (pixels.reshape(1, 1, SIDE, SIDE) > 127).float()

    def _still(self) -> tuple[bytes, str]:
        mask = self.mask()
        own = not torch.equal(mask, self._otherwise)
        alt = "The picture; what is painted over is tinted pink." if own else self._alt
        return enlarged_png(tinted(self._picture, mask)[0], (-1.0, 1.0)), alt


def tinted(picture: Tensor, mask: Tensor) -> Tensor:
    """The picture with the part where the mask is 1 tinted pink; like `picture`."""
    pink = torch.tensor([1.0, -0.65, -0.06]).to(picture).reshape(3, 1, 1)
    return torch.where(mask > 0.5, 0.4 * picture + 0.6 * pink, picture)


def _painted(mask: Tensor) -> str:
    """The mask as the brush would have painted it: pink, and nothing elsewhere."""
    alpha = Image.fromarray((mask[0, 0] * 255).to(torch.uint8).numpy())
    image = Image.new("RGBA", alpha.size, (*_PINK, 0))
    image.putalpha(alpha)
    buffer = io.BytesIO()
    image.resize((4 * SIDE, 4 * SIDE), Image.Resampling.NEAREST).save(buffer, "PNG")
    return data_uri(buffer.getvalue())


def _png_bytes(data_url: str) -> bytes:
    return base64.b64decode(data_url.partition(",")[2])

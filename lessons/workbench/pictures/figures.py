"""Figures for the lessons: pictures, plots and sliders, each with a text that describes it."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


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

    Where no widget can run (an exported page, a viewer), a row of some of the pictures stands in
    its place.

    Args:
        frames: (C, H, W) or (1, C, H, W) each.
        labels: the slider's label at each frame, for instance "t = 250".
        name: what the slider changes.
        alt: what is to be seen, for people who cannot see it.
        start: the frame shown first.
        value_range: the values shown as black and as full brightness.

    Raises:
        ValueError: if `alt` is empty, or labels and frames differ in number.
    """
    pictures = as_pictures(frames)
    if len(labels) != len(pictures):
        raise ValueError(f"There are {len(pictures)} frames but {len(labels)} labels.")
    places = torch.linspace(0, len(pictures) - 1, min(6, len(pictures))).round()
    few = [int(place) for place in places]
    figure = _grid([pictures[i] for i in few], [labels[i] for i in few], None, value_range)
    row = _to_png(figure)
    import matplotlib.pyplot as plt

    plt.close(figure)
    display(
        _SliderWithFallback(
            _slider_widget(pictures, labels, name, alt, start, value_range), row, alt
        )
    )


class _SliderWithFallback:
    """One output that is a widget where widgets run and a row of pictures elsewhere."""

    def __init__(self, widget: Any, row: bytes, alt: str) -> None:
        self._widget, self._row, self._alt = widget, row, checked_alt(alt)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        return widget_or_picture(self._widget, self._row, "slider", self._alt)


def widget_or_picture(widget: Any, png: bytes, name: str, alt: str) -> tuple[dict, dict]:
    """One output that is a widget where widgets run and a described picture elsewhere.

    Args:
        widget: of ipywidgets or anywidget.
        png: the picture that stands in for it.
        name: what it is, for where nothing but text can be shown.
        alt: what the picture shows.

    Returns:
        Data and metadata, by MIME type.
    """
    data, metadata = _mime_parts(InlineImage(png, alt=alt)._repr_mimebundle_())
    view, _ = _mime_parts(widget._repr_mimebundle_())
    bundle = {**data, "text/plain": f"{name}: {alt}"}
    if _WIDGET_VIEW in view:
        bundle[_WIDGET_VIEW] = view[_WIDGET_VIEW]
    return bundle, metadata


def _mime_parts(bundle: Any) -> tuple[dict, dict]:
    """Data and metadata of what IPython gives in either of two forms."""
    return bundle if isinstance(bundle, tuple) else (bundle or {}, {})


def _slider_widget(
    pictures: Sequence[Tensor],
    labels: Sequence[str],
    name: str,
    alt: str,
    start: int,
    value_range: tuple[float, float],
) -> Any:
    import ipywidgets

    encoded = [enlarged_png(picture, value_range) for picture in pictures]
    image = ipywidgets.Image(value=encoded[start], format="png", width=256, height=256)
    label = ipywidgets.Label(str(labels[start]))
    control = ipywidgets.IntSlider(
        value=start, min=0, max=len(pictures) - 1, description=name, readout=False
    )

    def turn_to(change: dict) -> None:
        image.value, label.value = encoded[change["new"]], str(labels[change["new"]])

    control.observe(turn_to, names="value")
    described = ipywidgets.HTML(f'<span style="opacity:.7">{alt}</span>')
    return ipywidgets.VBox([ipywidgets.HBox([control, label]), image, described])


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

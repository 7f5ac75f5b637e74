"""What is seen of training: a bar and the loss curve while it runs, and the curve at the end."""

from __future__ import annotations

import base64
import io
import math
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.workbench.bars import Bar, in_notebook, make_bar
from lessons.workbench.pictures.figures import show_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REDRAW_SECONDS = 2.0
_LARGEST_SHARE = 0.015  # of the time may be spent on drawing


class TrainingProgress:
    """A bar with the loss and the time left; in a notebook also the loss curve.

    The bar comes with the first step and stays. The curve comes when training has lasted two
    seconds, and goes when it ends. The environment variable TQDM_DISABLE=1 turns both off.

    Args:
        total: how many steps the whole training takes.
        done: how many were taken before, if it goes on from a checkpoint.
        shown: False for neither bar nor curve.
        goes_on: what the cell does if it is stopped and run again; "" if it begins from the start.
    """

    def __init__(self, total: int, done: int, shown: bool, goes_on: str = "") -> None:
        shown = shown and not os.environ.get("TQDM_DISABLE")
        self._curve = LossCurve(total) if shown and in_notebook() else None
        self._bar: Bar | None = None
        if shown:
            self._bar = make_bar(total, done, "training", unit="steps", leave=True, goes_on=goes_on)

    def note(self, losses: list[float], new: int) -> None:
        """Show what happened.

        Args:
            losses: of all steps so far, finite.
            new: how many of them, at the end, have not been noted before; not 0.
        """
        if self._bar is not None:
            self._bar.update(len(losses), f"loss {sum(losses[-new:]) / new:.4f}")
        if self._curve is not None:
            self._curve.update(losses)

    def close(self) -> None:
        """Leave the bar as it is and take the curve away."""
        if self._bar is not None:
            self._bar.close()
        if self._curve is not None:
            self._curve.close()


class LossCurve:
    """A small picture of the losses in the notebook, drawn anew every two seconds at most.

    Args:
        total: how many steps the whole training takes.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._display: Any = None
        self._next = time.monotonic() + REDRAW_SECONDS

    def update(self, losses: list[float]) -> None:
        """Draw the losses so far, if it is time to."""
        began, first = time.monotonic(), self._display is None
        if began < self._next or len(losses) < 2:
            return
        try:
            self._draw(losses)
        except (OSError, RuntimeError, ValueError):
            # matplotlib can't draw with the settings it was given, or nobody is there to be shown
            # the picture: no reason to end an hour's training.
            self._next = math.inf
        else:
            now = time.monotonic()
            cost = 0 if first else now - began  # the first picture also loads the fonts, only once
            self._next = now + max(REDRAW_SECONDS, cost / _LARGEST_SHARE)

    def close(self) -> None:
        """Take the picture away: what was learned is the next cell's business."""
        if self._display is not None:
            self._display.update({"text/html": "", "text/plain": ""}, raw=True)
        self._display = None

    def _draw(self, losses: list[float]) -> None:
        from IPython.display import display

        values = np.asarray(losses)
        width = _width(values)
        alt = (
            f"The loss of each step so far and its running mean. After step {len(values)} of "
            f"{self._total}, the mean of the last {width} steps is {values[-width:].mean():.3g}."
        )
        # JupyterLab gives a displayed PNG no alt text, so it lies in a page's <img>.
        encoded = base64.b64encode(_to_png(_figure(values, width))).decode()
        picture = {
            "text/html": f'<img src="data:image/png;base64,{encoded}" alt="{alt}">',
            "text/plain": alt,
        }
        if self._display is None:
            self._display = display(picture, raw=True, display_id=True)
        else:
            self._display.update(picture, raw=True)


def loss_plot(losses: Sequence[float], *, alt: str) -> None:
    """Show the loss of every step and its running mean, as they were seen during training.

    Args:
        losses: one number for each step.
        alt: what the plot shows, for people who cannot see it.

    Raises:
        ValueError: if `alt` is empty.
    """
    values = np.asarray(losses)
    show_figure(_figure(values, _width(values)), alt)


def _width(values: np.ndarray) -> int:
    """Over how many steps the mean is taken."""
    return min(len(values), max(10, len(values) // 20))


def _figure(values: np.ndarray, width: int) -> Figure:
    """The losses, thin, and over each the mean of the `width` steps up to it, thick."""
    from matplotlib.figure import Figure  # of pyplot's figures this one is none
    from matplotlib.ticker import LogLocator, NullLocator

    sums = np.concatenate([[0.0], values.cumsum()])
    means = (sums[width:] - sums[:-width]) / width
    steps = np.arange(1, len(values) + 1)
    figure = Figure(figsize=(5, 2), dpi=90, facecolor="white")
    axis = figure.add_axes((0.14, 0.22, 0.84, 0.66))
    axis.plot(steps, values, color="#7aa6c2", linewidth=0.7, label="each step")
    axis.plot(steps[width - 1 :], means, "k", linewidth=1.5, label=f"mean of {width} steps")
    scale = ""
    if values.min() > 0:
        decades = math.log10(values.max() / values.min())
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2 else (1,)))
        axis.yaxis.set_minor_locator(NullLocator())
        axis.yaxis.set_major_formatter("{x:g}")  # powers of ten take longest to typeset
        scale = " (log scale)"
    axis.set_xlabel("step", fontsize=8)
    axis.set_ylabel(f"loss{scale}", fontsize=8)
    axis.tick_params(labelsize=7)
    axis.grid(alpha=0.3)
    axis.legend(
        fontsize=7, loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2, frameon=False, borderpad=0
    )
    return figure


def _to_png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()

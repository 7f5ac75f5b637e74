"""Plots for the lessons: curves and histograms, told apart by line style as well as by colour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lessons.workbench.pictures.figures import show_figure

# Matplotlib takes half a second: it is imported when something is plotted.
if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLES = ("-", "--", "-.", ":")
_MARKERS = "os^D"


def line_plot(
    x: Iterable[float],
    curves: Mapping[str, Iterable[float] | Tensor],
    *,
    x_label: str,
    y_label: str,
    alt: str,
    markers: bool = False,
    log_x: bool = False,
    log_y: bool = False,
) -> None:
    """Draw curves over a common axis.

    Args:
        x: the n positions.
        curves: n values for each name that the legend shows.
        x_label: what `x` is, with its unit.
        y_label: what the values are, with their unit.
        alt: what the plot shows, for people who cannot see it.
        markers: mark each point, for few points.
        log_x: a logarithmic scale for the positions, which must be positive.
        log_y: a logarithmic scale for the values, which must be positive.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(5.6, 2.8), layout="constrained")
    positions = list(x)
    for number, (name, values) in enumerate(curves.items()):
        _draw_curve(axis, number, name, positions, torch.as_tensor(list(values)).cpu(), markers)
    axis.set_xlabel(x_label)
    axis.set_ylabel(y_label)
    if log_x:
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter("{x:g}")
    if log_y:
        axis.set_yscale("log")
    axis.grid(alpha=0.3)
    if len(curves) > 1:
        axis.legend(fontsize=9)
    show_figure(figure, alt)


def quality_plot(
    tables: Mapping[str, Sequence[Mapping[str, float]]],
    *,
    x_label: str,
    alt: str,
    real_distance: float | None = None,
    log_x: bool = False,
) -> None:
    """Draw how good generated digits are: two curves side by side for each table.

    Args:
        tables: for each name that the legend shows, rows {"x", "read", "distance"} as
            `load_measurements` gives them.
        x_label: what "x" is.
        alt: what the plots show, for people who cannot see them.
        real_distance: the distance of equally many real digits, drawn as a dotted line.
        log_x: a logarithmic scale for "x", which must be positive.
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, NullLocator

    figure, axes = plt.subplots(1, 2, figsize=(6.4, 2.8), layout="constrained")
    for axis, key, y_label in (
        (axes[0], "read", "share read as asked"),
        (axes[1], "distance", "Frechet distance (log scale)"),
    ):
        for number, (name, rows) in enumerate(tables.items()):
            positions, values = zip(*((row["x"], row[key]) for row in rows), strict=True)
            _draw_curve(axis, number, name, positions, values, markers=True)
        axis.set_xlabel(x_label)
        axis.set_ylabel(y_label)
        axis.grid(alpha=0.3)
    axes[0].set_ylim(0, 1.03)
    axes[1].set_yscale("log")
    if log_x:
        for axis in axes:
            axis.set_xscale("log")
    for axis in (axes[1].yaxis, *((axes[0].xaxis, axes[1].xaxis) if log_x else ())):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter("{x:g}")
    if real_distance is not None:
        axes[1].axhline(real_distance, color="black", linestyle=":", label="real digits")
    if len(tables) > 1 or real_distance is not None:
        axes[1].legend(fontsize=9)
    show_figure(figure, alt)


def _draw_curve(
    axis: Axes,
    number: int,
    name: str,
    positions: Sequence[float],
    values: Sequence[float] | Tensor,
    markers: bool,
) -> None:
    """One curve; its number among the others decides the line style and the marker."""
    axis.plot(
        positions,
        values,
        _STYLES[number % len(_STYLES)],
        marker=_MARKERS[number % len(_MARKERS)] if markers else None,
        label=name,
    )


def histograms(samples: Sequence[Tensor], titles: Sequence[str], *, alt: str) -> None:
    """Draw a histogram of each tensor's values, with the standard normal density over it.

    Args:
        samples: tensors of any shape.
        titles: one for each.
        alt: what the plot shows, for people who cannot see it.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(samples), figsize=(1.6 * len(samples), 1.9), sharey=True, layout="constrained"
    )
    grid = torch.linspace(-4, 4, 200)
    normal = torch.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
    for axis, values, title in zip(axes, samples, titles, strict=True):
        flat = values.detach().float().flatten().clamp(-4, 4).cpu().numpy()
        axis.hist(flat, bins=60, range=(-4, 4), density=True, color="#7aa6c2")
        axis.plot(grid.numpy(), normal.numpy(), "k-", linewidth=1)
        axis.set_title(title, fontsize=10)
        axis.set_xticks([-3, 0, 3])
        axis.set_yticks([])
        axis.margins(x=0)
    show_figure(figure, alt)

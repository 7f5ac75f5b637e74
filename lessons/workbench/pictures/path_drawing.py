"""Drawings of points in the plane and the paths they take."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
from torch import Tensor

from lessons.workbench.pictures.figures import show_figure


def draw_paths(panels: Mapping[str, Tensor], data: Tensor, *, alt: str) -> None:
    """Draw paths from noise to data, two panels in a row.

    Args:
        panels: for each title, (T, n, 2): the places of n points at T times.
        data: (K, 2), the points that are the data.
        alt: what the drawing shows, for people who cannot see it.
    """
    rows = -(-len(panels) // 2)
    figure, axes = plt.subplots(
        rows,
        2,
        squeeze=False,
        sharex=True,
        sharey=True,
        figsize=(6.0, 3.1 * rows),
        layout="constrained",
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (title, paths) in zip(axes.flat, panels.items(), strict=False):
        places = paths.detach().cpu().numpy()
        axis.plot(places[:, :, 0], places[:, :, 1], "-", color="#7aa6c2", linewidth=0.9)
        axis.plot(places[0, :, 0], places[0, :, 1], ".", color="0.45", label="noise, t = 0")
        axis.plot(data[:, 0], data[:, 1], "D", color="#b3402a", markersize=6, label="data, t = 1")
        axis.set_title(title, fontsize=10)
        axis.set_axis_on()
        axis.set_aspect("equal")
        axis.set_xticks([])
        axis.set_yticks([])
    axes.flat[0].legend(fontsize=8, loc="upper right")
    show_figure(figure, alt)

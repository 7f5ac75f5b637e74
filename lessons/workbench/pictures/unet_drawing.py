"""The drawing of the course's U-Net that its lesson is built from."""

from __future__ import annotations

import matplotlib.pyplot as plt

from lessons.workbench.pictures.figures import show_figure

# (text, place from left to right, height: 3 is 28x28, 2 is 14x14, 1 is 7x7, 0 is 1x1)
_BOXES = (
    ("ConvBlock\nC → D", 0.0, 3),
    ("DownBlock\nD → D", 1.0, 2),
    ("DownBlock\nD → 2D", 2.0, 1),
    ("Flatten", 3.0, 0),
    ("Unflatten\n2D → 2D", 4.2, 0),
    ("UpBlock\n4D → D", 5.2, 1),
    ("UpBlock\n2D → D", 6.2, 2),
    ("ConvBlock\n2D → D", 7.2, 3),
    ("Conv2d 3x3\nD → C", 8.5, 3),
)
_SKIPS = ((0, 7, "D"), (1, 6, "D"), (2, 5, "2D"))
_ALT = (
    "The U-Net as boxes in the shape of a U. Down the left side: ConvBlock from C to D channels at "
    "28x28, DownBlock from D to D at 14x14, DownBlock from D to 2D at 7x7. At the bottom Flatten "
    "to 1x1 and Unflatten with 2D channels. Up the right side: UpBlock from 4D to D, UpBlock from "
    "2D to D, ConvBlock from 2D to D, and a 3x3 convolution from D to C. Dashed arrows lead from "
    "each box on the left to the box at the same height on the right: with the arrow that comes "
    "from below they are concatenated."
)


def draw_unet() -> None:
    """Show the network as boxes and arrows, with the channels that go in and out of each box."""
    figure, axis = plt.subplots(figsize=(7.0, 3.6), layout="constrained")
    for number, (text, x, y) in enumerate(_BOXES):
        style = {"boxstyle": "round,pad=0.35", "facecolor": "#e8f0f6", "edgecolor": "#35637f"}
        axis.text(x, y, text, ha="center", va="center", fontsize=9, bbox=style)
        if number:
            _, x0, y0 = _BOXES[number - 1]
            axis.annotate("", _edge(x, y, x0, y0), _edge(x0, y0, x, y), arrowprops=_arrow("-"))
    for left, right, channels in _SKIPS:
        (_, x0, y), (_, x1, _) = _BOXES[left], _BOXES[right]
        axis.annotate("", (x1 - 0.5, y), (x0 + 0.5, y), arrowprops=_arrow("--"))
        axis.text((x0 + x1) / 2, y + 0.06, f"concatenate {channels}", ha="center", size=9)
    for y, size in enumerate(("1x1", "7x7", "14x14", "28x28")):
        axis.text(-1.0, y, size, ha="center", va="center", fontsize=9, color="#555555")
    axis.set_xlim(-1.4, 9.2)
    axis.set_ylim(-0.4, 3.4)
    axis.axis("off")
    show_figure(figure, _ALT)


def _edge(x: float, y: float, other_x: float, other_y: float) -> tuple[float, float]:
    """Where an arrow between two boxes leaves the one at (x, y)."""
    if y == other_y:
        return (x + (0.5 if other_x > x else -0.5), y)
    return (x, y + (0.27 if other_y > y else -0.27))


def _arrow(line: str) -> dict[str, object]:
    return {"arrowstyle": "->", "linestyle": line, "color": "#35637f", "shrinkA": 0, "shrinkB": 0}

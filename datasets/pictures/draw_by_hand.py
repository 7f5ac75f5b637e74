"""Draw the course's hand drawings, an envelope, a heart and an avocado, as PNG beside this file.

python datasets/pictures/draw_by_hand.py

Every line is wobbly, of uneven width and a little off, as one drawn with a mouse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIDE = 512
FINAL_SIDE = 128
Point = tuple[float, float]
Colour = tuple[int, int, int]


class Hand:
    """A hand with a felt pen: what it draws comes out a little different from what was meant."""

    def __init__(self, seed: int, paper: Colour) -> None:
        self.generator = np.random.default_rng(seed)
        self.picture = Image.new("RGB", (SIDE, SIDE), paper)
        self.pen = ImageDraw.Draw(self.picture)

    def line(self, points: Sequence[Point], colour: Colour, width: float = 16) -> None:
        """A stroke through `points`."""
        for x, y in self._wobbly(points):
            r = width / 2 * self.generator.uniform(0.85, 1.15)
            self.pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def fill(self, points: Sequence[Point], colour: Colour) -> None:
        """An area, coloured in with strokes to and fro that leave a few gaps at the edge."""
        outline = Image.new("L", (SIDE, SIDE))
        ImageDraw.Draw(outline).polygon(self._wobbly(points), fill=255)
        strokes = Image.new("L", (SIDE, SIDE))
        brush = ImageDraw.Draw(strokes)
        for y in np.arange(-SIDE, 2 * SIDE, 13.0):
            shift = self.generator.normal(0, 3)
            brush.line([(-20, y + shift), (SIDE + 20, y - 180 + shift)], fill=255, width=15)
        area = Image.fromarray(np.minimum(np.asarray(outline), np.asarray(strokes)))
        self.picture.paste(Image.new("RGB", (SIDE, SIDE), colour), mask=area)

    def _wobbly(self, points: Sequence[Point]) -> list[Point]:
        """Points close together along the way, moved by a slow random wobble."""
        corners = np.array(points, dtype=float)
        lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
        along = np.concatenate([[0], lengths.cumsum()])
        places = np.arange(0, along[-1], 3.0)
        path = np.stack([np.interp(places, along, corners[:, axis]) for axis in (0, 1)], axis=1)
        steps = self.generator.normal(0, 0.9, path.shape)
        window = np.ones(min(25, len(path))) / 25
        for axis in (0, 1):
            wobble = np.convolve(steps[:, axis].cumsum(), window, mode="same")
            path[:, axis] += wobble - np.linspace(wobble[0], wobble[-1], len(wobble))
        return [tuple(point) for point in path]

    def save(self, name: str) -> None:
        """Write the drawing beside this file."""
        small = self.picture.resize((FINAL_SIDE, FINAL_SIDE), Image.Resampling.LANCZOS)
        small.save(Path(__file__).with_name(f"{name}.png"), optimize=True)


def curve(
    of: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], count: int = 90
) -> list[Point]:
    """Points of a closed curve, of(angle) = x, y."""
    x, y = of(np.linspace(0, 2 * np.pi, count))
    return list(zip(x.tolist(), y.tolist(), strict=True))


def draw_envelope() -> None:
    """A cream-coloured envelope with a red seal, on blue."""
    hand, ink = Hand(11, (120, 178, 224)), (66, 52, 60)
    corners = [(70, 140), (446, 148), (440, 392), (76, 384), (70, 140)]
    hand.fill(corners, (250, 240, 214))
    hand.line(corners, ink)
    hand.line([(72, 144), (256, 292), (444, 150)], ink)
    hand.line([(78, 382), (196, 246)], ink, 12)
    hand.line([(438, 390), (318, 246)], ink, 12)
    hand.fill(curve(lambda a: (256 + 34 * np.cos(a), 290 + 34 * np.sin(a))), (206, 50, 56))
    hand.save("envelope")


def draw_heart() -> None:
    """A red heart on a pale yellow ground."""
    hand = Hand(5, (252, 244, 214))
    heart = curve(
        lambda a: (
            256 + 11.5 * 16 * np.sin(a) ** 3,
            236 - 11.5 * (13 * np.cos(a) - 5 * np.cos(2 * a) - 2 * np.cos(3 * a) - np.cos(4 * a)),
        )
    )
    hand.fill(heart, (222, 44, 62))
    hand.line(heart, (140, 20, 42), 14)
    hand.line([(150, 176), (172, 150), (204, 142)], (255, 208, 210), 15)
    hand.save("heart")


def draw_avocado() -> None:
    """Half an avocado with its stone, on pink."""
    hand = Hand(8, (246, 206, 204))

    def pear(size: float) -> list[Point]:
        return curve(
            lambda a: (
                256 + size * (132 - 38 * np.cos(a)) * np.sin(a),
                276 - size * 196 * np.cos(a),
            )
        )

    hand.fill(pear(1.0), (62, 98, 44))
    hand.fill(pear(0.86), (166, 200, 92))
    hand.fill(pear(0.7), (226, 232, 150))
    hand.line(pear(1.0), (38, 62, 30), 12)
    stone = curve(lambda a: (256 + 72 * np.cos(a), 330 + 74 * np.sin(a)))
    hand.fill(stone, (128, 76, 42))
    hand.line(stone, (86, 48, 28), 10)
    hand.line([(232, 296), (250, 284)], (206, 164, 124), 12)
    hand.save("avocado")


if __name__ == "__main__":
    draw_envelope()
    draw_heart()
    draw_avocado()

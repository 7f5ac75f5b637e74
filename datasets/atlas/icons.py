"""Icons of one set, drawn at a place and size one asks for.

Reads the `icons.json` and `chars.json` of an `@iconify-json` package. The same emoji fills its
square differently in each set, so an icon is placed by its visible part: that keeps a subject at
the same place and size in all styles.
"""

import io
import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image

_PROBE = 128  # pixels at which the visible part of an icon is measured
_VISIBLE = 24  # alpha from which a pixel counts as visible: leaves out soft shadows


def draw_svg(svg: str, size: int) -> Image.Image:
    """An SVG document as an RGBA picture of size x size pixels."""
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


class IconSet:
    """The icons of one `@iconify-json` package, found by emoji.

    packages: the `node_modules` folder; name: the set, such as "noto".
    """

    def __init__(self, packages: Path, name: str) -> None:
        folder = packages / "@iconify-json" / name
        data = json.loads((folder / "icons.json").read_text("utf-8"))
        self.name = name
        self.width: int = data["width"]
        self.height: int = data["height"]
        self._icons: dict = data["icons"]
        self._aliases: dict = data.get("aliases", {})
        # fluent-emoji ships an empty chars.json; its icons are named as in fluent-emoji-flat
        spelled = "fluent-emoji-flat" if name == "fluent-emoji" else name
        chars = packages / "@iconify-json" / spelled / "chars.json"
        self._chars: dict[str, str] = json.loads(chars.read_text("utf-8"))
        self._visible = lru_cache(maxsize=None)(self._measure)

    def icon_name(self, emoji: str) -> str | None:
        """The set's name for an emoji, or None where it has no such icon."""
        points = [f"{ord(char):x}" for char in emoji]
        for spelling in (points, [point for point in points if point != "fe0f"]):
            name = self._chars.get("-".join(spelling))
            if name in self._icons or name in self._aliases:
                return name
        return None

    def draw(self, emoji: str, size: int, box: tuple[float, float, float, float]) -> Image.Image:
        """An RGBA picture, size x size pixels, with the icon's visible part fitted into a box.

        box: (centre x, bottom y, width, height) in parts of the picture, 0 to 1; the icon keeps
        its shape and stands on the middle of the box's bottom edge.
        Raises KeyError if the set has no such icon.
        """
        name = self.icon_name(emoji)
        if name is None:
            raise KeyError(f"{self.name} has no icon for {emoji!r}")
        left, top, right, bottom = self._visible(name)
        centre_x, floor, width, height = box
        side = max((right - left) / width, (bottom - top) / height)
        # drawn in its own square and then put in place: resvg fails on some icons' filters when
        # the view is moved instead
        own_size = max(round(size * self.width / side), 1)
        drawn = draw_svg(self._document(name), own_size)
        canvas = Image.new("RGBA", (size, size))
        from_left = centre_x * size - (left + right) / 2 / self.width * own_size
        from_top = floor * size - bottom / self.height * own_size
        canvas.paste(drawn, (round(from_left), round(from_top)))
        return canvas

    def _document(self, name: str) -> str:
        body = self._icons[self._aliases[name]["parent"] if name in self._aliases else name]["body"]
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="0 0 {self.width} {self.height}">{body}</svg>'
        )

    def _measure(self, name: str) -> tuple[float, float, float, float]:
        picture = draw_svg(self._document(name), _PROBE)
        visible = np.asarray(picture)[..., 3] >= _VISIBLE
        rows, columns = np.flatnonzero(visible.any(1)), np.flatnonzero(visible.any(0))
        scale = self.width / _PROBE
        return (
            columns[0] * scale,
            rows[0] * scale,
            (columns[-1] + 1) * scale,
            (rows[-1] + 1) * scale,
        )

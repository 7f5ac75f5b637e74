"""Draws subjects and scenes with the icons of one set, before a style is laid over them."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from choose import unicode_emoji
from icons import IconSet, draw_svg
from PIL import Image, ImageOps
from places import FRAMED
from scenery import Palette
from scenes import Icon, Scene

LONE = (0.5, 0.92, 0.86, 0.84)
"""Where a lone icon sits in its tile: centre x, foot, largest width and height, in parts of it."""

_FILLING = (0.5, 1.06, 1.12, 1.12)  # hides the rounded corners of square icons

_SKIN_TONES = [chr(0x1F3FB + k) for k in range(5)]


def seeded(*words: str) -> np.random.Generator:
    """A generator that depends only on the words, so adding a subject changes no other tile."""
    return np.random.default_rng(zlib.crc32(" ".join(words).encode()))


@dataclass
class Artist:
    """Draws with one icon set; `model` is the set whose left and right the others follow.

    packages: the `node_modules` folder; palette: colours of painted scenery.
    """

    packages: Path
    icons: IconSet
    model: IconSet
    palette: Palette

    def __post_init__(self) -> None:
        self._emoji = unicode_emoji(self.packages)
        self._mirrored: dict[str, bool] = {}

    def draw_lone(self, unicode_name: str, size: int) -> Image.Image:
        """One icon, RGBA, size x size pixels."""
        box = _FILLING if unicode_name in FRAMED else LONE
        return self._draw(self._toned(unicode_name, unicode_name), size, box, flip=False)

    def draw_scene(self, scene: Scene, size: int) -> Image.Image:
        """A scene's layers over one another, RGBA, size x size pixels."""
        picture = Image.new("RGBA", (size, size))
        for layer in scene.layers:
            if isinstance(layer, Icon):
                drawn = self._draw_part(layer, scene, size)
            else:
                drawn = self._draw_piece(layer, size)
            picture.alpha_composite(drawn)
        return picture

    def _draw_piece(self, piece: Callable[[Palette], str], size: int) -> Image.Image:
        body = piece(self.palette)
        return draw_svg(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{body}</svg>', size
        )

    def _draw_part(self, part: Icon, scene: Scene, size: int) -> Image.Image:
        shift_x, shift_y, scale = part.moved.get(self.icons.name, (0.0, 0.0, 1.0))
        side = part.size * scale / 100
        box = ((part.x + shift_x) / 100, (part.y + shift_y) / 100, side, side)
        return self._draw(self._toned(part.name, scene.name, part.tone), size, box, part.flip)

    def _draw(self, emoji: str, size: int, box: tuple[float, ...], flip: bool) -> Image.Image:
        centre, foot, width, height = box
        if flip == self._is_mirrored(emoji):
            return self.icons.draw(emoji, size, (centre, foot, width, height))
        return ImageOps.mirror(self.icons.draw(emoji, size, (1 - centre, foot, width, height)))

    def _toned(self, unicode_name: str, seed: str, tone: int | None = None) -> str:
        """The emoji, people in one of five skin tones instead of yellow, the same in all styles."""
        emoji, _, has_tones = self._emoji[unicode_name]
        if not has_tones:
            return emoji
        if tone is None:
            tone = seeded("skin", unicode_name, seed).integers(len(_SKIN_TONES))
        toned = emoji[0] + _SKIN_TONES[tone] + emoji[1:].removeprefix("\ufe0f")
        known = self.icons.icon_name(toned) and self.model.icon_name(toned)
        return toned if known else emoji

    def _is_mirrored(self, emoji: str) -> bool:
        """Whether this set shows the emoji the other way round than the model set does."""
        if self.icons is self.model:
            return False
        if emoji not in self._mirrored:
            wanted, own = (_small(icons, emoji) for icons in (self.model, self.icons))
            straight = np.abs(wanted - own).mean()
            self._mirrored[emoji] = bool(np.abs(wanted - own[:, ::-1]).mean() < 0.88 * straight)
        return self._mirrored[emoji]


def _small(icons: IconSet, emoji: str) -> np.ndarray:
    drawn = icons.draw(emoji, 32, LONE)
    grey = Image.new("RGBA", drawn.size, (128, 128, 128, 255))
    return np.asarray(Image.alpha_composite(grey, drawn).convert("RGB"), float)

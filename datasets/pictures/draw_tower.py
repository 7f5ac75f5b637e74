"""Draw the course's test picture, a bell tower, and write it to tower.png beside this file.

python datasets/pictures/draw_tower.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 1024
FINAL_SIDE = 256


def gradient(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Image.Image:
    """A vertical colour gradient of SIDE x SIDE pixels."""
    rows = np.linspace(0, 1, SIDE)[:, None, None]
    colours = (1 - rows) * np.array(top) + rows * np.array(bottom)
    return Image.fromarray(np.broadcast_to(colours, (SIDE, SIDE, 3)).astype(np.uint8).copy())


def draw_sky(generator: np.random.Generator) -> Image.Image:
    """A blue sky with soft clouds near the horizon."""
    sky = gradient((58, 120, 196), (196, 222, 240))
    clouds = Image.new("L", (SIDE, SIDE))
    brush = ImageDraw.Draw(clouds)
    for centre_x, centre_y, width in ((200, 330, 260), (860, 210, 300), (640, 520, 340)):
        for _ in range(26):
            x = centre_x + generator.normal(0, width / 3)
            y = centre_y + generator.normal(0, 22)
            r = generator.uniform(18, 58)
            brush.ellipse((x - r * 1.6, y - r * 0.7, x + r * 1.6, y + r * 0.7), fill=225)
    clouds = clouds.filter(ImageFilter.GaussianBlur(16))
    sky.paste(Image.new("RGB", (SIDE, SIDE), (252, 250, 246)), mask=clouds)
    return sky


def draw_ground(picture: Image.Image, generator: np.random.Generator) -> None:
    """Hills and trees behind the tower's foot."""
    brush = ImageDraw.Draw(picture)
    brush.ellipse((-300, 760, 760, 1300), fill=(92, 128, 84))
    brush.ellipse((350, 790, 1500, 1400), fill=(74, 112, 66))
    for x in range(-40, SIDE + 60, 46):
        y = 880 + generator.normal(0, 18)
        for _ in range(9):
            dx, dy, r = generator.normal(0, 30), generator.normal(0, 26), generator.uniform(16, 40)
            shade = int(generator.uniform(-18, 22))
            colour = (44 + shade, 86 + shade, 40 + shade // 2)
            brush.ellipse((x + dx - r, y + dy - r, x + dx + r, y + dy + r), fill=colour)
    brush.rectangle((0, 960, SIDE, SIDE), fill=(66, 104, 54))


def draw_tower(picture: Image.Image) -> None:
    """The tower: a lit front, a shaded side, belfry openings, a clock and a pointed roof."""
    brush = ImageDraw.Draw(picture)
    front, side, edge = (226, 208, 178), (168, 144, 118), (120, 98, 80)
    dark, roof_front, roof_side = (58, 50, 58), (156, 84, 62), (110, 56, 46)
    brush.polygon([(400, 1000), (400, 300), (560, 300), (560, 1000)], fill=front)
    brush.polygon([(560, 1000), (560, 300), (640, 320), (640, 985)], fill=side)
    brush.rectangle((386, 284, 566, 316), fill=(240, 226, 200))
    brush.polygon([(566, 284), (656, 306), (656, 336), (566, 316)], fill=edge)
    brush.rectangle((386, 480, 566, 504), fill=(240, 226, 200))
    brush.polygon([(566, 480), (650, 494), (650, 516), (566, 504)], fill=edge)
    for x in (424, 496):
        brush.rectangle((x, 372, x + 42, 470), fill=dark)
        brush.ellipse((x, 350, x + 42, 394), fill=dark)
    brush.polygon([(584, 384), (620, 390), (620, 474), (584, 468)], fill=(46, 38, 46))
    brush.ellipse((432, 532, 528, 628), fill=(246, 242, 230), outline=edge, width=9)
    brush.line([(480, 580), (480, 546)], fill=dark, width=9)
    brush.line([(480, 580), (504, 592)], fill=dark, width=9)
    for y in (680, 800):
        brush.rectangle((466, y, 494, y + 66), fill=dark)
        brush.polygon([(592, y + 4), (610, y + 6), (610, y + 66), (592, y + 64)], fill=(46, 38, 46))
    brush.polygon([(392, 286), (500, 70), (566, 286)], fill=roof_front)
    brush.polygon([(566, 286), (500, 70), (650, 306)], fill=roof_side)
    brush.line([(500, 76), (500, 30)], fill=edge, width=8)


def main() -> None:
    """Draw everything from back to front and save it."""
    generator = np.random.default_rng(7)
    picture = draw_sky(generator)
    draw_ground(picture, generator)
    draw_tower(picture)
    grain = generator.normal(0, 5, (SIDE, SIDE, 1))
    picture = Image.fromarray((np.asarray(picture) + grain).clip(0, 255).astype(np.uint8))
    picture = picture.resize((FINAL_SIDE, FINAL_SIDE), Image.Resampling.LANCZOS)
    picture.save(Path(__file__).with_name("tower.png"), optimize=True)


if __name__ == "__main__":
    main()

"""What a subject stands in front of: smooth, softly lit backgrounds, as float pictures.

Every function takes a size and a `numpy` generator and returns (size, size, 3) floats in 0..1.
The generator decides hues, horizons and lights, so that no two subjects have the same backdrop.
"""

import colorsys
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

Picture = np.ndarray
Colour = tuple[float, float, float]


def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Y and x of every pixel's middle, 0 to 1, each (size, size)."""
    axis = (np.arange(size) + 0.5) / size
    return np.meshgrid(axis, axis, indexing="ij")


def colour(hue: float, saturation: float, value: float) -> np.ndarray:
    """A colour as three floats, from hue, saturation and value in 0..1 (clipped)."""
    clipped = (hue % 1.0, min(max(saturation, 0), 1), min(max(value, 0), 1))
    return np.array(colorsys.hsv_to_rgb(*clipped))


def blend(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> Picture:
    """From `first` (share 0) to `second` (share 1), share being (size, size)."""
    share = np.clip(share, 0, 1)[..., None]
    return first * (1 - share) + second * share


def cloud_noise(size: int, rng: np.random.Generator, grain: int = 4, octaves: int = 4) -> Picture:
    """Fractal noise, (size, size), mean about 0, most values in -1..1.

    grain: how many cells of its coarsest octave lie across the picture.
    """
    total = np.zeros((size, size))
    for octave in range(octaves):
        cells = grain * 2**octave
        coarse = rng.standard_normal((cells + 1, cells + 1))
        fine = zoom(coarse, size / cells, order=1)[:size, :size]
        total += fine / 2**octave
    return total / 1.6


def _horizon(y: np.ndarray, at: float, softness: float) -> np.ndarray:
    return np.clip((y - at) / softness + 0.5, 0, 1)


def _bokeh(size: int, rng: np.random.Generator, count: int, tint: np.ndarray) -> np.ndarray:
    y, x = grid(size)
    light = np.zeros((size, size))
    for _ in range(count):
        radius = rng.uniform(0.04, 0.11)
        away = np.hypot(x - rng.uniform(0, 1), y - rng.uniform(0, 0.75))
        light += rng.uniform(0.3, 1) * np.clip((radius - away) / 0.015 + 0.5, 0, 1)
    return np.clip(light, 0, 1.2)[..., None] * tint


def studio(size: int, rng: np.random.Generator) -> Picture:
    """A roll of coloured paper under one soft light."""
    y, x = grid(size)
    # icons are full of purple, so purple paper would swallow them
    hue = rng.choice([0.03, 0.09, 0.13, 0.3, 0.42, 0.5, 0.55, 0.6, 0.97]) + rng.uniform(-0.02, 0.02)
    saturation = rng.choice([0.04, 0.1, 0.2, 0.35, 0.5])
    value = rng.choice([0.55, 0.8, 0.9, 0.97])
    lit = colour(hue, saturation * 0.7, value)
    dim = colour(hue + 0.02, saturation + 0.05, value * 0.62)
    light_x, light_y = rng.uniform(0.25, 0.75), rng.uniform(0.2, 0.5)
    picture = blend(lit, dim, np.hypot(x - light_x, y - light_y) * 1.15)
    floor = _horizon(y, rng.uniform(0.68, 0.8), 0.12)
    return picture * (1 + 0.10 * floor - 0.05 * (1 - floor))[..., None]


def portrait(size: int, rng: np.random.Generator) -> Picture:
    """The dark, mottled canvas that photographers hang behind a sitter."""
    y, x = grid(size)
    hue = rng.choice([0.07, 0.1, 0.13, 0.3, 0.45, 0.55, 0.6, 0.98]) + rng.uniform(-0.03, 0.03)
    value = rng.uniform(0.38, 0.78)
    lit, dim = colour(hue, 0.25, value + 0.18), colour(hue, 0.4, value * 0.45)
    mottle = gaussian_filter(cloud_noise(size, rng), size / 24)
    return blend(lit, dim, np.hypot(x - 0.5, y - 0.42) * 1.25 + 0.25 * mottle)


def table(size: int, rng: np.random.Generator) -> Picture:
    """A wooden table before a blurred wall."""
    y, x = grid(size)
    wall = colour(
        rng.choice([0.05, 0.1, 0.15, 0.35, 0.5, 0.58]),
        rng.uniform(0.08, 0.3),
        rng.uniform(0.55, 0.95),
    )
    back = blend(wall, wall * 0.6, np.hypot(x - rng.uniform(0.2, 0.8), y - 0.2))
    wood_hue, wood_value = rng.uniform(0.05, 0.1), rng.uniform(0.45, 0.8)
    stretched = zoom(rng.standard_normal((size // 3, 6)), (3, size / 6), order=1)[:size, :size]
    stretched = np.pad(stretched, ((0, size - len(stretched)), (0, 0)), mode="edge")
    wood = blend(
        colour(wood_hue, 0.55, wood_value),
        colour(wood_hue, 0.65, wood_value * 0.7),
        0.5 + 0.3 * stretched,
    )
    wood = wood * (0.8 + 0.35 * y)[..., None]
    return blend(back, wood, _horizon(y, rng.uniform(0.6, 0.72), 0.03))


def room(size: int, rng: np.random.Generator) -> Picture:
    """A warm room out of focus, with lamps as discs of light."""
    y, _ = grid(size)
    hue = rng.choice([0.04, 0.07, 0.1, 0.13, 0.55])
    picture = blend(colour(hue, 0.4, 0.6), colour(hue, 0.5, 0.32), y)
    picture = picture + _bokeh(size, rng, 12, colour(hue + 0.03, 0.5, 0.5))
    floor = colour(0.07, 0.45, rng.uniform(0.3, 0.5))
    return blend(np.clip(picture, 0, 1), floor, _horizon(y, 0.82, 0.1))


def meadow(size: int, rng: np.random.Generator) -> Picture:
    """Grass below, blurred trees and sky above."""
    y, _ = grid(size)
    sky = blend(colour(0.57, 0.35, 0.95), colour(0.55, 0.12, 0.98), y * 1.6)
    trees = colour(rng.uniform(0.24, 0.36), 0.5, rng.uniform(0.35, 0.55))
    edge = rng.uniform(0.3, 0.45)
    ragged = gaussian_filter(cloud_noise(size, rng, grain=8), size / 40) * 0.18
    picture = blend(sky, trees, _horizon(y + ragged, edge, 0.1))
    grass = colour(rng.uniform(0.2, 0.3), 0.6, rng.uniform(0.55, 0.72))
    blades = cloud_noise(size, rng, grain=24, octaves=2) * 0.09
    grass = grass * (0.72 + 0.45 * y + blades)[..., None]
    return blend(picture, grass, _horizon(y, rng.uniform(0.6, 0.7), 0.06))


def sky(size: int, rng: np.random.Generator) -> Picture:
    """Blue, grey or evening sky with soft clouds."""
    y, _ = grid(size)
    high, low = [
        (colour(0.59, 0.65, 0.8), colour(0.55, 0.2, 0.98)),
        (colour(0.57, 0.45, 0.9), colour(0.54, 0.12, 1.0)),
        (colour(0.62, 0.4, 0.6), colour(0.07, 0.35, 1.0)),
        (colour(0.6, 0.1, 0.65), colour(0.6, 0.05, 0.88)),
    ][rng.choice(4, p=[0.4, 0.35, 0.15, 0.1])]
    clouds = gaussian_filter(cloud_noise(size, rng, grain=3, octaves=5), size / 60)
    return blend(blend(high, low, y * 1.1), np.ones(3) * 0.98, np.clip(clouds - 0.1, 0, 1) * 0.8)


def land(size: int, rng: np.random.Generator) -> Picture:
    """Sky over hills and open ground, for buildings and trees."""
    y, x = grid(size)
    picture = sky(size, rng)
    hill = 0.62 + 0.06 * np.sin(x * rng.uniform(3, 6) + rng.uniform(0, 6))
    distant = blend(colour(0.55, 0.25, 0.75), colour(0.33, 0.35, 0.55), np.clip(y, 0, 1))
    picture = blend(picture, distant, (y - hill) / 0.03)
    hue = rng.choice([0.1, 0.2, 0.26, 0.3])
    ground = colour(hue, 0.5, rng.uniform(0.5, 0.72))
    speckle = cloud_noise(size, rng, grain=16, octaves=3) * 0.06
    return blend(picture, ground * (0.75 + 0.35 * y + speckle)[..., None], (y - 0.76) / 0.04)


def road(size: int, rng: np.random.Generator) -> Picture:
    """Asphalt in front of a blurred street or fields."""
    y, _ = grid(size)
    picture = (
        meadow(size, rng) if rng.random() < 0.5 else room(size, rng) * 0.5 + sky(size, rng) * 0.5
    )
    asphalt = colour(0.6, 0.06, rng.uniform(0.35, 0.55))
    speckle = cloud_noise(size, rng, grain=32, octaves=2) * 0.04
    return blend(picture, asphalt * (0.75 + 0.35 * y + speckle)[..., None], (y - 0.68) / 0.03)


def sea(size: int, rng: np.random.Generator) -> Picture:
    """Open water under the sky."""
    y, _ = grid(size)
    hue = rng.uniform(0.5, 0.6)
    ripples = zoom(rng.standard_normal((size // 4, size // 12)), (4, 12), order=1)
    ripples = np.pad(ripples, [(0, size - n) for n in ripples.shape], mode="edge")
    water = blend(
        colour(hue, 0.45, 0.8), colour(hue + 0.02, 0.75, 0.45), (y - 0.55) * 2 + 0.12 * ripples
    )
    return blend(sky(size, rng), water, _horizon(y, rng.uniform(0.52, 0.6), 0.02))


def underwater(size: int, rng: np.random.Generator) -> Picture:
    """Light from above, sand below."""
    y, x = grid(size)
    hue = rng.uniform(0.48, 0.58)
    rays = np.sin((x + 0.4 * y) * rng.uniform(14, 24) + rng.uniform(0, 6)) * 0.12 * (1 - y)
    picture = blend(colour(hue, 0.45, 0.95), colour(hue + 0.05, 0.85, 0.35), y * 0.9 - rays)
    sand = colour(0.11, 0.35, 0.7) * 0.6 + colour(hue, 0.6, 0.6) * 0.4
    return blend(picture, sand, _horizon(y, 0.88, 0.12) * 0.8)


def night(size: int, rng: np.random.Generator) -> Picture:
    """Dark sky with stars."""
    y, _ = grid(size)
    hue = rng.uniform(0.6, 0.75)
    picture = blend(colour(hue, 0.75, 0.12), colour(hue - 0.04, 0.65, 0.42), y)
    haze = np.clip(gaussian_filter(cloud_noise(size, rng, grain=3), size / 30), 0, 1)
    picture = picture + haze[..., None] * colour(hue + 0.12, 0.5, 0.25)
    stars = np.zeros((size, size))
    for _ in range(26):
        row, column = rng.integers(1, size - 1, 2)
        stars[row - 1 : row + 2, column - 1 : column + 2] = rng.uniform(0.3, 1)
    return np.clip(picture + stars[..., None], 0, 1)


def snow(size: int, rng: np.random.Generator) -> Picture:
    """A snow field with blurred dark trees behind."""
    y, _ = grid(size)
    sky_part = blend(colour(0.58, 0.3, 0.75), colour(0.57, 0.1, 0.95), y * 1.6)
    ragged = gaussian_filter(cloud_noise(size, rng, grain=10), size / 60) * 0.2
    trees = colour(0.5, 0.25, 0.45)
    picture = blend(sky_part, trees, _horizon(y + ragged, 0.42, 0.12) * 0.8)
    field = colour(0.6, 0.06, 0.97) * (0.85 + 0.17 * y)[..., None]
    return blend(picture, np.clip(field, 0, 1), _horizon(y, 0.64, 0.06))


def desert(size: int, rng: np.random.Generator) -> Picture:
    """Sand under a hot sky."""
    y, x = grid(size)
    sky_part = blend(colour(0.56, 0.4, 0.9), colour(0.1, 0.25, 1.0), y * 1.5)
    dune = 0.6 + 0.05 * np.sin(x * rng.uniform(3, 7) + rng.uniform(0, 6))
    sand = (
        colour(0.1, 0.5, 0.85) * (0.8 + 0.25 * y + 0.03 * cloud_noise(size, rng, 12, 2))[..., None]
    )
    return blend(sky_part, sand, (y - dune) / 0.02)


KINDS: dict[str, Callable[[int, np.random.Generator], Picture]] = {
    "studio": studio,
    "portrait": portrait,
    "table": table,
    "room": room,
    "meadow": meadow,
    "sky": sky,
    "land": land,
    "road": road,
    "sea": sea,
    "underwater": underwater,
    "night": night,
    "snow": snow,
    "desert": desert,
}

FLOATING = {"sky", "night", "underwater"}
"""Kinds in which a subject touches no ground and so throws no shadow on it."""

# ruff: noqa: E501 (paths of SVG are not for reading across)
"""Pieces of landscape as SVG: skies, mountains, water, trees, for the scenes of the atlas.

Every piece is a function of a palette (colour names to "#rrggbb") and returns SVG elements in a
picture of 100 x 100 units, y downwards.
"""

import math
import random
from collections.abc import Callable, Sequence

Palette = dict[str, str]
Piece = Callable[[Palette], str]

_NATURAL = {
    "sky_high": "#4f93d2", "sky_low": "#d5eaf7", "cloud": "#ffffff",
    "dusk_high": "#4b4f8f", "dusk_middle": "#e8845c", "dusk_low": "#ffd98a",
    "night_high": "#0b1030", "night_low": "#2c3a72", "storm_high": "#3d4650",
    "storm_low": "#98a3a8", "sun": "#fff3b0", "moon": "#f6f2dc", "star": "#fffbe6",
    "far": "#8fa9c4", "rock": "#6f6a66", "rock_dark": "#45413f", "snow": "#f7fbff",
    "snow_shade": "#c3d4e6", "hill": "#7fa85a", "grass": "#5b9a3c", "grass_dark": "#35702f",
    "meadow": "#9cc45c", "leaf": "#2f6d39", "leaf_light": "#4f9650", "autumn": "#d9822b",
    "autumn_dark": "#b0431f", "trunk": "#5d4030", "sea": "#2b7fb8", "sea_light": "#6fc0de",
    "sea_dark": "#174f86", "foam": "#f4fbff", "water": "#7cc4e4", "sand": "#ecd29a",
    "sand_dark": "#c79f62", "wall": "#f4e3c8", "wall_b": "#f0b98d", "wall_c": "#f5d36b",
    "wall_d": "#e58f7c", "roof": "#b6492f", "window": "#42536b", "lit": "#ffd66b",
    "road": "#6b6d73", "wood": "#9b6a3f", "wood_dark": "#6d4527", "cloth": "#d8453e",
    "iron": "#585f6b", "brick": "#a9533c", "lava": "#ff6a21", "flame": "#ffb52e",
    "board": "#36413d", "stone": "#b3a894",
}  # fmt: skip


def _tinted(towards: str, share: float) -> Palette:
    return {name: mix(shade, towards, share) for name, shade in _NATURAL.items()}


def mix(first: str, second: str, share: float) -> str:
    """The "#rrggbb" between two, `share` (0..1) of the way to the second."""
    pairs = zip(bytes.fromhex(first[1:]), bytes.fromhex(second[1:]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


PALETTES: dict[str, Palette] = {
    "photo": _NATURAL,
    "oil_painting": _NATURAL
    | {
        "sky_high": "#3f78b0", "sky_low": "#f1dcae", "cloud": "#fdf0d5", "far": "#8795b5",
        "rock": "#7a6350", "rock_dark": "#463325", "grass": "#6f8f2f", "hill": "#a39b45",
        "leaf": "#33562a", "leaf_light": "#71853a", "sea": "#1f6f8f", "sea_light": "#7fc4b8",
        "dusk_middle": "#ee7440", "night_low": "#2b4c8c", "snow_shade": "#a9bede",
    },
    # a print wants tones far apart more than it wants colours
    "lithograph": _NATURAL
    | {
        "sky_high": "#9c9c9c", "sky_low": "#c6c6c6", "far": "#a5a5a5", "rock": "#6a6a6a",
        "rock_dark": "#2c2c2c", "grass": "#9a9a9a", "hill": "#bababa", "leaf": "#333333",
        "leaf_light": "#5a5a5a", "sea": "#8a8a8a", "water": "#e6e6e6", "foam": "#ffffff",
        "night_high": "#303030", "night_low": "#5f5f5f", "dusk_high": "#8a8a8a",
        "dusk_middle": "#c8c8c8", "dusk_low": "#f4f4f4", "sun": "#ffffff", "stone": "#666666", "snow_shade": "#b0b0b0", "sand": "#e9e9e9",
    },
    "drawing": _tinted("#ffffff", 0.16),
}  # fmt: skip


def _fade(name: str, stops: Sequence[str]) -> str:
    steps = "".join(
        f'<stop offset="{i / (len(stops) - 1):.2f}" stop-color="{c}"/>' for i, c in enumerate(stops)
    )
    return f'<linearGradient id="{name}" x1="0" y1="0" x2="0" y2="1">{steps}</linearGradient>'


def sky(kind: str = "day") -> Piece:
    """The whole picture as sky: "day", "dusk", "night" or "storm"."""

    def piece(p: Palette) -> str:
        stops = {
            "day": [p["sky_high"], p["sky_low"], p["sky_low"]],
            "dusk": [p["dusk_high"], p["dusk_middle"], p["dusk_low"]],
            "night": [p["night_high"], p["night_low"]],
            "storm": [p["storm_high"], p["storm_low"]],
        }[kind]
        return _fade("sky", stops) + '<rect width="100" height="100" fill="url(#sky)"/>'

    return piece


def disc(x: float, y: float, radius: float, shade: str = "sun") -> Piece:
    """Sun or moon with a halo."""

    def piece(p: Palette) -> str:
        halo = f'<circle cx="{x}" cy="{y}" r="{radius * 1.8}" fill="{p[shade]}" opacity="0.3"/>'
        return halo + f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{p[shade]}"/>'

    return piece


def stars(count: int = 30, seed: int = 1, lowest: float = 70) -> Piece:
    """Small stars above `lowest`."""

    def piece(p: Palette) -> str:
        draw = random.Random(seed)
        return "".join(
            f'<circle cx="{draw.uniform(1, 99):.1f}" cy="{draw.uniform(1, lowest):.1f}" '
            f'r="{draw.uniform(0.5, 1.3):.2f}" fill="{p["star"]}"/>'
            for _ in range(count)
        )

    return piece


def clouds(*places: tuple[float, float, float], shade: str = "cloud") -> Piece:
    """Clouds at (x, y, width)."""

    def piece(p: Palette) -> str:
        puffs = []
        for x, y, w in places:
            for dx, dy, r in (
                (-0.3, 0, 0.17),
                (-0.08, -0.1, 0.24),
                (0.18, -0.03, 0.2),
                (0.36, 0.02, 0.13),
            ):
                puffs.append(
                    f'<ellipse cx="{x + dx * w}" cy="{y + dy * w}" rx="{r * w * 1.2}" '
                    f'ry="{r * w * 0.8}" fill="{p[shade]}" opacity="0.92"/>'
                )
        return "".join(puffs)

    return piece


def _polygon(points: Sequence[tuple[float, float]], shade: str) -> str:
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{text}" fill="{shade}"/>'


def mountain(x: float, top: float, base: float, half: float, snow: float = 0.4,
             shade: str = "rock", dark: str = "rock_dark") -> Piece:  # fmt: skip
    """One mountain with a lit and a shaded side; `snow` is the white part of its height."""

    def piece(p: Palette) -> str:
        height = base - top
        ridge = [
            (x, top),
            (x + 0.06 * half, top + 0.35 * height),
            (x - 0.08 * half, top + 0.62 * height),
            (x + 0.1 * half, base),
        ]
        body = _polygon([(x - half, base), (x, top), (x + half, base)], p[shade])
        body += _polygon([*ridge, (x + half, base)], p[dark])
        if snow:
            reach, side = snow * height, snow * half
            low = top + reach
            teeth = [
                (x - side, low), (x - 0.55 * side, low - 0.16 * reach),
                (x - 0.3 * side, low + 0.2 * reach), (x, low - 0.12 * reach),
                (x + 0.35 * side, low + 0.22 * reach), (x + 0.6 * side, low - 0.14 * reach),
                (x + side, low),
            ]  # fmt: skip
            body += _polygon([(x, top), *teeth], p["snow"])
            body += _polygon([(x, top), *teeth[3:]], p["snow_shade"])
        return body

    return piece


def hills(y: float, swing: float, shade: str, waves: float = 1.5, phase: float = 0.0) -> Piece:
    """Ground from a rolling horizon at height y down to the picture's lower edge."""

    def piece(p: Palette) -> str:
        line = [
            (x, y + swing * math.sin(phase + waves * math.tau * x / 100)) for x in range(-2, 104, 2)
        ]
        return _polygon([*line, (104, 101), (-2, 101)], p[shade])

    return piece


def water(y: float, shades: tuple[str, str] = ("sea_light", "sea_dark"), glints: int = 16,
          seed: int = 3) -> Piece:  # fmt: skip
    """Water from height y down, with bright and dark ripples."""

    def piece(p: Palette) -> str:
        draw = random.Random(seed)
        body = _fade("water", [p[shades[0]], p[shades[1]]])
        body += f'<rect y="{y}" width="100" height="{100 - y}" fill="url(#water)"/>'
        for _ in range(glints):
            depth = draw.random()
            length, at = 4 + 16 * depth, y + 1 + (98 - y) * depth
            shade = p["foam"] if draw.random() < 0.6 else p[shades[1]]
            body += (
                f'<ellipse cx="{draw.uniform(0, 100):.1f}" cy="{at:.1f}" rx="{length / 2:.1f}" '
                f'ry="{0.5 + depth:.2f}" fill="{shade}" opacity="0.55"/>'
            )
        return body

    return piece


def glitter(x: float, y: float, width: float, shade: str = "sun") -> Piece:
    """The path of light that a low sun or moon lays on water."""

    def piece(p: Palette) -> str:
        rows = []
        for k in range(9):
            at = y + 2 + k * (96 - y) / 9
            wide = width * (0.5 + 0.5 * math.cos(k * 2.4) ** 2) * (0.6 + k / 12)
            rows.append(
                f'<ellipse cx="{x + 2 * math.sin(k * 5)}" cy="{at:.1f}" rx="{wide:.1f}" '
                f'ry="1.6" fill="{p[shade]}" opacity="0.8"/>'
            )
        return "".join(rows)

    return piece


def fir(x: float, base: float, height: float, shade: str = "leaf", snowy: bool = False) -> Piece:
    """A fir of three tiers."""

    def piece(p: Palette) -> str:
        body = f'<rect x="{x - height * 0.05}" y="{base - height * 0.15}" width="{height * 0.1}" height="{height * 0.15}" fill="{p["trunk"]}"/>'
        for low, wide, tall in ((0.12, 0.32, 0.42), (0.36, 0.26, 0.38), (0.6, 0.18, 0.4)):
            foot = base - low * height
            tip = foot - tall * height
            body += _polygon(
                [(x - wide * height, foot), (x, tip), (x + wide * height, foot)], p[shade]
            )
            if snowy:
                w = wide * height * 0.55
                body += _polygon(
                    [
                        (x - w, tip + 0.55 * tall * height),
                        (x, tip),
                        (x + w * 0.5, tip + 0.4 * tall * height),
                    ],
                    p["snow"],
                )
        return body

    return piece


def leafy(
    x: float, base: float, height: float, shade: str = "leaf_light", dark: str = "leaf"
) -> Piece:
    """A round tree."""

    def piece(p: Palette) -> str:
        top = base - height
        body = f'<rect x="{x - height * 0.05}" y="{base - height * 0.4}" width="{height * 0.1}" height="{height * 0.4}" fill="{p["trunk"]}"/>'
        for dx, dy, r, s in (
            (0.06, 0.36, 0.3, dark),
            (-0.14, 0.42, 0.22, dark),
            (-0.05, 0.28, 0.26, shade),
            (-0.12, 0.36, 0.16, shade),
        ):
            body += f'<circle cx="{x + dx * height}" cy="{top + dy * height}" r="{r * height}" fill="{p[s]}"/>'
        return body

    return piece


def row_of(
    tree: Callable[..., Piece], places: Sequence[tuple[float, float, float]], **how: object
) -> Piece:
    """Trees at (x, base, height), one after another."""
    return lambda p: "".join(tree(x, base, height, **how)(p) for x, base, height in places)


def cottage(x: float, base: float, width: float, wall: str = "wall", roof: str = "roof",
            lit: bool = False, floors: int = 1) -> Piece:  # fmt: skip
    """A little house with a pitched roof, `floors` storeys of windows."""

    def piece(p: Palette) -> str:
        storey = width * 0.62
        top = base - storey * floors
        window = p["lit" if lit else "window"]
        body = f'<rect x="{x - width / 2}" y="{top}" width="{width}" height="{storey * floors}" fill="{p[wall]}"/>'
        body += f'<rect x="{x + width * 0.22}" y="{top}" width="{width * 0.28}" height="{storey * floors}" fill="#000" opacity="0.16"/>'
        body += _polygon(
            [(x - width * 0.62, top), (x, top - width * 0.5), (x + width * 0.62, top)], p[roof]
        )
        for floor in range(floors):
            y = base - storey * (floor + 1) + storey * 0.25
            for dx in (-0.28, 0.12):
                body += f'<rect x="{x + dx * width}" y="{y}" width="{width * 0.17}" height="{storey * 0.4}" fill="{window}"/>'
        return body

    return piece


def block(
    x: float, base: float, width: float, height: float, wall: str = "iron", lit: bool = False
) -> Piece:
    """A tall house with a grid of windows."""

    def piece(p: Palette) -> str:
        body = f'<rect x="{x}" y="{base - height}" width="{width}" height="{height}" fill="{p[wall]}"/>'
        body += f'<rect x="{x + width * 0.7}" y="{base - height}" width="{width * 0.3}" height="{height}" fill="#000" opacity="0.2"/>'
        rows = int(height / 6)
        for i in range(rows):
            for j in range(2):
                if lit and (i * 3 + j * 5 + int(x)) % 4 == 0:
                    continue
                shade = p["lit" if lit else "sky_low"]
                body += f'<rect x="{x + width * (0.16 + 0.38 * j)}" y="{base - height + 2.5 + 6 * i}" width="{width * 0.2}" height="3" fill="{shade}"/>'
        return body

    return piece


def shape(text: str) -> Piece:
    """SVG written out, with palette colours as {names}."""
    return lambda p: text.format(**p)


def waterfall(x: float, top: float, base: float, width: float) -> Piece:
    """A sheet of falling water with streaks, and spray where it lands."""

    def piece(p: Palette) -> str:
        draw = random.Random(int(x * 7 + top))
        body = _polygon(
            [
                (x - width * 0.4, top),
                (x + width * 0.4, top),
                (x + width * 0.55, base),
                (x - width * 0.55, base),
            ],
            p["water"],
        )
        for k in range(7):
            at = x + width * (k / 6 - 0.5) * 0.85
            shade = p["foam"] if k % 2 == 0 else p["sea_light"]
            begin = top + draw.uniform(0, 0.12) * (base - top)
            body += f'<path d="M{at * 0.97 + x * 0.03:.1f} {begin:.1f} L{at + (at - x) * 0.15:.1f} {base}" stroke="{shade}" stroke-width="{width * 0.09:.2f}" opacity="0.9"/>'
        for dx in (-0.5, -0.2, 0.12, 0.42):
            body += f'<circle cx="{x + dx * width}" cy="{base}" r="{width * 0.2}" fill="{p["foam"]}" opacity="0.9"/>'
        return body

    return piece

"""The four styles: each turns a subject and its backdrop into one 64x64 picture.

A subject is an RGBA picture of `CANVAS` pixels a side (transparent around it); a backdrop is
(CANVAS, CANVAS, 3) floats in 0..1. A scene that covers everything is an opaque subject.
"""

from dataclasses import dataclass

import numpy as np
from backdrops import blend, cloud_noise, grid
from PIL import Image
from scipy.ndimage import convolve, gaussian_filter, map_coordinates, zoom

TILE = 64
CANVAS = 192  # everything is drawn at three times the tile and then reduced

Picture = np.ndarray


@dataclass(frozen=True)
class Layers:
    """What a style is given.

    subject: (CANVAS, CANVAS, 3) floats, colours of the subject; alpha: (CANVAS, CANVAS), where it
    is; backdrop: (CANVAS, CANVAS, 3); grounded: whether it stands on something; full: whether the
    subject is a scene that covers the whole picture.
    """

    subject: Picture
    alpha: Picture
    backdrop: Picture
    grounded: bool
    full: bool

    @classmethod
    def of(cls, drawn: Image.Image, backdrop: Picture, grounded: bool, full: bool) -> "Layers":
        """From an RGBA picture of CANVAS pixels a side."""
        rgba = np.asarray(drawn, float) / 255
        return cls(rgba[..., :3], rgba[..., 3], backdrop, grounded, full)

    def over(self, backdrop: Picture) -> Picture:
        """The subject in front of any backdrop."""
        return blend(backdrop, self.subject, self.alpha)


def reduce(picture: Picture) -> np.ndarray:
    """(CANVAS, CANVAS, 3) floats to (TILE, TILE, 3) uint8, antialiased."""
    image = Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
    return np.asarray(image.resize((TILE, TILE), Image.Resampling.LANCZOS))


def luminance(picture: Picture) -> np.ndarray:
    """Rec. 709 luma of (..., 3) floats."""
    return picture @ np.array([0.2126, 0.7152, 0.0722])


def _shadow(layers: Layers) -> np.ndarray:
    """A soft shadow where the subject stands, (CANVAS, CANVAS) in 0..1."""
    if not layers.grounded or layers.full:
        return np.zeros_like(layers.alpha)
    visible = layers.alpha > 0.3
    rows, columns = np.flatnonzero(visible.any(1)), np.flatnonzero(visible.any(0))
    bottom, height = rows[-1], rows[-1] - rows[0] + 1
    # the lowest fifth of the subject decides where and how wide it touches the ground
    foot = np.flatnonzero(visible[bottom - max(height // 5, 2) : bottom + 1].any(0))
    y, x = grid(CANVAS)
    middle = (foot[0] + foot[-1] + 1) / 2 / CANVAS
    width = max((foot[-1] - foot[0] + 1) / CANVAS, 0.3 * (columns[-1] - columns[0]) / CANVAS)
    away = np.hypot((x - middle - 0.02) / (0.62 * width), (y - (bottom + 1) / CANVAS) / 0.055)
    soft = np.clip(1.25 - away, 0, 1) * 0.6
    cast = gaussian_filter(np.roll(layers.alpha, (5, 9), (0, 1)), 7) * 0.22
    return np.clip(soft + cast, 0, 0.8)


def photo(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """A studio or outdoor photograph: soft light, contact shadow, vignette, a little grain."""
    y, x = grid(CANVAS)
    picture = layers.backdrop * (1 - _shadow(layers))[..., None]
    light_x = rng.choice([0.2, 0.8])
    light = 1.08 - 0.30 * np.hypot(x - light_x, y - 0.12)
    grey = luminance(layers.subject)[..., None]
    calm = grey + (layers.subject - grey) * 0.86  # icons are more colourful than most things
    subject = calm * light[..., None]
    if layers.full:
        surface = cloud_noise(CANVAS, rng, grain=12, octaves=4) * 0.055
        subject = subject * (1 + surface)[..., None]
    else:
        # light that the surroundings throw back onto the subject's edge
        rim = np.clip(gaussian_filter(1 - layers.alpha, 5), 0, 1) * layers.alpha
        subject = blend(subject, gaussian_filter(layers.backdrop, (18, 18, 0)), 0.45 * rim)
    picture = blend(picture, np.clip(subject, 0, 1), layers.alpha)
    glow = gaussian_filter(np.clip(picture - 0.75, 0, 1), (9, 9, 0))
    picture = picture + glow * 0.5
    picture = picture * (1.04 - 0.42 * np.clip(np.hypot(x - 0.5, y - 0.5) - 0.35, 0, 1))[..., None]
    picture = np.clip(picture, 0, 1)
    picture = 0.75 * picture + 0.25 * (picture * picture * (3 - 2 * picture))  # film's S-curve
    grain = gaussian_filter(rng.standard_normal((CANVAS, CANVAS)), 1.2) * 0.02
    return reduce(picture + grain[..., None])


def _slow_noise(rng: np.random.Generator, cells: int) -> np.ndarray:
    """Smooth noise that turns about `cells` times across the picture, deviation near 1."""
    coarse = rng.standard_normal((cells + 2, cells + 2))
    return zoom(coarse, CANVAS / cells, order=3)[:CANVAS, :CANVAS]


def _flow(picture: Picture, rng: np.random.Generator) -> np.ndarray:
    """The angle along which brush strokes run, (CANVAS, CANVAS) radians.

    Along the edges where there are some, along a slowly turning field elsewhere.
    """
    grey = luminance(picture)
    smooth = gaussian_filter(grey, 2)
    down, right = np.gradient(smooth)
    xx, yy, xy = (gaussian_filter(a, 6) for a in (right * right, down * down, right * down))
    turn = _slow_noise(rng, cells=3) * 0.7 + rng.uniform(0, np.pi)
    weak = 4e-5  # keeps the field in charge where the picture is flat
    along = 0.5 * np.arctan2(2 * xy - weak * np.sin(2 * turn), xx - yy - weak * np.cos(2 * turn))
    return along + np.pi / 2


def _brush(length: int, width: int, angle: float, rng: np.random.Generator) -> np.ndarray:
    """One stroke's paint thickness, (n, n) in 0..1, with the marks of its bristles."""
    half = length // 2 + width
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    u = np.cos(angle) * x + np.sin(angle) * y
    v = -np.sin(angle) * x + np.cos(angle) * y
    inside = np.hypot(np.clip(np.abs(u) - length / 2, 0, None), v)
    body = np.clip((width / 2 - inside) + 0.5, 0, 1)
    bristles = np.interp(v, np.linspace(-half, half, 2 * half + 1), rng.random(2 * half + 1))
    return body * (0.55 + 0.45 * bristles)


_ANGLES = 16


def _stroke_layer(
    canvas: Picture,
    relief: np.ndarray,
    wanted: Picture,
    angles: np.ndarray,
    brush: tuple[int, int],
    step: float,
    tolerance: float,
    rng: np.random.Generator,
) -> None:
    """Paint strokes of one brush in place, where the canvas still lacks what is wanted.

    canvas (n, n, 3) and relief (n, n) carry a border for strokes that leave the picture; brush is
    (length, width); a place is left alone when it differs by less than `tolerance`.
    """
    length, width = brush
    border = (len(canvas) - CANVAS) // 2
    source = gaussian_filter(wanted, (width / 3, width / 3, 0))
    stamps = [_brush(length, width, np.pi * k / _ANGLES, rng) for k in range(_ANGLES)]
    axis = np.arange(step / 2, CANVAS, step)
    places = np.array([(y, x) for y in axis for x in axis])
    places = places + rng.uniform(-step / 2, step / 2, places.shape)
    rng.shuffle(places)
    places = places.clip(0, CANVAS - 1).astype(int)
    gap = gaussian_filter(
        np.abs(canvas[border:-border, border:-border] - source).sum(-1), width / 2
    )
    places = places[gap[places[:, 0], places[:, 1]] >= tolerance]
    shades = 1 + rng.normal(0, 0.045, len(places))
    tints = rng.normal(0, 0.018, (len(places), 3))
    for (y, x), shade, tint in zip(places, shades, tints, strict=True):
        stamp = stamps[round(angles[y, x] / np.pi * _ANGLES) % _ANGLES]
        half = len(stamp) // 2
        rows = slice(y + border - half, y + border + half + 1)
        columns = slice(x + border - half, x + border + half + 1)
        cover = np.clip(stamp * 1.5, 0, 1)
        paint = source[y, x] * shade + tint
        canvas[rows, columns] += (paint - canvas[rows, columns]) * cover[..., None]
        relief[rows, columns] += (stamp - relief[rows, columns]) * (cover > 0.2)


def oil_painting(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Strokes of three brushes on a toned ground, rich colours, light grazing the thick paint."""
    y, x = grid(CANVAS)
    warm = np.array([0.62, 0.45, 0.28])
    back = layers.backdrop * 0.78 + warm * 0.22
    back = back * (1 - 0.8 * _shadow(layers))[..., None]
    back = back * (1.08 - 0.35 * np.hypot(x - 0.35, y - 0.3))[..., None]
    picture = layers.over(back)
    light = 1.1 - 0.32 * np.hypot(x - 0.25, y - 0.15)
    picture = np.clip(picture * (1 + (light - 1) * layers.alpha)[..., None], 0, 1)
    grey = luminance(picture)[..., None]
    picture = np.clip(grey + (picture - grey) * 1.18, 0, 1)
    picture = picture * np.array([1.0, 0.965, 0.86]) + np.array([0.025, 0.012, 0.0])
    border = 40
    canvas = np.ones((CANVAS + 2 * border, CANVAS + 2 * border, 3)) * warm * 0.7
    relief = np.zeros(canvas.shape[:2])
    angles = _flow(picture, rng)
    for brush, step, tolerance in (
        ((34, 13), 8.0, 0.0),
        ((18, 7), 4.5, 0.13),
        ((9, 4), 2.6, 0.13),
    ):
        _stroke_layer(canvas, relief, picture, angles, brush, step, tolerance, rng)
    inner = slice(border, -border)
    painted, thick = canvas[inner, inner], gaussian_filter(relief[inner, inner], 0.8)
    slope = convolve(thick, np.array([[-1, -1, 0], [-1, 0, 1], [0, 1, 1]]) / 3.0)
    return reduce(painted * (1 - 0.30 * np.clip(slope, -0.6, 0.6))[..., None])


def _outline(layers: Layers, thickness: float) -> np.ndarray:
    """How strongly a pen would draw here, (CANVAS, CANVAS) in 0..1.

    It draws the subject's contour and the borders between its colours.
    """
    soft = gaussian_filter(layers.alpha, thickness)
    contour = np.hypot(*np.gradient(soft)) * thickness * 2.4
    whole = layers.over(np.ones(3))
    inner = np.zeros_like(contour)
    for channel in range(3):
        smooth = gaussian_filter(whole[..., channel], thickness * 0.8)
        inner = np.maximum(inner, np.hypot(*np.gradient(smooth)) * thickness * 2.2)
    if layers.full:
        return np.clip(inner * 1.8, 0, 1)
    return np.clip(np.maximum(contour, inner), 0, 1)


def _hatching(angle: float, period: float, tone: np.ndarray, wobble: np.ndarray) -> np.ndarray:
    """Ink of parallel lines whose width follows the tone (0 white .. 1 black)."""
    y, x = np.mgrid[0:CANVAS, 0:CANVAS].astype(float)
    across = (np.cos(angle) * x + np.sin(angle) * y + wobble) / period
    distance = np.abs(across % 1 - 0.5) * 2  # 0 in a line's middle, 1 halfway to the next
    return np.clip((tone - distance) * period / 2 + 0.5, 0, 1)


def lithograph(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Ink on cream paper: outlines, hatching as dense as the picture is dark, crayon grain."""
    y, x = grid(CANVAS)
    outline = _outline(layers, 1.6)
    tone = luminance(layers.subject)
    inside = layers.alpha > 0.5
    low, high = np.percentile(tone[inside], (3, 97)) if inside.any() else (0, 1)
    high = max(high, 0.6)  # a dark subject stays dark
    dark = np.clip((high - tone) / max(high - low, 0.25), 0, 1)
    if layers.full:
        # part what lies next to each other: a tone counts against its surroundings
        dark = np.clip(dark + 0.7 * (dark - gaussian_filter(dark, 22)), 0, 1)
        tone = 0.92 * dark**1.3
    else:
        # round the subject off: darker towards the lower right edge
        turned = np.clip((0.95 - gaussian_filter(layers.alpha, 15)) * (x + y - 0.65), 0, 1)
        dark = 0.06 + 0.84 * dark**1.2 + 0.55 * turned
        back = (1 - luminance(layers.backdrop)) ** 1.3 * rng.choice([0.35, 0.55, 0.75])
        # white is left around the subject, so that it stands free
        halo = 1 - 0.85 * np.clip(gaussian_filter(layers.alpha, 5) * 1.7, 0, 1)
        back = np.clip(back * halo + 0.9 * _shadow(layers), 0, 1)
        tone = np.clip(back * (1 - layers.alpha) + dark * layers.alpha, 0, 1)
    wobble = _slow_noise(rng, cells=4) * 1.3
    slant = rng.choice([0.7, 0.85, -0.75])
    period = 7.2
    lines = _hatching(slant, period, np.clip(tone * 1.1 - 0.16, 0, 0.8), wobble)
    cross = _hatching(slant + 1.7, period, np.clip((tone - 0.5) * 1.5, 0, 0.8), wobble)
    grain = gaussian_filter(rng.standard_normal((CANVAS, CANVAS)), 1.1)
    crayon = np.clip(tone * 0.95 - 0.1 + grain * 0.6, 0, 1) * np.clip(tone * 1.2, 0, 1)
    ink = np.maximum.reduce([lines * 0.8, cross * 0.88, crayon * 0.9, outline * 0.95])
    ink_colour = np.array(
        [(0.10, 0.09, 0.085), (0.15, 0.12, 0.10), (0.11, 0.115, 0.13)][rng.integers(3)]
    )
    cream = np.array([0.955, 0.925, 0.855]) * rng.uniform(0.96, 1.0)
    fibres = gaussian_filter(rng.standard_normal((CANVAS, CANVAS)), 1.6) * 0.035
    paper = cream * (1 + fibres + 0.02 * cloud_noise(CANVAS, rng))[..., None]
    return reduce(blend(paper, ink_colour, ink * (1 + grain * 0.25)))


def drawing(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Coloured pencil with a graphite outline on white paper."""
    fibres = gaussian_filter(rng.standard_normal((CANVAS, CANVAS)), 1.3)
    fibres /= fibres.std()
    paper = np.array([0.985, 0.98, 0.965]) * (1 + 0.012 * fibres)[..., None]
    # the hand shakes: bend the picture by about a pixel
    bend_y, bend_x = (_slow_noise(rng, cells=9) * 0.5 for _ in range(2))
    y, x = np.mgrid[0:CANVAS, 0:CANVAS].astype(float)

    def bent(channel: np.ndarray) -> np.ndarray:
        return map_coordinates(channel, (y + bend_y, x + bend_x), order=1, mode="nearest")

    subject = np.stack([bent(layers.subject[..., c]) for c in range(3)], -1)
    alpha = bent(layers.alpha)
    layers = Layers(subject, alpha, layers.backdrop, layers.grounded, layers.full)

    slant = rng.uniform(0.5, 0.9)
    strokes = _pencil(slant, rng)
    shade = _pencil(slant + 1.3, rng)
    pressure = np.clip(0.80 + 0.16 * strokes + 0.06 * fibres, 0, 1)
    ground = layers.backdrop * 0.55 + 0.45
    yy, xx = grid(CANVAS)
    reach = np.clip(1.25 - np.hypot(xx - 0.5, (yy - 0.55) * 1.05) * 1.9, 0, 1)
    wash = np.clip(reach * (0.75 + 0.55 * shade) + 0.05 * fibres, 0, 0.9)
    picture = blend(paper, ground, wash * rng.choice([0.0, 0.6, 0.9, 1.0]))
    scribble = _shadow(layers) * np.clip(0.75 + 0.6 * strokes, 0, 1)
    picture = picture * (1 - 0.55 * scribble)[..., None]
    pencil = blend(np.array([1.0, 0.995, 0.98]), subject, np.clip(pressure, 0.45, 1))
    dark = np.clip((xx + yy - 0.8) * 0.4, 0, 0.22) * (0.6 + 0.4 * shade)
    pencil = pencil * (1 - dark)[..., None]
    picture = blend(picture, pencil, alpha)
    line = _outline(layers, 1.7) * np.clip(0.95 + 0.1 * fibres, 0.5, 1)
    return reduce(blend(picture, np.array([0.17, 0.16, 0.19]), line * 0.88))


def _pencil(angle: float, rng: np.random.Generator) -> np.ndarray:
    """Uneven parallel pencil strokes, (CANVAS, CANVAS), about -1..1."""
    side = int(CANVAS * 1.5)
    rough = zoom(rng.standard_normal((side // 3 + 1, 10)), (3, side / 10), order=1)
    rough = rough[:side, :side]
    y, x = np.mgrid[0:CANVAS, 0:CANVAS] - CANVAS / 2
    across = np.cos(angle) * y + np.sin(angle) * x + side / 2
    along = -np.sin(angle) * y + np.cos(angle) * x + side / 2
    return np.clip(map_coordinates(rough, (across, along), order=1, mode="nearest"), -1.5, 1.5)


STYLES = {
    "photo": photo,
    "oil_painting": oil_painting,
    "lithograph": lithograph,
    "drawing": drawing,
}

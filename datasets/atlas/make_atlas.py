"""Render the atlas: every chosen subject and scene in four styles, as one sheet per style.

    python datasets/atlas/make_atlas.py --packages node_modules --out datasets/atlas

The same packages give the same tiles. README.md beside this file says which packages to install.
"""

import argparse
import json
import math
import sys
from functools import cache
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from artist import Artist, seeded
from backdrops import FLOATING, KINDS
from choose import STYLE_WORDS, Subject, choose, clean_keywords
from icons import IconSet
from PIL import Image
from places import backdrop_kind
from scenery import PALETTES
from scenes import SCENES, Scene
from styles import CANVAS, STYLES, TILE, Layers

COLUMNS = 32
ICON_SETS = {
    "photo": "fluent-emoji",
    "oil_painting": "noto",
    "lithograph": "fluent-emoji-flat",
    "drawing": "twemoji",
}
STEP = 5
"""Values are rounded to multiples of this before they are stored: an error of 2 in 255 that nobody
sees, and half the bytes. Lossy WebP would halve the resolution of the colours instead."""
_SCENES_BY_NAME = {scene.name: scene for scene in SCENES}


def all_subjects(packages: Path) -> list[Subject]:
    """Single icons first, then scenes, in the order of the tiles."""
    scenes = [
        Subject(scene.name, clean_keywords(scene.keywords.split(";"), scene.name), "Scenes")
        for scene in SCENES
    ]
    return choose(packages) + scenes


@cache
def icon_set(packages: Path, name: str) -> IconSet:
    """An icon set, read once and shared: it remembers what it has measured."""
    return IconSet(packages, name)


@cache
def artist_for(packages: Path, style: str) -> Artist:
    """The artist who draws with the style's icon set and palette."""
    icons = icon_set(packages, ICON_SETS[style])
    model = icon_set(packages, ICON_SETS["photo"])
    return Artist(packages, icons, model, PALETTES[style])


def render(packages: Path, style: str, subject: Subject) -> np.ndarray:
    """One tile: (TILE, TILE, 3) uint8."""
    artist = artist_for(packages, style)
    if subject.unicode_name is not None:
        drawn = artist.draw_lone(subject.unicode_name, CANVAS)
        kind: str | None = backdrop_kind(subject, seeded("kind", subject.name))
    else:
        scene: Scene = _SCENES_BY_NAME[subject.name]
        drawn, kind = artist.draw_scene(scene, CANVAS), scene.backdrop
    # the same backdrop in every style, so that the styles of a subject agree on where things are
    backdrop = (
        np.ones((CANVAS, CANVAS, 3))
        if kind is None
        else KINDS[kind](CANVAS, seeded("backdrop", subject.name))
    )
    layers = Layers.of(drawn, backdrop, grounded=kind not in FLOATING, full=kind is None)
    return STYLES[style](layers, seeded(style, subject.name))


def _render_all_styles(job: tuple[Path, Subject]) -> list[np.ndarray]:
    packages, subject = job
    return [render(packages, style, subject) for style in STYLES]


def sheet(tiles: list[np.ndarray]) -> Image.Image:
    """Tiles in row-major order, COLUMNS in a row, rounded to STEP; black where none is left."""
    rows = math.ceil(len(tiles) / COLUMNS)
    pixels = np.zeros((rows * TILE, COLUMNS * TILE, 3), np.uint8)
    for index, tile in enumerate(tiles):
        y, x = index // COLUMNS * TILE, index % COLUMNS * TILE
        pixels[y : y + TILE, x : x + TILE] = tile
    rounded = (pixels.astype(int) + STEP // 2) // STEP * STEP
    return Image.fromarray(rounded.astype(np.uint8))


def index_of(subjects: list[Subject]) -> dict:
    """What subjects.json holds."""
    return {
        "version": 1,
        "columns": COLUMNS,
        "tile": TILE,
        "styles": [{"name": name, "words": words.split()} for name, words in STYLE_WORDS.items()],
        "subjects": [
            {"name": subject.name, "keywords": list(subject.keywords), "group": subject.group}
            for subject in subjects
        ],
    }


def main() -> None:
    """Read the command line, render, write the sheets and subjects.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--packages", type=Path, required=True, help="the node_modules folder with the icon sets"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent, help="folder to write to"
    )
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    if not (options.packages / "@iconify-json").is_dir():
        sys.exit(
            f"{options.packages} holds no @iconify-json packages: run the npm command in "
            f"{Path(__file__).parent / 'README.md'} and pass the node_modules folder it makes."
        )
    subjects = all_subjects(options.packages)
    jobs = [(options.packages, subject) for subject in subjects]
    with Pool(options.processes) as pool:
        tiles = pool.map(_render_all_styles, jobs, chunksize=4)
    options.out.mkdir(parents=True, exist_ok=True)
    for position, style in enumerate(STYLES):
        picture = sheet([of_subject[position] for of_subject in tiles])
        picture.save(options.out / f"{style}.webp", lossless=True, quality=75, method=4)
    text = json.dumps(index_of(subjects), indent=1, ensure_ascii=False)
    (options.out / "subjects.json").write_text(text + "\n", "utf-8")
    print(f"{len(subjects)} subjects, {len(SCENES)} of them scenes, {len(STYLES)} styles")


if __name__ == "__main__":
    main()

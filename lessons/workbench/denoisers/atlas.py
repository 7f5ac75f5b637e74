"""The atlas: the stored pictures behind the embedded denoiser, with their names and styles."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

ATLAS_VARIABLE = "DIFFUSION_ATLAS"
SHEET_SUFFIXES = (".webp", ".png")
FORMAT_VERSION = 1


class AtlasError(RuntimeError):
    """The atlas's files are missing or don't fit together; the message says what to do."""


@dataclass(frozen=True)
class Subject:
    """One thing the atlas shows, drawn once in every style.

    Attributes:
        name: lower case words joined by underscores, such as "old_man".
        keywords: other words or phrases for it.
        group: the family it belongs to, such as "Animals & Nature".
    """

    name: str
    keywords: tuple[str, ...] = ()
    group: str = ""


@dataclass(frozen=True)
class Style:
    """One way of drawing all subjects.

    Attributes:
        name: such as "oil_painting".
        words: the words or phrases of a prompt that ask for it.
    """

    name: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Atlas:
    """Pictures of every subject in every style.

    Attributes:
        pictures: (N, 3, 64, 64) uint8, 0 to 255; N = len(styles) * len(subjects). Picture
            `style * len(subjects) + subject` shows that subject in that style.
        subjects: the things shown.
        styles: the ways of drawing them.
    """

    pictures: Tensor
    subjects: tuple[Subject, ...]
    styles: tuple[Style, ...]

    def picture(self, subject: str, style: str) -> Tensor:
        """Return one picture, (3, 64, 64) float32 in [-1, 1].

        Raises:
            KeyError: if the atlas has no such subject or style.
        """
        subject_names = [s.name for s in self.subjects]
        style_names = [s.name for s in self.styles]
        if subject not in subject_names:
            raise KeyError(f"The atlas has no subject called {subject!r}.")
        if style not in style_names:
            raise KeyError(f"The atlas has no style {style!r}; it has {', '.join(style_names)}.")
        index = style_names.index(style) * len(subject_names) + subject_names.index(subject)
        return self.pictures[index].float() / 127.5 - 1

    def nearest(self, pictures: Tensor) -> tuple[Tensor, list[str], Tensor]:
        """Find the stored picture, or mirror image of one, that is most like each picture.

        Args:
            pictures: (B, 3, 64, 64) in about [-1, 1].

        Returns:
            The stored pictures, (B, 3, 64, 64) float32 in [-1, 1]; the names of what they show; and
            how far off they are, (B,), the root mean squared difference.
        """
        stored = self.pictures.float() / 127.5 - 1
        stored = torch.cat([stored, stored.flip(-1)])
        distances = torch.cdist(pictures.detach().cpu().float().flatten(1), stored.flatten(1))
        distance, index = distances.min(dim=1)
        names = [self.subjects[i % len(self.subjects)].name for i in index.tolist()]
        return stored[index], names, distance / pictures[0].numel() ** 0.5


def atlas_folder() -> Path:
    """Return where the atlas lies: $DIFFUSION_ATLAS if set, else datasets/atlas of this project."""
    override = os.environ.get(ATLAS_VARIABLE)
    return Path(override) if override else Path(__file__).parents[3] / "datasets" / "atlas"


def load_atlas(folder: str | Path | None = None) -> Atlas:
    """Read subjects.json and one sheet of tiles for each style.

    Args:
        folder: where they lie; `atlas_folder()` if None.

    Raises:
        AtlasError: if a file is missing, damaged or of the wrong size.
    """
    folder = atlas_folder() if folder is None else Path(folder)
    index = _read_index(folder)
    try:
        subjects = tuple(
            Subject(s["name"], tuple(s.get("keywords", ())), s.get("group", ""))
            for s in index["subjects"]
        )
        styles = tuple(Style(s["name"], tuple(s.get("words", ()))) for s in index["styles"])
        columns, tile = int(index["columns"]), int(index["tile"])
    except (KeyError, TypeError) as error:
        raise AtlasError(f"{folder / 'subjects.json'} lacks an entry: {error}.") from error
    with ThreadPoolExecutor() as threads:
        sheets = threads.map(
            lambda style: _read_sheet(folder, style.name, len(subjects), columns, tile), styles
        )
        tiles = torch.from_numpy(np.concatenate(list(sheets)))
    return Atlas(tiles.permute(0, 3, 1, 2), subjects, styles)


def _read_index(folder: Path) -> dict:
    path = folder / "subjects.json"
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AtlasError(
            f"There is no atlas in {folder}: check out the whole repository, "
            f"or set {ATLAS_VARIABLE} to a folder that holds subjects.json and the style sheets."
        ) from None
    except (OSError, ValueError) as error:
        raise AtlasError(f"{path} can't be read; restore it. ({error})") from error
    if not isinstance(index, dict) or index.get("version") != FORMAT_VERSION:
        raise AtlasError(f"{path} is not of version {FORMAT_VERSION}, which this course reads.")
    return index


def _read_sheet(folder: Path, style: str, count: int, columns: int, tile: int) -> np.ndarray:
    """Cut one style's sheet into (count, tile, tile, 3) uint8, row by row."""
    path = next((p for s in SHEET_SUFFIXES if (p := folder / f"{style}{s}").is_file()), None)
    if path is None:
        raise AtlasError(f"The atlas in {folder} has no sheet {style}.webp; restore it.")
    try:
        with Image.open(path) as image:
            sheet = np.asarray(image.convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise AtlasError(f"{path} can't be read as a picture ({error}); restore it.") from error
    rows = -(-count // columns)
    if sheet.shape[0] < rows * tile or sheet.shape[1] != columns * tile:
        raise AtlasError(
            f"{path} is {sheet.shape[1]} x {sheet.shape[0]} pixels, too small or too wide "
            f"for {count} tiles of {tile} pixels in {columns} columns; restore it."
        )
    tiles = sheet[: rows * tile].reshape(rows, tile, columns, tile, 3).swapaxes(1, 2)
    return tiles.reshape(rows * columns, tile, tile, 3)[:count]

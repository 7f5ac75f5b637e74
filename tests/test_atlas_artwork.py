"""The artwork in datasets/atlas: complete, readable, and in four styles that really differ."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ATLAS = Path(__file__).parent.parent / "datasets" / "atlas"
STYLES = ["photo", "oil_painting", "lithograph", "drawing"]
MEGABYTE = 10**6

# what the lessons' prompts name, each with words that a subject must have among its own
PROMPT_SUBJECTS = {
    "rocket ship": "rocket ship",
    "pencil": "pencil",
    "skull": "skull",
    "dog": "dog",
    "cat": "cat",
    "man": "man",
    "old man": "old man",
    "man wearing a hat": "man wearing a hat",
    "people around a campfire": "campfire",
    "snowy mountain village": "village",
    "mountains": "mountains",
    "waterfalls": "waterfalls",
    "ocean wave": "wave",
    "hipster barista": "barista",
    "cup of coffee": "coffee",
    "amalfi coast": "coast",
    "village": "village",
    "forest": "forest",
    "tower": "tower",
    "sailing boat on the sea": "sailing",
    "sunset over the sea": "sunset",
    "red heart": "heart",
    "envelope": "envelope",
    "avocado": "avocado",
    "house": "house",
    "evergreen tree": "tree",
    "star": "star",
}


@pytest.fixture(scope="module")
def index() -> dict:
    return json.loads((ATLAS / "subjects.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def sheets(index: dict) -> dict[str, np.ndarray]:
    """(subjects, 64, 64, 3) uint8 for each style."""
    tile, columns, count = index["tile"], index["columns"], len(index["subjects"])
    found = {}
    for style in STYLES:
        path = next(p for e in ("webp", "png") if (p := ATLAS / f"{style}.{e}").exists())
        pixels = np.asarray(Image.open(path))
        rows = -(-count // columns)
        assert pixels.shape == (rows * tile, columns * tile, 3)
        tiles = pixels.reshape(rows, tile, columns, tile, 3).swapaxes(1, 2)
        found[style] = tiles.reshape(-1, tile, tile, 3)
    return found


def test_index_has_the_agreed_shape(index):
    assert (index["version"], index["columns"], index["tile"]) == (1, 32, 64)
    assert [style["name"] for style in index["styles"]] == STYLES
    assert len(index["subjects"]) >= 600
    for subject in index["subjects"]:
        assert set(subject) == {"name", "keywords", "group"}


def test_names_are_unique_readable_words(index):
    names = [subject["name"] for subject in index["subjects"]]
    assert len(set(names)) == len(names)
    for name in names:
        assert all(word.isalnum() and word == word.lower() for word in name.split()), name


def test_keywords_are_lower_case_and_not_the_name(index):
    for subject in index["subjects"]:
        keywords = subject["keywords"]
        assert keywords, subject["name"]
        assert len(set(keywords)) == len(keywords)
        for keyword in keywords:
            assert keyword == keyword.lower().strip() and keyword != subject["name"]


def test_no_subject_claims_a_style_word(index):
    """Otherwise "a photo of a dog" would call up the camera."""
    taken = {word for style in index["styles"] for word in style["words"]} | {
        "picture",
        "high",
        "quality",
    }
    for subject in index["subjects"]:
        said = {word for keyword in subject["keywords"] for word in keyword.split()}
        assert not taken & (said | set(subject["name"].split())), subject["name"]


def test_no_word_chooses_two_styles(index):
    words = [word for style in index["styles"] for word in style["words"]]
    assert len(set(words)) == len(words)
    for style, word in zip(index["styles"], ["photo", "oil", "lithograph", "drawing"], strict=True):
        assert word in style["words"]


@pytest.mark.parametrize(("name", "word"), PROMPT_SUBJECTS.items())
def test_every_prompt_of_the_course_has_a_subject(index, name, word):
    entry = next((s for s in index["subjects"] if s["name"] == name), None)
    assert entry is not None
    said = " ".join([entry["name"], *entry["keywords"]]).split()
    assert set(word.split()) <= set(said)


def test_folder_is_small_enough_for_the_repository():
    size = sum(path.stat().st_size for path in ATLAS.rglob("*") if path.is_file())
    assert size <= 15 * MEGABYTE


def test_every_tile_shows_something(index, sheets):
    for style, tiles in sheets.items():
        spread = tiles[: len(index["subjects"])].std(axis=(1, 2, 3))
        blank = [index["subjects"][i]["name"] for i in np.flatnonzero(spread < 8)]
        assert not blank, (style, blank)


def test_tiles_after_the_last_subject_are_black(index, sheets):
    for tiles in sheets.values():
        assert not tiles[len(index["subjects"]) :].any()


def test_no_two_subjects_share_a_picture(index, sheets):
    count = len(index["subjects"])
    for style, tiles in sheets.items():
        small = tiles[:count].reshape(count, 16, 4, 16, 4, 3).mean((2, 4)).reshape(count, -1)
        squares = (small**2).sum(1)
        apart = squares[:, None] + squares[None] - 2 * small @ small.T
        np.fill_diagonal(apart, np.inf)
        first, second = np.unravel_index(apart.argmin(), apart.shape)
        pair = (index["subjects"][first]["name"], index["subjects"][second]["name"])
        assert apart.min() / small.shape[1] > 16, (style, pair)


def _saturation(tiles: np.ndarray) -> float:
    """Mean distance between the largest and the smallest channel, 0..1."""
    return float((tiles.max(-1).astype(float) - tiles.min(-1)).mean() / 255)


def test_lithographs_are_nearly_colourless_and_paintings_are_not(index, sheets):
    colour = {
        style: _saturation(tiles[: len(index["subjects"])]) for style, tiles in sheets.items()
    }
    assert colour["lithograph"] < 0.12
    assert colour["photo"] > 2 * colour["lithograph"]
    assert colour["oil_painting"] > 2 * colour["lithograph"]


def test_paper_styles_are_brighter_than_photo_and_painting(index, sheets):
    bright = {
        style: float(np.median(tiles[: len(index["subjects"])], axis=(1, 2, 3)).mean())
        for style, tiles in sheets.items()
    }
    assert min(bright["lithograph"], bright["drawing"]) > max(
        bright["photo"], bright["oil_painting"]
    )


def test_a_style_can_be_told_from_simple_statistics(index, sheets):
    """A linear classifier on six numbers per tile, fitted on every second subject, names the style
    of the others nine times in ten; chance is one in four."""
    count = len(index["subjects"])
    features = {}
    for style, tiles in sheets.items():
        values = tiles[:count].astype(float) / 255
        grey = values.mean(-1)
        chroma = values.max(-1) - values.min(-1)
        jumps = np.abs(np.diff(grey, axis=2))
        rim = np.concatenate([values[:, 0], values[:, -1], values[:, :, 0], values[:, :, -1]], 1)
        features[style] = np.column_stack(
            [
                grey.mean((1, 2)),
                chroma.mean((1, 2)),
                np.median(jumps, (1, 2)),
                jumps.mean((1, 2)),
                rim.mean((1, 2)),
                rim.std((1, 2)),
            ]
        )
    seen = np.concatenate([features[s][::2] for s in STYLES])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    labels = np.repeat(STYLES, [len(features[s][::2]) for s in STYLES])
    model.fit(seen, labels)
    right = {s: model.score(features[s][1::2], [s] * len(features[s][1::2])) for s in STYLES}
    assert min(right.values()) > 0.8, right
    assert np.mean(list(right.values())) > 0.9, right


@pytest.mark.parametrize(
    ("file", "phrase"),
    [
        ("Apache-2.0-noto.txt", "Apache License"),
        ("MIT-fluent-emoji.txt", "Copyright (c) Microsoft Corporation"),
        ("CC-BY-4.0-twemoji.txt", "Attribution 4.0 International"),
        ("MIT-emojilib.txt", "Mu-An Chiou"),
        ("MIT-unicode-emoji-json.txt", "Mu-An Chiou"),
    ],
)
def test_licences_lie_beside_the_artwork(file, phrase):
    assert phrase in (ATLAS / "licenses" / file).read_text("utf-8")


def test_readme_credits_every_source():
    text = (ATLAS / "README.md").read_text("utf-8")
    for credit in ("Noto", "Google", "Fluent", "Microsoft", "Twemoji", "Twitter", "CC-BY-4.0"):
        assert credit in text

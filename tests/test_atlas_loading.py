import json

import numpy as np
import pytest
import torch
from PIL import Image

from lessons.workbench.denoisers import AtlasError, load_atlas

INDEX = {
    "version": 1,
    "columns": 2,
    "tile": 64,
    "styles": [{"name": "photo", "words": ["photo"]}, {"name": "drawing", "words": ["drawing"]}],
    "subjects": [{"name": n, "keywords": [n], "group": "g"} for n in ("cat", "dog", "owl")],
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "subjects.json").write_text(json.dumps(INDEX))
    for style, shade in (("photo", 0), ("drawing", 100)):
        sheet = np.zeros((128, 128, 3), dtype=np.uint8)
        for i in range(3):
            y, x = i // 2 * 64, i % 2 * 64
            sheet[y : y + 64, x : x + 64] = (shade + 10 * i, y, x)
        Image.fromarray(sheet).save(tmp_path / f"{style}.png")
    return tmp_path


def test_tiles_are_read_row_by_row_and_style_by_style(folder):
    atlas = load_atlas(folder)
    assert atlas.pictures.shape == (6, 3, 64, 64) and atlas.pictures.dtype == torch.uint8
    assert atlas.pictures[:, 0, 5, 5].tolist() == [0, 10, 20, 100, 110, 120]
    assert atlas.pictures[2, :, 0, 0].tolist() == [20, 64, 0]
    assert [s.name for s in atlas.subjects] == ["cat", "dog", "owl"]


def test_a_picture_by_its_name(folder):
    picture = load_atlas(folder).picture("dog", "drawing")
    assert picture.shape == (3, 64, 64) and picture.dtype == torch.float32
    assert abs(float(picture[0, 0, 0]) - (110 / 127.5 - 1)) < 1e-6
    with pytest.raises(KeyError, match="unicorn"):
        load_atlas(folder).picture("unicorn", "photo")
    with pytest.raises(KeyError, match="photo, drawing"):
        load_atlas(folder).picture("dog", "fresco")


def test_the_folder_can_be_chosen(folder, monkeypatch):
    monkeypatch.setenv("DIFFUSION_ATLAS", str(folder))
    assert len(load_atlas().pictures) == 6


def test_what_is_missing_or_damaged_is_named(folder, tmp_path):
    with pytest.raises(AtlasError, match="no atlas in"):
        load_atlas(tmp_path / "nowhere")
    (folder / "photo.png").write_bytes(b"not a picture")
    with pytest.raises(AtlasError, match=r"photo\.png can't be read"):
        load_atlas(folder)
    (folder / "photo.png").unlink()
    with pytest.raises(AtlasError, match=r"no sheet photo\.webp"):
        load_atlas(folder)
    Image.new("RGB", (128, 64)).save(folder / "photo.png")
    with pytest.raises(AtlasError, match="3 tiles of 64 pixels"):
        load_atlas(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "can't be read"),
        ('{"version": 9}', "not of version 1"),
        ('{"version": 1}', "lacks an entry"),
    ],
)
def test_a_bad_index_is_told(folder, text, message):
    (folder / "subjects.json").write_text(text)
    with pytest.raises(AtlasError, match=message):
        load_atlas(folder)


def test_the_nearest_picture_may_be_a_mirror_image(folder):
    atlas = load_atlas(folder)
    atlas.pictures[2, :, :, :10] = 255  # a stripe on the left
    stored = atlas.pictures[2].float() / 127.5 - 1
    asked = torch.stack([stored, stored.flip(-1) + 0.01])
    found, names, distances = atlas.nearest(asked)
    assert torch.equal(found[0], stored) and torch.equal(found[1], stored.flip(-1))
    assert names == [atlas.subjects[2 % len(atlas.subjects)].name] * 2
    assert distances[0] < 1e-3 and abs(distances[1] - 0.01) < 1e-3

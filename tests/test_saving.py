"""Saved pictures are what was shown, and no file is ever replaced."""

import pytest
import torch
from PIL import Image

from lessons.workbench.pictures.saving import save_gif, save_png


def test_a_png_holds_the_picture_pixel_by_pixel(tmp_path):
    picture = torch.linspace(-1, 1, 3 * 8 * 8).reshape(1, 3, 8, 8)
    with Image.open(save_png(picture, tmp_path / "a")) as saved:
        assert saved.size == (8, 8)
        pixels = torch.frombuffer(bytearray(saved.tobytes()), dtype=torch.uint8)
    wanted = (picture[0].permute(1, 2, 0).flatten() / 2 + 0.5) * 255
    assert (pixels.float() - wanted).abs().max() <= 0.5


def test_a_gif_holds_every_frame_and_rests_on_the_last(tmp_path):
    frames = torch.stack([torch.full((1, 8, 8), v) for v in (-1.0, 0.0, 1.0)])
    with Image.open(save_gif(frames, tmp_path / "film.gif", enlarge=2)) as saved:
        assert saved.n_frames == 3 and saved.size == (16, 16)
        durations = []
        for number in range(3):
            saved.seek(number)
            durations.append(saved.info["duration"])
    assert durations == [100, 100, 1000]


def test_no_file_is_replaced(tmp_path):
    first = save_png(torch.zeros(3, 8, 8), tmp_path / "x.png")
    before = first.read_bytes()
    paths = [save_png(torch.ones(3, 8, 8), tmp_path / "x.png") for _ in range(2)]
    assert [path.name for path in paths] == ["x_2.png", "x_3.png"]
    assert first.read_bytes() == before


def test_what_cannot_be_saved_is_told(tmp_path):
    with pytest.raises(ValueError, match="save_gif saves many"):
        save_png(torch.zeros(2, 3, 8, 8), tmp_path / "x")
    with pytest.raises(ValueError, match="at least one"):
        save_gif([], tmp_path / "x")

"""What is drawn comes back as a tensor; where nothing can be drawn, a described picture stands."""

import base64
import io

import pytest
import torch
from PIL import Image, ImageDraw

from lessons.workbench.pictures import course_mask, course_picture, drawing_pad, load_picture
from lessons.workbench.pictures.drawing_pad import DrawingPad, MaskBrush, tinted

HEART = course_picture("heart")


def _as_sent(image):
    """A picture as the browser sends it."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture
def capture(monkeypatch):
    """The MIME bundles of all that is displayed or updated, with their metadata."""
    bundles = []

    class Shown:
        def update(self, data, raw):
            bundles.append((data, {}))

    def keep(data, metadata=None, **_):
        bundles.append((data, metadata))
        return Shown()

    monkeypatch.setattr(drawing_pad, "display", keep)
    return bundles


def test_a_drawing_becomes_a_picture():
    pad = DrawingPad(HEART, alt="A red heart.")
    sent = Image.new("RGBA", (256, 256), (255, 255, 255, 255))
    ImageDraw.Draw(sent).rectangle((0, 0, 127, 255), fill=(255, 0, 0, 255))
    pad.canvas.png = _as_sent(sent)
    picture = pad.picture()
    assert picture.shape == (1, 3, 64, 64)
    assert torch.equal(picture[0, :, 30, 10], torch.tensor([1.0, -1.0, -1.0]))
    assert torch.equal(picture[0, :, 30, 50], torch.ones(3))


def test_an_untouched_pad_gives_the_finished_drawing():
    pad = DrawingPad(HEART, alt="A red heart.")
    assert torch.equal(pad.picture(), HEART)
    pad.picture().zero_()
    assert torch.equal(pad.picture(), HEART), "a copy each time"


def test_a_brushed_area_becomes_a_mask():
    brush = MaskBrush(HEART, torch.zeros(1, 1, 64, 64), alt="A heart without a mask.")
    sent = Image.new("RGBA", (256, 256), (0, 0, 0, 0))
    ImageDraw.Draw(sent).rectangle((0, 0, 63, 255), fill=(255, 45, 120, 255))
    brush.canvas.png = _as_sent(sent)
    wanted = torch.zeros(1, 1, 64, 64)
    wanted[..., :16] = 1
    assert torch.equal(brush.mask(), wanted)


def test_an_untouched_brush_gives_the_finished_mask():
    mask = course_mask("tower")
    brush = MaskBrush(course_picture("tower"), mask, alt="The tower and its mask.")
    assert torch.equal(brush.mask(), mask)


@pytest.mark.parametrize(
    "make",
    [
        lambda alt: DrawingPad(HEART, alt=alt),
        lambda alt: MaskBrush(HEART, course_mask("tower"), alt=alt),
    ],
)
def test_both_leave_a_described_picture_behind(make, capture):
    thing = make("Something to be seen.")
    thing._ipython_display_()
    (data, metadata), (view, _) = capture
    assert "application/vnd.jupyter.widget-view+json" not in data
    assert "application/vnd.jupyter.widget-view+json" in view and "image/png" not in view
    assert metadata["image/png"]["alt"] == "Something to be seen."
    assert 'alt="Something to be seen."' in data["text/html"]
    image = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert image.size == (256, 256)

    thing.canvas.png = _as_sent(Image.new("RGBA", (256, 256), (0, 0, 0, 255)))
    (changed, _) = capture[-1]
    assert changed["image/png"] != data["image/png"], "what is drawn is left behind"
    with pytest.raises(ValueError, match="alt"):
        make("")


def test_what_is_drawn_is_there_again_and_nothing_is_replaced(tmp_path):
    path = tmp_path / "drawings" / "heart.png"
    red, blue = (_as_sent(Image.new("RGBA", (256, 256), one)) for one in ("#f00", "#00f"))
    first = DrawingPad(HEART, alt="A red heart.", keep=path)
    assert not path.parent.exists(), "nothing is drawn yet"
    first.canvas.png = blue
    first.canvas.png = red
    assert "drawings/heart.png" in first.canvas.note
    (tmp_path / "drawings" / "hearts.png").write_bytes(b"somebody else's")

    second = DrawingPad(HEART, alt="A red heart.", keep=path)
    assert torch.equal(second.picture(), first.picture())
    second.canvas.png = blue
    second.canvas.png = ""
    assert torch.equal(second.picture(), HEART)
    names = sorted(file.name for file in path.parent.iterdir())
    assert names == ["heart.png", "heart_2.png", "hearts.png"]
    assert torch.equal(load_picture(path), first.picture())

    (path.parent / "heart_2.png").write_bytes(b"damaged")
    third = DrawingPad(HEART, alt="A red heart.", keep=path)
    assert torch.equal(third.picture(), first.picture())


def test_a_drawing_that_can_t_be_kept_is_told(tmp_path):
    (tmp_path / "drawings").write_text("a file, no folder")
    pad = DrawingPad(HEART, alt="A red heart.", keep=tmp_path / "drawings" / "heart.png")
    pad.canvas.png = _as_sent(Image.new("RGBA", (256, 256), "#f00"))
    assert "can't be kept" in pad.canvas.note
    assert not torch.equal(pad.picture(), HEART)


def test_tinting_leaves_what_is_not_masked():
    mask = course_mask("tower")
    changed = (tinted(HEART, mask) != HEART).any(dim=1, keepdim=True)
    assert not (changed & (mask == 0)).any()
    assert changed[mask == 1].all()

"""Files, addresses and names become pictures; what is none gets a sentence."""

import io
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from broken_server import BROKEN_ANSWERS, broken_server
from PIL import Image

from lessons.workbench.pictures import downloads
from lessons.workbench.pictures.files import (
    DRAWINGS,
    MASKED,
    PHOTOGRAPHS,
    PictureError,
    course_mask,
    course_picture,
    load_picture,
    tower_picture,
)


def test_the_test_picture_is_a_picture():
    tower = tower_picture()
    assert tower.shape == (1, 3, 64, 64)
    assert -1 <= tower.min() < -0.5 and 0.5 < tower.max() <= 1


def test_files_of_any_size_and_kind_become_pictures(tmp_path):
    path = tmp_path / "odd.png"
    Image.new("RGBA", (50, 130), (255, 0, 0, 0)).save(path)
    assert load_picture(path).shape == (1, 3, 64, 64)
    assert torch.equal(load_picture(path), torch.ones(1, 3, 64, 64)), "transparent means white"
    Image.new("L", (200, 31), 0).save(path)
    assert torch.equal(load_picture(path, side=28), -torch.ones(1, 3, 28, 28))


def test_the_camera_s_orientation_is_followed(tmp_path):
    path = tmp_path / "turned.jpg"
    picture = Image.new("RGB", (64, 64), "black")
    picture.paste("white", (0, 0, 64, 32))
    exif = Image.Exif()
    exif[0x0112] = 3  # taken upside down
    picture.save(path, exif=exif)
    loaded = load_picture(path)
    assert loaded[..., 40:, :].mean() > 0.9 > -0.9 > loaded[..., :24, :].mean()


@pytest.mark.parametrize("make", ["missing", "folder", "text"])
def test_what_is_no_picture_gets_a_sentence(tmp_path, make):
    path = tmp_path / "x.png"
    if make == "folder":
        path.mkdir()
    elif make == "text":
        path.write_text("hello")
    with pytest.raises(PictureError, match=r"x\.png"):
        load_picture(path)


def test_a_damaged_picture_gets_a_sentence(tmp_path):
    path = tmp_path / "cut.png"
    Image.effect_noise((200, 200), 80).save(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(PictureError, match=r"cut\.png is a damaged picture"):
        load_picture(path)


def test_a_picture_of_too_many_pixels_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "huge.png"
    Image.new("L", (300, 300)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(PictureError, match="too many pixels"):
        load_picture(path)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_colour_becomes_rgb(tmp_path, mode):
    path = tmp_path / ("x.tif" if mode in ("CMYK", "I;16") else "x.png")
    if mode == "I;16":
        Image.frombytes("I;16", (40, 40), b"\x00\x80" * 1600).save(path)
    else:
        Image.new("RGB", (40, 40), (128, 128, 128)).convert(mode).save(path)
    picture = load_picture(path)
    assert picture.shape == (1, 3, 64, 64) and picture.abs().max() <= 1
    if mode not in ("1", "P"):
        assert torch.allclose(picture.mean(), torch.tensor(0.0), atol=0.05)


def _tiff(path, values, kind, sample_format):
    """A grey TIFF, one strip, as it is written elsewhere: Pillow itself can't write all kinds."""
    values = np.ascontiguousarray(values, kind)
    height, width = values.shape
    tags = [
        (256, width), (257, height), (258, values.itemsize * 8), (259, 1), (262, 1),
        (273, 200), (277, 1), (278, height), (279, values.nbytes), (339, sample_format),
    ]  # fmt: skip
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    path.write_bytes((head + entries).ljust(200, b"\0") + values.tobytes())


UNSIGNED, SIGNED, DECIMAL = 1, 2, 3


@pytest.mark.parametrize(
    ("kind", "sample_format", "black", "white"),
    [
        ("<f4", DECIMAL, 0.0, 1.0),
        ("<f4", DECIMAL, -1.0, 1.0),
        ("<f4", DECIMAL, 0.0, 255.0),
        ("<f4", DECIMAL, 0.0, 65535.0),
        ("<u4", UNSIGNED, 0, 255),
        ("<u4", UNSIGNED, 0, 65535),
        ("<u4", UNSIGNED, 0, 2**32 - 1),
        ("<i4", SIGNED, 0, 255),
        ("<i4", SIGNED, 0, 2**31 - 1),
        ("<u2", UNSIGNED, 0, 65535),
    ],
)
def test_pictures_of_many_bits_keep_their_greys(tmp_path, kind, sample_format, black, white):
    ramp = np.linspace(black, white, 64).astype(kind)
    _tiff(tmp_path / "x.tif", np.tile(ramp, (64, 1)), kind, sample_format)
    picture = load_picture(tmp_path / "x.tif")
    expected = torch.linspace(-1, 1, 64).expand(3, 64, 64)
    torch.testing.assert_close(picture[0], expected, atol=0.009, rtol=0)


def test_values_that_are_none_leave_the_others(tmp_path):
    values = np.tile(np.linspace(0, 1, 64), (64, 1))
    values[:2] = [[np.nan], [np.inf]]
    _tiff(tmp_path / "x.tif", values, "<f4", DECIMAL)
    picture = load_picture(tmp_path / "x.tif")[0, 0]
    assert picture[0, 10] == -1 and picture[1, 10] == 1
    assert picture[2:].max() == 1 and picture[2:].min() == -1
    _tiff(tmp_path / "y.tif", np.tile(np.linspace(-9, 255, 64), (64, 1)), "<i4", SIGNED)
    assert load_picture(tmp_path / "y.tif").mean() > -0.1, "a value below black is black"


@pytest.mark.parametrize("name", ("tower", *DRAWINGS, *PHOTOGRAPHS))
def test_the_course_has_pictures(name):
    shown = course_picture(name)
    assert shown.shape == (1, 3, 64, 64) and shown.abs().max() <= 1
    assert shown.std() > 0.2, "something is to be seen"


@pytest.mark.parametrize("name", MASKED)
def test_masks_cover_a_part(name):
    mask = course_mask(name)
    assert mask.shape == (1, 1, 64, 64) and set(mask.unique().tolist()) == {0.0, 1.0}
    assert 0.05 < mask.mean() < 0.8


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(PictureError, match="tower, envelope, heart"):
        course_picture("mona lisa")
    with pytest.raises(PictureError, match="tower, chelsea"):
        course_mask("coffee")


class _Answers(BaseHTTPRequestHandler):
    """/picture, /text, /large, /slow and nothing else."""

    def do_GET(self):
        if self.path not in ("/picture", "/text", "/large", "/slow"):
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        if self.path == "/picture":
            buffer = io.BytesIO()
            Image.new("RGB", (80, 50), (255, 0, 0)).save(buffer, "PNG")
            self.wfile.write(buffer.getvalue())
        elif self.path == "/text":
            self.wfile.write(b"<html>not found</html>")
        elif self.path == "/large":
            self.wfile.write(bytes(200_000))
        else:
            for _ in range(40):
                self.wfile.write(b"x")
                time.sleep(0.1)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def web():
    """The address of a server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_picture_from_the_web(web):
    picture = load_picture(f"{web}/picture")
    assert torch.equal(picture[0, :, 5, 5], torch.tensor([1.0, -1.0, -1.0]))


def test_what_the_web_gives_instead_gets_a_sentence(web):
    with pytest.raises(PictureError, match="/missing answers 404"):
        load_picture(f"{web}/missing")
    with pytest.raises(PictureError, match="/text is not a picture"):
        load_picture(f"{web}/text")


def test_nobody_there_gets_a_sentence():
    with pytest.raises(PictureError, match="cannot be reached"):
        load_picture("http://127.0.0.1:9/picture.png")
    with pytest.raises(PictureError, match="cannot be reached"):
        load_picture("https://[broken/picture.png")


@pytest.mark.parametrize("answer", BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS.keys())
def test_a_proxy_that_answers_nonsense_gets_a_sentence(answer, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with broken_server(answer) as address, pytest.raises(PictureError) as caught:
        load_picture(f"{address}picture.png")
    said = str(caught.value)
    assert f"{address}picture.png" in said and "\n" not in said
    assert any(words in said for words in ("path", "browser", "Try PNG"))


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/my picture.png",
        "http://127.0.0.1:port/x.png",
        "http://",
        "https://ä b/x",
    ],
)
def test_an_address_that_is_none_gets_a_sentence(address):
    with pytest.raises(PictureError, match=r"give its path\.$"):
        load_picture(address)


def test_a_path_of_nobody_gets_a_sentence():
    with pytest.raises(PictureError, match="no picture ~nobody-of-this-name"):
        load_picture("~nobody-of-this-name/picture.png")


def test_a_download_is_limited_in_size_and_time(web):
    with pytest.raises(downloads.DownloadError, match="larger than"):
        downloads.download(f"{web}/large", max_bytes=100_000)
    with pytest.raises(downloads.DownloadError, match="took longer"):
        downloads.download(f"{web}/slow", seconds=0.5)

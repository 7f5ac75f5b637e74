"""Figures carry their description; a row of pictures lies in a slider."""

import html
import io
import json
import re
from html.parser import HTMLParser

import pytest
import torch
from PIL import Image

from lessons.workbench.pictures import figures, histograms, line_plot, quality_plot, slider


@pytest.fixture
def shown(monkeypatch):
    """The mime bundles of all that is displayed."""
    bundles = []

    def keep(thing, metadata=None, raw=False):
        bundles.append((thing, metadata) if raw else thing._repr_mimebundle_())

    monkeypatch.setattr(figures, "display", keep)
    return bundles


def _picture(bundle):
    data, metadata = bundle
    return Image.open(io.BytesIO(_bytes(data["image/png"]))), metadata["image/png"]["alt"]


def _bytes(png):
    import base64

    return png if isinstance(png, bytes) else base64.b64decode(png)


def test_show_makes_one_described_png(shown):
    figures.show(torch.zeros(3, 3, 64, 64), ["a", "b", "c"], alt="three grey squares")
    ((data, _),) = shown
    image, alt = _picture(shown[0])
    assert alt == "three grey squares" and data["text/plain"] == "Figure: three grey squares"
    assert image.width > 2 * image.height


class _Table(HTMLParser):
    """What a figure's table holds: the texts of its headings, and the alt text of its images."""

    def __init__(self, page):
        super().__init__()
        self.heads, self.alts, self.caption, self._within = [], [], "", None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag in ("th", "caption"):
            self._within = tag
            if tag == "th":
                self.heads.append("")
        elif tag == "img":
            self.alts.append(dict(attrs)["alt"])

    def handle_endtag(self, tag):
        self._within = None if tag in ("th", "caption") else self._within

    def handle_data(self, data):
        if self._within == "th":
            self.heads[-1] += data
        elif self._within == "caption":
            self.caption += data


def test_screen_readers_get_the_description_too(shown):
    figures.show(torch.zeros(1, 3, 8, 8), alt="a < b & c")
    table = _Table(shown[0][0]["text/html"])
    assert (table.caption, table.alts) == ("Figure: a < b & c", ["1 of 1"])


def test_a_row_is_named_once_and_each_picture_by_row_and_column(shown):
    figures.show(
        torch.zeros(5, 1, 8, 8), ["t = 0", "t < 9"], rows=["a", "b", "c"], columns=2, alt="grey"
    )
    table = _Table(shown[0][0]["text/html"])
    assert table.heads == ["", "t = 0", "t < 9", "a", "b", "c"]
    assert table.alts == ["a: t = 0", "a: t < 9", "b: t = 0", "b: t < 9", "c: t = 0"]
    figures.show(torch.zeros(4, 1, 8, 8), rows=["a", "b"], alt="grey")
    assert _Table(shown[1][0]["text/html"]).alts == ["a: 1", "a: 2", "b: 1", "b: 2"]


def test_numbers_stand_beside_the_pictures_of_their_row(shown):
    figures.show(
        torch.zeros(4, 1, 28, 28),
        rows=["upper", "lower"],
        numbers={"share": ["90 %", "10 %"], "distance": ["1.5", "2.5"]},
        alt="four black squares in two rows",
    )
    ((data, _),) = shown
    table = _Table(data["text/html"])
    assert table.heads == ["", "share", "distance", "upper", "lower"]
    rows = data["text/html"].split("<tr")
    assert "90 %" in rows[2] and "1.5" in rows[2] and "10 %" in rows[3] and "2.5" in rows[3]
    plain = figures._grid([torch.zeros(1, 28, 28)] * 4, None, 2, (0, 1), ["upper", "lower"])
    assert _picture(shown[0])[0].width > plain.get_figwidth() * figures._DPI
    with pytest.raises(ValueError, match="2 rows but 1 of 'share'"):
        figures.show(
            torch.zeros(4, 1, 28, 28), rows=["a", "b"], numbers={"share": ["1"]}, alt="squares"
        )


def test_a_drawing_is_described_in_the_page_and_for_documents(shown):
    line_plot([0, 1], {"a": [0, 1]}, x_label="x", y_label="y", alt="a line < 2")
    assert _Table(shown[0][0]["text/html"]).alts == ["a line < 2"]
    assert _picture(shown[0])[1] == "a line < 2"


def test_a_picture_of_no_numbers_is_black(shown):
    figures.show(torch.full((1, 1, 8, 8), float("nan")), alt="a black square")
    assert _picture(shown[0])[0].convert("L").getpixel((50, 50)) == 0


def test_values_outside_the_range_are_clipped(shown):
    figures.show(torch.full((1, 3, 8, 8), 7.0), alt="a white square")
    image, _ = _picture(shown[0])
    assert image.convert("L").getextrema() == (255, 255)


@pytest.mark.parametrize(
    "make",
    [
        lambda alt: figures.show(torch.zeros(1, 3, 8, 8), alt=alt),
        lambda alt: slider(torch.zeros(2, 3, 8, 8), ["a", "b"], name="t", alt=alt),
        lambda alt: line_plot([0, 1], {"a": [0, 1]}, x_label="x", y_label="y", alt=alt),
        lambda alt: quality_plot(
            {"a": [{"x": 1, "read": 0.5, "distance": 2}]}, x_label="x", alt=alt
        ),
        lambda alt: histograms([torch.randn(9)] * 2, ["a", "b"], alt=alt),
    ],
)
def test_a_figure_without_a_description_is_refused(make, shown):
    with pytest.raises(ValueError, match="alt"):
        make(" ")


def test_a_slider_is_a_page_with_all_frames_and_a_row_of_some(shown):
    slider(
        torch.linspace(-1, 1, 9).reshape(9, 1, 1, 1).expand(9, 3, 8, 8),
        list("abcdefghi"),
        name="t",
        alt="nine squares",
        start=2,
    )
    data, _ = shown[0]
    told = json.loads(html.unescape(re.search('data-frames="(.*?)"', data["text/html"])[1]))
    assert told["labels"] == list("abcdefghi") and told["start"] == 2
    assert len(set(told["frames"])) == 9
    row = data["text/html"].split("<script>")[0]
    assert row.count("<img ") == 6 and "Figure: nine squares" in row
    assert re.findall(' alt="(.*?)"', row) == list("acdfgi")
    assert "nine squares" in data["text/plain"]


def test_wide_frames_stand_below_each_other_where_no_script_runs(shown):
    slider(torch.zeros(3, 3, 8, 24), ["large", "small", "tiny"], name="size", alt="three in one")
    data, _ = shown[0]
    rows = data["text/html"].split("<script>")[0].split("<tr ")[1:]
    assert [re.findall(' alt="(.*?)"', row) for row in rows] == [
        ["large: 1"], ["small: 1"], ["tiny: 1"]
    ]  # fmt: skip
    drawn, _ = _picture(shown[0])
    assert drawn.height > 3 * drawn.width / 6


def test_titles_and_labels_must_match(shown):
    with pytest.raises(ValueError, match="2 pictures but 1 titles"):
        figures.show(torch.zeros(2, 3, 8, 8), ["a"], alt="two squares")
    with pytest.raises(ValueError, match="4 pictures, 2 in a row, but 3 row labels"):
        figures.show(torch.zeros(4, 3, 8, 8), rows=["a", "b", "c"], columns=2, alt="squares")
    with pytest.raises(ValueError, match="2 frames but 1 labels"):
        slider(torch.zeros(2, 3, 8, 8), ["a"], name="t", alt="two squares")
    with pytest.raises(ValueError, match="shape"):
        figures.show([torch.zeros(8, 8)], alt="no picture")


def test_quality_is_drawn_beside_that_of_real_digits(shown):
    rows = [{"x": 1, "read": 0.5, "distance": 9}, {"x": 10, "read": 0.9, "distance": 3}]
    quality_plot(
        {"flow": rows, "DDPM": rows}, x_label="steps", real_distance=2, log_x=True, alt="two plots"
    )
    image, _ = _picture(shown[0])
    assert image.width > 2 * image.height

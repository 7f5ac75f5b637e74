"""The drawing pad and the mask brush in a real browser: what is drawn arrives as a tensor."""

import pytest
from jupyter_lab import cell_with, needs_chromium, open_notebook, run_cell, write_notebook

pytestmark = needs_chromium

CELLS = (
    "import torch\n"
    "from lessons.workbench.pictures import DrawingPad, MaskBrush\n"
    "from lessons.workbench.pictures import course_mask, course_picture",
    'pad = DrawingPad(course_picture("heart"), alt="A heart, until something is drawn.")\npad',
    "drawn = pad.picture()[0]\n"
    'print("middle", [round(v, 1) for v in drawn[:, 32, 32].tolist()])\n'
    'print("corner", [round(v, 1) for v in drawn[:, 2, 2].tolist()])',
    'brush = MaskBrush(course_picture("tower"), course_mask("tower"), alt="The tower, its mask.")\n'
    "brush",
    "mask = brush.mask()\n"
    'print("shape", tuple(mask.shape), "values", mask.unique().tolist())\n'
    'print("left", int(mask[0, 0, 32, 16]), "right", int(mask[0, 0, 32, 48]))\n'
    'print("covered", f"{mask.mean():.2f}")',
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A small notebook with both widgets, open in Chromium."""
    folder = tmp_path_factory.mktemp("drawing")
    path = write_notebook(folder, "drawing.ipynb", *CELLS)
    with open_notebook(folder, path) as page:
        yield page


def _stroke(page, canvas, *points):
    """Draw through points given as shares of the canvas."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=12)
    page.mouse.up()


def _opened(page, text):
    """The cell that shows a pad or brush, run, and its canvas."""
    run_cell(page, cell_with(page, "import torch"))
    shown = cell_with(page, text)
    run_cell(page, shown)
    canvas = shown.locator("canvas")
    canvas.wait_for()
    return shown, canvas


def _printed(page, text):
    """What a cell prints when it is run again."""
    cell = cell_with(page, text)
    run_cell(page, cell)
    return cell.locator(".jp-OutputArea-output").first.inner_text()


def test_a_stroke_becomes_a_picture(page, tmp_path):
    shown, canvas = _opened(page, "pad = DrawingPad")
    before = _printed(page, "drawn = pad.picture()")
    assert "corner [1.0, 0.9, 0.7]" in before, "a finished drawing while nothing is drawn"

    shown.get_by_role("button", name="red").click()
    shown.get_by_role("button", name="thick brush").click()
    _stroke(page, canvas, (0.2, 0.5), (0.8, 0.5))
    page.screenshot(path=tmp_path / "pad.png")
    after = _printed(page, "drawn = pad.picture()")
    assert "middle [0.7, -0.7, -0.6]" in after
    assert "corner [1.0, 1.0, 1.0]" in after

    shown.get_by_role("button", name="take back the last stroke").click()
    assert _printed(page, "drawn = pad.picture()") == before


def test_a_brushed_mask_is_zero_and_one(page, tmp_path):
    shown, canvas = _opened(page, "brush = MaskBrush")
    begun = _printed(page, "mask = brush.mask()")
    assert "left 0 right 0" in begun
    shown.get_by_role("button", name="thick brush").click()
    _stroke(page, canvas, (0.25, 0.2), (0.25, 0.8))
    _stroke(page, canvas, (0.75, 0.2), (0.75, 0.8))
    page.screenshot(path=tmp_path / "mask.png")
    both = _printed(page, "mask = brush.mask()")
    assert "shape (1, 1, 64, 64) values [0.0, 1.0]" in both
    assert "left 1 right 1" in both

    shown.get_by_role("button", name="erase").click()
    _stroke(page, canvas, (0.75, 0.1), (0.75, 0.9))
    assert "left 1 right 0" in _printed(page, "mask = brush.mask()")

    for _ in range(3):
        shown.get_by_role("button", name="take back the last stroke").click()
    assert _printed(page, "mask = brush.mask()") == begun, "the mask it began with"


def test_a_picture_is_drawn_with_the_keyboard_alone(page, tmp_path):
    shown, canvas = _opened(page, "pad = DrawingPad")
    shown.get_by_role("button", name="green").focus()
    page.keyboard.press("Enter")
    while not canvas.evaluate("node => node === document.activeElement"):
        page.keyboard.press("Tab")
    assert shown.get_by_text("Arrow keys move the pen").is_visible()
    for key in ["Shift+ArrowLeft"] * 2 + [" "] + ["Shift+ArrowRight"] * 4 + [" ", "ArrowDown"]:
        page.keyboard.press(key)
    page.screenshot(path=tmp_path / "keyboard.png")
    assert "middle [-0.7, 0.2, -0." in _printed(page, "drawn = pad.picture()")

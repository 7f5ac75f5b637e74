"""A notebook that was saved, and is opened again or exported: nothing in it is broken or lost."""

import re
import shutil

import nbformat
import pytest
from jupyter_lab import cell_with, needs_chromium, open_notebook, run_cell, save, write_notebook
from nbconvert import HTMLExporter

pytestmark = needs_chromium

CELLS = (
    "import torch\nfrom lessons.workbench.pictures import DrawingPad, course_picture, slider",
    "frames = [course_picture('tower') * (1 - i / 9) for i in range(10)]\n"
    "labels = [f't = {37 * i}' for i in range(10)]\n"
    "slider(frames, labels, name='t', alt='A fading tower.', start=5)",
    'pad = DrawingPad(course_picture("heart"), alt="A heart.", keep="drawings/pad.png")\npad',
    'print("mean", f"{pad.picture().mean():.3f}")',
)
NAME = "seen.ipynb"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with a notebook that was drawn in and saved, and what `pad.picture()` was then."""
    folder = tmp_path_factory.mktemp("first")
    with open_notebook(folder, write_notebook(folder, NAME, *CELLS)) as page:
        for text in ("import torch", "slider(", "pad = DrawingPad"):
            run_cell(page, cell_with(page, text))
        canvas = page.locator("canvas")
        canvas.focus()
        for key in [" "] + ["Shift+ArrowRight"] * 3 + [" "]:
            page.keyboard.press(key)
        page.get_by_text("Kept in drawings/pad.png").wait_for()
        assert page.locator(".course-kept").is_hidden(), "only one of pad and picture is seen"
        handle = page.get_by_role("slider", name="t")
        handle.focus()
        page.keyboard.press("ArrowRight")
        assert handle.get_attribute("aria-valuetext") == "t = 222"
        wide, high = (page.locator(part).bounding_box() for part in (
            ".course-slider input", ".course-slider img"
        ))  # fmt: skip
        assert abs(wide["width"] - high["width"]) < 2
        mean = _mean(page)
        save(page, folder, NAME)
    return folder, mean


def _mean(page):
    cell = cell_with(page, 'print("mean"')
    run_cell(page, cell)
    return cell.locator(".jp-OutputArea-output").first.inner_text()


def _open_again(saved, folder, change=lambda text: text):
    """The notebook in another folder, with another kernel."""
    shutil.copytree(saved / "drawings", folder / "drawings")
    copy = folder / "source" / NAME
    copy.parent.mkdir()
    copy.write_text(change((saved / NAME).read_text()))
    return open_notebook(folder, copy)


def test_opened_again_it_shows_what_was_drawn_and_the_slider_moves(saved, tmp_path):
    folder, mean = saved
    with _open_again(folder, tmp_path) as page:
        picture = page.locator(".course-kept img")
        picture.wait_for()
        page.wait_for_timeout(4000)  # JupyterLab looks for the pad's model for two seconds
        page.screenshot(path=tmp_path / "reopened.png")
        assert picture.is_visible()
        assert picture.get_attribute("alt") == "What is drawn on the pad."
        assert not page.get_by_text("model not found").is_visible()
        handle = page.get_by_role("slider", name="t")
        handle.focus()
        page.keyboard.press("ArrowLeft")
        assert handle.get_attribute("aria-valuetext") == "t = 148"

        for text in ("import torch", "pad = DrawingPad"):
            run_cell(page, cell_with(page, text))
        page.locator("canvas").wait_for()
        assert _mean(page) == mean, "the drawing is on the pad again"


def test_opened_by_somebody_who_does_not_trust_it_it_shows_pictures(saved, tmp_path):
    folder, _ = saved
    with _open_again(folder, tmp_path, lambda text: text.replace("A fading", "The fading")) as page:
        page.locator(".course-kept img").wait_for()
        row = page.locator(".course-slider table")
        assert row.locator("caption").inner_text() == "Figure: The fading tower."
        images = row.locator("img").all()
        assert [image.get_attribute("alt") for image in images][:2] == ["t = 0", "t = 74"]
        assert all(image.evaluate("image => image.naturalWidth") == 64 for image in images)
        assert not page.get_by_text("model not found").is_visible()


def test_exported_it_has_pictures_with_descriptions(saved):
    folder, _ = saved
    page, _ = HTMLExporter().from_notebook_node(nbformat.read(folder / NAME, as_version=4))
    images = re.findall("<img[^>]*>", page)
    assert len(images) == 6 + 1, "the slider's row, and the drawing"
    assert all('alt="' in image for image in images)
    assert "widget-view" not in page

"""What the course shows can be read on JupyterLab's light page and on its dark one."""

import nbformat
import pytest
from contrasts import CONTRASTS
from jupyter_lab import cell_with, needs_chromium, open_notebook, run_cell

pytestmark = needs_chromium

CELLS = (
    """import torch
from checkers.engine.card import Card
from checkers.engine.exercise import Pictures
from checkers.engine.report import CaseResult, Report, Status

dark, bright = torch.full((3, 8, 8), -1.0), torch.ones(3, 8, 8)
cases = [
    CaseResult(title=f"What `{status}` looks like", status=status, points=0, max_points=2,
               message="It says why.", pictures=Pictures(dark, bright, "t = 500"), hidden=True)
    for status in Status
]
Card.of(Report(exercise="forward", lesson="01", cases=cases, hints=["One."]), ["a line"], 1)""",
    """from lessons.workbench.pictures import line_plot, show

show(torch.zeros(4, 3, 8, 8), ["t = 0", "t = 9"], rows=["clean", "noisy"], alt="Four squares.")
line_plot([0, 1], {"a": [0, 1], "b": [1, 0]}, x_label="t", y_label="loss", alt="Two lines.")""",
)


@pytest.fixture(scope="module", params=["JupyterLab Light", "JupyterLab Dark"])
def page(request, tmp_path_factory):
    """A card with every status and some figures, shown in one theme, in a window of 900 pixels."""
    folder = tmp_path_factory.mktemp("theme")
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    (folder / "source").mkdir()
    path = folder / "source" / "theme.ipynb"
    nbformat.write(notebook, path)
    with open_notebook(folder, path, theme=request.param, width=900) as page:
        for source in CELLS:
            run_cell(page, cell_with(page, source.splitlines()[0]))
        page.locator(".jp-OutputArea-output img").last.wait_for()
        page.screenshot(path=folder / "page.png")
        assert page.evaluate("document.body.dataset.jpThemeLight") == (
            "true" if request.param.endswith("Light") else "false"
        )
        yield page


@pytest.mark.parametrize("place", range(len(CELLS)))
def test_every_text_stands_out_from_what_is_behind_it(page, place):
    outputs = page.locator(".jp-CodeCell").nth(place).locator(".jp-OutputArea-output").all()
    contrasts = [found for output in outputs for found in output.evaluate(CONTRASTS)]
    assert len(contrasts) >= 4
    assert not [(text, ratio) for text, ratio in contrasts if ratio < 4.5]


def test_every_image_has_its_text_and_stays_within_its_cell(page):
    images = page.locator(".jp-OutputArea-output img").all()
    assert len(images) > 5
    assert all(image.get_attribute("alt") for image in images)
    room = page.locator(".jp-OutputArea").last.bounding_box()["width"]
    assert all(image.bounding_box()["width"] <= room for image in images)


def test_a_drawing_stands_on_white_on_any_page(page):
    drawing = page.get_by_alt_text("Two lines.")
    assert (
        drawing.evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(255, 255, 255)"
    )
    corner = """node => {
      const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
      pen.drawImage(node, 0, 0);
      return [...pen.getImageData(0, 0, 1, 1).data];
    }"""
    assert drawing.evaluate(corner) == [255, 255, 255, 255]

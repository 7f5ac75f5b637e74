"""Checks in a real browser that go wrong in other ways than an answer: no end, a flood, no stub."""

import pytest
from jupyter_lab import answer, cell_with, needs_chromium, open_notebook, run_cell

from checkers.engine.registry import find_lesson

STUB = "def forward(im, t, alphas_cumprod, noise=None):\n    "
ENDLESS = STUB + "while True:\n        pass"
FLOOD = (
    STUB + 'for number in range(5000):\n        print(f"number {number} of a flood")\n    return im'
)

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Lesson 01, open in Chromium with a kernel that has run nothing yet."""
    with open_notebook(tmp_path_factory.mktemp("jupyter"), find_lesson("01").notebook) as page:
        yield page


def test_a_check_before_its_stub_says_which_cells_to_run(page, tmp_path):
    run_cell(page, cell_with(page, "from checkers import check"))
    check = cell_with(page, "check(forward)")
    run_cell(page, check)
    shown = check.locator(".jp-OutputArea-output")
    shown.filter(
        has_text="Run the notebook's first cell, then the cell in which forward is"
    ).wait_for()
    page.screenshot(path=tmp_path / "name_error.png")


def test_a_flood_of_lines_is_counted_and_folded_below_the_card(page, tmp_path):
    card = answer(page, "forward", FLOOD)
    card.filter(has_text="lines during this check; the first 20:").wait_for()
    assert card.get_by_text("Start here").is_visible()
    first = card.locator("pre", has_text="number 0 of a flood")
    assert not first.is_visible()
    card.locator("summary").last.click()
    first.wait_for()
    shown = cell_with(page, "check(forward)").locator(".jp-OutputArea").first
    assert shown.inner_text().count("of a flood") == 20
    page.screenshot(path=tmp_path / "flood.png")


def test_a_loop_without_an_end_is_stopped_and_told(page, tmp_path):
    card = answer(page, "forward", ENDLESS)
    card.filter(has_text="more than 20 seconds").wait_for()
    assert card.get_by_text("a loop that never ends").is_visible()
    page.screenshot(path=tmp_path / "endless.png")

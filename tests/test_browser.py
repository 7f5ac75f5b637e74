"""Lesson 01 in a real browser: a wrong answer is named, the right one passes, the slider moves."""

import pytest
from jupyter_lab import answer, cell_with, needs_chromium, open_notebook, run_cell

from checkers.engine.registry import find_lesson

WRONG = """def forward(im, t, alphas_cumprod, noise=None):
    if noise is None:
        noise = torch.randn_like(im)
    abar = alphas_cumprod[t]
    return abar.sqrt() * im + (1 - abar) * noise"""
RIGHT = WRONG.replace("(1 - abar)", "(1 - abar).sqrt()")

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The lesson, open in Chromium with a kernel that is ready."""
    with open_notebook(tmp_path_factory.mktemp("jupyter"), find_lesson("01").notebook) as page:
        yield page


def test_a_student_solves_lesson_01(page, tmp_path):
    run_cell(page, cell_with(page, "from checkers import check"))
    run_cell(page, cell_with(page, "def forward("))
    run_cell(page, cell_with(page, "check(forward)"))
    card = cell_with(page, "check(forward)").locator(".jp-OutputArea-output")
    card.filter(has_text="not attempted").wait_for()

    card = answer(page, "forward", WRONG)
    card.filter(has_text="It looks as if you multiplied the noise by 1 - abar_t").wait_for()
    assert card.locator("img").count() >= 3
    assert all(card.locator("img").nth(i).get_attribute("alt") for i in range(3))
    assert card.get_by_text("Start here").is_visible()
    folded = card.locator("details").first
    assert not folded.get_by_text("your noise has standard deviation").is_visible()
    folded.locator("summary").click()
    folded.get_by_text("your noise has standard deviation").wait_for()
    assert not card.get_by_text("hint").count()
    page.locator("summary", has_text="Hint 1").click()
    page.locator("p", has_text="The equation has three parts").wait_for()
    page.screenshot(path=tmp_path / "wrong.png")

    card = answer(page, "forward", RIGHT)
    card.filter(has_text="10 of 10 points").wait_for()
    assert "wrong" not in card.inner_text()

    run_cell(page, cell_with(page, "shown = [250, 500, 750]"))
    moving = cell_with(page, "slider(")
    run_cell(page, moving)
    picture = moving.locator(".course-slider img")
    before = picture.get_attribute("src")
    handle = moving.get_by_role("slider", name="t")
    assert handle.get_attribute("aria-valuetext") == "t = 185"
    handle.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    assert picture.get_attribute("src") != before
    assert handle.get_attribute("aria-valuetext") == "t = 407"
    page.screenshot(path=tmp_path / "right.png")

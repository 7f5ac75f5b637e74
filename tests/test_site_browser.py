"""The website in a real browser: on a phone, in the dark, by keyboard, searched, and alone."""

import functools
import http.server
import threading

import pytest
from built_site import built_site, pages
from contrasts import CONTRASTS
from jupyter_lab import CHROMIUM, needs_chromium

pytestmark = needs_chromium
_FOCUSED = "document.activeElement.className + document.activeElement.href"
PHONE, DESKTOP = 390, 1300  # pixels
SOME = ("index.html", "00_meet_the_denoiser.html", "11_unet.html")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    """Where the site is served."""
    handler = functools.partial(_Quiet, directory=built_site())
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    """A Chromium of this machine."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.mark.parametrize("width", [PHONE, 800, 1010, 1100, DESKTOP])
def test_no_page_is_wider_than_the_screen_and_none_asks_another_server(browser, address, width):
    asked = []
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.on("request", lambda request: asked.append(request.url))
    for name in pages():
        page.goto(f"{address}/{name}")
        page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        sideways = page.evaluate(
            """() => ["html", "body", ".page", ".main", ".content"].filter(name => {
              const box = document.querySelector(name);
              return box.scrollWidth > box.clientWidth && box.clientWidth;
            })"""
        )
        assert not sideways, name
    page.close()
    assert len(asked) > len(pages())
    assert not [url for url in asked if not url.startswith((address, "data:"))]


def test_what_is_wider_than_a_phone_scrolls_in_its_own_place(browser, address):
    """Nothing is cut off: what sticks out stands in a box that scrolls."""
    page = browser.new_page(viewport={"width": PHONE, "height": 900})
    for name in pages():
        page.goto(f"{address}/{name}")
        cut = page.evaluate(
            """() => [...document.querySelectorAll("article :is(img, table, pre, math *)")]
              .filter(node => node.getBoundingClientRect().right > innerWidth + 1)
              .filter(node => {
                for (let box = node; box.tagName !== "ARTICLE"; box = box.parentElement)
                  if (["auto", "scroll"].includes(getComputedStyle(box).overflowX)) return false;
                return true;
              }).map(node => node.outerHTML.slice(0, 200))"""
        )
        assert not cut, name
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", SOME)
def test_every_text_stands_out_in_both_themes(browser, address, name, scheme):
    page = browser.new_page(
        viewport={"width": DESKTOP, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page.goto(f"{address}/{name}")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    contrasts = page.locator("article").evaluate(CONTRASTS)
    page.close()
    assert len(contrasts) > 50
    assert not [(text, ratio) for text, ratio in contrasts if ratio < 4.5 and text != "¶"]


def test_the_search_finds_a_lesson(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/index.html")
    page.get_by_placeholder("Search").fill("anagram")
    page.keyboard.press("Enter")
    page.locator("#search-results a", has_text="Visual anagrams").first.click()
    page.locator("h1", has_text="Visual anagrams").wait_for()
    page.close()


def test_a_fold_opens_by_keyboard(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/01_forward_noising.html")
    fold = page.locator("details.solution").first
    code = fold.locator("pre")
    assert not code.is_visible()
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    code.wait_for()
    page.close()


def test_the_theme_is_changed_and_the_lessons_found_by_keyboard(browser, address):
    page = browser.new_page(viewport={"width": DESKTOP, "height": 900}, color_scheme="light")
    page.goto(f"{address}/index.html")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.className + document.activeElement.href")
        )
    assert any("skip-to-content" in name for name in reached)
    assert any("01_forward_noising.html" in name for name in reached)
    page.locator(".theme-toggle:visible").first.focus()
    for _ in range(3):
        page.keyboard.press("Enter")
        if page.evaluate("document.body.dataset.theme") == "dark":
            break
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.close()
    assert ground != "rgb(255, 255, 255)"

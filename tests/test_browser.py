"""Lesson 01 in a real browser: a wrong answer is named, the right one passes, the slider moves."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from checkers.engine.registry import find_lesson

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TOKEN = "for-the-test"
PATIENCE = 120_000  # milliseconds: a slow machine still starts a kernel in this time
WRONG = """def forward(im, t, alphas_cumprod, noise=None):
    if noise is None:
        noise = torch.randn_like(im)
    abar = alphas_cumprod[t]
    return abar.sqrt() * im + (1 - abar) * noise"""
RIGHT = WRONG.replace("(1 - abar)", "(1 - abar).sqrt()")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium: on Debian or Ubuntu, apt install chromium"
)


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    """A JupyterLab that serves a copy of the lesson; gives its address."""
    folder = tmp_path_factory.mktemp("jupyter")
    shutil.copy(find_lesson("01").notebook, folder)
    settings = folder / "settings"
    for plugin, values in {
        "notebook-extension/tracker": {"windowingMode": "none"},
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    }.items():
        path = settings / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
         f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}",
         f"--ServerApp.root_dir={folder}"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/api?token={TOKEN}", server)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(address, server):
    for _ in range(240):
        assert server.poll() is None, "JupyterLab did not start"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("JupyterLab did not answer")


@pytest.fixture(scope="module")
def page(jupyter):
    """The lesson, open in Chromium with a kernel that is ready."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 1200, "height": 1400})
        page.set_default_timeout(PATIENCE)
        page.goto(f"{jupyter}/lab/tree/01_forward_noising.ipynb?token={TOKEN}")
        page.locator(".jp-NotebookPanel .jp-CodeCell").first.wait_for()
        page.get_by_text("(ipykernel) | Idle").first.wait_for()
        yield page
        browser.close()


def _cell(page, text):
    return page.locator(".jp-CodeCell").filter(has_text=text).first


def _run(page, cell):
    """Run a cell as a student does, with Shift+Enter, and wait until it has a new number."""
    prompt = cell.locator(".jp-InputPrompt").element_handle()
    before = prompt.inner_text()
    cell.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.wait_for_function(
        "([node, old]) => /\\d/.test(node.innerText) && node.innerText !== old",
        arg=[prompt, before],
    )


def _answer(page, source):
    """Replace the stub by `source` and run it and its check."""
    stub = _cell(page, "def forward(")
    stub.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)
    _run(page, stub)
    check = _cell(page, "check(forward)")
    _run(page, check)
    return check.locator(".jp-OutputArea-output").last


def test_a_student_solves_lesson_01(page, tmp_path):
    _run(page, _cell(page, "from checkers import check"))
    _run(page, _cell(page, "def forward("))
    _run(page, _cell(page, "check(forward)"))
    card = _cell(page, "check(forward)").locator(".jp-OutputArea-output")
    card.filter(has_text="not attempted").wait_for()

    card = _answer(page, WRONG)
    card.filter(has_text="It looks as if you multiplied the noise by 1 - abar_t").wait_for()
    assert card.locator("img").count() >= 3
    assert all(card.locator("img").nth(i).get_attribute("alt") for i in range(3))
    card.locator("summary").first.click()
    assert card.get_by_text("The equation has three parts").is_visible()
    page.screenshot(path=tmp_path / "wrong.png")

    card = _answer(page, RIGHT)
    card.filter(has_text="10 of 10 points").wait_for()
    assert "wrong" not in card.inner_text()

    _run(page, _cell(page, "shown = [250, 500, 750]"))
    moving = _cell(page, "slider(")
    _run(page, moving)
    picture = moving.locator(".widget-image, img").first
    picture.wait_for()
    before = picture.get_attribute("src")
    label = moving.locator(".widget-label").filter(has_text="t = ").first.inner_text()
    handle = moving.locator(".noUi-handle").first
    handle.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "([node, old]) => node.src !== old", arg=[picture.element_handle(), before]
    )
    assert moving.locator(".widget-label").filter(has_text="t = ").first.inner_text() != label
    page.screenshot(path=tmp_path / "right.png")

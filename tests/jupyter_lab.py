"""JupyterLab in a headless Chromium, for tests that use a notebook as a student does."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)
TOKEN = "for-the-test"
PATIENCE = 120_000  # milliseconds: a slow machine still starts a kernel in this time

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium: on Debian or Ubuntu, apt install chromium"
)


@contextlib.contextmanager
def open_notebook(folder, notebook, *, theme="JupyterLab Light", width=1200):
    """Copy `notebook` to `folder` and open it; gives the page, once its kernel is ready."""
    from playwright.sync_api import sync_playwright

    shutil.copy(notebook, folder)
    with _serving(folder, theme) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": width, "height": 1400})
        page.set_default_timeout(PATIENCE)
        page.goto(f"{address}/lab/tree/{notebook.name}?token={TOKEN}")
        page.locator(".jp-NotebookPanel .jp-CodeCell").first.wait_for()
        page.get_by_text("(ipykernel) | Idle").first.wait_for()
        yield page
        browser.close()


@contextlib.contextmanager
def _serving(folder, theme):
    """A JupyterLab that serves `folder`; gives its address."""
    settings = folder / "settings"
    for plugin, values in {
        "notebook-extension/tracker": {"windowingMode": "none"},
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "apputils-extension/themes": {"theme": theme},
    }.items():
        path = settings / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
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


def write_notebook(folder, name, *sources):
    """A notebook of code cells, in a folder of its own below `folder`; returns its path."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3", "language": "python", "name": "python3",
    }  # fmt: skip
    path = folder / "source" / name
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)
    return path


def save(page, folder, name):
    """Save the notebook with Ctrl+S; returns it as it lies in `folder` then."""
    path = folder / name
    before = path.stat().st_mtime_ns
    page.keyboard.press("Control+s")
    for _ in range(240):
        if path.stat().st_mtime_ns != before:
            return nbformat.read(path, as_version=4)
        page.wait_for_timeout(500)
    raise AssertionError("it was not saved")


def cell_with(page, text):
    """The first code cell that holds `text`."""
    return page.locator(".jp-CodeCell").filter(has_text=text).first


def run_cell(page, cell):
    """Run a cell as a student does, with Shift+Enter, and wait until it has its number."""
    prompt = cell.locator(".jp-InputPrompt").element_handle()
    prompt.evaluate("node => { node.innerText = '' }")  # the new number may be the old one
    cell.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.wait_for_function("node => /\\d/.test(node.innerText)", arg=prompt)


def answer(page, name, source):
    """Replace a stub by `source`, run it and its check; gives the check's last output."""
    stub = cell_with(page, f"def {name}(")
    stub.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)
    run_cell(page, stub)
    check = cell_with(page, f"check({name})")
    run_cell(page, check)
    return check.locator(".jp-OutputArea-output").last

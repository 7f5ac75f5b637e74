"""The website, built once for all tests of a process, and its pages as trees of HTML."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup

from website.__main__ import build
from website.course import Repository

MADE_UP = Repository("https://github.com/somebody/diffusion-by-building", "gh-pages")


@cache
def built_site() -> Path:
    """The folder of the whole site, with the links that a repository's address brings."""
    folder = Path(tempfile.mkdtemp(prefix="course-site-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    build(folder / "site", MADE_UP)
    return folder / "site"


@cache
def pages() -> dict[str, BeautifulSoup]:
    """Every page by its name."""
    found = sorted(built_site().glob("*.html"))
    return {path.name: BeautifulSoup(path.read_text("utf-8"), "html.parser") for path in found}

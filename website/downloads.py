"""A lesson to take away: the notebook, a cell that sets up Google Colab, its picture inside.

The course's own notebooks have no such cell: only the copies that lie on the website.
"""

from __future__ import annotations

import base64

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from website.course import LessonPage, Repository

_SETUP = """\
# Sets up the course in Google Colab. Anywhere else this cell does nothing.
import sys

if "google.colab" in sys.modules:
    import os
    import subprocess

    if not os.path.isdir("{folder}"):
        subprocess.run(["git", "clone", "--depth", "1", "{address}", "{folder}"], check=True)
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--editable", "{folder}"]
        subprocess.run(install, check=True)
    os.chdir("{folder}")
    sys.path.insert(0, "{folder}")"""
FOLDER = "/content/diffusion-by-building"


def setup_source(repository: Repository, folder: str = FOLDER) -> str:
    """The set-up cell.

    Args:
        repository: where it gets the course.
        folder: where it puts it.
    """
    return _SETUP.format(address=repository.address, folder=folder)


def with_setup(page: LessonPage, repository: Repository) -> NotebookNode:
    """The lesson with stubs, to be downloaded: set-up cell first, opening picture in its text."""
    notebook = nbformat.read(page.lesson, as_version=4)
    place = page.picture[1]
    png = base64.b64encode((page.lesson.parent / place).read_bytes()).decode()
    first = notebook.cells[0]
    first.source = first.source.replace(f"({place})", f"(data:image/png;base64,{png})")
    cell = new_code_cell(setup_source(repository), id="set-up-colab")
    notebook.cells.insert(0, cell)
    return notebook

"""What the website knows of the course: its lessons, their parts and where the repository is.

All of it is read from the repository's own files; nothing here needs torch, so that a machine that
only publishes the site need not install it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
SOLVED = ROOT / "solutions" / "notebooks"
TITLE = "Diffusion by Building"
_NAME = re.compile(r"(\d\d)_(\w+)")
_PART = re.compile(r"^\| *\| \*\*(.+)\*\* \| *\|$")
_ROW = re.compile(r"^\| (\d\d) \|")
_ABLE = re.compile(r"^\*\*After this lesson you can\*\* (.+)$", re.MULTILINE)
_PICTURE = re.compile(r"!\[([^\]]+)\]\((pictures/\d\d\.png)\)")


@dataclass(frozen=True)
class LessonPage:
    """A lesson as the website shows it.

    Attributes:
        number: two digits.
        name: the name of its notebooks, number and all, without the ending.
    """

    number: str
    name: str

    @property
    def lesson(self) -> Path:
        """The notebook with stubs."""
        return ROOT / "lessons" / f"{self.name}.ipynb"

    @cached_property
    def solved(self) -> NotebookNode:
        """The solved notebook, executed."""
        return nbformat.read(SOLVED / f"{self.name}.ipynb", as_version=4)

    @property
    def title(self) -> str:
        """What the lesson is called, without its number."""
        heading = self.solved.cells[0].source.splitlines()[0]
        return heading.removeprefix("# ").split(" · ", 1)[-1]

    @property
    def able(self) -> str:
        """What one can do after it, from "make samples ..." to the full stop."""
        return _found(_ABLE, self)[1]

    @property
    def picture(self) -> tuple[str, str]:
        """The opening picture's text and its place beside the notebook."""
        found = _found(_PICTURE, self)
        return found[1], found[2]


def _found(pattern: re.Pattern[str], page: LessonPage) -> re.Match[str]:
    if found := pattern.search(page.solved.cells[0].source):
        return found
    raise ValueError(
        f"{page.name}.ipynb begins without what the website's front page shows: {pattern.pattern}"
    )


def lesson_pages() -> list[LessonPage]:
    """All lessons that have a solved notebook, in the order of the course."""
    names = sorted(path.stem for path in SOLVED.glob("*.ipynb"))
    return [LessonPage(found[1], name) for name in names if (found := _NAME.fullmatch(name))]


def by_part(pages: Sequence[LessonPage]) -> dict[str, list[LessonPage]]:
    """The lessons by the parts of the README's table.

    A lesson that the table lacks goes with the one before it.
    """
    part, part_of = "Lessons", {}
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines():
        if found := _PART.match(line):
            part = found[1]
        elif found := _ROW.match(line):
            part_of[found[1]] = part
    grouped: dict[str, list[LessonPage]] = {}
    part = next(iter(part_of.values()), part)
    for page in pages:
        part = part_of.get(page.number, part)
        grouped.setdefault(part, []).append(page)
    return grouped


@dataclass(frozen=True)
class Repository:
    """Where the course is kept; the site's links to it hang on this alone.

    Attributes:
        address: on GitHub, "https://github.com/OWNER/NAME"; "" while there is none.
        site_branch: the branch that holds the built site, from which Colab opens the lessons.
    """

    address: str
    site_branch: str

    def colab(self, page: LessonPage) -> str:
        """The address that opens a lesson in Colab.

        Colab opens notebooks of GitHub's branches alone, so it gets the one on the site's branch.
        """
        path = self.address.removeprefix("https://github.com/").strip("/")
        place = f"{path}/blob/{self.site_branch}/notebooks/{page.name}.ipynb"
        return f"https://colab.research.google.com/github/{place}"


def repository() -> Repository:
    """The setting of pyproject.toml, table [tool.course]."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return Repository(**tomllib.loads(text)["tool"]["course"])

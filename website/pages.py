"""From solved notebooks to pages: solutions folded, links to run a lesson, and the front page."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence

import nbformat
from jinja2 import Environment
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from website.course import ROOT, TITLE, LessonPage, Repository, by_part

_WARNING = "Solution: it takes the exercise away. Write yours first"
_HEADING = re.compile(r"\A(# .+\n)")


def lesson_page(page: LessonPage, repository: Repository) -> NotebookNode:
    """The notebook that becomes a lesson's page.

    Where the solved notebook has a solution, the page has the stub and, folded, the solution.
    """
    notebook = copy.deepcopy(page.solved)
    stubs = iter(_stub_sources(page))
    cells = []
    for cell in notebook.cells:
        if _is_stub(cell):
            cells += [new_code_cell(next(stubs)), _folded(cell.source)]
        else:
            cells.append(cell)
    if repository.address:
        cells[0].source = _HEADING.sub(rf"\1\n{_links(page, repository)}\n", cells[0].source)
    notebook.cells = cells
    return notebook


def _is_stub(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and "stub" in cell.metadata.get("course", {})


def _stub_sources(page: LessonPage) -> list[str]:
    lesson = nbformat.read(page.lesson, as_version=4)
    return [cell.source for cell in lesson.cells if _is_stub(cell)]


def _folded(source: str) -> NotebookNode:
    fence = "````"  # longer than any in a docstring
    return new_markdown_cell(
        f'<details class="solution"><summary>{_WARNING}</summary>\n\n'
        f"{fence}python\n{source}\n{fence}\n\n</details>"
    )


def _links(page: LessonPage, repository: Repository) -> str:
    return (
        '<p class="run-it">'
        f'<a href="{repository.colab(page)}">Open in Colab</a>'
        f'<a href="notebooks/{page.name}.ipynb" download>Download the notebook</a></p>'
    )


def front_page(repository: Repository, pages: Sequence[LessonPage]) -> str:
    """The front page in Markdown, with every lesson's picture and what one can do after it."""
    template = (ROOT / "website" / "front.md.jinja").read_text(encoding="utf-8")
    environment = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
    return environment.from_string(template).render(
        title=TITLE, parts=by_part(pages), repository=repository, **_readme_pictures()
    )


def _readme_pictures() -> dict[str, str]:
    """The texts of the README's pictures, by the pictures' names."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"!\[([^\]]+)\]\(datasets/pictures/readme_(\w+)\.png\)", readme)
    return {name: text for text, name in found}

"""Where a lesson's text names another ("lesson 04", "lessons 14 and 15"), its number is a link.

A Sphinx extension. It goes through the parsed text, so that code, formulas and links stay as they
are.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

_NAMED = re.compile(r"\b[Ll]essons? \d\d(?:(?:,|,? and|,? or| to) \d\d)*\b")
_NUMBER = re.compile(r"\b\d\d\b")
_LEFT_ALONE = (nodes.literal, nodes.literal_block, nodes.reference, nodes.title, nodes.raw)


class LessonLinks(SphinxPostTransform):
    """Put links in the place of lessons' numbers."""

    default_priority = 700

    def run(self, **_: object) -> None:
        """Change this page's text."""
        pages = {name[:2]: name for name in self.env.found_docs if name[:2].isdigit()}
        for text in list(self.document.findall(nodes.Text)):
            if not any(isinstance(above, _LEFT_ALONE) for above in _above(text)):
                pieces = _with_links(str(text), pages, self.env.docname)
                if len(pieces) > 1:
                    text.parent.replace(text, pieces)


def _above(node: nodes.Node) -> list[nodes.Element]:
    found = []
    while (node := node.parent) is not None:
        found.append(node)
    return found


def _with_links(text: str, pages: dict[str, str], here: str) -> list[nodes.Node]:
    pieces: list[nodes.Node] = []
    done = 0
    for named in _NAMED.finditer(text):
        for number in _NUMBER.finditer(text, *named.span()):
            page = pages.get(number[0])
            if page is None or page == here:
                continue
            link = nodes.reference("", number[0], internal=True, refuri=f"{page}.html")
            pieces += [nodes.Text(text[done : number.start()]), link]
            done = number.end()
    return [*pieces, nodes.Text(text[done:])]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the transform."""
    app.add_post_transform(LessonLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

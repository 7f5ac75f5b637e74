"""Solved notebooks are seen where no script of ours runs and styles are thinned out.

nbviewer takes outputs as they are, so a tag that is not closed spoils the rest of its page. VS
Code, Colab and GitHub run no script of a notebook that they don't trust, and no widget without its
kernel. Of a notebook from somebody else JupyterLab drops scripts, style sheets and every style
with a value that it can't read. Markdown cells are cleaned everywhere: few tags of HTML are left.
"""

import re
from html.parser import HTMLParser

import nbformat
import pytest
from nbconvert import HTMLExporter

from checkers.engine.registry import all_lessons
from lessons.workbench.pictures import figures, show, slider

each_lesson = pytest.mark.parametrize("lesson", all_lessons(), ids=lambda lesson: lesson.name)

NEVER_CLOSED = {"br", "img", "hr", "col"}
SEEN_EVERYWHERE = NEVER_CLOSED | {
    "table", "caption", "thead", "tbody", "tr", "td", "th", "div", "p", "span", "b", "code", "pre",
    "details", "summary",
}  # fmt: skip
IN_MARKDOWN = {"details", "summary", "code"}
ATTRIBUTES = {"style", "src", "alt", "width", "open"}
DROPPED = re.compile(r"\b(min|max|clamp|calc|var|env)\(|\banywhere\b|\b\d+(vw|vh|ch|fr)\b")
NICETIES = {"clip-path", "image-rendering", "grid-template-columns", "gap"}
"""Styles that may be dropped: the page is whole without them."""
OF_EARLIER_FIGURES = {"overflow-wrap", "font-size"}
"""Figures had such styles with values that are dropped; where no words ran into each other,
notebooks were not executed again for it."""


class _Page(HTMLParser):
    """The tags and attributes of a piece of HTML, and what is wrong with it."""

    def __init__(self, page, niceties=NICETIES):
        super().__init__()
        self.wrong, self._open, self._niceties = [], [], niceties
        self.feed(page)
        self.close()
        self.wrong += [f"<{tag}> is not closed" for tag in self._open]

    def handle_starttag(self, tag, attrs):
        if tag not in NEVER_CLOSED:
            self._open.append(tag)
        if tag not in SEEN_EVERYWHERE:
            self.wrong.append(f"<{tag}>")
        given = dict(attrs)
        self.wrong += [f"{tag} {name}" for name in given if name not in ATTRIBUTES]
        if tag == "img" and not (given.get("alt") and given["src"].startswith("data:image/png")):
            self.wrong.append(f"an image with {sorted(given)}")
        for style in filter(str.strip, given.get("style", "").split(";")):
            name, value = map(str.strip, style.split(":", 1))
            if name not in self._niceties and DROPPED.search(value):
                self.wrong.append(style)

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.wrong.append(f"</{tag}> closes another tag")


@pytest.mark.parametrize(
    "page",
    [
        "<table><tr><td>1</tr></table>",
        "<b>1",
        "<script>1</script>",
        '<p onclick="a()">1</p>',
        '<img alt="1" src="https://example.org/1.png">',
        '<img src="data:image/png;base64,AA">',
        '<p style="width:min(1px,2px)">1</p>',
        '<p style="color:red; overflow-wrap: anywhere">1</p>',
    ],
)
def test_what_some_viewer_spoils_is_found(page):
    assert _Page(page).wrong


@each_lesson
def test_outputs_are_text_and_pictures_that_every_viewer_shows(lesson):
    notebook = nbformat.read(lesson.solved_notebook, as_version=4)
    assert "widgets" not in notebook.metadata
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert outputs
    for output in outputs:
        if output.output_type == "stream":
            continue
        assert set(output.data) <= {"text/plain", "text/html", "image/png"}
        page = output.data.get("text/html", "")
        assert _Page(page, NICETIES | OF_EARLIER_FIGURES).wrong == []


@each_lesson
def test_a_lesson_s_text_has_no_html_but_what_is_kept(lesson):
    for cell in nbformat.read(lesson.notebook, as_version=4).cells:
        if cell.cell_type != "markdown":
            continue
        text = re.sub(r"```.*?```|`[^`\n]*`", "", cell.source, flags=re.DOTALL)
        assert set(re.findall(r"</?([a-z]+)[ >]", text)) <= IN_MARKDOWN
        assert text.count("<details>") == text.count("</details>")
        # Markdown inside of HTML is read as Markdown only after an empty line.
        assert text.count("</summary>") == len(re.findall(r"</summary>\n\n", text))


def test_nbviewer_s_page_needs_no_script():
    """nbviewer shows what nbconvert's bare template makes."""
    lesson = all_lessons()[1]
    page, _ = HTMLExporter(template_name="basic").from_filename(str(lesson.solved_notebook))
    assert "<script" not in page and "widget" not in page
    assert page.count('src="data:image/png') >= 8


def test_what_students_are_shown_stays_whole_too(monkeypatch):
    """Of a slider counts what is left without its script: the row of pictures."""
    import torch

    shown = []
    monkeypatch.setattr(figures, "display", lambda data, **_: shown.append(data["text/html"]))
    squares = torch.zeros(4, 3, 8, 8)
    show(squares, ["a", "b"], rows=["c", "d"], numbers={"e\nf": ["1", "2"]}, alt="Four squares.")
    slider(squares, list("abcd"), name="t", alt="Four squares.")
    figure = re.search("<table .*</table>", shown[1], re.DOTALL)
    assert figure is not None
    assert _Page(shown[0]).wrong == _Page(figure[0]).wrong == []

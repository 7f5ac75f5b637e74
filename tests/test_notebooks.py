"""Lessons, stubs and solved notebooks are in step; figures carry descriptions; files stay light."""

import ast
import re
import symtable
from html.parser import HTMLParser

import nbformat
import pytest
from nbconvert import HTMLExporter

from checkers.engine.authoring.notebooks import (
    NotebookError,
    hinted_names,
    read_lesson,
    refresh_stubs,
    solved_source,
    stub_cells,
    stub_source,
    uses_stand_in,
    with_fresh_stubs,
    with_solutions,
)
from checkers.engine.checking import check_submission
from checkers.engine.registry import Lesson, all_lessons, find_lesson
from checkers.engine.report import Status
from checkers.engine.submission import read_submission
from lessons.workbench.training.mnist import STAND_IN
from solutions.forward_noising import forward

LESSONS = all_lessons()
MAX_BYTES = 400_000

each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)


def _outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


@each_lesson
def test_stub_and_hint_cells_are_those_of_the_solutions(lesson):
    notebook = read_lesson(lesson)
    assert with_fresh_stubs(notebook, lesson) == notebook, "run: python -m checkers refresh"


@each_lesson
def test_the_solved_notebook_is_the_lesson_solved(lesson):
    solved = nbformat.read(lesson.solved_notebook, as_version=4)
    wanted = with_solutions(read_lesson(lesson), lesson)
    assert [(c.cell_type, c.source) for c in solved.cells] == [
        (c.cell_type, c.source) for c in wanted.cells
    ], "run: python -m checkers refresh"


@each_lesson
def test_every_exercise_has_its_stub_check_and_hints(lesson):
    notebook = read_lesson(lesson)
    names = [exercise.name for exercise in lesson.exercises]
    assert [name for _, stubs in stub_cells(notebook) for name in stubs] == names
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    hinted = [name for cell in notebook.cells for name in hinted_names(cell)]
    for name in names:
        assert f"check({name})" in code
        assert name in hinted


@each_lesson
def test_the_lesson_is_shipped_without_outputs(lesson):
    notebook = read_lesson(lesson)
    assert not _outputs(notebook)
    assert all(c.execution_count is None for c in notebook.cells if c.cell_type == "code")
    nbformat.validate(notebook)


@each_lesson
def test_the_solved_notebook_passes_its_own_checker(lesson, worker):
    submission = read_submission(lesson.solved_notebook)
    (report,) = check_submission(submission, [lesson], worker)
    assert report.passed, "\n".join(map(str, report.reports))


@each_lesson
def test_every_stub_of_the_lesson_is_not_attempted(lesson, worker):
    submission = read_submission(lesson.notebook)
    (report,) = check_submission(submission, [lesson], worker)
    assert {r.status for r in report.reports} == {Status.NOT_ATTEMPTED}, str(report.reports)
    said = [case.message for one in report.reports for case in one.cases if case.message]
    assert said and all("is not written yet" in message for message in said), said


@each_lesson
def test_every_figure_is_described(lesson):
    for output in _outputs(nbformat.read(lesson.solved_notebook, as_version=4)):
        if "image/png" in output.get("data", {}):
            alt = output.metadata.get("image/png", {}).get("alt", "")
            assert len(alt) >= 20, "a figure without a description"
        for caption in re.findall(
            "<caption.*?</caption>", output.get("data", {}).get("text/html", "")
        ):
            assert len(re.sub("<.*?>", "", caption)) >= 20, "a figure without a description"


class _Images(HTMLParser):
    """The attributes of all images of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.found.append(dict(attrs))


@each_lesson
def test_every_image_of_the_exported_lesson_has_its_text(lesson):
    exporter = HTMLExporter(embed_images=True)
    page, _ = exporter.from_filename(str(lesson.solved_notebook))
    images = _Images(page).found
    assert images
    for image in images:
        assert image["src"].startswith("data:image/png"), image["src"][:80]
        assert image.get("alt", "").replace("No description has been provided for this image", "")


@each_lesson
def test_the_lesson_opens_with_a_picture_of_what_it_makes(lesson):
    ((alt, address),) = re.findall(r"!\[(.*?)\]\((.*?)\)", read_lesson(lesson).cells[0].source)
    assert address == f"pictures/{lesson.number}.png" and len(alt) >= 20
    picture = (lesson.notebook.parent / address).read_bytes()
    assert len(picture) <= 60_000
    assert (lesson.solved_notebook.parent / address).read_bytes() == picture
    (opens,) = [c for c in read_lesson(lesson).cells if c.metadata.get("course", {}).get("opens")]
    assert opens.cell_type == "code"


@each_lesson
def test_the_solved_notebook_is_light_and_clean(lesson):
    assert lesson.solved_notebook.stat().st_size <= MAX_BYTES
    for output in _outputs(nbformat.read(lesson.solved_notebook, as_version=4)):
        assert output.output_type != "error"
        assert output.get("name") != "stderr", output.get("text")


@each_lesson
def test_the_solved_notebook_shows_mnist_and_not_its_stand_in(lesson):
    solved = nbformat.read(lesson.solved_notebook, as_version=4)
    assert not uses_stand_in(solved)
    solved.cells[-1] = nbformat.v4.new_code_cell(
        outputs=[nbformat.v4.new_output("stream", name="stdout", text=f"{STAND_IN}\n")]
    )
    assert uses_stand_in(solved)


@each_lesson
def test_the_lesson_begins_with_what_it_needs(lesson):
    cells = read_lesson(lesson).cells
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith(f"# {lesson.number} · ")
    assert "After this lesson you can" in cells[0].source
    assert 10 <= len(cells) <= 40


def _names(statements):
    """The names that statements make at the top of a cell, and those that they use."""
    table = symtable.symtable("\n".join(map(ast.unparse, statements)), "cell", "exec")
    made = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    used = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    inner = [table]
    for scope in inner:
        inner += scope.get_children()
        used |= {s.get_name() for s in scope.get_symbols() if s.is_global()}
    return made, used


@each_lesson
def test_a_skipped_cell_ends_no_later_one_with_a_name_error(lesson):
    """Names of another display cell are used where `when_ready` says which cell to run."""
    ready: set[str] = set()  # made before the first exercise, or to be touched: pad and brush
    others: set[str] = set()
    begun = False
    for cell in read_lesson(lesson).cells:
        if cell.cell_type != "code":
            continue
        begun = begun or "stub" in cell.metadata.get("course", {})
        statements = ast.parse(cell.source).body
        made, _ = _names(statements)
        if not begun or "stub" in cell.metadata.get("course", {}):
            ready |= made
        bare = [
            s for s in statements if not isinstance(s, (ast.With, ast.FunctionDef, ast.ClassDef))
        ]
        own, used = _names(bare)
        assert not (used & others) - own - ready - {"pad", "brush"}, cell.source[:200]
        others |= made


def test_a_stub_keeps_signature_and_docstring_and_loses_the_answer():
    stub, solved = stub_source(forward), solved_source(forward)
    assert stub.splitlines()[:3] == solved.splitlines()[:3]
    assert "raise NotImplementedError" in stub and "abar" not in stub.split('"""')[-1]
    assert "SOLUTION" not in stub + solved


def test_an_answer_written_into_a_stub_cell_is_never_overwritten(tmp_path, monkeypatch):
    lesson = find_lesson("forward_noising")
    notebook = read_lesson(lesson)
    (cell,) = [c for c in notebook.cells if "stub" in c.metadata.get("course", {})]
    cell.source = cell.source.replace("raise NotImplementedError", "return im")
    monkeypatch.setattr("checkers.engine.registry.LESSONS", tmp_path)
    copy = Lesson(lesson.number, lesson.name)
    nbformat.write(notebook, copy.notebook)
    before = copy.notebook.read_bytes()
    with pytest.raises(NotebookError, match="edited by hand"):
        refresh_stubs(copy)
    assert copy.notebook.read_bytes() == before

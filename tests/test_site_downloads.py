"""A downloaded lesson sets up Google Colab, does nothing elsewhere, and is graded as any other."""

import os
import shutil
import subprocess
import sys
import types

import nbformat
import pytest
from built_site import MADE_UP, built_site

from checkers.engine.registry import ROOT, all_lessons, find_lesson
from checkers.engine.submission import lessons_in, read_submission
from website.course import Repository
from website.downloads import setup_source

LESSONS = all_lessons()


def downloaded(lesson):
    return built_site() / "notebooks" / lesson.notebook.name


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """An empty working directory; Python's path is put back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
def test_it_is_the_lesson_behind_one_cell_and_with_its_picture(lesson):
    theirs, ours = nbformat.read(downloaded(lesson), 4), nbformat.read(lesson.notebook, 4)
    nbformat.validate(theirs)
    assert theirs.cells[0].source == setup_source(MADE_UP)
    assert [cell.source for cell in theirs.cells[2:]] == [cell.source for cell in ours.cells[1:]]
    first = theirs.cells[1].source
    assert "](data:image/png;base64,iVBOR" in first
    assert "](pictures/" not in first


def test_the_course_s_own_notebooks_have_no_such_cell():
    for lesson in LESSONS:
        for path in (lesson.notebook, lesson.solved_notebook):
            assert "google.colab" not in path.read_text("utf-8")


def test_outside_colab_it_does_nothing(scratch, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("it ran a command"))
    before = list(sys.path)
    exec(setup_source(MADE_UP), {})
    assert os.getcwd() == str(scratch)  # noqa: PTH109
    assert sys.path == before
    assert not list(scratch.iterdir())


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_in_colab_it_brings_the_course_and_goes_into_it(scratch, monkeypatch):
    theirs, here = scratch / "theirs", scratch / "content" / "course"
    theirs.mkdir()
    (theirs / "here.py").write_text("CAME = True\n")
    author = ("-c", "user.name=x", "-c", "user.email=x@localhost")
    for words in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=theirs, check=True)
    commands, run = [], subprocess.run

    def noted(words, **options):
        commands.append(words)
        return run(words, **options) if words[0] == "git" else None

    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr(subprocess, "run", noted)
    cell = setup_source(Repository(theirs.as_uri(), "gh-pages"), str(here))
    for _ in range(2):  # run again, it only goes there
        exec(cell, {})
    assert os.getcwd() == str(here)  # noqa: PTH109
    assert sys.path[0] == str(here)
    clone, install = commands
    assert clone[:2] == ["git", "clone"]
    assert install[1:] == ["-m", "pip", "install", "--quiet", "--editable", str(here)]
    assert (here / "here.py").is_file()


def test_an_answer_handed_in_with_that_cell_is_graded_as_any_other(worker, tmp_path):
    from checkers.engine.checking import check_submission

    lesson = find_lesson("01")
    notebook = nbformat.read(downloaded(lesson), 4)
    solved = nbformat.read(lesson.solved_notebook, 4)
    for cell in notebook.cells:
        if "stub" in cell.metadata.get("course", {}):
            cell.source = next(c.source for c in solved.cells if c.source.startswith("def forward"))
    path = tmp_path / lesson.notebook.name
    nbformat.write(notebook, path)
    submission = read_submission(path)
    assert [found.number for found in lessons_in(submission)] == ["01"]
    (report,) = check_submission(submission, [lesson], worker, 1)
    assert report.passed
    assert ROOT not in path.parents

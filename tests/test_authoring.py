"""What CONTRIBUTING promises to authors: a lesson, and a mistake, made by its commands."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checkers.engine.registry import ROOT

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A scratch copy of the course, in which a test may add what it likes."""
    copy = tmp_path_factory.mktemp("course")
    skipped = shutil.ignore_patterns("__pycache__", "notebooks")
    for room in ("checkers", "lessons", "solutions"):
        shutil.copytree(ROOT / room, copy / room, ignore=skipped)
    shutil.copy(ROOT / "pyproject.toml", copy)
    (copy / "datasets").symlink_to(ROOT / "datasets")
    return copy


def _run(course, *command):
    """Run one of CONTRIBUTING's commands in the copy, with the copy's own code."""
    words = [sys.executable, *command] if command[0] == "-m" else list(command)
    done = subprocess.run(
        words, cwd=course, env=_environment(course), capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def _environment(course):
    return {**os.environ, "PYTHONPATH": str(course), "OMP_NUM_THREADS": "1"}


def _tree(course):
    """All files, but what Python keeps of a module that it has imported."""
    left_out = {"datasets", "__pycache__"}
    return {
        path: path.read_bytes()
        for path in course.rglob("*")
        if path.is_file() and not left_out & set(path.parts)
    }


def test_a_new_lesson_runs_and_is_proved_before_a_word_is_changed(course):
    # 31, so that 21 is free whichever test runs first
    code, text = _run(course, "-m", "checkers", "new", "31", "few_words")
    assert code == 0, text
    made = re.findall(r"^\S+/\S+$", text, flags=re.MULTILINE)
    assert len(made) == 5 and all((course / path).exists() for path in made)
    code, text = _run(course, "-m", "checkers", "verify", "31")
    assert code == 0 and "0 fail" in text, text
    assert "1 exercises, 3 mistakes, 2 other right answers" in text
    code, text = _run(course, "-m", "checkers", "check", "31")
    assert "not attempted" in text
    for tool in (("ruff", "check"), ("ruff", "format", "--check")):
        python_files = [path for path in made if path.endswith(".py")]
        code, text = _run(
            course, str(Path(sys.executable).with_name(tool[0])), *tool[1:], *python_files
        )
        assert code == 0, text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("01", "another"), "There is a lesson 01 forward_noising already"),
        (("21", "sampling"), "There is a lesson 05 sampling already"),
        (("21", "Upper"), "lower case: upper"),
        (("21", "for"), "can't be a name in Python"),
        (("eighteen", "words"), "two digits, such as 21"),
        (("21", "engine"), "is there already. Move it away"),
        (("21", "words", "--function", "forward"), "exercise of forward_noising already"),
    ],
)
def test_a_lesson_that_cannot_be_begun_is_refused_in_a_sentence(course, words, sentence):
    before = _tree(course)
    code, text = _run(course, "-m", "checkers", "new", *words)
    assert code == 2 and sentence in " ".join(text.split()), text
    assert _tree(course) == before


def test_the_example_of_a_new_mistake_is_proved_by_its_command(course):
    (example,) = re.findall(r"```toml\n(\[forward\..*?)```", CONTRIBUTING, flags=re.DOTALL)
    assert len(example.strip().splitlines()) == 3
    table = course / "checkers" / "forward_noising" / "mistakes.toml"
    table.write_text(table.read_text() + "\n" + example)
    name = re.match(r"\[forward\.(\w+)\]", example)[1]
    code, text = _run(course, "-m", "checkers", "verify", "01")
    assert code == 0 and f"mistake {name} fails by its own sentence" in text, text


def test_a_swap_that_cannot_be_made_ends_verify_with_one_sentence(course):
    table = course / "checkers" / "forward_noising" / "mistakes.toml"
    before = table.read_text()
    try:
        table.write_text(f'{before}\n[forward.lost]\nsays = "x"\nswap = [["no such text", ""]]\n')
        code, text = _run(course, "-m", "checkers", "verify", "01")
    finally:
        table.write_text(before)
    assert code == 2 and text.count("\n") == 1, text
    assert "checkers/forward_noising/mistakes.toml, forward.lost: 'no such text'" in text

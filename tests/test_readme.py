"""The README keeps its promises: its commands, files, lessons and licences are there."""

import re
import tomllib
from pathlib import Path

import pytest
import typer

from checkers.__main__ import app
from checkers.engine.registry import all_lessons

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_it_opens_with_the_two_commands():
    first_block = README.split("```")[1]
    assert re.findall(r"^make (\w+)", first_block, flags=re.MULTILINE) == ["lessons", "test"]


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/grading.md"]
)
def test_every_link_and_picture_is_there(page):
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 130


def test_the_version_is_the_same_everywhere():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {version}\n" in (ROOT / "CHANGELOG.md").read_text()


def test_the_commands_of_the_pages_are_there():
    """`python -m checkers X` and its options, as the pages name them."""
    pages = (ROOT / name for name in ("README.md", "CONTRIBUTING.md", "docs/grading.md"))
    text = "\n".join(path.read_text() for path in pages)
    group = typer.main.get_command(app)
    for name, rest in re.findall(r"python -m checkers (\w+)([^`\n]*)", text):
        options = {o for parameter in group.commands[name].params for o in parameter.opts}
        assert set(re.findall(r"--[\w-]+", rest)) <= options, name


def test_pictures_are_described():
    assert all(len(alt) > 20 for alt in re.findall(r"!\[([^\]]*)\]", README))


def test_the_table_lists_every_lesson_and_stub():
    rows = dict(re.findall(r"^\| (\d\d) \|(.*)\|$", README, flags=re.MULTILINE))
    assert sorted(rows) == [lesson.number for lesson in all_lessons()]
    for lesson in all_lessons():
        stubs = re.findall(r"`(\w+)`", rows[lesson.number])
        assert stubs == [exercise.name for exercise in lesson.exercises]


def test_the_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)

"""The README keeps its promises: its commands, files, lessons and licences are there."""

import re
from pathlib import Path

from checkers.engine.registry import all_lessons

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_it_opens_with_the_two_commands():
    first_block = README.split("```")[1]
    assert re.findall(r"^make (\w+)", first_block, flags=re.MULTILINE) == ["lessons", "test"]


def test_every_link_and_picture_is_there():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


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

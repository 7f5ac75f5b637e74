"""The house rules that a reader can hold on to: small files, small functions, faces."""

import ast
import re

import nbformat
import pytest

from checkers.engine.registry import ROOT, all_lessons

MAX_LINES = 400
MAX_FUNCTION_LINES = 70


@pytest.mark.parametrize(
    "room", ["checkers", "lessons", "solutions", "benchmarks", "tests", "website"]
)
def test_a_file_fits_in_the_head_and_a_function_on_the_screen(room):
    hand_ins = ROOT / "tests" / "cases"  # are written as students write
    for path in (ROOT / room).rglob("*.py"):
        if hand_ins in path.parents:
            continue
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= MAX_LINES, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                lines = node.end_lineno - node.lineno + 1
                assert lines <= MAX_FUNCTION_LINES, f"{path}: {node.name} has {lines} lines"


def test_notebooks_import_from_the_faces_of_the_wings():
    inside = re.compile(r"lessons\.workbench\.\w+\.\w+")
    for lesson in all_lessons():
        for cell in nbformat.read(lesson.notebook, as_version=4).cells:
            assert not inside.search(cell.source), f"{lesson.notebook.name}: {cell.source[:80]}"


@pytest.mark.parametrize("wing", ["denoisers", "training", "pictures"])
def test_a_face_offers_what_it_lists(wing):
    face = __import__(f"lessons.workbench.{wing}", fromlist=["__all__"])
    assert face.__all__
    for name in face.__all__:
        assert getattr(face, name) is not None

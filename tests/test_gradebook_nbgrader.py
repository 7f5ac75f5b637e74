"""Lesson notebooks are nbgrader assignments: valid metadata, and nbgrader itself agrees.

Set NBGRADER_VENV to a virtual environment that has nbgrader to run the slow test: it grades with
this environment's kernel, so nbgrader's own needs no torch.

    python -m venv /tmp/nbgrader && /tmp/nbgrader/bin/pip install nbgrader
    NBGRADER_VENV=/tmp/nbgrader python -m pytest tests/test_gradebook_nbgrader.py
"""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from made_up_class import RIGHT

from checkers.engine.authoring.notebooks import read_lesson
from checkers.engine.check_cells import check
from checkers.engine.registry import all_lessons, find_lesson

ROOT = Path(__file__).resolve().parents[1]
NAME = "01_forward_noising"
WRONG = RIGHT.replace("(1 - alphas_cumprod[t]).sqrt()", "(1 - alphas_cumprod[t])")


def _marks(notebook):
    return [(c, c.metadata["nbgrader"]) for c in notebook.cells if "nbgrader" in c.metadata]


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda lesson: lesson.name)
def test_the_metadata_follows_schema_3(lesson):
    notebook = read_lesson(lesson)
    marks = _marks(notebook)
    ids = [mark["grade_id"] for _, mark in marks]
    assert len(set(ids)) == len(ids) and all(ids)
    for cell, mark in marks:
        assert mark["schema_version"] == 3 and cell.cell_type == "code"
        assert set(mark) - {"points"} == {
            "grade", "grade_id", "locked", "schema_version", "solution", "task",
        }  # fmt: skip
        assert (mark["grade"], mark["locked"]) in {(True, True), (False, False)}
        assert mark["solution"] != mark["grade"] and not mark["task"]
        assert ("points" in mark) == mark["grade"]
        assert ("stub" in cell.metadata.get("course", {})) == mark["solution"]
    points = {mark["grade_id"]: mark["points"] for _, mark in marks if mark["grade"]}
    assert points == {f"{e.name}-check": e.points for e in lesson.exercises}


@pytest.mark.parametrize(("source", "share"), [(RIGHT, 1.0), (WRONG, 0.5), ("forward = 3", 0.0)])
def test_a_check_cell_gives_nbgrader_the_points(monkeypatch, capsys, source, share):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    names = {}
    exec(source, names)
    points = check(names["forward"])
    most = find_lesson("01").exercises[0].points
    assert type(points) is int
    assert points == share * most if share in (0.0, 1.0) else 0 < points < most
    assert capsys.readouterr().err == ""


def _nbgrader(venv, course, *arguments):
    environment = {
        **os.environ,
        "PATH": f"{Path(venv) / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_PATH": str(course / "kernels-here"),
        "PYTHONPATH": str(ROOT),
        "HOME": str(course),
    }
    done = subprocess.run(
        [str(Path(venv) / "bin" / "nbgrader"), *arguments],
        cwd=course,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _answered(notebook, source):
    (cell,) = [cell for cell, mark in _marks(notebook) if mark["solution"]]
    cell.source = source
    return notebook


@pytest.mark.skipif("NBGRADER_VENV" not in os.environ, reason="NBGRADER_VENV names no environment")
def test_nbgrader_itself_generates_and_grades_a_lesson(tmp_path):
    venv, course = os.environ["NBGRADER_VENV"], tmp_path
    kernel = course / "kernels-here" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "course", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    (course / "source" / "ps1").mkdir(parents=True)
    lesson = find_lesson("01")
    shutil.copy(lesson.notebook, course / "source" / "ps1")
    _nbgrader(venv, course, "generate_assignment", "ps1", "--ClearSolutions.enabled=False")
    released = nbformat.read(course / "release" / "ps1" / f"{NAME}.ipynb", as_version=4)
    (stub,) = [cell for cell, mark in _marks(released) if mark["solution"]]
    (given,) = [cell for cell, mark in _marks(read_lesson(lesson)) if mark["solution"]]
    assert stub.source == given.source

    answers = {"right": RIGHT, "wrong": WRONG, "stub": given.source, "renamed": "forward = 3"}
    for student, source in answers.items():
        folder = course / "submitted" / student / "ps1"
        folder.mkdir(parents=True)
        answer = _answered(nbformat.from_dict(json.loads(json.dumps(released))), source)
        if student == "wrong":  # a check cell that was tampered with is put back
            for cell, mark in _marks(answer):
                cell.source = cell.source if mark["solution"] else "10"
        nbformat.write(answer, folder / f"{NAME}.ipynb")
    _nbgrader(venv, course, "autograde", "ps1")
    _nbgrader(venv, course, "export")
    with (course / "grades.csv").open(newline="") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    most = lesson.exercises[0].points
    assert scores["right"] == most
    assert 0 < scores["wrong"] < most
    assert scores["stub"] == scores["renamed"] == 0

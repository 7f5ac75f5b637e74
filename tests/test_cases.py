"""The law of reading: a submission gets what the notebook's own check gives it, or a note says why.

Every folder of `cases` is a hand-in. It is run as a notebook, cell by cell in IPython, and checked
there; then its file is read and checked in the sandbox.
"""

import contextlib
import io
import re
import sys
import tomllib
from functools import partial
from pathlib import Path

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

from checkers.engine.card import text_card
from checkers.engine.exercise import Case, Exercise
from checkers.engine.gradebook.jobs import code_digest, key_of
from checkers.engine.gradebook.plans import make_plan
from checkers.engine.gradebook.settings import Settings
from checkers.engine.gradebook.submissions import find_students
from checkers.engine.grading import grade, grade_here
from checkers.engine.registry import find_lesson
from checkers.engine.submission import lessons_in, read_submission
from checkers.forward_noising.exercises import FORWARD

CASES = sorted(path.parent for path in Path(__file__).parent.glob("cases/*/expected.toml"))
QUICK = Exercise(
    FORWARD.reference,
    [
        Case(case.title, case.points, case.inputs, case.judge, case.probe, time_limit=6.0)
        for case in FORWARD.cases
        if not case.hidden
    ],
    FORWARD.hints,
)
SEED = 1


def _file(folder):
    (file,) = (path for path in folder.iterdir() if path.suffix in (".ipynb", ".py"))
    return file


@pytest.fixture
def kernel(monkeypatch, tmp_path):
    """Runs cells as a notebook does; no command gets out of it."""
    monkeypatch.chdir(tmp_path)  # some write a file
    shell = InteractiveShell()
    main = sys.modules["__main__"]
    shell.user_ns["display"] = lambda *_: None
    for magic in ("wandb", "my_own_magic"):
        shell.register_magic_function(lambda _, cell: shell.run_cell(cell), "cell", magic)
    shell.register_magic_function(lambda _: None, "line", "matplotlib")
    monkeypatch.setattr(shell, "system", lambda *_: None)
    monkeypatch.setattr(shell, "getoutput", lambda *_, **__: [])
    monkeypatch.setattr(InteractiveShell, "_instance", shell, raising=False)
    dtype = torch.get_default_dtype()
    sys.modules["__main__"] = shell.user_module
    yield shell
    sys.modules["__main__"] = main
    torch.set_default_dtype(dtype)
    torch.set_grad_enabled(True)
    torch.set_default_device(None)
    InteractiveShell.clear_instance()


def _points_in_the_notebook(shell, cells):
    """What the last check there gives, and one more at the end; from top to bottom.

    What would go on without end, or write a file, is left out.
    """
    points = []

    def check(answer):
        points.append(grade_here(QUICK, answer, SEED).points)

    shell.user_ns["check"] = check
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for _, source in cells:
            if not re.search(r"range\(10\*\*9\)|%%bash|%%writefile", source):
                shell.run_cell(source.partition("while ROOT < 1")[0])
        points = points[-1:]
        if callable(shell.user_ns.get("forward")):
            check(shell.user_ns["forward"])
    return points or [0]


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_a_file_gets_what_its_notebook_gives_it_or_a_note_says_why(folder, worker, kernel):
    expected = tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8"))
    if not hasattr(torch, expected.get("needs", "Tensor")):
        pytest.skip(f"torch {torch.__version__} has no torch.{expected['needs']}")
    submission = read_submission(_file(folder))
    assert [lesson.name for lesson in lessons_in(submission)] == ["forward_noising"]
    report = grade(QUICK, partial(worker.run_case, submission.cells), SEED)
    text = " ".join([text_card(report), *report.problems]).replace("\n", " ")
    text = " ".join(text.split())
    assert report.points == expected["points"], text
    for words in expected.get("says", []):
        assert words.lower() in text.lower()
    if "says" not in expected:
        assert not report.problems, report.problems
    names_a_place = re.search(r"(cell \d+|\.py),? (line|cannot be read)", text, re.IGNORECASE)
    in_notebook = _points_in_the_notebook(kernel, submission.cells)
    assert report.points in in_notebook or names_a_place, (in_notebook, text)


def test_grade_reads_the_same_code_as_check():
    """All cases as a class: the job that is graded is the file's own, under the same lesson."""
    students = find_students(Path(__file__).parent / "cases")
    assert [student.name for student in students] == sorted(folder.name for folder in CASES)
    lesson = find_lesson("forward_noising")
    for student in students:
        plan, wanted = make_plan(student, [lesson], Settings(), SEED, "")
        (one,) = wanted
        cells = read_submission(_file(Path(__file__).parent / "cases" / student.name)).cells
        assert one.key == key_of(code_digest(cells), lesson.name, SEED), plan
        assert one.job().cells == cells

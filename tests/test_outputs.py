"""What instructors see holds nothing that moves a cursor, runs, or breaks off in their encoding."""

import csv
import html
import json
import os
import re
import sqlite3
import subprocess
import sys

import pytest
from made_up_class import NOTEBOOK, RIGHT, notebook, write
from typer.testing import CliRunner

from checkers.__main__ import app
from checkers.engine.advice import explain
from checkers.engine.checking import MAX_TIMEOUTS, impatient
from checkers.engine.gradebook import tables
from checkers.engine.gradebook.gradescope_run import grade_submission
from checkers.engine.gradebook.journal import what_failed
from checkers.engine.gradebook.settings import Settings
from checkers.engine.registry import ROOT, find_lesson
from checkers.engine.sandbox.inside import plain

GREEK = """
import torch
def forward(im, t, alphas_cumprod, noise=None):
    σ = 1
    raise ValueError("σ is wrong \\x1b[31mred \\u202eturned")
"""


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "cp1252"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_a_name_that_the_terminal_cannot_show_ends_no_check(variables, tmp_path):
    path = tmp_path / "01_forward_noising.py"
    path.write_text(GREEK, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "checkers", "check", str(path)],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
    )
    assert done.returncode == 1, done.stderr
    assert b"is wrong" in done.stdout and b"Traceback" not in done.stderr
    assert b"\x1b" not in done.stdout


def test_no_text_of_a_submission_moves_the_cursor_or_turns_the_writing():
    text = "a\x1b[2Jb\u202ec\x00d\r\ne\tf\x9bg"
    (arrived,) = plain.decode(plain.encode([text]))
    assert arrived == "a\ufffd[2Jb\ufffdc\ufffdd\ufffd\ne\tf\ufffdg"
    assert plain.decode(plain.encode([text]), trusted=True) == [text]
    (key, of_a_type) = plain.decode(plain.encode([{text: 1}, plain.Unknown(text)]))
    assert list(key) == [arrived] and of_a_type.type_name == arrived


# Moves the cursor, colours, rings, turns the writing, and can't be encoded.
BAD = "\x1b[2J\x9b31m\x07\r\u202e\u2066\u200f\udcff"
NEVER = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
BAD_NAME = f"eve {BAD}"
ERROR = f"""
def forward(im, t, alphas_cumprod, noise=None):
    raise type({BAD[:-1]!a}, (Exception,), {{}})({BAD!a})
"""
OF_A_TYPE = f"""
def forward(im, t, alphas_cumprod, noise=None):
    return type({BAD[:-1]!a}, (), {{}})()
"""
WITH_A_KEY = f"""
def forward(im, t, alphas_cumprod, noise=None):
    return {{{BAD!a}: {BAD!a}}}
"""
NO_PYTHON = 'def forward(im):\n    return "\x1b[2J\u202e\n'


def _texts(value):
    """Every string in what JSON holds, keys too."""
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in _texts(item))]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def _assert_harmless(*texts):
    assert any(texts)
    for text in texts:
        assert not NEVER.search(text), repr(text)


def _run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize("source", [ERROR, OF_A_TYPE, WITH_A_KEY, NO_PYTHON])
def test_check_prints_no_such_sign_in_text_or_json(source, tmp_path):
    path = tmp_path / f"01_forward_noising {BAD}.py"
    path.write_text(source, encoding="utf-8")
    told = _run("check", path)
    assert told.exit_code == 1
    _assert_harmless(told.output)
    _assert_harmless(*_texts(json.loads(_run("check", "--json", path).stdout)))


@pytest.mark.parametrize("content", ["", "{", "def unrelated(): pass"])
def test_a_file_that_cannot_be_checked_is_named_without_such_signs(content, tmp_path):
    path = tmp_path / f"{BAD_NAME}.ipynb"
    path.write_text(content)
    for asked in (path, tmp_path / f"{BAD_NAME}x.ipynb"):  # the second is not there
        told = _run("check", asked)
        assert told.exit_code == 2 and "eve" in told.output
        _assert_harmless(told.output)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class of bad names with bad errors: what was printed, and the folder of results."""
    folder = tmp_path_factory.mktemp("bad")
    sources = (ERROR, OF_A_TYPE, WITH_A_KEY, NO_PYTHON)
    files = {
        f"{BAD_NAME} {i}/{BAD} {NOTEBOOK}": notebook(source) for i, source in enumerate(sources)
    }
    files |= {f"broken {BAD}/{BAD} {NOTEBOOK}": b"{", f"none {BAD}/{BAD}.txt": b""}
    told = _run("grade", write(folder / "class", files), "--out", folder / "out", "--jobs", 1)
    assert told.exit_code == 0, told.output
    return told.output, folder / "out"


def test_grading_prints_no_such_sign(graded):
    _assert_harmless(graded[0])


@pytest.mark.parametrize("name", ["grades.csv", "grades.json", "summary.html", "feedback"])
def test_no_output_of_grading_holds_such_a_sign(name, graded):
    path = graded[1] / name
    pages = list(path.iterdir()) if path.is_dir() else [path]
    texts = [page.read_bytes().decode("utf-8").replace("\r\n", "\n") for page in pages]
    if path.suffix == ".json":
        texts += _texts(json.loads(texts[0]))
    _assert_harmless(*texts, *(page.name for page in pages))
    assert "eve" in "".join(texts)
    _assert_harmless(*map(html.unescape, texts))


@pytest.mark.parametrize("source", [ERROR, OF_A_TYPE, WITH_A_KEY, NO_PYTHON])
def test_gradescope_is_told_no_such_sign(source, tmp_path):
    files = {f"{BAD} {NOTEBOOK}": notebook(source), f"{BAD}/broken {NOTEBOOK}": b"{"}
    write(tmp_path / "submission", files)
    results = grade_submission(tmp_path, Settings(lessons=["forward_noising"]), seed=1)
    _assert_harmless(*_texts(json.loads(results.model_dump_json())))


def test_a_right_answer_is_right_whatever_its_file_is_called(tmp_path):
    path = tmp_path / f"01_forward_noising {BAD}.py"
    path.write_text(RIGHT)
    assert _run("check", path).exit_code == 0


@pytest.mark.parametrize("cell", ["a;=1+1;b", "x; @SUM(A1)", "=1", " -2", "y;\t+3"])
def test_no_separator_makes_a_formula(cell):
    (row,) = csv.reader([tables.csv_line([cell, "next"])])
    assert not row[0].startswith(("=", "+", "-", "@"))
    assert not any(part.lstrip().startswith(("=", "+", "-", "@")) for part in row[0].split(";"))


def test_after_two_timeouts_nothing_more_of_a_lesson_is_run():
    (exercise,) = find_lesson("01").exercises
    case = exercise.cases[0]
    runs = []

    def run_case(*arguments):
        runs.append(arguments)
        return {"status": "timed out"}

    run = impatient(run_case)
    outcomes = [run(exercise, case, {}, seed) for seed in range(5)]
    assert len(runs) == MAX_TIMEOUTS == 2
    assert {outcome["status"] for outcome in outcomes} == {"timed out"}
    said = [explain(outcome, "forward", case) for outcome in outcomes]
    assert "was stopped" in said[1] and "Not run after two timeouts" in said[2] == said[4]


def test_a_lesson_that_only_now_and_then_takes_too_long_is_run_to_the_end():
    (exercise,) = find_lesson("01").exercises
    statuses = iter(["timed out", "ran", "ran", "ran"])
    run = impatient(lambda *_: {"status": next(statuses)})
    assert [run(exercise, exercise.cases[0], {}, 1)["status"] for _ in range(4)][-1] == "ran"


def _full(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA max_page_count = 2")
    connection.execute("CREATE TABLE t (x TEXT)")
    connection.execute("INSERT INTO t VALUES (?)", ("x" * 10**6,))


def _read_only(path):
    sqlite3.connect(path).execute("CREATE TABLE t (x TEXT)")
    sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute("INSERT INTO t VALUES (1)")


def _no_folder(path):
    sqlite3.connect(path.parent / "nowhere" / "journal.sqlite")


def _in_use(path):
    first = sqlite3.connect(path, timeout=0, isolation_level=None)
    first.execute("BEGIN EXCLUSIVE")
    sqlite3.connect(path, timeout=0, isolation_level=None).execute("BEGIN EXCLUSIVE")


def _damaged(path):
    path.write_bytes(b"no database at all" * 100)
    sqlite3.connect(path).execute("SELECT * FROM t")


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (_full, "is full or fails. Make room"),
        (_read_only, "can't be written to"),
        (_no_folder, "can't be written to"),
        (_in_use, "Another run is writing"),
        (_damaged, "journal.sqlite is damaged"),
    ],
)
def test_a_journal_that_fails_gets_its_true_sentence(cause, words, tmp_path):
    with pytest.raises(sqlite3.Error) as raised:
        cause(tmp_path / "journal.sqlite")
    assert words in what_failed(raised.value, tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no limit on the size of files")
def test_a_full_disk_ends_grading_with_a_sentence_and_keeps_what_is_there(tmp_path):
    students = tmp_path / "class"
    students.mkdir()
    (students / "jane.py").write_text("def forward(im, t, alphas_cumprod, noise=None):\n    pass\n")
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "from checkers.__main__ import app\n"
        "app(['grade', sys.argv[1], '--out', sys.argv[2], '--jobs', '1'])"
    )
    command = [sys.executable, "-c", code, str(students), str(tmp_path / "results")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1

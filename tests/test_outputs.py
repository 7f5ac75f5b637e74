"""What instructors see holds nothing that moves a cursor, runs, or breaks off in their encoding."""

import csv
import os
import sqlite3
import subprocess
import sys

import pytest

from checkers.engine.advice import explain
from checkers.engine.checking import MAX_TIMEOUTS, impatient
from checkers.engine.gradebook import tables
from checkers.engine.gradebook.journal import what_failed
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


@pytest.mark.parametrize("cell", ["a;=1+1;b", "x; @SUM(A1)", "=1", " -2", "y;\t+3"])
def test_no_separator_makes_a_formula(cell):
    (row,) = csv.reader([tables._line([cell, "next"])])
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

"""`python -m checkers`: exit codes, a sentence instead of a traceback, nothing ever written."""

import hashlib
import json

import pytest
from typer.testing import CliRunner

from checkers.__main__ import app
from checkers.engine.registry import find_lesson

STUB = (
    "import torch\ndef forward(im, t, alphas_cumprod, noise=None):\n    raise NotImplementedError"
)
RIGHT = STUB.replace(
    "raise NotImplementedError",
    "n = torch.randn_like(im) if noise is None else noise\n"
    "    return alphas_cumprod[t] ** 0.5 * im + (1 - alphas_cumprod[t]) ** 0.5 * n",
)


def _run(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_a_right_notebook_passes_with_exit_code_0(write_notebook):
    path = write_notebook(RIGHT, "plot(forward)  # a broken cell costs nothing")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    result = _run("check", path)
    assert result.exit_code == 0
    assert "forward   10 of 10 points" in result.output
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_stub_is_not_attempted_with_exit_code_1(write_notebook):
    result = _run("check", write_notebook(STUB))
    assert result.exit_code == 1
    assert "not attempted" in result.output


def test_a_python_file_is_recognised_by_what_it_defines(tmp_path):
    path = tmp_path / "answers.py"
    path.write_text(RIGHT)
    assert _run("check", path).exit_code == 0


def test_json_says_all_that_the_text_says(write_notebook):
    result = _run("check", "--json", write_notebook(RIGHT.replace("(1 - ", "0.5 * (1 - ")))
    (lesson,) = json.loads(result.output)
    assert result.exit_code == 1
    assert (lesson["number"], lesson["lesson"]) == ("01", "forward_noising")
    assert lesson["max_points"] == 10 and 0 < lesson["points"] < 10
    wrong = [case for case in lesson["reports"][0]["cases"] if case["status"] == "wrong"]
    assert wrong and all(case["message"] for case in wrong)


def test_a_syntax_error_in_one_cell_is_told_and_the_rest_is_graded(write_notebook):
    result = _run("check", write_notebook("def broken(:", RIGHT))
    assert result.exit_code == 0
    result = _run("check", write_notebook(RIGHT.replace("return", "retrn"), "x = 1"))
    assert result.exit_code == 1
    assert "missing" in result.output and "Cell 1 cannot be read" in result.output


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("01_forward_noising.ipynb", b"{not json", "JSON is damaged"),
        ("01_forward_noising.ipynb", b"[]", "no cells"),
        ("01_forward_noising.ipynb", b'{"worksheets": []}', "version 3"),
        ("01_forward_noising.ipynb", b"\xff\xfe\x00", "not UTF-8"),
        ("answers.txt", b"x", "neither a notebook"),
        ("other.py", b"def f(): pass", "none of the course's functions"),
    ],
)
def test_bad_files_get_a_sentence_and_exit_code_2(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    result = _run("check", path)
    assert result.exit_code == 2
    assert words in result.output + (result.stderr or "")


def test_missing_files_and_lessons_get_a_sentence(tmp_path, write_notebook):
    write_notebook(STUB)
    near = _run("check", tmp_path / "01_forward_noisin.ipynb")
    assert near.exit_code == 2
    assert "Did you mean 01_forward_noising.ipynb" in near.output + (near.stderr or "")
    unknown = _run("check", "99")
    assert unknown.exit_code == 2
    assert "The lessons are" in unknown.output + (unknown.stderr or "")
    folder = _run("check", tmp_path)
    assert folder.exit_code == 2
    assert "is a folder" in folder.output + (folder.stderr or "")


def test_status_lists_every_lesson_and_the_next_step(monkeypatch, tmp_path):
    monkeypatch.setattr("checkers.engine.checking._PROGRESS", tmp_path / "progress.json")
    first = _run("status")
    assert first.exit_code == 0
    assert "01 forward_noising" in first.output
    assert "Next: lessons/0" in first.output
    assert _run("status").output == first.output
    (tmp_path / "progress.json").write_text("damaged")
    assert _run("status").output == first.output


def test_checking_a_lesson_by_number_uses_the_lesson_notebook():
    before = find_lesson("01").notebook.read_bytes()
    result = _run("check", "01")
    assert result.exit_code == 1
    assert "forward   not attempted" in result.output
    assert find_lesson("1").notebook.read_bytes() == before


def test_a_lesson_beside_a_file_for_it_asks_for_the_file_only(write_notebook):
    result = _run("check", "01", write_notebook(RIGHT))
    assert result.exit_code == 0
    assert result.output.count("01 forward_noising") == 1

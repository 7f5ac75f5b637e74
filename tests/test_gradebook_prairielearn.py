"""PrairieLearn: its folders in, its results.json out."""

import json
import sys

import pytest
from made_up_class import NOTEBOOK, RIGHT, STUB, notebook, write

from checkers.engine.gradebook.prairielearn_run import main


def _graded(tmp_path, monkeypatch, files):
    write(tmp_path / "student", files)
    monkeypatch.setattr(sys, "argv", ["run", "--lessons", "01", str(tmp_path)])
    assert main() == 0
    return json.loads((tmp_path / "results" / "results.json").read_text(encoding="utf-8"))


def test_a_right_answer_scores_one(tmp_path, monkeypatch):
    results = _graded(tmp_path, monkeypatch, {NOTEBOOK: notebook(RIGHT)})
    assert results["gradable"] is True and results["score"] == 1.0
    assert all(test["points"] == test["max_points"] for test in results["tests"])
    assert sum(test["max_points"] for test in results["tests"]) > 0


@pytest.mark.parametrize("source", [STUB, RIGHT.replace("(1 - alphas_cumprod[t]).sqrt()", "0")])
def test_a_wrong_one_less_and_hidden_cases_stay_untold(tmp_path, monkeypatch, source):
    results = _graded(tmp_path, monkeypatch, {NOTEBOOK: notebook(source)})
    assert results["gradable"] is True and results["score"] < 1.0
    hidden = [test for test in results["tests"] if test["name"] == "forward: hidden cases"]
    assert all(not test["message"] for test in hidden)
    assert any(test["message"] for test in results["tests"])


@pytest.mark.parametrize("files", [{NOTEBOOK: b"{"}, {"notes.txt": "x"}])
def test_what_cannot_be_read_costs_no_attempt(tmp_path, monkeypatch, files):
    results = _graded(tmp_path, monkeypatch, files)
    assert results["gradable"] is False and results["format_errors"]

"""The autograder zip works in a local imitation of Gradescope's layout."""

import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile

import pytest
from made_up_class import NOTEBOOK, RIGHT, STUB, body, notebook, write, zipped
from systems import needs_bash
from typer.testing import CliRunner

from checkers.__main__ import app
from checkers.engine.gradebook.own_files import DIGESTS, digest_of
from checkers.engine.registry import ROOT, SOLVED, find_lesson
from checkers.engine.submission import parse_submission

pytestmark = needs_bash

CASES = [case for exercise in find_lesson("01").exercises for case in exercise.cases]
POINTS = sum(case.points for case in CASES)
# What Gradescope's specification allows.
VISIBILITY = {"visible", "hidden", "after_due_date", "after_published"}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}


@pytest.fixture(scope="module")
def autograder(tmp_path_factory):
    """The zip, unpacked as Gradescope does."""
    folder = tmp_path_factory.mktemp("gradescope")
    policy = write(folder, {"policy.toml": "[late]\ndue = 2026-03-01T00:00:00Z\npenalty = 0.5\n"})
    options = ["--out", str(folder / "a.zip"), "--settings", str(policy / "policy.toml")]
    done = CliRunner().invoke(app, ["gradescope", *options, "--lessons", "01"])
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(folder / "a.zip") as archive:
        names = archive.namelist()
        archive.extractall(folder / "source")
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert {"setup.sh", "run_autograder"} <= set(names)
    assert all(modes[name] & stat.S_IXUSR for name in ("setup.sh", "run_autograder"))
    assert not [name for name in names if "MNIST" in name or "solutions/notebooks" in name]
    return folder


def _run(autograder, tmp_path, files, created_at="2026-02-28T10:00:00.000000-08:00"):
    """Grade a submission as Gradescope would; the process and results.json, if there is one."""
    root = tmp_path / "autograder"
    write(root / "submission", files)
    (root / "results").mkdir()
    (root / "submission_metadata.json").write_text(json.dumps({"created_at": created_at}))
    (root / "source").symlink_to(autograder / "source")
    shutil.copy(autograder / "source" / "run_autograder", root / "run_autograder")
    environment = {**os.environ, "AUTOGRADER_ROOT": str(root), "AUTOGRADER_PYTHON": sys.executable}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        ["bash", str(root / "run_autograder")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    path = root / "results" / "results.json"
    return done, json.loads(path.read_text()) if path.exists() else None


def _check_fields(results):
    assert set(results) <= {
        "score", "execution_time", "output", "output_format", "test_output_format",
        "test_name_format", "visibility", "stdout_visibility", "extra_data", "tests",
        "leaderboard",
    }  # fmt: skip
    assert isinstance(results["execution_time"], int | float) and results["execution_time"] > 0
    assert results["visibility"] in VISIBILITY and results["stdout_visibility"] in VISIBILITY
    assert results["output_format"] in FORMATS and "<script" not in results["output"]
    for test in results["tests"]:
        assert set(test) <= {
            "score", "max_score", "status", "name", "name_format", "number", "output",
            "output_format", "tags", "visibility", "extra_data",
        }  # fmt: skip
        assert test["status"] in {"passed", "failed"}
        assert 0 <= test["score"] <= test["max_score"]
        assert test["visibility"] in VISIBILITY and test["output_format"] in FORMATS
        assert test["name"] and isinstance(test["output"], str)
        assert (test["status"] == "passed") == (test["tags"][1] == "passed")


def test_a_right_answer_gets_all_points(autograder, tmp_path):
    done, results = _run(autograder, tmp_path, {NOTEBOOK: notebook(RIGHT)})
    assert done.returncode == 0, done.stderr
    _check_fields(results)
    assert len(results["tests"]) == len(CASES)
    assert sum(test["score"] for test in results["tests"]) == POINTS
    hidden = [t["name"] for t in results["tests"] if t["visibility"] == "after_published"]
    assert hidden == [f"forward: {case.title}" for case in CASES if case.hidden]
    assert not any(case.title in results["output"] for case in CASES if case.hidden)
    assert results["extra_data"]["isolation"]


def test_a_late_wrong_answer_in_a_zip_gets_its_share_and_a_sentence(autograder, tmp_path):
    wrong = RIGHT.replace("(1 - alphas_cumprod[t]).sqrt()", "(1 - alphas_cumprod[t])")
    files = {"hw.zip": zipped({NOTEBOOK: notebook(wrong)})}
    done, results = _run(autograder, tmp_path, files, "2026-03-01T10:00:00.000000-08:00")
    assert done.returncode == 0, done.stderr
    _check_fields(results)
    passed = [test for test in results["tests"] if test["status"] == "passed"]
    assert passed and len(passed) < len(CASES)
    assert all(test["score"] == test["max_score"] / 2 for test in passed)
    mistake = find_lesson("01").exercises[0].mistakes[0].sentence
    assert any(mistake in test["output"] for test in results["tests"])
    assert "data:image/png" in results["output"] and 'alt="target' in results["output"]


def _course_of_a_student(answer):
    """The course's whole folder with an answer in it, as a student packs it; no pictures."""
    folders = ("checkers", "solutions", "lessons", "tests")
    files = {
        f"course/{path.relative_to(ROOT).as_posix()}": path.read_bytes()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".ipynb", ".toml") and ".ipynb_checkpoints" not in path.parts
    }
    assert f"course/solutions/notebooks/{NOTEBOOK}" in files
    return files | {f"course/lessons/{NOTEBOOK}": notebook(answer).encode()}


WRONG = body("return im * 0.5")


@pytest.mark.parametrize("how", ["folder", "zip", "moved"])
def test_who_hands_in_the_whole_course_is_not_graded_on_its_solutions(autograder, tmp_path, how):
    """By its place, and where the solved notebook was moved beside the answer, by its content."""
    files = _course_of_a_student(WRONG)
    if how == "zip":
        files = {"everything.zip": zipped(files)}
    elif how == "moved":
        solved = files[f"course/solutions/notebooks/{NOTEBOOK}"]
        files = {f"mine/{NOTEBOOK}": notebook(WRONG).encode(), "mine/z_latest-9.ipynb": solved}
    done, results = _run(autograder, tmp_path, files)
    assert done.returncode == 0, done.stderr
    _check_fields(results)
    assert len(results["tests"]) == len(CASES)
    passed = [test["name"] for test in results["tests"] if test["status"] == "passed"]
    assert len(passed) <= 1, "a shape may be right; the solution passes all"
    if how != "zip":  # of an archive, what is passed over is not listed
        assert "left aside" in results["output"] or "the course&#x27;s own" in results["output"]


def test_who_hands_in_the_whole_course_with_a_right_answer_gets_its_points(autograder, tmp_path):
    done, results = _run(autograder, tmp_path, _course_of_a_student(RIGHT))
    assert done.returncode == 0, done.stderr
    assert sum(test["score"] for test in results["tests"]) == POINTS


def test_the_zip_knows_the_solved_notebooks_by_content(autograder):
    course = autograder / "source" / "course"
    assert not (course / "solutions" / "notebooks").exists()
    known = json.loads((course / DIGESTS).read_text())
    solved = sorted(SOLVED.glob("*.ipynb"))
    assert len(solved) >= 17
    for path in solved:
        assert digest_of(parse_submission(path, path.read_bytes()).cells) in known


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ({NOTEBOOK: b"{"}, "damaged"),
        ({"readme.txt": b"x"}, "not submitted"),
        ({NOTEBOOK: notebook(body("os._exit(1)")).encode()}, "crashed"),
        ({NOTEBOOK: notebook(STUB).encode()}, "not attempted"),
    ],
)
def test_what_could_not_run_says_so(autograder, tmp_path, files, status):
    done, results = _run(autograder, tmp_path, files)
    assert done.returncode == 0, done.stderr
    _check_fields(results)
    assert {test["tags"][1] for test in results["tests"]} == {status}
    assert sum(test["score"] for test in results["tests"]) == 0
    assert sum(test["max_score"] for test in results["tests"]) == POINTS
    assert all(status in (test["name"] + test["output"]).lower() for test in results["tests"])


def test_a_grader_that_fails_writes_no_results(autograder, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(autograder / "source", broken / "source")
    checker = broken / "source" / "course" / "solutions" / "forward_noising.py"
    checker.write_text(checker.read_text() + "\ndef forward(*_):\n    raise RuntimeError\n")
    done, results = _run(broken, tmp_path, {NOTEBOOK: notebook(RIGHT)})
    assert done.returncode == 1 and "not graded" in done.stderr
    assert results is None


def test_the_scripts_are_sound_and_set_up_what_grading_needs(autograder):
    for name in ("setup.sh", "run_autograder"):
        path = autograder / "source" / name
        subprocess.run(["bash", "-n", str(path)], check=True)
        assert path.read_text().startswith("#!/usr/bin/env bash\n")
    setup = (autograder / "source" / "setup.sh").read_text()
    assert "bubblewrap" in setup and "(3, 11)" in setup and "whl/cpu" in setup


def test_an_existing_file_is_not_overwritten(tmp_path):
    target = tmp_path / "a.zip"
    target.write_text("mine")
    done = CliRunner().invoke(app, ["gradescope", "--out", str(target)])
    assert done.exit_code == 2
    assert target.read_text() == "mine"

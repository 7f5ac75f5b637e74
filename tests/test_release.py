"""The copy without answers: nothing of them is in it, and its checks say what the course's say."""

import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from checkers.__main__ import app
from checkers.engine.authoring import release as authoring_release
from checkers.engine.authoring.release import (
    FOLDER,
    ReleaseError,
    build_release,
    lessons_of,
    load_release,
    stub_module,
)
from checkers.engine.authoring.verify import as_submission
from checkers.engine.gradebook.settings import SettingsError
from checkers.engine.outcomes import unpacked
from checkers.engine.registry import (
    UnknownLessonError,
    all_lessons,
    find_exercise,
    find_lesson,
)
from checkers.engine.sandbox.inside.plain import encode

LESSON = "03"
# Checks answers in the copy, as a notebook does: a name and sources come in, what is told goes out.
_CHECK = """
import contextlib, io, json, sys
import checkers
from checkers.engine.check_cells import check
for name, cells in json.load(sys.stdin):
    scope = {"__name__": "__main__"}
    for cell in cells:
        exec(cell, scope)
    with contextlib.redirect_stdout(io.StringIO()):
        report = eval("check", globals())(scope[name])
    told = [case.mistake for case in report.cases if case.mistake]
    print(json.dumps([checkers.__file__, report.passed, told]))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    release = load_release(None, LESSON).model_copy(update={"seeds": 1})
    assert build_release(folder / "student.zip", release) == []
    with zipfile.ZipFile(folder / "student.zip") as archive:
        archive.extractall(folder)
    return folder / FOLDER


def _run(copy, *arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(copy), "DIFFUSION_PROFILE": "smoke"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        **options,
    )


def _checked(copy, answers):
    """(passed, names of the mistakes told) for each (exercise, cells)."""
    done = _run(copy, "-c", _CHECK, input=json.dumps(answers))
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(file.startswith(str(copy)) for file, *_ in said)
    return [(passed, told) for _, passed, told in said]


def _sources(answer, name):
    return [source for _, source in as_submission(answer, name).cells]


def test_right_answers_pass_and_every_mistake_is_told_by_its_name(copy):
    exercises = find_lesson(LESSON).exercises
    right = [
        (e.name, _sources(answer, e.name))
        for e in exercises
        for answer in (e.reference, *e.right_answers)
    ]
    assert _checked(copy, right) == [(True, [])] * len(right)
    wrong = [(e.name, mistake) for e in exercises for mistake in e.mistakes]
    said = _checked(copy, [(name, _sources(mistake, name)) for name, mistake in wrong])
    assert [(passed, told[0]) for passed, told in said] == [
        (False, mistake.name) for _, mistake in wrong
    ]


def test_no_answer_is_in_it(copy):
    texts = {
        path.relative_to(copy).as_posix(): re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))
        for path in copy.rglob("*")
        if path.suffix in (".py", ".pyi", ".toml", ".ipynb", ".json", ".md")
    }
    assert {name for name in texts if name.endswith(".ipynb")} == {
        f"lessons/{find_lesson(LESSON).notebook.name}"
    }
    for exercise in (e for lesson in all_lessons() for e in lesson.exercises):
        source = inspect.getsource(exercise.reference)
        solution = source.split("### BEGIN SOLUTION")[1].split("### END SOLUTION")[0]
        lines = [line.strip() for line in solution.splitlines() if line.strip()]
        written = re.sub(r"\s+", " ", " ".join(lines))
        if len(written) > 60:  # a shorter one is a formula that the lesson's text gives
            assert not [name for name, text in texts.items() if written in text], exercise.name
    assert not any(name.endswith(("right_answers.py", "mistakes.py")) for name in texts)
    table = tomllib.loads((copy / "checkers/one_step_denoising/mistakes.toml").read_text())
    entries = [entry for mistakes in table.values() for entry in mistakes.values()]
    assert entries and all({*entry} == {"says", "recorded"} for entry in entries)


def test_its_lessons_run_with_their_stubs_unwritten(copy):
    done = _run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "lessons")
    assert done.returncode == 0, done.stdout[-2000:]


def test_its_command_line_checks_a_file(copy, tmp_path):
    cells = [_sources(e.reference, e.name) for e in find_lesson(LESSON).exercises]
    file = tmp_path / "03_one_step_denoising.py"
    file.write_text("\n".join(source for each in cells for source in each))
    done = _run(copy, "-m", "checkers", "check", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_solution_goes_along_when_its_date_has_passed(tmp_path):
    path = tmp_path / "release.toml"
    now = datetime.now(UTC)
    before, after = (f"{now + timedelta(days=d):%Y-%m-%dT%H:%M:%SZ}" for d in (-1, 1))
    dates = f'[solutions_from]\n"01" = {before}\n"02" = {after}\n'
    path.write_text(f'lessons = ["02-03"]\n{dates}')
    release = load_release(path, None)
    assert [lesson.number for lesson in lessons_of(release)] == ["02", "03"]
    release = load_release(path, "00").model_copy(update={"seeds": 1})
    given = build_release(tmp_path / "student.zip", release)
    assert given == ["forward_noising"]
    with zipfile.ZipFile(tmp_path / "student.zip") as archive:
        first = archive.read(f"{FOLDER}/solutions/forward_noising.py").decode()
        second = archive.read(f"{FOLDER}/solutions/classical_denoising.py").decode()
    assert "BEGIN SOLUTION" in first
    assert second == stub_module(find_lesson("02"))
    with pytest.raises(ReleaseError, match="exists already"):
        build_release(tmp_path / "student.zip", release)


def test_where_chance_rules_the_copy_knows_that_a_mistake_does_not_repeat_itself():
    exercise = find_exercise("forward")
    case = next(case for case in exercise.cases if "sqrt(abar_t)" in case.title)
    found = unpacked(authoring_release._case(exercise, case, 5))
    unlike = [m.name for m in exercise.mistakes if not found[f"{m.name}/repeats"]]
    assert unlike == ["given_noise_ignored"]
    for mistake in exercise.mistakes:  # what passes is like the reference
        same = found[mistake.name] is found["reference"]
        assert same == (not found[f"{mistake.name}/fails"])


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda lesson: lesson.name)
def test_a_stub_module_offers_what_the_solution_offers(lesson):
    scope = {"__name__": f"solutions.{lesson.name}"}
    exec(compile(stub_module(lesson), lesson.name, "exec"), scope)
    assert set(scope["__all__"]) <= {*scope}
    for exercise in lesson.exercises:
        parameters = inspect.signature(scope[exercise.name]).parameters
        assert list(parameters) == list(inspect.signature(exercise.reference).parameters)


def test_what_cannot_be_meant_is_told(tmp_path):
    path = tmp_path / "release.toml"
    for text, sentence in (
        ("lesons = []", "there is no setting 'lesons'"),
        ("seeds = 0", "greater than or equal"),
        ("[solutions_from]\nnine = 2026-03-01T00:00:00Z", "There is no lesson 'nine'"),
    ):
        path.write_text(text)
        with pytest.raises(SettingsError, match=sentence):
            load_release(path, None)
    with pytest.raises(UnknownLessonError):
        lessons_of(load_release(None, "01-99"))
    said = CliRunner().invoke(app, ["release", "--lessons", "99", "--out", f"{tmp_path}/a.zip"])
    assert said.exit_code == 2 and not (tmp_path / "a.zip").exists()


def test_what_cannot_be_finished_leaves_no_half_copy(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(authoring_release, "outcomes", stop)
    with pytest.raises(KeyboardInterrupt):
        build_release(tmp_path / "student.zip", load_release(None, LESSON))
    assert not list(tmp_path.iterdir())


def test_each_exercise_is_told_before_its_turn(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(authoring_release, "_case", lambda *_: b"")
    release = load_release(None, "02-03")
    build_release(tmp_path / "student.zip", release, tell=told.append)
    names = [exercise.name for lesson in lessons_of(release) for exercise in lesson.exercises]
    assert [text.rpartition(", ")[2] for text in told] == names
    assert told[0].startswith("lesson 02 (1 of 2)") and told[-1].startswith("lesson 03 (2 of 2)")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a program sees")
def test_a_stopped_release_leaves_no_half_copy(tmp_path):
    target = tmp_path / "student.zip"
    command = [sys.executable, "-m", "checkers", "release", "--lessons", "01", "--out", target]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not target.exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode not in (0, -signal.SIGTERM)
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_every_timestep_in_the_most_calls_still_fits_a_message():
    """Lesson 04 draws how many calls there are; its longest wrong answer must go along in any."""
    from checkers.iterative_denoising.exercises import MOST_CALLS

    assert encode({"result": [list(range(990, -1, -1))] * MOST_CALLS})

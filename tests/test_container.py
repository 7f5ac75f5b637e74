"""The container's recipe and the development container name what exists, and nobody is root."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from checkers.engine.registry import ROOT

RECIPE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COURSE = "/home/student/course"


def instructions():
    """Every instruction's word and its text, continuation lines joined, without comments."""
    lines = [line for line in RECIPE.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def commands():
    """Every command of every RUN as its words."""
    runs = [text for word, text in instructions() if word == "RUN"]
    return [shlex.split(command) for run in runs for command in run.split(" && ")]


def test_the_recipe_pleases_a_linter_that_parses_it():
    if not (hadolint := shutil.which("hadolint", path=str(Path(sys.executable).parent))):
        pytest.skip("hadolint has no build for this system")
    done = subprocess.run(
        [hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_it_copies_and_names_is_there():
    copies = [text.split() for word, text in instructions() if word == "COPY"]
    assert copies == [["--chown=student:student", ".", "."]]
    pips = [words for words in commands() if words[:3] == ["python", "-m", "pip"]]
    assert pips
    for words in pips:
        for option in ("--constraint", "--requirement"):
            if option in words:
                assert (ROOT / words[words.index(option) + 1]).is_file()
        where = words[words.index("--editable") + 1]
        extras = re.fullmatch(r"\.(?:\[(.+)\])?", where)[1]
        assert set((extras or "").split(",")) <= {"", *PROJECT["optional-dependencies"]}


def test_it_runs_jupyter_as_an_ordinary_user_on_a_lesson_that_exists():
    (command,) = [json.loads(text) for word, text in instructions() if word == "CMD"]
    assert command[:2] == ["jupyter", "lab"]
    assert (ROOT / command[-1]).is_file()
    users = [text for word, text in instructions() if word == "USER"]
    created = next(words for words in commands() if words[0] == "useradd")
    assert users[-1] == created[created.index("--uid") + 1] != "0"


def test_its_python_is_one_that_the_course_allows():
    version = re.match(r"python:(3\.\d+)-", instructions()[0][1])[1]
    assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]


def test_what_git_leaves_out_is_left_out_of_the_image():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split():
        if "/" in line.rstrip("/"):
            assert line.rstrip("/") in ignored, line


def test_the_development_container_is_the_same_recipe():
    path = ROOT / ".devcontainer" / "devcontainer.json"
    text = re.sub(r"^\s*//.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    settings = json.loads(text)
    assert (path.parent / settings["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert (path.parent / settings["build"]["context"]).resolve() == ROOT
    assert f"useradd --create-home --uid 1000 {settings['remoteUser']}" in RECIPE
    interpreter = settings["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter.startswith(re.search(r"VIRTUAL_ENV=(\S+)", RECIPE)[1])


def test_the_pages_that_name_the_folder_in_the_image_agree_with_it():
    assert f"WORKDIR {COURSE}" in RECIPE
    for page in (RECIPE, (ROOT / "docs" / "grading.md").read_text(encoding="utf-8")):
        assert set(re.findall(r"\$PWD:(\S+)\"", page)) == {COURSE}

"""What runs on the public servers names commands, branches and files that exist."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from website.course import repository

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def steps(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def _targets(commands):
    return re.findall(r"^make (?:[A-Z]+=\S+ )*([a-z-]+)$", commands, flags=re.MULTILINE)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_make_target_and_file_is_there(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = "\n".join(step.get("run", "") for step in steps(path))
    assert _targets(commands)
    for target in _targets(commands):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    for step in steps(path):
        if files := step.get("with", {}).get("cache-dependency-path"):
            assert all((ROOT / name).is_file() for name in files.split())


def test_the_site_goes_to_the_branch_that_colab_is_sent_to():
    (publish,) = [
        step["run"]
        for step in steps(ROOT / ".github" / "workflows" / "site.yml")
        if "git push" in step.get("run", "")
    ]
    assert f'push --force "$REMOTE" {repository().site_branch}' in publish
    assert f"--initial-branch {repository().site_branch}" in publish


def test_every_python_that_is_allowed_is_tried_on_every_system():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8"))
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = [re.search(r"3\.\d+$", line) for line in project["classifiers"]]
    assert matrix["python"] == [found[0] for found in named if found]
    assert f">={matrix['python'][0]}" == project["requires-python"]
    assert {name.split("-")[0] for name in matrix["system"]} == {"ubuntu", "macos", "windows"}

"""The ways to install the course agree with each other, and nothing shadows a library."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"torch": "pytorch"}


def test_conda_environment_lists_what_pip_installs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    wanted = [f"python{project['requires-python']}", "pip"]
    for requirement in project["dependencies"]:
        name, bound = re.fullmatch(r"([\w-]+)(.*)", requirement).groups()
        wanted.append(CONDA_NAMES.get(name, name) + bound)
    assert sorted(conda) == sorted(wanted)


def test_the_datasets_folder_does_not_break_the_library_users():
    """In the repository's root `import datasets` finds our folder; what the course uses copes."""
    code = (
        "from diffusers import DDPMScheduler, IFPipeline, IFSuperResolutionPipeline;"
        "from transformers import AutoTokenizer, T5EncoderModel"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_datasets_is_no_package():
    assert not list((ROOT / "datasets").rglob("__init__.py"))

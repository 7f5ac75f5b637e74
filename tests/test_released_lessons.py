"""A lesson in a copy without answers: what its cells can't do there stops neither it nor nbval."""

import os
import subprocess
import sys
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from checkers.engine.authoring import release as authoring_release
from checkers.engine.authoring.release import FOLDER, build_release, load_release
from checkers.engine.authoring.released_lesson import MAY_FAIL, tag_what_may_fail
from checkers.engine.grading import Trial
from checkers.engine.memory import Memory
from checkers.engine.outcomes import packed
from checkers.engine.sandbox.inside.plain import encode

# Cells that call an earlier lesson's function at once, in a function, and a trained network.
LESSONS = "02,05,14,19"
WITHHELD = {"forward", "strided_timesteps"}


def _tagged(*sources):
    cells = [new_code_cell(source) for source in sources]
    tag_what_may_fail(new_notebook(cells=[new_markdown_cell("forward"), *cells]), WITHHELD)
    return [MAY_FAIL in cell.metadata.get("tags", []) for cell in cells]


def test_a_cell_that_calls_what_is_withheld_may_fail_and_so_may_what_needs_its_names():
    assert _tagged(
        "from solutions import forward\nimport torch",
        "noisy = forward(torch.zeros(3))",
        "other = torch.zeros(3)",
        "print(other)",
        "print(noisy)",
    ) == [False, True, False, False, True]


def test_what_stands_behind_a_call_in_its_cell_is_missing_too():
    assert _tagged(
        "from solutions import forward as f\nfirst = 1\nnoisy = f(first)\nsecond = 2",
        "print(first)",
        "print(second)",
    ) == [True, False, True]


def test_a_function_may_fail_only_where_it_is_called():
    assert _tagged(
        "from solutions import forward\ndef noisy(x):\n    return forward(x)",
        "x = 1",
        "with open('x'):\n    y = noisy(x)",
        "class Noisy:\n    made = y",
        "Noisy()",
    ) == [False, False, True, False, True]


def test_what_the_copy_has_may_not_fail_but_trained_networks_may():
    assert _tagged(
        "from solutions import psnr\nfrom solutions.trained import load_trained",
        "psnr(1, 2)",
        "network = load_trained('flow')",
    ) == [False, False, True]


def test_a_stub_stays_untagged_and_other_tags_stay():
    stub = new_code_cell("def mine(x):\n    return forward(x)\n\n\nmine(1)")
    stub.metadata["course"] = {"stub": ["mine"]}
    figure = new_code_cell("forward(1)")
    figure.metadata["tags"] = ["hide-input"]
    cells = [new_code_cell("from solutions import forward"), stub, figure]
    tag_what_may_fail(new_notebook(cells=cells), WITHHELD)
    assert [cell.metadata.get("tags", []) for cell in cells] == [[], [], ["hide-input", MAY_FAIL]]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy whose checks know their inputs and nothing else, which is worked out at once."""

    def only_inputs(exercise, case, seed):
        return packed([encode(Trial(exercise, case, seed, Memory()).inputs)])

    folder = tmp_path_factory.mktemp("copy")
    release = load_release(None, LESSONS).model_copy(update={"seeds": 1})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(authoring_release, "_case", only_inputs)
        build_release(folder / "student.zip", release)
    with zipfile.ZipFile(folder / "student.zip") as archive:
        archive.extractall(folder)
    return folder / FOLDER


def test_lessons_run_whose_earlier_lessons_are_unwritten_too(copy):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "lessons"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "DIFFUSION_PROFILE": "smoke"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (copy / "datasets" / "weights" / "class_ddpm.safetensors").is_file()
    for path in (copy / "lessons").glob("*.ipynb"):
        nbformat.validate(nbformat.read(path, 4))


def test_what_is_withheld_is_said_in_a_sentence_and_without_a_traceback(copy):
    source = "from checkers import check\nfrom solutions import psnr\npsnr(1, 2)"
    command = [sys.executable, "-m", "IPython", "--quick", "--colors=NoColor", "-c", source]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == (
        "psnr is lesson 02's, and its solution is not in this copy: paste your own below the "
        "imports of this notebook."
    )


def test_weights_stay_at_home_where_no_lesson_loads_any(tmp_path, monkeypatch):
    monkeypatch.setattr(authoring_release, "_case", lambda *_: b"")
    build_release(tmp_path / "student.zip", load_release(None, "02"))
    with zipfile.ZipFile(tmp_path / "student.zip") as archive:
        assert not [name for name in archive.namelist() if "datasets/weights" in name]

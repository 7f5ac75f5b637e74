"""A submission's cases as pytest tests, as docs/grading.md says."""

import re
import subprocess
import sys
from pathlib import Path

from made_up_class import RIGHT, write

from checkers.engine.registry import find_lesson

ROOT = Path(__file__).resolve().parents[1]
SHOWN = [c for e in find_lesson("01").exercises for c in e.cases if not c.hidden]


def _pytest(*arguments):
    command = [sys.executable, "-m", "pytest", "--pyargs", "checkers", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True
    )


def test_every_case_is_a_test_of_its_own(tmp_path):
    right = write(tmp_path, {"a.py": RIGHT}) / "a.py"
    done = _pytest("--submission", right)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(SHOWN)} passed" in done.stdout


def test_a_named_mistake_is_the_failure(tmp_path):
    wrong = RIGHT.replace("(1 - alphas_cumprod[t]).sqrt()", "(1 - alphas_cumprod[t])")
    done = _pytest("--submission", write(tmp_path, {"a.py": wrong}) / "a.py", "--seed", "3")
    assert done.returncode == 1
    failed, passed = (
        int(re.search(rf"(\d+) {word}", done.stdout)[1]) for word in ("failed", "passed")
    )
    assert failed and passed and failed + passed == len(SHOWN)
    sentence = find_lesson("01").exercises[0].mistakes[0].sentence
    assert sentence in " ".join(done.stdout.split())


def test_a_file_that_cannot_be_read_gets_a_sentence(tmp_path):
    done = _pytest("--submission", tmp_path / "nowhere.ipynb")
    assert done.returncode not in (0, 1)
    assert "There is no file" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr

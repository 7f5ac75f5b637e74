"""Isolation in any place, on any machine: what is missed is told with its cause and remedy."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from systems import needs_linux

from checkers.engine.isolation import CourseWorker, course_view
from checkers.engine.registry import ROOT
from checkers.engine.sandbox import processes, reasons, worker
from checkers.engine.sandbox.inside import landlock
from checkers.engine.sandbox.inside.confinement import Limits
from checkers.engine.sandbox.inside.removal import remove_tree
from checkers.engine.sandbox.levels import IsolationError, Level
from checkers.engine.sandbox.reasons import explained
from checkers.engine.sandbox.view import Tree
from checkers.engine.sandbox.ways import Way

pytestmark = needs_linux

_ASK = """
import torch, checkers
from checkers.engine.isolation import CourseWorker
from checkers.engine.registry import find_lesson
exercise = find_lesson("01").exercises[0]
case = exercise.cases[0]
source = '''
import os
from lessons.workbench.denoisers import load_denoiser
def forward(im, t, alphas_cumprod, noise=None):
    load_denoiser()
    if os.getuid() == 0:
        raise ValueError("it runs as user 0")
    return im
'''
with CourseWorker() as worker:
    inputs = case.inputs(torch.Generator())
    outcome = worker.run_case([("cell 1", source)], exercise, case, inputs, 1)
    print(checkers.__file__, worker.level, outcome["status"], outcome.get("message"), sep="|")
"""


@pytest.fixture(scope="module")
def best():
    """The level that is reached from this checkout."""
    with CourseWorker() as worker:
        return worker.level


@pytest.mark.parametrize("name", ["plain", "with spaces and ümläuts"])
def test_a_checkout_below_tmp_is_as_good_as_any(name, tmp_path, best):
    """Pytest's own folder is where `mktemp -d` makes one, which a sandbox covers with its own."""
    place = tmp_path / name
    for room in ("checkers", "lessons", "solutions", "datasets/atlas", "datasets/patches"):
        ignored = shutil.ignore_patterns("__pycache__", "notebooks")
        shutil.copytree(ROOT / room, place / room, ignore=ignored)
    (tmp_path / "linked").symlink_to(place)
    for folder in (place, tmp_path / "linked"):
        _everybody_may_read(tmp_path)
        done = subprocess.run(
            [sys.executable, "-c", _ASK],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        file, level, status, message = done.stdout.strip().split("|")
        assert Path(file).resolve().is_relative_to(place)
        assert (level, status) == (str(best), "ran"), message


@pytest.mark.parametrize("home", ["/", "/tmp", "{}", "/no/such/folder", "/root"])
def test_home_may_be_anywhere(home, best, tmp_path, monkeypatch):
    """A container may give a user no home, or the system's; a CI, one in /tmp."""
    (tmp_path / "private").touch()
    monkeypatch.setenv("HOME", home.format(tmp_path))
    with CourseWorker() as there:
        assert there.level is best, there.shortfalls


def _everybody_may_read(folder):
    """Pytest makes its folders for one user alone; a level without walls may need another."""
    for above in [folder, *folder.parents]:
        if above.stat().st_uid == os.getuid() and above != Path("/"):
            above.chmod(above.stat().st_mode | 0o055)


@pytest.mark.parametrize(
    ("error", "files", "words"),
    [
        (
            "bwrap: setting up uid map: Permission denied",
            {"sys/kernel/apparmor_restrict_unprivileged_userns": "1"},
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (
            "bwrap: No permissions to create a new namespace",
            {"sys/kernel/unprivileged_userns_clone": "0"},
            "sysctl kernel.unprivileged_userns_clone=1",
        ),
        (
            "bwrap: Creating new namespace failed: Operation not permitted",
            {"sys/user/max_user_namespaces": "0"},
            "sysctl user.max_user_namespaces",
        ),
        (
            "bwrap: Creating new namespace failed: Operation not permitted",
            {"self/status": "Name:\tpython\nSeccomp:\t2\n"},
            "--security-opt seccomp=unconfined",
        ),
        (
            "the self-test found that this does not hold: offline",
            {"self/status": "Seccomp:\t2\n"},
            "does not hold: offline",
        ),
    ],
)
def test_the_reason_names_the_setting_that_stands_behind_it(error, files, words, tmp_path):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    told = explained(error, tmp_path)
    assert told.startswith(error.rstrip(".")) and words in told
    assert explained("an engine fell off", tmp_path) == "an engine fell off"


def test_a_program_that_ends_before_it_is_asked_anything_still_says_why():
    complaint = ("sh", "-c", "echo 'no namespace today' >&2; exit 1")
    tree = Tree(course_view())
    server = processes.Server(Way(Level.NAMESPACES, complaint, walled=True), course_view(), tree)
    try:
        server.process.wait()
        with pytest.raises(IsolationError, match="no namespace today"):
            processes.ForkedBox(server, Limits())
    finally:
        server.stop()
        tree.remove()


def test_without_bubblewrap_the_next_best_level_is_had_and_the_remedy_told(monkeypatch):
    if sys.platform != "linux":
        pytest.skip("bubblewrap is Linux's")
    which = shutil.which
    monkeypatch.setattr(
        shutil, "which", lambda name, **k: None if name == "bwrap" else which(name, **k)
    )
    with pytest.raises(
        IsolationError, match=r"bubblewrap is not installed.*apt install bubblewrap"
    ):
        CourseWorker(require=Level.SANDBOX).__enter__()
    if landlock.version():
        with CourseWorker() as there:
            assert there.level is Level.LANDLOCK


def test_a_worker_that_cannot_start_leaves_no_folder_behind(monkeypatch, tmp_path):
    monkeypatch.setattr(worker, "ways", lambda *_: [])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(IsolationError, match="no isolation of level"):
        CourseWorker().__enter__()
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_read_by_another_user_is_told(monkeypatch):
    monkeypatch.setattr(worker, "refuses_to_run_as", lambda user: reasons.refuses_to_run_as.__doc__)
    if os.getuid() != 0:
        pytest.skip("only the superuser becomes another")
    with pytest.raises(IsolationError, match=r"Process.*can't run Python"):
        CourseWorker(at_most=Level.PROCESS).__enter__()


def test_folders_are_removed_however_deep_they_are(tmp_path):
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    remove_tree(tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_the_checkers_memory_is_closed_to_others_of_the_same_user():
    if sys.platform != "linux":
        pytest.skip("/proc is Linux's")
    code = (
        "import ctypes\nfrom checkers.engine.isolation import CourseWorker\n"
        "with CourseWorker():\n    print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "0", done.stderr

"""What a Mac or Windows lacks, taken away here: the course goes on, or says what is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.overrides import TorchFunctionMode

from checkers.engine.isolation import course_view
from checkers.engine.sandbox.inside import seen
from checkers.engine.sandbox.view import Tree
from lessons.workbench.denoisers import PointDenoiser, denoiser

# Everything is imported first: the libraries themselves must find the system that they run on.
_WINDOWS = """
import os, signal, sys
from pathlib import Path
import multiprocessing, torch
from checkers.engine.checking import check_submission
from checkers.engine.isolation import CourseWorker
from checkers.engine.registry import find_lesson
from checkers.engine.submission import read_submission

def no_link(*_, **__):
    raise OSError(1314, "A required privilege is not held by the client")

Path.symlink_to = no_link
for name in ("chown", "fork", "forkpty", "getpgid", "getuid", "geteuid", "killpg", "mkfifo",
             "pidfd_open", "posix_spawn", "setsid", "sysconf"):
    delattr(os, name)
for name in ("SIGALRM", "SIGXCPU", "setitimer"):
    delattr(signal, name)
for name in ("fcntl", "grp", "pwd", "resource"):
    sys.modules[name] = None
sys.platform = "win32"
lesson = find_lesson("01")
with CourseWorker() as worker:
    (report,) = check_submission(read_submission(lesson.solved_notebook), [lesson], worker, 1)
    print(worker.level, report.passed)
"""


def test_a_submission_is_checked_where_there_is_no_fork_no_link_and_no_user_number(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _WINDOWS],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["process", "True"]
    assert not list(tmp_path.iterdir())


def test_without_links_the_data_is_copied_and_the_copy_goes(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise OSError("no privilege")

    monkeypatch.setattr(Path, "symlink_to", refused)
    tree = Tree(course_view())
    copied = tree.folder / "datasets" / "pictures" / "tower.png"
    assert copied.is_file() and not copied.parent.is_symlink()
    tree.remove()
    assert not tree.folder.exists()


@pytest.fixture
def child():
    """A process that waits, the child of this one."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.communicate(b"\n")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="compares with Linux's /proc")
def test_without_proc_the_same_is_seen_of_processes(child, tmp_path, monkeypatch):
    below, memory = seen.descendants(os.getpid()), seen.resident()
    assert child.pid in below and seen.lives(child.pid)
    monkeypatch.setattr(seen, "_PROC", tmp_path / "none")
    assert sorted(seen.descendants(os.getpid())) == sorted(below)
    assert abs(seen.resident() - memory) < 0.1 * memory
    assert seen.lives(child.pid)
    assert seen.proportional(child.pid) > 0
    child.kill()
    child.wait()
    assert not seen.lives(child.pid)
    assert seen.resident(child.pid) == 0


class _NoDoublePrecision(TorchFunctionMode):
    """As on Apple's GPUs: whatever makes a float64 tensor fails."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor) and made.dtype == torch.float64:
            raise TypeError("MPS framework doesn't support float64.")
        return made


def test_a_step_s_noise_needs_no_double_precision_where_there_is_none(monkeypatch):
    world = PointDenoiser({"": torch.zeros(3, 64, 64)})
    x, variance = torch.zeros(1, 3, 64, 64), torch.linspace(-1, 1, 64).expand(1, 3, 64, 64)

    def step():
        return world.add_variance(x, variance, 500, 480, torch.Generator().manual_seed(1))

    precise = step()
    with pytest.raises(TypeError), _NoDoublePrecision():
        step()
    monkeypatch.setattr(denoiser, "_SINGLE_PRECISION", {"cpu"})
    with _NoDoublePrecision():
        assert torch.allclose(step(), precise, rtol=1e-5, atol=1e-6)

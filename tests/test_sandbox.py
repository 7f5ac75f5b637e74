"""Every level of isolation does what it says, and no more is claimed than was found to hold."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from systems import needs_linux, needs_proc

from checkers.engine.exercise import Exercise
from checkers.engine.grading import grade
from checkers.engine.isolation import CourseWorker, course_view
from checkers.engine.registry import ROOT, find_exercise
from checkers.engine.sandbox import processes
from checkers.engine.sandbox.levels import IsolationError, Level
from checkers.engine.sandbox.view import Tree, environment, mounts, self_test_arguments
from checkers.forward_noising.exercises import FORWARD

RIGHT = """
import torch
def forward(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    return alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise
"""
FORM = replace(FORWARD.cases[1], time_limit=60.0, memory_limit=2**29)
ALL_FACTS = {
    "unreadable",
    "hidden",
    "not_importable",
    "read_only",
    "offline",
    "alone",
    "few_processes",
    "small_scratch",
}


def _exercise(**limits):
    return Exercise(FORWARD.reference, [replace(FORM, **limits)], FORWARD.hints)


def _grade(source, worker, **limits):
    return grade(_exercise(**limits), partial(worker.run_case, [("cell 1", source)]), seed=3)


def _body(lines):
    return f"import os, sys, time\ndef forward(im, t, alphas_cumprod, noise=None):\n    {lines}\n"


def _start(level):
    try:
        return CourseWorker(require=level, at_most=level).__enter__()
    except IsolationError as error:
        pytest.skip(f"{level} can't be had here: {error}")


@pytest.fixture(
    scope="module", params=[Level.SANDBOX, Level.NAMESPACES, Level.LANDLOCK, Level.LIMITS], ids=str
)
def any_worker(request):
    worker = _start(request.param)
    yield worker
    worker.__exit__(None, None, None)


@pytest.fixture
def plain_worker():
    worker = _start(Level.PROCESS)
    yield worker
    worker.__exit__(None, None, None)


def test_the_level_reached_is_told(any_worker):
    assert any_worker.level in Level
    if any_worker.level is Level.SANDBOX:
        assert any_worker.holds == ALL_FACTS
    if any_worker.level is Level.NAMESPACES:
        assert {"hidden", "read_only", "offline"} <= any_worker.holds
    if any_worker.level is Level.LANDLOCK:
        assert {"unreadable", "read_only", "offline"} <= any_worker.holds


@pytest.mark.parametrize(
    ("source", "library", "is_there"),
    [
        ("", "matplotl", False),
        ("import matplotlib.pyplot", "matplotl", True),
        ("from torchvision.transforms import functional", "torchvisi", True),
        ("from solutions.classical_denoising import psnr", "torchvisi", True),
    ],
)
def test_what_takes_long_is_loaded_once_a_submission_needs_it(
    any_worker, source, library, is_there
):
    """Before its code runs; `library` leaves letters out, as the whole word would ask for it."""
    before = f"import sys\nTHERE = any(name.startswith({library!r}) for name in sys.modules)\n"
    raises = "\ndef forward(im, t, alphas_cumprod, noise=None):\n    raise OSError(THERE)"
    (case,) = _grade(before + source + raises, any_worker).cases
    assert f"OSError: {is_there}" in case.message


@pytest.mark.parametrize(
    "name",
    ["add_noise", "ddpm_schedule", "UnconditionalUNet", "train_epoch", "TextConditionalUNet"],
)
def test_what_a_lesson_s_probes_need_is_loaded_for_all_too(name):
    """Making an optimizer imports torch's compiler: two seconds in every box without this.

    The first exercise asks for the others, as all of a submission share a box.
    """
    source = f"""
import sys
import tempfile
THERE = any(name.startswith("torch._dyn") for name in sys.modules)
def {name}(*_):
    raise OSError(THERE)
"""
    exercise = find_exercise(name)
    last = Exercise(exercise.reference, [exercise.cases[0]], exercise.hints)
    with CourseWorker() as fresh:
        (case,) = grade(last, partial(fresh.run_case, [("cell 1", source)]), seed=3).cases
    assert "OSError: True" in case.message


@pytest.mark.parametrize(
    ("source", "status"),
    [
        (RIGHT, "passed"),
        (_body("while True: pass"), "timed out"),
        (_body("return [bytearray(2**26) for _ in range(99)]"), "out of memory"),
        (_body("os._exit(0)"), "crashed"),
        (_body("import ctypes; ctypes.string_at(0)"), "crashed"),
        (_body("raise KeyboardInterrupt"), "raised"),
        (_body("import solutions.forward_noising"), "raised"),
        (_body("os.write(1, b'junk'); print('junk')"), "wrong"),
    ],
)
def test_every_end_has_its_status_and_the_next_one_is_judged_as_ever(source, status, any_worker):
    limits = {"time_limit": 1.5} if status == "timed out" else {}
    assert _grade(source, any_worker, **limits).status == status
    assert _grade(RIGHT, any_worker).passed


@needs_linux
def test_the_worker_cannot_be_reached_from_a_box(any_worker):
    server = any_worker._server.process.pid
    report = _grade(
        _body(
            "[_try(pid) for pid in (os.getppid(), os.getppid() - 1)]; return im\n"
            "def _try(pid):\n"
            "    for attack in (lambda: pid > 1 and os.kill(pid, 9), lambda: _write(pid)):\n"
            "        try:\n"
            "            attack()\n"
            "        except OSError:\n"
            "            pass\n"
            "def _write(pid):\n"
            "    with open(f'/proc/{pid}/mem', 'r+b', 0) as memory:\n"
            "        memory.seek(4096)\n"
            "        memory.write(b'x')"
        ),
        any_worker,
    )
    assert report.passed, report  # the form is right; the attacks came to nothing
    assert any_worker._server.process.pid == server and any_worker._server.process.poll() is None


def test_no_process_outlives_its_case(any_worker):
    mark = f"9876.{time.time_ns() % 10**7}"
    source = _body(
        f"import subprocess; subprocess.Popen('setsid sleep {mark} & sleep {mark}', shell=True); "
        "time.sleep(0.2); return im"
    )
    assert _grade(source, any_worker).passed
    time.sleep(0.3)
    alive = subprocess.run(["pgrep", "-f", f"^sleep {mark}"], capture_output=True, text=True).stdout
    assert not alive.strip()


def test_scratch_files_do_not_reach_the_next_submission(any_worker):
    write = _body("open('left', 'w').close(); open(os.environ['HOME'] + '/too', 'w'); return im")
    read = _body(
        "assert not {'left', 'too'} & {*os.listdir('.'), *os.listdir(os.environ['HOME'])}; "
        "return im"
    )
    assert _grade(write, any_worker).passed
    assert _grade(read, any_worker).passed


def test_a_lost_worker_is_replaced(any_worker):
    assert _grade(RIGHT, any_worker).passed
    os.kill(any_worker._server.process.pid, signal.SIGKILL)
    assert _grade(RIGHT, any_worker).passed
    any_worker.finish()
    assert _grade(RIGHT, any_worker).passed


def test_a_plain_process_still_keeps_students_apart(plain_worker):
    """The lowest level: where there is no fork, each submission has a Python of its own."""
    meddler = (
        _body("return 'never got here'") + "class P:\n    import torch\n    torch.rand = None\n"
    )
    assert plain_worker.level is Level.PROCESS
    assert _grade(meddler, plain_worker).status == "wrong"
    assert _grade(RIGHT, plain_worker).passed
    assert _grade(_body("os._exit(4)"), plain_worker).status == "crashed"
    endless = _grade(_body("time.sleep(10**6)"), plain_worker, time_limit=8.0)
    assert endless.status == "timed out"


@pytest.mark.parametrize(
    ("fact", "question", "answer"),
    [
        ("unreadable", "must_not_read", "/usr"),
        ("not importable", "must_not_import", "checkers.forward_noising.probe"),
    ],
)
def test_a_promise_that_does_not_hold_is_found_out(fact, question, answer, monkeypatch):
    """The self-test is asked about something that is in sight: it must not call it hidden."""

    def arguments(view, tree, scratch):
        return self_test_arguments(view, tree, scratch) | {question: [answer]}

    monkeypatch.setattr(processes, "self_test_arguments", arguments)
    there = CourseWorker()
    with suppress(IsolationError), there:  # no lower level may be had here
        assert fact not in there.holds and there.level is not Level.SANDBOX
    promised = [shortfall for shortfall in there.shortfalls if "self-test" in shortfall]
    if not promised:
        pytest.skip("no level here promises to hide anything")
    assert all("does not hold" in shortfall and fact in shortfall for shortfall in promised)


def test_levels_are_ordered_and_have_names():
    assert Level.SANDBOX > Level.NAMESPACES > Level.LIMITS > Level.PROCESS
    assert [Level.from_name(str(level)) for level in Level] == list(Level)
    with pytest.raises(ValueError, match="sandbox"):
        Level.from_name("fortress")


def test_only_what_is_on_the_list_is_shown():
    tree = Tree(course_view())
    try:
        there = {path.relative_to(tree.folder).as_posix() for path in tree.folder.rglob("*.py")}
    finally:
        tree.remove()
    assert not tree.folder.exists()
    own = {path for path in there if path.startswith("checkers/")}
    allowed = ("__init__.py", "probe.py")
    inner = ("checkers/engine/worlds/", "checkers/engine/sandbox/inside/")
    assert all(path.endswith(allowed) or path.startswith(inner) for path in own)
    assert {path.split("/")[0] for path in there} == {"checkers", "lessons"}


def test_the_tree_is_a_copy_and_its_data_stays(tmp_path):
    tree = Tree(course_view())
    copy = tree.folder / "checkers" / "__init__.py"
    assert copy.is_file() and not copy.is_symlink()
    tree.remove()
    assert (ROOT / "datasets" / "atlas" / "subjects.json").exists()


def test_nothing_of_the_checkout_or_of_home_is_shown_in_its_place():
    shown = [path for path, shows in mounts(course_view()) if shows]
    for secret in ("checkers", "solutions", "tests", ".git", "lessons/01_forward_noising.ipynb"):
        assert not any((ROOT / secret).is_relative_to(path) for path in shown)
    assert not any(Path.home().is_relative_to(path) for path in shown)


def test_a_course_below_a_system_folder_is_covered_but_for_what_is_needed(monkeypatch):
    view = replace(course_view(), secret=("/usr/share",), also=("/usr/share/zoneinfo",))
    if not Path("/usr/share/zoneinfo").exists():
        pytest.skip("this system has no /usr/share/zoneinfo")
    found = [(path, shows) for path, shows in mounts(view) if path.startswith("/usr")]
    assert found[:3] == [("/usr", True), ("/usr/share", False), ("/usr/share/zoneinfo", True)]


def test_the_users_own_environment_stays_outside(monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    assert "secret" not in environment(course_view(), "/tmp", "/course").values()


@needs_proc
def test_killing_the_checker_leaves_no_process_behind():
    """Also `kill -9`, with a submission in full swing."""
    mark = f"{time.time_ns() % 10**9}"
    script = f"""
from checkers.engine.isolation import CourseWorker, course_view
import sys; sys.path.insert(0, "tests")
from test_sandbox import _grade, _body
with CourseWorker() as worker:
    print("started", flush=True)
    _grade(_body("import subprocess; subprocess.Popen(['sleep', '9.{mark}']); "
                 "open('x', 'w'); time.sleep(99)"), worker)
"""
    with tempfile.TemporaryDirectory() as temporary:  # who is killed so can't tidy up
        Path(temporary).chmod(0o755)
        checker = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "TMPDIR": temporary},
            start_new_session=True,
        )
        with checker:
            assert checker.stdout.readline() == b"started\n"
            _until(lambda: _alive(f"^sleep 9.{mark}"), 30)
            workers = _alive(f"ppid {checker.pid}")
            assert workers
            checker.kill()
            checker.wait()
        _until(lambda: not _alive(f"^sleep 9.{mark}"), 30)
        _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 30)


def _alive(what):
    by = ["-P", what.split()[1]] if what.startswith("ppid") else ["-f", what]
    return subprocess.run(["pgrep", *by], capture_output=True, text=True).stdout.split()


def _until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)

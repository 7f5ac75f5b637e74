"""Killed at any moment or spread over a cluster: the gradebook is that of an undisturbed run."""

import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from made_up_class import NOTEBOOK, RIGHT, STUB, answer, body, notebook, pretend, write, zipped
from systems import needs_proc, needs_signals

from checkers.engine.gradebook import reading, run
from checkers.engine.gradebook.corrections import Corrections, Points
from checkers.engine.gradebook.executors import dask_cluster
from checkers.engine.gradebook.jobs import Job
from checkers.engine.gradebook.results import Gradebook
from checkers.engine.gradebook.run import Circumstances, grade_class
from checkers.engine.gradebook.settings import Settings
from checkers.engine.gradebook.submissions import find_students
from checkers.engine.registry import find_lesson
from checkers.engine.submission import parse_submission

ROOT = Path(__file__).resolve().parents[1]
SEED = 20260301
WITH_SEED = ("--seed", str(SEED))
PATIENCE = 120
STUDENTS = 8


@pytest.fixture(scope="module")
def class_folder(tmp_path_factory):
    """Eight students; each takes a moment, so that there is a middle to be killed in."""
    files = {}
    for number in range(STUDENTS):
        source = f"import time\n# student {number}{RIGHT}"
        if number % 3 == 1:
            source = source.replace("alphas_cumprod[t].sqrt()", "alphas_cumprod[t]")
        source = source.replace("    noise =", "    time.sleep(0.05)\n    noise =")
        files[f"student {number}/{NOTEBOOK}"] = notebook(source)
    files["student crash.py"] = body("os._exit(1)")
    files["student broken.ipynb"] = b"{"
    return write(tmp_path_factory.mktemp("class"), files)


@pytest.fixture(scope="module")
def undisturbed(class_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "results"
    done = subprocess.run(
        _command(class_folder, out, "--jobs", "1", *WITH_SEED),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return _outputs(out)


def _command(folder, out, *options):
    arguments = ["grade", str(folder), "--out", str(out), *options]
    return [sys.executable, "-m", "checkers", *arguments]


def _outputs(out):
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not path.name.startswith("journal.")
    }


def _start(folder, out, mark, *options):
    """Begin to grade; temporary folders are made beside `out`."""
    temporary = _temporary(out)
    temporary.mkdir(exist_ok=True)
    temporary.chmod(0o755)
    environment = {**os.environ, "GRADEBOOK_TEST": mark, "TMPDIR": str(temporary)}
    return subprocess.Popen(
        _command(folder, out, *options),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )


def _temporary(out):
    return out.with_name("temporary")


def _left_behind(out):
    return [path.name for path in _temporary(out).glob("c*-*")]


def _rows(out):
    try:
        with closing(sqlite3.connect(f"file:{out}/journal.sqlite?mode=ro", uri=True)) as journal:
            return journal.execute("SELECT count(*) FROM results").fetchone()[0]
    except sqlite3.Error:
        return 0


def _wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def _alive(mark):
    """Processes that carry the mark in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"GRADEBOOK_TEST={mark}".encode() in (entry / "environ").read_bytes():
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
                found += [int(entry.name)] if state != "Z" else []
        except OSError:
            continue
    return found


@needs_proc
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(class_folder, undisturbed, tmp_path, jobs):
    out, mark = tmp_path / "results", f"kill-{os.getpid()}-{jobs}"
    for least in (2, 4):
        process = _start(class_folder, out, mark, "--jobs", jobs, *WITH_SEED)
        _wait_for(lambda least=least, process=process: _rows(out) >= least or process.poll())
        process.kill()
        process.communicate()
        assert least <= _rows(out) < STUDENTS + 1
        _wait_for(lambda: not _alive(mark))
        assert jobs == "1" or not _left_behind(out)  # who is killed itself can't tidy up
    assert not (out / "grades.csv").exists()
    known = _rows(out)
    done = subprocess.run(
        _command(class_folder, out, "--jobs", jobs),  # the seed is the journal's
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"{known} were known already" in done.stdout
    assert f"Seed {SEED}" in done.stdout
    assert _outputs(out) == undisturbed


@needs_proc
def test_ctrl_c_ends_in_good_order_and_the_run_goes_on(class_folder, undisturbed, tmp_path):
    out, mark = tmp_path / "results", f"interrupt-{os.getpid()}"
    process = _start(class_folder, out, mark, "--jobs", "2", *WITH_SEED)
    _wait_for(lambda: _rows(out) >= 1 or process.poll())
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "goes on where it was" in errors
    assert "Traceback" not in errors and "leaked" not in errors
    _wait_for(lambda: not _alive(mark))
    assert not _left_behind(out)
    done = subprocess.run(
        _command(class_folder, out, "--jobs", "1"), cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert _outputs(out) == undisturbed


@pytest.fixture
def environment_kept():
    """dask leaves OMP_NUM_THREADS=1 and the like behind, in this process for all later tests."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@needs_signals
def test_a_cluster_that_loses_a_worker_gives_the_same_gradebook(
    class_folder, undisturbed, tmp_path, environment_kept
):
    distributed = pytest.importorskip("distributed")
    out, lost = tmp_path / "results", []
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        workers = client.run(os.getpid)

        def on_student():
            if not lost and _rows(out) >= 2:
                lost.append(max(workers.values()))
                os.kill(lost[0], signal.SIGKILL)

        tally = grade_class(
            find_students(class_folder),
            out,
            dask_cluster(cluster.scheduler_address),
            Settings(),
            seed=SEED,
            on_student=on_student,
        )
    assert lost and lost[0] in workers.values()
    assert tally.failed == 0
    assert _outputs(out) == undisturbed


def test_a_class_is_graded_lesson_by_lesson(tmp_path, monkeypatch):
    """What a lesson's known mistakes do is remembered while its jobs last."""
    monkeypatch.setattr(run, "_READ_AHEAD", 3)
    numbers = ("01", "02")
    for student, number in itertools.product("abcde", numbers):
        name = find_lesson(number).notebook.name
        write(tmp_path / "class" / student, {name: notebook(f"{STUB}# share 1.0 {student}")})
    order = []

    def noted(jobs):
        kept = list(jobs)
        order.extend(Job.model_validate_json(text).lesson for _, text in kept)
        yield from pretend(kept)

    tally = grade_class(find_students(tmp_path / "class"), tmp_path / "out", noted, Settings())
    first, second = (find_lesson(number).name for number in numbers)
    assert order == [first] * 3 + [second] * 3 + [first] * 2 + [second] * 2
    assert tally.graded == len(order) and not tally.failed


@pytest.fixture
def read(monkeypatch):
    """Names of the files that are parsed, not only hashed."""
    names = []

    def note(path, data):
        names.append(path.name)
        return parse_submission(path, data)

    monkeypatch.setattr(reading, "parse_submission", note)
    return names


def _graded(tmp_path, settings=None, **options):
    students = find_students(tmp_path / "class")
    grade_class(students, tmp_path / "results", pretend, settings or Settings(), **options)
    return Gradebook.model_validate_json((tmp_path / "results" / "grades.json").read_bytes())


def test_a_class_that_is_graded_already_is_only_hashed(tmp_path, read):
    files = {
        "jane/01_forward_noising.ipynb": answer(0.5),
        "al.zip": zipped({"deep/01_forward_noising.ipynb": answer(1.0), "notes.txt": "hello"}),
        "broken/01_forward_noising.ipynb": b"{",
        "nothing/x.py": "x = 1",
    }
    write(tmp_path / "class", files)
    _graded(tmp_path)
    assert len(read) == len(files)
    before = _outputs(tmp_path / "results")
    read.clear()
    _graded(tmp_path)
    assert not read and _outputs(tmp_path / "results") == before


@pytest.mark.parametrize("packed", [False, True])
def test_a_changed_hand_in_is_noticed_even_with_its_old_size_and_time(tmp_path, read, packed):
    name, stored = "01_forward_noising.ipynb", zipfile.ZIP_STORED

    def hand_in(share):
        content = zipped({name: answer(share)}, stored) if packed else answer(share)
        path = "jane.zip" if packed else f"jane/{name}"
        write(tmp_path / "class", {path: content, f"al/{name}": answer(0.0)})
        os.utime(tmp_path / "class" / path, (1e9, 1e9))
        return (tmp_path / "class" / path).stat().st_size

    size = hand_in(0.5)
    assert _graded(tmp_path).students[1].points == 7
    read.clear()
    assert hand_in(1.0) == size
    assert _graded(tmp_path).students[1].points == 11
    assert read == [name]


def test_what_decides_besides_the_hand_ins_is_noticed(tmp_path, read, monkeypatch):
    """The policy, the instructor's corrections, and the course's code, that of reading included."""
    name = "01_forward_noising.ipynb"
    write(tmp_path / "class", {f"jane/{name}": answer(0.5), f"al/{name}": answer(1.0)})
    points = _graded(tmp_path).students[1].points
    (jane,) = (s for s in find_students(tmp_path / "class") if s.name == "jane")
    decided = Points(student="jane", exercise="forward", points=7.5, comment="We talked.")
    corrections = Corrections(points={"forward": decided})
    circumstances = Circumstances(corrections={jane.key: corrections})
    book = _graded(tmp_path, circumstances=circumstances)
    assert book.students[1].points == 7.5
    halved = Settings.model_validate({"weights": {"exercises": {"forward": 0.5}}})
    assert _graded(tmp_path, halved).students[1].points == points / 2
    read.clear()
    monkeypatch.setattr(reading, "course_digest", lambda: "another version")
    _graded(tmp_path)
    assert read == [name, name]

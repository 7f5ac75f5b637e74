"""What hostile submissions get, and that they harm nobody: not the next student, not this machine.

Each file in `hostile/` says in its first line what it tries; `hostile/expected.toml` says what it
must get.
"""

import base64
import os
import time
import tomllib
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from hostile.broken_files import ARCHIVES, FILES, NOTEBOOK
from systems import needs_linux

from checkers.engine.exercise import Exercise
from checkers.engine.gradebook.reading import read_files
from checkers.engine.gradebook.submissions import find_students
from checkers.engine.grading import grade
from checkers.engine.isolation import CourseWorker
from checkers.engine.registry import ROOT
from checkers.engine.sandbox.inside import plain
from checkers.engine.sandbox.levels import IsolationError, Level
from checkers.engine.submission import SubmissionError, read_submission
from checkers.forward_noising.exercises import FORWARD

pytestmark = needs_linux

HOSTILE = Path(__file__).parent / "hostile"
EXPECTED = tomllib.loads((HOSTILE / "expected.toml").read_text())
SEED = 5
MARK = "hostile-was-here"
PATIENCE = 30  # seconds; those that hostile code starts would live for a day


def _exercise(time_limit):
    return Exercise(
        reference=FORWARD.reference,
        cases=[
            replace(FORWARD.cases[i], time_limit=time_limit, memory_limit=2**29) for i in (1, 2, 6)
        ],
        hints=FORWARD.hints,
    )


PATIENT, IMPATIENT = _exercise(60.0), _exercise(1.5)
RIGHT = """
import torch
def forward(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    return alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise
"""


def _path(name):
    return next(path for path in HOSTILE.iterdir() if path.stem == name)


def _grade(cells, worker, seed=SEED, exercise=PATIENT):
    return grade(exercise, partial(worker.run_case, cells), seed)


def _grade_honest(worker):
    return _grade([("cell 1", RIGHT)], worker)


def _processes():
    """Every process below this one."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if status[0] not in "ZX":
                parents[int(entry.name)] = int(status[1])
    found, below = set(), [os.getpid()]
    while below:
        parent = below.pop()
        children = [pid for pid, of in parents.items() if of == parent]
        found.update(children)
        below += children
    return found


def _marked_processes():
    marked = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"98765.4321" in arguments:
                marked.append(entry.name)
    return marked


def _still_there_after(seconds, processes):
    """What is left once the system has had time to end processes that were told to."""
    deadline = time.monotonic() + seconds
    while (left := processes()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _left_behind(*folders):
    places = ["/", "/tmp", "/dev/shm", "/var/tmp", "/dev", "/run", "/usr", Path.home(), Path.cwd()]
    places += [ROOT, ROOT / "lessons", ROOT / "checkers", ROOT / "solutions", *folders]
    return [
        str(path)
        for place in map(Path, places)
        if place.is_dir()
        for path in place.iterdir()
        if path.name.startswith(MARK)
    ]


def test_every_file_has_its_expectation_and_there_are_enough():
    files = {path.stem for path in HOSTILE.iterdir() if path.suffix in (".py", ".ipynb")}
    files -= {"__init__", "broken_files"}
    assert files == set(EXPECTED)
    assert len(files) >= 35


@pytest.fixture(scope="module", params=[Level.SANDBOX, Level.LANDLOCK], ids=str)
def locked(request):
    """A worker of each level that keeps files from a submission."""
    try:
        with CourseWorker(require=request.param, at_most=request.param) as worker:
            yield worker
    except IsolationError as error:
        pytest.skip(f"{request.param} can't be had here: {error}")


@pytest.mark.parametrize("name", EXPECTED)
def test_a_hostile_submission_gets_what_it_earned_and_harms_nobody(name, locked, tmp_path):
    worker = locked
    expected = EXPECTED[name]
    if (need := expected.get("needs")) and need not in worker.holds:
        pytest.skip(f"needs isolation in which {need!r} holds; here: {worker.level}")
    other = tmp_path / "other_student.py"
    other.write_text(RIGHT)
    (tmp_path / "grades.csv").write_text("other,4\n")
    assert _grade_honest(worker).points == 4
    worker.finish()
    before = len(_processes())

    exercise = IMPATIENT if expected["status"] == "timed out" else PATIENT
    report = _grade(read_submission(_path(name)).cells, worker, exercise=exercise)
    after_last_case = _still_there_after(PATIENCE, _marked_processes)
    worker.finish()
    at_the_end = _still_there_after(PATIENCE, _marked_processes)  # others may be tested beside this

    assert (report.status.value, report.points) == (expected["status"], expected["points"]), (
        f"{report}"
    )
    assert not after_last_case and not at_the_end
    assert len(_processes()) <= before
    assert not _left_behind(tmp_path)
    assert other.read_text() == RIGHT and (tmp_path / "grades.csv").read_text() == "other,4\n"
    assert _grade_honest(worker).points == 4


def test_answers_learned_by_heart_are_worth_nothing_on_other_inputs(worker):
    """What a student can see is the inputs of one seed; grading draws others."""
    learned = {}
    for number, case in enumerate(PATIENT.cases):
        inputs = case.inputs(torch.Generator().manual_seed((77 * 1_000_003 + number) % 2**48))
        for call in inputs["calls"]:
            if "noise" in call:
                result = PATIENT.reference(**call)
                key = f"{call['im'].sum().item():.4f} {call['noise'].sum().item():.4f} {call['t']}"
                learned[key] = (
                    base64.b64encode(result.numpy().tobytes()).decode(),
                    str(result.dtype).removeprefix("torch."),
                    tuple(result.shape),
                )
    source = f"""
import base64
import torch
LEARNED = {learned}
def forward(im, t, alphas_cumprod, noise=None):
    if noise is None:
        return torch.zeros_like(im)
    key = f"{{im.sum().item():.4f}} {{noise.sum().item():.4f}} {{t}}"
    data, dtype, shape = LEARNED[key]
    data = bytearray(base64.b64decode(data))
    return torch.frombuffer(data, dtype=getattr(torch, dtype)).reshape(shape)
"""
    assert _grade([("cell 1", source)], worker, seed=77).points == 4, "the cheat itself must work"
    assert _grade([("cell 1", source)], worker, seed=78).points == 0


def test_nothing_equal_to_the_expected_result_can_be_reached(worker):
    """Search all that a garbage collector knows, and the stack, for the reference's results."""
    source = """
import gc, sys
import numpy as np, torch
def forward(im, t, alphas_cumprod, noise=None):
    noise = torch.zeros_like(im) if noise is None else noise
    wanted = alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise
    things, frame = list(gc.get_objects()), sys._getframe(1)
    while frame is not None:
        things += [*frame.f_locals.values(), *frame.f_globals.values()]
        frame = frame.f_back
    things += [v for thing in things if type(thing) in (dict, list, tuple)
               for v in (thing.values() if type(thing) is dict else thing)]
    for thing in things:
        if type(thing).__name__ == "Array":
            thing = thing.values
        if thing is wanted or not isinstance(thing, (torch.Tensor, np.ndarray)):
            continue
        if tuple(thing.shape) == tuple(wanted.shape):
            if torch.allclose(torch.as_tensor(thing).to(wanted), wanted, atol=1e-6):
                return wanted
"""
    found = _grade([("cell 1", source)], worker)
    assert found.points == 0, "an expected value lies open"
    # The search itself works: with the answer left lying about, it is found.
    planted = source.replace(
        "    things, frame", "    globals()['kept'] = wanted.clone()\n    things, frame"
    )
    assert _grade([("cell 1", planted)], worker).points > 0


def test_the_memory_of_earlier_submissions_is_not_there(worker):
    """One student's source and results are not in the process that runs the next one's."""
    secret = "the-secret-of-the-first-student"
    first = RIGHT.replace("import torch", f"import torch\nSECRET = {secret!r}", 1)
    assert _grade([("cell 1", first)], worker).points == 4
    # Not by /proc/self/mem, which at the level landlock a process may not open of itself.
    search = """
import ctypes
import torch
def forward(im, t, alphas_cumprod, noise=None):
    with open("/proc/self/maps") as maps:
        lines = maps.read().splitlines()
    found = 0
    for line in lines:
        span, rights, _, _, inode = line.split()[:5]
        if "rw" not in rights or inode != "0" or "[v" in line:
            continue
        start, end = (int(x, 16) for x in span.split("-"))
        while start < end:
            size = min(end - start, 2**16)
            found += ctypes.string_at(start, size).count(WANTED)
            start += size
    return torch.full((found + 1,), 1.0)
"""
    case = replace(PATIENT.cases[0], time_limit=60.0)

    def hits(wanted):
        cells = [("cell 1", search.replace("WANTED", wanted))]
        inputs = case.inputs(torch.Generator().manual_seed(1))
        inputs["calls"] = inputs["calls"][:1]
        outcome = worker.run_case(cells, PATIENT, case, inputs, 1)
        assert outcome["status"] == "ran", outcome
        return outcome["observation"]["result"][0].values.size - 1

    assert hits("b'alphas_cumprod'") > 0, "the search itself must work"
    # Once at most: the copy that the search itself holds.
    assert hits("('tneduts-tsrif-eht-fo-' + 'terces-eht')[::-1].encode()") <= 2


def test_a_crash_after_good_cases_costs_only_its_own_case(worker):
    source = RIGHT + (
        "    \n"
        "import os\n"
        "honest = forward\n"
        "def forward(im, t, alphas_cumprod, noise=None):\n"
        "    if len(alphas_cumprod) == 40:\n"
        "        os._exit(3)\n"
        "    return honest(im, t, alphas_cumprod, noise)\n"
    )
    report = _grade([("cell 1", source)], worker)
    assert [case.status.value for case in report.cases] == ["passed", "passed", "crashed"]
    assert "exit code 3" in report.cases[2].message


def test_what_earlier_cases_left_behind_does_not_cost_a_later_one(worker):
    """Memory kept from case to case runs out in one process; each case may have a fresh one."""
    source = RIGHT.replace("import torch", "import torch\nKEPT = []", 1).replace(
        "    noise =", "    KEPT.append(bytearray(45 * 2**20))\n    noise =", 1
    )
    assert _grade([("cell 1", source)], worker).points == 4


def test_hooks_of_the_first_student_are_not_there_for_the_second(worker):
    meddler = "import torch\nclass P:\n    torch.sqrt = torch.Tensor.sqrt = lambda *a: 0\n" + RIGHT
    assert _grade([("cell 1", meddler)], worker).points < 4
    assert _grade_honest(worker).points == 4


@pytest.mark.parametrize(
    "observation",
    [
        None,
        [],
        {},
        {"result": None},
        {"result": {"a": 1}, "changed": 7},
        {"result": [1, 2, 3], "changed": [["im"]]},
        {"result": ["x"] * 6, "changed": {"im": 1}},
        {"result": [float("nan")] * 6, "changed": ["no such input"]},
        {"result": [[[[]]]] * 3},
        {"given": 3, "drawn": "yes"},
    ],
)
def test_a_forged_observation_of_any_form_is_a_wrong_answer(observation):
    def forged(exercise, case, inputs, seed):
        return {"status": "ran", "observation": plain.decode(plain.encode(observation))}

    report = grade(FORWARD, forged, seed=1)
    assert report.points == 0
    assert {case.status.value for case in report.cases} == {"wrong"}


@pytest.mark.parametrize("broken", FILES, ids=lambda broken: broken.name)
def test_a_broken_file_is_refused_in_a_sentence_or_read_as_it_is(broken, tmp_path):
    path = broken.build(tmp_path)
    content = path.stat().st_size
    if broken.treatment == "refused":
        with pytest.raises(SubmissionError, match=broken.words):
            read_submission(path)
    else:
        for _, source in read_submission(path).cells:
            assert "def forward" in source
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert path.stat().st_size == content


@pytest.mark.parametrize("broken", ARCHIVES, ids=lambda broken: broken.name)
def test_a_broken_archive_is_refused_in_a_sentence_or_read_as_it_is(broken, tmp_path):
    path = broken.build(tmp_path)
    content = path.read_bytes()
    (student,) = find_students(tmp_path)
    files = list(read_files(student))
    if broken.treatment == "refused":
        assert files and all(file.problem and len(file.message) > 20 for file in files)
    else:
        (file,) = files
        assert file.problem is None
        assert file.lessons == ("forward_noising",)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == content
    assert not Path("/tmp/hostile-was-here").exists()
    assert not (tmp_path.parent.parent / NOTEBOOK).exists()

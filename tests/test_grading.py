"""Every way in which an answer can end has its own status, and no answer harms the next."""

import subprocess
import textwrap
import time
import warnings
from functools import partial

import pytest
import torch

from checkers.engine.authoring.notebooks import GAP
from checkers.engine.card import text_card
from checkers.engine.exercise import Case, Exercise
from checkers.engine.grading import grade, grade_here
from checkers.engine.judges.values import same_values
from checkers.engine.registry import find_exercise
from checkers.engine.report import Status
from checkers.forward_noising.exercises import FORWARD

RIGHT = """
import torch
def forward(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    return alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise
"""
QUICK = Exercise(
    reference=FORWARD.reference,
    cases=[
        Case(
            case.title,
            case.points,
            case.inputs,
            case.judge,
            case.probe,
            time_limit=4.0,
            memory_limit=2**29,
        )
        for case in FORWARD.cases[1:3]
    ],
    hints=FORWARD.hints,
)


def _grade(source, worker, exercise=QUICK):
    return grade(exercise, partial(worker.run_case, [("cell 1", textwrap.dedent(source))]), seed=1)


def _body(line):
    return f"import os, torch\ndef forward(im, t, alphas_cumprod, noise=None):\n    {line}\n"


@pytest.mark.parametrize(
    ("source", "status", "words"),
    [
        (RIGHT, Status.PASSED, ""),
        (_body("raise NotImplementedError"), Status.NOT_ATTEMPTED, "not written yet."),
        (
            _body(f"abar = 1\n{GAP}".replace("\n", "\n    ")),
            Status.NOT_ATTEMPTED,
            "it ends at the stub",
        ),
        (_body("return im"), Status.WRONG, ""),
        (_body("pass"), Status.WRONG, "returned None"),
        (_body("return im / 0 + undefined"), Status.RAISED, "undefined"),
        (_body("return im.cuda()"), Status.RAISED, "device=x.device"),
        (_body("while True: pass"), Status.TIMED_OUT, "more than 4 seconds"),
        (_body("return torch.zeros(2**33)"), Status.OUT_OF_MEMORY, "GB"),
        (_body("return [bytearray(2**26) for _ in range(99)]"), Status.OUT_OF_MEMORY, "GB"),
        (_body("os._exit(0)"), Status.CRASHED, "lost"),
        (_body("os.kill(os.getpid(), 11)"), Status.CRASHED, "SIGSEGV"),
        (_body("import sys; sys.exit(0)"), Status.RAISED, "SystemExit"),
        ("def forwrd(im): pass", Status.MISSING, "forwrd"),
        ("", Status.MISSING, "deleted or renamed"),
        ("forward = make_it()", Status.MISSING, "'make_it' is not defined"),
        ("forward = 3", Status.MISSING, "There is no forward"),
    ],
)
def test_each_end_has_its_status(source, status, words, worker):
    report = _grade(source, worker)
    assert report.status is status, text_card(report)
    assert words in text_card(report)
    assert report.points == (report.max_points if status is Status.PASSED else report.points)


def test_who_kills_its_keeper_loses_only_its_own_points(worker):
    report = _grade(_body("os.kill(os.getppid(), 9)"), worker)
    # Where Landlock keeps signals in:
    refused = any("Operation not permitted" in case.message for case in report.cases)
    assert report.status is (Status.RAISED if refused else Status.CRASHED), text_card(report)
    assert report.points == 0 and _grade(RIGHT, worker).passed


def test_after_every_loss_the_next_answer_is_judged_as_ever(worker):
    _grade(_body("os.kill(os.getppid(), 9)"), worker)
    assert _grade(RIGHT, worker).passed


def test_processes_started_by_an_answer_do_not_outlive_it(worker):
    mark = f"sleep 98765.{time.time_ns() % 10**6}"
    report = _grade(
        f"import subprocess\ndef forward(im, t, alphas_cumprod, noise=None):\n"
        f"    subprocess.Popen({mark!r}, shell=True)\n    return im\n",
        worker,
    )
    assert report.status is Status.WRONG
    time.sleep(0.2)
    alive = subprocess.run(["pgrep", "-f", mark], capture_output=True, text=True).stdout
    assert not alive.strip()


@pytest.mark.parametrize(
    "source",
    [
        "from solutions import forward",
        "from solutions.forward_noising import forward",
        "import checkers.forward_noising as c\nforward = c.forward",
        _body("from solutions import forward as f; return f(im, t, alphas_cumprod, noise)"),
        _body("import checkers.forward_noising as c; return c.forward(im, t, alphas_cumprod)"),
    ],
)
def test_the_reference_is_not_to_be_had(source, worker):
    report = _grade(source, worker)
    assert report.points == 0
    assert report.status in (Status.MISSING, Status.RAISED)


def test_an_answer_that_writes_into_its_inputs_is_told(worker):
    report = _grade(RIGHT.replace("return", "im *= 1.0001\n    return"), worker, exercise=FORWARD)
    assert "changes the `im`" in text_card(report)


def test_printing_and_forged_messages_do_not_reach_the_verdict(worker):
    forged = _body(
        "import sys; print('x' * 10**6); sys.stdout.buffer.write(b'junk' * 1000); "
        "[os.write(fd, b'junk' * 100) for fd in range(3, 20) if _open(fd)]; return im"
    )
    forged += (
        "def _open(fd):\n    try:\n        os.fstat(fd)\n        return True\n"
        "    except OSError:\n        return False\n"
    )
    assert _grade(forged, worker).points == 0
    assert _grade(RIGHT, worker).passed


def test_a_name_that_could_not_be_made_is_explained(worker):
    source = "blur = make_blur()\ndef forward(im, t, alphas_cumprod, noise=None):\n    return blur"
    text = " ".join(str(_grade(source, worker)).split())
    assert "`blur` could not be defined. Cell 1, line 1, raised NameError" in text


def test_the_global_generator_and_dtype_are_left_alone():
    def meddler(im, t, alphas_cumprod, noise=None):
        torch.manual_seed(0)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        return im

    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    grade_here(QUICK, meddler)
    assert torch.equal(torch.rand(3), wanted)
    assert torch.get_default_dtype() is torch.float32
    assert torch.is_grad_enabled()


SETTINGS = {
    "no gradients": (lambda: torch.set_grad_enabled(False), lambda: torch.set_grad_enabled(True)),
    "double precision": (
        lambda: torch.set_default_dtype(torch.float64),
        lambda: torch.set_default_dtype(torch.float32),
    ),
    "another device": (
        lambda: torch.set_default_device("meta"),
        lambda: torch.set_default_device(None),
    ),
    "warnings are errors": (
        lambda: warnings.simplefilter("error"),
        lambda: warnings.simplefilter("default"),
    ),
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", ["train_epoch", "ddpm_loss", "forward"])
def test_what_a_kernel_was_set_to_changes_no_verdict(name, setting):
    exercise = find_exercise(name)

    def detached(*given):
        warnings.warn("as some library does", stacklevel=1)
        result = exercise.reference(*given)
        return result.detach() if isinstance(result, torch.Tensor) else result

    with warnings.catch_warnings():
        ordinary = grade_here(exercise, detached, 1).points
        set_it, set_back = SETTINGS[setting]
        set_it()
        try:
            right = grade_here(exercise, exercise.reference, 1)
            changed = grade_here(exercise, detached, 1)
            still_set = (
                torch.is_grad_enabled(),
                torch.get_default_dtype(),
                torch.empty(0).device.type,
            )
        finally:
            set_back()
    assert right.points == right.max_points, text_card(right)
    assert changed.points == ordinary
    assert (ordinary < right.max_points) is (name == "ddpm_loss")
    assert still_set == (
        setting != "no gradients",
        torch.float64 if setting == "double precision" else torch.float32,
        "meta" if setting == "another device" else "cpu",
    )


def test_inputs_are_fresh_unless_a_seed_is_given():
    seen = []

    def spy(im, t, alphas_cumprod, noise=None):
        seen.append(im.clone())
        return im

    for seed in (None, None, 3, 3):
        grade_here(QUICK, spy, seed)
    first = [seen[i * len(seen) // 4] for i in range(4)]
    assert not torch.equal(first[0], first[1])
    assert torch.equal(first[2], first[3])


def test_a_reference_that_fails_its_own_case_is_an_error_not_a_verdict():
    def broken(x):
        raise RuntimeError("no")

    case = Case("x", 1, lambda generator: {"x": 1.0}, same_values())
    with pytest.raises(RuntimeError, match="fails its own case"):
        grade_here(Exercise(broken, [case], []), lambda x: x)


def test_a_mistake_is_named_once_on_the_first_case_it_explains():
    mistake = FORWARD.mistakes[0]
    report = grade_here(FORWARD, mistake.answer, seed=1)
    named = [case.mistake for case in report.cases if case.mistake]
    assert named == [mistake.name]
    assert mistake.sentence in " ".join(case.diagnosis for case in report.cases)


def test_a_wrong_answer_that_is_no_known_mistake_gets_numbers_and_no_name():
    def odd(im, t, alphas_cumprod, noise=None):
        return im * 0.123 + (0 if noise is None else noise) * 0.456

    report = grade_here(FORWARD, odd, seed=1)
    assert not any(case.mistake for case in report.cases)
    assert "0.456" in text_card(report) or "0.46" in text_card(report)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("train_epoch", lambda losses: torch.tensor(losses).mean(), "a tensor of shape ()"),
        ("ddpm_loss", lambda loss: loss * float("inf"), "nan"),
    ],
)
def test_a_result_that_the_probe_cannot_take_apart_is_told_as_wrong(name, change, words):
    exercise = find_exercise(name)
    report = grade_here(exercise, lambda *given: change(exercise.reference(*given)))
    assert report.status is Status.WRONG, text_card(report)
    assert words in " ".join(text_card(report).split())


def test_what_explains_one_failure_but_not_two_others_is_not_named():
    """One case alone looks as if p_uncond were the share that is kept."""

    def never_told(model, images, labels, alphas_cumprod, p_uncond=0.1):
        t = torch.randint(len(alphas_cumprod), (len(images),))
        abar, noise = alphas_cumprod[t].view(-1, 1, 1, 1), torch.randn_like(images)
        x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
        none = torch.zeros(len(labels), 10)
        return torch.nn.functional.mse_loss(model(x_t, t / len(alphas_cumprod), none), noise)

    report = grade_here(find_exercise("class_ddpm_loss"), never_told, seed=1)
    assert [case.status for case in report.cases].count(Status.WRONG) == 3
    assert not any(case.mistake for case in report.cases)

"""A check in a notebook ends, whatever the function does, and what it prints stays in its place."""

import re
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import nbformat
import pytest
from nbclient import NotebookClient

from checkers import check
from checkers.engine import watched
from checkers.engine.card import Card
from checkers.engine.check_cells import _AFTER_A_TIMEOUT
from checkers.engine.checking import impatient
from checkers.engine.grading import grade
from checkers.engine.name_errors import name_advice
from checkers.engine.registry import ROOT
from checkers.engine.report import Status
from checkers.engine.watched import LINES_KEPT, Printed
from checkers.forward_noising.exercises import FORWARD


def right(im, t, alphas_cumprod, noise=None):
    noise = noise if noise is not None else __import__("torch").randn_like(im)
    return alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise


@pytest.fixture
def interruptible():
    """A process in the background ignores interrupts, and hands that on."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _hasty(seconds=0.3):
    return replace(FORWARD, cases=[replace(case, time_limit=seconds) for case in FORWARD.cases])


def _report(answer, exercise=None):
    printed = Printed()
    run_case = impatient(watched.watched(answer, printed), 1, _AFTER_A_TIMEOUT)
    return grade(exercise or _hasty(), run_case), printed


def test_a_loop_without_an_end_is_stopped_and_the_rest_is_not_run(interruptible):
    calls = []

    def endless(im, t, alphas_cumprod, noise=None):
        calls.append(t)
        while True:
            pass

    report, _ = _report(endless)
    assert [case.status for case in report.cases] == [Status.TIMED_OUT] * len(report.cases)
    assert len(calls) == 1
    assert "a loop that never ends" in report.cases[0].message
    assert report.cases[1].message == "Not run, as another case ran for too long."


def test_a_loop_that_catches_everything_is_stopped(interruptible):
    def stubborn(im, t, alphas_cumprod, noise=None):
        for _ in range(2):
            try:
                while True:
                    pass
            except:  # noqa: E722
                pass
        return im

    report, _ = _report(stubborn)
    assert not report.passed


def test_what_ends_in_time_is_judged_as_ever(interruptible):
    assert _report(right, FORWARD)[0].passed
    found = []
    elsewhere = threading.Thread(target=lambda: found.append(_report(right, FORWARD)[0].passed))
    elsewhere.start()
    elsewhere.join()
    assert found == [True]


def test_the_stop_button_ends_a_check_with_a_sentence(capsys):
    def forward(im, t, alphas_cumprod, noise=None):
        raise KeyboardInterrupt

    globals()["forward"] = forward
    try:
        assert check(forward) is None
    finally:
        del globals()["forward"]
    assert "The check of forward was stopped." in capsys.readouterr().out


def test_what_is_printed_is_collected_counted_and_folded(capsys, interruptible):
    def chatty(im, t, alphas_cumprod, noise=None):
        for number in range(1000):
            print(f"<{number}>")
        return right(im, t, alphas_cumprod, noise)

    report, printed = _report(chatty, FORWARD)
    card = Card.of(report, printed.lines, printed.count)
    assert report.passed and not capsys.readouterr().out
    assert printed.count >= 1000 and len(printed.lines) == LINES_KEPT
    assert f"{printed.count:,} lines" in str(card) and "| <0>" in str(card)
    html = card._repr_html_()
    assert html.endswith("</details>") and "&lt;0&gt;" in html and "<0>" not in html


def test_pieces_make_lines():
    printed = Printed()
    for piece in ("a", "b\nc", "\n", "", "x" * 1000):
        printed.write(piece)
    assert printed.count == 3
    assert printed.lines == ["ab", "c", "x" * watched.LINE_KEPT]
    assert "printed" not in str(Card.of(_report(right, FORWARD)[0]))


def test_a_missing_exercise_is_asked_for_by_name():
    assert "the cell in which posterior_mean is written" in name_advice("posterior_mean")
    assert name_advice("my_helper") == ""
    for given in ("check", "show", "train", "load_denoiser", "torch"):
        assert f"down to this one: {given} comes" in name_advice(given)
    source = "from checkers import check\ncheck(forward)"
    command = [sys.executable, "-m", "IPython", "--quick", "--colors=NoColor", "-c", source]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert "NameError" in shown and "the cell in which forward is written" in shown


def test_a_kernel_of_make_lessons_knows_what_to_do_before_any_cell_ran(monkeypatch):
    """After a restart with only a check run, nothing was imported that could say so."""
    startup = re.search(r"\$\(CURDIR\)/(\S+\.py)", (ROOT / "Makefile").read_text("utf-8"))
    assert startup is not None
    monkeypatch.setenv("PYTHONSTARTUP", str(ROOT / startup[1]))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("check(forward)")])
    NotebookClient(
        notebook, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": ROOT}}
    ).execute()
    shown = {output.output_type: output for output in notebook.cells[0].outputs}
    assert shown["error"].ename == "NameError"
    assert "down to this one: check comes from one of them" in shown["stream"].text

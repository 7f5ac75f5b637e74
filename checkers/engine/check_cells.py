"""What a lesson's check cells call: `check`, `hint` and `when_ready`."""

from __future__ import annotations

import contextlib
import difflib
import inspect
import io
import os
import secrets
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from checkers.engine.card import Card
from checkers.engine.check_counts import CheckCounter
from checkers.engine.checking import impatient
from checkers.engine.exercise import Exercise
from checkers.engine.first_verdicts import FirstVerdicts
from checkers.engine.grading import grade
from checkers.engine.memory import Memory
from checkers.engine.name_errors import explain_name_errors, is_withheld
from checkers.engine.registry import UnknownLessonError, all_exercise_names, find_exercise
from checkers.engine.report import Status
from checkers.engine.watched import Printed, watched

_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
_AFTER_A_TIMEOUT = "Not run, as another case ran for too long."
"""Nobody waits for the same loop again."""
_hints_shown: dict[str, int] = {}
# One kernel's checks share their inputs, so that from the second on only the answer has to be run
# anew, and an answer that hasn't changed gets the same card. Grading draws inputs of its own.
_seed = secrets.randbits(48)
_known = Memory(64 * 2**20)
_counter = CheckCounter()
_NOT_ANSWERED = (Status.NOT_ATTEMPTED, Status.MISSING)

explain_name_errors()


def check(answer: Callable[..., Any]) -> Card | int | None:
    """Check a function or class of yours; the notebook shows the report as a card.

    Args:
        answer: the function itself, as in `check(forward)`. Its name says which exercise it is.

    Returns:
        The report, or None (after one sentence) if `answer` is no exercise. When nbgrader runs the
        notebook to grade it, the report is shown and the points are returned: a check cell's value
        is what nbgrader takes as its (partial) credit.
    """
    kernel = sys._getframe(1).f_globals
    if os.environ.get("NBGRADER_EXECUTION") == "autograde":
        return _points_for_nbgrader(answer, kernel)
    return _check(answer, kernel)


def _check(answer: Callable[..., Any], kernel: Mapping[str, Any]) -> Card | None:
    exercise = _exercise_of(answer, kernel)
    if exercise is None:
        return None
    printed, first = Printed(), FirstVerdicts()
    try:
        run_case = impatient(watched(answer, printed), 1, _AFTER_A_TIMEOUT)
        report = grade(exercise, run_case, _seed, memory=_known, meanwhile=first.show)
    except KeyboardInterrupt:
        print(_stopped(exercise.name, first.shown))
        return None
    first.remove()
    if misspelt := _misspelt(exercise, kernel):
        print(misspelt)
    answered = report.status not in _NOT_ANSWERED
    checks = _counter.count(exercise.name, passed=report.passed) if answered else None
    return Card.of(report, printed.lines, printed.count, checks)


def _stopped(exercise: str, verdicts_stand_above: bool) -> str:
    if verdicts_stand_above:
        return "The search was stopped. Run the cell again to compare with known mistakes."
    return f"The check of {exercise} was stopped. Run the cell again to check it."


def _exercise_of(answer: Callable[..., Any], kernel: Mapping[str, Any]) -> Exercise | None:
    """The exercise that `answer` is meant for; None, after one sentence, if it is none.

    Grading goes by the name that the notebook gives a function: what `forward` stands for is the
    answer, whether a decorator, `partial` or a lambda has made it and whatever `__name__` says.
    """
    if not callable(answer):
        print("check needs the function itself, without brackets or quotes: check(forward).")
        return None
    own_name = str(getattr(answer, "__name__", ""))
    given = [name for name, value in kernel.items() if value is answer and name.isidentifier()]
    for name in (*given, own_name):
        with contextlib.suppress(UnknownLessonError):
            return find_exercise(name)
    print(_no_exercise(next((name for name in given if name[0] != "_"), own_name)))
    return None


def _no_exercise(called: str) -> str:
    names = all_exercise_names()
    if not called.isidentifier():
        return (
            "This function has no name of its own. Give it the exercise's name, as in "
            "forward = ..., and check that: check(forward)."
        )
    near = difflib.get_close_matches(called, names, n=1)
    if near:
        return (
            f"There is no exercise called {called!r}. If it is your {near[0]}, call it that, in "
            f"the stub's cell too: grading looks for {near[0]}."
        )
    return f"There is no exercise called {called!r}. The exercises are: {', '.join(names)}."


def _misspelt(exercise: Exercise, kernel: Mapping[str, Any]) -> str:
    """A sentence on a function that seems to be this exercise's, under a name slightly off."""
    names = [
        name
        for name, value in kernel.items()
        if inspect.isroutine(value) or isinstance(value, type)
        if getattr(value, "__module__", None) == kernel.get("__name__")
        if name != exercise.name and _signature(value) == _signature(exercise.reference)
    ]
    for near in difflib.get_close_matches(exercise.name, names, n=1, cutoff=0.8):
        try:
            find_exercise(near)
        except UnknownLessonError:
            return (
                f"There is also a {near} with the same parameters. If that is your answer, its "
                f"name is misspelt: what is checked is the {exercise.name} that the kernel knows."
            )
    return ""


def _signature(function: Callable[..., Any]) -> list[str] | None:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return None


def _points_for_nbgrader(answer: Callable[..., Any], kernel: Mapping[str, Any]) -> int:
    """Show the report and give the points; no report is no points, and no full credit either."""
    from IPython.display import display

    with contextlib.redirect_stderr(io.StringIO()):  # a mere warning would cost all points
        report = _check(answer, kernel)
    if report is None:
        return 0
    display(report)
    return report.points


def hint(answer: Callable[..., Any]) -> None:
    """Show the next hint for an exercise; after the last, begin again."""
    exercise = _exercise_of(answer, sys._getframe(1).f_globals)
    if exercise is None:
        return
    name, hints = exercise.name, exercise.hints
    shown = _hints_shown.get(name, 0) % len(hints)
    _hints_shown[name] = shown + 1
    print(f"Hint {shown + 1} of {len(hints)}: {hints[shown]}")


@contextlib.contextmanager
def when_ready(*answers: Callable[..., Any]) -> Iterator[None]:
    """Run a cell's body, or say which stub is still to be written.

    with when_ready(forward):
        show(forward(picture, 500, alphas_cumprod))

    A name that an earlier such cell would have set, had its stub been written, is missing for the
    same reason. One that the cell itself lacks is made by a cell that was skipped; any other error
    goes through.
    """
    try:
        yield
    except (NotImplementedError, NameError) as error:
        unwritten = [getattr(a, "__name__", "it") for a in answers if _is_stub(a)]
        if unwritten:
            *others, last = unwritten
            names = f"{', '.join(others)} and {last}" if others else last
            print(f"Write {names} first, then run this cell again.")
        elif is_withheld(error):
            print(error)
        elif isinstance(error, NameError) and _is_of_the_cell(error):
            print(
                f"`{error.name}` is made by a cell above: run that one first, then this cell again."
            )
        else:
            raise


def _is_of_the_cell(error: BaseException) -> bool:
    """Whether the cell's own lines raised it, and no function that they call."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    frames = [frame.f_code for frame in frames if frame.f_code.co_filename != __file__]
    here, last = frames[0], frames[-1]
    inner = last.co_filename == here.co_filename and last.co_name in _COMPREHENSIONS
    return last is here or inner


def _is_stub(answer: Callable[..., Any]) -> bool:
    """Whether the function, or a method of the class, still raises NotImplementedError."""
    functions = vars(answer).values() if isinstance(answer, type) else (answer,)
    # a decorator, such as torch.no_grad(), wraps the function that was written
    codes = (
        getattr(inspect.unwrap(function), "__code__", None)
        for function in functions
        if callable(function)
    )
    return any(code is not None and "NotImplementedError" in code.co_names for code in codes)

"""What a lesson's check cells call: `check`, `hint` and `when_ready`."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
from collections.abc import Callable, Iterator
from typing import Any

from checkers.engine.card import Card
from checkers.engine.grading import grade_here
from checkers.engine.registry import UnknownLessonError, find_exercise

_hints_shown: dict[str, int] = {}


def check(answer: Callable[..., Any]) -> Card | int | None:
    """Check a function or class of yours; the notebook shows the report as a card.

    Args:
        answer: the function itself, as in `check(forward)`. Its name says which exercise it is.

    Returns:
        The report, or None (after one sentence) if `answer` is no exercise. When nbgrader runs the
        notebook to grade it, the report is shown and the points are returned: a check cell's value
        is what nbgrader takes as its (partial) credit.
    """
    if os.environ.get("NBGRADER_EXECUTION") == "autograde":
        return _points_for_nbgrader(answer)
    return _check(answer)


def _check(answer: Callable[..., Any]) -> Card | None:
    name = getattr(answer, "__name__", None)
    if not callable(answer) or name is None:
        print("check needs the function itself, without brackets or quotes: check(forward).")
        return None
    try:
        exercise = find_exercise(name)
    except UnknownLessonError as error:
        print(error)
        return None
    return Card.of(grade_here(exercise, answer))


def _points_for_nbgrader(answer: Callable[..., Any]) -> int:
    """Show the report and give the points; no report is no points, and no full credit either."""
    from IPython.display import display

    with contextlib.redirect_stderr(io.StringIO()):  # a mere warning would cost all points
        report = _check(answer)
    if report is None:
        return 0
    display(report)
    return report.points


def hint(answer: Callable[..., Any]) -> None:
    """Show the next hint for an exercise; after the last, begin again."""
    name = getattr(answer, "__name__", str(answer))
    try:
        hints = find_exercise(name).hints
    except UnknownLessonError as error:
        print(error)
        return
    shown = _hints_shown.get(name, 0) % len(hints)
    _hints_shown[name] = shown + 1
    print(f"Hint {shown + 1} of {len(hints)}: {hints[shown]}")


@contextlib.contextmanager
def when_ready(*answers: Callable[..., Any]) -> Iterator[None]:
    """Run a cell's body, or say which stub is still to be written.

    with when_ready(forward):
        show(forward(picture, 500, alphas_cumprod))

    A name that an earlier such cell would have set, had its stub been written, is missing for the
    same reason; any other error goes through.
    """
    try:
        yield
    except (NotImplementedError, NameError):
        unwritten = [answer.__name__ for answer in answers if _is_stub(answer)]
        if not unwritten:
            raise
        print(f"Write {' and '.join(unwritten)} first, then run this cell again.")


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

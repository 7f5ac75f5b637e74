"""In a notebook, some errors end with what to do: a missing exercise, and the stop button.

So does what a copy of the course without answers withholds.
"""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from typing import Any

STOPPED = "Stopped. What the cells made so far is still there; run this cell again when you like."


def explain_name_errors() -> None:
    """Have IPython, where it runs, say so; elsewhere do nothing."""
    ipython = sys.modules.get("IPython")  # where it runs it is there; elsewhere it takes a second
    shell = ipython.get_ipython() if ipython else None
    if shell is not None and not shell.custom_exceptions:  # somebody else's stay
        shell.set_custom_exc((NameError, NotImplementedError, KeyboardInterrupt), _explained)


def _explained(
    shell: Any, kind: type, error: BaseException, trace: Any, tb_offset: int | None = None
) -> None:
    """Show the error as ever, and below it the sentence, if it is about an exercise.

    Whoever presses stop has no use for a page of traceback.
    """
    if isinstance(error, KeyboardInterrupt):
        print(str(error) or STOPPED)  # a training says how it goes on
        return
    if is_withheld(error):
        print(error)
        return
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    if sentence := name_advice(str(getattr(error, "name", None) or "")):
        print(sentence)


def is_withheld(error: BaseException) -> bool:
    """Whether a function of `solutions` itself is still to be written; the error says whose."""
    *_, (last, _) = traceback.walk_tb(error.__traceback__)
    module = str(last.f_globals.get("__name__"))
    return isinstance(error, NotImplementedError) and module.startswith("solutions.")


def name_advice(name: str) -> str:
    """What to do where `name` is not defined; "" if the lessons have no such name.

    Args:
        name: the name that is missing.
    """
    if name in _of_exercises():
        return (
            f"Run the notebook's first cell, then the cell in which {name} is written, then this "
            f"one. (Another lesson's {name} comes from an import in the first cell.)"
        )
    if name in _ALWAYS or any(name in import_module(module).__all__ for module in _IMPORTED_FROM):
        return (
            f"Run the notebook's cells from the first on, down to this one: {name} comes from one "
            f"of them, and a kernel that was restarted knows none."
        )
    return ""


_IMPORTED_FROM = (
    "checkers",
    "lessons.workbench.denoisers",
    "lessons.workbench.pictures",
    "lessons.workbench.training",
)
_ALWAYS = ("F", "SEED", "Tensor", "denoiser", "nn", "profile", "torch")
"""What most lessons' first cells import or make besides."""


def _of_exercises() -> set[str]:
    from checkers.engine.registry import all_exercise_names  # not while a kernel starts

    return {*all_exercise_names()}

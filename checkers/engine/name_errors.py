"""In a notebook, a NameError about an exercise ends with what to do: run its cell first."""

from __future__ import annotations

import sys
from typing import Any

from checkers.engine.registry import all_lessons


def explain_name_errors() -> None:
    """Have IPython, where it runs, say so; elsewhere do nothing."""
    ipython = sys.modules.get("IPython")  # where it runs it is there; elsewhere it takes a second
    shell = ipython.get_ipython() if ipython else None
    if shell is not None and not shell.custom_exceptions:  # somebody else's stay
        shell.set_custom_exc((NameError,), _explained)


def _explained(
    shell: Any, kind: type, error: NameError, trace: Any, tb_offset: int | None = None
) -> None:
    """Show the error as ever, and below it the sentence, if it is about an exercise."""
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    if sentence := name_advice(str(error.name or "")):
        print(sentence)


def name_advice(name: str) -> str:
    """What to do where `name` is not defined; "" if it is no exercise's.

    Args:
        name: the name that is missing.
    """
    if name not in {exercise.name for lesson in all_lessons() for exercise in lesson.exercises}:
        return ""
    return (
        f"Run the notebook's first cell, then the cell in which {name} is written, then this one. "
        f"(Another lesson's {name} comes from an import in the first cell.)"
    )

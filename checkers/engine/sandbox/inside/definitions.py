"""Read a submission by need: of a notebook, run what an exercise's function needs, and no more.

Plots, training loops, downloads and everything else that the function does without is left alone: a
broken plot or an hour of training costs nothing. What is run, is run in the notebook's order.
"""

from __future__ import annotations
import __future__

import ast
import asyncio
import builtins
import contextlib
import inspect
import re
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from checkers.engine.sandbox.inside.cells import Notebook, Statement, file_of, read_cells
from checkers.engine.sandbox.inside.effects import executed, imported_names, packages_of
from checkers.engine.sandbox.inside.needs import Needed, Needs

MODULE_NAME = "__main__"  # as in a notebook
_MAX_DOUBTS = 3
_AGAIN = 0.2
_RESULT = re.compile(r"_{1,3}|_\d+|Out")  # IPython's names for what cells gave


class _TooLongError(BaseException):
    """Not an Exception: a submission's `except Exception` must not keep it."""


@dataclass
class Definitions:
    """What could be read for one exercise.

    Attributes:
        module: holds every name that was defined.
        problems: one sentence for each cell or statement that could not be read.
        doubts: one sentence for each statement left out that may have mattered.
        lost: for each name that would be there but for a problem, a sentence that says why not.
    """

    module: types.ModuleType
    problems: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)


class Reader:
    """Reads from one submission what an exercise needs, for one exercise after another.

    Args:
        cells: (label, source) pairs; the label ("cell 5", "answers.py") is what messages call it.
    """

    def __init__(self, cells: Sequence[tuple[str, str]]) -> None:
        self._notebook: Notebook = read_cells(cells)
        self._needs = Needs(self._notebook.statements)
        self._too_long: set[str] = set()
        self._future = _future_flags(self._notebook.statements)

    def definitions(self, name: str, seconds: float) -> Definitions:
        """Execute what the function or class `name` needs in a fresh module.

        Args:
            name: of the exercise.
            seconds: for all that is run; what takes longer is stopped and told.

        Returns:
            The module and what could not be read. Never raises for what a cell holds.
        """
        needed = self._needs.of(name)
        module = types.ModuleType(MODULE_NAME)
        module.__dict__.update(_given_by_ipython())
        sys.modules[MODULE_NAME] = module  # dataclasses and pickling look a class's module up here
        problems = [*self._notebook.unreadable, *self._notebook.unknown]
        found = Definitions(module, problems, lost=dict(self._notebook.lost))
        for one in filter(_RESULT.fullmatch, needed.names):
            found.lost[one] = (
                f"`{one}` stands for what another cell gave last, which is not kept here. Give it "
                f"a name in that cell."
            )
        end = time.monotonic() + seconds
        for statement in needed.statements:
            self._run(statement, end, found)
        self._add_elsewhere(needed, found)
        found.doubts = [
            f"{_capital(statement.place)}, was left out: {_text(statement)}. If it changes "
            f"`{changed}`, put that into the cell that makes `{changed}`."
            for statement, changed in needed.doubts[:_MAX_DOUBTS]
        ] + [
            f"{_capital(statement.place)}, was left out: {_text(statement)}. If it writes "
            f"`{file}`, that file is not there where the check runs: put what is in it into a name."
            for statement, file in needed.files[:_MAX_DOUBTS]
        ]
        return found

    def functions(self) -> list[str]:
        """Names of the functions and classes of the submission, each once."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        nodes = (statement.node for statement in self._notebook.statements)
        return list(dict.fromkeys(node.name for node in nodes if isinstance(node, kinds)))

    def _run(self, statement: Statement, end: float, found: Definitions) -> None:
        """Execute one statement, or note why it could not be."""
        names = _bound_names(statement.node)
        if statement.place in self._too_long:
            self._note_too_long(statement, names, found)
            return
        try:
            code = compile(
                ast.Module(body=[statement.node], type_ignores=[]),
                file_of(statement.label),
                "exec",
                self._future.get(statement.place, 0) | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
                dont_inherit=True,
            )
            # What follows a statement that was too long gets a little time, too.
            with _stopped_after(max(end - time.monotonic(), _AGAIN)):
                waiting = eval(code, found.module.__dict__)
                if inspect.iscoroutine(waiting):  # it awaits something, as it may in a notebook
                    asyncio.run(waiting)
        except _TooLongError:
            self._too_long.add(statement.place)
            self._note_too_long(statement, names, found)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            why, root = _why(statement, error, found)
            if not root:
                found.problems.append(why)
            for name in names:
                found.lost[name] = root or why
        else:
            for name in names:
                found.lost.pop(name, None)

    def _note_too_long(self, statement: Statement, names: set[str], found: Definitions) -> None:
        why = (
            f"{_capital(statement.place)}, takes too long for a check and was stopped: "
            f"{_text(statement)}. The function should not need it."
        )
        found.problems.append(why)
        for name in names:
            found.lost[name] = why

    def _add_elsewhere(self, needed: Needed, found: Definitions) -> None:
        """Name the magics that may have defined what is missing."""
        there = found.module.__dict__
        missing = {n for n in needed.names if n and n not in there and not hasattr(builtins, n)}
        for place, text, body in self._notebook.elsewhere:
            defined = missing if not body else missing & _defined_in(body)
            why = f"{_capital(place)}, `{text}`, was left out: what it makes is not here."
            for name in defined:
                found.lost[name] = (
                    f"`{name}` is not here. {why} Define `{name}` in a cell of the notebook."
                )
            if defined or (
                body and any(_asks_for(one, text.split()[-1]) for one in needed.statements)
            ):
                found.problems.append(why)


def _why(statement: Statement, error: BaseException, found: Definitions) -> tuple[str, str]:
    """Why a statement failed, and the sentence for what it failed of, if that is another one's."""
    text = (str(error).strip().splitlines() or [""])[0][:200]
    if isinstance(error, ModuleNotFoundError) and error.name:
        library = error.name.partition(".")[0]
        return (
            f"{_capital(statement.place)}, imports `{library}`, which is not installed where the "
            f"check runs; files beside this one are not there either."
        ), ""
    if isinstance(error, FileNotFoundError):
        return (
            f"{_capital(statement.place)}, looks for a file which is not there where the check "
            f"runs: {text}"
        ), ""
    if isinstance(error, NameError) and error.name in found.lost:
        return "", found.lost[error.name]
    return (
        f"{_capital(statement.place)}, raised {type(error).__name__}"
        + (f": {text}" if text else ".")
    ), ""


def _given_by_ipython() -> dict[str, Any]:
    return {"display": _do_nothing, "get_ipython": _Shell, "In": [""], "Out": _Results()}


def _do_nothing(*_: object, **__: object) -> None: ...


class _Results(dict):
    """Stands for what the cells gave: nothing is in it."""

    def __missing__(self, key: object) -> NoReturn:
        raise NameError("Out is empty", name="Out")


class _Shell:
    """Stands for IPython's shell: every command is taken, and does nothing."""

    def getoutput(self, *_: object, **__: object) -> list[str]:
        """What `files = !ls` gives."""
        return []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything()


class _Anything:
    """An attribute of the shell, whatever it may be."""

    def __call__(self, *_: object, **__: object) -> None: ...

    def __getattr__(self, name: str) -> _Anything:
        if name.startswith("__"):
            raise AttributeError(name)
        return self


def _future_flags(statements: Sequence[Statement]) -> dict[str, int]:
    """For each place, the `from __future__` flags that hold there; they go on in later cells."""
    flags, by_place = 0, {}
    for statement in statements:
        node = statement.node
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                feature = getattr(__future__, alias.name, None)
                flags |= getattr(feature, "compiler_flag", 0)
        by_place[statement.place] = flags
    return by_place


def _bound_names(node: ast.stmt) -> set[str]:
    """The names that a statement may set, also inside loops and branches."""
    names = set()
    for one in executed(node):
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            names.add(one.id)
        elif isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(one.name)
        elif isinstance(one, ast.Import | ast.ImportFrom):
            names |= imported_names(one)
    return names


def _defined_in(body: str) -> set[str]:
    try:
        return set().union(*map(_bound_names, ast.parse(body).body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()


def _asks_for(statement: Statement, file: str) -> bool:
    """Whether a statement names a file, or imports from it."""
    module = file.rpartition("/")[2].removesuffix(".py")
    return any(
        (isinstance(one, ast.Constant) and one.value == file) or module in packages_of(one).values()
        for one in ast.walk(statement.node)
    )


def _text(statement: Statement) -> str:
    lines = ast.unparse(statement.node).splitlines()
    return f"`{lines[0][:80]}`" if lines else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


@contextlib.contextmanager
def _stopped_after(seconds: float) -> Iterator[None]:
    """Raise `_TooLongError` in what is run within, once it takes longer."""
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    running = [True]

    def stop(*_: object) -> None:
        if running:
            raise _TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        try:
            yield
        finally:
            running.clear()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)

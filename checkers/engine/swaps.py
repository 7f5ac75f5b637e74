"""A known mistake as swaps in the reference's own text: `checkers/<lesson>/mistakes.toml`.

    [ddpm_loss.no_root_on_noise]
    says = "the noise is multiplied by 1 - abar_t without the square root."
    swap = [["(1 - abar).sqrt()", "(1 - abar)"]]

    [iterative_denoise.loop_with_abar_for_alpha]
    says = "abar_t is taken for alpha in the step. alpha is abar_t / abar_t_prev."
    like = "posterior_mean.abar_for_alpha"

A swap takes every place where its left side stands in the exercise's own code. `like` says that a
function which the exercise calls is wrong as that known mistake of it is; a list names several. The
result is text, so that a mistake can be handed in like any other answer. In a copy without answers
`recorded = true` stands instead: what the mistake does is in `outcomes.zip`.
"""

from __future__ import annotations

import ast
import linecache
import re
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_SOLUTIONS = _ROOT / "solutions"
_CHECKERS = _ROOT / "checkers"
_MARKER = re.compile(r"^[ \t]*### (BEGIN|END) SOLUTION\n", re.MULTILINE)
_FUTURE = "from __future__ import annotations\n"
_KEYS = {"says", "swap", "like", "recorded"}

Swaps = tuple[tuple[str, str], ...]
Changes = dict[str, dict[str, Swaps]]
"""By module of `solutions` and function in it: what to swap; a module comes before its users."""


class MistakeError(ValueError):
    """A table of mistakes can't be followed; the message names file, mistake and text."""


def table_of(lesson: str) -> dict[str, dict[str, dict[str, Any]]]:
    """The lesson's `mistakes.toml` by exercise and mistake; empty if there is none.

    Raises:
        MistakeError: if it is no TOML, or an entry lacks its sentence or what to swap.
    """
    return _read_table(_file(lesson))


def mistaken_cells(lesson: str, exercise: str, mistake: str) -> tuple[str, str]:
    """`exercise` written with that mistake: all that it needs, and the function or class itself.

    Raises:
        MistakeError: if a swap's left side does not stand in the reference, or changes nothing.
    """
    changes: Changes = {}
    _collect(lesson, exercise, mistake, changes)
    own = changes[lesson].pop(exercise, ())
    changes[lesson] = changes.pop(lesson)  # it uses all the others
    parts = [_module(name, functions, changes) for name, functions in changes.items()]
    return _FUTURE + "\n".join(parts), _FUTURE + _swapped(_code(lesson, exercise), own, exercise)


def run_cells(cells: tuple[str, str], label: str, name: str) -> Callable[..., Any]:
    """Execute such texts and give what they call `name`; `label` is for error messages."""
    scope: dict[str, Any] = {"__name__": "submission"}
    for number, source in enumerate(cells):
        file = f"<{label} {number}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), scope)
    return scope[name]


def _file(lesson: str) -> Path:
    return _CHECKERS / lesson / "mistakes.toml"


@cache
def _read_table(file: Path) -> dict[str, dict[str, dict[str, Any]]]:
    if not file.exists():
        return {}
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise MistakeError(f"{_shown(file)} cannot be read: {error}.") from None
    for exercise, mistakes in table.items():
        for name, entry in mistakes.items():
            where = f"{_shown(file)}, {exercise}.{name}"
            if unknown := set(entry) - _KEYS:
                raise MistakeError(f"{where}: {', '.join(sorted(unknown))} means nothing here.")
            if "says" not in entry or not {"swap", "like", "recorded"} & set(entry):
                raise MistakeError(f"{where}: it needs `says`, and `swap` or `like`.")
    return table


def _shown(file: Path) -> str:
    return file.relative_to(_ROOT).as_posix()


def _collect(lesson: str, exercise: str, mistake: str, changes: Changes) -> None:
    """Add what `mistake` swaps, and what the mistake it is like does."""
    where = f"{_shown(_file(lesson))}, {exercise}.{mistake}"
    entry = table_of(lesson).get(exercise, {}).get(mistake)
    if entry is None:
        raise MistakeError(f"{where}: there is no such mistake.")
    like = entry.get("like", [])
    for one in [like] if isinstance(like, str) else like:
        function, _, name = one.partition(".")
        _collect(_home(lesson, function, where), function, name, changes)
    swaps = tuple((old, new) for old, new in entry.get("swap", ()))
    functions = changes.setdefault(lesson, {})
    if swaps:
        _swapped(_code(lesson, exercise), swaps, where)  # an error names this mistake
        functions[exercise] = functions.get(exercise, ()) + swaps


def _home(lesson: str, function: str, where: str) -> str:
    """The lesson whose solution defines `function`: this, or one that its solution imports from."""
    for node in _tree(lesson).body:
        if getattr(node, "name", None) == function:
            return lesson
        if isinstance(node, ast.ImportFrom):
            package, _, module = (node.module or "").rpartition(".")
            names = [alias.name for alias in node.names]
            if function in names or (package == "solutions" and _defines(module, function)):
                return module
    raise MistakeError(f"{where}: solutions/{lesson}.py does not use {function}.")


def _defines(lesson: str, name: str) -> bool:
    return any(getattr(node, "name", None) == name for node in _tree(lesson).body)


@cache
def _text(lesson: str) -> str:
    return (_SOLUTIONS / f"{lesson}.py").read_text(encoding="utf-8")


@cache
def _tree(lesson: str) -> ast.Module:
    return ast.parse(_text(lesson))


def _definition(lesson: str, name: str) -> ast.FunctionDef | ast.ClassDef:
    for node in _tree(lesson).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return node
    raise MistakeError(f"solutions/{lesson}.py defines no {name}.")


def _code(lesson: str, name: str) -> str:
    """The source of a function or class, without docstrings and markers."""
    definition = _definition(lesson, name)
    lines = _text(lesson).splitlines(keepends=True)
    for node in _documented(definition):
        first = node.body[0]
        for number in range(first.lineno - 1, first.end_lineno or first.lineno):
            lines[number] = ""
    start = _first_line(definition) - 1
    return _MARKER.sub("", "".join(lines[start : definition.end_lineno]))


def _first_line(node: ast.stmt) -> int:
    """Where a statement begins, its decorators included."""
    return min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])


def _documented(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """What has a docstring and something beside it."""
    for node in ast.walk(tree):
        is_definition = isinstance(node, ast.FunctionDef | ast.ClassDef)
        if is_definition and len(node.body) > 1 and ast.get_docstring(node) is not None:
            yield node


def _swapped(code: str, swaps: Swaps, where: str) -> str:
    for old, new in swaps:
        if old not in code:
            raise MistakeError(f"{where}: {old!r} does not stand in the reference.")
        changed = code.replace(old, new)
        if changed == code:
            raise MistakeError(f"{where}: {old!r} is swapped for itself.")
        code = changed
    return code


def _module(lesson: str, functions: dict[str, Swaps], included: Changes) -> str:
    """A module with its functions swapped, and without imports of the included ones."""
    replaced: dict[int, tuple[int, str]] = {}
    for node in _tree(lesson).body:
        code = None
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in functions:
            code = _swapped(_code(lesson, node.name), functions[node.name], node.name)
        elif isinstance(node, ast.ImportFrom) and _is_included(node, included):
            code = ""
        if code is not None:
            replaced[_first_line(node)] = (node.end_lineno or node.lineno, code)
    out: list[str] = []
    number = 1
    lines = _text(lesson).splitlines(keepends=True)
    while number <= len(lines):
        end, text = replaced.get(number, (number, lines[number - 1]))
        out.append(text)
        number = end + 1
    return "".join(out)


def _is_included(node: ast.ImportFrom, included: Changes) -> bool:
    package, _, module = (node.module or "").rpartition(".")
    return node.module == "__future__" or (package == "solutions" and module in included)

"""Read a submission by its definitions, not by running its cells.

Imports, functions, classes and simple constants are executed; plots, training loops and everything
else that a notebook does is left alone. A broken plot or an hour of training so costs nothing.
"""

from __future__ import annotations

import ast
import linecache
import re
import sys
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MODULE_NAME = "submission"

_PURE_BUILTINS = re.compile(
    r"abs|bool|dict|enumerate|float|frozenset|int|len|list|max|min|pow|range|reversed|round|set"
    r"|slice|sorted|str|sum|tuple|zip"
)
_PURE_CALLS = re.compile(
    r"math\.\w+"
    r"|(torch|np|numpy)\.(tensor|array|arange|linspace|logspace|zeros|ones|full|eye|device|dtype"
    r"|sqrt|exp|log|cumprod|cumsum|stack|cat|concatenate|asarray|float32|float16|Size|Generator)"
    r"|torch\.cuda\.(is_available|device_count)|torch\.backends\.mps\.is_available"
    r"|(functools\.)?partial|(pathlib\.)?Path"
    r"|((torch\.)?nn|F|nn\.functional)\.\w+|(T|TF|transforms|v2)\.\w+"
)
_SIMPLE_NODES = (
    ast.Constant,
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Slice,
    ast.Starred,
    ast.Tuple,
    ast.List,
    ast.Set,
    ast.Dict,
    ast.UnaryOp,
    ast.BinOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.JoinedStr,
    ast.FormattedValue,
    ast.Lambda,
    ast.arguments,
    ast.arg,
    ast.Call,
    ast.keyword,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
    ast.expr_context,
)
_MAGIC = re.compile(r"^(\s*)(?:[%!].*|\??\S[^#'\"]*\?{1,2}\s*|[\w, ]+=\s*[%!].*)$")
_CELL_MAGICS_THAT_WRAP_PYTHON = ("%%time", "%%timeit", "%%capture", "%%prun")


@dataclass
class Definitions:
    """What could be read.

    Attributes:
        module: holds every name that was defined.
        problems: one sentence for each cell or statement that could not be read.
        left_out: names that are assigned by code the reader does not run, with the cell they are
            assigned in.
    """

    module: types.ModuleType
    problems: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def read_definitions(cells: Sequence[tuple[str, str]]) -> Definitions:
    """Execute the definitions of a submission in a fresh module.

    Args:
        cells: (label, source) pairs; the label ("cell 5", "answers.py") is what messages call it.

    Returns:
        The module and what could not be read. Never raises for what a cell holds.
    """
    module = types.ModuleType(MODULE_NAME)
    sys.modules[MODULE_NAME] = module  # dataclasses and pickling look a class's module up here
    definitions = Definitions(module)
    for label, source in cells:
        tree = _parse(label, source, definitions.problems)
        if tree is None:
            continue
        for statement in tree.body:
            _take(statement, label, definitions)
    return definitions


def _parse(label: str, source: str, problems: list[str]) -> ast.Module | None:
    """Parse one cell, with IPython's magics taken out only if it does not parse with them."""
    attempts = [source, without_magics(source)]
    for attempt in attempts:
        try:
            tree = ast.parse(attempt, filename=f"<{label}>")
        except SyntaxError as error:
            problem = f"{_capital(label)} cannot be read: {error.msg} in line {error.lineno}."
            if error.text:
                problem = problem[:-1] + f": {error.text.strip()[:80]}"
        except (ValueError, RecursionError, MemoryError) as error:
            problem = f"{_capital(label)} cannot be read: {error or type(error).__name__}."
        else:
            linecache.cache[f"<{label}>"] = (
                len(attempt),
                None,
                attempt.splitlines(keepends=True),
                f"<{label}>",
            )
            return tree
    problems.append(problem)
    return None


def without_magics(source: str) -> str:
    """Replace IPython's magics, shell lines and help requests by `pass`, line for line."""
    lines = source.splitlines()
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and not first.startswith(_CELL_MAGICS_THAT_WRAP_PYTHON):
        return ""
    return "\n".join(_MAGIC.sub(r"\1pass", line) for line in lines)


def _take(statement: ast.stmt, label: str, definitions: Definitions) -> None:
    """Execute one top-level statement if it is a definition, else note the names it sets."""
    if not _is_definition(statement):
        for name in _assigned_names(statement):
            definitions.left_out.setdefault(name, label)
        return
    code = ast.Module(body=[statement], type_ignores=[])
    try:
        exec(compile(code, f"<{label}>", "exec"), definitions.module.__dict__)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        text = str(error).strip().splitlines()
        definitions.problems.append(
            f"{_capital(label)}, line {statement.lineno}, raised {type(error).__name__}"
            + (f": {text[0][:200]}" if text else ".")
        )
        for name in _assigned_names(statement):
            definitions.left_out.setdefault(name, label)
    else:
        for name in _assigned_names(statement):
            definitions.left_out.pop(name, None)


def _is_definition(statement: ast.stmt) -> bool:
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return True
        case ast.ClassDef():
            return True
        case ast.Assign(targets=targets, value=value):
            return all(isinstance(t, ast.Name | ast.Tuple) for t in targets) and _is_simple(value)
        case ast.AnnAssign(target=ast.Name(), value=value):
            return value is None or _is_simple(value)
        case ast.If(test=test, body=body, orelse=orelse):
            return _is_simple(test) and all(_is_definition(s) for s in [*body, *orelse])
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            handled = [s for handler in handlers for s in handler.body]
            return all(
                _is_definition(s) or isinstance(s, ast.Pass)
                for s in [*body, *handled, *orelse, *finalbody]
            )
        case _:
            return False


def _is_simple(expression: ast.expr) -> bool:
    """A constant, or arithmetic and harmless, fast calls on constants."""
    for node in ast.walk(expression):
        if not isinstance(node, _SIMPLE_NODES):
            return False
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if not _PURE_BUILTINS.fullmatch(name) and not _PURE_CALLS.fullmatch(name):
                return False
    return True


def _assigned_names(statement: ast.stmt) -> Iterator[str]:
    """The names a top-level statement may set, also inside loops and branches."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

"""Turn a submission's cells into statements, as IPython reads them: magics, shell lines, `?`.

IPython's own transformer does the work. A line that it rewrites keeps its number, so that a message
names the line that the student sees.
"""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

# Cell magics whose cell runs as it would without them.
_RUN_THE_CELL = frozenset(
    {"time", "capture", "prun", "debug", "wandb", "memit", "mprun", "lprun", "snakeviz", "scalene"}
)
_RUN_THE_LINE = frozenset({"time", "prun"})
_ENVIRONMENT = frozenset({"env", "set_env"})
_UNDERSTOOD = _RUN_THE_LINE | _ENVIRONMENT
# What stands under these is no Python, and defines nothing.
_OTHER_LANGUAGES = frozenset(
    {
        "!",
        "bash",
        "sh",
        "script",
        "system",
        "sx",
        "cmd",
        "html",
        "HTML",
        "javascript",
        "js",
        "latex",
        "markdown",
        "svg",
        "SVG",
        "perl",
        "ruby",
        "R",
        "julia",
        "sql",
        "bigquery",
        "css",
    }
)
# What stands under these runs elsewhere, and defines nothing in the notebook.
_ELSEWHERE = frozenset(
    {"timeit", "writefile", "file", "python", "python2", "python3", "pypy", "cython"}
)
# Lines that may define anything.
_MAY_DEFINE = frozenset({"run", "load", "pylab", "store", "loadpy", "cython"})
_MAX_MAGICS = 500  # in a cell, as in IPython
_OPTIONS = re.compile(r"(?:-\w+\s+)*")
_MEANT = re.compile(r"^(?:(?:async )?def |class )?(\w+)(?= *[(:=])", re.MULTILINE)
_FLAGS = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


@dataclass(frozen=True)
class Statement:
    """A statement at the top level of a cell.

    Attributes:
        node: its syntax tree.
        label: of its cell: "cell 5".
    """

    node: ast.stmt
    label: str

    @property
    def place(self) -> str:
        """Cell and line, for messages."""
        return f"{self.label}, line {self.node.lineno}"


@dataclass
class Notebook:
    """All that can be read.

    Attributes:
        statements: in the order of the cells.
        unreadable: a sentence for each cell that is no Python.
        lost: for each name that such a cell means to define, that sentence.
        elsewhere: (place, text, body) of magics that may define names, but not for the checker.
        unknown: a sentence for each cell magic that nobody here knows.
    """

    statements: list[Statement] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)
    elsewhere: list[tuple[str, str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def read_cells(cells: Sequence[tuple[str, str]]) -> Notebook:
    """Parse every cell; nothing runs.

    Args:
        cells: (label, source) pairs; the label ("cell 5", "answers.py") is what messages call it.

    Returns:
        The statements and what could not be read. Never raises for what a cell holds.
    """
    notebook = Notebook()
    for label, source in cells:
        source = re.sub(r"\r\n?", "\n", source)
        try:
            body = _parse(source, file_of(label))
            nodes = list(_unwrapped(body, label, notebook))
        except SyntaxError as error:
            problem = f"{_capital(label)} cannot be read: {error.msg} in line {error.lineno}."
            if error.text:
                problem = problem[:-1] + f": {error.text.strip()[:80]}"
            _add_unreadable(problem, source, notebook)
        except (ValueError, RecursionError, MemoryError) as error:
            reason = str(error) or type(error).__name__
            _add_unreadable(f"{_capital(label)} cannot be read: {reason}.", source, notebook)
        else:
            # Python counts lines by "\n" alone, whatever else `splitlines` takes for an end.
            lines = [line + "\n" for line in source.split("\n")]
            linecache.cache[file_of(label)] = (len(source), None, lines, file_of(label))
            kept = next((i for i, node in enumerate(nodes, 1) if _ends_the_cell(node)), len(nodes))
            if kept < len(nodes) and re.fullmatch(r"cell \d+", label):
                last = Statement(nodes[kept - 1], label)
                ended = (
                    f"{_capital(last.place)}, ends its cell: `{ast.unparse(last.node)[:80]}`. What "
                    f"stands below it there is never run."
                )
                below = "".join(lines[last.node.end_lineno or 0 :])
                notebook.lost |= dict.fromkeys(_MEANT.findall(below), ended)
                nodes = nodes[:kept]
            notebook.statements += [Statement(node, label) for node in nodes]
    return notebook


def _ends_the_cell(node: ast.stmt) -> bool:
    """Whether a statement raises, whatever came before it."""
    match node:
        case ast.Raise() | ast.Assert(test=ast.Constant(value=False | 0)):
            return True
        case ast.Expr(value=ast.Call(func=called)):
            return ast.unparse(called) == "sys.exit"
    return False


def _add_unreadable(problem: str, source: str, notebook: Notebook) -> None:
    notebook.unreadable.append(problem)
    notebook.lost |= dict.fromkeys(_MEANT.findall(source), problem)


def file_of(label: str) -> str:
    """What stands for the cell's file name in tracebacks."""
    return f"<{label}>"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _parse(source: str, file: str) -> list[ast.stmt]:
    """Parse as Python, else as IPython would.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: if it is neither.
    """
    try:
        return compile(source, file, "exec", _FLAGS, dont_inherit=True).body
    except SyntaxError as error:
        transformed = as_python(source)
        if transformed == source:
            raise
        try:
            return compile(transformed, file, "exec", _FLAGS, dont_inherit=True).body
        except SyntaxError as second:
            raise second from error


def as_python(source: str) -> str:
    """`source` as IPython's transformer rewrites it, line for line.

    Raises:
        SyntaxError: if it holds a help request that cannot be one.
    """
    from IPython.core.inputtransformer2 import TransformerManager, leading_empty_lines

    manager = TransformerManager()
    lines = re.findall(r"[^\n]*\n|[^\n]+", source if source.endswith("\n") else source + "\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    above, lines = lines[:first], lines[first:]
    for transform in (*manager.cleanup_transforms, *manager.line_transforms):
        if transform is not leading_empty_lines:
            lines = transform(lines)
    if lines and lines[0].startswith("get_ipython().run_cell_magic("):
        return "".join(above + lines)  # its cell is a string now, and is looked at by itself
    for _ in range(_MAX_MAGICS):
        changed, rewritten = manager.do_one_token_transform(lines)
        if not changed:
            break
        lines = _keeping_numbers(lines, rewritten)
    return "".join(above + lines)


def _keeping_numbers(lines: list[str], rewritten: list[str]) -> list[str]:
    """`rewritten` with empty lines where a command that went over several has become one."""
    pairs = zip(lines, rewritten, strict=False)
    place = next((i for i, (one, other) in enumerate(pairs) if one != other), 0) + 1
    gone = len(lines) - len(rewritten)
    return [*rewritten[:place], *["\n"] * gone, *rewritten[place:]]


def _unwrapped(
    body: Sequence[ast.stmt], label: str, notebook: Notebook, shift: int = 0
) -> Iterator[ast.stmt]:
    """The statements of a cell, with those in place that a magic was given to run.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: as `_parse`, for a magic's own cell.
    """
    for node in body:
        ast.increment_lineno(node, shift)
        match _magic_in(node):
            case ("cell", name, line, text):
                shown = f"%%{name} {line}".strip()
                yield from _cell_under(name, shown, text, node, label, notebook)
            case ("line", name, text, _) if name in _UNDERSTOOD:
                yield from _unwrapped(_line_of(name, text), label, notebook, node.lineno - 1)
            case ("line", name, text, _):
                if name in _MAY_DEFINE:
                    place = f"{label}, line {node.lineno}"
                    notebook.elsewhere.append((place, f"%{name} {text}".strip(), ""))
            case _:
                yield _LineMagics().visit(node)


def _cell_under(
    name: str, shown: str, text: str, node: ast.stmt, label: str, notebook: Notebook
) -> Iterator[ast.stmt]:
    """What a cell magic has its cell do, if that is Python of this notebook."""
    if name in _OTHER_LANGUAGES:
        return
    place = f"{label}, line {node.lineno}"
    if name in _ELSEWHERE:
        notebook.elsewhere.append((place, shown, text))
        return
    if name not in _RUN_THE_CELL:
        notebook.unknown.append(
            f"{_capital(place)}: `{shown}` is not known here; what is below it was read as plain "
            f"Python."
        )
    try:
        body = _parse(text, file_of(label))
    except SyntaxError as error:
        error.lineno = (error.lineno or 1) + node.lineno
        raise
    yield from _unwrapped(body, label, notebook, node.lineno)


def _line_of(name: str, text: str) -> list[ast.stmt]:
    """The statements that a line magic such as `%time` stands for; none if it is given none."""
    if name in _ENVIRONMENT:
        text = _as_environment(text.strip())
    try:
        return ast.parse(text[_OPTIONS.match(text).end() :]).body  # type: ignore[union-attr]
    except SyntaxError:
        return []


def _as_environment(text: str) -> str:
    """What `%env NAME=value` does; `{x}` and `$x` in it are Python's, as IPython has it."""
    name, _, value = (part.strip() for part in text.partition("=" if "=" in text else " "))
    there = f"__import__('os').environ[{name!r}]"
    if not name or not value:
        return there if name else ""
    formatted = "f" + repr(re.sub(r"\$([A-Za-z_]\w*)", r"{\1}", value))
    try:
        ast.parse(formatted)
    except SyntaxError:
        formatted = repr(value)
    if "{" not in formatted:
        return f"{there} = {value!r}"
    return f"try: {there} = {formatted}\nexcept Exception: {there} = {value!r}"


def _magic_in(node: ast.AST) -> tuple[str, str, str, str] | None:
    """("cell" or "line", name, line, cell) if a statement does nothing but run a magic."""
    call = node.value if isinstance(node, ast.Expr) else node
    match call:
        case ast.Call(
            func=ast.Attribute(
                value=ast.Call(func=ast.Name(id="get_ipython")),
                attr="run_cell_magic" | "run_line_magic" as kind,
            ),
            args=args,
        ) if all(isinstance(a, ast.Constant) and isinstance(a.value, str) for a in args):
            name, line, cell = [*(a.value for a in args), "", "", ""][:3]  # type: ignore[attr-defined]
            return ("cell" if kind == "run_cell_magic" else "line"), name, line, cell
    return None


class _LineMagics(ast.NodeTransformer):
    """Puts what `x = %time f()` runs where the call of the magic is."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        """Replace a statement within a loop or a branch."""
        magic = _magic_in(node)
        if magic is not None and magic[0] == "line" and magic[1] in _UNDERSTOOD:
            body = _line_of(magic[1], magic[2]) or [ast.copy_location(ast.Pass(), node)]
            return [ast.increment_lineno(one, node.lineno - one.lineno) for one in body]
        self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Replace one call."""
        magic = _magic_in(node)
        if magic is not None and magic[0] == "line" and magic[1] in _UNDERSTOOD:
            match _line_of(magic[1], magic[2]):
                case [ast.Expr(value=value)]:
                    return ast.increment_lineno(value, node.lineno - 1)
        self.generic_visit(node)
        return node

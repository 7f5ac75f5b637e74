"""A lesson's notebook as it goes into a copy without answers.

A lesson starts from functions of earlier ones. Where a copy withholds these, a cell that calls one
ends with a sentence, and what it would have set is missing below. Such cells are tagged
"raises-exception", as Jupyter calls it: "Run All" goes on behind them, and nbval lets them fail.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable

from nbformat import NotebookNode

MAY_FAIL = "raises-exception"


def tag_what_may_fail(notebook: NotebookNode, withheld: Collection[str]) -> None:
    """Tag, in place, each cell that runs or lacks something of an earlier lesson's solutions.

    Args:
        notebook: of the course.
        withheld: the exercises of which the copy has no solution.
    """
    missing: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type != "code" or "stub" in cell.metadata.get("course", {}):
            continue
        if _fails(ast.parse(cell.source).body, withheld, missing):
            tags = cell.metadata.get("tags", [])
            cell.metadata["tags"] = sorted({*tags, MAY_FAIL})


def _fails(statements: Iterable[ast.stmt], withheld: Collection[str], missing: set[str]) -> bool:
    """Whether one of a cell's statements may fail; adds to `missing` what is then not to be had."""
    failed = False
    for statement in statements:
        missing |= _withheld_imports(statement, withheld)
        lacks = bool(_names(statement, ast.Load) & missing)
        runs = not isinstance(statement, ast.FunctionDef | ast.ClassDef)
        failed |= lacks and runs
        if lacks or failed:  # what fails ends its cell
            missing |= _bound(statement)
    return failed


def _withheld_imports(statement: ast.stmt, withheld: Collection[str]) -> set[str]:
    """The names that come from a solution, or from a network that is made of solutions."""
    if not isinstance(statement, ast.ImportFrom):
        return set()
    whole = statement.module == "solutions.trained"
    if not whole and statement.module != "solutions":
        return set()
    names = {alias.asname or alias.name: alias.name for alias in statement.names}
    return {own for own, name in names.items() if whole or name in withheld}


def _bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    return _names(statement, ast.Store)


def _names(statement: ast.stmt, context: type[ast.expr_context]) -> set[str]:
    nodes = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return {node.id for node in nodes if isinstance(node.ctx, context)}

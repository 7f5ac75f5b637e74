"""What a statement does to names: which it binds, which it changes, which it needs.

Everything is told from the text alone. Where that can't be known for sure, a method called for its
own sake (`cfg.update(...)`) counts as a change, and a value handed to a function (`show(cfg)`) as
one that may be changed.
"""

from __future__ import annotations

import ast
import builtins
import dis
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from checkers.engine.sandbox.inside.known_calls import (
    CHANGE_THEIR_FIRST,
    CHANGE_THEIR_OWN,
    READ_ONLY,
)

# Functions of a library that set something for all that comes after.
_SET_FOR_ALL = ("set_", "seed", "manual_seed", "use_", "seterr", "setrecursionlimit", "filterwarn")
_SET_BY_PROBES = ("set_default_device", "set_grad_enabled", "set_num_threads")
_ENVIRONMENT = "__import__('os').environ"
# What is set in these holds for every import and every name.
_INTERPRETER = ("sys.modules", "sys.argv", "sys.meta_path", "sys.path_hooks", "builtins.")
_NAMESPACES = ("globals", "locals", "vars")
_ANYTHING = frozenset({"exec", "eval"})
ANY = "*"
"""Stands for names that nobody can tell."""
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass
class Effects:
    """What one statement does.

    Attributes:
        binds: names that it sets or deletes.
        changes: names whose values it changes.
        may_change: names whose values a function may change that gets them.
        calls: of functions and methods, by their names.
        uses: global names that it needs, those in the bodies of functions included.
        runs: those of them that it looks up itself, so may call.
        aliases: names that it makes stand for (part of) another name's value.
        holds: names that it makes by a call, with the names whose values may be kept within, as
            an optimizer keeps weights.
        operates_on: names whose objects it uses in ways that an own class may define: operators,
            `with`, `for`, an index, an attribute, a call.
        sets_for_all: names of libraries in which it sets something.
        imports: packages from which it imports, in the bodies of functions, too.
        stays: it decides how a loop goes on and must stay in it.
    """

    binds: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    may_change: set[str] = field(default_factory=set)
    calls: dict[str, list[ast.Call]] = field(default_factory=dict)
    uses: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)
    aliases: dict[str, set[str]] = field(default_factory=dict)
    holds: dict[str, set[str]] = field(default_factory=dict)
    operates_on: set[str] = field(default_factory=set)
    sets_for_all: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    stays: bool = False


def effects_of(node: ast.stmt) -> Effects:
    """The effects of a statement.

    Raises:
        SyntaxError, ValueError, RecursionError: if it cannot be compiled.
    """
    found = Effects()
    code = _compiled(node)
    found.binds, found.runs, found.uses = _names(code)
    found.stays = any(
        isinstance(one, ast.Break | ast.Continue | ast.Raise | ast.Return) for one in executed(node)
    )
    for one in ast.walk(node):
        found.imports |= set(packages_of(one).values())
    for one in executed(node):
        add_effects(one, found)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        _add_arguments(node.value, found)
    return found


def add_effects(node: ast.AST, found: Effects) -> None:
    """Add what a single node does: a store, a call or an operator."""
    _add_stores(node, found)
    _add_calls(node, found)
    _add_operands(node, found)
    if isinstance(node, ast.Call) and (name := name_of(node)):
        found.calls.setdefault(name, []).append(node)


def imported_names(node: ast.Import | ast.ImportFrom) -> set[str]:
    """The names that an import binds."""
    return {alias.asname or alias.name.partition(".")[0] for alias in node.names}


def packages_of(node: ast.AST) -> dict[str, str]:
    """For each name that an import binds, the package that it comes from."""
    match node:
        case ast.Import(names=names):
            return {a.asname or a.name.partition(".")[0]: a.name.partition(".")[0] for a in names}
        case ast.ImportFrom(module=str(module), names=names):
            return {a.asname or a.name: module.partition(".")[0] for a in names}
        case ast.Call(
            func=ast.Name(id="__import__" | "import_module")
            | ast.Attribute(attr="__import__" | "import_module"),
            args=[ast.Constant(value=str(module)), *_],
        ):
            return {"": module.partition(".")[0]}
    return {}


def _compiled(node: ast.stmt) -> types.CodeType:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        module = ast.Module(body=[node], type_ignores=[])
        return compile(module, "<statement>", "exec", flags, dont_inherit=True)
    except SyntaxError:  # `break` and `continue` make sense in a loop only
        loop = ast.While(test=ast.Constant(value=True), body=[node], orelse=[])
        module = ast.Module(body=[ast.copy_location(loop, node)], type_ignores=[])
        return compile(ast.fix_missing_locations(module), "<statement>", "exec", flags, True)


def _names(code: types.CodeType) -> tuple[set[str], set[str], set[str]]:
    """Names that a statement's code binds, looks up itself, and looks up anywhere in it."""
    binds, runs, uses = set(), set(), set()
    waiting = [(code, True)]
    while waiting:
        one, is_run = waiting.pop()
        inner = [inner for inner in one.co_consts if isinstance(inner, types.CodeType)]
        waiting += [(code, is_run and code.co_name in _COMPREHENSIONS) for code in inner]
        for instruction in dis.get_instructions(one):
            if is_run and instruction.opname in _STORE:
                binds.add(instruction.argval)
            if is_run and instruction.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
                runs.add(instruction.argval)
            if instruction.opname in _LOOK_UP:
                uses.add(instruction.argval)
    return binds, runs, uses


_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
_STORE = ("STORE_NAME", "STORE_GLOBAL", "DELETE_NAME", "DELETE_GLOBAL")
_LOOK_UP = ("LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS", "LOAD_CLASSDEREF")


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when a statement does: not those in the bodies of functions.

    A lambda that is given to a function, as to `map`, is taken to be run by it.
    """
    waiting: list[ast.AST] = [node]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, ast.Call):
            waiting += [value.body for value in _arguments(one) if isinstance(value, ast.Lambda)]
        if isinstance(one, _SCOPES):
            waiting += [one.args]
            if not isinstance(one, ast.Lambda):
                waiting += one.decorator_list
        else:
            waiting += ast.iter_child_nodes(one)


def _add_stores(node: ast.AST, found: Effects) -> None:
    match node:
        case ast.Subscript(
            ctx=ast.Store() | ast.Del(), value=ast.Call(func=ast.Name(id=function), args=given)
        ):
            if function in _NAMESPACES and not given:
                key = node.slice
                found.binds.add(str(key.value) if isinstance(key, ast.Constant) else ANY)
            found.changes |= roots(node)
        case ast.Attribute(ctx=ast.Store(), value=ast.Name(id="__main__"), attr=name):
            found.binds.add(name)
        case (
            ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del())
        ):
            found.changes |= roots(node)
            _add_set_for_all(node, found)
        case ast.AugAssign(target=ast.Name(id=name)):
            found.changes.add(name)  # a list or a tensor is changed, not only bound anew
        case ast.Assign(targets=targets, value=value) if stands_for := _parts(value):
            for target in targets:
                _add_aliases(target, stands_for, found.aliases)
        case ast.Assign(targets=targets, value=ast.Call() as call):
            for target in targets:
                _add_aliases(target, set().union(*map(_parts, _arguments(call))), found.holds)
        case (
            ast.For(target=target, iter=iterable) | ast.comprehension(target=target, iter=iterable)
        ):
            _add_aliases(target, _parts(iterable), found.aliases)
        case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
            _add_aliases(target, _parts(value), found.aliases)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            for decorator in node.decorator_list:  # `@root.register` changes `root`
                maker = decorator.func if isinstance(decorator, ast.Call) else decorator
                if isinstance(maker, ast.Attribute):
                    found.changes |= roots(maker)
                    for name in roots(maker):
                        found.holds.setdefault(name, set()).add(node.name)


def _add_aliases(target: ast.expr, stands_for: set[str], aliases: dict[str, set[str]]) -> None:
    for one in ast.walk(target):
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            aliases.setdefault(one.id, set()).update(stands_for - {one.id})


def _parts(value: ast.expr) -> set[str]:
    """The names whose values, or parts of them, an expression may give: `x`, `x.y[0]`, `zip(x)`."""
    match value:
        case ast.Name() | ast.Attribute() | ast.Subscript():
            return roots(value)
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Dict(values=items):
            return set().union(*map(_parts, items))
        case ast.Call(func=ast.Name(id="zip" | "enumerate" | "reversed" | "iter"), args=items):
            return set().union(*map(_parts, items))
        case ast.Call(
            func=ast.Attribute(value=of, attr="items" | "values" | "parameters" | "modules")
        ):
            return _parts(of)
        case ast.IfExp(body=one, orelse=other):
            return _parts(one) | _parts(other)
    return set()


def sets_something(call: ast.Call) -> bool:
    """Whether its name says that it sets something for all that comes after."""
    name = name_of(call)
    return name.startswith(_SET_FOR_ALL) and name not in _SET_BY_PROBES


def _add_set_for_all(node: ast.expr, found: Effects) -> None:
    """Note what something is set in: a library, by the name it begins with, or the interpreter."""
    text = ast.unparse(node)
    found.sets_for_all |= roots(node)
    if text.startswith(_ENVIRONMENT):
        found.sets_for_all.add("os")
    if text.startswith(_INTERPRETER):
        found.sets_for_all.add(ANY)


def _add_calls(node: ast.AST, found: Effects) -> None:
    match node:
        case ast.Expr(value=ast.Call() as call) | ast.Assign(value=ast.Call() as call):
            if sets_something(call) and "(" not in ast.unparse(call.func):
                _add_set_for_all(call.func, found)
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=of, attr=method))):
            if method in CHANGE_THEIR_OWN and isinstance(of, ast.Attribute):
                _add_set_for_all(of, found)  # `os.environ.setdefault(...)`
            if method not in READ_ONLY:
                found.changes |= roots(of)
        case ast.Expr(value=ast.Call(func=ast.Name(id=function))) if function in _ANYTHING:
            found.binds.add(ANY)
        case ast.Call(
            func=ast.Attribute(value=ast.Call(func=ast.Name(id=function), args=[]), attr="update")
        ) if function in _NAMESPACES:
            found.binds.add(ANY)
        case ast.Call(func=ast.Attribute(value=of, attr=method), args=given):
            if method.endswith("_") and method[0] != "_":
                found.changes |= roots(of)
                found.changes |= roots(given[0]) if given and method[-1] == "_" else set()
            if method in ("eval", "train") and not any(map(roots, given)):  # of a network
                found.changes |= roots(of)
            if method in CHANGE_THEIR_FIRST and given:
                found.changes |= roots(given[0])
            if method.startswith("register_"):  # a hook, which runs when the module is called
                found.changes |= roots(of)
                kept = {n.id for one in given for n in ast.walk(one) if isinstance(n, ast.Name)}
                for name in roots(of):
                    found.holds.setdefault(name, set()).update(kept)
        case ast.Call(func=ast.Name(id=function), args=[first, *_]):
            if function in CHANGE_THEIR_FIRST or function.endswith("_"):
                found.changes |= roots(first)
        case ast.Attribute(value=of, attr=method) if method in CHANGE_THEIR_OWN:
            found.changes |= roots(of)  # `map(x.append, ...)` need not call it here
        case ast.keyword(arg="out", value=value):
            found.changes |= _parts(value)
    if isinstance(node, ast.Expr):  # the call that the statement is, too
        _add_calls(node.value, found)


def _add_operands(node: ast.AST, found: Effects) -> None:
    match node:
        case ast.BinOp(left=one, right=other):
            operands = [one, other]
        case ast.Compare(left=one, comparators=others):
            operands = [one, *others]
        case ast.Call(func=ast.Name(id=function), args=given) if hasattr(builtins, function):
            operands = given
        case (
            ast.UnaryOp(operand=one)
            | ast.Subscript(value=one)
            | ast.Attribute(value=one)
            | ast.Call(func=one)
            | ast.withitem(context_expr=one)
            | ast.For(iter=one)
            | ast.AsyncFor(iter=one)
            | ast.comprehension(iter=one)
            | ast.AugAssign(target=one)
            | ast.Expr(value=one)
        ):
            operands = [one]
        case _:
            operands = []
    found.operates_on = found.operates_on.union(*map(roots, operands))


def _add_arguments(call: ast.Call, found: Effects) -> None:
    """A value given to a function that nobody knows may be changed by it."""
    if name_of(call) not in READ_ONLY:
        for value in _arguments(call):
            found.may_change |= roots(value)


def name_of(call: ast.Call) -> str:
    """What is called: `f` of `f(x)` and of `x.f()`; "" if it has no name."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def roots(node: ast.AST) -> set[str]:
    """The name that an expression such as `x.y[0]` or `vars(x)` begins with."""
    while True:
        match node:
            case ast.Name(id=name):
                return {name}
            case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Starred(value=inner):
                node = inner
            case ast.Call(func=ast.Attribute(value=inner)):
                node = inner
            case ast.Call(args=[first, *_]):
                node = first
            case ast.Call(func=ast.Name() as function):
                node = function
            case _:
                return set()


def compound_bodies(node: ast.stmt) -> Iterable[tuple[str, list[ast.stmt]]]:
    """The bodies of a statement that may be thinned out: of loops, branches and `with`."""
    if isinstance(node, ast.If | ast.For | ast.While | ast.With):
        yield "body", node.body
        if not isinstance(node, ast.With) and node.orelse:
            yield "orelse", node.orelse

"""What it does to names to run a notebook's own functions, methods and operators."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checkers.engine.sandbox.inside.effects import (
    Effects,
    add_effects,
    imported_names,
    name_of,
    roots,
    sets_something,
)

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_OWN = -1  # the place of the object that a method belongs to
_PROPERTIES = ("property", "cached_property", "setter", "deleter")
_HARMLESS = ("is_available", "str", "int", "print")


@dataclass
class _Function:
    """A function, a method or a lambda.

    Attributes:
        names: by which it is called.
        owner: the global name that it is a part of, a class's say.
        places: of its parameters.
        changes: names whose values it changes, its parameters among them.
        sets: global names that it binds.
        own: names that are its own.
        calls: that it makes.
        by_operator: it runs without a call by its name: for an operator, `with`, an attribute; or
            it is within another function, which may return it.
    """

    names: set[str]
    owner: set[str]
    places: dict[str, int]
    changes: set[str]
    sets: set[str]
    own: set[str]
    calls: list[ast.Call]
    by_operator: bool

    @property
    def changes_globals(self) -> set[str]:
        """The global names that it binds or changes."""
        return self.sets | (self.changes - self.own)

    @property
    def changes_given(self) -> dict[str, int]:
        """The parameters whose values it changes, with their places."""
        return {name: place for name, place in self.places.items() if name in self.changes}


class Calls:
    """Knows what running a notebook's functions does.

    Args:
        statements: all of a notebook, with their effects.
    """

    def __init__(self, statements: Sequence[tuple[ast.stmt, Effects]]) -> None:
        self._functions: list[_Function] = []
        self._reaches: dict[str, set[str]] = defaultdict(set)
        self._changes: dict[str, set[str]] = defaultdict(set)
        self._changes_given: dict[str, dict[str, int]] = defaultdict(dict)
        self._setters: dict[str, set[str]] = {}
        for node, effects in statements:
            self._add(node, effects)
        size = -1
        while size < self._size():
            size = self._size()
            self._follow()
        operators = [f for f in self._functions if f.by_operator and self._changes_something(f)]
        self._makers = set().union(*(function.owner for function in operators))
        self._objects: dict[str, set[str]] = defaultdict(set)
        for node, effects in statements:
            if isinstance(node, DEFINITIONS):
                continue
            made = self._makers & set().union(*map(self._all_reached, effects.runs))
            for name in effects.binds if made else ():
                self._objects[name] |= made | effects.binds

    def add_to(self, effects: Effects) -> None:
        """Add to a statement's effects those of the functions that it runs."""
        for name in effects.runs:
            effects.changes |= self._changes.get(name, set())
            effects.sets_for_all |= self._setters.get(name, set())
        for name, calls in effects.calls.items():
            for call in calls:
                effects.changes |= changed_by(call, self._changes_given.get(name, {}))
                if isinstance(call.func, ast.Attribute):
                    effects.changes |= self._changes.get(name, set())
        for name in self._makers & effects.calls.keys():  # `with Override(cfg):`
            for call in effects.calls[name]:
                effects.may_change |= set().union(*map(roots, call.args))
        for name in effects.operates_on & self._objects.keys():
            effects.changes |= self._objects[name]
            for made in self._objects[name]:
                effects.changes |= self._changes.get(made, set())

    def _add(self, node: ast.stmt, effects: Effects) -> None:
        if isinstance(node, DEFINITIONS):
            owner = {node.name}
            self._reaches[node.name] |= effects.uses
        else:
            owner = effects.binds | effects.holds.keys()
        for held in (effects.aliases, effects.holds):
            for name, others in held.items():
                self._reaches[name] |= others
        for function in ast.walk(node):
            if isinstance(function, _FUNCTIONS):
                self._functions.append(_function(function, node, owner))
        if isinstance(node, ast.FunctionDef) and (sets := _only_sets(node)):
            self._setters[node.name] = sets

    def _all_reached(self, name: str) -> set[str]:
        """`name` and all names that running it may lead to."""
        reached, waiting = set(), {name}
        while waiting:
            reached |= waiting
            waiting = set().union(*(self._reaches.get(one, set()) for one in waiting)) - reached
        return reached

    def _changes_something(self, function: _Function) -> bool:
        return bool(function.changes_globals) or _OWN in function.changes_given.values()

    def _size(self) -> int:
        return sum(len(f.changes) + len(f.sets) for f in self._functions)

    def _follow(self) -> None:
        """Add to each function what those do that it calls."""
        for function in self._functions:
            for name in function.names | function.owner:
                self._changes[name] |= function.changes_globals
            for name in function.names:
                self._changes_given[name].update(function.changes_given)
        for name in list(self._reaches):
            for reached in self._all_reached(name) & self._changes.keys():
                self._changes[name] |= self._changes[reached]
        for function in self._functions:
            for call in function.calls:
                name = name_of(call)
                function.changes |= changed_by(call, self._changes_given.get(name, {}))
                function.sets |= self._changes.get(name, set())


def changed_by(call: ast.Call, places: Mapping[str, int]) -> set[str]:
    """The names whose values a call changes.

    Args:
        call: of a function or a method.
        places: the parameters whose values that changes, with their places; the object that a
            method belongs to has place -1.
    """
    changed: set[str] = set()
    if isinstance(call.func, ast.Attribute) and _OWN in places.values():
        changed |= roots(call.func.value)
    starred = [number for number, value in enumerate(call.args) if isinstance(value, ast.Starred)]
    for number, value in enumerate(call.args):
        if number in places.values() or (starred and number >= starred[0] and places):
            changed |= roots(value)
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in places:
            changed |= roots(keyword.value)
    return changed


def _function(
    function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, node: ast.stmt, owner: set[str]
) -> _Function:
    arguments = function.args
    given = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    body = Effects()
    declared: set[str] = set()
    stored = set(given)
    for one in _nodes(function):
        add_effects(one, body)
        match one:
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                declared.update(names)
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                stored.add(name)
            case ast.Import() | ast.ImportFrom():
                stored |= imported_names(one)
    first = _OWN if given[:1] in (["self"], ["cls"]) else 0
    name = getattr(function, "name", "")
    if isinstance(function, ast.Lambda):
        names, decorators = owner, []
    else:
        names = {getattr(node, "name", "") if name == "__init__" else name}
        decorators = function.decorator_list
    return _Function(
        names=names,
        owner=owner | names if not isinstance(node, DEFINITIONS) else owner,
        places={name: place for place, name in enumerate(given, first)},
        changes=body.changes,
        sets=(declared & stored) | body.binds,
        own=stored - declared,
        calls=[call for calls in body.calls.values() for call in calls],
        by_operator=(name.startswith("__") and name != "__init__")
        or any(ast.unparse(one).rpartition(".")[2] in _PROPERTIES for one in decorators)
        or (isinstance(node, ast.FunctionDef) and function is not node),
    )


def _nodes(function: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a function; the value of a lambda as the statement that it is like."""
    for one in ast.walk(function):
        yield one
        if isinstance(one, ast.Lambda):
            yield ast.Expr(value=one.body)


def _only_sets(function: ast.FunctionDef) -> set[str]:
    """What a function that does nothing but set something for all sets that in."""
    body = Effects()
    for one in ast.walk(function):
        add_effects(one, body)
    calls = [call for calls in body.calls.values() for call in calls]
    if all(sets_something(call) or name_of(call) in _HARMLESS for call in calls):
        return body.sets_for_all
    return set()

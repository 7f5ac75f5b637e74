"""Which statements of a notebook a function needs: those that make what it uses, and no others."""

from __future__ import annotations

import ast
import copy
from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field

from checkers.engine.sandbox.inside.calling import DEFINITIONS, Calls
from checkers.engine.sandbox.inside.cells import Statement
from checkers.engine.sandbox.inside.effects import (
    ANY,
    Effects,
    compound_bodies,
    effects_of,
    packages_of,
)
from checkers.engine.sandbox.inside.known_calls import WRITE_FILES

_WITHIN = ""  # marks what is within a loop or a branch


@dataclass
class Known:
    """A statement and its effects; of a loop, a branch or `with` also those within it.

    Attributes:
        number: its place in the notebook; shared by those within it.
        statement: what is run.
        effects: its own, and of all within it.
        within: by field ("body", "orelse"), the statements within it, and by "head" what is left
            without them; empty if it is run as it is or not at all.
        also: names that are needed to run it where it is, in a loop say.
    """

    number: int
    statement: Statement
    effects: Effects
    within: dict[str, list[Known]] = field(default_factory=dict)
    also: set[str] = field(default_factory=set)

    @property
    def uses(self) -> set[str]:
        """All names that are needed to run it."""
        return self.effects.uses | self.also


@dataclass
class Needed:
    """What a function needs.

    Attributes:
        statements: in order, thinned out.
        names: that it and they use.
        doubts: places of statements left out that may change one of these, with the name.
        files: places of statements left out that may write a file, with the file's name.
    """

    statements: list[Statement] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    doubts: list[tuple[Statement, str]] = field(default_factory=list)
    files: list[tuple[Statement, str]] = field(default_factory=list)


class Needs:
    """Knows a notebook's statements, and tells which of them a function needs."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        known = (_known(number, one) for number, one in enumerate(statements))
        self._known = [one for one in known if one is not None]
        self._all = list(_flat(self._known))
        self._libraries = _imported(self._all)
        self._packages = {
            name: package
            for known in self._all
            for name, package in packages_of(known.statement.node).items()
            if name in self._libraries
        }
        self._add_effects_of_calls()
        self._add_aliased()

    def of(self, name: str) -> Needed:
        """What `name` needs.

        Args:
            name: of a function or class.
        """
        end = self._end(name)
        needed: set[str] = set()
        taken: dict[int, Known] = {}
        waiting = {name}
        while waiting:
            needed |= waiting
            taken |= {id(known): known for one in waiting for known in self._makers(one, end)}
            packages = {self._packages[one] for one in needed & self._packages.keys()}.union(
                *(known.effects.imports for known in taken.values())
            )
            setters = [known for known in self._all if self._sets_for_all(known, packages, end)]
            taken |= {id(known): known for known in setters}
            waiting = set().union(*(known.uses for known in taken.values())) - needed
        found = Needed(names=needed)
        for known in self._known:
            node = _thinned(known, taken.keys())
            if node is not None:
                found.statements.append(Statement(node, known.statement.label))
        found.doubts = self._doubts(needed, taken.keys(), end)
        found.files = self._files(taken.keys(), end)
        return found

    def _files(self, taken: Container[int], end: int) -> list[tuple[Statement, str]]:
        """Statements left out that name a file to write which is named in what is needed, too."""
        named = {
            text
            for known in self._all
            if id(known) in taken
            for text in _texts(known.statement.node)
        }
        return [
            (known.statement, sorted(files)[0])
            for known in self._all
            if id(known) not in taken
            and known.number <= end
            and not known.within
            and known.effects.calls.keys() & WRITE_FILES
            and (files := _texts(known.statement.node) & named)
        ]

    def _makers(self, name: str, end: int) -> list[Known]:
        """The statements that set or change `name`.

        What comes after the last check of the exercise changes nothing that was there before it,
        but for functions and classes, of which the last counts.
        """
        makers = [
            known
            for known in self._all
            if not known.within
            and (
                name in known.effects.binds
                or (name in known.effects.changes and name not in self._libraries)
                or ANY in known.effects.binds | known.effects.changes
            )
        ]
        if any(name in known.effects.binds and known.number <= end for known in makers):
            makers = [
                known
                for known in makers
                if known.number <= end or isinstance(known.statement.node, DEFINITIONS)
            ]
        return makers

    def _sets_for_all(self, known: Known, packages: set[str], end: int) -> bool:
        """Whether it sets something in a package that is needed, a default type say."""
        if known.number > end or known.within or known.also:
            return False
        set_in = {self._packages.get(one, one) for one in known.effects.sets_for_all}
        return bool(set_in & (packages | {ANY}))

    def _end(self, name: str) -> int:
        """The place of the last statement that sets `name` or checks it; the end if none checks."""
        checks = [k.number for k in self._known if _checks(k.statement.node, name)]
        if not checks:
            return len(self._known)
        return max(checks + [k.number for k in self._all if name in k.effects.binds])

    def _doubts(
        self, needed: set[str], taken: Container[int], end: int
    ) -> list[tuple[Statement, str]]:
        """Statements left out that may change something needed which is no function or library."""
        plain = {
            name
            for name in needed - self._libraries
            for known in self._all
            if name in known.effects.binds and not isinstance(known.statement.node, DEFINITIONS)
        }
        return [
            (known.statement, sorted(known.effects.may_change & plain)[0])
            for known in self._all
            if not known.within
            and id(known) not in taken
            and known.number <= end
            and known.effects.may_change & plain
        ]

    def _add_effects_of_calls(self) -> None:
        """A statement that runs a function of the notebook changes what the function changes."""
        calls = Calls([(one.statement.node, one.effects) for one in self._all if not one.within])
        for known in self._all:
            calls.add_to(known.effects)

    def _add_aliased(self) -> None:
        """To change what stands for another name's value is to change that name's, too.

        And what keeps another's value within, as an optimizer does, may change that.
        """
        aliases: dict[str, set[str]] = defaultdict(set)
        holds: dict[str, set[str]] = defaultdict(set)
        for known in self._all:
            for name, others in known.effects.aliases.items():
                aliases[name] |= others - self._libraries
            for name, others in known.effects.holds.items():
                holds[name] |= others
        for known in self._all:
            waiting = set(known.effects.changes)
            while waiting:
                more = aliases.get(waiting.pop(), set()) - known.effects.changes
                known.effects.changes |= more
                waiting |= more
            kept = (holds.get(name, set()) for name in known.effects.changes)
            known.effects.may_change |= set().union(*kept)


def _known(number: int, statement: Statement) -> Known | None:
    """A statement with its effects; None for one that is no code, `return` outside a function."""
    node = statement.node
    try:
        known = Known(number, statement, effects_of(node))
    except (SyntaxError, ValueError, RecursionError):
        return None
    if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
        known.effects.binds.add(ANY)
    bodies = dict(compound_bodies(node))
    within: dict[str, list[Known]] = {}
    for name, body in bodies.items():
        parts = [_known(number, Statement(one, statement.label)) for one in body]
        within[name] = [part for part in parts if part is not None]
        if len(within[name]) < len(body):
            return known
    if within:
        head = copy.copy(node)
        for name in bodies:
            setattr(head, name, [ast.copy_location(ast.Pass(), node)])
        within["head"] = [Known(number, Statement(head, statement.label), effects_of(head))]
        known.within = within
        parts = list(_flat([part for parts in within.values() for part in parts]))
        also = within["head"][0].effects.uses.union(
            *(part.effects.uses for part in parts if part.effects.stays)
        )
        for part in parts:
            part.also |= also | {_WITHIN}
    return known


def _thinned(known: Known, taken: Container[int]) -> ast.stmt | None:
    """A statement with only that in it which is taken; None if nothing is."""
    node = known.statement.node
    if not known.within:
        return node if id(known) in taken else None
    node, is_taken = copy.copy(node), False
    for name, parts in known.within.items():
        thinned = [_thinned(part, taken) for part in parts]
        is_taken = is_taken or any(one is not None for one in thinned)
        if name != "head":
            kept = [
                part.statement.node if part.effects.stays else one
                for part, one in zip(parts, thinned, strict=True)
            ]
            body = [one for one in kept if one is not None]
            setattr(node, name, body or [ast.copy_location(ast.Pass(), node)])
    return node if is_taken else None


def _checks(node: ast.stmt, name: str) -> bool:
    """Whether it is the notebook's own check of `name`."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Name(id="check"), args=[ast.Name(id=checked)])):
            return checked == name
    return False


def _texts(node: ast.AST) -> set[str]:
    """The texts that stand in a statement, a file's name among them."""
    return {
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and len(one.value) > 2
    }


def _flat(known: Sequence[Known]) -> Iterator[Known]:
    for one in known:
        yield one
        for parts in one.within.values():
            yield from _flat(parts)


def _imported(known: Sequence[Known]) -> set[str]:
    """Names that are bound by imports and by nothing else."""
    imported, others = set(), set()
    for one in known:
        if not one.within:
            is_import = isinstance(one.statement.node, ast.Import | ast.ImportFrom)
            (imported if is_import else others).update(one.effects.binds)
    return imported - others

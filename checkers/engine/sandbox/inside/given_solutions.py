"""A `solutions` package for a box, with the lessons before the one under test and no other.

A lesson starts from the reference versions of earlier functions (`from solutions import forward`),
so these must be there; those of the lesson itself must not. They come as source text with the
submission: the file they are written in is out of sight.
"""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Mapping
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from typing import Any

import checkers


class _GivenSolutions(types.ModuleType):
    """Finds the module that defines a name when it is asked for, and tells which is not there."""

    def __init__(self, modules: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__("solutions")
        self.__path__: list[str] = []
        self._modules = modules
        self._owner = {name: key for key, given in modules.items() for name in given["names"]}

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self._modules:
            return __import__(f"solutions.{name}", fromlist=[name])
        owner = self._owner.get(name)
        if owner is None:
            raise ImportError(f"solutions.{name} is not to be had while your own {name} is checked")
        return getattr(__import__(f"solutions.{owner}", fromlist=[name]), name)


class _Given(Loader):
    """Imports the solutions that are given, and no others."""

    def __init__(self, modules: Mapping[str, Mapping[str, Any]]) -> None:
        self._modules = modules

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        if package == "solutions" and name in self._modules:
            return ModuleSpec(fullname, self)
        if package == "solutions":
            raise ImportError(f"{fullname} is not to be had while your own code is checked")
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        source = self._modules[module.__name__.rpartition(".")[2]]["source"]
        code = compile(source, f"<{module.__name__}>", "exec", dont_inherit=True)
        exec(code, module.__dict__)


def install(modules: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the given part of `solutions` into `sys.modules`, and let checks do nothing.

    Args:
        modules: for each module of `solutions` that may be used, earliest first, its "source" and
            the "names" it offers. It runs when it is first imported.
    """
    sys.modules["solutions"] = _GivenSolutions(modules)
    for name in ("check", "hint"):  # a notebook's check cells import them
        setattr(checkers, name, _do_nothing)
    checkers.when_ready = _when_ready  # type: ignore[attr-defined]
    sys.meta_path.insert(0, _Given(modules))  # type: ignore[arg-type]


def _do_nothing(*_: object, **__: object) -> None: ...


def _when_ready(*_: object) -> contextlib.AbstractContextManager[None]:
    """A cell whose stub is not written yet ends quietly, as in the notebook."""
    return contextlib.suppress(NotImplementedError, NameError)

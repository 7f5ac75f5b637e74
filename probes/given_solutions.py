"""A `solutions` package for the worker, with the lessons before the one under test and no other.

A lesson starts from the reference versions of earlier functions (`from solutions import forward`),
so these must be there; those of the lesson itself must not.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

SOLUTIONS = Path(__file__).resolve().parents[1] / "solutions"


class _GivenSolutions(types.ModuleType):
    """Tells a student who imports a later answer why it is not there."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ImportError(f"solutions.{name} is not to be had while your own {name} is checked")


class _NoCheckers:
    """Keeps `checkers`, and the solutions that are not given, from being imported."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname.split(".")[0] in ("checkers", "solutions"):
            raise ImportError(f"{fullname} is not to be had while your own code is checked")


class _QuietCheck(types.ModuleType):
    """Stands in for `checkers`: notebooks import `check` and `hint`, which do nothing here."""

    @staticmethod
    def check(*_: object, **__: object) -> None: ...

    @staticmethod
    def hint(*_: object, **__: object) -> None: ...

    @staticmethod
    def when_ready(*_: object, **__: object) -> None: ...


def install(lessons: Sequence[str]) -> None:
    """Put the given part of `solutions`, and an empty `checkers`, into `sys.modules`.

    Args:
        lessons: names of the modules of `solutions` that may be used, earliest first.
    """
    package = _GivenSolutions("solutions")
    package.__path__ = []
    sys.modules["solutions"] = package
    sys.modules["checkers"] = _QuietCheck("checkers")
    sys.meta_path.insert(0, _NoCheckers())
    for lesson in lessons:
        spec = spec_from_file_location(f"solutions.{lesson}", SOLUTIONS / f"{lesson}.py")
        assert spec is not None and spec.loader is not None
        module = module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        setattr(package, lesson, module)
        for name in module.__all__:
            setattr(package, name, getattr(module, name))

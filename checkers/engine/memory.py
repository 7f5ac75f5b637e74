"""What the reference and the known mistakes do, remembered while a whole class is graded.

Within a run every student gets the same inputs, so these and the known versions' outcomes need
computing once for the class, not once for each student.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import torch

from checkers.engine.sandbox.inside.plain import Array

_SMALL, _NUMBER = 200, 40
"""Bytes that a plain value, and one that is a number, are taken for."""


class Memory:
    """Results by key; when they take more than `max_bytes`, those not used for longest go.

    What all mistakes of one exercise do takes up to 350 MB, those of lesson 19 take 620, of all
    lessons 2.5 GB.

    One process's own; nothing that a student's code made is ever kept here.
    """

    def __init__(self, max_bytes: int = 2**29) -> None:
        self.max_bytes = max_bytes
        self.size = 0
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        """Whether something is kept under `key`."""
        return key in self._kept

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is kept under `key`, else what `make` gives."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key][0]
        value = make()
        size = size_of(value)
        if size <= self.max_bytes:
            self._kept[key] = (value, size)
            self.size += size
        while self.size > self.max_bytes:
            _, (_, freed) = self._kept.popitem(last=False)
            self.size -= freed
        return value


def size_of(value: Any) -> int:
    """About how many bytes inputs or a recorded outcome take."""
    if isinstance(value, Array):
        return value.values.nbytes + _SMALL
    if isinstance(value, torch.Tensor):
        return value.nbytes + _SMALL
    if isinstance(value, int | float):
        return _NUMBER
    if isinstance(value, dict):
        return _SMALL + sum(size_of(item) for item in value.values())
    if isinstance(value, list | tuple):
        return _SMALL + sum(size_of(item) for item in value)
    return _SMALL

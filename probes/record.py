"""Turn whatever a student's function returned into plain data: arrays, numbers, strings, lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

MAX_DEPTH = 6
MAX_ITEMS = 2000
MAX_TEXT = 4000

# bfloat16 has no numpy type; it travels as float32, which holds every bfloat16 exactly.
_WIDENED = {torch.bfloat16: torch.float32}


@dataclass(frozen=True)
class Array:
    """An array or tensor as it was returned, moved to the CPU.

    Attributes:
        values: the numbers, as a C-contiguous numpy array.
        dtype: the original type's name without a prefix, such as "float32" or "bfloat16".
        library: "torch" or "numpy".
        device: "cpu", "cuda:0", ...
    """

    values: np.ndarray
    dtype: str
    library: str = "torch"
    device: str = "cpu"

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return tuple(self.values.shape)

    def tensor(self) -> torch.Tensor:
        """The numbers as a CPU tensor (a copy)."""
        return torch.from_numpy(self.values.copy())


@dataclass(frozen=True)
class Unknown:
    """Something that is not plain data; only the name of its type is kept."""

    type_name: str


def record(value: Any, depth: int = 0) -> Any:
    """Copy `value` into arrays and plain values.

    Tensors and numpy arrays become `Array`, numbers, strings, None, lists, tuples (as lists) and
    dicts with string keys stay what they are; all else becomes `Unknown`. Nothing in the result
    shares memory with `value`.
    """
    if isinstance(value, torch.Tensor):
        return _record_tensor(value)
    if isinstance(value, np.ndarray):
        return _record_ndarray(value)
    if isinstance(value, np.generic):
        return record(value.item(), depth)
    if value is None or isinstance(value, bool):
        return value
    # Of a subclass, which may answer any question as it likes, only the plain value is kept.
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, str):
        return str.__getitem__(value, slice(MAX_TEXT))
    if depth < MAX_DEPTH and isinstance(value, list | tuple | range) and len(value) <= MAX_ITEMS:
        return [record(item, depth + 1) for item in value]
    if depth < MAX_DEPTH and isinstance(value, dict) and len(value) <= MAX_ITEMS:
        return {str(key)[:MAX_TEXT]: record(item, depth + 1) for key, item in value.items()}
    return Unknown(type(value).__name__)


def _record_tensor(tensor: torch.Tensor) -> Array | Unknown:
    if tensor.layout != torch.strided or tensor.is_complex() or tensor.is_quantized:
        return Unknown(f"{str(tensor.layout).removeprefix('torch.')} {tensor.dtype} tensor")
    dtype = str(tensor.dtype).removeprefix("torch.")
    with torch.no_grad():
        plain = tensor.detach().to("cpu", _WIDENED.get(tensor.dtype, tensor.dtype))
        try:
            values = np.ascontiguousarray(plain.numpy()).copy()
        except TypeError:  # an 8-bit float, say
            return Unknown(f"{dtype} tensor")
    return Array(values.reshape(tuple(tensor.shape)), dtype, "torch", str(tensor.device))


def _record_ndarray(array: np.ndarray) -> Array | Unknown:
    if array.dtype.kind not in "fiub":
        return Unknown(f"{array.dtype} array")
    values = np.array(array, order="C", copy=True, subok=False)
    return Array(values.reshape(array.shape), str(array.dtype), "numpy")

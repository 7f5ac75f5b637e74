"""Plain data: what a function returned, and how it travels between processes, never pickled.

`record` turns whatever a function returned into arrays, numbers, strings and lists. `encode` and
`decode` send them as JSON and raw array bytes.

A message is four parts: the length of the header (8 bytes, little endian), the length of the body
(8 bytes), the header (UTF-8 JSON) and the body (the arrays' bytes, one after the other). Every
array stands in the header as {"array": {dtype, shape, offset, ...}}.
"""

from __future__ import annotations

import json
import math
import re
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import torch

MAX_DEPTH = 6
MAX_ITEMS = 2000
MAX_TEXT = 4000
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

# bfloat16 has no numpy type; it travels as float32, which holds every bfloat16 exactly.
_WIDENED = {torch.bfloat16: torch.float32}

MAX_HEADER = 4 * 2**20
MAX_BODY = 64 * 2**20
LENGTHS_SIZE = 16
_LARGEST_INTEGER = 2**63
_LENGTHS = struct.Struct("<QQ")
_DTYPES = {
    str(np.dtype(kind))
    for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")
}


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


def visible(text: str) -> str:
    """`text` without what would move a terminal's cursor or turn the direction of writing.

    Control characters but tab and line break, marks of direction, and halves of surrogate pairs,
    which no file can hold, become the replacement sign.
    """
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


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


class WireError(Exception):
    """A message that is cut short, too large, or not of the agreed form."""


def encode(value: Any) -> bytes:
    """Encode arrays, tensors and plain values (what `record` gives) as one message.

    Raises:
        WireError: if `value` holds anything else, or too much.
    """
    chunks: list[bytes] = []
    size = 0

    def describe(item: Any) -> Any:
        nonlocal size
        if isinstance(item, torch.Tensor | np.ndarray):
            item = record(item)
        if isinstance(item, Array):
            if size + item.values.nbytes > MAX_BODY:
                raise WireError(f"the result is larger than {MAX_BODY // 2**20} MB")
            data = item.values.tobytes()
            chunks.append(data)
            offset, size = size, size + len(data)
            return {
                "array": {
                    "stored": str(item.values.dtype),
                    "shape": list(item.shape),
                    "offset": offset,
                    "dtype": item.dtype,
                    "library": item.library,
                    "device": item.device,
                }
            }
        if isinstance(item, Unknown):
            return {"unknown": item.type_name}
        if isinstance(item, list | tuple):
            return [describe(entry) for entry in item]
        if isinstance(item, dict):
            return {"dict": {str(key): describe(entry) for key, entry in item.items()}}
        if item is None or isinstance(item, bool | str):
            return item
        if isinstance(item, int):
            if abs(item) > _LARGEST_INTEGER:
                raise WireError("the result has a whole number of more than 64 bits")
            return item
        if isinstance(item, float):
            return item if math.isfinite(item) else {"float": repr(item)}
        raise WireError(f"a {type(item).__name__} cannot be sent to another process")

    header = json.dumps(describe(value)).encode()
    if len(header) > MAX_HEADER:
        raise WireError(f"the result's description is larger than {MAX_HEADER // 2**20} MB")
    return _LENGTHS.pack(len(header), size) + header + b"".join(chunks)


def decode(message: bytes, *, trusted: bool = False) -> Any:
    """Decode one whole message, checking every size and type against what was agreed.

    Args:
        message: what `encode` made, or what an untrusted process claims it made.
        trusted: the message comes from the trusted side: give tensors in place of `Array`;
            texts stay as they are, submissions among them. Others are made `visible`.

    Raises:
        WireError: if anything does not fit.
    """
    if len(message) < _LENGTHS.size:
        raise WireError("the message is cut short")
    header_size, body_size = _LENGTHS.unpack_from(message)
    if header_size > MAX_HEADER or body_size > MAX_BODY:
        raise WireError("the message is larger than allowed")
    start = _LENGTHS.size + header_size
    if len(message) != start + body_size:
        raise WireError("the message is cut short")
    body = memoryview(message)[start:]
    restored = 0

    def restore(item: Any) -> Any:
        nonlocal restored
        if isinstance(item, int) and abs(item) > _LARGEST_INTEGER:
            raise WireError("a number has more than 64 bits")
        if isinstance(item, str):
            return item if trusted else visible(item)
        if isinstance(item, list):
            return [restore(entry) for entry in item]
        if not isinstance(item, dict):
            return item
        if set(item) == {"array"}:
            array = _restore_array(item["array"], body)
            restored += array.values.nbytes
            if restored > len(body):  # or a few bytes could stand for any number of arrays
                raise WireError("arrays overlap")
            return array.tensor() if trusted else array
        if set(item) == {"unknown"}:
            return Unknown(visible(str(item["unknown"])[:200]))
        if set(item) == {"float"}:
            return float(item["float"])
        if set(item) == {"dict"}:
            entries = item["dict"].items()
            return {key if trusted else visible(key): restore(entry) for key, entry in entries}
        raise WireError("the header has an entry of no agreed form")

    try:
        return restore(json.loads(bytes(message[_LENGTHS.size : start])))
    except (
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise WireError(f"the header cannot be read: {error}") from error


def _restore_array(entry: dict[str, Any], body: memoryview) -> Array:
    stored, offset = entry["stored"], entry["offset"]
    shape = entry["shape"]
    if stored not in _DTYPES:
        raise WireError(f"arrays of type {stored!r:.40} are not accepted")
    if len(shape) > 8 or not all(type(side) is int and 0 <= side < 2**31 for side in shape):
        raise WireError("an array has an impossible shape")
    count = math.prod(shape)
    nbytes = count * np.dtype(stored).itemsize
    if type(offset) is not int or offset < 0 or offset + nbytes > len(body):
        raise WireError("an array lies outside the message")
    values = np.frombuffer(body, dtype=stored, count=count, offset=offset).reshape(shape).copy()
    return Array(
        values,
        visible(str(entry["dtype"])[:40]),
        "numpy" if entry["library"] == "numpy" else "torch",
        visible(str(entry["device"])[:40]),
    )


def size_after(lengths: bytes) -> int:
    """How many bytes follow the first `LENGTHS_SIZE` of a message.

    Raises:
        WireError: if they are too few, or announce too large a message.
    """
    if len(lengths) < _LENGTHS.size:
        raise WireError("the message is cut short")
    header_size, body_size = _LENGTHS.unpack(lengths)
    if header_size > MAX_HEADER or body_size > MAX_BODY:
        raise WireError("the message is larger than allowed")
    return header_size + body_size


def read_message(stream: BinaryIO) -> bytes | None:
    """Read one message; None at the end of the stream.

    Raises:
        WireError: if the stream ends within a message or announces too large a one.
    """
    lengths = stream.read(_LENGTHS.size)
    if not lengths:
        return None
    size = size_after(lengths)
    rest = stream.read(size)
    if len(rest) != size:
        raise WireError("the message is cut short")
    return lengths + rest

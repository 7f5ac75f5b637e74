"""How inputs and observations travel between processes: JSON and raw array bytes, never pickle.

A message is four parts: the length of the header (8 bytes, little endian), the length of the body
(8 bytes), the header (UTF-8 JSON) and the body (the arrays' bytes, one after the other). Every
array stands in the header as {"array": {dtype, shape, offset, ...}}.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any, BinaryIO

import numpy as np
import torch

from probes.record import Array, Unknown, record

MAX_HEADER = 4 * 2**20
MAX_BODY = 64 * 2**20
LENGTHS_SIZE = 16
_LARGEST_INTEGER = 2**63
_LENGTHS = struct.Struct("<QQ")
_DTYPES = {
    str(np.dtype(kind))
    for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")
}


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


def decode(message: bytes, *, arrays_as_tensors: bool = False) -> Any:
    """Decode one whole message, checking every size and type against what was agreed.

    Args:
        message: what `encode` made, or what an untrusted process claims it made.
        arrays_as_tensors: give tensors in place of `Array`, for inputs on the worker's side.

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
        if isinstance(item, list):
            return [restore(entry) for entry in item]
        if not isinstance(item, dict):
            return item
        if set(item) == {"array"}:
            array = _restore_array(item["array"], body)
            restored += array.values.nbytes
            if restored > len(body):  # or a few bytes could stand for any number of arrays
                raise WireError("arrays overlap")
            return array.tensor() if arrays_as_tensors else array
        if set(item) == {"unknown"}:
            return Unknown(str(item["unknown"])[:200])
        if set(item) == {"float"}:
            return float(item["float"])
        if set(item) == {"dict"}:
            return {str(key): restore(entry) for key, entry in item["dict"].items()}
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
        str(entry["dtype"])[:40],
        "numpy" if entry["library"] == "numpy" else "torch",
        str(entry["device"])[:40],
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

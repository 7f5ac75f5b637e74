"""What crosses the process boundary is plain data, and anything else is refused."""

import json
import math
import pickle
import struct

import numpy as np
import pytest
import torch

from checkers.engine.sandbox.inside import plain
from checkers.engine.sandbox.inside.plain import Array, Unknown, record


def _message(header: object, body: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<QQ", len(text), len(body)) + text + body


_BYTES = {"stored": "uint8", "shape": [8], "offset": 0, "dtype": "uint8", "library": "torch"}
_BYTES |= {"device": "cpu"}


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool]
)
def test_tensors_arrive_as_they_left(dtype):
    tensor = (torch.arange(24).reshape(2, 3, 4) % 5).to(dtype)
    arrived = plain.decode(plain.encode({"result": tensor}))["result"]
    assert arrived.shape == (2, 3, 4)
    assert arrived.dtype == str(dtype).removeprefix("torch.")
    assert torch.equal(arrived.tensor().to(dtype), tensor)


def test_plain_values_arrive_as_they_left():
    value = {"a": [1, 2.5, None, True, "text"], "b": {"inf": math.inf}, "empty": np.zeros((0, 3))}
    arrived = plain.decode(plain.encode(value))
    assert arrived["a"] == value["a"]
    assert arrived["b"]["inf"] == math.inf
    assert arrived["empty"].shape == (0, 3)


def test_records_share_no_memory_with_what_was_recorded():
    tensor = torch.zeros(3)
    kept = record([tensor])
    tensor += 1
    assert kept[0].values.tolist() == [0, 0, 0]


def test_what_is_not_plain_becomes_unknown():
    assert record(object()) == Unknown("object")
    assert isinstance(record(torch.zeros(2, dtype=torch.complex64)), Unknown)
    assert isinstance(record(torch.zeros(2, 2).to_sparse()), Unknown)
    assert isinstance(record(np.array([object()])), Unknown)


def test_a_tensor_subclass_is_recorded_as_its_numbers():
    class Liar(torch.Tensor):
        pass

    assert record(torch.ones(2).as_subclass(Liar)).values.tolist() == [1, 1]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"short",
        struct.pack("<QQ", 2**60, 0),
        struct.pack("<QQ", 5, 0) + b"{}",
        _message({"array": {"stored": "object", "shape": [1], "offset": 0}}, b"12345678"),
        _message({"array": {"stored": "float32", "shape": [2], "offset": 0}}, b"1234"),
        _message(
            {
                "array": {
                    "stored": "float32",
                    "shape": [2**40, 2**40],
                    "offset": 0,
                    "dtype": "float32",
                    "library": "torch",
                    "device": "cpu",
                }
            }
        ),
        _message({"array": {"stored": "float32", "shape": [-1], "offset": 0}}, b"1234"),
        _message({"array": {"stored": "float32", "shape": [1], "offset": -4}}, b"1234"),
        _message([{"array": _BYTES}, {"array": _BYTES}], b"12345678"),
        _message({"float": 10**400}),
        _message(2**64),
        _message({"array": "no"}),
        _message({"surprise": 1}),
        pickle.dumps({"result": 1}),
    ],
)
def test_malformed_messages_are_refused(message):
    with pytest.raises(plain.WireError):
        plain.decode(message)


def test_nothing_that_runs_code_can_be_sent():
    with pytest.raises(plain.WireError):
        plain.encode({"f": print})


@pytest.mark.parametrize(
    "value", [np.zeros(plain.MAX_BODY + 1, dtype=np.uint8), ["x" * plain.MAX_HEADER], 2**64]
)
def test_too_much_is_refused_before_it_is_sent(value):
    with pytest.raises(plain.WireError):
        plain.encode(value)


def test_of_a_lying_number_only_its_value_is_kept():
    class Liar(float):
        def __eq__(self, other):
            return True

        __hash__ = float.__hash__

    assert record(Liar(2)) == 2 and record(Liar(2)) != 3


def test_numpy_arrays_say_that_they_are():
    kept = record(np.ones(2, dtype=np.float32))
    assert isinstance(kept, Array) and (kept.library, kept.dtype) == ("numpy", "float32")

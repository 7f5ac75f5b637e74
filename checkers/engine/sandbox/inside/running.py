"""Run one probe on one function and say what came of it, as plain data."""

from __future__ import annotations

import contextlib
import copy
import importlib
import linecache
import os
import random
import re
import sysconfig
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np
import torch

from checkers.engine.sandbox.inside.plain import record
from checkers.engine.sandbox.inside.returned import RETURNED, Kind, noting_kinds

Inputs = dict[str, Any]
Probe = Callable[[Callable[..., Any], Inputs], Any]

# Frames in these folders say nothing about the student's own code.
_ROOT = Path(__file__).resolve().parents[4]
_GIVEN = ("checkers", "solutions", "lessons/workbench")
_GIVEN_CODE = (*(str(_ROOT / folder) for folder in _GIVEN), "<solutions.")
_LIBRARY = re.compile(r"[/\\](lib\d*[/\\]python[\d.]+|site-packages|dist-packages)[/\\]|^<frozen ")
PLACE_FOR_CODE = "# Your code here."
"""The line of a stub that stands above its raise."""
_STANDARD_LIBRARY = tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib"))


def find_probe(address: str) -> Probe:
    """The probe function that "package.module:function" names."""
    module, _, function = address.partition(":")
    return getattr(importlib.import_module(module), function)


def address_of(probe: Probe) -> str:
    """The name under which `find_probe` finds `probe` again, in whatever process."""
    return f"{probe.__module__}:{probe.__qualname__}"


def run_probe(
    probe: Probe, student: Callable[..., Any], inputs: Inputs, seed: int, name: str | None = None
) -> dict:
    """Run `probe(student, inputs)` and describe the outcome.

    Args:
        probe: records what `student` does with `inputs`.
        student: the function or class under test.
        inputs: arrays, tensors and plain values; the probe works on a copy.
        seed: seeds the global generators while the probe runs; they are put back afterwards.
        name: what messages call `student`; its own name if None.

    Returns:
        {"status": "ran", "observation": ..., with the kinds of what `student` returned},
        {"status": "not attempted", "message": ...},
        {"status": "out of memory", "message": ...} or
        {"status": "raised", "message": ..., "type": ..., "missing_name": ..., "where": ...}.
    """
    with preserved_globals(seed):
        try:
            kinds: list[Kind] = []
            noting = noting_kinds(student, kinds, getattr(probe, "reading", None))
            observation = probe(noting, copied(inputs))
            if isinstance(observation, dict) and kinds:
                observation = {**observation, RETURNED: kinds}
            return {"status": "ran", "observation": record(observation)}
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return _describe(error, name or getattr(student, "__name__", "the function"))


def copied(value: Any) -> Any:
    """`value` with every tensor cloned: a function may write into what it is given."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(copied(item) for item in value)
    return copy.copy(value)


@contextlib.contextmanager
def preserved_globals(seed: int) -> Iterator[None]:
    """Seed the global random generators and put them back afterwards, in `ordinary_torch`.

    One thread meanwhile: the tensors of a check are small, and on a busy machine threads that wait
    for each other make it several times slower.
    """
    torch_state, numpy_state, python_state = (
        torch.get_rng_state(),
        np.random.get_state(),
        random.getstate(),
    )
    threads = torch.get_num_threads()
    with ordinary_torch():
        torch.set_num_threads(1)
        torch.default_generator.manual_seed(seed)  # the CPU's only; a GPU's is left alone
        np.random.seed(seed % 2**32)
        random.seed(seed)
        try:
            yield
        finally:
            torch.set_rng_state(torch_state)
            np.random.set_state(numpy_state)
            random.setstate(python_state)
            torch.set_num_threads(threads)


@contextlib.contextmanager
def ordinary_torch() -> Iterator[None]:
    """Gradients on, single precision, the CPU and no errors for warnings; put back afterwards.

    What a cell far from the exercise has set in a kernel must not decide a verdict.
    """
    dtype, grad, device = (
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        _default_device(),
    )
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.filters[:] = [f for f in warnings.filters if f[0] != "error"]  # type: ignore[index]
        stack.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        if device.type != "cpu":
            stack.enter_context(torch.device("cpu"))
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            torch.set_grad_enabled(grad)
            if device.type == "cpu" and _default_device() != device:
                torch.set_default_device(None)


def _default_device() -> torch.device:
    """Where tensors are made; torch 2.4 can't tell once its own choice was put back."""
    try:
        return torch.get_default_device()
    except AttributeError:
        return torch.device("cpu")


def _describe(error: BaseException, name: str) -> dict:
    if isinstance(error, NotImplementedError):
        stub = _stub_that_raised(error)
        if stub == name:
            return {"status": "not attempted", "message": _not_written(name, error)}
        if stub is not None:
            message = f"{name} calls {stub}, which is not written yet."
            return {"status": "raised", "message": message, "type": "NotImplementedError"}
    text = str(error).strip()
    if isinstance(error, MemoryError) or "can't allocate memory" in text:
        return {"status": "out of memory", "message": f"{name} asked for too much memory."}
    return {
        "status": "raised",
        "type": type(error).__name__,
        "message": text.splitlines()[0][:500] if text else "",
        "missing_name": error.name if isinstance(error, NameError) else None,
        "where": _where(error),
    }


def _stub_that_raised(error: NotImplementedError) -> str | None:
    """The function whose own body says `raise NotImplementedError`; None if torch raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    if last is None or "NotImplementedError" not in (last.line or ""):
        return None
    return _class_or_function(error) or last.name


def _not_written(name: str, error: NotImplementedError) -> str:
    """What is said when the stub's own raise ended the call: was anything written above it?"""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or not _has_code_above(trace.tb_frame.f_code, trace.tb_lineno):
        return f"{name} is not written yet."
    line, file = trace.tb_lineno, trace.tb_frame.f_code.co_filename
    if linecache.getline(file, line - 1).strip() == PLACE_FOR_CODE:
        # Some stubs have given code above that line, so nobody knows who wrote it.
        return (
            f"{name} is not written yet, or it ends at the stub's `raise NotImplementedError` "
            f"(line {line} of its cell). Take the raise out when your code is there."
        )
    return (
        f"{name} has code, and below it the stub's `raise NotImplementedError` (line {line} of its "
        f"cell), which ends it there. Take the raise out."
    )


def _has_code_above(code: CodeType, raised: int) -> bool:
    """Whether the function has statements above its line `raised`."""
    lines = {line for _, _, line in code.co_lines() if line is not None and line < raised}
    for line in sorted(lines - {code.co_firstlineno}):
        given = linecache.getline(code.co_filename, line).strip()
        if given and not given.startswith(("def ", "async def ", "@", "super().__init__(")):
            return True
    return False


def _class_or_function(error: BaseException) -> str | None:
    """For a stub that is a class, `__init__` stands for the class."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return _owner(frames[-1]) or None if frames else None


def _where(error: BaseException) -> dict | None:
    """The innermost line that is the student's own: its cell, number and text."""
    owners = [_owner(frame) for frame, _ in traceback.walk_tb(error.__traceback__)]
    frames = zip(traceback.extract_tb(error.__traceback__), owners, strict=True)
    for frame, owner in reversed(list(frames)):
        if frame.filename.startswith(_GIVEN_CODE) or _is_library(frame.filename):
            continue
        in_kernel = "ipykernel" in frame.filename or frame.filename.startswith("<ipython")
        label = f"the cell of {owner}" if in_kernel and owner else "the cell"
        label = label if in_kernel else re.split(r"[/\\]", frame.filename.strip("<>"))[-1]
        return {"cell": label, "line": frame.lineno, "text": (frame.line or "").strip()[:200]}
    return None


def _is_library(file: str) -> bool:
    """Whether a file belongs to Python or to an installed package, wherever these are."""
    return bool(_LIBRARY.search(file)) or file.startswith(_STANDARD_LIBRARY)


def _owner(frame: FrameType) -> str:
    """The function or class, as its cell defines it, whose code a frame runs; "" if none."""
    name = frame.f_code.co_qualname.split(".<locals>.")[0].split(".")[0]
    return "" if name.startswith("<") else name

"""Say in plain words why a run gave no result, and what to do about it."""

from __future__ import annotations

import re
from typing import Any

from checkers.engine.exercise import Case

_OTHER_PARAMETERS = (
    "The function's parameters differ from those of the stub. Keep the stub's first line."
)
# What an exception's text gives away, and what to say about it.
_ADVICE: tuple[tuple[str, str], ...] = (
    (
        r"Torch not compiled with CUDA|No CUDA GPUs|Found no NVIDIA driver|CUDA error",
        "Your code asks for a GPU with `.cuda()` or `device='cuda'`. Write `device=x.device`, "
        "taken from a tensor you were given, and it runs on both.",
    ),
    (
        r"Expected all tensors to be on the same device",
        "Two tensors are on different devices. `.to(x.device)` moves one to the other's.",
    ),
    (
        r"not implemented for 'Half'|expected m1 and m2 to have the same dtype|same dtype",
        "Two tensors have different number types. `.to(x.dtype)` converts one to the other's.",
    ),
    (
        r"The size of tensor a .* must match the size of tensor b|not broadcastable",
        "Two tensors with shapes that don't fit are combined. Print their `.shape`. A tensor of "
        "shape (B,) fits B pictures as `.reshape(-1, 1, 1, 1)`, and B rows as `[:, None]`.",
    ),
    (
        r"Could not infer dtype of|invalid data type|only one element tensors can be converted",
        "What is no tensor is used as one: None, a text, or a list or tuple of tensors. Does the "
        "function return one tensor?",
    ),
    (
        r"could not infer output dtype.*Bool",
        "A mean is taken of True and False. `.float()` makes 1 and 0 of them.",
    ),
    (
        r"(takes|missing) .*positional argument|unexpected keyword argument",
        _OTHER_PARAMETERS,
    ),
    (
        r"only integer tensors of a single element|NoiseEstimate|can't multiply sequence",
        "A tensor is multiplied by something that is no tensor of numbers. Is it the denoiser's "
        "whole answer? The noise in it is `estimate.noise`.",
    ),
    (
        r"leaf Variable that requires grad|Can't call numpy\(\) on Tensor that requires grad",
        "A tensor that carries gradients is used as plain numbers. `.detach()` makes it plain.",
    ),
    (
        r"is not to be had while your own",
        "Your own code is what is checked, so the reference is not there. Write it yourself.",
    ),
)


def explain(outcome: dict[str, Any], name: str, case: Case) -> str:
    """One or two sentences on an outcome without an observation.

    Args:
        outcome: from `inside.running.run_probe` or `sandbox.worker`.
        name: the exercise's name.
        case: the case that was run.
    """
    message = str(outcome.get("message") or "")
    match outcome.get("status"):
        case "raised":
            return _explain_error(outcome, message)
        case "timed out" if not outcome.get("not_run"):
            return (
                f"{name} ran for more than {case.time_limit:g} seconds and was stopped. "
                f"Is there a loop that never ends?"
            )
        case "out of memory":
            return (
                f"{name} asked for more than {case.memory_limit / 2**30:.1f} GB. "
                f"Look at the shapes of the tensors it makes."
            )
        case "crashed":
            return f"The process that ran {name} was lost. {message}".strip()
        case _:
            return message


def _explain_error(outcome: dict[str, Any], message: str) -> str:
    kind = str(outcome.get("type") or "an error")
    where = outcome.get("where")
    advice = _name_advice(outcome) or _text_advice(message)
    # Without a line of the student's own it may have been raised by what came of the call.
    it = "It" if where or advice == _OTHER_PARAMETERS else "Calling it, or using what it gave,"
    text = f"{it} raised {kind}: {message}" if message else f"{it} raised {kind}."
    text = text if text.endswith((".", "!", "?")) else text + "."
    if isinstance(where, dict) and where.get("text"):
        text += f"\nIn {where['cell']}, line {where['line']}: {where['text']}"
    if advice:
        text += f"\n{advice}"
    return text


def _name_advice(outcome: dict[str, Any]) -> str:
    name, lost = outcome.get("missing_name"), outcome.get("lost")
    if not name:
        return ""
    if lost:
        return f"`{name}` could not be defined. {lost}"
    return f"`{name}` is not defined: a misspelling, or a cell that has not been run?"


def _text_advice(message: str) -> str:
    return next((advice for pattern, advice in _ADVICE if re.search(pattern, message)), "")

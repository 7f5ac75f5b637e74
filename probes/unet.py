"""Probes of lesson 11: what a network does, whatever its parts are called and however they nest.

Kernels get known values that depend on their shape alone: all kernels of one shape are alike, and
each is the same for both halves of its channels. So neither the order in which layers were created
nor the order of a concatenation shows in the result, and two networks that compute the same thing
give the same numbers.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from probes.running import Inputs


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Networks as small as these only wait for each other's threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def every_gelu(form: str) -> Iterator[None]:
    """Whichever of its two forms a network asks GELU for, "none" or "tanh", it gets this one.

    Both are right, and a network can blow up what lies between them.
    """
    gelu = nn.functional.gelu

    def in_one_form(input: Tensor, *, approximate: str = "none") -> Tensor:
        return gelu(input, approximate=form)

    nn.functional.gelu = in_one_form
    try:
        yield
    finally:
        nn.functional.gelu = gelu


@one_thread()
def shapes(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Build the module and note the shape of what it returns.

    Args:
        student: the class under test.
        inputs: {"builds": a list of {"arguments": list, "shape": list of the input's sizes, and
            perhaps "also": further inputs}}.

    Returns:
        {"result": a list of shapes (lists), or None where no tensor came back}.
    """
    found = []
    for one in inputs["builds"]:
        module = build(student, one["arguments"])
        result = module(torch.randn(one["shape"]), *one.get("also", []))
        found.append(list(result.shape) if isinstance(result, Tensor) else None)
    return {"result": found}


@one_thread()
def compute(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Build the module, give its kernels known values, and let it compute.

    Args:
        student: the class under test.
        inputs: {"arguments": list, "x": the input, "also": further inputs if it takes any, "seed":
            of the known values, "training": the mode, "flat": whether shape (B, F, 1, 1) counts as
            (B, F)}.

    Returns:
        {"result": what the module returns, "tanh": the same with the tanh form of GELU}.
    """
    module = build(student, inputs["arguments"])
    found = {}
    with torch.no_grad():
        module(*_given(inputs))  # lazy layers get their shapes
        give_known_values(module, inputs["seed"])
        module.train(inputs["training"])
        for name, form in (("result", "none"), ("tanh", "tanh")):
            with every_gelu(form):
                result = module(*_given(inputs))
            found[name] = result.flatten(1) if inputs.get("flat") else result
    return found


@one_thread()
def count_weights(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Build the module and count its weights, and those that learn nothing.

    Args:
        student: the class under test.
        inputs: {"arguments": list, "x": the input, "also": further inputs if it takes any}.

    Returns:
        {"weights": numbers in all kernels and matrices (biases and BatchNorm's are left out),
        "idle": how many parameters get no gradient}.
    """
    module = build(student, inputs["arguments"]).train()
    result = module(*_given(inputs))
    (result * torch.randn_like(result)).sum().backward()
    parameters = list(module.parameters())
    return {
        "weights": sum(p.numel() for p in parameters if p.ndim >= 2),
        "idle": sum(p.grad is None or (p.ndim >= 2 and not p.grad.any()) for p in parameters),
    }


@one_thread()
def cut_paths(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """See what still passes through the network when kernels of one size are set to zero.

    Args:
        student: the class under test.
        inputs: {"arguments": list, "x": two pictures, "sizes": which kernels are cut, one size
            after the other: 7 cuts the bottleneck, 4 every path but the one at full resolution}.

    Returns:
        {"passes": for each size, whether the results still differ between the two pictures}.
    """
    passes = []
    for size in inputs["sizes"]:
        module = build(student, inputs["arguments"]).eval()
        with torch.no_grad():
            module(inputs["x"])
            for parameter in module.parameters():
                if parameter.ndim == 4 and tuple(parameter.shape[2:]) == (size, size):
                    parameter.zero_()
            one, other = module(inputs["x"])
        passes.append(bool((one - other).abs().max() > 1e-6))
    return {"passes": passes}


@one_thread()
def overfit(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Train the network on one batch until it has learned it.

    Most starts take a few steps, but one in a thousand takes five times as many: so the steps are
    counted generously and not all taken.

    Args:
        student: the class under test.
        inputs: {"arguments": list, "x": what goes in, "also": further inputs if it takes any,
            "target": what should come out, "seed": of the weights it starts from, "steps": at
            most, "enough": the share of the target's variance at which it stops,
            "learning_rate"}.

    Returns:
        {"left": the last loss as a share of the variance of the target}.
    """
    torch.manual_seed(inputs["seed"])
    module = build(student, inputs["arguments"]).train()
    given, target = _given(inputs), inputs["target"]
    module(*given)
    optimizer = torch.optim.Adam(module.parameters(), lr=inputs["learning_rate"])
    for _ in range(inputs["steps"]):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(module(*given), target)
        loss.backward()
        optimizer.step()
        left = float(loss.detach() / target.var())
        if left <= inputs["enough"]:
            break
    return {"left": left}


def _given(inputs: Inputs) -> list[Tensor]:
    return [inputs["x"], *inputs.get("also", [])]


def build(student: Callable[..., Any], arguments: list) -> nn.Module:
    """The student's module.

    Raises:
        TypeError: if what the class or function gives is no module.
    """
    module = student(*arguments)
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"{getattr(student, '__name__', 'this')} gives a {type(module).__name__}, "
            f"not an nn.Module"
        )
    return module


def give_known_values(module: nn.Module, seed: int) -> None:
    """Known kernels, no biases, and BatchNorm as it is at the start."""
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.reset_running_stats()
    for name, parameter in module.named_parameters():
        if parameter.ndim >= 2:
            parameter.copy_(_known_kernel(tuple(parameter.shape), seed))
        else:
            is_scale = name.endswith("weight") or bool((parameter == 1).all())
            parameter.fill_(1.0 if is_scale else 0.0)


def _known_kernel(shape: tuple[int, ...], seed: int) -> Tensor:
    """Values that depend on shape and seed alone, the same for both halves of the channels."""
    key = seed
    for size in shape:
        key = (key * 1009 + size) % 2**31
    kernel = torch.randn(shape, generator=torch.Generator().manual_seed(key))
    for dimension in (0, 1):
        if shape[dimension] % 2 == 0:
            half = kernel.narrow(dimension, 0, shape[dimension] // 2)
            kernel = torch.cat([half, half], dim=dimension)
    return kernel * 1.6 / math.sqrt(math.prod(shape[1:]))

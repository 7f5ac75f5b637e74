"""Probes of networks, whatever their parts are called and however they nest.

Nothing depends on the values that a module was made with: see `known_values`.
"""

from __future__ import annotations

import contextlib
import math
import pickle
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.halves import results_by_half
from checkers.engine.worlds.known_values import (
    give_known_values,
    give_random_values,
    kernel_shapes,
    rows_of,
)
from checkers.engine.worlds.running_statistics import RunningStatistics, repeated


@contextlib.contextmanager
def small_networks() -> Iterator[None]:
    """One thread and no oneDNN: networks as small as these only wait for them."""
    threads, one_dnn = torch.get_num_threads(), torch.backends.mkldnn.enabled
    torch.set_num_threads(1)
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.backends.mkldnn.enabled = one_dnn


GELU_FORMS = ("none", "tanh")


@contextlib.contextmanager
def every_gelu(form: str) -> Iterator[None]:
    """Whichever of `GELU_FORMS` a network asks for, it gets this one.

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


@small_networks()
def shapes(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Build the module and note the shape of what it returns.

    Args:
        student: the class under test.
        inputs: {"builds": a list of {"arguments": list, "shape": list of the input's sizes, and
            perhaps "also": further inputs}}.

    Returns:
        {"result": a list of shapes (lists), or the name of its type where no tensor came back, or
        None; "alone": the same for the first picture of each batch, in evaluation mode; "finite":
        whether all of these hold finite numbers}.
    """
    found: dict[str, list] = {"result": [], "alone": [], "finite": []}
    for one in inputs["builds"]:
        module = build(student, one["arguments"])
        given = [torch.randn(one["shape"]), *one.get("also", [])]
        results = [module(*given), module.eval()(*(value[:1] for value in given))]
        found["result"].append(_form(results[0]))
        found["alone"].append(_form(results[1]))
        tensors = [result for result in results if isinstance(result, Tensor)]
        found["finite"].append(all(bool(result.isfinite().all()) for result in tensors))
    return found


def _form(result: Any) -> list[int] | str | None:
    if isinstance(result, Tensor):
        return list(result.shape)
    return None if result is None else type(result).__name__


@small_networks()
def compute(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Build the module, give its kernels known values, and let it compute.

    In evaluation mode it has been through other pictures in training mode before, so that its
    BatchNorm layers have statistics of their own.

    Args:
        student: the class under test.
        inputs: {"arguments": list, "x": the input, "also": further inputs if it takes any, "seed":
            of the known values, "training": the mode, "flat": whether shape (B, F, 1, 1) counts as
            (B, F), "bias": of all layers, 0 if not given}.

    Returns:
        {"none", "tanh": what the module returns, with either form of GELU; "kernels": as
        `kernel_shapes`; "changed": whether it writes into what it is given; "unsteady": whether two
        calls with one input differ, although equal pictures of one batch do not; "restless":
        whether in training mode equal pictures of one batch get different results; in evaluation
        mode, "halves": as `results_by_half`, and "slopes_none", "slopes_tanh": gradients with
        respect to x}.
    """
    return _compute(student, inputs, tries_out=True)


@small_networks()
def compute_known(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """As `compute`, for a module of the course, which has all its layers once it is built.

    If it draws nothing, equal calls give the same; a student's may take chance from anywhere, so
    that it has to be tried out.
    """
    return _compute(student, inputs, tries_out=False)


def _compute(student: Callable[..., Any], inputs: Inputs, *, tries_out: bool) -> dict[str, Any]:
    module = build(student, inputs["arguments"])
    given = _given(inputs)
    if tries_out:
        shape_layers(module, _given(inputs))
    found: dict[str, Any] = {"changed": False, "restless": False, "unsteady": False}
    rows = rows_of(module, given)
    found["kernels"] = kernel_shapes(module, rows)
    statistics = RunningStatistics(module, _others(given))
    for form in GELU_FORMS:
        with every_gelu(form):
            with torch.no_grad():
                give_known_values(module, rows, inputs["seed"], inputs.get("bias", 0.0))
                if not inputs["training"]:
                    statistics.learn()
                module.train(inputs["training"])
                before = _states_of_generators()
                copies = _given(inputs)
                result = module(*copies)
                found[form] = result
                found["changed"] |= not all(map(torch.equal, given, copies))
                if not isinstance(result, Tensor):
                    return found
                if inputs.get("flat"):
                    found[form] = result.flatten(1)
                if form == "none" and (tries_out or before != _states_of_generators()):
                    found["restless"] = inputs["training"] and _is_restless(module, given)
                    found["unsteady"] = not found["restless"] and not _is_steady(
                        result, module(*_given(inputs))
                    )
            if not inputs["training"]:
                if form == "none":
                    found["halves"] = results_by_half(module, given)
                found[f"slopes_{form}"] = _slopes(module, given, inputs["seed"])
    return found


_FEW_COPIES = 12
_MANY_COPIES = 200
"""With as many, what drops one picture, channel or class in ten never drops none."""


def shape_layers(module: nn.Module, given: list[Tensor]) -> None:
    """Let lazy layers get their shapes; in evaluation mode, so that nothing else changes."""
    was_training = module.training
    with torch.no_grad():
        module.eval()(*given)
    module.train(was_training)


def _others(given: list[Tensor]) -> list[Tensor]:
    """Other pictures than the given ones: of more contrast, and lighter."""
    return [2 * given[0] + 0.3, *given[1:]]


def _is_restless(module: nn.Module, given: list[Tensor]) -> bool:
    """Whether equal pictures of one batch get different results, as dropout makes them.

    If nothing was drawn, a few show it as well as many.
    """
    before = _states_of_generators()
    if _copies_differ(module, given, _FEW_COPIES):
        return True
    nothing_drawn = before == _states_of_generators()
    return not nothing_drawn and _copies_differ(module, given, _MANY_COPIES)


def _states_of_generators() -> bytes:
    states = torch.get_rng_state().numpy(), np.random.get_state(), random.getstate()
    return pickle.dumps(states)


def _copies_differ(module: nn.Module, given: list[Tensor], count: int) -> bool:
    result = module(*repeated(given, count))
    if not isinstance(result, Tensor) or len(result) % len(given[0]):
        return False
    copies = result.unflatten(0, (-1, len(given[0])))
    return bool((copies - copies[0]).abs().max() > 1e-3 * max(1.0, float(copies.std())))


def _is_steady(one: Tensor, other: Tensor) -> bool:
    """Whether two calls with the same input agree; with layers that are made anew they don't."""
    return torch.allclose(one, other, rtol=1e-3, atol=1e-4, equal_nan=True)


def _slopes(module: nn.Module, given: list[Tensor], seed: int) -> list[Tensor]:
    """Gradients of the result with respect to x, zeros if there are none.

    One as the network is, and one with the 7x7 kernels made stronger, so that what passes the
    bottleneck weighs as much as the rest.
    """
    slopes = []
    for factor in (1.0, 8.0):
        with torch.no_grad():
            for parameter in module.parameters():
                if parameter.shape[2:] == (7, 7):
                    parameter.mul_(factor)
        x = given[0].clone().requires_grad_()
        result = module(x.clone(), *[value.clone() for value in given[1:]])
        towards = torch.randn(result.shape, generator=torch.Generator().manual_seed(seed))
        slopes.append(gradient_of((result * towards).sum(), x))
    return slopes


def gradient_of(value: Tensor, x: Tensor) -> Tensor:
    """Of `value` with respect to x; zeros if there is none, as of what is frozen."""
    if not (value.requires_grad and x.requires_grad):
        return torch.zeros_like(x)
    (gradient,) = torch.autograd.grad(value, x, allow_unused=True, retain_graph=True)
    return torch.zeros_like(x) if gradient is None else gradient


@small_networks()
def count_weights(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Build the module and count its weights, and those that learn nothing.

    Args:
        student: the class under test.
        inputs: {"arguments", "x", "also" as for `compute`, "others": perhaps a list of the same}.

    Returns:
        {"weights": for each, numbers in all kernels and matrices but BatchNorm's and biases;
        "idle": how many parameters get no gradient, "at_zero": how many numbers are in matrices
        that get one if all further inputs are 0: none does behind a layer without bias}.

    Raises:
        TypeError: if the module returns something else than a tensor.
    """
    others = [count_weights(student, one)["weights"][0] for one in inputs.get("others", [])]
    shape_layers(module := build(student, inputs["arguments"]), _given(inputs))
    give_random_values(module, rows := rows_of(module, _given(inputs)))
    result = only_a_tensor(module.train()(*_given(inputs)), student)
    if result.requires_grad:
        (result * torch.randn_like(result)).sum().backward()
    parameters = list(module.parameters())
    found = {
        "weights": [sum(p.numel() for p in parameters if p not in rows), *others],
        "idle": sum(p.grad is None or (p not in rows and not p.grad.any()) for p in parameters),
        "at_zero": 0,
    }
    if inputs.get("also"):
        x, *also = _given(inputs)
        module.zero_grad()
        result = module.eval()(x, *(torch.zeros_like(value) for value in also))
        if result.requires_grad:
            (result * torch.randn_like(result)).sum().backward()
        matrices = [p for p in parameters if p not in rows and math.prod(p.shape[2:]) == 1]
        found["at_zero"] = sum(p.numel() for p in matrices if p.grad is not None and p.grad.any())
    return found


_PATIENCE = 100
_CLEARLY_LESS = 0.95


@small_networks()
def overfit(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Train the network on one batch until it has learned it, or it is plain that it won't.

    Most starts take a few steps, but one in a thousand takes five times as many: so the steps are
    counted generously and not all taken. What is no finite number never becomes one again, and what
    learns at all becomes much better within `_PATIENCE` steps.

    Args:
        student: the class under test.
        inputs: {"arguments": list, "x": what goes in, "also": further inputs if it takes any,
            "target": what should come out, "seed": of the weights it starts from, "steps": at
            most, "enough": the share of the target's variance at which it stops,
            "learning_rate"}.

    Returns:
        {"made": what it gave when that was measured last, "steps": how many were taken}.
    """
    torch.manual_seed(inputs["seed"])
    module = build(student, inputs["arguments"]).train()
    given, target = _given(inputs), inputs["target"]
    module(*given)
    optimizer = torch.optim.Adam(module.parameters(), lr=inputs["learning_rate"], foreach=True)
    least: list[float] = []
    for _ in range(inputs["steps"]):
        optimizer.zero_grad()
        made = only_a_tensor(module(*given), student)
        loss = nn.functional.mse_loss(made, target)
        loss.backward()
        optimizer.step()
        left = float(loss.detach() / target.var())
        least.append(min([left, *least[-1:]]))
        hopeless = not math.isfinite(left) or (
            len(least) > _PATIENCE and least[-1] > _CLEARLY_LESS * least[-1 - _PATIENCE]
        )
        if left <= inputs["enough"] or hopeless:
            break
    return {"made": made, "steps": len(least)}


def _given(inputs: Inputs) -> list[Tensor]:
    """What the module is given: copies, should it write into them."""
    return [inputs["x"].clone(), *(value.clone() for value in inputs.get("also", []))]


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


def only_a_tensor(result: Any, student: Callable[..., Any]) -> Tensor:
    """The module's result.

    Raises:
        TypeError: if it is something else than a tensor.
    """
    if not isinstance(result, Tensor):
        name = getattr(student, "__name__", "this")
        raise TypeError(f"{name} returns a {type(result).__name__}, not a tensor")
    return result


def result_for_each(pictures: Tensor, result: Any, student: Callable[..., Any]) -> Tensor:
    """A module's result for these pictures, of which something is to be said.

    Of NaN that would be false, and so it would where a result can't be told from the others.

    Raises:
        TypeError: if it is something else than a tensor.
        ValueError: if it has another shape than the pictures, or numbers that are not finite.
    """
    tensor, name = only_a_tensor(result, student), getattr(student, "__name__", "this")
    if tensor.shape != pictures.shape:
        shapes = tuple(tensor.shape), tuple(pictures.shape)
        raise ValueError(f"{name} returns shape {shapes[0]} for pictures of shape {shapes[1]}")
    if not bool(tensor.isfinite().all()):
        raise ValueError(f"{name} returns numbers that are not finite: NaN or infinity")
    return tensor

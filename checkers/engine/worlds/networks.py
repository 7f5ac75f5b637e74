"""Probes of networks, whatever their parts are called and however they nest.

Nothing depends on the values that a module was made with: see `known_values`.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.known_values import give_known_values, give_random_values, is_row


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Networks as small as these only wait for each other's threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


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


@one_thread()
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


@one_thread()
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
        {"none", "tanh": what the module returns, with either form of GELU; "changed": whether it
        writes into what it is given; "unsteady": whether two calls with one input differ, although
        equal pictures of one batch do not; "restless": whether in training mode equal pictures of
        one batch get different results; "slopes_none", "slopes_tanh": in evaluation mode, gradients
        with respect to x}.
    """
    module = build(student, inputs["arguments"])
    given = _given(inputs)
    copies = _given(inputs)
    shape_layers(module, copies)
    changed = any(not torch.equal(one, other) for one, other in zip(given, copies, strict=True))
    found: dict[str, Any] = {"changed": changed, "restless": False, "unsteady": False}
    for form in GELU_FORMS:
        with every_gelu(form):
            with torch.no_grad():
                give_known_values(module, inputs["seed"], inputs.get("bias", 0.0))
                if not inputs["training"]:
                    _learn_statistics(module, _repeated(_others(given), _COPIES))
                module.train(inputs["training"])
                result = module(*_given(inputs))
                found[form] = result
                if not isinstance(result, Tensor):
                    return found
                if inputs.get("flat"):
                    found[form] = result.flatten(1)
                if form == "none":
                    found["restless"] = inputs["training"] and _is_restless(module, given)
                    found["unsteady"] = not found["restless"] and _is_unsteady(module, inputs)
            if not inputs["training"]:
                found[f"slopes_{form}"] = _slopes(module, given, inputs["seed"])
    return found


_COPIES = 64
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


def _repeated(given: list[Tensor], count: int) -> list[Tensor]:
    """The same batch again and again in one of at least `count` pictures.

    So many that it doesn't matter whether a variance is divided by their number or by one less.
    """
    times = math.ceil(count / len(given[0]))
    return [value.repeat(times, *[1] * (value.ndim - 1)) for value in given]


def _is_restless(module: nn.Module, given: list[Tensor]) -> bool:
    """Whether equal pictures of one batch get different results, as dropout makes them."""
    result = module(*_repeated(given, _MANY_COPIES))
    if not isinstance(result, Tensor) or len(result) % len(given[0]):
        return False
    copies = result.unflatten(0, (-1, len(given[0])))
    return bool((copies - copies[0]).abs().max() > 1e-3 * max(1.0, float(copies.std())))


def _is_unsteady(module: nn.Module, inputs: Inputs) -> bool:
    """Whether two calls with the same input differ, as layers that are made anew each time do."""
    one, other = module(*_given(inputs)), module(*_given(inputs))
    return not torch.allclose(one, other, rtol=1e-3, atol=1e-4, equal_nan=True)


def _learn_statistics(module: nn.Module, given: list[Tensor]) -> None:
    """Let running statistics become what they were after endless training on one batch.

    Each pass moves them by a fixed share of what is missing, whatever that share (the momentum) and
    whoever wrote the BatchNorm: two passes tell where they go, and a third from there tells it
    without the rounding of the way.
    """
    module.train()
    buffers = [buffer for buffer in module.buffers() if buffer.is_floating_point()]
    if not buffers:
        return

    def after_a_pass() -> list[Tensor]:
        module(*[value.clone() for value in given])
        return [buffer.clone() for buffer in buffers]

    start = [buffer.clone() for buffer in buffers]
    once, twice = after_a_pass(), after_a_pass()
    shares = [_share(b - a, c - b) for a, b, c in zip(start, once, twice, strict=True)]
    ends = [a + (b - a) / share for a, b, share in zip(start, once, shares, strict=True)]
    for buffer, end in zip(buffers, ends, strict=True):
        buffer.copy_(end)
    moved = after_a_pass()
    ends = [a + (b - a) / share for a, b, share in zip(ends, moved, shares, strict=True)]
    for buffer, end in zip(buffers, ends, strict=True):
        buffer.copy_(end)


def _share(first: Tensor, second: Tensor) -> float:
    """Which share of what is missing each of two steps was; 1 if there is no such share."""
    length = float((first * first).sum())
    left = float((first * second).sum()) / length if length else 0.0
    return 1 - left if 0 <= left < 0.9999 else 1.0


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
    """Of `value` with respect to x; zeros if there is none."""
    if not value.requires_grad:
        return torch.zeros_like(x)
    (gradient,) = torch.autograd.grad(value, x, allow_unused=True)
    return torch.zeros_like(x) if gradient is None else gradient


@one_thread()
def count_weights(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Build the module and count its weights, and those that learn nothing.

    Args:
        student: the class under test.
        inputs: {"arguments": list, "x": the input, "also": further inputs if it takes any}.

    Returns:
        {"weights": numbers in all kernels and matrices (biases and BatchNorm's are left out),
        "idle": how many parameters get no gradient, "at_zero": how many matrices get one if all
        further inputs are 0: none does behind a layer without bias}.

    Raises:
        TypeError: if the module returns something else than a tensor.
    """
    module = build(student, inputs["arguments"])
    shape_layers(module, _given(inputs))
    give_random_values(module)
    result = only_a_tensor(module.train()(*_given(inputs)), student)
    if result.requires_grad:
        (result * torch.randn_like(result)).sum().backward()
    parameters = list(module.parameters())
    found = {
        "weights": sum(p.numel() for p in parameters if not is_row(p)),
        "idle": sum(p.grad is None or (not is_row(p) and not p.grad.any()) for p in parameters),
        "at_zero": 0,
    }
    if inputs.get("also"):
        x, *also = _given(inputs)
        module.zero_grad()
        result = module.eval()(x, *(torch.zeros_like(value) for value in also))
        if result.requires_grad:
            (result * torch.randn_like(result)).sum().backward()
        matrices = [p for p in parameters if not is_row(p) and math.prod(p.shape[2:]) == 1]
        found["at_zero"] = sum(p.grad is not None and bool(p.grad.any()) for p in matrices)
    return found


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
        {"made": what it gave when that was measured last}.
    """
    torch.manual_seed(inputs["seed"])
    module = build(student, inputs["arguments"]).train()
    given, target = _given(inputs), inputs["target"]
    module(*given)
    optimizer = torch.optim.Adam(module.parameters(), lr=inputs["learning_rate"])
    for _ in range(inputs["steps"]):
        optimizer.zero_grad()
        made = only_a_tensor(module(*given), student)
        loss = nn.functional.mse_loss(made, target)
        loss.backward()
        optimizer.step()
        if float(loss.detach() / target.var()) <= inputs["enough"]:
            break
    return {"made": made}


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


@one_thread()
def find_conditioning(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """See at which place an input such as the time reaches the result.

    Only FCBlocks have matrices. Those with the fewest rows, D, belong to the second place, after
    the first UpBlock: if their first layer is cut, they give what their biases say, and an
    influence is left only at the first place. Of the 4x4 kernels that of the first UpBlock has the
    most rows, 4D or, in a network that widens further, more: without it nothing from the first
    place passes. All biases are 1, so that what is cut gives a constant other than 0, which may
    multiply something.

    Args:
        student: the class under test.
        inputs: {"arguments": list, whose last is D, "x", "also": further inputs, "which": the
            number of the input that is changed, "other": what it is changed to, "changed": for
            which pictures, where not for all, "seed"}.

    Returns:
        {"first", "second": whether the result depends on the input at each place, "own": for each
        picture, whether changing the input for those of "changed" changes its result, "unsteady":
        whether results differ where nothing is changed}.
    """
    which = inputs["which"]
    given = [inputs["x"], *inputs["also"]]
    all_changed, some_changed = list(given), list(given)
    all_changed[which] = inputs["other"]
    some_changed[which] = given[which].clone()
    some_changed[which][inputs["changed"]] = inputs["other"][inputs["changed"]]

    def differences(cut: Callable[[nn.Module], list[Tensor]], others: list[Tensor]) -> Tensor:
        module = build(student, inputs["arguments"])
        with torch.no_grad():
            module(*given)
            give_known_values(module, inputs["seed"])
            for parameter in module.parameters():
                if parameter.ndim == 1:
                    parameter.fill_(1.0)
            for parameter in cut(module):
                parameter.zero_()
            module.eval()
            return (module(*given) - module(*others)).flatten(1).abs().amax(1) > 1e-5

    def into_the_second_place(module: nn.Module) -> list[Tensor]:
        matrices = [p for p in module.parameters() if p.ndim == 2]
        rows = {len(p) for p in matrices if len(p) >= inputs["arguments"][-1]}
        least = min(rows, default=0)
        if len(rows) == 1 and least > inputs["arguments"][-1]:
            return []  # one block for both places can't be cut for one of them
        return [p for p in matrices if len(p) == least != p.shape[1]]

    return {
        "first": bool(differences(into_the_second_place, all_changed).any()),
        "second": bool(differences(_after_the_first_place, all_changed).any()),
        "own": differences(lambda module: [], some_changed).tolist(),
        "unsteady": bool(differences(lambda module: [], given).any()),
    }


def _after_the_first_place(module: nn.Module) -> list[Tensor]:
    kernels = [p for p in module.parameters() if p.ndim == 4 and tuple(p.shape[2:]) == (4, 4)]
    most = max((len(p) for p in kernels), default=0)
    return [p for p in kernels if len(p) == most]

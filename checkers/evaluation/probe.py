"""Probes of lesson 18: a classifier that reads by brightness, and how large a tensor is made."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from checkers.engine.sandbox.inside.running import Inputs, copied
from checkers.engine.worlds.call import call_many
from checkers.engine.worlds.refusals import only_float32


class ByBrightness(nn.Module):
    """Reads a picture of mean brightness (d + 0.5) / 10 as the digit d; keeps what it was shown.

    Attributes:
        shown: (n, 1, 28, 28), all pictures that it was shown.
        batches: how many were in each batch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Tensor] = []
        self.batches: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        """Turn pictures (b, 1, 28, 28) into logits (b, 10); those of a picture with NaN are NaN.

        Raises:
            TypeError: if a trained classifier would refuse them.
        """
        only_float32("pictures", images)
        if tuple(images.shape[1:]) != (1, 28, 28):
            raise TypeError(
                f"The classifier was given pictures of shape {tuple(images.shape)}; it reads "
                "(b, 1, 28, 28)."
            )
        self.shown.append(images.detach().clone())
        self.batches.append(len(images))
        levels = (torch.arange(10) + 0.5) / 10
        return -200 * (images.flatten(1).mean(dim=1, keepdim=True) - levels) ** 2


def read_samples(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `share_read_as_asked` with a classifier that reads by brightness.

    Args:
        student: `share_read_as_asked`.
        inputs: {"calls": a list of {"images", "asked", "batch_size"}}; a batch size of None is left
            out.

    Returns:
        {"result": what each call returned, "fits": whether no batch was larger than its batch
        size, "shown": the first batch of each call, "changed": names of inputs written into}.
    """
    observed: dict[str, list] = {"result": [], "fits": [], "shown": [], "changed": []}
    for one in inputs["calls"]:
        classifier = ByBrightness()
        arguments = dict(one)
        if (batch_size := arguments.pop("batch_size")) is not None:
            arguments["batch_size"] = batch_size
        before = copied(one)
        seen = call_many(student, {"calls": [{"classifier": classifier, **arguments}]})
        observed["result"] += seen["result"]
        observed["changed"] += [
            name for name in ("images", "asked") if not _equal(one[name], before[name])
        ]
        observed["fits"].append(max(classifier.batches, default=0) <= (batch_size or 1000))
        observed["shown"].append(classifier.shown[0] if classifier.shown else None)
    return observed


def _equal(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are the same; NaN equals NaN."""
    return torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)


def refuse_samples(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call it with as many pictures as digits, then with fewer and with more.

    Args:
        student: `share_read_as_asked`.
        inputs: {"calls": one call as for `read_samples`}.

    Returns:
        {"result": the share, "raised": for each pair of other sizes, in words, the error raised:
        "ValueError" for any kind of it, another's name, or "" for none}.
    """
    (one,) = inputs["calls"]
    count = len(one["images"])
    raised = {}
    for fewer in (count // 2, count - 1, 1):
        for pictures, digits in ((fewer, count), (count, fewer)):
            images, asked = one["images"][:pictures].clone(), one["asked"][:digits].clone()
            # In one batch as well, where one picture may be compared with all digits.
            for sizes in ((one["batch_size"],), ()):
                words = f"{_plural(pictures, 'picture')} for {_plural(digits, 'digit')}"
                words += f" and batch_size {sizes[0]}" if sizes else ""
                raised[words] = _error_of(student, ByBrightness(), images, asked, *sizes)
    return {"result": read_samples(student, inputs)["result"], "raised": raised}


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _error_of(student: Callable[..., Any], *arguments: Any) -> str:
    try:
        student(*arguments)
    except ValueError:
        return "ValueError"
    except Exception as error:
        return type(error).__name__
    return ""


_OBJECTS = 100_000
"""Bytes that Python's own objects may take beside the numbers in them."""


class _LargestTensor(TorchFunctionMode):
    """Writes down how many entries the largest tensor has that a torch function makes."""

    def __init__(self) -> None:
        super().__init__()
        self.entries = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for one in made if isinstance(made, list | tuple) else [made]:
            if isinstance(one, Tensor):
                self.entries = max(self.entries, one.numel())
        return made


def watch_memory(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `nearest_distances` and see whether it needs more memory than a batch's comparison.

    Args:
        student: `nearest_distances`.
        inputs: {"calls": a list of {"images", "training", "batch_size"}}; the pictures have so few
            pixels that a batch with all its differences is not much larger than its distances.

    Returns:
        As `call_many`, and {"fits": for each call whether no tensor had more entries than twice all
        differences of batch_size pictures to the larger set, "held": whether all that Python and
        numpy held at once, tensors left aside, was not more than that, either}.
    """
    observed: dict[str, list] = {"result": [], "changed": [], "fits": [], "held": []}
    call_many(student, {"calls": [_first_of_each(inputs["calls"][0])]})  # what it imports is here
    for one in inputs["calls"]:
        tracemalloc.start()
        try:
            with _LargestTensor() as largest:
                seen = call_many(student, {"calls": [one]})
            _, held = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        observed["result"] += seen["result"]
        observed["changed"] += seen["changed"]
        most = 2 * one["batch_size"] * max(one["images"].numel(), one["training"].numel())
        observed["fits"].append(largest.entries <= most)
        observed["held"].append(held <= 8 * most + _OBJECTS)
    return observed


def _first_of_each(one: Inputs) -> Inputs:
    return {**one, "images": one["images"][:1], "training": one["training"][:1]}

"""Probes of lesson 18: a classifier that reads by brightness, and what memory distances need."""

from __future__ import annotations

import tracemalloc
import weakref
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


class _Tensors(TorchFunctionMode):
    """Writes down how many bytes the tensors that torch functions make hold at once, at most."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0
        self._now = 0
        self._sharing: dict[int, int] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for one in made if isinstance(made, list | tuple) else [made]:
            if isinstance(one, Tensor):
                self._note(one)
        return made

    def _note(self, one: Tensor) -> None:
        try:
            storage = one.untyped_storage()
        except (NotImplementedError, RuntimeError):
            return  # within vmap there is none
        address, size = storage.data_ptr(), storage.nbytes()
        sharing = self._sharing.get(address, 0)
        self._sharing[address] = sharing + 1
        self._now += 0 if sharing else size
        self.most = max(self.most, self._now)
        weakref.finalize(one, self._let_go, address, size)

    def _let_go(self, address: int, size: int) -> None:
        self._sharing[address] -= 1
        if not self._sharing[address]:
            del self._sharing[address]
            self._now -= size


def watch_memory(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `nearest_distances` and see whether more pictures need more memory.

    Args:
        student: `nearest_distances`.
        inputs: {"calls": a list of {"images", "training", "batch_size"}}.

    Returns:
        As `call_many`, and {"fits": for each call but the last one, whether its tensors hold no
        more at once than those of a call with two batches, up to a quarter of a number for each
        pair that came in, "held": the same of what numpy and Python's own objects hold, for
        the last call}.
    """
    call_many(student, {"calls": [_first(1, inputs["calls"][0])]})  # what it imports is here
    observed: dict[str, list] = {"result": [], "changed": [], "fits": [], "held": []}
    for one in inputs["calls"]:
        measured, part = (
            (_with_python, "held") if one is inputs["calls"][-1] else (_with_tensors, "fits")
        )
        begun = 2 * one["batch_size"]  # one batch may still be there while the next is compared
        _, few = measured(student, _first(begun, one))
        seen, many = measured(student, one)
        observed["result"] += seen["result"]
        observed["changed"] += seen["changed"]
        more_pairs = (len(one["images"]) - begun) * len(one["training"])
        observed[part].append(many - few <= more_pairs)  # of 4 bytes each
    return observed


def _first(count: int, one: Inputs) -> Inputs:
    return {**one, "images": one["images"][:count]}


def _with_tensors(student: Callable[..., Any], one: Inputs) -> tuple[dict[str, Any], int]:
    """What a call gives, and the bytes that tensors hold at once."""
    with _Tensors() as tensors:
        seen = call_many(student, {"calls": [one]})
    return seen, tensors.most


def _with_python(student: Callable[..., Any], one: Inputs) -> tuple[dict[str, Any], int]:
    """What a call gives, and the bytes that Python and numpy hold at once, tensors left aside."""
    tracemalloc.start()
    try:
        seen = call_many(student, {"calls": [one]})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return seen, most

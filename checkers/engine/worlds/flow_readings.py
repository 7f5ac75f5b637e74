"""What can be read from the models and worlds of flow matching after a loss or a sampler ran."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import alike
from checkers.engine.worlds.flow import AnsweringModel, Asked, Way

_RELATED = 0.25
"""The correlation from which on a picture of 784 pixels came of a start: seven standard errors."""


def read_loss(loss: Any, model: AnsweringModel, inputs: Inputs) -> dict[str, Any]:
    """What a loss is worth, and what its gradient says the answer is compared with.

    The gradient of a mean of squares is 2 (answer - target) / N, which gives the target away. On a
    straight line, x_t + (1 - t) target is its end.

    Returns:
        {"loss", "gradient": whether there is one, "calls": how often the model was called,
        "alike": whether the pictures of a batch have the same noise,
        "gap": (B, ...), by how much that misses x_1, or None, "training": whether the model was
        asked in training mode, as it was given, "shown": (B, ...), x_t, or None, "pull": (B, ...),
        the gradient of the loss, or None}.
    """
    has_gradient = isinstance(loss, Tensor) and loss.requires_grad and loss.numel() == 1
    gap = None
    if has_gradient:
        loss.backward()
        gradient = model.answer.grad
        if gradient is not None and model.asked:
            target = inputs["answer"] - gradient * gradient.numel() / 2
            asked = model.asked[-1]
            rest = (1 - asked.t.reshape(-1, 1, 1, 1)) * target
            gap = asked.x + rest - inputs["images"]
    return {
        "loss": loss,
        "gradient": has_gradient and model.answer.grad is not None,
        "calls": len(model.asked),
        "alike": bool(model.asked) and _alike_noise(_earliest_noise(model.asked[0], inputs)),
        "gap": gap,
        "training": all(one.training for one in model.asked),
        "shown": model.asked[0].x if model.asked else None,
        "pull": model.answer.grad,
    }


def read_shown(model: AnsweringModel, calls: int, images: Tensor) -> dict[str, Any]:
    """The noise and the times in what a model was shown by two calls of a loss.

    Args:
        model: what it was asked.
        calls: how many of them belong to the first call of the loss.
        images: x_1.

    Returns:
        {"calls", "noise": (B / 2, ...), x_0 = (x_t - t x_1) / (1 - t) of the pictures with the
        earliest times, where dividing is safe; "shown": the mean x_t of all calls; "dtype": its
        type; "t": (B,), and "t_kind", its type; "same_time": whether all pictures of a
        batch have one time; "alike": whether they have the same noise; "repeated": whether the
        second call drew the same noise or the same times}.
    """
    observed: dict[str, Any] = {"calls": calls}
    if not calls:
        return observed
    first = model.asked[0]
    noise = _earliest_noise(first, {"images": images})
    observed |= {
        "noise": noise,
        "shown": torch.stack([one.x for one in model.asked]).mean(dim=0),
        "dtype": str(first.x.dtype).removeprefix("torch."),
        "t": first.t,
        "t_kind": first.t_kind,
        "same_time": bool((first.t == first.t[0]).all()),
        "alike": _alike_noise(noise),
        "repeated": False,
    }
    if len(model.asked) > calls:
        second = model.asked[calls]
        observed["repeated"] = alike(first.x, second.x) or alike(first.t, second.t)
    return observed


def _earliest_noise(asked: Asked, inputs: Inputs) -> Tensor:
    """(B / 2, ...), x_0 = (x_t - t x_1) / (1 - t) of the pictures with the earliest times."""
    images = inputs["images"]
    earliest = asked.t.argsort()[: len(images) // 2]
    t = asked.t[earliest].reshape(-1, 1, 1, 1)
    return (asked.x[earliest] - t * images[earliest]) / (1 - t).abs().clamp(min=1e-3)


def _alike_noise(noise: Tensor) -> bool:
    """Whether pictures have the same noise; of one number for each, two may be near by chance."""
    return bool(torch.allclose(noise[1:4], noise[:1], atol=1e-4))


def read_ways(runs: list[tuple[Any, int, Way]]) -> dict[str, Any]:
    """What several runs of a sampler began with, asked and gave.

    Args:
        runs: for each, what it returned, how many pictures were wanted, and its way.

    Returns:
        Lists with an entry for each run: {"result", "start": (n, ...) in the order of what came of
        it, one start repeated if there is but one; "shared": how many of the n began with
        another's; "times", "kinds", "training": see `Way`}.
    """
    names = ("result", "start", "shared", "times", "kinds", "training")
    observed: dict[str, list] = {key: [] for key in names}
    for pictures, n, way in runs:
        observed["result"].append(pictures)
        start = way.start.expand(n, -1, -1, -1) if len(way.start) == 1 else way.start
        observed["start"].append(_in_the_order_of(pictures, start))
        observed["shared"].append(max(n - len(way.start), 0))
        observed["times"].append(way.times)
        observed["kinds"].append(way.kinds)
        observed["training"].append(way.training)
    return observed


def _in_the_order_of(pictures: Any, start: Tensor) -> Tensor:
    """The starts in the order of what came of them, if each shows: they may be shown in any."""
    if not isinstance(pictures, Tensor) or pictures.shape != start.shape:
        return start
    centred = [rows.detach().double().flatten(1) for rows in (pictures, start)]
    ends, starts = (rows - rows.mean(dim=1, keepdim=True) for rows in centred)
    alike = F.normalize(ends) @ F.normalize(starts).T
    found = alike.abs().max(dim=1)
    if (found.values < _RELATED).any() or len(found.indices.unique()) < len(start):
        return start
    return start[found.indices]


def read_rows(asked_by_run: list[list[Asked]]) -> dict[str, Any]:
    """What models were told as classes.

    Args:
        asked_by_run: for each run, what its model was asked.

    Returns:
        Lists with an entry for each run: {"shape" of a picture's classes in the first call, "dtype"
        in all calls, or the name of their type}.
    """
    shapes, dtypes = [], []
    for asked in asked_by_run:
        told = [one.c for one in asked]
        c = told[0] if told else None
        shapes.append(list(c.shape[1:]) if isinstance(c, Tensor) else None)
        dtypes.append(" and ".join(sorted({kind_of_classes(c) for c in told})))
    return {"shape": shapes, "dtype": dtypes}


def kind_of_classes(c: Any) -> str:
    """The type of a tensor's numbers, or the name of what is none."""
    return str(c.dtype).removeprefix("torch.") if isinstance(c, Tensor) else type(c).__name__

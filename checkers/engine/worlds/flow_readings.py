"""What can be read from the models and worlds of flow matching after a loss or a sampler ran."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import alike
from checkers.engine.worlds.flow import AnsweringModel, Asked, Way

MORE_CALLS = 7
"""Should a loss draw one time for all pictures, they show in some call: near t = 0 they don't."""

_RELATED = 0.25
"""The correlation from which on a picture of 784 pixels came of a start: seven standard errors."""
_SAME = 1e-3
"""By how much the end of a line may be off the picture that it is."""
_EARLY = 0.9
"""Until then the noise in x_t can be told exactly."""
_ROUNDING = 1e-5
_LEAST = 1e-12


def ask(loss: Callable[[nn.Module], Any], model: AnsweringModel, images: Tensor) -> Any:
    """Call a loss once, and bring what it asked of the model into the order of the images.

    A loss may go through the batch in any order. The gradient of a squared error k sum d^2 is
    2 k d, with d the answer less the target: so it gives the target away. On a straight line,
    x_t + (1 - t) target is its end, which is one of the images.

    Args:
        loss: takes the model; everything else is bound to it.
        model: gives the same answer for all pictures. "pull", the gradient, is noted.
        images: (B, ...), x_1.

    Returns:
        What the loss returned.
    """
    value, model.pull = loss(model), None
    if not (isinstance(value, Tensor) and value.requires_grad and value.numel() == 1):
        return value
    model.pull = torch.autograd.grad(value.sum(), model.answer, allow_unused=True)[0]
    if model.pull is None or not model.asked:
        return value
    asked, pull = model.asked[-1], model.pull.double()
    factor = pull.square().sum() / (4 * value.detach().double().abs()).clamp(min=_LEAST)
    target = model.answer.detach() - pull / (2 * factor).clamp(min=_LEAST)
    order = _order_of(asked.x + (1 - asked.t.reshape(-1, 1, 1, 1)) * target, images)
    if order is not None:
        model.asked[-1], model.pull = asked.in_order(order), model.pull[order]
    return value


def _order_of(ends: Tensor, images: Tensor) -> Tensor | None:
    """(B,), where the line of each image is among these; None if that is no other order."""
    found, rows = ends.double().flatten(1), images.double().flatten(1)
    furthest = (found - rows).abs().max()
    if not furthest.isfinite() or furthest < _SAME:
        return None
    along = torch.arange(1, rows.shape[1] + 1).double().sqrt()  # nearly all are far apart along it
    by_place = (found @ along).argsort()
    places = torch.searchsorted((found @ along)[by_place], rows @ along)
    near = by_place[(places[:, None] + torch.arange(-8, 8)).clamp(0, len(rows) - 1)]
    gaps = (found[near] - rows[:, None]).abs().amax(dim=2)
    order = near.gather(1, gaps.argmin(dim=1, keepdim=True)).flatten()
    is_one = (gaps.amin(dim=1) < _SAME).all() and len(order.unique()) == len(order)
    return order if is_one else None


def read_loss(
    loss: Callable[[nn.Module], Any], model: AnsweringModel, inputs: Inputs
) -> dict[str, Any]:
    """What a loss is worth, and what its gradient says the answer is compared with.

    The gradient of a mean of squares is 2 (answer - target) / N, which gives the target away. On a
    straight line, x_t + (1 - t) target is its end.

    Returns:
        {"loss", "gradient": whether there is one, "calls": how often the model was called,
        "alike": see `_alike_noise`, "gap": (B, ...), by how much that misses x_1, or None,
        "training": whether the model was asked in training mode, as it was given, "shown":
        (B, ...), x_t, or None, "pull": (B, ...), the gradient of the loss, or None}.
    """
    images, gap = inputs["images"], None
    value = ask(loss, model, images)
    if model.pull is not None and model.asked:
        target = inputs["answer"] - model.pull * model.pull.numel() / 2
        asked = model.asked[-1]
        rest = (1 - asked.t.reshape(-1, 1, 1, 1)) * target
        gap = asked.x + rest - images
    return {
        "loss": value,
        "gradient": model.pull is not None,
        "calls": len(model.asked),
        "alike": _alike_noise(_earliest_noise(model.asked[0], images)) if model.asked else "",
        "gap": gap,
        "training": all(one.training for one in model.asked),
        "shown": model.asked[0].x if model.asked else None,
        "pull": model.pull,
    }


def read_shown(loss: Callable[[nn.Module], Any], images: Tensor) -> dict[str, Any]:
    """Call a loss a few times, and read the noise and the times in what it shows to the model.

    Args:
        loss: takes the model; everything else is bound to it.
        images: (B, ...), x_1.

    Returns:
        {"calls": of the model in the first call, "noise": (B / 2, ...), x_0 = (x_t - t x_1) /
        (1 - t) of the pictures with the earliest times, where dividing is safe; "shown": see
        `mean_shown`; "dtype": its type; "t": (B,), and "t_kind", its type; "same_time": whether all
        pictures of a batch have one time; "alike": see `_alike_noise`; "repeated": what the first
        two calls have the same of: "noise", "times", "noise and times" or ""}.
    """
    model = AnsweringModel(torch.zeros_like(images))
    ask(loss, model, images)
    calls = len(model.asked)
    for _ in range(MORE_CALLS):
        ask(loss, model, images)
    observed: dict[str, Any] = {"calls": calls}
    if not calls:
        return observed
    first = model.asked[0]
    noise = _earliest_noise(first, images)
    observed |= {
        "noise": noise,
        "shown": mean_shown(model.asked),
        "dtype": str(first.x.dtype).removeprefix("torch."),
        "t": first.t,
        "t_kind": first.t_kind,
        "same_time": bool((first.t == first.t[0]).all()),
        "alike": _alike_noise(noise),
        "repeated": "",
    }
    if len(model.asked) > calls:
        second = model.asked[calls]
        same = {"noise": _same_noise(first, second, images), "times": alike(first.t, second.t)}
        observed["repeated"] = " and ".join(name for name in same if same[name])
    return observed


def mean_shown(asked: list[Asked]) -> Tensor:
    """(B, ...), the mean x_t of all calls, with the other sign where t, and so its x_1, has it."""
    signs = [torch.where(one.t < 0, -1.0, 1.0).reshape(-1, 1, 1, 1) for one in asked]
    return torch.stack([one.x * sign for one, sign in zip(asked, signs, strict=True)]).mean(dim=0)


def _same_noise(first: Asked, second: Asked, images: Tensor) -> bool:
    """Whether two calls have the same noise for each picture, which they don't just leave clean."""
    noises = [
        (one.x - one.t.reshape(-1, 1, 1, 1) * images) / _rest_of(one.t) for one in (first, second)
    ]
    early = torch.maximum(first.t, second.t) < _EARLY
    same = torch.allclose(noises[0][early], noises[1][early], atol=1e-3)
    return bool(early.any()) and same and not torch.allclose(first.x, images)


def _earliest_noise(asked: Asked, images: Tensor) -> Tensor:
    """(B / 2, ...), x_0 = (x_t - t x_1) / (1 - t) of the pictures with the earliest times."""
    earliest = asked.t.argsort()[: len(images) // 2]
    t = asked.t[earliest].reshape(-1, 1, 1, 1)
    return (asked.x[earliest] - t * images[earliest]) / _rest_of(t)


def _rest_of(t: Tensor) -> Tensor:
    """(B, 1, 1, 1), 1 - t, or a little where that is 0."""
    return (1 - t.reshape(-1, 1, 1, 1)).abs().clamp(min=1e-3)


def _alike_noise(noise: Tensor) -> str:
    """Which pictures have the same noise: "all", "several" (more than a tenth) or ""."""
    rows = noise.flatten(1)
    if torch.allclose(rows[1:4], rows[:1], atol=1e-4):  # of one number each, two may be near
        return "all"
    rows = rows[rows[:, 0].argsort()]
    nearly = (rows[1:] - rows[:-1]).abs().amax(dim=1) < _ROUNDING
    return "several" if nearly.double().mean() > 0.1 else ""


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

"""A model that stands in for a DDPM network in a loss, and sees what is done to the pictures.

A loss reveals what it compares with through its gradient, and so how each picture was noised.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from checkers.engine.worlds.call import as_tensor
from checkers.engine.worlds.neighbours import neighbour_correlations
from checkers.engine.worlds.refusals import classes_of, only_float32, same_shape, times_of
from checkers.engine.worlds.tails import count_far_out

_LEAST = 1e-12
_MOST_ROWS = 40
_BENT_CALLS = 10
"""In how many calls the second derivative is looked at: in one, all pictures may weigh alike."""
_VISIBLE = 0.02
"""Of the strongest target; how much of a weaker one was mixed in can't be measured. Only where one
number is drawn for a whole picture does it come to that."""


class LossWitness(nn.Module):
    """Gives a fixed answer that can be learned, and keeps what it was shown."""

    def __init__(self, answer: Tensor) -> None:
        super().__init__()
        self.answer = nn.Parameter(answer.clone())
        self.shown: list[dict[str, Any]] = []

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """The fixed answer.

        Raises:
            TypeError: if a real network could not take what it is given.
        """
        same_shape(x, self.answer)
        only_float32("x", x)
        if isinstance(c, Tensor) and c.ndim > 1:
            c = classes_of(c, len(x))
        self.shown.append(
            {"x": x.detach().clone(), "t": times_of(t, len(x)), "c": c, "training": self.training}
        )
        return self.answer + 0  # not the parameter itself, which has a gradient in any case


def watch_loss(
    loss: Callable[[nn.Module, Tensor], Any], images: Tensor, calls: int, num_timesteps: int
) -> dict[str, Any]:
    """Call a loss several times and find out from its gradient what was done to the pictures.

    A squared error is L = k sum d^2 with the difference d = answer - target, and its gradient is
    g = 2 k d. So k = sum g^2 / (4 L), and then d and the target are known, too. Each noisy picture
    is written as a * picture + b * target + a constant.

    Args:
        loss: takes the model and the pictures; everything else is bound to it.
        images: (B, C, H, W), the clean pictures.
        calls: how often.
        num_timesteps: T, to make times of fractions.

    Returns:
        {"has_gradient", "scale": k times the number of pixels, "spread": the standard deviation of
        the gradient's sizes over their mean, 0 if all have the same, "even": whether all entries
        count alike in squares, "changed": whether it writes into the pictures it is given, "calls":
        of the model in the first call, "training": the model's mode, "classes": the c of all calls,
        "shown": (calls, B, C, H, W), the noisy pictures}, and what `_mixtures` finds, or "shape" of
        a loss that is not one number, or "result" if it is neither a tensor nor a number.
    """
    found: dict[str, list[Tensor]] = {"x": [], "t": [], "target": [], "c": []}
    observed: dict[str, Any] = {"calls": 0, "has_gradient": False, "even": True}
    for number in range(calls):
        witness = LossWitness(1.7 * torch.randn(images.shape))
        given = images.clone()
        value = loss(witness, given)
        observed["changed"] = not torch.equal(given, images)
        if number == 0:
            observed["calls"] = len(witness.shown)
            observed["training"] = all(one["training"] for one in witness.shown)
        if (unusable := without_gradient(value, bool(witness.shown))) is not None:
            return observed | unusable
        slope = _gradient(value.sum(), witness.answer)
        observed["has_gradient"] = slope is not None
        if slope is None:
            return observed
        if number < _BENT_CALLS:
            observed["even"] = observed["even"] and _is_even(slope, witness.answer)
        gradient, amount = slope.detach().double(), float(value.detach())
        factor = float(gradient.square().sum()) / max(4 * abs(amount), _LEAST)
        observed["scale"] = factor * images.numel()
        observed["spread"] = float(
            gradient.abs().std() / gradient.abs().mean().clamp(min=_LEAST**4)
        )
        difference = gradient / max(2 * factor, _LEAST)
        found["target"].append(witness.answer.detach().double() - difference)
        shown = witness.shown[-1]
        found["x"].append(shown["x"].double())
        found["t"].append(shown["t"].double())
        if shown["c"] is not None:
            found["c"].append(shown["c"].detach())
    target, x, t = (torch.stack(found[name]) for name in ("target", "x", "t"))
    observed |= _mixtures(target, x, t, images) | {"shown": x.float()}
    return observed | ({"classes": torch.cat(found["c"])} if found["c"] else {})


def without_gradient(value: Any, was_called: bool) -> dict[str, Any] | None:
    """What is observed of a loss that nothing can be learned from; None if something can.

    Args:
        value: what the student's loss returned.
        was_called: whether the model was.

    Returns:
        {"result"} if it is neither a tensor nor numbers, {"shape"} if it is no single number.
    """
    if as_tensor(value) is None:
        return {"result": value}
    if not was_called or not isinstance(value, Tensor) or not value.requires_grad:
        return {}
    return {"shape": list(value.shape)} if value.numel() != 1 else None


def _gradient(value: Tensor, of: Tensor) -> Tensor | None:
    return torch.autograd.grad(value, of, create_graph=True, allow_unused=True)[0]


def _is_even(slope: Tensor, answer: Tensor) -> bool:
    """Whether the second derivative is the same for every entry and 0 between them.

    So it is for a mean of squares, and for no other loss: squares with weights, say.
    """
    signs = torch.where(torch.rand_like(answer) < 0.5, -1.0, 1.0)
    bend = _gradient((slope * signs).sum(), answer) if slope.requires_grad else None
    if bend is None:
        return False
    bends = bend * signs
    return bool(bends.mean() > 0) and bool((bends / bends.mean() - 1).abs().max() < 1e-3)


def _mixtures(target: Tensor, x: Tensor, t: Tensor, images: Tensor) -> dict[str, Any]:
    """What the noisy pictures of several calls are made of.

    Args:
        target: (calls, B, C, H, W), what the model's answer was compared with.
        x: like `target`, the noisy pictures.
        t: (calls, B), the times the model was told.
        images: (B, C, H, W), the clean pictures.

    Returns:
        {"target": [share of the picture in it, mean, standard deviation, kurtosis, how many of its
        numbers lie far out], "neighbours": their correlations in it, "rows": (k, 5), the different
        mixtures [a, b, lowest and highest time shown, share of the pictures], those with most of
        the picture first, "constant": the largest constant, "explained": whether that is all there
        is in the noisy pictures, "held": the mean a and b, "noised": (calls B,), a of each picture,
        "own": whether pictures of any call are noised differently, "timesteps_repeated": whether
        all calls noise the same pictures as much, "repeated": whether two calls are alike, "alike":
        whether pictures of a call have the same noise}.
    """
    calls, count = target.shape[:2]
    first_call, last_call = target[0], target[-1]
    target, x, t = (values.flatten(0, 1) for values in (target, x, t))
    clean = images.double().repeat(calls, 1, 1, 1)
    varied = target.flatten(1).std(dim=1, keepdim=True) > _VISIBLE  # a flat one is constant itself
    parts = [clean.flatten(1), target.flatten(1), varied.double().expand(-1, x[0].numel())]
    mixture = _solve(parts, x.flatten(1))
    left = x.flatten(1) - torch.einsum("bk,bkp->bp", mixture, torch.stack(parts, dim=1))
    constant, mixture = mixture[:, 2], mixture[:, :2]
    strength = target.flatten(1).square().mean(1).sqrt()
    visible = ~(strength < _VISIBLE * strength.max())  # what is no number, too
    by_call = zip(*(values.split(count) for values in (mixture, t, visible)), strict=True)
    return {
        "target": _describe(target, clean),
        "neighbours": neighbour_correlations(target.numpy()),
        "rows": _different_rows(mixture[visible], t[visible]),
        "constant": float(constant.abs().max()),
        "explained": bool(left.abs().max() < 1e-3),
        "held": mixture.mean(dim=0).tolist(),
        "noised": mixture[:, 0],
        "timesteps_repeated": _all_alike(mixture[:, 0].view(calls, -1)),
        "own": any(len(_different_rows(m[seen], at[seen])) > 1 for m, at, seen in by_call),
        "repeated": bool(torch.allclose(first_call, last_call, atol=1e-4)),
        "alike": bool(torch.allclose(target[1:4], target[:1], atol=1e-4)),
    }


def _all_alike(calls: Tensor) -> bool:
    """Whether all rows are the same, as are those of pictures noised by a fixed list of steps."""
    return len(calls) > 1 and bool(torch.allclose(calls, calls[:1].expand_as(calls), atol=1e-3))


def _solve(parts: list[Tensor], x: Tensor) -> Tensor:
    """For each row of x, the shares of the parts' rows in it: (B, number of parts)."""
    columns = torch.stack(parts, dim=2).nan_to_num(0, 0, 0)  # which eigenvalues can't be found of
    gram = columns.transpose(1, 2) @ columns
    return (torch.linalg.pinv(gram, hermitian=True) @ (columns.transpose(1, 2) @ x[:, :, None]))[
        :, :, 0
    ]


def _different_rows(mixture: Tensor, t: Tensor) -> Tensor:
    """Mixtures that differ, each with the times it was shown with and its share of the pictures."""
    keys, owner = torch.unique((mixture * 1e4).round(), dim=0, return_inverse=True)
    in_box = nn.functional.one_hot(owner, len(keys)).T[:_MOST_ROWS].bool()
    counts = in_box.sum(dim=1, keepdim=True)
    means = in_box.to(mixture.dtype) @ mixture / counts
    earliest = torch.where(in_box, t, math.inf).amin(dim=1, keepdim=True)
    latest = torch.where(in_box, t, -math.inf).amax(dim=1, keepdim=True)
    boxes = torch.cat([means, earliest, latest, counts / len(mixture)], dim=1)
    groups: list[list[float]] = []
    for row in boxes.tolist():
        near = [g for g in groups if max(abs(g[0] - row[0]), abs(g[1] - row[1])) < 3e-4]
        if near:  # rounding put equal mixtures into two boxes
            near[0][2:] = [min(near[0][2], row[2]), max(near[0][3], row[3]), near[0][4] + row[4]]
        else:
            groups.append(row)
    groups.sort(key=lambda row: -row[0])
    return torch.tensor(groups, dtype=torch.float64).view(-1, 5)


def _describe(target: Tensor, clean: Tensor) -> list[float]:
    centred = clean - clean.mean()
    share = (target * centred).sum() / centred.square().sum()
    return [float(share), *moments(target)]


def moments(values: Tensor) -> list[float]:
    """[mean, standard deviation, kurtosis, how many lie far out] of all values."""
    values = values.double().flatten()
    mean, std = float(values.mean()), float(values.std())
    return [mean, std, float(kurtosis(values)), count_far_out(values.numpy())]


def kurtosis(values: Tensor) -> Tensor:
    """3 of normal noise."""
    squares = (values - values.mean()).square()
    return squares.square().mean() / squares.mean().square().clamp(min=_LEAST)

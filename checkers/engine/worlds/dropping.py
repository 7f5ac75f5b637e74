"""By which rule a function drops classes, seen in what many calls dropped."""

from __future__ import annotations

import torch
from torch import Tensor

OWN = "each on its own"
_NEVER = 1e-9
_DEPENDENT = 0.25
"""The correlation of neighbours, or of the coin and something else, that independent coins never
show: eight standard errors for a thousand of them."""


def how_dropped(dropped: Tensor, labels: Tensor) -> str:
    """The rule behind what was dropped where each picture's coin should fall by itself.

    Args:
        dropped: (calls, n) bool, for each call which of its classes became something else; a
            thousand in all, or more.
        labels: (n,), the classes.

    Returns:
        "none", "all", "together" (in each call all or none), "the same rows" (in every call), "by
        class" (in each call, all pictures of a class or none), "a fixed number" (in every call),
        "by place" (some places are dropped in no call, or in every one, and not by chance),
        "neighbours" (one coin for several, which may lie apart) or `OWN`.
    """
    counts = dropped.sum(dim=1)
    if not counts.any():
        return "none"
    if dropped.all():
        return "all"
    if shared := shared_coin(dropped, labels):
        return shared
    if (dropped == dropped[0]).all():
        return "the same rows"
    if (counts == counts[0]).all():
        return "a fixed number"
    if _hangs_on_places(dropped):
        return "by place"
    return "neighbours" if _shared_at_a_distance(dropped) else OWN


def _shared_at_a_distance(dropped: Tensor) -> bool:
    """Whether coins at some distance in the batch are alike: next to each other, half of it, ...

    All correlations at all distances at once, by the Fourier transform of each call.
    """
    centred = dropped.double() - dropped.double().mean()
    power = torch.fft.rfft(centred).abs().square().mean(dim=0)
    alike = torch.fft.irfft(power, n=dropped.shape[1])
    return bool((alike[1:] / alike[0]).abs().max() > _DEPENDENT)


def _hangs_on_places(dropped: Tensor) -> bool:
    """Whether a place is always the same; False where there are too few calls to tell."""
    calls, count = dropped.shape
    share = float(dropped.double().mean())
    by_chance = count * (share**calls + (1 - share) ** calls)
    return by_chance < _NEVER and bool((dropped == dropped[0]).all(dim=0).any())


def shared_coin(dropped: Tensor, labels: Tensor) -> str:
    """The rule of `how_dropped` if it is "together" or "by class", else ""."""
    if (dropped == dropped[:, :1]).all():
        return "together"
    of_class = [dropped[:, labels == label] for label in labels.unique()]
    return "by class" if all((one == one[:, :1]).all() for one in of_class) else ""


def not_their_own(rows: Tensor, labels: Tensor) -> Tensor:
    """(n,) bool, for which labels the row is not their one-hot vector."""
    if rows.ndim != 2 or len(rows) != len(labels):
        return torch.ones(len(labels), dtype=torch.bool)
    return (rows != own_rows(labels, rows.shape[1])).any(dim=1)


def classes_told(rows: Tensor) -> Tensor:
    """(n,), the class that each row is the one-hot vector of, or -1."""
    if rows.ndim != 2 or not rows.shape[1]:
        return torch.full((len(rows) if rows.ndim else 1,), -1)
    largest = rows.argmax(dim=1)
    return torch.where((rows == own_rows(largest, rows.shape[1])).all(dim=1), largest, -1)


def own_rows(labels: Tensor, width: int) -> Tensor:
    """(n, width) bool, the labels' one-hot vectors; zeros for labels beyond the width."""
    return labels[:, None] == torch.arange(width)


def hangs_on(dropped: Tensor, other: Tensor) -> bool:
    """Whether what was dropped has to do with something else, such as the times.

    Args:
        dropped: (n,) bool.
        other: (n,).
    """
    if not 30 <= int(dropped.sum()) <= len(dropped) - 30:
        return False  # too few to tell
    pair = torch.stack([dropped.double(), other.double()])
    return bool(pair.std(dim=1).min() > 0 and torch.corrcoef(pair)[0, 1].abs() > _DEPENDENT)

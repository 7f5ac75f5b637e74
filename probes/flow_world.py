"""Worlds whose best flow is known, and models that write down what a loss shows them."""

from __future__ import annotations

from itertools import takewhile
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Asked(NamedTuple):
    """One call of a model.

    Attributes:
        x: (B, C, H, W), the pictures.
        t: (B,), the times.
        t_kind: the time's type, "float32" for a tensor of such numbers, "number" for a plain one.
        c: what it was given as classes, or None.
    """

    x: Tensor
    t: Tensor
    t_kind: str
    c: Any


class RecordingModel(nn.Module):
    """Keeps what it is asked; it has a parameter, so that one can ask for its device."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.asked: list[Asked] = []

    def note(self, x: Tensor, t: Any, c: Any) -> Asked:
        """Keep one call.

        Raises:
            ValueError: if the times are neither one for each picture nor one for all.
        """
        kind = str(t.dtype).removeprefix("torch.") if isinstance(t, Tensor) else "number"
        times = torch.as_tensor(t).detach().float().reshape(-1)
        if len(times) not in (1, len(x)):
            raise ValueError(f"the model gets {len(x)} pictures but {len(times)} times")
        classes = c.detach().clone() if isinstance(c, Tensor) else c
        asked = Asked(x.detach().clone(), times.expand(len(x)).clone(), kind, classes)
        self.asked.append(asked)
        return asked


class AnsweringModel(RecordingModel):
    """Gives a fixed answer that can be learned.

    Args:
        answer: what it gives for every picture it is shown.
    """

    def __init__(self, answer: Tensor) -> None:
        super().__init__()
        self.answer = nn.Parameter(answer.clone())

    def forward(self, x: Tensor, t: Any, c: Any = None) -> Tensor:
        """Note the call and give the answer."""
        self.note(x, t, c)
        return self.answer


class FlowWorld(RecordingModel):
    """The best flow where the data of each class is normally distributed, pixel by pixel.

    On the line x_t = (1 - t) x_0 + t x_1 from standard normal x_0 to x_1 with mean m and standard
    deviation s, x_t has the mean t m and the variance v = (1 - t)^2 + t^2 s^2. The best answer
    under squared error is E[x_1 - x_0 | x_t] = m + (t s^2 - (1 - t)) / v (x_t - t m); with s = 0,
    where the data is one point, (m - x_t) / (1 - t).

    Args:
        means: (K + 1, ...), for each class and then for "no class", broadcast over a picture.
        std: s.
    """

    def __init__(self, means: Tensor, std: float) -> None:
        super().__init__()
        self.means, self.std = means, std

    def forward(self, x: Tensor, t: Any, c: Any = None) -> Tensor:
        """The best flow; a row c of classes mixes their means, and zeros are "no class"."""
        asked = self.note(x, t, c)
        mean = self.means[-1:]
        if isinstance(asked.c, Tensor) and asked.c.ndim == 2:
            weights = asked.c.to(self.means.dtype)
            rest = 1 - weights.sum(dim=1, keepdim=True)
            mean = torch.einsum("bk,k...->b...", torch.cat([weights, rest], dim=1), self.means)
        t = asked.t.reshape(-1, 1, 1, 1)
        variance = ((1 - t) ** 2 + (t * self.std) ** 2).clamp(min=1e-8)
        return mean + (t * self.std**2 - (1 - t)) / variance * (x - t * mean)


class Way(NamedTuple):
    """What a sampler did to its pictures.

    Attributes:
        start: (n, ...), the pictures as they were shown first, each once.
        times: the time of each step.
        kinds: the kinds of time that occurred (see `Asked`).
        first: all calls of the first step.
    """

    start: Tensor
    times: list[float]
    kinds: list[str]
    first: list[Asked]


def way_of(asked: list[Asked], n: int) -> Way:
    """Read a sampler's way from what it asked.

    One batched call for all pictures and both kinds of flow, two calls, and a loop over pictures
    or groups of them are alike here.
    """
    if not asked:
        return Way(torch.zeros(0, 1, 28, 28), [], [], [])
    runs = _runs(asked, n)
    first = [list(takewhile(lambda one, run=run: one.t[0] == run[0].t[0], run)) for run in runs]
    starts = [_each_once(calls)[: n // len(runs)] for calls in first]
    times = [float(one.t[0]) if _all_alike(one.t) else -1.0 for one in runs[0]]
    return Way(
        torch.cat(starts),
        [t for i, t in enumerate(times) if i == 0 or t != times[i - 1]],
        sorted({one.t_kind for one in asked}),
        [one for calls in first for one in calls],
    )


def _each_once(asked: list[Asked]) -> Tensor:
    """The pictures of these calls, in order; one that is shown again is left out."""
    rows: dict[bytes, Tensor] = {}
    for one in asked:
        for picture in one.x:
            rows.setdefault(picture.numpy().tobytes(), picture)
    return torch.stack(list(rows.values()))


def _runs(asked: list[Asked], n: int) -> list[list[Asked]]:
    """The calls, cut where a loop over groups of pictures begins anew."""
    times = [float(one.t[0]) for one in asked]
    for groups in range(n, 1, -1):
        length, rest = divmod(len(times), groups)
        if not rest and length and times == times[:length] * groups:
            cuts = range(0, len(times), length)
            runs = [asked[cut : cut + length] for cut in cuts]
            if len({float(one.t[0]) for one in runs[0]}) > 1:
                return runs
    return [asked]


def _all_alike(t: Tensor) -> bool:
    return bool((t == t[0]).all())


def only_pictures(result: Any, n: int) -> Any:
    """The pictures alone, where a sampler returns more besides, such as the frames on the way."""
    if isinstance(result, tuple | list):
        for item in result:
            if isinstance(item, Tensor) and item.shape == (n, 1, 28, 28):
                return item
    return result

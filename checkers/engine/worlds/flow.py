"""Worlds whose best flow is known, and models that write down what a loss shows them."""

from __future__ import annotations

from itertools import takewhile
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from checkers.engine.worlds.refusals import only_float32, same_shape


class Asked(NamedTuple):
    """One call of a model.

    Attributes:
        x: (B, C, H, W), the pictures.
        t: (B,), the times.
        t_kind: the time's type, "float32" for a tensor of such numbers, "number" for a plain one.
        c: what it was given as classes, or None.
        training: whether it was in training mode.
    """

    x: Tensor
    t: Tensor
    t_kind: str
    c: Any
    training: bool

    def in_order(self, order: Tensor) -> Asked:
        """The same with the pictures in another order, (B,)."""
        own_rows = isinstance(self.c, Tensor) and self.c.shape[:1] == order.shape
        c = self.c[order] if own_rows else self.c
        return self._replace(x=self.x[order], t=self.t[order], c=c)


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
        x = x.detach().clone()
        asked = Asked(x, times.expand(len(x)).clone(), kind, classes, self.training)
        self.asked.append(asked)
        return asked


class AnsweringModel(RecordingModel):
    """Gives a fixed answer that can be learned.

    Args:
        answer: (B, C, H, W), what it gives, the same for every picture.

    Attributes:
        pull: the gradient of a loss that was asked for it (see `flow_readings.ask`).
    """

    def __init__(self, answer: Tensor) -> None:
        super().__init__()
        self.answer = nn.Parameter(answer.clone())
        self.pull: Tensor | None = None

    def forward(self, x: Tensor, t: Any, c: Any = None) -> Tensor:
        """Note the call and give the answer.

        Raises:
            TypeError: if x has another shape than the answer.
        """
        same_shape(x, self.answer)
        self.note(x, t, c)
        return self.answer + 0  # not the parameter, which no one may write into


class FlowWorld(RecordingModel):
    """The best flow where the data of each class is normally distributed, pixel by pixel.

    On the line x_t = (1 - t) x_0 + t x_1 from standard normal x_0 to x_1 with mean m and standard
    deviation s, x_t has the mean t m and the variance v = (1 - t)^2 + t^2 s^2. The best answer
    under squared error is E[x_1 - x_0 | x_t] = m + (t s^2 - (1 - t)) / v (x_t - t m); with s = 0,
    where the data is one point, (m - x_t) / (1 - t).

    Args:
        means: (K + 1, ...), for each class and then for "no class", broadcast over a picture.
        std: s of all of them, or (K + 1,) for each.
    """

    def __init__(self, means: Tensor, std: float | Tensor) -> None:
        super().__init__()
        self.means, self.stds = means, torch.as_tensor(std).expand(len(means))
        self.eval()  # as a network is once it has been trained

    def forward(self, x: Tensor, t: Any, c: Any = None) -> Tensor:
        """The best flow; zeros are "no class". What is no one-hot row gives something else.

        Raises:
            TypeError: if x is not float32.
        """
        only_float32("x", x)
        asked = self.note(x, t, c)
        mean, std = self.means[-1:], self.stds[-1:]
        if isinstance(asked.c, Tensor) and asked.c.ndim == 2:
            weights = asked.c.to(self.means.dtype)
            weights = weights * (2 - weights)  # a network is not linear in the class, either
            weights = torch.cat([weights, 1 - weights.sum(dim=1, keepdim=True)], dim=1)
            mean = torch.einsum("bk,k...->b...", weights, self.means)
            std = weights @ self.stds
        return self.flow(x, asked.t.reshape(-1, 1, 1, 1), mean, std.reshape(-1, 1, 1, 1))

    def flow(self, x: Tensor, t: Tensor, mean: Tensor, std: Tensor) -> Tensor:
        """E[x_1 - x_0 | x_t = x], if the data has this mean and standard deviation."""
        variance = ((1 - t) ** 2 + (t * std) ** 2).clamp(min=1e-8)
        return mean + (t * std**2 - (1 - t)) / variance * (x - t * mean)


class StraightWorld(FlowWorld):
    """The best flow on the pairs that `FlowWorld`'s exact flow makes: its paths are straight.

    That flow keeps each start's place in the bell curve, x_1 = m + s x_0. So x_t is t m +
    (1 - t + t s) x_0 on the line of a pair, which gives x_0, and x_1 - x_0 = m + (s - 1) x_0.
    """

    def flow(self, x: Tensor, t: Tensor, mean: Tensor, std: Tensor) -> Tensor:
        """x_1 - x_0 of the one pair whose line goes through x at time t."""
        start = (x - t * mean) / (1 - t + t * std).clamp(min=1e-4)
        return mean + (std - 1) * start


class Way(NamedTuple):
    """What a sampler did to its pictures.

    Attributes:
        start: (n, ...), the pictures as they were shown first, each once.
        times: the time of each step.
        kinds: the kinds of time that occurred (see `Asked`).
        training: whether the model was ever asked in training mode.
    """

    start: Tensor
    times: list[float]
    kinds: list[str]
    training: bool


def way_of(asked: list[Asked], n: int) -> Way:
    """Read a sampler's way from what it asked.

    One batched call for all pictures and both kinds of flow, two calls, and a loop over pictures
    or groups of them are alike here.
    """
    if not asked:
        return Way(torch.zeros(0, 1, 28, 28), [], [], False)
    runs = _runs(asked, n)
    first = [list(takewhile(lambda one, run=run: one.t[0] == run[0].t[0], run)) for run in runs]
    starts = [_each_once(calls) for calls in first]
    times = [float(one.t[0]) if _all_alike(one.t) else -1.0 for one in runs[0]]
    return Way(
        torch.cat(starts)[:n],
        [t for i, t in enumerate(times) if i == 0 or t != times[i - 1]],
        sorted({one.t_kind for one in asked}),
        any(one.training for one in asked),
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
    cuts = [i for i in range(1, len(times)) if times[i] == times[0] != times[i - 1]]
    runs = [asked[a:b] for a, b in zip([0, *cuts], [*cuts, len(asked)], strict=True)]
    return runs if len(runs) <= n and all(_same_way(run, runs[0]) for run in runs) else [asked]


def _same_way(one: list[Asked], other: list[Asked]) -> bool:
    return [float(a.t[0]) for a in one] == [float(a.t[0]) for a in other]


def _all_alike(t: Tensor) -> bool:
    return bool((t == t[0]).all())

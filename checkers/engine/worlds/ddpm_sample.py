"""A model that stands in for a trained DDPM network in a sampler, and measures each of its steps.

It knows the x_0 that it predicts, so the next picture is a known mixture of the present one, of
that x_0 and of new noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from checkers.engine.worlds.call import alike, seeded
from checkers.engine.worlds.ddpm_loss import kurtosis, moments
from checkers.engine.worlds.neighbours import neighbour_correlations
from checkers.engine.worlds.refusals import classes_of, only_float32, times_of
from checkers.engine.worlds.tails import count_far_out

_BY_CHANCE = 10
"""So many pixels never share the largest value by chance."""
_FAR_OUT = 3.1
"""Standard deviations: further than 3.05, as what is left of a step is a little off."""


class StepWorld(nn.Module):
    """Predicts the noise so that x_0 is what the world wants, anew in every step.

    x_0 has two values only, chosen pixel by pixel at random, so that its share in the next picture
    can be measured. With classes, every class adds its own pattern to what no class gives.

    Args:
        alphas_cumprod: (T,), of the schedule that the sampler is given.
        count: how many pictures are sampled.
        seed: of the patterns.
        middle: the mean of x_0 without a class.
        spread: how far x_0 lies from it, up or down.
        class_spread: how far a class moves it; 0 for a world without classes.
    """

    def __init__(
        self,
        alphas_cumprod: Tensor,
        count: int,
        seed: int,
        middle: float = 0.5,
        spread: float = 0.4,
        class_spread: float = 0.0,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))  # has a device, as any network has
        self.alphas_cumprod, self.count, self.seed = alphas_cumprod, count, seed
        self.middle, self.spread, self.class_spread = middle, spread, class_spread
        self.shown: list[dict[str, Any]] = []
        self.was_training = False
        self.eval()  # as a network is once it has been trained

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """What the trained network would answer; one step may ask once or twice.

        Raises:
            TypeError: if a real network could not take what it is given.
        """
        only_float32("x", x)
        if x.ndim != 4 or len(x) % self.count or tuple(x.shape[1:]) != (1, 28, 28):
            raise TypeError(
                f"The model was given pictures of shape {tuple(x.shape)}; it should be "
                f"({self.count}, 1, 28, 28): all pictures go through it at once."
            )
        copies = len(x) // self.count
        index = torch.arange(len(x)) % self.count
        if copies == 2 and not torch.equal(x[: self.count], x[self.count :]):
            index = torch.arange(len(x)) // 2
        pictures = x[index.argsort(stable=True)[::copies]].detach()
        if not self.shown or not torch.equal(self.shown[-1]["x"], pictures):
            self.shown.append({"x": pictures.clone(), "t": [], "c": [], "pictures": []})
        self.was_training = self.was_training or self.training
        step = self.shown[-1]
        step["t"].append(times_of(t, len(x)))
        step["pictures"].append(index)
        common, of_class = self.patterns(len(self.shown) - 1)
        x_0 = common.expand(len(x), 1, 28, 28)
        if self.class_spread:
            classes = classes_of(c, len(x))
            step["c"].append(classes)
            x_0 = x_0 + torch.einsum("bk,kchw->bchw", classes, of_class)
        abar = self.alphas_cumprod[max(len(self.alphas_cumprod) - len(self.shown), 0)]
        return (x - abar.sqrt() * x_0) / (1 - abar).sqrt() + 0 * self.weight

    def patterns(self, step: int) -> tuple[Tensor, Tensor]:
        """x_0 without a class, (1, 1, 28, 28), and what each class adds, (10, 1, 28, 28)."""
        signs = signs_of_step(self.seed, step)
        return self.middle + self.spread * signs[:1], self.class_spread * signs[1:]


@lru_cache(maxsize=64)
def signs_of_step(seed: int, step: int) -> Tensor:
    """(11, 1, 28, 28) of -1 and 1: the patterns of no class and of each class in one step."""
    generator = torch.Generator().manual_seed(seed + step)
    return torch.randint(2, (11, 1, 28, 28), generator=generator) * 2.0 - 1


def watch_steps(world: StepWorld, result: Any, labels: Tensor | None = None) -> dict[str, Any]:
    """What a sampler did in each step, measured from the pictures it showed to the world.

    The next picture is fitted by least squares: a share of the present one, a share of the x_0
    predicted without a class, then, with labels, of what the wanted class adds to it and of what
    class 0 adds, and a constant. What is left is noise.

    Args:
        world: after a run.
        result: what the sampler returned.
        labels: the classes asked for.

    Returns:
        {"times": (steps, 2), lowest and highest time shown in each step; "shares": (steps, k) as
        above; "errors": their standard errors; "noise": (steps, 3), standard deviation and
        kurtosis of what is left, and how many of its numbers lie far out; "new": (steps,), the
        share of its standard deviation that earlier pictures don't explain; "neighbours":
        (steps, 4), their correlations in it; "start": [mean, standard deviation, kurtosis, how many
        lie far out] of the first picture; "start_neighbours": as above;
        "alike": whether the first two start alike; "training": whether the model was ever asked in
        training mode; "ends": (steps, 1, 28, 28), the mean of all pictures after each step}.
    """
    xs = [step["x"] for step in world.shown]
    shares, errors, noise, new, neighbours = [], [], [], [], []
    earlier: list[Tensor] = []
    for rows, fitted in _steps(world, result, labels):
        shares.append(fitted.share)
        errors.append(fitted.error)
        far = count_far_out(fitted.left.numpy(), _FAR_OUT)
        noise.append(torch.stack([fitted.left.std(), kurtosis(fitted.left), torch.tensor(far)]))
        earlier.append(rows)
        new.append(_fit(torch.cat(earlier), fitted.left).left.std() / fitted.left.std())
        neighbours.append(torch.tensor(neighbour_correlations(fitted.left.view_as(xs[0]).numpy())))
    return {
        "times": _stacked([_span(step["t"]) for step in world.shown], 2),
        "shares": _stacked(shares, _parts(labels)),
        "errors": _stacked(errors, _parts(labels)),
        "noise": _stacked(noise, 3),
        "new": torch.stack(new) if new else torch.zeros(0),
        "neighbours": _stacked(neighbours, 4),
        "start": moments(xs[0]) if xs else [],
        "start_neighbours": neighbour_correlations(xs[0].numpy()) if xs else [],
        "alike": bool(xs) and len(xs[0]) > 1 and torch.equal(xs[0][0], xs[0][1]),
        "training": world.was_training,
        "ends": mean_ends(world, result),
    }


def far_out(world: StepWorld, result: Any, labels: Tensor | None = None) -> dict[str, Any]:
    """What a sampler does otherwise in a world whose x_0 lies far outside of [0, 1].

    Args:
        world: after a run.
        result: what the sampler returned.
        labels: the classes asked for.

    Returns:
        {"far": the shares of `watch_steps`, "clamped": whether many pixels of a picture on the way
        have its largest value: new noise sets them apart, if nothing cuts them off after it}.
    """
    shares = [fitted.share for _, fitted in _steps(world, result, labels)]
    on_the_way = [step["x"] for step in world.shown[1:]]
    clamped = any(int((x == x.max()).sum()) > _BY_CHANCE for x in on_the_way)
    return {"far": _stacked(shares, _parts(labels)), "clamped": clamped}


def _stacked(rows: list[Tensor], width: int) -> Tensor:
    """(n, width), also if there are none."""
    return torch.stack(rows) if rows else torch.zeros(0, width, dtype=torch.float64)


def _ends(world: StepWorld, result: Any) -> list[Tensor]:
    """The pictures after each step; the last are the result, if it is like the others."""
    xs = [step["x"] for step in world.shown]
    usable = isinstance(result, Tensor) and bool(xs) and result.shape == xs[0].shape
    return [*xs[1:], result.detach()] if usable else xs[1:]


def mean_ends(world: StepWorld, result: Any) -> Tensor:
    """(steps, 1, 28, 28), the mean of all pictures after each step."""
    means = [pictures.float().mean(dim=0) for pictures in _ends(world, result)]
    return torch.stack(means) if means else torch.zeros(0, 1, 28, 28)


def path_of(world: StepWorld) -> Tensor | None:
    """The pictures that a run showed to the world, step after step."""
    return torch.stack([step["x"] for step in world.shown]) if world.shown else None


def same_again(sample: Callable[..., tuple[StepWorld, Any]], seed: int) -> dict[str, Any]:
    """Which runs of a sampler are alike.

    Args:
        sample: samples with the generator that it is given or without one; gives the world after
            that, and the result.
        seed: of the generators.

    Returns:
        {"starts", "paths": whether generators of one seed gave the same first picture, and the
        same all the way; "unseeded": whether two calls without a generator did; "continued":
        whether two calls with one generator did; "ends": of the first, as `watch_steps`}.
    """

    def run(*generator: torch.Generator) -> Tensor | None:
        return path_of(sample(*generator)[0])

    world, result = sample(seeded(seed))
    one, other, generator = path_of(world), run(seeded(seed)), seeded(seed)
    return {
        "ends": mean_ends(world, result),
        "starts": one is not None and other is not None and alike(one[0], other[0]),
        "paths": alike(one, other),
        "unseeded": alike(run(), run()),
        "continued": alike(run(generator), run(generator)),
    }


def changed_schedule(schedule: dict[str, Tensor], before: dict[str, Tensor]) -> list[str]:
    """["schedule"] if one of its entries is not what it was before, else nothing."""
    same = all(torch.equal(values, before[name]) for name, values in schedule.items())
    return [] if same and schedule.keys() == before.keys() else ["schedule"]


class _Fitted(NamedTuple):
    """Shares of some parts, their standard errors, and what is left, a row."""

    share: Tensor
    error: Tensor
    left: Tensor


def _steps(
    world: StepWorld, result: Any, labels: Tensor | None
) -> Iterator[tuple[Tensor, _Fitted]]:
    """The parts of each step, (k, all numbers), and their shares in the next pictures."""
    for number, (step, after) in enumerate(zip(world.shown, _ends(world, result), strict=False)):
        x = step["x"]
        common, of_class = world.patterns(number)
        parts = [x, common.expand_as(x)]
        if labels is not None:
            parts += [of_class[labels], of_class[:1].expand_as(x)]
        rows = torch.stack([*parts, torch.ones_like(x)]).double().flatten(1)
        yield rows, _fit(rows, after.double().flatten())


def _parts(labels: Tensor | None) -> int:
    return 3 if labels is None else 5


def _fit(rows: Tensor, after: Tensor) -> _Fitted:
    """By least squares."""
    gram = torch.linalg.pinv(rows @ rows.T, hermitian=True)
    share = gram @ (rows @ after)
    left = after - share @ rows
    return _Fitted(share, left.std() * gram.diagonal().clamp(min=0).sqrt(), left)


def _span(times: list[Tensor]) -> Tensor:
    together = torch.cat(times)
    return torch.stack([together.min(), together.max()])

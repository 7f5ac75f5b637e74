"""Models that stand in for a trained DDPM network, and see exactly what is done with them.

A loss reveals what it compares with through its gradient, and so how each picture was noised. A
sampler reveals each of its steps: the stand-in knows the x_0 that it predicts, so the next picture
is a known mixture of the present one, of that x_0 and of new noise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from checkers.engine.worlds.call import alike
from checkers.engine.worlds.neighbours import neighbour_correlations
from checkers.engine.worlds.refusals import only_float32, same_shape

_LEAST = 1e-12
_MOST_ROWS = 40
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
        {"has_gradient", "scale": k times the number of pixels, "target": [share of the picture in
        it, mean, standard deviation, kurtosis], "neighbours": their correlations in it, "rows":
        (k, 5), the different mixtures [a, b, lowest and highest time shown, share of the pictures],
        those with most of the picture first, "constant": the largest constant, "explained": whether
        that is all there is in the noisy pictures, "held": the mean a and b, "noised": (calls B,),
        a of each picture, "own": whether pictures of one call are noised differently, "timesteps
        repeated": whether all calls noise the same pictures as much, "repeated": whether two calls
        are alike, "changed": whether it writes into the pictures it is given, "alike": whether
        pictures of a call have the same noise, "calls": of the model in the first call, "training":
        the model's mode, "classes": the c of all calls}.
    """
    found: dict[str, list[Tensor]] = {"x": [], "t": [], "target": [], "c": []}
    observed: dict[str, Any] = {"calls": 0, "has_gradient": False}
    for number in range(calls):
        witness = LossWitness(1.7 * torch.randn(images.shape))
        given = images.clone()
        value = loss(witness, given)
        observed["changed"] = not torch.equal(given, images)
        if number == 0:
            observed["calls"] = len(witness.shown)
            observed["training"] = all(one["training"] for one in witness.shown)
        if not witness.shown or not isinstance(value, Tensor) or not value.requires_grad:
            return observed
        if value.numel() != 1:
            return {**observed, "shape": list(value.shape)}
        value.sum().backward()
        observed["has_gradient"] = witness.answer.grad is not None
        if witness.answer.grad is None:
            return observed
        gradient, amount = witness.answer.grad.double(), float(value.detach())
        factor = float(gradient.square().sum()) / max(4 * abs(amount), _LEAST)
        observed["scale"] = factor * images.numel()
        difference = gradient / max(2 * factor, _LEAST)
        found["target"].append(witness.answer.detach().double() - difference)
        shown = witness.shown[-1]
        found["x"].append(shown["x"].double())
        found["t"].append(shown["t"].double())
        if shown["c"] is not None:
            found["c"].append(shown["c"].detach())
    target, x, t = (torch.cat(found[name]) for name in ("target", "x", "t"))
    clean = images.double().repeat(calls, 1, 1, 1)
    varied = target.flatten(1).std(dim=1, keepdim=True) > _VISIBLE  # a flat one is constant itself
    parts = [clean.flatten(1), target.flatten(1), varied.double().expand(-1, x[0].numel())]
    mixture = _solve(parts, x.flatten(1))
    left = x.flatten(1) - torch.einsum("bk,bkp->bp", mixture, torch.stack(parts, dim=1))
    constant, mixture = mixture[:, 2], mixture[:, :2]
    strength = target.flatten(1).square().mean(1).sqrt()
    visible = ~(strength < _VISIBLE * strength.max())  # what is no number, too
    first = visible[: len(images)]
    observed |= {
        "target": _describe(target, clean),
        "neighbours": neighbour_correlations(target.numpy()),
        "rows": _different_rows(mixture[visible], t[visible]),
        "constant": float(constant.abs().max()),
        "explained": bool(left.abs().max() < 1e-3),
        "held": mixture.mean(dim=0).tolist(),
        "noised": mixture[:, 0],
        "timesteps repeated": _all_alike(mixture[:, 0].view(calls, -1)),
        "own": len(_different_rows(mixture[: len(images)][first], t[: len(images)][first])) > 1,
        "repeated": bool(torch.allclose(found["target"][0], found["target"][-1], atol=1e-4)),
        "alike": bool(torch.allclose(target[1:4], target[:1], atol=1e-4)),
    }
    if found["c"]:
        observed["classes"] = torch.cat(found["c"])
    return observed


def _all_alike(calls: Tensor) -> bool:
    """Whether all rows are the same, as are those of pictures noised by a fixed list of steps."""
    return len(calls) > 1 and bool(torch.allclose(calls, calls[:1].expand_as(calls), atol=1e-3))


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
        generator = torch.Generator().manual_seed(self.seed + step)
        signs = torch.randint(2, (11, 1, 28, 28), generator=generator) * 2.0 - 1
        return self.middle + self.spread * signs[:1], self.class_spread * signs[1:]


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
        above; "errors": their standard errors; "noise": (steps, 2), standard deviation and
        kurtosis of what is left; "neighbours": (steps, 4), their correlations in it; "start":
        [mean, standard deviation, kurtosis] of the first picture; "start_neighbours": as above;
        "alike": whether the first two start alike; "training": whether the model was ever asked in
        training mode}.
    """
    xs = [step["x"] for step in world.shown]
    usable = isinstance(result, Tensor) and bool(xs) and result.shape == xs[0].shape
    ends = [*xs[1:], result.detach()] if usable else xs[1:]
    shares, errors, noise, neighbours = [], [], [], []
    for number, (x, after) in enumerate(zip(xs, ends, strict=False)):
        common, of_class = world.patterns(number)
        parts = [x, common.expand_as(x)]
        if labels is not None:
            parts += [of_class[labels], of_class[:1].expand_as(x)]
        parts.append(torch.ones_like(x))
        share, error, left = _fit(parts, after)
        shares.append(share)
        errors.append(error)
        noise.append(torch.stack([left.std(), _kurtosis(left)]))
        neighbours.append(torch.tensor(neighbour_correlations(left.view_as(x).numpy())))
    return {
        "times": _rows([_span(step["t"]) for step in world.shown], 2),
        "shares": _rows(shares, 3 if labels is None else 5),
        "errors": _rows(errors, 3 if labels is None else 5),
        "noise": _rows(noise, 2),
        "neighbours": _rows(neighbours, 4),
        "start": _moments(xs[0]) if xs else [],
        "start_neighbours": neighbour_correlations(xs[0].numpy()) if xs else [],
        "alike": bool(xs) and len(xs[0]) > 1 and torch.equal(xs[0][0], xs[0][1]),
        "training": world.was_training,
    }


def path_of(world: StepWorld) -> Tensor | None:
    """The pictures that a run showed to the world, step after step."""
    return torch.stack([step["x"] for step in world.shown]) if world.shown else None


def same_again(run: Callable[..., Tensor | None], seed: int) -> dict[str, bool]:
    """Which runs of a sampler are alike.

    Args:
        run: samples with the generator that it is given or without one, and gives its path.
        seed: of the generators.

    Returns:
        {"starts", "paths": whether generators of one seed gave the same first picture, and the
        same all the way; "unseeded": whether two calls without a generator did; "continued":
        whether two calls with one generator did}.
    """

    def seeded() -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    one, other, generator = run(seeded()), run(seeded()), seeded()
    return {
        "starts": one is not None and other is not None and alike(one[0], other[0]),
        "paths": alike(one, other),
        "unseeded": alike(run(), run()),
        "continued": alike(run(generator), run(generator)),
    }


def times_of(t: Any, count: int) -> Tensor:
    """The time of each picture, from whatever shape it came in.

    Raises:
        TypeError: if there is neither one time nor one for each picture, or it is no tensor that a
            network's layers can work on.
    """
    if not isinstance(t, Tensor):
        raise TypeError(
            f"The model was given t as a {type(t).__name__}. Its layers work on a tensor: "
            f"torch.full((n,), t / T) has a time for each picture."
        )
    if t.is_floating_point():
        only_float32("t", t)
    times = t.detach().flatten()
    if times.numel() not in (1, count):
        raise TypeError(
            f"The model was given t of shape {tuple(t.shape)} with {count} pictures; it needs one "
            f"time for each."
        )
    return times.double().expand(count).clone()


def classes_of(c: Any, count: int) -> Tensor:
    """The one-hot classes that a model was given.

    Raises:
        TypeError: if they aren't (count, 10) of float32.
    """
    if not isinstance(c, Tensor) or tuple(c.shape) != (count, 10):
        shape = f"of shape {tuple(c.shape)}" if isinstance(c, Tensor) else repr(c)
        raise TypeError(
            f"The model was given c {shape} with {count} pictures; it needs ({count}, 10): one-hot "
            f"classes, zeros for none."
        )
    only_float32("c", c)
    return c.detach()


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
    groups: list[Tensor] = []
    for number in range(min(len(keys), _MOST_ROWS)):
        chosen = owner == number
        row = [*mixture[chosen].mean(0), t[chosen].min(), t[chosen].max(), chosen.double().mean()]
        near = [g for g in groups if (g[:2] - torch.stack(row[:2])).abs().max() < 3e-4]
        if near:  # rounding put equal mixtures into two boxes
            near[0][2], near[0][3] = min(near[0][2], row[2]), max(near[0][3], row[3])
            near[0][4] += row[4]
        else:
            groups.append(torch.stack(row))
    groups.sort(key=lambda row: -float(row[0]))
    return _rows(groups, 5)


def _describe(target: Tensor, clean: Tensor) -> list[float]:
    centred = clean - clean.mean()
    share = (target * centred).sum() / centred.square().sum()
    return [float(share), *_moments(target)]


def _fit(parts: list[Tensor], after: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    columns = torch.stack([part.double().flatten() for part in parts], dim=1)
    gram = torch.linalg.pinv(columns.T @ columns, hermitian=True)
    share = gram @ (columns.T @ after.double().flatten())
    left = after.double().flatten() - columns @ share
    return share, left.std() * gram.diagonal().clamp(min=0).sqrt(), left


def _span(times: list[Tensor]) -> Tensor:
    together = torch.cat(times)
    return torch.stack([together.min(), together.max()])


def _rows(rows: list[Tensor], width: int) -> Tensor:
    return torch.stack(rows) if rows else torch.zeros(0, width, dtype=torch.float64)


def _moments(values: Tensor) -> list[float]:
    values = values.double().flatten()
    return [float(values.mean()), float(values.std()), float(_kurtosis(values))]


def _kurtosis(values: Tensor) -> Tensor:
    centred = values - values.mean()
    return centred.pow(4).mean() / centred.square().mean().square().clamp(min=_LEAST)

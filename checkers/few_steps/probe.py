"""Probes of lesson 19: pairs, what a loss on pairs shows and asks, and a way of a single step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from checkers.engine.sandbox.inside.returned import reads_pictures
from checkers.engine.sandbox.inside.running import Inputs, copied
from checkers.engine.worlds.call import alike, as_tensor, repeats_of
from checkers.engine.worlds.flow import (
    AnsweringModel,
    Asked,
    FlowWorld,
    StraightWorld,
    way_of,
)
from checkers.engine.worlds.flow_readings import (
    kind_of_classes,
    read_rows,
    read_ways,
)
from checkers.engine.worlds.refusals import same_shape

_CALLS = 8
"""Should a loss draw one time for all pairs, they show in some call: near t = 0 they don't."""


class _Trainable:
    """A world whose answers hang on a parameter, as a network's do."""

    def forward(self, x: Tensor, t: Any, c: Any = None) -> Tensor:
        rows = (len(x), 10)
        if isinstance(c, Tensor) and c.ndim == 2 and c.shape != rows:
            raise TypeError(
                f"The model was given classes of shape {tuple(c.shape)} with {len(x)} pictures; it "
                f"needs {rows}: a one-hot row for each."
            )
        return super().forward(x, t, c) + 0 * self.weight  # type: ignore[misc, attr-defined]


class _TrainableWorld(_Trainable, FlowWorld): ...


class _TrainableStraightWorld(_Trainable, StraightWorld): ...


class _PairModel(AnsweringModel):
    """Knows a pair by its first entry, which noise and picture share; then so do all between them.

    It answers for the pair, in whatever order pairs come, and notes them in the order given.

    Args:
        answer: (B, ...), for each pair.
        noise: (B, C, H, W), whose first entries are 0, 1 / B, ... in any order.
    """

    def __init__(self, answer: Tensor, noise: Tensor) -> None:
        super().__init__(answer)
        self.by_key = noise[:, 0, 0, 0].argsort()

    def forward(self, x: Tensor, t: Any, c: Any = None) -> Tensor:
        same_shape(x, self.answer)
        key = (x[:, 0, 0, 0] * len(x)).detach().round().nan_to_num(-1).long()
        if not torch.equal(key.sort().values, torch.arange(len(x))):
            return super().forward(x, t, c)  # not the pairs that were given
        which = self.by_key[key]
        back = which.argsort()
        x, t, c = (
            value[back] if isinstance(value, Tensor) and len(value) == len(back) else value
            for value in (x, t, c)
        )
        return super().forward(x, t, c)[which]


def make_and_follow(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Make pairs in worlds whose best flow is known for each class, once for each call.

    Args:
        student: `make_pairs`.
        inputs: {"calls": a list of {"means": (11, 1, 28, 28), "std", "labels", "num_steps",
            "guidance_scale": None, from the right, for the defaults}}.

    Returns:
        As `worlds.flow_readings.read_ways` and `read_rows`, with the pictures for "result", and
        lists "returned": what came back (see `_two`), "noise": the first of the two, "began":
        whether the flow began there, "tracked": whether gradients were recorded, "told": see
        `_told_in`.
    """
    runs, asked = [], []
    names = ("returned", "noise", "began", "tracked", "told")
    more: dict[str, list] = {name: [] for name in names}
    for one in inputs["calls"]:
        world = _TrainableWorld(one["means"], one["std"])
        given = (one["num_steps"], one["guidance_scale"])
        kind, noise, pictures = _two(
            student(world, one["labels"], *(value for value in given if value is not None))
        )
        n = len(one["labels"])
        way = way_of(world.asked, n)
        runs.append((_detached(pictures), n, way))
        asked.append(world.asked)
        more["returned"].append(kind)
        more["noise"].append(_detached(noise))
        more["began"].append(_same(noise, way.start))
        more["tracked"].append(getattr(pictures, "requires_grad", False))
        more["told"].append(_told_in(world.asked, n))
    return read_ways(runs) | read_rows(asked) | more


def make_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Make pairs with seeded generators, and without.

    Args:
        student: `make_pairs`.
        inputs: one run as in `make_and_follow`, and "seed".

    Returns:
        As `worlds.call.repeats_of`, of noise and pictures together, with the pictures of
        the first run for "result", and "returned": a list of what came back (see `_two`).
    """
    kinds: list[str] = []

    def run(*generator: torch.Generator) -> Any:
        world = FlowWorld(inputs["means"], inputs["std"])
        given = inputs["labels"], inputs["num_steps"], inputs["guidance_scale"]
        kind, *pair = _two(student(world, *given, *generator))
        kinds.append(kind)
        return pair if kind == "two" else None

    observed = repeats_of(run, inputs["seed"])
    first = observed["result"]
    return observed | {"result": first and first[1], "returned": kinds}


def reflow_of_a_fixed_answer(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `reflow_loss` with a model that always gives the same answer.

    The gradient of a mean of squares is 2 (answer - target) / N, which gives the target away.

    Args:
        student: the function under test.
        inputs: {"noise", "images", "labels", "answer": what the model gives}.

    Returns:
        {"loss", "gradient": whether there is one, "target": (B, ...), by how much what the answer
        is compared with misses images - noise, or None, "shown": x_t, or None, "pull": the gradient
        at the answer, or None, "calls": of the model, "training": whether they were made in
        training mode, "changed": whether pairs or labels were written into}.
    """
    model = _PairModel(inputs["answer"], inputs["noise"])
    given = copied({name: inputs[name] for name in ("noise", "images", "labels")})
    loss = student(model, *given.values())
    target = None
    if isinstance(loss, Tensor) and loss.requires_grad and loss.numel() == 1:
        loss.backward()
        if (pull := model.answer.grad) is not None:
            compared = inputs["answer"] - pull * pull.numel() / 2
            target = compared - (inputs["images"] - inputs["noise"])
    return {
        "loss": loss,
        "gradient": model.answer.grad is not None,
        "target": target,
        "shown": model.asked[0].x if model.asked else None,
        "pull": model.answer.grad,
        "calls": len(model.asked),
        "training": all(one.training for one in model.asked),
        "changed": not all(torch.equal(value, inputs[name]) for name, value in given.items()),
    }


def what_is_shown_of_pairs(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `reflow_loss` a few times and keep what the model is shown and told.

    Args:
        student: the function under test.
        inputs: {"noise", "images", "labels"}.

    Returns:
        {"calls" of the model, "shown": the mean x_t of all calls, "t", "t_kind", "same_time": the
        times of the first call (see `Asked`) and whether they are all alike, "repeated": whether
        the second call has the same, "line": (B, ...), by how much x_t of the first call misses the
        line from noise to image at the time that is told, "shape" of the classes in the last call,
        whose labels hold no 9, their "dtype", and, if the first call has a row for each pair, for
        each pair 1.0 or 0.0: "own", the row of its label; "dropped", zeros; "first", that of class
        0; "largest": the largest entry}.
    """
    noise, images, labels = (inputs[name] for name in ("noise", "images", "labels"))
    model = _PairModel(torch.zeros_like(images), noise)
    for call in range(_CALLS):
        given = labels.clone() if call < _CALLS - 1 else labels.clamp(max=8)
        student(model, noise.clone(), images.clone(), given)
    observed: dict[str, Any] = {"calls": len(model.asked)}
    if not model.asked:
        return observed
    first, again = model.asked[0], model.asked[len(model.asked) // _CALLS]
    t = first.t.reshape(-1, 1, 1, 1)
    return observed | {
        "shown": torch.stack([one.x for one in model.asked]).mean(dim=0),
        "t": first.t,
        "t_kind": first.t_kind,
        "same_time": bool((first.t == first.t[0]).all()),
        "repeated": alike(first.t, again.t),
        "line": first.x - ((1 - t) * noise + t * images),
        **_told(first.c, labels),
        "shape": _shape_of(model.asked[-1].c),
    }


def _shape_of(c: Any) -> list[int] | None:
    return list(c.shape) if isinstance(c, Tensor) else None


def _told(c: Any, labels: Tensor) -> dict[str, Any]:
    """Which classes a model was told, as in `what_is_shown_of_pairs`."""
    observed: dict[str, Any] = {
        "shape": _shape_of(c),
        "dtype": kind_of_classes(c),
    }
    if observed["shape"] != [len(labels), 10]:
        return observed
    one_hot = torch.eye(10)
    rows = {"own": one_hot[labels], "dropped": torch.zeros(10), "first": one_hot[0]}
    told = {name: (c.float() == row).all(dim=1).float() for name, row in rows.items()}
    return observed | told | {"largest": float(c.max())}


@reads_pictures
def go_in_one_step(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Sample in worlds whose paths are straight, once for each call.

    Args:
        student: `one_step_sample`.
        inputs: {"calls": a list of {"means", "std", "labels"}}.

    Returns:
        As `worlds.flow_readings.read_ways` and `read_rows`, and lists "rows": how often the model
        was asked about a picture, "tracked": whether gradients were recorded, "told": see
        `_told_in`.
    """
    runs, asked = [], []
    more: dict[str, list] = {"rows": [], "tracked": [], "told": []}
    for one in inputs["calls"]:
        world = _TrainableStraightWorld(one["means"], one["std"])
        n = len(one["labels"])
        result = student(world, one["labels"].clone())
        runs.append((_detached(result), n, way_of(world.asked, n)))
        asked.append(world.asked)
        more["rows"].append(sum(len(call.x) for call in world.asked) / n)
        more["tracked"].append(getattr(result, "requires_grad", False))
        more["told"].append(_told_in(world.asked, n))
    return read_ways(runs) | read_rows(asked) | more


@reads_pictures
def step_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Sample with seeded generators, and without.

    Args:
        student: `one_step_sample`.
        inputs: {"means", "std", "labels", "seed"}.

    Returns:
        As `worlds.call.repeats_of`.
    """

    def run(*generator: torch.Generator) -> Any:
        world = StraightWorld(inputs["means"], inputs["std"])
        return _detached(student(world, inputs["labels"], *generator))

    return repeats_of(run, inputs["seed"])


def _told_in(asked: list[Asked], n: int) -> Tensor:
    """(n,), 1.0 as often as the model was told a class, then 0.0."""
    rows = [one.c for one in asked if isinstance(one.c, Tensor) and one.c.ndim == 2]
    told = sum(int((c != 0).any(dim=1).sum()) for c in rows)
    return (torch.arange(n) < told).float()


def _two(returned: Any) -> tuple[str, Any, Any]:
    """What came back: "two" and both, as `noise, pictures = returned` takes them, or what else."""
    has_entries = isinstance(returned, list | tuple) or getattr(returned, "ndim", 0) > 0
    entries = list(returned) if has_entries else []
    if len(entries) == 2 and all(isinstance(one, Tensor | np.ndarray) for one in entries):
        noise, pictures = map(as_tensor, entries)
        return "two", noise, pictures
    kind = type(returned).__name__
    if isinstance(returned, list | tuple):
        kind += f" of {len(returned)}"
    return kind, None, None


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def _same(noise: Any, start: Tensor) -> bool:
    """Whether they are the same pictures, in any order."""
    if not isinstance(noise, Tensor) or noise.shape != start.shape:
        return False
    one, other = ({row.numpy().tobytes() for row in rows.detach()} for rows in (noise, start))
    return one == other

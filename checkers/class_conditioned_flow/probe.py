"""Probes of lesson 16: which classes a loss shows to the model, and where a guided sampler goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from checkers.engine.sandbox.inside.returned import reads_pictures
from checkers.engine.sandbox.inside.running import Inputs, copied
from checkers.engine.worlds.call import repeats_of
from checkers.engine.worlds.dropping import hangs_on, how_dropped, not_their_own, shared_coin
from checkers.engine.worlds.flow import AnsweringModel, FlowWorld, way_of
from checkers.engine.worlds.flow_readings import (
    MORE_CALLS,
    ask,
    mean_shown,
    read_loss,
    read_rows,
    read_shown,
    read_ways,
)


def class_loss_of_a_fixed_answer(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `class_flow_loss` with a model that always gives the same answer.

    Args:
        student: the function under test.
        inputs: {"images", "labels", "answer": what the model gives}.

    Returns:
        As `worlds.flow_readings.read_loss`, and "changed": whether pictures or labels were written
        into.
    """
    model = AnsweringModel(inputs["answer"])
    given = copied({name: inputs[name] for name in ("images", "labels")})
    observed = read_loss(lambda model: student(model, *given.values()), model, inputs)
    same = all(torch.equal(values, inputs[name]) for name, values in given.items())
    return observed | {"changed": not same}


def what_the_class_model_sees(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `class_flow_loss` a few times and keep what the model is shown.

    Args:
        student: the function under test.
        inputs: {"images", "labels"}.

    Returns:
        As `worlds.flow_readings.read_shown`.
    """

    def loss(model: nn.Module) -> Any:
        return student(model, inputs["images"].clone(), inputs["labels"].clone())

    return read_shown(loss, inputs["images"])


def classes_seen(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `class_flow_loss` and keep what it tells the model about the classes.

    Args:
        student: the function under test.
        inputs: {"images", "labels", "p_uncond": None for the default, "times": how
            often it is called}.

    Returns:
        {"calls": of the model in all, "shape", "dtype": of the classes in the first call, or the
        name of their type; "dropped": for each picture of the first call 1.0 if its row is zeros;
        "first": 1.0 if it is that of class 0; "own": 1.0 if it is that of its label; "largest": the
        largest entry; "shown": see `worlds.flow_readings.mean_shown`; "shared": the coin that all
        of the first share, "rule": by which classes are dropped in all calls (see
        `worlds.dropping`), "never their own" if no row is its label's and some aren't zeros;
        "by_time": whether that hangs on the times}.
    """
    images, labels = inputs["images"], inputs["labels"]
    model = AnsweringModel(torch.zeros_like(images))
    rest = () if inputs["p_uncond"] is None else (inputs["p_uncond"],)

    def loss(model: nn.Module) -> Any:
        return student(model, images.clone(), labels.clone(), *rest)

    for _ in range(inputs["times"]):
        ask(loss, model, images)
    asked = list(model.asked)
    observed: dict[str, Any] = {"calls": len(asked)}
    if not asked:
        return observed
    for _ in range(MORE_CALLS):
        ask(loss, model, images)
    c = asked[0].c
    if not isinstance(c, Tensor):
        return observed | {"shape": None, "dtype": type(c).__name__}
    observed |= {"shape": list(c.shape), "dtype": str(c.dtype).removeprefix("torch.")}
    if c.shape != (len(labels), 10):
        return observed
    one_hot = torch.eye(10)
    changed = torch.stack([not_their_own(one.c != 0, labels) for one in asked])
    times = torch.cat([one.t for one in asked])
    rule = how_dropped(changed, labels)
    if rule == "all" and any(bool((one.c != 0).any()) for one in asked):
        rule = "never their own"
    return observed | {
        "dropped": _rows_like(c, torch.zeros(10)).float(),
        "first": _rows_like(c, one_hot[0]).float(),
        "own": _rows_like(c, one_hot[labels]).float(),
        "largest": float(c.max()),
        "shown": mean_shown(model.asked),
        "shared": shared_coin(changed[:1], labels),
        "rule": rule,
        "by_time": hangs_on(changed.flatten(), times),
    }


def _rows_like(c: Tensor, row: Tensor) -> Tensor:
    return (c.float() == row).all(dim=1)


@reads_pictures
def follow_classes(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Sample in worlds whose best flow is known for each class, once for each call.

    Args:
        student: `class_flow_sample`.
        inputs: {"calls": a list of {"means": (11, 1, 28, 28), "std", "labels", "num_steps",
            "guidance_scale": None, from the right, for the defaults}}.

    Returns:
        As `worlds.flow_readings.read_ways` and `read_rows`.
    """
    runs, asked = [], []
    for one in inputs["calls"]:
        world = FlowWorld(one["means"], one["std"])
        given = (one["num_steps"], one["guidance_scale"])
        result = student(world, one["labels"], *(value for value in given if value is not None))
        n = len(one["labels"])
        runs.append((result, n, way_of(world.asked, n)))
        asked.append(world.asked)
    return read_ways(runs) | read_rows(asked)


@reads_pictures
def classes_told(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Sample many pictures in one step and count how many of them the model is told the class of.

    Args:
        student: `class_flow_sample`.
        inputs: {"means", "std", "labels"}.

    Returns:
        {"result": the first twenty pictures, "calls": of the model, "told": (n,), 1.0 as often as
        it was told a class, then 0.0}.
    """
    world = FlowWorld(inputs["means"], inputs["std"])
    n = len(inputs["labels"])
    result = student(world, inputs["labels"], 1, 2.0)
    rows = [one.c for one in world.asked if isinstance(one.c, Tensor) and one.c.ndim == 2]
    told = sum(int((c != 0).any(dim=1).sum()) for c in rows)
    return {
        "result": result[:20] if isinstance(result, Tensor) else result,
        "calls": len(world.asked),
        "told": (torch.arange(n) < told).float(),
    }


@reads_pictures
def follow_classes_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Sample with seeded generators, and without.

    Args:
        student: `class_flow_sample`.
        inputs: one run as in `follow_classes`, and "seed".

    Returns:
        As `worlds.call.repeats_of`.
    """

    def run(*generator: torch.Generator) -> Any:
        world = FlowWorld(inputs["means"], inputs["std"])
        return student(
            world, inputs["labels"], inputs["num_steps"], inputs["guidance_scale"], *generator
        )

    return repeats_of(run, inputs["seed"])

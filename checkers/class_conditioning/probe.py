"""Probes of lesson 14: dropping classes, and a loss and a sampler with classes and guidance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from checkers.engine.sandbox.inside.running import Inputs, copied
from checkers.engine.worlds.call import as_tensor
from checkers.engine.worlds.ddpm_loss import watch_loss
from checkers.engine.worlds.ddpm_sample import (
    StepWorld,
    changed_schedule,
    far_out,
    same_again,
    watch_steps,
)
from checkers.engine.worlds.dropping import (
    classes_told,
    hangs_on,
    how_dropped,
    not_their_own,
    own_rows,
)
from checkers.engine.worlds.known_values import give_known_values, rows_of
from checkers.engine.worlds.networks import build, result_for_each, small_networks

_TOSSES = 60


def drop_often(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `drop_classes` with many labels and sort the rows it gives.

    Args:
        student: `drop_classes`.
        inputs: {"labels", "calls": a list of further arguments}.

    Returns:
        {"kept", "dropped", "other": for each call the share of rows that are the label's one-hot
        vector, all zeros, or anything else; "told": for each call (n,), the class that each row is
        the one-hot vector of, or -1; "rule": by which rows are dropped in many calls with p_uncond
        = 0.5, as `worlds.dropping.how_dropped`; "result": of the first of these}.
    """
    labels = inputs["labels"]
    observed: dict[str, Any] = {"kept": [], "dropped": [], "other": [], "told": []}
    for arguments in inputs["calls"]:
        rows = _rows(student(labels.clone(), *arguments))
        observed["told"].append(classes_told(rows))
        for name, share in shares_of_rows(rows, labels).items():
            observed[name].append(share)
    few = labels[:20]
    tosses = [student(few.clone(), 0.5) for _ in range(_TOSSES)]
    dropped = torch.stack([not_their_own(_rows(rows) != 0, few) for rows in tosses])
    return {**observed, "result": tosses[0], "rule": how_dropped(dropped, few)}


def _rows(result: Any) -> Tensor:
    """The rows that were returned; none if it is something else, which the judges tell."""
    rows = as_tensor(result)
    return torch.zeros(0) if rows is None else rows


def shares_of_rows(rows: Tensor, labels: Tensor) -> dict[str, float]:
    """Which share of rows is the label's one-hot vector, all zeros, or anything else."""
    if rows.ndim != 2 or len(rows) != len(labels):
        return {"kept": 0.0, "dropped": 0.0, "other": 1.0}
    kept = float((rows == own_rows(labels, rows.shape[1])).all(1).double().mean())
    dropped = float((rows == 0).all(1).double().mean())
    return {"kept": kept, "dropped": dropped, "other": 1 - kept - dropped}


@small_networks()
def tell_classes_apart(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """See whether "no class" is something else than any class.

    Args:
        student: the class under test.
        inputs: {"arguments", "x": one picture, "t": one time, "told": (n,) classes, 10 for none,
            "seed"}.

    Returns:
        {"as_none": (n bools), whose result is that of no class}.

    Raises:
        TypeError, ValueError: see `worlds.networks.result_for_each`.
    """
    module = build(student, inputs["arguments"])
    told = inputs["told"]
    classes = torch.eye(11)[told, :-1]
    x, t = inputs["x"].expand(len(told), -1, -1, -1), inputs["t"].expand(len(told))
    with torch.no_grad():
        module(x, t, classes)
    rows = rows_of(module, [x, t, classes])
    with torch.no_grad():
        give_known_values(module, rows, inputs["seed"])
        results = result_for_each(x, module.eval()(x, t, classes), student)
    none = results[told == 10][:1]
    gaps = (results - none).flatten(1).abs().amax(1)
    return {"as_none": (gaps < 1e-4 * max(1.0, float(results.std()))).tolist()}


def noise_pictures(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `class_ddpm_loss` often and see what it does to the pictures and their classes.

    Args:
        student: `class_ddpm_loss`.
        inputs: {"images", "labels", "alphas_cumprod", "p_uncond": a list with it or without,
            "calls"}.

    Returns:
        As `worlds.ddpm_loss.watch_loss`; "kept", "dropped", "other": the shares of the classes
        that the model was told; "rule": by which they are dropped, as
        `worlds.dropping.how_dropped`; "by_time": whether that hangs on the pictures' timesteps.
    """
    images, labels, abar = inputs["images"], inputs["labels"], inputs["alphas_cumprod"]

    given = labels.clone()

    def loss(model: nn.Module, images: Tensor) -> Any:
        return student(model, images, given, abar, *inputs["p_uncond"])

    observed = watch_loss(loss, images, inputs["calls"], len(abar))
    observed["changed"] = observed.get("changed") or not torch.equal(given, labels)
    classes, noised = observed.pop("classes", None), observed.pop("noised", None)
    if classes is not None:
        told = labels.repeat(inputs["calls"])
        observed |= shares_of_rows(classes, told)
        dropped = not_their_own(classes != 0, told)
        observed["rule"] = how_dropped(dropped.view(inputs["calls"], -1), labels)
        observed["by_time"] = hangs_on(dropped, noised)
    return observed


def sample_in_steps(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Let `class_ddpm_sample` run where each step's x_0 is known, with and without a class.

    Args:
        student: `class_ddpm_sample`.
        inputs: {"schedule", "labels", "seed", "guidance_scale": None to leave it out,
            "class_spread": how far a class moves x_0}.

    Returns:
        As `worlds.ddpm_sample.watch_steps` and `far_out`; "others": whether the model was asked
        with something else than a picture's own class or none; "dropped": whether some pictures
        were asked for with a class less often than others; "pairs": calls for each step.
    """
    world, far = _world(inputs), _world(inputs, times=20)
    result, far_result = (
        student(one, inputs["labels"], inputs["schedule"], *_scale(inputs)) for one in (world, far)
    )
    own = nn.functional.one_hot(inputs["labels"], 10)
    others = dropped = False
    for step in world.shown:
        told, pictures = torch.cat(step["c"]), torch.cat(step["pictures"])
        is_none = (told == 0).all(1)
        others = others or not bool(((told == own[pictures]).all(1) | is_none).all())
        times = torch.bincount(pictures[~is_none], minlength=len(own))
        dropped = dropped or not bool((times == times[0]).all())
    return {
        **watch_steps(world, result, inputs["labels"]),
        **far_out(far, far_result, inputs["labels"]),
        "others": others,
        "dropped": dropped,
        "pairs": max((len(step["c"]) for step in world.shown), default=0),
    }


def sample_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Let `class_ddpm_sample` run with a generator, with the same again, and twice without.

    Args:
        student: `class_ddpm_sample`.
        inputs: as for `sample_in_steps`.

    Returns:
        As `worlds.ddpm_sample.same_again`.
    """

    def run(*generator: torch.Generator) -> tuple[StepWorld, Any]:
        world = _world(inputs)
        result = student(world, inputs["labels"], inputs["schedule"], *_scale(inputs), *generator)
        return world, result

    return same_again(run, inputs["seed"])


def sample_sizes(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Let `class_ddpm_sample` draw other numbers of pictures.

    Args:
        student: `class_ddpm_sample`.
        inputs: {"runs": a list of inputs as for `sample_in_steps`}.

    Returns:
        {"result": what it returned for each, "changed": "schedule" if it wrote into it}.
    """
    results, changed = [], []
    for one in inputs["runs"]:
        before = copied(one["schedule"])
        results.append(student(_world(one), one["labels"], one["schedule"], *_scale(one)))
        changed += changed_schedule(one["schedule"], before)
    return {"result": results, "changed": changed}


def _world(inputs: Inputs, times: int = 1) -> StepWorld:
    """The world of these inputs, or one in which x_0 lies so many times as far away."""
    return StepWorld(
        inputs["schedule"]["alphas_cumprod"],
        len(inputs["labels"]),
        inputs["seed"],
        spread=0.1 * times,
        class_spread=inputs["class_spread"] * times,
    )


def _scale(inputs: Inputs) -> list[float]:
    return [] if inputs["guidance_scale"] is None else [inputs["guidance_scale"]]

"""Probes of lesson 15: what a loss shows to the model and asks of it, and where a sampler goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from checkers.engine.sandbox.inside.returned import reads_pictures
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import repeats_of
from checkers.engine.worlds.flow import AnsweringModel, FlowWorld, way_of
from checkers.engine.worlds.flow_readings import read_loss, read_shown, read_ways


def loss_of_a_fixed_answer(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `flow_loss` with a model that always gives the same answer.

    Args:
        student: the function under test.
        inputs: {"images", "answer": what the model gives}.

    Returns:
        As `worlds.flow_readings.read_loss`, and "changed": whether the pictures were written into.
    """
    model, images = AnsweringModel(inputs["answer"]), inputs["images"].clone()
    observed = read_loss(lambda model: student(model, images), model, inputs)
    return observed | {"changed": not torch.equal(images, inputs["images"])}


def what_the_model_sees(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `flow_loss` a few times and keep what the model is shown.

    Args:
        student: the function under test.
        inputs: {"images"}.

    Returns:
        As `worlds.flow_readings.read_shown`.
    """

    def loss(model: nn.Module) -> Any:
        return student(model, inputs["images"].clone())

    return read_shown(loss, inputs["images"])


@reads_pictures
def follow(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Sample in worlds whose best flow is known, once for each call.

    Args:
        student: `flow_sample`.
        inputs: {"calls": a list of {"mean": (1, 1, 28, 28) or flat, "std", "n", "num_steps": None
            for the default}}.

    Returns:
        As `worlds.flow_readings.read_ways`.
    """
    runs = []
    for one in inputs["calls"]:
        world = FlowWorld(one["mean"], one["std"])
        steps = () if one["num_steps"] is None else (one["num_steps"],)
        result = student(world, one["n"], *steps)
        runs.append((result, one["n"], way_of(world.asked, one["n"])))
    return read_ways(runs)


@reads_pictures
def follow_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Sample with seeded generators, and without.

    Args:
        student: `flow_sample`.
        inputs: {"mean", "std", "n", "num_steps", "seed"}.

    Returns:
        As `worlds.call.repeats_of`.
    """

    def run(*generator: torch.Generator) -> Any:
        world = FlowWorld(inputs["mean"], inputs["std"])
        return student(world, inputs["n"], inputs["num_steps"], *generator)

    return repeats_of(run, inputs["seed"])

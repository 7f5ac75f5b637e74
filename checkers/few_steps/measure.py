"""Lesson 19's measure, straightness: what it must be, of straight paths and of bent ones."""

from __future__ import annotations

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise
from checkers.engine.judges.inputs import draw_count, draw_noise
from checkers.engine.judges.values import all_of, same_form, same_values
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from solutions.few_steps import straightness


def _path(generator: torch.Generator, steps: int, *shape: int, bend: float = 1.0) -> Tensor:
    """A line at an even pace and, times `bend`, an arc beside it: (steps + 1, *shape)."""
    t = torch.linspace(0, 1, steps + 1).reshape(-1, *[1] * len(shape))
    start, way, arc = draw_noise(generator, 3, *shape)
    return start + t * way + bend * t * (1 - t) * 4 * arc


def _paths(*calls: tuple[Tensor, str]) -> Inputs:
    return {"calls": [{"path": path} for path, _ in calls], "names": [name for _, name in calls]}


def _line_and_arc_inputs(generator: torch.Generator) -> Inputs:
    steps = draw_count(generator, 4, 12)
    return _paths(
        (_path(generator, steps, 3, 2, bend=0.0), "three straight paths"),
        (_path(generator, steps, 3, 2), "three bent paths"),
    )


def _mean_inputs(generator: torch.Generator) -> Inputs:
    return _paths(
        (_path(generator, 5, 4, 1, 6, 8), "4 paths of pictures of 6 by 8 pixels"),
        (_path(generator, 9, 2, 3, 5, 5), "2 paths of pictures with 3 channels"),
        (_path(generator, 6, 2), "one path in the plane"),
    )


def _steps_inputs(generator: torch.Generator) -> Inputs:
    state = generator.get_state()
    calls = []
    for steps in (2, 7, 40):
        generator.set_state(state)
        calls.append((_path(generator, steps, 5, 2), f"the same paths in {steps} steps"))
    return _paths(*calls)


def _pace_inputs(generator: torch.Generator) -> Inputs:
    t = torch.cumsum(torch.rand(6, generator=generator) + 0.1, 0)
    t = torch.cat([torch.zeros(1), t / t[-1]]).reshape(-1, 1, 1)
    start, way = draw_noise(generator, 2, 4, 2)
    return _paths((start + t * way, "a straight line at an uneven pace"))


def _double_inputs(generator: torch.Generator) -> Inputs:
    long = torch.cumsum(draw_noise(generator, 33, 3, 1, 4, 4), 0)
    return _paths((long.double(), "paths in double precision"))


_same_straightness = same_values(
    what="the straightness", labels=lambda inputs: inputs["names"], dtype_matters=False
)
_straightness_form = all_of(same_form(), _same_straightness)


STRAIGHTNESS = Exercise(
    reference=straightness,
    cases=[
        Case(
            "0 for straight paths, more for bent ones",
            1,
            _line_and_arc_inputs,
            _same_straightness,
            call_many,
        ),
        Case(
            "the mean over steps, paths and pixels", 2, _mean_inputs, _same_straightness, call_many
        ),
        Case(
            "velocities are compared, whatever the number of steps",
            2,
            _steps_inputs,
            _same_straightness,
            call_many,
        ),
        Case(
            "an uneven pace counts on a straight line, too",
            1,
            _pace_inputs,
            _same_straightness,
            call_many,
        ),
        Case(
            "the path is not changed, and long ones work",
            1,
            _double_inputs,
            _straightness_form,
            call_many,
            hidden=True,
        ),
    ],
    hints=[
        "What moves on T steps of length 1/T has, on each, the velocity (next place - this place) "
        "times T. `path[1:] - path[:-1]` are all moves at once, and `len(path) - 1` is T.",
        "The straight line from the first place to the last one takes a time of 1, so its velocity "
        "is `path[-1] - path[0]`. It is the same on every step.",
        "`((velocities - chord) ** 2).mean()`.",
    ],
)

"""What answers earn that are no attempt, and observations that were recorded elsewhere.

A probe runs beside the student's code, which can put a lie in place of what was observed. What it
makes up of the inputs that it is given can't be told from the truth. But a recording of what the
reference did with other inputs can, if every case depends on what only this run knows.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import wraps
from types import CellType, FunctionType
from typing import Any, NamedTuple

import torch
from torch import nn

from checkers.engine.exercise import Answer, Case, Exercise, Observation
from checkers.engine.grading import judged, seed_of_case
from checkers.engine.sandbox.inside.running import Inputs, run_probe

_OTHER_SEEDS = 7_919
"""Apart from each other, so that no recording has the inputs of the run that it is replayed in."""


class Earned(NamedTuple):
    """Points, in all and for each kind of lie.

    Attributes:
        points: what the exercise is worth, with hidden cases.
        none: `return None`.
        zeros: zeros in the shape and type of the reference's result.
        nan: such results, but not a number.
        kinds: the most that is earned by all the work, with a result of another kind: None, a
            tuple of it, its text, or not a number.
        replay: the most that one recording of the reference's observations earns.
        replayed: titles of the cases that a recording passes and neither None nor zeros.
        paid: titles of the cases that None, not a number or another kind pass.
    """

    points: int
    none: int
    zeros: int
    nan: int
    kinds: int
    replay: int
    replayed: list[str]
    paid: list[str]

    @property
    def problem(self) -> str:
        """Why a lie pays; "" if none does."""
        if self.none or self.nan or self.kinds:
            return f"an answer of the wrong kind earns points: {'; '.join(self.paid)}"
        if self.replay > max(self.none, self.zeros):
            return f"a recording earns more than zeros: {'; '.join(self.replayed)}"
        return ""


def what_lies_earn(exercise: Exercise, seed: int, recordings: int = 2) -> Earned:
    """Judge answers that are no attempt, and recordings of the reference, on every case.

    Args:
        exercise: what is asked.
        seed: of the inputs.
        recordings: how many, each with a seed of its own.
    """
    answers = [answer_like(exercise.reference, make) for make in (_nothing, _zeros, _nan)]
    answers += [but_returning(exercise.reference, make) for make in _OTHER_KINDS]
    passed: list[set[str]] = [set() for _ in range(len(answers) + recordings)]
    for number, case in enumerate(exercise.cases):
        case_seed = seed_of_case(seed, number)
        inputs = case.inputs(torch.Generator().manual_seed(case_seed))
        expected = recorded(exercise, case, inputs, case_seed + 1)
        outcomes = [run_probe(case.probe, one, inputs, case_seed + 2) for one in answers]
        lies = [one["observation"] if one["status"] == "ran" else None for one in outcomes]
        for other in range(1, recordings + 1):
            other_seed = case_seed + _OTHER_SEEDS * other
            others = case.inputs(torch.Generator().manual_seed(other_seed))
            lies.append(recorded(exercise, case, others, other_seed + 1))
        for titles, lie in zip(passed, lies, strict=True):
            if lie is not None and judged(case, lie, expected, inputs).passed:
                titles.add(case.title)
    none, zeros, nan = passed[:3]
    kinds, replays = passed[3 : len(answers)], passed[len(answers) :]
    points = [sum(c.points for c in exercise.cases if c.title in titles) for titles in passed]
    return Earned(
        points=sum(case.points for case in exercise.cases),
        none=points[0],
        zeros=points[1],
        nan=points[2],
        kinds=max(points[3 : len(answers)]),
        replay=max(points[len(answers) :]),
        replayed=sorted(set().union(*replays) - none - zeros),
        paid=sorted(none.union(nan, *kinds)),
    )


def recorded(exercise: Exercise, case: Case, inputs: Inputs, seed: int) -> Observation:
    """What the reference does with these inputs.

    Raises:
        RuntimeError: if it fails.
    """
    outcome = run_probe(case.probe, exercise.reference, inputs, seed)
    if outcome["status"] != "ran":
        raise RuntimeError(f"the reference of {exercise.name} fails {case.title!r}: {outcome}")
    return outcome["observation"]


def answer_like(reference: Answer, make: Callable[[Any], Any]) -> Answer:
    """An answer that gives what `make` makes of the reference's result, and leaves things alone.

    Args:
        reference: a function, or a module's class.
        make: takes the result, whatever that is.
    """
    if isinstance(reference, type) and issubclass(reference, nn.Module):

        class Lying(reference):
            def forward(self, *args: Any, **kwargs: Any) -> Any:
                with torch.no_grad():
                    return make(super().forward(*args, **kwargs))

        Lying.__name__ = reference.__name__
        return Lying

    @wraps(reference)
    def lying(*args: Any, **kwargs: Any) -> Any:
        # On copies: whoever gives zeros never asks a model, and none can see the calls.
        copies = [_copy(value) for value in args]
        with torch.random.fork_rng(devices=[]):
            result = reference(*copies, **{name: _copy(v) for name, v in kwargs.items()})
        return make(result)

    return lying


def but_returning(reference: Answer, make: Callable[[Any], Any]) -> Answer:
    """The reference, but for what it returns: what `make` makes of that."""
    if isinstance(reference, type) and issubclass(reference, nn.Module):

        class Returning(reference):
            def forward(self, *args: Any, **kwargs: Any) -> Any:
                return make(super().forward(*args, **kwargs))

        Returning.__name__ = reference.__name__
        return Returning

    return wraps(reference)(lambda *args, **kwargs: make(reference(*args, **kwargs)))


def _copy(value: Any) -> Any:
    if isinstance(value, torch.Generator):
        return torch.Generator().set_state(value.get_state())
    if isinstance(value, FunctionType) and value.__closure__:
        cells = tuple(CellType(copy.deepcopy(cell.cell_contents)) for cell in value.__closure__)
        return FunctionType(value.__code__, value.__globals__, None, value.__defaults__, cells)
    return copy.deepcopy(value)


def _nothing(result: Any) -> None:
    return None


def _zeros(result: Any) -> Any:
    return _filled(result, 0)


def _nan(result: Any) -> Any:
    return _filled(result, float("nan"))


def _filled(result: Any, value: float) -> Any:
    """`result` with every number in it `value`."""
    if isinstance(result, torch.Tensor):
        whole = not result.is_floating_point()
        return torch.full_like(result.detach(), 0 if whole else value)
    if isinstance(result, dict):
        return {key: _filled(item, value) for key, item in result.items()}
    if isinstance(result, list | tuple):
        return type(result)(_filled(item, value) for item in result)
    if isinstance(result, bool | str):
        return type(result)()
    return type(result)(value) if isinstance(result, float) else value


_OTHER_KINDS = (_nothing, _nan, str, lambda result: (result,))

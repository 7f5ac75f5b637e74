"""An exercise: what is asked of a student, how it is judged, and the mistakes people make in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import torch

from checkers.engine.sandbox.inside.running import Inputs, Probe
from checkers.engine.swaps import mistaken_cells, run_cells, table_of
from checkers.engine.worlds.call import call

Answer = Callable[..., Any]
Observation = dict[str, Any]


class Pictures(NamedTuple):
    """What a report shows beside a wrong case.

    Attributes:
        target: (C, H, W) in [-1, 1], what the function should have given.
        yours: the same shape, what it gave.
        caption: which picture this is, for instance "t = 500".
    """

    target: torch.Tensor
    yours: torch.Tensor
    caption: str


class Verdict(NamedTuple):
    """A judge's answer.

    Attributes:
        passed: whether the observation is right.
        message: if not, what is wrong, in a sentence or two that a student can act on. If it is,
            a remark, or nothing.
        pictures: target and result, where a picture tells more.
    """

    passed: bool
    message: str = ""
    pictures: Pictures | None = None


Judge = Callable[[Observation, Observation, Inputs], Verdict]


@dataclass(frozen=True)
class Case:
    """One thing that is checked, with its own points.

    Attributes:
        title: what holds if the case passes, for instance "t = 0 gives back the picture".
        points: what it is worth.
        inputs: makes the inputs from a seeded generator, fresh for every check.
        judge: `judge(observed, expected, inputs)`. `expected` is what the reference gave on the
            same inputs, or, to name a mistake, what a known wrong version gave: so a judge
            compares the two and never looks at the inputs alone, if they are `compared`.
        probe: runs beside the student's code and records the observation.
        known_probe: where there is a quicker way to observe the same of the reference and of known
            mistakes, which hide nothing.
        time_limit: seconds for one run in a process of its own.
        memory_limit: bytes that such a run may use on top of what torch takes.
        hidden: run only when a submission is graded, not by the check in the notebook.
        compared: with what the reference did. Where the inputs alone say what is right, neither the
            reference nor a known mistake is run: the judge gets an empty `expected`, and the case
            names no mistake.
    """

    title: str
    points: int
    inputs: Callable[[torch.Generator], Inputs]
    judge: Judge
    probe: Probe = call
    known_probe: Probe | None = None
    time_limit: float = 20.0
    memory_limit: int = 2 * 2**30
    hidden: bool = False
    compared: bool = True


class Mistake:
    """A wrong version that people really write, and the sentence that tells them.

    Args:
        name: for authors and statistics.
        says: what is wrong, to follow "It looks as if".
        answer: the wrong version itself, or how to make it.
        cells: what it needs and itself as text, if it is made of the reference's own.

    Attributes:
        sentence: what a student who wrote it should read.
    """

    def __init__(
        self,
        name: str,
        says: str,
        answer: Callable[[], Answer],
        cells: tuple[str, str] | None = None,
    ) -> None:
        self.name, self.cells = name, cells
        self.sentence = f"It looks as if {says}"
        self._make = answer

    @cached_property
    def answer(self) -> Answer:
        """The wrong version itself."""
        return self._make()


@dataclass
class Exercise:
    """One stub and all that belongs to it.

    Known mistakes stand in the lesson's `mistakes.toml` and `mistakes.py`, other right answers in
    its `right_answers.py`; they are read when somebody asks for them.

    Attributes:
        reference: the function or class in `solutions`; its name is the exercise's name.
        cases: what is checked, in the order in which it is reported.
        hints: from a nudge to nearly the answer.
    """

    reference: Answer
    cases: Sequence[Case]
    hints: Sequence[str]
    _written_mistakes: list[Mistake] = field(default_factory=list)
    _right_answers: list[Answer] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the stub."""
        return self.reference.__name__

    @property
    def lesson(self) -> str:
        """The lesson's name, which is that of the module in `solutions`."""
        return self.reference.__module__.rsplit(".", 1)[-1]

    @property
    def points(self) -> int:
        """What all cases that the notebook's check shows are worth."""
        return sum(case.points for case in self.cases if not case.hidden)

    @cached_property
    def mistakes(self) -> list[Mistake]:
        """The known mistakes: those of the table first, then those written as functions.

        Raises:
            MistakeError: if an entry of the table cannot be made.
        """
        _import_if_there(f"checkers.{self.lesson}.mistakes")
        swapped = [
            self._swapped(name, entry)
            for name, entry in table_of(self.lesson).get(self.name, {}).items()
        ]
        return swapped + self._written_mistakes

    def _swapped(self, name: str, entry: Mapping[str, Any]) -> Mistake:
        says = entry["says"]
        if entry.get("recorded"):
            return Mistake(name, says, lambda: self.reference)  # never run: it is in the outcomes
        cells = mistaken_cells(self.lesson, self.name, name)
        return Mistake(name, says, lambda: run_cells(cells, name, self.name), cells)

    @property
    def right_answers(self) -> list[Answer]:
        """Other right answers, in other styles than the reference."""
        _import_if_there(f"checkers.{self.lesson}.right_answers")
        return self._right_answers

    def mistake(self, says: str) -> Callable[[Answer], Answer]:
        """Register the decorated wrong version; `says` follows "It looks as if"."""

        def register(answer: Answer) -> Answer:
            self._written_mistakes.append(Mistake(answer.__name__, says, lambda: answer))
            return answer

        return register

    def right_answer(self, answer: Answer) -> Answer:
        """Register the decorated function as another right answer, which must pass."""
        self._right_answers.append(answer)
        return answer


def _import_if_there(module: str) -> None:
    if find_spec(module) is not None:
        import_module(module)

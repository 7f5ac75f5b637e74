"""An exercise: what is asked of a student, how it is judged, and the mistakes people make in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from probes.call import call
from probes.running import Inputs, Probe

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
            compares the two and never looks at the inputs alone.
        probe: runs beside the student's code and records the observation.
        time_limit: seconds for one run in a process of its own.
        memory_limit: bytes that such a run may use on top of what torch takes.
        hidden: run only when a submission is graded, not by the check in the notebook.
    """

    title: str
    points: int
    inputs: Callable[[torch.Generator], Inputs]
    judge: Judge
    probe: Probe = call
    time_limit: float = 20.0
    memory_limit: int = 2 * 2**30
    hidden: bool = False


@dataclass(frozen=True)
class Mistake:
    """A wrong version that people really write, and the sentence that tells them.

    Attributes:
        name: the function's name, for authors and statistics.
        answer: the wrong version itself.
        sentence: what a student who wrote it should read.
    """

    name: str
    answer: Answer
    sentence: str


@dataclass
class Exercise:
    """One stub and all that belongs to it.

    Attributes:
        reference: the function or class in `solutions`; its name is the exercise's name.
        cases: what is checked, in the order in which it is reported.
        hints: from a nudge to nearly the answer.
        mistakes: filled by the decorator `mistake`.
        right_answers: other right answers, filled by the decorator `right_answer`.
    """

    reference: Answer
    cases: Sequence[Case]
    hints: Sequence[str]
    mistakes: list[Mistake] = field(default_factory=list)
    right_answers: list[Answer] = field(default_factory=list)

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

    def mistake(self, sentence: str) -> Callable[[Answer], Answer]:
        """Register the decorated wrong version under the sentence that names it."""

        def register(answer: Answer) -> Answer:
            self.mistakes.append(Mistake(answer.__name__, answer, sentence))
            return answer

        return register

    def right_answer(self, answer: Answer) -> Answer:
        """Register the decorated function as another right answer, which must pass."""
        self.right_answers.append(answer)
        return answer

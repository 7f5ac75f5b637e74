"""Run an exercise's cases on one answer, judge them, and name the mistake.

The probe may run here (in a notebook's kernel) or in a process of its own: `run_case` decides, and
everything else is the same code.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from checkers.engine.advice import explain
from checkers.engine.diagnosis import find_mistake
from checkers.engine.exercise import Answer, Case, Exercise, Mistake, Observation, Verdict
from checkers.engine.judges.evidence import not_finite
from checkers.engine.judges.returned import may_be_false, told_truly, wrong_kind
from checkers.engine.memory import Memory
from checkers.engine.outcomes import outcomes_of
from checkers.engine.report import CaseResult, Report, Status
from checkers.engine.sandbox.inside.running import Inputs, ordinary_torch, run_probe

RunCase = Callable[[Exercise, Case, Inputs, int], dict[str, Any]]
"""Runs one case's probe on the answer under test: the outcome as `inside.running.run_probe`."""


def grade(
    exercise: Exercise,
    run_case: RunCase,
    seed: int | None = None,
    *,
    hidden: bool = False,
    memory: Memory | None = None,
    meanwhile: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Judge one answer.

    Args:
        exercise: what is asked.
        run_case: runs a probe on the answer under test, wherever that lives.
        seed: makes the inputs repeatable; fresh ones if None.
        hidden: run the hidden cases, too.
        memory: keeps the inputs of `seed` and what the known versions do, for the next answer.
        meanwhile: is called with the report, complete but for the mistake's name, while that is
            looked for: again and again, as each look takes some time.

    In a copy without answers seed, memory and the shown cases are those that came with it.

    Returns:
        A result for every case; the mistake is named on the first case that it explains.
    """
    known = Memory() if memory is None or seed is None else memory
    if (recorded := outcomes_of(exercise)) is not None:
        known, seed, hidden = recorded, recorded.draw(seed_of_case), False
    # Its seed is not the inputs' own: the answer must not draw the numbers they are made of.
    return _grade(
        exercise,
        lambda trial: run_case(exercise, trial.case, trial.inputs, trial.seed + 2),
        seed,
        hidden,
        known,
        meanwhile,
    )


def grade_known(exercise: Exercise, mistake: Mistake, seed: int, memory: Memory) -> Report:
    """Judge a known mistake, hidden cases too, by the runs in `memory` that name it in others."""
    return _grade(
        exercise, lambda trial: trial.known(mistake.name, mistake.answer), seed, True, memory
    )


@ordinary_torch()
def _grade(
    exercise: Exercise,
    outcome: Callable[[Trial], dict[str, Any]],
    seed: int | None,
    hidden: bool,
    memory: Memory,
    meanwhile: Callable[[Report], None] = lambda report: None,
) -> Report:
    trials = [
        Trial(exercise, case, seed_of_case(seed, number), memory)
        for number, case in enumerate(exercise.cases)
        if hidden or not case.hidden
    ]
    problems: list[str] = []
    for trial in trials:
        trial.take(outcome(trial))
        passed = trial.verdict is not None and trial.verdict.passed
        doubts = [] if passed else trial.outcome.get("doubts", [])
        notes = [*trial.outcome.get("problems", []), *doubts]
        problems += [text for text in notes if text not in problems]
        if trial.outcome["status"] in ("missing", "not attempted"):
            break  # so are all the others
    report = Report(
        exercise=exercise.name,
        lesson=exercise.lesson,
        cases=[trial.result(trials[0]) for trial in trials],
        hints=list(exercise.hints),
        problems=problems,
    )
    _add_diagnosis(exercise, trials, report.cases, partial(meanwhile, report))
    return report


def grade_here(
    exercise: Exercise,
    answer: Answer,
    seed: int | None = None,
    *,
    hidden: bool = False,
    memory: Memory | None = None,
) -> Report:
    """Judge a function that lives in this process, as a notebook does; the rest as for `grade`."""
    return grade(exercise, partial(_run_here, answer), seed, hidden=hidden, memory=memory)


def seed_of_case(seed: int | None, number: int) -> int:
    """A seed for each case: fresh, or derived from the one given."""
    return secrets.randbits(48) if seed is None else (seed * 1_000_003 + number) % 2**48


def _run_here(
    answer: Answer, exercise: Exercise, case: Case, inputs: Inputs, seed: int
) -> dict[str, Any]:
    return run_probe(case.probe, answer, inputs, seed, exercise.name)


def judged(case: Case, observed: Any, expected: Observation, inputs: Inputs) -> Verdict:
    """The verdict of a case's judge on an observation, which may be forged, of any form."""
    unreadable = Verdict(False, "The result cannot be read.")
    if not isinstance(observed, dict):
        return unreadable
    try:
        verdict = case.judge(observed, expected, inputs)
        verdict = verdict._replace(passed=bool(verdict.passed))  # numpy's is no plain data
        problem = wrong_kind(observed, expected)
        if problem and (verdict.passed or may_be_false(verdict.message, problem)):
            return Verdict(False, problem)
        if verdict.passed and not_finite(observed, expected):
            return Verdict(False, "Some of what your function gives are not finite numbers.")
        return verdict._replace(message=told_truly(verdict.message, observed, expected))
    except Exception:
        # What can't be read costs its author the case. But if the judge can't even read the
        # reference's own, it is broken: no answer is to blame.
        if case.compared:
            case.judge(expected, expected, inputs)
        return unreadable


class Trial:
    """One case with its inputs, the answer's outcome and, when asked for, the known versions'."""

    def __init__(self, exercise: Exercise, case: Case, seed: int, memory: Memory) -> None:
        self.exercise, self.case, self.seed = exercise, case, seed
        self._key = (exercise.lesson, exercise.name, case.title, seed)
        self._memory = memory
        self.inputs = memory.get(
            (*self._key, "inputs"), lambda: case.inputs(torch.Generator().manual_seed(seed))
        )
        self.outcome: dict[str, Any] = {"status": "skipped"}
        self.verdict: Verdict | None = None

    def take(self, outcome: dict[str, Any]) -> None:
        """Judge what the probe observed of the answer under test."""
        self.outcome = outcome
        if self.outcome["status"] == "ran":
            self.verdict = self._judge(self.outcome["observation"], self.expected())

    def expected(self) -> Observation:
        """What the reference gives on the same inputs; nothing where that isn't asked for."""
        if not self.case.compared:
            return {}
        outcome = self.known("reference", self.exercise.reference)
        if outcome["status"] != "ran":
            raise RuntimeError(
                f"The reference of {self.exercise.name} fails its own case "
                f"{self.case.title!r}: {outcome.get('message')}"
            )
        return outcome["observation"]

    def known(self, name: str, answer: Answer) -> dict[str, Any]:
        """The outcome of a known version; another seed, as the answer draws its own noise too.

        "seconds" is how long that took.
        """

        def run() -> dict[str, Any]:
            start = time.perf_counter()
            outcome = self._run_known(answer, self.seed + 1)
            return {**outcome, "seconds": time.perf_counter() - start}

        return self._memory.get((*self._key, name), run)

    @property
    def cost(self) -> float:
        """As long as the reference takes here, a known mistake takes, too."""
        return self.known("reference", self.exercise.reference)["seconds"]

    @property
    def is_plain(self) -> bool:
        """Whether the answer raised an error here: what runs through would not match that."""
        return self.outcome["status"] != "ran"

    def has_run(self, mistake: Mistake) -> bool:
        """Whether it is known already what a mistake does here."""
        return (*self._key, mistake.name) in self._memory

    @property
    def speaks(self) -> bool:
        """Whether what the answer did here can match anything: not if it doesn't match itself.

        Nor if it lacks a name: every known mistake has all of its own.
        """
        if self.outcome["status"] != "ran":
            return self.outcome.get("type") not in ("NameError", "UnboundLocalError")
        observed = self.outcome["observation"]
        try:
            return self._judge(observed, observed).passed
        except Exception:  # it is forged
            return False

    def fails(self, mistake: Mistake) -> bool:
        """Whether this case tells the mistake from the reference."""
        return self._memory.get((*self._key, mistake.name, "fails"), lambda: self._fails(mistake))

    def _fails(self, mistake: Mistake) -> bool:
        outcome = self.known(mistake.name, mistake.answer)
        if outcome["status"] != "ran":
            return True
        return not self._judge(outcome["observation"], self.expected()).passed

    def matches(self, mistake: Mistake) -> bool:
        """Whether the answer did here just what the mistake does."""
        outcome = self.known(mistake.name, mistake.answer)
        if outcome["status"] != "ran" or self.outcome["status"] != "ran":
            keys = ("status", "type", "message")
            return all(outcome.get(key) == self.outcome.get(key) for key in keys)
        return self._judge(self.outcome["observation"], outcome["observation"]).passed

    def would_match(self, mistake: Mistake) -> bool:
        """Whether an answer with just this mistake would match it here; where chance rules, no."""
        if self.is_plain and self.known(mistake.name, mistake.answer)["status"] == "ran":
            return True
        return self.repeats(mistake)

    def repeats(self, mistake: Mistake) -> bool:
        """Whether a second run of the mistake matches the first; where chance rules, no."""
        key = (*self._key, mistake.name, "repeats")
        return self._memory.get(key, lambda: self._repeats(mistake))

    def _repeats(self, mistake: Mistake) -> bool:
        outcome, again = self.known(mistake.name, mistake.answer), self._again(mistake)
        if outcome["status"] != "ran" or again["status"] != "ran":
            return outcome["status"] == again["status"]
        return self._judge(again["observation"], outcome["observation"]).passed

    def would_fail(self, mistake: Mistake) -> bool:
        """Whether an answer with just this mistake would fail here; where chance rules, perhaps."""
        key = (*self._key, mistake.name, "would fail")
        return self._memory.get(key, lambda: self._would_fail(mistake))

    def _would_fail(self, mistake: Mistake) -> bool:
        again = self._again(mistake)
        return (
            again["status"] != "ran"
            or not self._judge(again["observation"], self.expected()).passed
        )

    def _again(self, mistake: Mistake) -> dict[str, Any]:
        """The outcome of the mistake with what the answer under test drew."""
        return self._memory.get(
            (*self._key, mistake.name, "again"),
            lambda: self._run_known(mistake.answer, self.seed + 2),
        )

    def _run_known(self, answer: Answer, seed: int) -> dict[str, Any]:
        return run_probe(self.case.known_probe or self.case.probe, answer, self.inputs, seed)

    def _judge(self, observed: Any, expected: Observation) -> Verdict:
        return judged(self.case, observed, expected, self.inputs)

    def result(self, first: Trial) -> CaseResult:
        """What the report says of this case."""
        if self.verdict is not None:
            status = Status.PASSED if self.verdict.passed else Status.WRONG
            message, pictures = self.verdict.message, self.verdict.pictures
        else:
            outcome = first.outcome if self.outcome["status"] == "skipped" else self.outcome
            status, pictures = Status(outcome["status"]), None
            message = explain(outcome, self.exercise.name, self.case)
        return CaseResult(
            title=self.case.title,
            status=status,
            points=self.case.points if status is Status.PASSED else 0,
            max_points=self.case.points,
            message=message,
            hidden=self.case.hidden,
            pictures=pictures,
        )


def _add_diagnosis(
    exercise: Exercise,
    trials: list[Trial],
    results: list[CaseResult],
    meanwhile: Callable[[], None],
) -> None:
    """Name the known mistake that explains what failed, on the first case that it explains."""
    by_result = [pair for pair in zip(trials, results, strict=True) if pair[0].case.compared]
    failed = [trial for trial, result in by_result if _may_be_named(result)]
    passed = [trial for trial, result in by_result if result.status is Status.PASSED]
    if found := find_mistake(exercise.mistakes, failed, passed, meanwhile):
        mistake, trial = found
        result = results[trials.index(trial)]
        result.diagnosis, result.mistake = mistake.sentence, mistake.name


def _may_be_named(result: CaseResult) -> bool:
    return result.status in (Status.WRONG, Status.RAISED)

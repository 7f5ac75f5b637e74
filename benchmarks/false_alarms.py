"""How often the checkers err: right answers and known mistakes, again and again with fresh inputs.

python benchmarks/false_alarms.py [--seconds 10] [--mistakes] [--jobs 2] [lesson ...]

`python -m checkers verify` grades every answer once. But a check draws its inputs, and some answers
draw noise of their own, so one run in a thousand may go another way, and a class of 300 meets it.

For `--seconds`, or `--rounds` if they are over sooner, every case judges its exercise's reference
and all other right answers with fresh inputs: one that fails is a false alarm. With `--mistakes`,
for ten times as long, every exercise grades all its known mistakes: one that passes, or is told by
another's sentence or none, counts.

It prints each error with its seed (`python -m checkers verify LESSON --seed SEED` repeats it), and
how many judgements were made; with none wrong of n, the rate is below 3 / n with 95 % confidence.
The exit code is 1 if anything was wrong.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Annotated, NamedTuple

import torch
import typer

from checkers.engine.exercise import Case, Exercise
from checkers.engine.grading import grade_here, seed_of_case
from checkers.engine.memory import Memory
from checkers.engine.registry import all_lessons, find_exercise, find_lesson
from checkers.engine.sandbox.inside.running import run_probe


class Tally(NamedTuple):
    """What one process found.

    Attributes:
        what: the exercise, and the case if only one was run.
        judged: how many answers were judged.
        seconds: how long it took.
        errors: a line for each that was judged wrongly.
    """

    what: str
    judged: int
    seconds: float
    errors: list[str]


def right_answers(name: str, number: int, seconds: float, rounds: int) -> Tally:
    """Judge all right answers of exercise `name` on its case `number` with fresh inputs."""
    exercise = find_exercise(name)
    case = exercise.cases[number]
    start, judged, errors = time.perf_counter(), 0, []
    for seed in _seeds(seconds, rounds):
        for answer, problem in _problems(exercise, case, seed_of_case(seed, number)):
            judged += 1
            if problem:
                errors.append(f"seed {seed}, {answer}: {problem}")
    return Tally(f"{name}: {case.title}", judged, time.perf_counter() - start, errors)


def _problems(exercise: Exercise, case: Case, seed: int) -> Iterator[tuple[str, str]]:
    """Each right answer's name, and why the case doesn't pass it; "" if it does."""
    inputs = case.inputs(torch.Generator().manual_seed(seed))
    expected = run_probe(case.probe, exercise.reference, inputs, seed + 1)["observation"]
    for answer in [exercise.reference, *exercise.right_answers]:
        outcome = run_probe(case.probe, answer, inputs, seed + 2)
        if outcome["status"] != "ran":
            yield answer.__name__, f"{outcome['status']}: {outcome.get('message')}"
        else:
            verdict = case.judge(outcome["observation"], expected, inputs)
            yield answer.__name__, "" if verdict.passed else verdict.message


def mistakes(name: str, seconds: float, rounds: int) -> Tally:
    """Grade all known mistakes of exercise `name` with fresh inputs."""
    exercise = find_exercise(name)
    start, judged, errors = time.perf_counter(), 0, []
    for seed in _seeds(seconds, rounds):
        memory = Memory()  # what the other mistakes do, once for each seed
        for mistake in exercise.mistakes:
            judged += 1
            report = grade_here(exercise, mistake.answer, seed, hidden=True, memory=memory)
            told = next((case.mistake for case in report.cases if case.mistake), None)
            if report.passed:
                errors.append(f"seed {seed}, {mistake.name}: it passes")
            elif told != mistake.name:
                errors.append(f"seed {seed}, {mistake.name}: it is told as {told}")
    return Tally(name, judged, time.perf_counter() - start, errors)


def _seeds(seconds: float, rounds: int) -> Iterator[int]:
    """Fresh seeds, one at least, until the time is up."""
    end = time.perf_counter() + seconds
    for done in range(rounds):
        if done and time.perf_counter() > end:
            return
        yield secrets.randbits(47)


def main(
    lessons: Annotated[list[str] | None, typer.Argument(help="Lessons; all if none.")] = None,
    seconds: Annotated[float, typer.Option(help="For each case.")] = 10.0,
    rounds: Annotated[int, typer.Option(help="At most, for each case.")] = 1000,
    mistaken: Annotated[bool, typer.Option("--mistakes", help="Mistakes in their place.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 2,
) -> None:
    """Print every error, and how many judgements were made."""
    chosen = [find_lesson(name) for name in lessons] if lessons else all_lessons()
    exercises = [exercise for lesson in chosen for exercise in lesson.exercises]
    judged, wrong = 0, 0
    with ProcessPoolExecutor(jobs) as pool:
        if mistaken:
            work = [pool.submit(mistakes, e.name, 10 * seconds, rounds) for e in exercises]
        else:
            work = [
                pool.submit(right_answers, e.name, number, seconds, rounds)
                for e in exercises
                for number in range(len(e.cases))
            ]
        for done in as_completed(work):
            tally = done.result()
            judged, wrong = judged + tally.judged, wrong + len(tally.errors)
            print(
                f"{len(tally.errors):4} of {tally.judged:6} wrong in {tally.seconds:5.0f} s  "
                f"{tally.what}",
                flush=True,
            )
            for error in tally.errors[:5]:
                print(f"       {error}", flush=True)
    print(f"{wrong} of {judged} wrong")
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    typer.run(main)

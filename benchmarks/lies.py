"""What lies earn: answers that are no attempt, and recordings of the reference.

python benchmarks/lies.py [--seed 1] [--recordings 2] [lesson ...]

For every exercise: what it is worth, and what is earned by `return None`, by zeros in the shape of
the reference's result, by results that are not a number, by all the work with a result of another
kind, and by a submission that replays what was observed of the reference elsewhere, with other
inputs, in place of what is observed of itself.

The exit code is 1 if None, not a number or another kind earn anything, or a recording more than the
larger of None and zeros. A case that lets it is named.
"""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from checkers.engine.authoring.lies import what_lies_earn
from checkers.engine.registry import all_lessons, find_lesson


def main(
    lessons: Annotated[list[str] | None, typer.Argument(help="Lessons; all if none.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the inputs; fresh if none.")] = None,
    recordings: Annotated[int, typer.Option(help="For each exercise.")] = 2,
) -> None:
    """Print a line for each exercise, and what they earn together."""
    chosen = [find_lesson(name) for name in lessons] if lessons else list(all_lessons())
    seed = secrets.randbits(40) if seed is None else seed
    print(f"seed {seed}")
    print(f"{'exercise':28}{'points':>8}{'None':>8}{'zeros':>8}{'NaN':>8}{'kinds':>8}{'replay':>8}")
    sums, pays = [0] * 6, False
    for exercise in (exercise for lesson in chosen for exercise in lesson.exercises):
        earned = what_lies_earn(exercise, seed, recordings)
        row = earned[:6]
        sums = [a + b for a, b in zip(sums, row, strict=True)]
        print(f"{exercise.name:28}" + "".join(f"{value:8}" for value in row), flush=True)
        if earned.problem:
            pays = True
            print(f"    {earned.problem}", flush=True)
    print(f"{'together':28}" + "".join(f"{value:8}" for value in sums))
    raise typer.Exit(1 if pays else 0)


if __name__ == "__main__":
    typer.run(main)

"""Every exercise of every lesson: the stub, right answers, and each known mistake.

The inputs are the same in every run, so that red means a change and not chance. How often chance
makes a checker err is what `benchmarks/false_alarms.py` asks, with fresh inputs.
"""

import pytest

from checkers.engine.authoring.verify import verify
from checkers.engine.registry import all_lessons

SEED = 2026

# The last lessons' networks take longest: begun first, they leave no process idle at the end.
EXERCISES = [exercise for lesson in reversed(all_lessons()) for exercise in lesson.exercises]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_the_checker_can_be_trusted(exercise, worker):
    refuted = [proof for proof in verify(exercise, worker, SEED) if proof.problem]
    assert not refuted, "\n".join(f"{p.claim}: {p.problem}" for p in refuted)


def test_names_are_unique():
    names = [exercise.name for exercise in EXERCISES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda lesson: lesson.name)
def test_the_names_known_without_the_checker_are_its_own(lesson):
    assert lesson.exercise_names == [exercise.name for exercise in lesson.exercises]

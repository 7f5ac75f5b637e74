"""No lie pays: neither an answer that is no attempt, nor a recording of what a right one did."""

import pytest

from checkers.engine.authoring.lies import what_lies_earn
from checkers.engine.registry import all_lessons

EXERCISES = [exercise for lesson in all_lessons() for exercise in lesson.exercises]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_none_nan_and_recordings_earn_no_more_than_zeros(exercise):
    earned = what_lies_earn(exercise, seed=3)
    assert not earned.problem
    assert earned.zeros < earned.points / 2

"""No lie pays: neither an answer that is no attempt, nor a recording of what a right one did."""

import pytest

from checkers.engine.authoring.lies import what_lies_earn
from checkers.engine.registry import all_lessons

EXERCISES = [exercise for lesson in all_lessons() for exercise in lesson.exercises]


def _expected(exercise):
    """What still falls short is named here, and is to be mended."""
    reason = "a recording passes the case on the order of timesteps, 2 of 12 points"
    marks = [pytest.mark.xfail(reason=reason)] if exercise.name == "class_ddpm_sample" else []
    return pytest.param(exercise, marks=marks, id=exercise.name)


@pytest.mark.parametrize("exercise", map(_expected, EXERCISES))
def test_none_nan_and_recordings_earn_no_more_than_zeros(exercise):
    earned = what_lies_earn(exercise, seed=3)
    assert not earned.problem
    assert earned.zeros < earned.points / 2

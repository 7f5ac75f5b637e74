"""No lie pays: neither an answer that is no attempt, nor a recording of what a right one did."""

import numpy as np
import pytest
import torch

from checkers.engine.authoring.lies import what_lies_earn
from checkers.engine.exercise import Case, Verdict
from checkers.engine.grading import judged
from checkers.engine.judges.evidence import draw_secret, with_evidence
from checkers.engine.registry import all_lessons, find_exercise
from checkers.engine.sandbox.inside.plain import record
from checkers.engine.sandbox.inside.running import run_probe

EXERCISES = [exercise for lesson in all_lessons() for exercise in lesson.exercises]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_nothing_of_another_kind_and_no_recording_earns_points(exercise):
    earned = what_lies_earn(exercise, seed=3)
    assert not earned.problem
    assert earned.zeros < earned.points / 2


def _passes(observed, expected, inputs):
    return Verdict(True, "a remark")


def _case(judge=_passes):
    return Case("any", 1, lambda generator: {}, judge)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), torch.tensor([1.0, float("nan")])])
def test_no_fact_passes_that_is_not_a_finite_number(bad):
    right = {"fact": record(torch.ones(2) if isinstance(bad, torch.Tensor) else 1.0)}
    assert judged(_case(), right, right, {}).passed
    assert not judged(_case(), {"fact": record(bad)}, right, {}).passed
    assert judged(_case(), {"fact": record(bad)}, {"fact": record(bad)}, {}).passed


def test_a_verdict_made_of_arrays_is_plain_data():
    said = judged(_case(lambda *_: Verdict(np.float64(1) < 2)), {}, {}, {})
    assert said.passed is True


def test_only_the_secret_of_this_run_is_evidence():
    secret, other = (draw_secret(torch.Generator().manual_seed(s), 3, 12, 12) for s in (1, 2))
    judge = with_evidence(_passes, "result")

    def verdict(result, expected):
        seen = ({"result": record(value)} for value in (result, expected))
        return judge(*seen, {"secret": secret})

    faint = torch.randn(4, 3, 12, 12, generator=torch.Generator().manual_seed(3)) + secret
    assert verdict(faint, faint) == Verdict(True, "a remark")
    assert verdict([-faint, faint], [faint, faint]).passed
    for lie in (
        other,
        torch.zeros(3, 12, 12),
        faint + float("nan"),
        secret[:1],
        [faint, faint],
        None,
        [],
        "x",
    ):
        assert not verdict(lie, faint).passed
    assert verdict(other, other).passed  # a known mistake shows nothing either


_WHOLE, _ONE = torch.ones(2, 3), torch.ones(1)


@pytest.mark.parametrize(
    ("reference", "right", "wrong"),
    [
        (_WHOLE, [np.ones((2, 3)), _WHOLE.long()], [None, "x", 2.0, (_WHOLE,), _WHOLE / 0, object]),
        (_WHOLE[0], [[1.0, 2.0, 3.0], [np.float32(1), _ONE]], [[_WHOLE], ["x"], [float("nan")]]),
        (1.5, [2, True, np.float64(2), _ONE, _ONE[0]], [None, "1.5", [1.5], _WHOLE, float("nan")]),
        ("a", ["b"], [None, 1, ["a"]]),
        ([1, 2], [(3, 4, 5), torch.ones(2), _ONE, range(9), iter([])], [None, 1, "12", ([1, 2],)]),
        ((_WHOLE, _WHOLE), [[_WHOLE, np.ones(3)]], [(None, _WHOLE), (_WHOLE, "x"), (1.0, _WHOLE)]),
        (None, [None, _WHOLE, "x"], []),
    ],
)
def test_what_is_returned_has_the_kind_of_the_references(reference, right, wrong):
    case = Case("any", 1, lambda generator: {}, _passes, lambda student, inputs: {"x": student()})

    def seen(result):
        return run_probe(case.probe, lambda: result, {}, 1)["observation"] | {"x": 1}

    expected = seen(reference)
    assert all(judged(case, seen(result), expected, {}).passed for result in right)
    verdicts = [judged(case, seen(result), expected, {}) for result in wrong]
    assert not any(verdict.passed for verdict in verdicts)
    assert all("our function return" in verdict.message for verdict in verdicts)


@pytest.mark.parametrize("name", ["class_flow_loss", "class_ddpm_loss"])
def test_a_model_that_was_not_called_is_named_with_all_its_arguments(name):
    exercise = find_exercise(name)
    case = exercise.cases[0]
    inputs = case.inputs(torch.Generator().manual_seed(1))
    expected = record(case.probe(exercise.reference, inputs))
    observed = record(case.probe(lambda model, images, *rest: images.mean(), inputs))
    message = judged(case, observed, expected, inputs).message
    assert "model(x_t, t, c)" in message or "and the classes" in message

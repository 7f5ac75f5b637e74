"""Judges never broadcast, never pass what differs, and rarely fail what is right."""

import numpy as np
import pytest
import torch

from checkers.engine.judges.flow_sample import same_lines
from checkers.engine.judges.values import same_form, same_moments, same_values
from checkers.engine.sandbox.inside.plain import record
from checkers.engine.worlds.neighbours import neighbour_correlations


def _observe(result, **more):
    return {"result": record(result), "changed": [], **more}


@pytest.mark.parametrize(
    ("mine", "words"),
    [
        (torch.zeros(1, 3), "shape (1, 3)"),
        (torch.zeros(3, 1), "shape (3, 1)"),
        (torch.zeros(()), "shape ()"),
        (torch.zeros(3, dtype=torch.float64), "float64"),
        (torch.zeros(3, dtype=torch.int64), "int64"),
        (torch.full((3,), float("nan")), "not a finite number"),
        (torch.tensor([0, 0, 1e-3]), "off by"),
        ([0.0, 0.0, 0.0], "a list or tuple of 3"),
        (0.0, "not 0.0"),
        (None, "returned None"),
        ("zeros", "'zeros'"),
        (object(), "object"),
        (torch.zeros(3, dtype=torch.complex64), "complex64"),
    ],
)
def test_what_differs_is_wrong_and_told(mine, words):
    verdict = same_values()(_observe(mine), _observe(torch.zeros(3)), {})
    assert not verdict.passed
    assert words in verdict.message


def test_numpy_in_place_of_tensors_passes_with_a_remark():
    verdict = same_values()(_observe(np.zeros(3)), _observe(torch.zeros(3)), {})
    assert verdict.passed and "numpy" in verdict.message


@pytest.mark.parametrize("mine", [2.0, 2, torch.tensor(2.0), torch.tensor([2.0]), np.float64(2)])
def test_a_number_may_be_a_tensor_of_one(mine):
    assert same_values()(_observe(mine), _observe(2.0), {}).passed
    assert same_values(dtype_matters=False)(_observe(mine), _observe(torch.tensor(2.0)), {}).passed


def test_lists_are_compared_one_by_one():
    ours = _observe([torch.zeros(2), torch.ones(2)])
    assert same_values()(_observe([torch.zeros(2), torch.ones(2)]), ours, {}).passed
    assert not same_values()(_observe([torch.zeros(2)]), ours, {}).passed
    assert not same_values()(_observe([torch.zeros(2), torch.zeros(2)]), ours, {}).passed
    assert not same_values()(_observe(torch.zeros(2, 2)), ours, {}).passed


def test_nan_where_the_reference_has_nan_is_right():
    nan = torch.tensor([float("nan"), 1.0])
    assert same_values()(_observe(nan), _observe(nan), {}).passed


def test_a_changed_input_fails_the_form():
    ours = _observe(torch.zeros(2))
    verdict = same_form()({**_observe(torch.zeros(2)), "changed": ["im"]}, ours, {})
    assert not verdict.passed and "`im`" in verdict.message


def test_equal_distributions_pass_every_time():
    """5.5 standard errors: no failure is to be expected in thousands of trials."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(1500):
        one, other = (torch.randn(4000, generator=generator) for _ in range(2))
        verdict = same_moments()(_observe(one), _observe(other), {})
        assert verdict.passed, verdict.message


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda n: torch.randn(n) * 1.05, "standard deviation"),
        (lambda n: torch.randn(n) + 0.05, "mean"),
        (lambda n: (torch.rand(n) - 0.5) * 12**0.5, "not normally"),
        (lambda n: torch.randn(n).sign(), "not normally"),
        (lambda n: torch.randn(n).clamp(-3, 3), "not normally"),
        (lambda n: torch.zeros(n), "standard deviation"),
    ],
)
def test_other_distributions_fail(make, words):
    torch.manual_seed(0)
    verdict = same_moments()(_observe(make(50_000)), _observe(torch.randn(50_000)), {})
    assert not verdict.passed
    assert words in verdict.message


@pytest.mark.parametrize(
    ("dimension", "name"),
    [(0, "picture of the batch"), (1, "channel"), (2, "row"), (3, "column")],
)
def test_noise_drawn_once_for_a_whole_dimension_fails(dimension, name):
    torch.manual_seed(0)
    shape = (4, 3, 32, 32)
    noise = torch.randn([1 if i == dimension else n for i, n in enumerate(shape)]).expand(shape)
    verdict = same_moments()(_observe(noise), _observe(torch.randn(shape)), {})
    assert f"is the same in every {name}" in verdict.message
    again = torch.randn(noise.select(dimension, 0).shape).unsqueeze(dimension).expand(shape)
    assert same_moments()(_observe(noise), _observe(again), {}).passed, "the same known mistake"


def test_what_a_few_numbers_have_in_common_is_chance():
    """One number for each of eight pictures, and they happen to grow from picture to picture."""
    growing = np.linspace(-1.5, 1.5, 8).reshape(8, 1, 1, 1)
    values = np.broadcast_to(growing, (8, 1, 28, 28))
    assert neighbour_correlations(values) == pytest.approx([0, 0, 1, 1])


def test_what_happens_one_time_in_ten_may_come_up_as_often_as_chance_allows():
    """Five standard errors; the spread of such rare events is less certain than normal noise's."""
    happened = [torch.zeros(8192), torch.zeros(8192)]
    for times, values in zip((700, 891), happened, strict=True):
        values[:times] = 1
    one, other = happened
    assert same_moments(also=())(_observe(one), _observe(other), {}).passed


def test_pictures_come_with_a_wrong_picture():
    target = torch.zeros(1, 3, 16, 16)
    verdict = same_values(show=True)(_observe(target + 0.5), _observe(target), {})
    assert verdict.pictures is not None and verdict.pictures.yours.shape == (3, 16, 16)


def _lines(seed, *, slope=0.4, offset=0.5, clamp=False, noise=0.0):
    """What `same_lines` reads of one run that maps noise to flat data."""
    generator = torch.Generator().manual_seed(seed)
    start, rest = torch.randn(2, 2, 1, 28, 28, generator=generator)
    end = offset + slope * start + noise * rest
    end = end.clamp(0, 1) if clamp else end
    return {"start": [record(start)], "result": [record(end)]}


@pytest.mark.parametrize(("slope", "offset"), [(0.4, 0.3), (0.4, 0.5), (0.25, 0.5), (0.1, 0.2)])
def test_lines_that_were_clamped_are_alike_whatever_noise_they_began_with(slope, offset):
    judge = same_lines(lambda inputs, number: "Here")
    for seed in range(100):
        runs = [_lines(s, slope=slope, offset=offset, clamp=True) for s in (seed, seed + 1000)]
        verdict = judge(*runs, {})
        assert verdict.passed, verdict.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"clamp": True}, "where it is 1, the result is 0."),
        ({"noise": 0.01}, "does not follow from the noise"),
        ({"slope": 0.41}, "where it is 1, the result is 0.910 and should be 0.900"),
        (
            {"offset": 0.51},
            "where the noise at the start is 0, the result is 0.510 and should be 0.500",
        ),
    ],
)
def test_chance_excuses_nothing_where_the_right_lines_are_straight(change, words):
    judge = same_lines(lambda inputs, number: "Here")
    assert judge(_lines(1), _lines(2), {}).passed
    verdict = judge(_lines(1, **change), _lines(2), {})
    assert not verdict.passed
    assert words in verdict.message

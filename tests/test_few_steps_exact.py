"""Lesson 19's reference functions where flow and reflow have a closed form: normal data.

With x_0 standard normal and data of mean m and standard deviation s, the exact flow's paths are
t m + a(t) x_0 with a(t)^2 = (1 - t)^2 + t^2 s^2, and end at m + s x_0. The lines of these pairs
never meet, so that one reflow makes the paths exactly straight.
"""

import pytest
import torch
from scipy.integrate import quad

from checkers.engine.worlds.flow import FlowWorld, StraightWorld
from lessons.workbench.training import flow_path
from solutions import (
    class_flow_sample,
    make_pairs,
    one_step_sample,
    reflow_loss,
    straightness,
)

STD = 0.4
MEANS = torch.linspace(0.1, 0.9, 11).reshape(-1, 1, 1, 1)
LABELS = torch.tensor([0, 3, 3, 9])
OWN = MEANS[LABELS]
BENT, STRAIGHT = FlowWorld(MEANS, STD), StraightWorld(MEANS, STD)


def _seeded():
    return torch.Generator().manual_seed(5)


def _noise(count=4):
    return torch.randn(count, 1, 28, 28, generator=_seeded())


def _spread(t):
    """a(t), and its derivative."""
    a = ((1 - t) ** 2 + (t * STD) ** 2) ** 0.5
    return a, (t * STD**2 - (1 - t)) / a


def _bend():
    """The integral of (a'(t) - (s - 1))^2: the straightness of the exact paths, of x_0 = 1."""
    return quad(lambda t: (_spread(t)[1] - (STD - 1)) ** 2, 0, 1)[0]


def test_the_straightness_of_exact_paths_is_its_integral():
    t = torch.linspace(0, 1, 401, dtype=torch.float64).reshape(-1, 1, 1, 1, 1)
    x_0 = _noise().double()
    path = t * OWN + _spread(t)[0] * x_0
    assert float(straightness(path)) == pytest.approx(_bend() * float((x_0**2).mean()), rel=1e-3)
    assert float(straightness(OWN + (STD - 1) * t * x_0)) == pytest.approx(0, abs=1e-20)


@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_pairs_are_the_ends_of_the_exact_paths(scale):
    errors = []
    for steps in (40, 80, 160):
        noise, pictures = make_pairs(BENT, LABELS, steps, scale, _seeded())
        assert torch.equal(noise, _noise())
        # The spread is the same with the class and without: guidance moves the mean alone.
        mean = MEANS[-1] + scale * (OWN - MEANS[-1])
        errors.append(float((pictures - (mean + STD * noise)).square().mean().sqrt()))
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.15)
    assert errors[2] < 5e-3


def test_pairs_are_what_the_sampler_of_lesson_16_draws_from_the_same_generator():
    _, pictures = make_pairs(BENT, LABELS, 7, 3.0, _seeded())
    assert torch.equal(pictures, class_flow_sample(BENT, LABELS, 7, 3.0, _seeded()))


def test_the_straight_flow_arrives_in_any_number_of_steps():
    end = OWN + STD * _noise()
    assert torch.allclose(one_step_sample(STRAIGHT, LABELS, _seeded()), end, atol=1e-5)
    for steps in (1, 2, 8):
        path = flow_path(STRAIGHT, _noise(), LABELS, steps)
        assert torch.allclose(path[-1], end, atol=1e-5)
        assert float(straightness(path)) < 1e-9
    path = flow_path(BENT, _noise(), LABELS, 400)
    assert float(straightness(path)) == pytest.approx(
        _bend() * float((_noise() ** 2).mean()), rel=0.02
    )
    assert torch.allclose(one_step_sample(BENT, LABELS, _seeded()), OWN.expand_as(end), atol=1e-5)


def test_the_loss_on_pairs_is_0_for_the_straight_flow_alone():
    labels = LABELS.repeat(2000)
    noise = torch.randn(len(labels), 1, 2, 2, generator=_seeded())
    pictures = MEANS[labels] + STD * noise

    def off(t):
        on_the_line = 1 - t + t * STD
        a, slope = _spread(t)
        return (slope / a * on_the_line - (STD - 1)) ** 2

    torch.manual_seed(1)
    assert float(reflow_loss(STRAIGHT, noise, pictures, labels)) < 1e-9
    expected = quad(off, 0, 1)[0]
    assert float(reflow_loss(BENT, noise, pictures, labels)) == pytest.approx(expected, rel=0.1)


def test_guided_pairs_of_single_pictures_go_beyond_them():
    world = FlowWorld(MEANS, 0.0)
    _, pictures = make_pairs(world, LABELS, 3, 2.0, _seeded())
    beyond = MEANS[-1] + 2 * (OWN - MEANS[-1])
    assert torch.allclose(pictures, beyond.expand_as(pictures), atol=1e-4)
    assert torch.allclose(
        one_step_sample(StraightWorld(MEANS, 0.0), LABELS, _seeded()),
        OWN.expand_as(pictures),
        atol=1e-4,
    )


def test_a_path_is_followed_in_the_shape_that_its_noise_has():
    path = flow_path(BENT, torch.zeros(2, 3, 5, 4), torch.tensor([1, 2]), 3, 2.0)
    assert path.shape == (4, 2, 3, 5, 4)
    assert not path[0].any()

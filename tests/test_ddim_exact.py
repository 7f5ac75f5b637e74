"""Lesson 17's reference functions against the closed form of the probability-flow ODE."""

from itertools import pairwise

import pytest
import torch

from lessons.workbench.denoisers import GaussianDenoiser
from solutions import ddim_invert, ddim_sample, ddim_step, heun_step, posterior_mean

MEAN, STD = 0.2, 0.25
WORLD = GaussianDenoiser(torch.full((3, 8, 8), MEAN), STD, dtype=torch.float64)
ABAR = WORLD.alphas_cumprod.double()
PLACE = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
NOTHING = WORLD.embed("")


def _at(t):
    """Where the exact paths are: each keeps its place in the bell curve of the timestep."""
    return ABAR[t].sqrt() * MEAN + (ABAR[t] * STD**2 + 1 - ABAR[t]).sqrt() * PLACE


def _even(steps):
    return [round(960 * i / steps) for i in range(steps, -1, -1)]


def _off(result, t):
    return float((result - _at(t)).square().mean().sqrt())


def _by_euler(steps):
    return _off(ddim_sample(WORLD, _at(960), 0, NOTHING, NOTHING, _even(steps), 1), 0)


def _by_inversion(steps):
    return _off(ddim_invert(WORLD, _at(0), NOTHING, _even(steps)), 960)


def _by_heun(steps):
    x, timesteps = _at(960), _even(steps)
    for t, t_prev in pairwise(timesteps):
        x = heun_step(WORLD, x, t, t_prev, NOTHING)
    return _off(x, 0)


@pytest.mark.parametrize(("off", "order"), [(_by_euler, 1), (_by_heun, 2)])
def test_the_error_falls_with_the_order_of_the_method(off, order):
    assert off(80) / off(160) == pytest.approx(2**order, rel=0.15)
    assert off(160) < 0.02 / 10 ** (order - 1)


def test_the_way_back_leads_to_the_noise_the_picture_came_from():
    assert _by_inversion(960) < 0.4 * _by_inversion(240) < 0.2 * _by_inversion(40)


@pytest.mark.parametrize(("t", "t_prev"), [(990, 891), (500, 480), (99, 0)])
def test_eta_1_is_ddpm(t, t_prev):
    x_t, x_0 = PLACE, _at(0)
    noise = (x_t - ABAR[t].sqrt() * x_0) / (1 - ABAR[t]).sqrt()
    seeds = [torch.Generator().manual_seed(2) for _ in range(2)]
    step = ddim_step(x_t, noise, t, t_prev, ABAR, 1.0, seeds[0])
    beta_tilde = (1 - ABAR[t_prev]) / (1 - ABAR[t]) * (1 - ABAR[t] / ABAR[t_prev])
    drawn = torch.randn(x_t.shape, generator=seeds[1]).double()
    expected = posterior_mean(x_t, x_0, t, t_prev, ABAR) + beta_tilde.sqrt() * drawn
    assert torch.allclose(step, expected, atol=1e-9)

"""The exact worlds, the reverse step's variance, and the finished sampler on them."""

import pytest
import torch

from lessons.workbench.denoisers import (
    GaussianDenoiser,
    PointDenoiser,
    PromptError,
    generate,
    load_denoiser,
    spaced_timesteps,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_point_world_knows_its_picture():
    points = {"": torch.zeros(1, 4, 4), "one": torch.ones(1, 4, 4)}
    world = PointDenoiser(points, record=True)
    x_t = torch.randn((2, 1, 4, 4), generator=seeded())
    noise, variance = world(x_t, torch.tensor([500, 20]), world.embed(["one", ""]))
    abar = world.alphas_cumprod[[500, 20]].reshape(2, 1, 1, 1)
    x_0 = (x_t - (1 - abar).sqrt() * noise) / abar.sqrt()
    torch.testing.assert_close(x_0[0], points["one"], atol=1e-5, rtol=0)
    torch.testing.assert_close(x_0[1], points[""], atol=1e-5, rtol=0)
    assert (variance == -1).all()
    assert world.calls[0].timesteps == (500, 20)
    assert world.calls[0].prompts == ("one", "")
    assert torch.equal(world.calls[0].x_t, x_t)


def test_the_gaussian_world_gives_the_posterior_mean():
    """Estimated by weighing draws from the prior with their likelihood."""
    world = GaussianDenoiser(torch.full((1, 1, 1), 0.5), std=0.3, dtype=torch.float64)
    x_t = torch.tensor([[[[0.2]]]], dtype=torch.float64)
    abar = world.alphas_cumprod[600].double()
    draws = 0.5 + 0.3 * torch.randn(400_000, generator=seeded(), dtype=torch.float64)
    weights = (-((x_t.flatten() - abar.sqrt() * draws) ** 2) / (2 * (1 - abar))).exp()
    expected = (weights * draws).sum() / weights.sum()
    noise = world(x_t, 600, world.embed("")).noise
    x_0 = (x_t - (1 - abar).sqrt() * noise) / abar.sqrt()
    assert abs(float(x_0) - float(expected)) < 5e-3


@pytest.mark.parametrize("steps", [5, 34])
def test_generate_hits_the_point(steps):
    picture = torch.rand((3, 8, 8), generator=seeded(3)) * 2 - 1
    world = PointDenoiser(picture)
    samples = generate(world, ["", ""], num_inference_steps=steps, generator=4)
    assert samples.shape == (2, 3, 8, 8)
    assert (samples - picture).abs().max() < 0.06, "only the last step's tiny noise is left"


@pytest.mark.parametrize("steps", [4, 34])
def test_generate_draws_from_the_gaussian(steps):
    """3 * 64 * 64 * 40 = 491,520 pixels: five standard errors leave a false alarm below 1e-6."""
    world = GaussianDenoiser(torch.full((3, 64, 64), 0.25), std=0.4)
    samples = generate(world, [""] * 40, num_inference_steps=steps, generator=5).double()
    count = samples.numel()
    assert abs(samples.mean() - 0.25) < 5 * 0.4 / count**0.5 + 5e-3
    assert abs(samples.std() / 0.4 - 1) < 5 / (2 * count) ** 0.5 + 5e-3


def test_guidance_moves_away_from_the_unconditional():
    world = PointDenoiser({"": torch.zeros(1, 4, 4), "one": torch.ones(1, 4, 4)}, record=True)
    samples = generate(world, "one", guidance_scale=3.0, generator=6)
    assert (samples - 3).abs().max() < 0.06
    assert all(call.prompts == ("one", "") for call in world.calls), "one batched call a step"
    assert [call.timesteps[0] for call in world.calls] == spaced_timesteps(34)[:-1]


def test_generate_is_repeatable():
    world = GaussianDenoiser(torch.zeros(3, 8, 8), std=1.0)
    first, second = (generate(world, "", generator=7) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(first, generate(world, "", generator=seeded(7)))
    assert not torch.equal(first, generate(world, "", generator=8))


def test_spaced_timesteps_are_the_courses():
    assert spaced_timesteps(34) == list(range(990, -1, -30))
    assert spaced_timesteps(2) == [990, 0]
    with pytest.raises(ValueError, match="between 2"):
        spaced_timesteps(1)


@pytest.mark.parametrize(("fraction", "exponent"), [(-1.0, 0.0), (1.0, 1.0), (0.0, 0.5)])
def test_add_variance_lies_between_beta_tilde_and_beta(fraction, exponent):
    world = PointDenoiser(torch.zeros(1, 300, 300))
    t, t_prev = 600, 570
    abar, abar_prev = world.alphas_cumprod[[t, t_prev]].double()
    beta = 1 - abar / abar_prev
    expected = beta * ((1 - abar_prev) / (1 - abar)) ** (1 - exponent)
    x = torch.full((1, 1, 300, 300), 2.0)
    noisy = world.add_variance(x, torch.full_like(x, fraction), t, t_prev, generator=seeded())
    assert abs((noisy - x).var() / expected - 1) < 5 * (2 / x.numel()) ** 0.5
    assert abs((noisy - x).mean()) < 5 * (expected / x.numel()) ** 0.5


@pytest.mark.parametrize(("t", "t_prev"), [(5, 5), (5, 6), (1000, 5), (5, -1)])
def test_add_variance_refuses_a_step_that_goes_nowhere(t, t_prev):
    world = PointDenoiser(torch.zeros(1, 4, 4))
    with pytest.raises(ValueError, match="t_prev < t"):
        world.add_variance(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4), t, t_prev)


def test_bad_input_is_told_in_one_sentence():
    world = PointDenoiser(torch.zeros(1, 4, 4))
    with pytest.raises(PromptError, match="no prompt"):
        world.embed("something else")
    with pytest.raises(ValueError, match="x_t must be"):
        world(torch.zeros(1, 1, 5, 5), 3, world.embed(""))
    with pytest.raises(ValueError, match="between 0 and 999"):
        world(torch.zeros(1, 1, 4, 4), 1000, world.embed(""))
    with pytest.raises(ValueError, match="positive"):
        GaussianDenoiser(torch.zeros(1, 4, 4), std=0)
    with pytest.raises(ValueError, match="at least one prompt"):
        generate(world, [])
    with pytest.raises(ValueError, match="choose 'atlas'"):
        load_denoiser("stable")

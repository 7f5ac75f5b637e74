"""The atlas denoiser against the closed form, computed here on its own in float64."""

import math

import pytest
import torch

from lessons.workbench.denoisers import Atlas, AtlasDenoiser, Style, Subject
from lessons.workbench.denoisers.atlas_denoiser import shrinking_radius

EVERYWHERE = {"window_radius": lambda sigma: math.inf}
SUBJECTS = ("cat", "boat", "tree", "house", "moon")
STYLES = ("photo", "drawing")


def smooth_pictures(count, size=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand((count, 3, size // 4, size // 4), generator=generator)
    large = torch.nn.functional.interpolate(small, size=(size, size), mode="bilinear")
    return (large * 255).round().to(torch.uint8)


def small_atlas(pictures=None):
    if pictures is None:
        pictures = smooth_pictures(len(SUBJECTS) * len(STYLES))
    subjects = tuple(Subject(name) for name in SUBJECTS[: len(pictures)])
    return Atlas(pictures, subjects, tuple(Style(name, (name,)) for name in STYLES))


def in_range(pictures):
    return pictures.double() / 127.5 - 1


def noised(x_0, t, denoiser, seed=1):
    abar = denoiser.alphas_cumprod[t].double()
    noise = torch.randn(x_0.shape, generator=torch.Generator().manual_seed(seed)).double()
    return (abar.sqrt() * x_0.double() + (1 - abar).sqrt() * noise).to(denoiser.dtype)


def implied_x_0(denoiser, x_t, t, embeds):
    abar = denoiser.alphas_cumprod[t].double()
    noise = denoiser(x_t, t, embeds).noise.double()
    return (x_t.double() - (1 - abar).sqrt() * noise) / abar.sqrt()


def plain_posterior_mean(x_t, abar, pictures, prior):
    """The closed form itself: one softmax over whole pictures."""
    distances = (x_t.double()[:, None] - abar.sqrt() * pictures[None]).square().sum((2, 3, 4))
    weights = torch.softmax(-distances / (2 * (1 - abar)) + prior.log(), dim=1)
    return torch.einsum("bn,nchw->bchw", weights, pictures)


def windowed_posterior_mean(x_t, abar, pictures, prior, radius):
    """The definition with windows, corner by corner and pixel by pixel, for one (C, H, W)."""
    size, half = x_t.shape[-1], radius + 0.5
    edges = torch.arange(size // 4 + 1) * 4.0
    at_corner = {}
    errors = (x_t.double() - abar.sqrt() * pictures).square().sum(1)
    cells = errors.unfold(1, 4, 4).unfold(2, 4, 4).sum((-1, -2))
    for row, y in enumerate(edges):
        for column, x in enumerate(edges):
            energy = torch.zeros(len(pictures), dtype=torch.float64)
            for i in range(size // 4):
                for j in range(size // 4):
                    covered_y = (min(4 * i + 4, y + half) - max(4 * i, y - half)) / 4
                    covered_x = (min(4 * j + 4, x + half) - max(4 * j, x - half)) / 4
                    part = min(max(float(covered_y), 0), 1) * min(max(float(covered_x), 0), 1)
                    energy += part * cells[:, i, j]
            weights = torch.softmax(-energy / (2 * (1 - abar)) + prior.log(), dim=0)
            at_corner[row, column] = weights
    x_0 = torch.zeros(x_t.shape, dtype=torch.float64)
    for y in range(size):
        for x in range(size):
            i, j, v, u = y // 4, x // 4, (y % 4 + 0.5) / 4, (x % 4 + 0.5) / 4
            weights = (
                (1 - v) * (1 - u) * at_corner[i, j]
                + (1 - v) * u * at_corner[i, j + 1]
                + v * (1 - u) * at_corner[i + 1, j]
                + v * u * at_corner[i + 1, j + 1]
            )
            x_0[:, y, x] = torch.einsum("n,nc->c", weights, pictures[:, :, y, x])
    return x_0


@pytest.fixture
def atlas():
    return small_atlas()


def with_mirrors(atlas):
    pictures = in_range(atlas.pictures)
    return torch.cat([pictures, pictures.flip(-1)])


@pytest.mark.parametrize("t", [0, 100, 500, 800, 900, 950, 999])
@pytest.mark.parametrize("prompt", ["", "a photo of a cat"])
def test_whole_window_is_the_plain_softmax(atlas, t, prompt):
    denoiser = AtlasDenoiser(atlas, **EVERYWHERE)
    x_t = noised(in_range(atlas.pictures)[:3].roll(1, -1), t, denoiser)
    embeds = denoiser.embed(prompt)
    prior = embeds[0].double().exp().repeat(2) / 2
    pictures = with_mirrors(atlas)
    expected = plain_posterior_mean(x_t, denoiser.alphas_cumprod[t].double(), pictures, prior)
    x_0 = implied_x_0(denoiser, x_t, t, embeds)
    if t < 990:
        torch.testing.assert_close(x_0, expected, atol=1e-4, rtol=0)
    abar = denoiser.alphas_cumprod[t].double()
    noise = (x_t.double() - abar.sqrt() * expected) / (1 - abar).sqrt()
    found = denoiser(x_t, t, embeds).noise.double()
    torch.testing.assert_close(found, noise, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("t", [0, 100, 500, 800, 900, 950, 999])
def test_in_float64_it_is_the_plain_softmax_to_rounding(atlas, t):
    denoiser = AtlasDenoiser(atlas, dtype=torch.float64, prune=0, **EVERYWHERE)
    x_t = noised(in_range(atlas.pictures)[:3].roll(1, -1), t, denoiser)
    embeds = denoiser.embed("")
    pictures = with_mirrors(atlas)
    prior = torch.full((len(pictures),), 1 / len(pictures), dtype=torch.float64)
    expected = plain_posterior_mean(x_t, denoiser.alphas_cumprod[t].double(), pictures, prior)
    x_0 = implied_x_0(denoiser, x_t, t, embeds)
    torch.testing.assert_close(x_0, expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize(("t", "radius"), [(30, 4.0), (300, 5.3), (700, 9.0), (900, 2.5)])
def test_local_windows_follow_their_definition(atlas, t, radius):
    denoiser = AtlasDenoiser(atlas, window_radius=lambda sigma: radius)
    halves = torch.cat(
        [in_range(atlas.pictures)[0, :, :, :8], in_range(atlas.pictures)[1, :, :, 8:]], 2
    )
    x_t = noised(halves[None], t, denoiser)
    pictures = with_mirrors(atlas)
    prior = torch.full((len(pictures),), 1 / len(pictures), dtype=torch.float64)
    abar = denoiser.alphas_cumprod[t].double()
    expected = windowed_posterior_mean(x_t[0], abar, pictures, prior, radius)
    x_0 = implied_x_0(denoiser, x_t, t, denoiser.embed(""))[0]
    torch.testing.assert_close(x_0, expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("t", [0, 400, 990])
def test_one_picture_is_always_the_answer(t):
    picture = smooth_pictures(1)
    atlas = Atlas(picture, (Subject("cat"),), (Style("photo"),))
    denoiser = AtlasDenoiser(atlas, mirrored=False)
    x_t = torch.randn((2, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    abar = denoiser.alphas_cumprod[t].double()
    expected = (x_t.double() - abar.sqrt() * in_range(picture)) / (1 - abar).sqrt()
    noise = denoiser(x_t, t, denoiser.embed("")).noise.double()
    torch.testing.assert_close(noise, expected, atol=1e-5, rtol=1e-5)


def test_at_high_noise_it_is_the_weighted_mean(atlas):
    denoiser = AtlasDenoiser(atlas, dtype=torch.float64)
    prior = torch.linspace(1, 10, 10).double()
    prior = prior / prior.sum()
    x_t = torch.zeros((1, 3, 16, 16)).double()
    mean = torch.einsum("n,nchw->chw", prior.repeat(2) / 2, with_mirrors(atlas))
    x_0 = implied_x_0(denoiser, x_t, 999, prior.log().float()[None])
    torch.testing.assert_close(x_0[0], mean, atol=2e-3, rtol=0)


def test_at_low_noise_it_is_the_nearest_picture(atlas):
    denoiser = AtlasDenoiser(atlas)
    pictures = in_range(atlas.pictures)
    x_0 = implied_x_0(denoiser, noised(pictures, 20, denoiser), 20, denoiser.embed(""))
    torch.testing.assert_close(x_0, pictures, atol=1e-4, rtol=0)


@pytest.mark.parametrize("t", [0, 10, 250, 700, 990])
def test_noise_and_x_0_satisfy_the_forward_equation(atlas, t):
    denoiser = AtlasDenoiser(atlas)
    x_t = noised(in_range(atlas.pictures)[:2], t, denoiser)
    noise = denoiser(x_t, t, denoiser.embed("a drawing of a boat")).noise
    abar = denoiser.alphas_cumprod[t]
    x_0 = (x_t - (1 - abar).sqrt() * noise) / abar.sqrt()
    again = abar.sqrt() * x_0 + (1 - abar).sqrt() * noise
    torch.testing.assert_close(again, x_t, atol=1e-5, rtol=0)
    if t < 900:
        assert x_0.min() > -1.001 and x_0.max() < 1.001, "an average of pictures stays in range"


@pytest.mark.parametrize("t", [0, 30, 200, 500, 700, 850, 930, 990])
@pytest.mark.parametrize("prompt", ["", "a photo of a cat"])
@pytest.mark.parametrize("radius", [shrinking_radius, lambda sigma: 4.0])
def test_pruning_changes_almost_nothing(t, prompt, radius):
    atlas = small_atlas(smooth_pictures(10, size=32))
    exact = AtlasDenoiser(atlas, prune=0, dtype=torch.float64, window_radius=radius)
    pruned = AtlasDenoiser(atlas, window_radius=radius)
    x_t = noised(torch.randn((3, 3, 32, 32), generator=torch.Generator().manual_seed(2)), t, pruned)
    x_t[0] = noised(in_range(atlas.pictures)[:1], t, pruned)[0]
    expected = implied_x_0(exact, x_t.double(), t, exact.embed(prompt))
    found = exact.alphas_cumprod[t].double()
    noise = pruned(x_t, t, pruned.embed(prompt)).noise.double()
    x_0 = (x_t.double() - (1 - found).sqrt() * noise) / found.sqrt()
    rounding = 1e-6 * float(((1 - found) / found).sqrt())
    assert (x_0 - expected).abs().max() < 1e-3 + rounding


def test_a_pruned_picture_really_is_left_out(atlas):
    local = {"window_radius": lambda sigma: 4.0}
    careless, thorough = (AtlasDenoiser(atlas, prune=p, **local) for p in (0.3, 0))
    x_t, embeds = torch.zeros((1, 3, 16, 16)), careless.embed("")
    difference = careless(x_t, 900, embeds).noise - thorough(x_t, 900, embeds).noise
    assert difference.abs().max() > 1e-3


@pytest.mark.parametrize("t", [50, 500, 900])
def test_mirror_images_belong_to_the_data(atlas, t):
    denoiser = AtlasDenoiser(atlas)
    x_t = noised(in_range(atlas.pictures)[:2], t, denoiser)
    embeds = denoiser.embed("")
    noise = denoiser(x_t, t, embeds).noise
    mirrored = denoiser(x_t.flip(-1), t, embeds).noise
    torch.testing.assert_close(mirrored.flip(-1), noise, atol=1e-4, rtol=1e-4)
    without = AtlasDenoiser(atlas, mirrored=False)
    x_t = noised(in_range(atlas.pictures)[:1].flip(-1), 50, denoiser)
    target = in_range(atlas.pictures)[:1].flip(-1)
    assert (implied_x_0(denoiser, x_t, 50, embeds) - target).abs().max() < 1e-3
    assert (implied_x_0(without, x_t, 50, embeds) - target).abs().max() > 0.1


@pytest.mark.parametrize("t", [40, 600, 950])
def test_a_batch_is_its_rows_one_by_one(atlas, t):
    denoiser = AtlasDenoiser(atlas)
    x_t = noised(in_range(atlas.pictures)[:4], t, denoiser)
    x_t = torch.cat([x_t, x_t, x_t[:1]])
    prompts = ["", "cat", "a photo of a boat", "drawing", "cat", "", "tree", "moon", "house"]
    embeds = denoiser.embed(prompts)
    together = denoiser(x_t, t, embeds).noise
    alone = [denoiser(x_t[i : i + 1], t, embeds[i : i + 1]).noise for i in range(9)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-4, rtol=1e-4)


def test_all_forms_of_t_agree(atlas):
    denoiser = AtlasDenoiser(atlas)
    x_t = noised(in_range(atlas.pictures)[:2], 300, denoiser)
    embeds = denoiser.embed("")
    expected = denoiser(x_t, 300, embeds).noise
    for t in (torch.tensor(300), torch.tensor([300]), torch.tensor([300, 300])):
        assert torch.equal(denoiser(x_t, t, embeds).noise, expected)
    mixed = denoiser(x_t, torch.tensor([300, 700]), embeds).noise
    torch.testing.assert_close(mixed[:1], denoiser(x_t[:1], 300, embeds).noise, atol=1e-5, rtol=0)
    torch.testing.assert_close(mixed[1:], denoiser(x_t[1:], 700, embeds).noise, atol=1e-5, rtol=0)


def test_shape_dtype_and_variance(atlas):
    denoiser = AtlasDenoiser(atlas)
    x_t = torch.zeros((3, 3, 16, 16))
    noise, variance = denoiser(x_t, 500, denoiser.embed(""))
    assert noise.shape == variance.shape == x_t.shape
    assert noise.dtype == variance.dtype == torch.float32
    assert (variance == -1).all() and not noise.requires_grad
    assert torch.equal(x_t, torch.zeros_like(x_t)), "the input is left alone"


def test_bad_input_is_told_in_one_sentence(atlas):
    denoiser = AtlasDenoiser(atlas)
    x_t, embeds = torch.zeros((2, 3, 16, 16)), denoiser.embed("")
    with pytest.raises(ValueError, match="x_t must be"):
        denoiser(x_t[0], 10, embeds)
    with pytest.raises(ValueError, match="from 0 to 999"):
        denoiser(x_t, 1000, embeds)
    with pytest.raises(ValueError, match="from 0 to 999"):
        denoiser(x_t, 0.5, embeds)
    with pytest.raises(ValueError, match="one timestep"):
        denoiser(x_t, torch.tensor([1, 2, 3]), embeds)
    with pytest.raises(ValueError, match="prompt_embeds"):
        denoiser(x_t, 10, embeds[:, :3])
    with pytest.raises(ValueError, match="no picture"):
        denoiser(x_t, 10, torch.full_like(embeds, -torch.inf))
    with pytest.raises(ValueError, match="multiples of 4"):
        AtlasDenoiser(small_atlas(torch.zeros((2, 3, 6, 6), dtype=torch.uint8)))

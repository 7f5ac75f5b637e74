"""Stored pictures and patches side by side: who has which place, written out here in float64."""

import math

import pytest
import torch

from lessons.workbench.denoisers import Atlas, AtlasDenoiser, Style, Subject, load_denoiser
from lessons.workbench.denoisers.patch_prior import load_patch_prior
from lessons.workbench.denoisers.place_shares import (
    ADVANTAGE,
    MUCH_NOISE,
    REACH,
    UNFAMILIAR,
    VOTE,
    WIDTH,
    PlaceShares,
    StoredEvidence,
    stored_shares,
)
from lessons.workbench.denoisers.windows import to_cells

DOUBLE = {"dtype": torch.float64}
SIZE, COUNT = 32, 6


def smooth_pictures(count=COUNT, seed=0):
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand((count, 3, SIZE // 4, SIZE // 4), generator=generator)
    large = torch.nn.functional.interpolate(small, size=(SIZE, SIZE), mode="bilinear")
    return (large * 255).round().to(torch.uint8)


def small_atlas(pictures=None):
    pictures = smooth_pictures() if pictures is None else pictures
    subjects = tuple(Subject(name) for name in ("cat", "boat", "tree")[: -(-len(pictures) // 2)])
    styles = ("photo", "drawing")[: len(pictures) // len(subjects)]
    return Atlas(pictures, subjects, tuple(Style(name, (name,)) for name in styles))


@pytest.fixture(scope="module")
def patches():
    return load_patch_prior(dtype=torch.float64, irrelevant=0)


def both(atlas, patches, **options):
    """The denoiser without patches and with them, in float64."""
    options = {"dtype": torch.float64, "prune": 0, **options}
    return AtlasDenoiser(atlas, **options), AtlasDenoiser(atlas, patches=patches, **options)


def noised(x_0, t, denoiser, seed=1):
    abar = denoiser.alphas_cumprod[t].double()
    noise = torch.randn(x_0.shape, generator=torch.Generator().manual_seed(seed)).double()
    return abar.sqrt() * x_0.double() + (1 - abar).sqrt() * noise


def implied_x_0(denoiser, x_t, t, embeds):
    abar = denoiser.alphas_cumprod[t].double()
    noise = denoiser(x_t, t, embeds).noise.double()
    return (x_t.double() - (1 - abar).sqrt() * noise) / abar.sqrt()


def in_range(pictures):
    return pictures.double() / 127.5 - 1


def covered(corner, cell, radius):
    return min(max((min(cell + 1, corner + radius) - max(cell, corner - radius)), 0), 1)


@pytest.mark.parametrize("t", [100, 600, 850])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_evidence_of_stored_pictures_is_their_likelihood_at_half_the_size(t, mirrored):
    pictures = in_range(smooth_pictures())
    mean = pictures.mean(0)
    mean = (mean + mean.flip(-1)) / 2 if mirrored else mean
    asked = StoredEvidence(to_cells(pictures - mean), mean, mirrored)
    abar, radius = float(AtlasDenoiser(small_atlas()).alphas_cumprod[t]), 7.3
    x_t = abar**0.5 * smooth_pictures(2, seed=3).double() / 127.5 - 1
    x_t = x_t + (1 - abar) ** 0.5 * torch.randn(x_t.shape, dtype=torch.float64)
    everything = torch.cat([pictures, pictures.flip(-1)]) if mirrored else pictures
    # Sums of 2x2 pixels over 2: noise stays as strong.
    half, stored = (2 * torch.nn.functional.avg_pool2d(p, 2) for p in (x_t, everything))
    errors = (half[:, None] - abar**0.5 * stored).square().sum(2)
    gained = (half.square().sum(1)[:, None] - errors) / (2 * (1 - abar))
    cells = 4 * torch.nn.functional.avg_pool2d(gained, 2)
    found = asked(x_t, abar, radius)
    assert found.shape == (SIZE // 4 + 1, SIZE // 4 + 1, 2)
    for row, column in ((0, 0), (3, 5), (8, 2)):
        down = torch.tensor([covered(row, i, (radius + 0.5) / 4) for i in range(8)], **DOUBLE)
        right = torch.tensor([covered(column, i, (radius + 0.5) / 4) for i in range(8)], **DOUBLE)
        expected = torch.einsum("r,unrc,c->un", down, cells, right).logsumexp(1)
        torch.testing.assert_close(found[row, column], expected, atol=1e-8, rtol=1e-10)


@pytest.mark.parametrize("variance", [0.1, 1.0, 30.0])
def test_a_place_decides_for_itself_and_with_its_neighbourhood(variance):
    gaps = 80 * torch.randn((9, 9, 1), generator=torch.Generator().manual_seed(5)).double() - 20
    found = stored_shares(gaps, variance)
    for row, column in ((0, 0), (4, 4), (8, 3)):
        rows = range(max(row - REACH, 0), min(row + REACH, 8) + 1)
        columns = range(max(column - REACH, 0), min(column + REACH, 8) + 1)
        votes = [min(max(float(gaps[i, j]), -VOTE), VOTE) for i in rows for j in columns]
        threshold = UNFAMILIAR * min(1, MUCH_NOISE / variance)
        familiar = 1 / (1 + math.exp(-(sum(votes) / len(votes) - threshold) / WIDTH))
        logit = gaps[row, column] + ADVANTAGE * max(1, variance) * familiar
        torch.testing.assert_close(found[row, column], torch.sigmoid(logit))


def test_shares_go_from_nothing_to_all():
    lost, won = torch.full((9, 9, 1), -200.0), torch.full((9, 9, 1), 5.0)
    assert stored_shares(lost, 0.5).max() < 1e-6 and stored_shares(won, 0.5).min() > 1 - 1e-6


@pytest.mark.parametrize("t", [100, 400, 700, 900])
def test_the_whole_is_shares_of_both(patches, t):
    atlas = small_atlas()
    old, new = both(atlas, patches)
    foreign = in_range(smooth_pictures(1, seed=9))
    mixed = torch.cat([foreign[..., :16], in_range(atlas.pictures)[:1, ..., 16:]], dim=3)
    x_t = noised(mixed, t, new)
    abar = float(new.alphas_cumprod[t])
    cells = to_cells(in_range(atlas.pictures) - old._mean)
    place = PlaceShares(cells, old._mean, True, patches, old.window_radius)(x_t, abar)[0]
    assert (place is None) == (t == 900)  # through much noise, stored pictures explain it all
    corners, drawn = place or (torch.ones(9, 9, **DOUBLE), torch.zeros(3, SIZE, SIZE, **DOUBLE))
    expected = torch.zeros(3, SIZE, SIZE, **DOUBLE)
    stored = stored_at_corners(old, x_t, abar)
    for y in range(SIZE):
        for x in range(SIZE):
            i, j, v, u = y // 4, x // 4, (y % 4 + 0.5) / 4, (x % 4 + 0.5) / 4
            for di, dj, weight in (
                (0, 0, (1 - v) * (1 - u)),
                (0, 1, (1 - v) * u),
                (1, 0, v * (1 - u)),
                (1, 1, v * u),
            ):
                share = corners[i + di, j + dj]
                one = stored[i + di][j + dj][:, y, x]
                expected[:, y, x] += weight * (share * one)
                expected[:, y, x] += weight * (1 - share) * drawn[:, y, x]
    found = implied_x_0(new, x_t, t, new.embed(""))[0]
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def stored_at_corners(denoiser, x_t, abar):
    """The mean of all stored pictures and their mirror images by the weights at each corner."""
    pictures = in_range(denoiser.atlas.pictures)
    pictures = torch.cat([pictures, pictures.flip(-1)])
    radius = denoiser.window_radius(((1 - abar) / abar) ** 0.5)
    errors = (x_t - abar**0.5 * pictures).square().sum(1)
    cells = 16 * torch.nn.functional.avg_pool2d(errors[:, None], 4)[:, 0]
    means = []
    for row in range(9):
        means.append([])
        for column in range(9):
            down = [covered(row, i, (radius + 0.5) / 4) for i in range(8)]
            right = [covered(column, i, (radius + 0.5) / 4) for i in range(8)]
            window = torch.tensor(down, **DOUBLE)[:, None] * torch.tensor(right, **DOUBLE)
            weights = (-(cells * window).sum((1, 2)) / (2 * (1 - abar))).softmax(0)
            means[-1].append(torch.einsum("n,nchw->chw", weights, pictures))
    return means


@pytest.mark.parametrize("t", [100, 500, 800])
def test_the_share_knows_no_prompt(patches, t):
    """The difference of two prompts' estimates is the stored pictures' own, as far as they go."""
    everywhere = {"window_radius": lambda sigma: math.inf}
    atlas = small_atlas()
    old, new = both(atlas, patches, **everywhere)
    x_t = noised(in_range(smooth_pictures(1, seed=11)), t, new)
    abar = float(new.alphas_cumprod[t])
    cells = to_cells(in_range(atlas.pictures) - old._mean)
    share = PlaceShares(cells, old._mean, True, patches, old.window_radius)(x_t, abar)[0].share
    cat, boat = (new.embed(f"a photo of a {name}") for name in ("cat", "boat"))
    between = implied_x_0(new, x_t, t, cat) - implied_x_0(new, x_t, t, boat)
    stored = implied_x_0(old, x_t, t, cat) - implied_x_0(old, x_t, t, boat)
    torch.testing.assert_close(between[0], share[0, 0] * stored[0], atol=1e-6, rtol=0)
    together = new(torch.cat([x_t, x_t]), t, torch.cat([cat, boat])).noise
    alone = torch.cat([new(x_t, t, cat).noise, new(x_t, t, boat).noise])
    torch.testing.assert_close(together, alone, atol=1e-8, rtol=0)


@pytest.mark.parametrize("t", [100, 400, 800])
def test_one_picture_is_still_the_answer_to_itself(patches, t):
    picture = smooth_pictures(1)
    _, new = both(Atlas(picture, (Subject("cat"),), (Style("photo"),)), patches, mirrored=False)
    x_t = noised(in_range(picture), t, new)
    found = implied_x_0(new, x_t, t, new.embed(""))
    torch.testing.assert_close(found, in_range(picture), atol=1e-3, rtol=0)


def test_an_unknown_picture_comes_back_when_there_is_no_noise(patches):
    old, new = both(small_atlas(), patches)
    unknown = in_range(smooth_pictures(1, seed=13))
    x_t = noised(unknown, 0, new)
    assert (implied_x_0(new, x_t, 0, new.embed("")) - unknown).abs().max() < 0.03
    assert (implied_x_0(old, x_t, 0, old.embed("")) - unknown).abs().max() > 0.3


def test_pure_noise_tends_to_the_prompts_mean(patches):
    old, new = both(small_atlas(), patches)
    x_t = torch.randn((1, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(14)).double()
    for prompt in ("", "a photo of a cat"):
        embeds = new.embed(prompt)
        expected = implied_x_0(old, x_t, 999, embeds)
        torch.testing.assert_close(implied_x_0(new, x_t, 999, embeds), expected, atol=1e-4, rtol=0)


def test_switched_off_it_is_the_posterior_mean_to_the_last_bit():
    atlas = load_denoiser("atlas", "cpu").atlas
    off = load_denoiser("atlas", "cpu", patches=False)
    plain = AtlasDenoiser(atlas)
    x_t = torch.randn((1, 3, 64, 64), generator=torch.Generator().manual_seed(15))
    embeds = off.embed("a photo of a dog")
    for t in (100, 700):
        assert torch.equal(off(x_t, t, embeds).noise, plain(x_t, t, embeds).noise)
    on = load_denoiser("atlas", "cpu")
    assert not torch.allclose(on(x_t, 100, embeds).noise, plain(x_t, 100, embeds).noise, atol=0.01)


def test_pictures_that_are_too_small_are_told(patches):
    tiny = Atlas(smooth_pictures(1)[..., :16, :16], (Subject("cat"),), (Style("photo"),))
    with pytest.raises(ValueError, match="at least 32x32"):
        AtlasDenoiser(tiny, patches=patches)

"""Lesson 20 on what is known exactly, and the captioned pictures it trains on."""

import pytest
import torch
from torch import nn

from lessons.workbench.denoisers import PointDenoiser, spaced_timesteps
from lessons.workbench.training import (
    TextBlock,
    caption,
    held_out,
    load_captioned_pictures,
    make_vocabulary,
    read_as,
)
from solutions import (
    OwnDenoiser,
    TextConditionalUNet,
    ddim_sample,
    edit,
    strided_timesteps,
    text_ddpm_loss,
    tokenize,
)

NAMES = ["cat", "owl", "rocket", "castle"]


class KnowsByHeart(nn.Module):
    """Guesses the picture of its prompt, whatever it sees; of no prompt, the mean of all."""

    def __init__(self, pictures, tokens):
        super().__init__()
        self.pictures = nn.Parameter(pictures)
        self.tokens = tokens

    def forward(self, x_t, t, tokens):
        assert (t >= 0).all() and (t < 1).all()
        matches = (tokens[:, None] == self.tokens).all(dim=2).float()
        none = matches.sum(dim=1, keepdim=True) == 0
        shares = torch.where(none, torch.ones_like(matches), matches)
        shares = shares / shares.sum(dim=1, keepdim=True)
        return torch.einsum("bn,nchw->bchw", shares, self.pictures)


@pytest.fixture(scope="module")
def data():
    return load_captioned_pictures(NAMES)


@pytest.fixture(scope="module")
def own(data):
    vocabulary = make_vocabulary(data.captions)
    return OwnDenoiser(KnowsByHeart(data.pictures, tokenize(data.captions, vocabulary)), vocabulary)


def test_its_noise_is_that_of_an_exact_world(data, own):
    prompts = {"a photo of a cat": data.pictures[0], "a photo of an owl": data.pictures[1]}
    world = PointDenoiser(prompts)
    x_t = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    for t in (30, 500, 990):
        mine = own(x_t, t, own.embed(list(prompts)))
        right = world(x_t, t, world.embed(list(prompts)))
        torch.testing.assert_close(mine.noise, right.noise, atol=1e-3, rtol=1e-3)
        assert (mine.variance == -1).all()


def test_the_loops_of_part_a_and_c_end_at_the_picture_asked_for(data, own):
    asked = ["a lithograph of a castle", "a drawing of a rocket"]
    places = [data.captions.index(text) for text in asked]
    start = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    cond, uncond = own.embed(asked), own.embed("")
    drawn = ddim_sample(own, start, 0, cond, uncond, spaced_timesteps(20), 1)
    edited = edit(own, start.clamp(-1, 1), 5, cond, uncond, strided_timesteps(990, 30), 1)
    for pictures in (drawn, edited):
        torch.testing.assert_close(pictures, data.pictures[places], atol=0.05, rtol=0)
        assert read_as(pictures, data.chosen(_at(data, places)), data)["both"] == 1.0


def _at(data, places):
    return torch.isin(torch.arange(len(data.captions)), torch.tensor(places))


def test_what_is_held_out_is_known_in_parts():
    data = load_captioned_pictures()
    hidden = held_out(data)
    shown = data.chosen(~hidden)
    assert 0.02 < float(hidden.float().mean()) < 0.03
    assert set(data.styles[hidden].tolist()) == {0, 1, 2, 3}
    for subject in data.subjects[hidden].tolist():
        assert len(set(shown.styles[shown.subjects == subject].tolist())) == 3
    assert make_vocabulary(shown.captions) == make_vocabulary(data.captions)


def test_captions_and_pictures_belong_together(data):
    assert data.captions[4:6] == ["an oil painting of a cat", "an oil painting of an owl"]
    assert caption("owl") == "an owl"
    assert data.pictures.shape == (16, 3, 64, 64) and data.pictures.abs().max() <= 1
    assert read_as(data.pictures, data, data) == {"subject": 1.0, "style": 1.0, "both": 1.0}
    with pytest.raises(ValueError, match="no subject called 'zeppelin'"):
        load_captioned_pictures(["cat", "zeppelin"])


def test_pictures_of_a_batch_do_not_disturb_each_other():
    torch.manual_seed(0)
    block = TextBlock(4, 8, 6, "down").train()
    x, told = torch.randn(3, 4, 8, 8), torch.randn(3, 6)
    torch.testing.assert_close(block(x, told)[:1], block(x[:1], told[:1]))


def test_a_few_steps_teach_it_which_word_is_which(data):
    torch.manual_seed(0)
    vocabulary = make_vocabulary(data.captions)
    tokens = tokenize(data.captions, vocabulary)
    model = TextConditionalUNet(len(vocabulary), 8)
    abar = torch.linspace(0.9, 0.01, 50)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(60):
        loss = text_ddpm_loss(model, data.pictures, tokens, abar)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    with torch.no_grad():
        x_t, t = torch.randn(16, 3, 64, 64), torch.full((16,), 0.98)
        right = (model(x_t, t, tokens) - data.pictures).square().mean()
        wrong = (model(x_t, t, tokens.roll(1, 0)) - data.pictures).square().mean()
    assert right < wrong

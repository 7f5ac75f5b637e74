"""Views must be undone exactly, keep normal noise normal, and leave their input alone."""

import pytest
import torch

from lessons.workbench.pictures.views import Jigsaw, Mirrored, Negative, Turned, Upright, UpsideDown

VIEWS = [Upright(), UpsideDown(), Mirrored(), Turned(1), Turned(2), Turned(3), Negative(), Jigsaw()]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_is_orthogonal_and_leaves_its_input_alone(view):
    x = torch.arange(2 * 3 * 64 * 64, dtype=torch.float64).reshape(2, 3, 64, 64)
    y = torch.randn(2, 3, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    before = x.clone()
    assert torch.equal(view.inverse_view(view.view(x)), x)
    assert torch.equal(view.view(view.inverse_view(x)), x)
    products = (view.view(x) * view.view(y)).sum(), (x * y).sum()
    torch.testing.assert_close(*products)
    view.view(x).zero_()
    assert torch.equal(x, before)


@pytest.mark.parametrize("view", VIEWS[1:], ids=lambda view: view.name)
def test_a_view_changes_what_is_seen(view):
    x = torch.arange(3 * 64 * 64.0).reshape(1, 3, 64, 64) + 1
    assert not torch.equal(view.view(x), x)


def test_a_jigsaw_keeps_pieces_whole():
    x = torch.arange(16).repeat_interleave(16).reshape(4, 4, 4, 4)
    x = x.permute(0, 2, 1, 3).reshape(1, 1, 16, 16)
    moved = Jigsaw(pieces=4, seed=3).view(x)
    pieces = moved.unfold(2, 4, 4).unfold(3, 4, 4).reshape(16, 16)
    assert (pieces == pieces[:, :1]).all()
    assert sorted(pieces[:, 0].tolist()) == list(range(16))


def test_a_jigsaw_says_which_pictures_it_can_cut():
    with pytest.raises(ValueError, match="equal pieces"):
        Jigsaw(pieces=5).view(torch.zeros(1, 3, 64, 64))

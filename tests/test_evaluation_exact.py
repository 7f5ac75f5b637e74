"""Lesson 18's reference functions against closed forms, scipy and scikit-learn."""

import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.neighbors import NearestNeighbors

from lessons.workbench.training import digit_features, load_digit_classifier
from solutions import (
    frechet_distance,
    nearest_distances,
    precision_recall,
    share_read_as_asked,
)


def draw(rows, columns, seed):
    generator = torch.Generator().manual_seed(seed)
    mixed = torch.randn(columns, columns, generator=generator, dtype=torch.float64)
    return torch.randn(rows, columns, generator=generator, dtype=torch.float64) @ mixed + seed


def whitened(rows, columns, seed):
    """Rows whose mean is 0 and whose covariance is the identity."""
    centred = draw(rows, columns, seed)
    centred = centred - centred.mean(0)
    return centred @ torch.linalg.cholesky(torch.linalg.inv(torch.cov(centred.T)))


# --- the Frechet distance -------------------------------------------------------------------------


def test_a_set_has_no_distance_to_itself():
    features = draw(50, 8, 1)
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)


def test_moving_and_scaling_a_set_costs_what_the_formula_says():
    features = draw(50, 8, 2)
    assert frechet_distance(features, features + 3) == pytest.approx(8 * 9)
    centred = features - features.mean(0)
    spread = float(torch.cov(centred.T).trace())
    assert frechet_distance(centred, 3 * centred) == pytest.approx(spread * (3 - 1) ** 2)


def test_where_features_do_not_hang_together_deviations_are_compared():
    mine, theirs = torch.tensor([1.0, 2, 0.5]).double(), torch.tensor([3.0, 1, 0.5]).double()
    found = frechet_distance(whitened(40, 3, 1) * mine, whitened(70, 3, 2) * theirs)
    assert found == pytest.approx(float((mine - theirs).square().sum()))


def test_covariances_that_turn_the_same_way_have_a_closed_form():
    turn, _ = torch.linalg.qr(draw(4, 4, 3))
    mine, theirs = torch.tensor([1.0, 2, 3, 4]).double(), torch.tensor([2.0, 2, 1, 7]).double()
    a, b = whitened(40, 4, 1) * mine @ turn + 2, whitened(50, 4, 2) * theirs @ turn
    assert frechet_distance(a, b) == pytest.approx(4 * 4 + float((mine - theirs).square().sum()))


@pytest.mark.parametrize(("rows", "columns"), [(60, 8), (200, 30)])
def test_it_agrees_with_scipy_and_does_not_depend_on_the_order(rows, columns):
    features, others = draw(rows, columns, 3), draw(rows + 30, columns, 4)
    mine, theirs = torch.cov(features.T).numpy(), torch.cov(others.T).numpy()
    root = scipy.linalg.sqrtm(mine @ theirs).real
    apart = (features.mean(0) - others.mean(0)).square().sum().item()
    expected = apart + (mine + theirs - 2 * root).trace()
    assert frechet_distance(features, others) == pytest.approx(expected)
    assert frechet_distance(others, features) == pytest.approx(expected)
    assert frechet_distance(features.float(), others.float()) == pytest.approx(expected, rel=1e-4)


def test_fewer_pictures_than_features():
    """The root's trace is the nuclear norm of A B^T, of the centred sets, whatever the rank."""
    features, others = draw(9, 40, 5), draw(7, 40, 6)
    a = (features - features.mean(0)) / 8**0.5
    b = (others - others.mean(0)) / 6**0.5
    shared = np.linalg.svd((a @ b.T).numpy(), compute_uv=False).sum()
    apart = (features.mean(0) - others.mean(0)).square().sum()
    expected = float(apart + a.square().sum() + b.square().sum()) - 2 * shared
    assert frechet_distance(features, others) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-4)


def test_one_picture_has_no_covariance():
    with pytest.raises(ValueError, match="at least two"):
        frechet_distance(draw(1, 8, 5), draw(5, 8, 6))


def test_few_samples_make_it_too_large_and_many_do_not():
    """Two sets from one Gaussian: the distance falls about as one over their number."""

    def distance(count, seed):
        generator = torch.Generator().manual_seed(seed)
        a, b = torch.randn(2, count, 20, generator=generator, dtype=torch.float64)
        return frechet_distance(a, b)

    few, many = (sum(distance(n, seed) for seed in range(5)) / 5 for n in (100, 1000))
    assert few / many == pytest.approx(10, rel=0.2)


# --- precision and recall -------------------------------------------------------------------------


def test_balls_on_a_line_are_counted_by_hand():
    real = torch.tensor([[0.0], [1.0], [3.0], [10.0]]).double()
    generated = torch.tensor([[0.5], [4.5], [5.5], [30.0]]).double()
    # Balls of real ones, k = 1: [-1, 1], [0, 2], [1, 5], [3, 17]; of generated ones: [-3.5, 4.5],
    # [3.5, 5.5], [4.5, 6.5], [5.5, 54.5]
    assert precision_recall(real, generated, k=1) == (0.75, 1.0)
    assert precision_recall(generated, real, k=1) == (1.0, 0.75)


@pytest.mark.parametrize("k", [1, 3, 7])
def test_precision_and_recall_agree_with_scikit_learn(k):
    real, generated = draw(80, 5, 1), 0.8 * draw(60, 5, 2) + 0.2 * draw(60, 5, 1)

    def share(points, centres):
        radius = NearestNeighbors(n_neighbors=k).fit(centres).kneighbors()[0][:, -1]
        gaps = np.linalg.norm(points[:, None] - centres[None], axis=2)
        return (gaps <= radius).any(axis=1).mean()

    expected = share(generated.numpy(), real.numpy()), share(real.numpy(), generated.numpy())
    assert precision_recall(real, generated, k) == pytest.approx(expected)
    assert 0 < min(expected) < 1


def test_what_is_far_off_has_neither_and_copies_have_both():
    real = draw(40, 4, 1)
    assert precision_recall(real, real + 1000) == (0, 0)
    assert precision_recall(real, real.flip(0)) == (1, 1)


# --- copies ---------------------------------------------------------------------------------------


def pictures(count, seed):
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_the_nearest_training_picture_is_scikit_learns(batch_size):
    images, training = pictures(11, 1), pictures(90, 2)
    search = NearestNeighbors(n_neighbors=1).fit(training.flatten(1).double().numpy())
    off, place = search.kneighbors(images.flatten(1).double().numpy())
    distances, which = nearest_distances(images, training, batch_size)
    assert which.tolist() == place[:, 0].tolist()
    assert distances.tolist() == pytest.approx(off[:, 0].tolist(), rel=1e-5)


def test_a_copy_is_at_distance_0_and_its_place_is_found():
    training = pictures(90, 2)
    chosen = torch.tensor([5, 77, 5, 0])
    distances, which = nearest_distances(training[chosen], training)
    assert torch.equal(which, chosen)
    assert torch.equal(distances, torch.zeros(4))


# --- what a classifier reads ----------------------------------------------------------------------


class ByBrightness(torch.nn.Module):
    """Reads a picture as the digit 10 times as large as its mean brightness."""

    def forward(self, images):
        return -((10 * images.mean(dim=(1, 2, 3)) - 0.5)[:, None] - torch.arange(10)).abs()


def grey(*digits):
    return ((torch.tensor(digits) + 0.5) / 10)[:, None, None, None].expand(-1, 1, 28, 28).clone()


def test_every_picture_counts_once_whatever_the_batches():
    images, asked = grey(1, 2, 3, 4, 5), torch.tensor([0, 2, 0, 0, 5])
    for batch_size in (1, 2, 3, 5, 9):
        assert share_read_as_asked(ByBrightness(), images, asked, batch_size) == 0.4


def test_nan_is_read_as_nothing_and_not_left_out():
    images = grey(0, 1, 2, 3)
    images[0, 0, 0, 0] = torch.nan
    assert share_read_as_asked(ByBrightness(), images, torch.tensor([0, 1, 2, 3])) == 0.75


def test_a_run_that_broke_off_has_no_share():
    with pytest.raises(ValueError, match="3 pictures, but 4 digits"):
        share_read_as_asked(ByBrightness(), grey(0, 1, 2), torch.tensor([0, 1, 2, 3]))


def test_features_are_the_classifiers_and_pictures_are_clamped():
    classifier = load_digit_classifier()
    images = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(7)) * 3 - 1
    features = digit_features(classifier, images)
    assert features.shape == (3, 128)
    assert torch.equal(features, digit_features(classifier, images.clamp(0, 1)))
    logits = classifier.read(features.float())
    assert torch.allclose(logits, classifier(images.clamp(0, 1)), atol=1e-5)

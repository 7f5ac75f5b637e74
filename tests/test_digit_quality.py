"""The Frechet distance agrees with closed forms and with scipy's matrix root."""

import pytest
import scipy.linalg
import torch

from lessons.workbench.training import load_digit_classifier
from lessons.workbench.training.digit_quality import digit_features, frechet_distance


def draw(rows: int, columns: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixed = torch.randn(columns, columns, generator=generator, dtype=torch.float64)
    return torch.randn(rows, columns, generator=generator, dtype=torch.float64) @ mixed + seed


def test_a_set_has_no_distance_to_itself():
    features = draw(50, 8, 1)
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)


def test_moving_and_scaling_a_set_costs_what_the_formula_says():
    features = draw(50, 8, 2)
    assert frechet_distance(features, features + 3) == pytest.approx(8 * 9)
    centred = features - features.mean(0)
    spread = float(torch.cov(centred.T).trace())
    assert frechet_distance(centred, 3 * centred) == pytest.approx(spread * (3 - 1) ** 2)


def test_it_agrees_with_scipy_and_does_not_depend_on_the_order():
    features, others = draw(60, 8, 3), draw(90, 8, 4)
    mine, theirs = torch.cov(features.T).numpy(), torch.cov(others.T).numpy()
    root = scipy.linalg.sqrtm(mine @ theirs).real
    apart = (features.mean(0) - others.mean(0)).square().sum().item()
    expected = apart + (mine + theirs - 2 * root).trace()
    assert frechet_distance(features, others) == pytest.approx(expected)
    assert frechet_distance(others, features) == pytest.approx(expected)


def test_fewer_pictures_than_features_are_no_problem_but_one_is():
    assert frechet_distance(draw(5, 8, 5), draw(5, 8, 6)) > 0
    with pytest.raises(ValueError, match="at least two"):
        frechet_distance(draw(1, 8, 5), draw(5, 8, 6))


def test_features_are_the_classifiers_and_pictures_are_clamped():
    classifier = load_digit_classifier()
    images = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(7)) * 3 - 1
    features = digit_features(classifier, images)
    assert features.shape == (3, 128)
    assert torch.equal(features, digit_features(classifier, images.clamp(0, 1)))
    logits = classifier.read(features.float())
    assert torch.allclose(logits, classifier(images.clamp(0, 1)), atol=1e-5)

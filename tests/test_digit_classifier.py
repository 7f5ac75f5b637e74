"""The digit classifier that ships with the course reads real digits."""

import os

import pytest
import torch

from lessons.workbench.training import load_digit_classifier, share_read_as
from lessons.workbench.training.mnist import ROOT_VARIABLE, load_digits

needs_mnist = pytest.mark.skipif(
    not os.environ.get(ROOT_VARIABLE), reason=f"{ROOT_VARIABLE} names no folder with MNIST"
)


@needs_mnist
def test_it_reads_the_test_set():
    digits = load_digits(train=False)
    share = share_read_as(load_digit_classifier(), digits.images, digits.labels)
    assert share >= 0.993


def test_the_share_counts_labels_that_agree_and_clamps_pictures_first():
    class ByBrightness(torch.nn.Module):
        def forward(self, images):
            return torch.nn.functional.one_hot((images.mean(dim=(1, 2, 3)) * 9).round().long(), 10)

    images = torch.tensor([0.0, 1.0, 7.0, -3.0]).view(4, 1, 1, 1).expand(4, 1, 28, 28)
    assert share_read_as(ByBrightness(), images, torch.tensor([0, 9, 9, 0])) == 1
    assert share_read_as(ByBrightness(), images, torch.tensor([0, 9, 1, 1])) == 0.5


def test_a_picture_with_nan_is_not_read_as_a_0():
    images = torch.zeros(2, 1, 28, 28)
    images[0, 0, 14, 14] = torch.nan
    read = load_digit_classifier()(images[1:]).argmax()
    assert share_read_as(load_digit_classifier(), images, torch.tensor([0, read])) == 0.5

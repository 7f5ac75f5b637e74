"""The digits of part B: the real ones, the stand-in, and what is said when neither will do."""

import os
import socket
from pathlib import Path

import pytest
import torch
import torchvision

from lessons.workbench.training import load_digit_classifier, mnist, share_read_as
from lessons.workbench.training.mnist import MnistError, load_digits

REAL = os.environ.get(mnist.ROOT_VARIABLE)

needs_mnist = pytest.mark.skipif(
    REAL is None, reason=f"needs MNIST: set {mnist.ROOT_VARIABLE} to a folder that holds it"
)


@needs_mnist
@pytest.mark.parametrize(("train", "count"), [(True, 60_000), (False, 10_000)])
def test_mnist_is_read_as_one_tensor(train, count):
    digits = load_digits(train, root=REAL)
    assert digits.images.shape == (count, 1, 28, 28)
    assert digits.images.dtype == torch.float32 and digits.labels.dtype == torch.int64
    assert (digits.images.min(), digits.images.max()) == (0, 1)
    assert set(digits.labels.tolist()) == set(range(10))
    assert digits.source == "MNIST"


def test_without_a_network_a_stand_in_is_used_and_said(monkeypatch, tmp_path, capsys):
    def no_network(*args, **kwargs):
        raise RuntimeError("Error downloading")

    monkeypatch.delenv(mnist.ROOT_VARIABLE, raising=False)
    monkeypatch.setattr(mnist, "ROOT", tmp_path)
    monkeypatch.setattr("torchvision.datasets.MNIST.download", no_network)
    train, test = load_digits(True), load_digits(False)
    assert capsys.readouterr().out.count("take its place") == 2
    for digits in (train, test):
        assert digits.source == "scikit-learn digits"
        assert digits.images.shape[1:] == (1, 28, 28)
        assert digits.images.min() >= 0 and digits.images.max() <= 1
        assert set(digits.labels.tolist()) == set(range(10))
    assert len(test.images) == 360
    assert len(train.images) == 60_000, "a lesson trains as long with it as with MNIST"
    assert len(train.images[:3000].unique(dim=0)) == 3000
    again = load_digits(True)
    assert torch.equal(again.images, train.images) and torch.equal(again.labels, train.labels)


def test_a_server_that_never_answers_is_given_up(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv(mnist.ROOT_VARIABLE, raising=False)
    monkeypatch.setattr(mnist, "ROOT", tmp_path)
    monkeypatch.setattr(mnist, "SECONDS_WITHOUT_ANSWER", 0.2)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address])
        digits = mnist.load_digits(train=False)
    assert digits.source == "scikit-learn digits"
    assert "MNIST is not here" in capsys.readouterr().out
    assert socket.getdefaulttimeout() is None


def test_the_stand_in_looks_like_digits_to_the_classifier():
    digits = mnist._stand_in(train=True)
    shown = slice(0, 60_000, 60)
    read = share_read_as(load_digit_classifier(), digits.images[shown], digits.labels[shown])
    assert read > 0.8


def test_a_named_folder_without_mnist_is_told(tmp_path, monkeypatch):
    with pytest.raises(MnistError, match="There is no MNIST in"):
        load_digits(root=tmp_path)
    monkeypatch.setenv(mnist.ROOT_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(MnistError, match="nowhere"):
        load_digits()


@needs_mnist
def test_damaged_files_are_told(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in (Path(REAL) / "MNIST" / "raw").iterdir():
        (raw / path.name).write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(MnistError, match="damaged"):
        load_digits(root=tmp_path)

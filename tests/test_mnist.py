"""The digits of part B: the real ones, the stand-in, and what is said when neither will do."""

import gzip
import os
import shutil
import socket
import struct

import numpy as np
import pytest
import torch
import torchvision
from broken_server import BROKEN_ANSWERS, broken_server

from lessons.workbench.denoisers import preflight
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
    assert capsys.readouterr().out.count(mnist.STAND_IN) == 2
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


def _idx(array: np.ndarray) -> bytes:
    """The file format of MNIST: zero, zero, 8 for bytes, the number of axes, their lengths."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    """A folder like MNIST's, with 30 and 20 digits, which count as all of them."""
    monkeypatch.setattr(mnist, "_COUNTS", {True: 30, False: 20})
    raw = tmp_path / "digits" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, count in (("train", 30), ("t10k", 20)):
        images = random.integers(0, 256, (count, 28, 28), np.uint8)
        (raw / f"{name}-images-idx3-ubyte").write_bytes(_idx(images))
        labels = random.integers(0, 10, count, np.uint8)
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(_idx(labels))
    return raw


def _pack(raw):
    for path in list(raw.iterdir()):
        (raw / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("named", ["digits", "digits/MNIST", "digits/MNIST/raw"])
def test_a_folder_within_and_packed_files_are_read_as_well(small_mnist, tmp_path, packed, named):
    whole = [load_digits(train, root=tmp_path / "digits") for train in (True, False)]
    if packed:
        _pack(small_mnist)
    before = sorted(path.name for path in small_mnist.iterdir())
    for train, expected in zip((True, False), whole, strict=True):
        read = load_digits(train, root=tmp_path / named)
        assert read.source == "MNIST"
        assert torch.equal(read.images, expected.images)
        assert torch.equal(read.labels, expected.labels)
    assert sorted(path.name for path in small_mnist.iterdir()) == before, "nothing is left there"


def _cut(path):
    path.write_bytes(path.read_bytes()[:-5])


def _lengthen(path):
    path.write_bytes(path.read_bytes() + b"more")


def _empty(path):
    path.write_bytes(b"")


def _web_page(path):
    path.write_bytes(b"<!DOCTYPE html><title>Log in to the network</title>" * 20)


def _fewer(path):
    """A whole file, of half the digits."""
    old = path.read_bytes()
    axes = old[3]
    shape = list(struct.unpack(f">{axes}I", old[4 : 4 + 4 * axes]))
    values = np.frombuffer(old, np.uint8, offset=4 + 4 * axes).reshape(shape)
    path.write_bytes(_idx(values[: shape[0] // 2]))


def _cut_when_packed(path):
    packed = gzip.compress(path.read_bytes())
    path.with_name(f"{path.name}.gz").write_bytes(packed[: len(packed) // 2])
    path.unlink()


def _nonsense_when_packed(path):
    path.with_name(f"{path.name}.gz").write_bytes(b"<html>no such page</html>")
    path.unlink()


DAMAGE = [_cut, _lengthen, _empty, _web_page, _fewer, _cut_when_packed, _nonsense_when_packed]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("kind", ["images-idx3", "labels-idx1"])
def test_damaged_files_are_told(small_mnist, tmp_path, monkeypatch, damage, kind):
    damage(small_mnist / f"train-{kind}-ubyte")
    with pytest.raises(MnistError, match=r"are damaged.*delete this folder.*leave the path out"):
        load_digits(root=tmp_path / "digits")
    monkeypatch.delenv(mnist.ROOT_VARIABLE, raising=False)
    monkeypatch.setattr(mnist, "ROOT", tmp_path / "digits")
    with pytest.raises(MnistError, match="delete this folder, and they are downloaded again"):
        load_digits()


def test_files_among_others_are_deleted_one_by_one(small_mnist, tmp_path):
    """A folder that is not MNIST's own may hold other things, which nobody is told to delete."""
    home = small_mnist.rename(tmp_path / "Downloads")
    _cut(home / "t10k-images-idx3-ubyte")
    assert len(load_digits(root=home).images) == 30
    with pytest.raises(MnistError, match="delete these four files"):
        load_digits(train=False, root=home)


def test_a_file_that_is_missing_is_named(small_mnist, tmp_path):
    (small_mnist / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(MnistError, match="not all of it: t10k-labels-idx1-ubyte is missing"):
        load_digits(root=tmp_path / "digits")


def test_a_folder_of_nobody_is_one_sentence():
    with pytest.raises(MnistError, match="There is no MNIST in ~nobody-of-this-name"):
        load_digits(root="~nobody-of-this-name/mnist")


@pytest.mark.parametrize("answer", BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS.keys())
def test_a_proxy_that_answers_nonsense_gives_the_stand_in(answer, monkeypatch, tmp_path, capsys):
    monkeypatch.delenv(mnist.ROOT_VARIABLE, raising=False)
    monkeypatch.setattr(mnist, "ROOT", tmp_path)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with broken_server(answer) as address:
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address])
        digits = load_digits(train=False)
    assert digits.source == "scikit-learn digits"
    assert "MNIST is not here" in capsys.readouterr().out


def test_what_a_broken_download_left_is_downloaded_again(small_mnist, tmp_path, monkeypatch):
    """Part of a file from before is no reason to give up, nor to say that it is damaged."""
    place = tmp_path / "datasets"
    (place / "MNIST" / "raw").mkdir(parents=True)
    (place / "MNIST" / "raw" / "train-images-idx3-ubyte.gz").write_bytes(b"half")

    def downloads(self):
        shutil.copytree(small_mnist, self.raw_folder, dirs_exist_ok=True)

    monkeypatch.delenv(mnist.ROOT_VARIABLE, raising=False)
    monkeypatch.setattr(mnist, "ROOT", place)
    monkeypatch.setattr("torchvision.datasets.MNIST.download", downloads)
    assert load_digits().source == "MNIST"


def test_the_doctor_reads_the_digits(small_mnist, tmp_path, monkeypatch):
    monkeypatch.setenv(mnist.ROOT_VARIABLE, str(tmp_path / "digits"))
    assert preflight.mnist().met
    _cut(small_mnist / "t10k-labels-idx1-ubyte")
    found = preflight.mnist()
    assert not found.met and "damaged" in found.remedy
    monkeypatch.delenv(mnist.ROOT_VARIABLE)
    monkeypatch.setattr(mnist, "ROOT", tmp_path / "empty")
    found = preflight.mnist()
    assert not found.met and found.found == "not there yet"

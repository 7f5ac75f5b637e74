"""Lesson 12's loop is the student's own: its epochs are kept, and only that training goes on."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lessons.workbench.training import continuing, train_epochs
from lessons.workbench.training.loop import TrainingError
from solutions.denoiser import denoising_loss, train_epoch


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where trainings are kept, as in a notebook that somebody watches."""
    monkeypatch.setattr(continuing, "FOLDER", tmp_path / "training")
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    return tmp_path / "training"


def _run(loop=train_epoch, loss=denoising_loss, *, epochs=3, seed=0, sigma=0.5, width=2,
         rate=1e-2, images=None, shift=0.0):  # fmt: skip
    """Train as lesson 12 does; gives the models' weights, the losses, and how often it looped."""
    if images is None:
        images = torch.rand(40, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    loader = DataLoader(TensorDataset(images, torch.zeros(40)), batch_size=8, shuffle=True)
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.Conv2d(width, 1, 1)
    )
    with torch.no_grad():
        model[2].bias += shift
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    passes = []

    def counted(model, loader, *others):
        passes.append(len(loader) == 5)  # and not the first steps alone, which name the file
        return loop(model, loader, *others)

    models, losses = train_epochs(
        counted, epochs, model, loader, optimizer, sigma, loss, name="denoiser"
    )
    return [one.state_dict() for one in models], losses, sum(passes)


def _same(one, other):
    return all(
        torch.equal(value, weights[name])
        for mine, weights in zip(one, other, strict=True)
        for name, value in mine.items()
    )


def _stopped_in(epoch, step):
    """A loop that is interrupted in this step of this epoch, both counted from 1."""
    begun = []

    def loop(model, loader, optimizer, sigma, loss):
        begun.extend([1] if len(loader) == 5 else [])
        taken = []

        def stopped(*inputs):
            taken.append(1)
            if len(begun) == epoch and len(taken) == step:
                raise KeyboardInterrupt
            return loss(*inputs)

        return train_epoch(model, loader, optimizer, sigma, stopped)

    return loop


def test_after_a_stop_it_goes_on_to_the_same_result(capsys, monkeypatch):
    with monkeypatch.context() as alone:
        alone.setenv("TQDM_DISABLE", "1")
        models, losses, passes = _run()
    assert (len(models), len(losses), passes) == (3, 15, 3)
    assert not _same(models[:1], models[1:2])

    with pytest.raises(KeyboardInterrupt) as told:
        _run(_stopped_in(3, 4))
    assert str(told.value) == (
        "Stopped in epoch 3 of 3. Run the cell again, and training goes on after epochs 1 to 2."
    )
    assert capsys.readouterr().out == ""
    resumed, seen, passes = _run()
    assert capsys.readouterr().out == "Training goes on after 2 of 3 epochs.\n"
    assert passes == 1 and seen == losses and _same(resumed, models)

    again, seen, passes = _run()
    assert capsys.readouterr().out.startswith("Trained before: all 3 epochs are in ")
    assert passes == 0 and seen == losses and _same(again, models)


def test_a_stop_in_the_first_epoch_keeps_nothing_and_says_so(folder):
    with pytest.raises(KeyboardInterrupt, match=r"epoch 1 of 3\. No epoch is kept yet"):
        _run(_stopped_in(1, 4))
    assert not folder.exists()


def _doubled(model, images, sigma):
    return 2 * denoising_loss(model, images, sigma)


def _never_forgets(model, loader, optimizer, sigma, loss):
    losses = []
    for images, _ in loader:
        value = loss(model.train(), images, sigma)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


def _one_picture_else():
    images = torch.rand(40, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    images[39, 0, 0, 0] += 1e-3
    return images


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"shift": 1e-6},
        {"width": 3},
        {"sigma": 0.6},
        {"rate": 2e-2},
        {"epochs": 2},
        {"images": _one_picture_else()},
        {"loss": _doubled},
        {"loop": _never_forgets},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_training_never_goes_on_from_it(other, capsys):
    models, losses, _ = _run()
    _, others, passes = _run(**other)
    assert passes == other.get("epochs", 3) and capsys.readouterr().out == ""
    assert others != losses
    again, seen, passes = _run()
    assert passes == 0 and seen == losses and _same(again, models), "the first one is still there"


def test_looking_for_what_is_kept_changes_nothing(monkeypatch):
    models, losses, _ = _run()
    monkeypatch.setenv("TQDM_DISABLE", "1")
    alone, seen, passes = _run()
    assert passes == 3 and seen == losses and _same(alone, models)


def test_nothing_is_kept_where_nobody_watches(folder, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert _run()[2] == _run()[2] == 3
    assert not folder.exists()


def test_what_can_t_be_written_or_read_is_told(folder, capsys):
    folder.write_text("a file, no folder")
    assert _run()[2] == 3
    assert capsys.readouterr().out.count("can't be kept in") == 1
    folder.unlink()
    _run()
    (kept,) = folder.iterdir()
    kept.write_bytes(b"junk")
    with pytest.raises(TrainingError, match=r"is damaged\. Delete it"):
        _run()
    assert kept.read_bytes() == b"junk"

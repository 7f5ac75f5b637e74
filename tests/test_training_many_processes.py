"""Two processes train one model together, as one process would."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from lessons.workbench.many_processes import Processes
from lessons.workbench.training import TrainingPlan, train

# 64 pictures in batches of 9: the last batch is one picture, too few for two processes.
PLAN = TrainingPlan(
    epochs=2, batch_size=9, learning_rate=1e-2, decay=0.8, clip_norm=0.5, ema=0.9, seed=3
)

SCRIPT = """
import os, sys
from dataclasses import replace
import torch
sys.path.insert(0, {tests!r})
from test_training_many_processes import PLAN, data, model, regression
from lessons.workbench.training import TrainingError, train

rank = int(os.environ["RANK"])
torch.manual_seed(rank)  # the processes begin differently, and must not stay so
found = {{}}

plain = model(seed=rank)
epochs, seen = [], []
def watched(model, images, labels):
    seen.append(labels)
    return regression(model, images, labels)
history = train(plain, watched, *data(), PLAN, checkpoint="run.pt", progress=False,
                after_epoch=lambda epoch, *_: epochs.append(epoch))
found["weights"], found["average"] = plain.state_dict(), history.average.state_dict()
found["losses"], found["epochs"] = history.losses, epochs
found["seen"] = torch.cat(seen)

noise = []
def noisy(model, images, labels):
    noise.append(torch.randn(5))
    return regression(model, images + 0.5 * torch.randn_like(images), labels)
restless = model(0, batch_norm=True)
train(restless, noisy, *data(), replace(PLAN, batch_size=16), progress=False)
found["noisy weights"], found["noise"] = restless.state_dict(), torch.stack(noise)

longer = model(seed=rank)
plan = replace(PLAN, epochs=3)
found["resumed losses"] = train(longer, regression, *data(), plan, checkpoint="run.pt",
                                progress=False).losses
found["resumed weights"] = longer.state_dict()

try:
    train(model(0), lambda *batch: regression(*batch) * (float("nan") if rank else 1.0), *data(),
          PLAN, checkpoint="never.pt", progress=False)
except TrainingError as error:
    found["stopped"] = str(error)
torch.save(found, f"rank{{rank}}.pt")
"""


def model(seed=0, *, batch_norm=False):
    torch.manual_seed(seed)
    norm = nn.BatchNorm1d(8) if batch_norm else nn.Identity()
    return nn.Sequential(nn.Linear(4, 8), norm, nn.GELU(), nn.Linear(8, 1))


def data():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(64, 4, generator=generator), torch.arange(64)


def regression(model, images, labels):
    return ((model(images)[:, 0] - labels / 32 + 1) ** 2).mean()


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """The folder two processes trained in, and what each of them found."""
    folder = tmp_path_factory.mktemp("together")
    tests = Path(__file__).parent
    (folder / "script.py").write_text(SCRIPT.format(tests=str(tests)))
    paths = os.pathsep.join([str(tests.parent), os.environ.get("PYTHONPATH", "")])
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*torchrun, "--nproc-per-node", "2", "script.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return folder, [torch.load(folder / f"rank{rank}.pt") for rank in (0, 1)]


def _assert_same(one, other, **tolerance):
    assert one.keys() == other.keys()
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], **(tolerance or {"rtol": 0, "atol": 0}))


def test_both_processes_end_with_the_same_model(together):
    _, (first, second) = together
    for name in ("weights", "average", "noisy weights", "resumed weights"):
        _assert_same(first[name], second[name])
    assert first["losses"] == second["losses"]


def test_they_learn_what_one_process_learns(together):
    _, (first, _) = together
    alone = model()
    history = train(alone, regression, *data(), PLAN, progress=False)
    assert len(history.losses) == 2 * 8
    _assert_same(first["weights"], alone.state_dict(), rtol=1e-4, atol=1e-5)
    _assert_same(first["average"], history.average.state_dict(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(first["losses"], history.losses, rtol=1e-4, atol=1e-5)


def test_each_picture_is_seen_once_and_each_process_has_its_own_noise(together):
    _, (first, second) = together
    every = torch.cat([first["seen"], second["seen"]]).bincount(minlength=64)
    assert every.sum() == 2 * (64 + 1)  # the second process borrows the last batch's one picture
    assert (every >= 2).all()
    both = torch.cat([first["noise"], second["noise"]])
    assert len(both.unique()) == both.numel()


def test_only_the_first_saves_and_calls_after_epoch(together):
    folder, (first, second) = together
    assert (first["epochs"], second["epochs"]) == ([1, 2], [])
    assert sorted(path.name for path in folder.iterdir()) == [
        "rank0.pt", "rank1.pt", "run.pt", "script.py",
    ]  # fmt: skip


def test_their_checkpoint_is_continued_by_both_and_by_one_alone(together):
    folder, (first, second) = together
    plan = replace(PLAN, epochs=3)
    whole = model()
    expected = train(whole, regression, *data(), plan, progress=False)
    for one in (first, second):
        _assert_same(one["resumed weights"], whole.state_dict(), rtol=1e-4, atol=1e-5)
    longest = replace(PLAN, epochs=4)
    alone = model(seed=5)
    history = train(
        alone, regression, *data(), longest, checkpoint=folder / "run.pt", progress=False
    )
    assert history.epoch_ends == [8, 16, 24, 32]
    torch.testing.assert_close(history.losses[:24], expected.losses, rtol=1e-4, atol=1e-5)


def test_a_loss_that_is_no_number_in_one_process_stops_all(together):
    _, (first, second) = together
    assert "lower learning rate" in first["stopped"]
    assert "lower learning rate" in second["stopped"]


@pytest.mark.parametrize(("pictures", "count"), [(9, 2), (8, 2), (2, 3), (1, 4), (7, 1)])
def test_the_weighted_means_of_the_shares_make_the_batch_s_mean(pictures, count):
    batch = torch.randn(pictures, dtype=torch.float64)
    shares = [Processes(rank, count).share(batch) for rank in range(count)]
    mean = sum(weight * part.mean() for part, weight in shares) / count
    torch.testing.assert_close(mean, batch.mean())

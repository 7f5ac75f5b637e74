"""The training loop: it learns, and stops and resumes without losing or changing anything."""

import subprocess
import sys
import textwrap
import time

import pytest
import torch
from torch import nn

from lessons.workbench.training import continuing, loop
from lessons.workbench.training.loop import TrainingError, TrainingPlan, train
from lessons.workbench.training.threads import on_free_cores

PLAN = TrainingPlan(epochs=4, batch_size=16, learning_rate=1e-2, decay=0.8, ema=0.9, seed=3)


def _model(width=8):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.GELU(), nn.Linear(width, 4))


def _data():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(80, 4, generator=generator), torch.arange(80) % 10


def _loss(model, images, labels):
    """Denoising, so that the noise of every step must be repeated, too."""
    return ((model(images + 0.5 * torch.randn_like(images)) - images) ** 2).mean()


def _weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def _assert_same(one, other):
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def test_it_learns_and_keeps_a_history():
    model = _model()
    seen = []
    history = train(
        model, _loss, *_data(), PLAN, progress=False,
        after_epoch=lambda epoch, average, so_far: seen.append((epoch, len(so_far.losses))),
    )  # fmt: skip
    assert history.epoch_ends == [5, 10, 15, 20]
    assert seen == [(1, 5), (2, 10), (3, 15), (4, 20)]
    assert sum(history.losses[-5:]) < 0.8 * sum(history.losses[:5])
    assert history.average is not None and history.average is not model


def test_two_runs_with_one_seed_agree_and_another_seed_differs():
    runs = []
    for plan in (PLAN, PLAN, TrainingPlan(**{**PLAN.__dict__, "seed": 4})):
        model = _model()
        train(model, _loss, *_data(), plan, progress=False)
        runs.append(_weights(model))
    _assert_same(runs[0], runs[1])
    assert not torch.equal(runs[0]["0.weight"], runs[2]["0.weight"])


def test_resuming_gives_the_same_weights(tmp_path):
    whole = _model()
    finished = train(whole, _loss, *_data(), PLAN, progress=False)
    half = _model()
    short = TrainingPlan(**{**PLAN.__dict__, "epochs": 2})
    train(half, _loss, *_data(), short, checkpoint=tmp_path / "run.pt", progress=False)
    again = nn.Sequential(*_model().children())
    resumed = train(again, _loss, *_data(), PLAN, checkpoint=tmp_path / "run.pt", progress=False)
    _assert_same(_weights(whole), _weights(again))
    _assert_same(_weights(finished.average), _weights(resumed.average))
    assert resumed.losses == finished.losses
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]


def test_kill_9_in_the_middle_loses_at_most_an_epoch(tmp_path):
    """A process that is killed while training, and one that goes on from its checkpoint."""
    code = textwrap.dedent("""
        import sys, time
        sys.path.insert(0, "tests")
        import test_training as t
        t.torch.set_num_threads(int(sys.argv[2]))  # sums are rounded by how they are shared out
        def slow(epoch, average, history):
            print(epoch, flush=True)
            if epoch == 2:
                time.sleep(600)
        t.train(t._model(), t._loss, *t._data(), t.PLAN, checkpoint=sys.argv[1], progress=False,
                after_epoch=slow)
    """)
    path = tmp_path / "run.pt"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path), str(torch.get_num_threads())],
        stdout=subprocess.PIPE,
        text=True,
    )
    while process.stdout.readline().strip() != "2":
        time.sleep(0.01)
    process.kill()
    process.wait()
    process.stdout.close()
    resumed, whole = _model(), _model()
    history = train(resumed, _loss, *_data(), PLAN, checkpoint=path, progress=False)
    train(whole, _loss, *_data(), PLAN, progress=False)
    assert history.epoch_ends == [5, 10, 15, 20]
    _assert_same(_weights(resumed), _weights(whole))


def test_a_loss_that_is_no_number_stops_with_a_sentence():
    def bad(model, images, labels):
        return _loss(model, images, labels) * float("nan")

    with pytest.raises(TrainingError, match="lower learning rate"):
        train(_model(), bad, *_data(), PLAN, progress=False)


def test_ctrl_c_keeps_what_was_learned(capsys):
    calls = []

    def interrupted(model, images, labels):
        calls.append(1)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return _loss(model, images, labels)

    model = _model()
    before = _weights(model)
    history = train(model, interrupted, *_data(), PLAN, progress=False)
    assert history.epoch_ends == [5]
    assert "Stopped" in capsys.readouterr().out
    assert not torch.equal(before["0.weight"], model.state_dict()["0.weight"])


@pytest.mark.parametrize(
    "given",
    [
        {"SAVE_SECONDS": 0.0, "SAVE_SHARE": float("inf"), "NOTE_SECONDS": 0.0},  # at every step
        {"SAVE_SECONDS": 1e9, "NOTE_SECONDS": 1e9},  # when it is stopped
    ],
)
def test_it_goes_on_in_the_middle_of_an_epoch(given, tmp_path, monkeypatch):
    for name, value in given.items():
        monkeypatch.setattr(loop, name, value)
    path, calls = tmp_path / "run.pt", []

    def interrupted(model, images, labels):
        calls.append(1)
        if len(calls) == 13:
            model(images + torch.randn_like(images))  # a step that is begun
            raise KeyboardInterrupt
        return _loss(model, images, labels)

    whole, stopped, again = _model(), _model(), _model()
    stay = dict(checkpoint=path, keep=(1, 4), progress=False)
    finished = train(whole, _loss, *_data(), PLAN, keep=(1, 4), progress=False)
    reached = train(stopped, interrupted, *_data(), PLAN, **stay)
    assert len(reached.losses) == 12 and list(reached.kept) == [1, 2.4]
    seen = []

    def counted(*inputs):
        seen.append(1)
        return _loss(*inputs)

    resumed = train(again, counted, *_data(), PLAN, **stay)
    assert len(seen) == 8, "from where it was"
    assert resumed.losses == finished.losses and resumed.epoch_ends == finished.epoch_ends
    _assert_same(_weights(whole), _weights(again))
    assert list(resumed.kept) == list(finished.kept) == [1, 4]
    for epoch in (1, 4):
        _assert_same(_weights(finished.kept[epoch]), _weights(resumed.kept[epoch]))


@pytest.fixture
def named(tmp_path, monkeypatch):
    """Train under a name, watched as in a notebook; gives how many steps were taken."""
    monkeypatch.setattr(continuing, "FOLDER", tmp_path / "training")
    monkeypatch.delenv("TQDM_DISABLE", raising=False)

    def run(loss=_loss, plan=PLAN, model=None):
        taken = []
        train(
            model or _model(), loss, *_data(), plan, name="net",
            after_epoch=lambda *_: taken.append(1),
        )  # fmt: skip
        return 5 * len(taken)

    return run


def test_a_named_training_is_kept_and_only_that_one_goes_on(named, tmp_path, capsys):
    assert named() == 20
    assert capsys.readouterr().out == ""
    assert named() == 0
    assert "Trained before: all 20 steps" in capsys.readouterr().out

    def doubled(model, images, labels):
        return 2 * _loss(model, images, labels)

    def without_gradient_at_first(model, images, labels):
        noisy = images + 0.5 * torch.randn_like(images)
        return ((model[3:](model[:3](noisy).detach()) - images) ** 2).mean()

    assert named(loss=doubled) == 20, "another loss"
    assert named(loss=without_gradient_at_first) == 20, "the same loss, another gradient"
    assert named(plan=TrainingPlan(**{**PLAN.__dict__, "seed": 4})) == 20
    assert named(model=_model(9)) == 20
    assert named() == 0, "the first one is there as before"
    assert len(list((tmp_path / "training").iterdir())) == 5


def test_nothing_is_kept_where_nobody_watches(named, tmp_path, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert named() == named() == 20
    assert not (tmp_path / "training").exists()


def test_a_state_that_can_t_be_written_ends_no_training(named, tmp_path, capsys):
    (tmp_path / "training").write_text("a file, no folder")
    assert named() == 20
    assert capsys.readouterr().out.count("can't be kept in") == 1


def test_a_checkpoint_of_another_model_is_told_and_kept(tmp_path):
    path = tmp_path / "run.pt"
    train(_model(8), _loss, *_data(), PLAN, checkpoint=path, progress=False)
    before = path.read_bytes()
    with pytest.raises(TrainingError, match="other shapes"):
        train(_model(9), _loss, *_data(), PLAN, checkpoint=path, progress=False)
    assert path.read_bytes() == before
    path.write_bytes(b"junk")
    with pytest.raises(TrainingError, match="damaged"):
        train(_model(8), _loss, *_data(), PLAN, checkpoint=path, progress=False)


def test_gradients_are_clipped_and_the_rate_decays():
    steep = TrainingPlan(epochs=2, batch_size=80, learning_rate=1.0, clip_norm=1e-9)
    model = nn.Linear(4, 4)
    before = model.weight.detach().clone()

    def sgd_like(model, images, labels):
        return 1e6 * (model(images) ** 2).mean()

    train(model, sgd_like, *_data(), steep, progress=False)
    assert torch.isfinite(model.weight).all()
    assert not torch.equal(before, model.weight)


@pytest.mark.parametrize(("busy", "threads"), [(0, 4), (30, 4), (60, 2), (100, 1)])
def test_threads_are_as_many_as_cores_are_free(busy, threads, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("psutil.cpu_percent", lambda interval: busy)
    monkeypatch.setattr("psutil.cpu_count", lambda: 6)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(4)
        with on_free_cores(torch.device("cpu")):
            assert torch.get_num_threads() == threads
        assert torch.get_num_threads() == 4
        monkeypatch.setenv("OMP_NUM_THREADS", "3")
        with on_free_cores(torch.device("cpu")):
            assert torch.get_num_threads() == 4, "who says how many is heard"
    finally:
        torch.set_num_threads(before)

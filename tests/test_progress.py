"""A bar comes for a loop that takes long, counts its times, and goes."""

import copy

import pytest
import torch
from torch import nn

from lessons.workbench.denoisers import progress as watching
from lessons.workbench.denoisers.progress import StepProgress, watch_sampling


class Bar:
    def __init__(self, total, done):
        self.total, self.done, self.closed = total, done, False

    def update(self, done, note=""):
        self.done = done

    def close(self):
        self.closed = True


@pytest.fixture
def watched(request):
    """A progress whose clock moves only when told to, and the bars it made."""
    bars, now = [], [0.0]

    def make(total, done):
        bars.append(Bar(total, done))
        return bars[-1]

    return StepProgress(make, clock=lambda: now[0], rises_to=request.param), bars, now


falling = pytest.mark.parametrize("watched", [None], indirect=True)
either_way = pytest.mark.parametrize("watched", [1.0], indirect=True)


@falling
def test_a_quick_loop_has_no_bar(watched):
    progress, bars, now = watched
    for t in range(990, -1, -30):
        progress.saw(t)
        now[0] += 0.05
    assert bars == []


@falling
def test_a_slow_loop_gets_one_after_its_first_step(watched):
    progress, bars, now = watched
    for t in (600, 600):
        progress.saw(t)
    assert bars == []
    now[0] += 0.3
    progress.saw(570)
    assert [bar.done / bar.total for bar in bars] == [0.05]
    progress.saw(300)
    assert bars[0].done / bars[0].total == 0.5 and not bars[0].closed


@falling
def test_the_next_loop_begins_anew(watched):
    progress, bars, now = watched
    for t in (500, 400, 300):
        now[0] += 4
        progress.saw(t)
    progress.saw(990)
    assert bars[0].closed and len(bars) == 1
    progress.saw(960)
    assert len(bars) == 1


@falling
def test_single_questions_are_no_loop(watched):
    progress, bars, now = watched
    for t in (250, 500, 750, 750):
        now[0] += 4
        progress.saw(t)
    assert bars == []


@either_way
def test_a_flow_s_times_rise_and_ddpm_s_fall(watched):
    progress, bars, now = watched
    for t in (0.0, 0.25, 0.5, 0.75, 0.0, 0.5):  # two flows
        now[0] += 4
        progress.saw(t)
    assert [(bar.done / bar.total, bar.closed) for bar in bars] == [(0.75, True), (0.5, False)]
    for t in (0.9, 0.6, 0.3, 0.0, 0.9):  # then DDPM: 0.9 goes on with the flow
        now[0] += 4
        progress.saw(t)
    assert (bars[-1].done / bars[-1].total, bars[-1].closed) == (1.0, True)


def test_a_network_is_watched_while_it_draws(monkeypatch):
    class Net(nn.Module):
        def forward(self, x, t):
            return x

    seen = []
    monkeypatch.setattr(watching.StepProgress, "saw", lambda self, t: seen.append(t))
    network = watch_sampling(Net())
    network.train()(torch.zeros(2), torch.full((2,), 0.9))
    network.eval()(torch.zeros(2), torch.full((2,), 0.5))
    network(torch.zeros(2), t=torch.full((2,), 0.5))  # by name: not seen, and no error
    assert seen == [0.5]


def test_a_copy_of_a_watched_network_is_not_watched_twice(monkeypatch):
    seen = []
    monkeypatch.setattr(watching.StepProgress, "saw", lambda self, t: seen.append(t))
    network = watch_sampling(copy.deepcopy(watch_sampling(nn.Identity().eval())))
    monkeypatch.setattr(network, "forward", lambda x, t: x)
    network(torch.zeros(2), torch.full((2,), 0.25))
    assert seen == [0.25]

"""A bar comes for a loop that takes long, counts its timesteps, and goes."""

import pytest

from lessons.workbench.denoisers.progress import PATIENCE_SECONDS, StepProgress


class Bar:
    def __init__(self, total, done):
        self.total, self.done, self.closed = total, done, False

    def update(self, steps):
        self.done += steps

    def close(self):
        self.closed = True


@pytest.fixture
def watched():
    """A progress whose clock moves only when told to, and the bars it made."""
    bars, now = [], [0.0]

    def make(total, done):
        bars.append(Bar(total, done))
        return bars[-1]

    return StepProgress(make, clock=lambda: now[0]), bars, now


def test_a_quick_loop_has_no_bar(watched):
    progress, bars, _ = watched
    for t in range(990, -1, -30):
        progress.saw(t)
    assert bars == []


def test_a_slow_loop_gets_one_that_counts_from_its_first_timestep(watched):
    progress, bars, now = watched
    for t in (690, 660, 660, 630):
        progress.saw(t)
        now[0] += PATIENCE_SECONDS
    assert [(bar.total, bar.done) for bar in bars] == [(690, 60)]
    progress.saw(600)
    assert bars[0].done == 90 and not bars[0].closed


def test_the_next_loop_begins_anew(watched):
    progress, bars, now = watched
    for t in (500, 400, 300):
        now[0] += 2 * PATIENCE_SECONDS
        progress.saw(t)
    progress.saw(990)
    assert bars[0].closed and len(bars) == 1
    progress.saw(960)
    assert len(bars) == 1


def test_single_questions_are_no_loop(watched):
    progress, bars, now = watched
    for t in (250, 500, 750, 750):
        now[0] += 2 * PATIENCE_SECONDS
        progress.saw(t)
    assert bars == []

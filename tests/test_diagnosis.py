"""The mistake that is named is the one that looking at all of them everywhere would name."""

import random
from dataclasses import dataclass, field

import pytest

from checkers.engine.diagnosis import find_mistake

NAMES = "abcdefgh"


@dataclass(eq=False)
class _Trial:
    """A case in which everything about each mistake is drawn."""

    cost: float
    facts: dict
    speaks: bool
    is_plain: bool = False
    runs: list = field(default_factory=list)

    def _fact(self, mistake, which):
        if mistake not in self.runs:
            self.runs.append(mistake)
        return self.facts[mistake][which]

    def matches(self, mistake):
        return self.speaks and self._fact(mistake, 0)

    def fails(self, mistake):
        return self._fact(mistake, 1)

    def would_match(self, mistake):
        return self._fact(mistake, 2)

    def would_fail(self, mistake):
        return self._fact(mistake, 3)

    def has_run(self, mistake):
        return mistake in self.runs


def _trials(draw, count):
    facts = [
        {name: [draw.random() < p for p in (0.5, 0.8, 0.8, 0.7)] for name in NAMES}
        for _ in range(count)
    ]
    return [_Trial(draw.random(), one, draw.random() < 0.8, draw.random() < 0.3) for one in facts]


def _looking_everywhere(failed, passed):
    found = []
    for name in NAMES:
        explained = [trial for trial in failed if trial.matches(name) and trial.fails(name)]
        if explained:
            found.append((-len(explained), NAMES.index(name), name, explained[0]))
    for _, _, name, first in sorted(found, key=lambda one: one[:2]):
        against = [trial for trial in failed if not trial.matches(name)]
        if sum(trial.would_match(name) for trial in against) > len(failed) - len(against):
            continue
        if not any(t.fails(name) and not t.matches(name) and t.would_fail(name) for t in passed):
            return name, first
    return None


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_one_that_looking_everywhere_finds(seed):
    draw = random.Random(seed)
    for _ in range(2000):
        failed, passed = (_trials(draw, draw.randint(0, 5)) for _ in range(2))
        assert find_mistake(NAMES, failed, passed) == _looking_everywhere(failed, passed)


def test_what_explains_all_is_found_without_running_the_others_on_every_case():
    alike = {name: [False, True, True, True] for name in NAMES}
    failed = [_Trial(cost, {**alike, "d": [True] * 4}, True) for cost in (3.0, 1.0, 2.0)]
    assert find_mistake(NAMES, failed, []) == ("d", failed[0])
    assert failed[1].runs == ["a", "b", "c", "d"]
    assert failed[0].runs == failed[2].runs == ["d"]

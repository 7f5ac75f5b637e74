"""Which known mistake explains what an answer did, found by running as few of them as possible."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from checkers.engine.exercise import Mistake


class Trial(Protocol):
    """One case, and what the answer and the known mistakes do there."""

    @property
    def cost(self) -> float:
        """About how many seconds it takes to run a known mistake here."""
        ...

    @property
    def is_plain(self) -> bool:
        """Whether `would_match` needs no other run, as the answer raised an error here."""
        ...

    def has_run(self, mistake: Mistake) -> bool:
        """Whether it is known already what a mistake does here."""
        ...

    @property
    def speaks(self) -> bool:
        """Whether what the answer did here can match anything: not if it doesn't match itself."""
        ...

    def matches(self, mistake: Mistake) -> bool:
        """Whether the answer did here just what the mistake does."""
        ...

    def fails(self, mistake: Mistake) -> bool:
        """Whether this case tells the mistake from the reference."""
        ...

    def would_match(self, mistake: Mistake) -> bool:
        """Whether an answer with just this mistake would match it here; where chance rules, no."""
        ...

    def would_fail(self, mistake: Mistake) -> bool:
        """Whether an answer with just this mistake would fail here; where chance rules, perhaps."""
        ...


T = TypeVar("T", bound=Trial)


@dataclass(order=True)
class _Suspect(Generic[T]):
    """A mistake, the failed cases that it may still explain and what is known of the others.

    The best is the least: that which may explain most and, of these, the first of the list.
    """

    not_explained: int
    number: int
    mistake: Mistake = field(compare=False)
    open: list[T] = field(compare=False)
    explained: list[T] = field(compare=False, default_factory=list)
    against: list[T] = field(compare=False, default_factory=list)

    def look_at_one_more(self) -> None:
        trial = self.open.pop(0)
        matches = trial.matches(self.mistake)
        if matches and trial.fails(self.mistake):
            self.explained.append(trial)
        else:
            self.not_explained += 1
        if not matches:
            self.against.append(trial)

    def is_refuted(self, failed: int) -> bool:
        """Whether more of so many failed cases speak against it than can speak for it.

        It is not asked where that takes longer than to look at the open ones.
        """
        others = failed - len(self.against)
        asking = sum(trial.cost for trial in self.against if not trial.is_plain)
        looking = sum(trial.cost for trial in self.open if not trial.has_run(self.mistake))
        if len(self.against) <= others or looking <= asking:
            return False
        return sum(trial.would_match(self.mistake) for trial in self.against) > others


def find_mistake(
    mistakes: Sequence[Mistake],
    failed: Sequence[T],
    passed: Sequence[T],
    meanwhile: Callable[[], None] = lambda: None,
) -> tuple[Mistake, T] | None:
    """The mistake that explains most of the failed cases and contradicts no passed one.

    Of those that explain as many it is the first. What explains one failed case and would look
    different in two others is not what happened. A mistake is run on the cheapest case first, and
    on another only while it may still be the one: that saves most runs and changes nothing.
    `meanwhile` is called before each of these looks.

    Returns:
        The mistake and the first case that it explains; None if no known one fits.
    """
    by_cost = sorted((trial for trial in failed if trial.speaks), key=lambda trial: trial.cost)
    suspects = [_Suspect(0, number, m, list(by_cost)) for number, m in enumerate(mistakes)]
    while suspects:
        suspect = heapq.heappop(suspects)
        if suspect.open:
            meanwhile()
            suspect.look_at_one_more()
            if not suspect.is_refuted(len(failed)):
                heapq.heappush(suspects, suspect)
        elif suspect.explained and _fits(suspect.mistake, failed, passed):
            return suspect.mistake, next(t for t in failed if t in suspect.explained)
    return None


def _fits(mistake: Mistake, failed: Sequence[T], passed: Sequence[T]) -> bool:
    """Whether nothing speaks against a mistake that explains a case."""
    against = [trial for trial in failed if not trial.matches(mistake)]
    if sum(trial.would_match(mistake) for trial in against) > len(failed) - len(against):
        return False
    # Where numbers are random, an answer may be near the reference and the mistake at once, and a
    # mistake may fail now and then.
    return not any(
        trial.fails(mistake) and not trial.matches(mistake) and trial.would_fail(mistake)
        for trial in sorted(passed, key=lambda trial: trial.cost)
    )

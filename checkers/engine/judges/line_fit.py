"""Straight lines fitted to where a loop ends, over where it began.

In a world whose means are flat, every pixel goes its own way, the same for all of a picture: a
right loop ends on a straight line over its start, whatever noise was drawn.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from checkers.engine.judges.values import FALSE_ALARM_Z, form_problem
from checkers.engine.sandbox.inside.plain import Array

LINE_TOLERANCE = 2e-3


class Estimate(NamedTuple):
    """A number for each picture and its standard error, (n,) each."""

    value: np.ndarray
    error: np.ndarray


class Lines(NamedTuple):
    """For each picture a line through its end over its start; `bent` is the spread around it.

    The standard errors hold for a spread that differs along the line (White 1980): what clamping
    leaves over is all at the ends, where it sways the slope.
    """

    slope: Estimate
    offset: Estimate
    bent: Estimate

    def ends(self, picture: int) -> tuple[float, float]:
        """Where a picture's pixels end that start at 0 and at 1."""
        at_0 = float(self.offset.value[picture])
        return at_0, at_0 + float(self.slope.value[picture])

    def ends_elsewhere(self, right: Lines) -> np.ndarray:
        """For each picture, whether offset or slope differ from the right ones, (n,) bool."""
        by_chance = right.leave_a_rest()
        return _differ(self.offset, right.offset, by_chance) | _differ(
            self.slope, right.slope, by_chance
        )

    def spreads_otherwise(self, right: Lines) -> np.ndarray:
        """For each picture, whether the spread around the line differs, (n,) bool."""
        return _differ(self.bent, right.bent, right.leave_a_rest())

    def leave_a_rest(self) -> np.ndarray:
        """Where chance may excuse a difference: nowhere on a line without a rest, (n,) bool."""
        return self.bent.value > LINE_TOLERANCE


def fit_lines(start: np.ndarray, end: np.ndarray) -> Lines:
    """Fit a line to each of n pictures by least squares.

    Args:
        start: (n, ...), what each pixel began with.
        end: like `start`, what came of it.
    """
    x, y = (values.astype(np.float64).reshape(len(values), -1) for values in (start, end))
    mean = x.mean(axis=1, keepdims=True)
    centred = x - mean
    spread = (centred**2).mean(axis=1)
    spread = np.where(spread > 0, spread, 1)
    slope = (centred * y).mean(axis=1) / spread
    offset = y.mean(axis=1) - slope * mean[:, 0]
    left = y - slope[:, None] * x - offset[:, None]
    bent = _root_mean_square(left)
    root = np.sqrt(x.shape[1])
    sway = _root_mean_square((1 - mean * centred / spread[:, None]) * left)
    return Lines(
        slope=Estimate(slope, _root_mean_square(centred * left) / spread / root),
        offset=Estimate(offset, sway / root),
        bent=Estimate(bent, _root_mean_square(left**2) / (2 * np.where(bent > 0, bent, 1)) / root),
    )


class Words(NamedTuple):
    """What is said of a loop that goes wrong.

    Attributes:
        start: on the first pictures' shape; formatted with it and the right one.
        line: on a line that leads elsewhere; formatted with where a start of 0 and a start of 1
            end, and with where they should.
        rest: on what does not lie on the line.
    """

    start: str
    line: str
    rest: str


def line_problem(mine: tuple[Any, Any], target: tuple[Any, Any], words: Words) -> str:
    """What is wrong with how a loop's end depends on its start; "" if nothing is.

    Args:
        mine: what the loop began with, and what came of it.
        target: the same of the right one.
        words: what is said.
    """
    if problem := form_problem(mine[1], target[1], "the result", dtype_matters=False):
        return problem
    if form_problem(mine[0], target[0], "", dtype_matters=False):
        shape = mine[0].shape if isinstance(mine[0], Array) else ()
        return words.start.format(shape, target[0].shape)
    if not np.isfinite(mine[1].values).all() and np.isfinite(target[1].values).all():
        return "the result holds values that are not finite numbers."
    if len(target[0].values) != len(target[1].values):
        return ""  # a known mistake's, and of this form are both
    line, right = (fit_lines(start.values, end.values) for start, end in (mine, target))
    far = line.ends_elsewhere(right)
    if far.any():
        picture = int(far.argmax())
        return words.line.format(*line.ends(picture), *right.ends(picture))
    return words.rest if line.spreads_otherwise(right).any() else ""


def _root_mean_square(values: np.ndarray) -> np.ndarray:
    return np.sqrt((values**2).mean(axis=1))


def _differ(mine: Estimate, right: Estimate, by_chance: np.ndarray) -> np.ndarray:
    error = np.where(by_chance, mine.error + right.error, 0)
    slack = LINE_TOLERANCE * (1 + np.abs(right.value))
    return np.abs(mine.value - right.value) > slack + FALSE_ALARM_Z * error

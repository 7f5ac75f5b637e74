"""Judges that many cases share: shape first, then type, then values; nothing is ever broadcast."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from checkers.engine.exercise import Judge, Observation, Pictures, Verdict
from checkers.engine.judges.repetition import repeats, repetition_problem
from checkers.engine.judges.sentences import NO_RETURN, NOT_NORMAL
from checkers.engine.sandbox.inside.plain import Array, Unknown
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.neighbours import neighbour_correlations
from checkers.engine.worlds.tails import count_far_out

FALSE_ALARM_Z = 5.5
"""How many standard errors a moment may be off: a two-sided false-alarm rate of 4e-8 each."""

ROUNDING = 1e-9
"""A number that is nearer to 0 is told as 0."""
NEARLY = 0.01
"""A mean difference below this share of the right values' standard deviation is called small."""

Part = str | Callable[[Observation], Any]


def same_values(
    part: Part = "result",
    *,
    what: str = "the result",
    atol: float = 1e-5,
    rtol: float = 1e-4,
    labels: Callable[[Inputs], Sequence[str]] | None = None,
    show: bool = False,
    dtype_matters: bool = True,
) -> Judge:
    """A judge that compares arrays, numbers or lists of them entry by entry.

    Args:
        part: which part of the observation is compared: its key, or a function that takes it out.
        what: what messages call it.
        atol: absolute tolerance.
        rtol: relative tolerance.
        labels: for a list of results, what each is called ("t = 250").
        show: add target and result as a picture where the shapes allow it.
        dtype_matters: whether another floating point type than the reference's is wrong.
    """

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        ours, theirs = _take(part, expected), _take(part, observed)
        if isinstance(ours, list):
            names = labels(inputs) if labels else [f"entry {i}" for i in range(len(ours))]
            if problem := _list_problem(theirs, ours, what):
                return Verdict(False, problem)
            for name, mine, target in zip(names, theirs, ours, strict=True):
                verdict = _compare(mine, target, f"{what} at {name}", name)
                if not verdict.passed:
                    return verdict
            return Verdict(True, _remark(theirs))
        verdict = _compare(theirs, ours, what, "")
        return verdict if not verdict.passed else Verdict(True, _remark([theirs]))

    def _compare(mine: Any, target: Any, name: str, caption: str) -> Verdict:
        if isinstance(target, list):
            if problem := _list_problem(mine, target, name):
                return Verdict(False, problem)
            verdicts = [_compare(m, t, name, caption) for m, t in zip(mine, target, strict=True)]
            return next((verdict for verdict in verdicts if not verdict.passed), Verdict(True))
        if problem := form_problem(mine, target, name, dtype_matters=dtype_matters):
            return Verdict(False, problem)
        mine_values, target_values = _numbers(mine), _numbers(target)
        if np.allclose(mine_values, target_values, rtol=rtol, atol=atol, equal_nan=True):
            return Verdict(True)
        pictures = _pictures(mine_values, target_values, caption) if show else None
        return Verdict(False, values_problem(mine_values, target_values, name), pictures)

    return judge


def same_form(part: Part = "result", *, what: str = "the result") -> Judge:
    """A judge that compares shape, type and device, and that no input was written into."""

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        ours, theirs = _take(part, expected), _take(part, observed)
        if isinstance(ours, list):
            if problem := _list_problem(theirs, ours, what):
                return Verdict(False, problem)
            pairs = list(zip(theirs, ours, strict=True))
        else:
            pairs = [(theirs, ours)]
        for mine, target in pairs:
            if problem := form_problem(mine, target, what):
                return Verdict(False, problem)
            if not np.isfinite(_numbers(mine)).all() and np.isfinite(_numbers(target)).all():
                return Verdict(False, f"{_capital(what)} holds values that are not finite numbers.")
        changed = set(observed.get("changed", ())) - set(expected.get("changed", ()))
        if changed:
            name = sorted(changed)[0]
            return Verdict(
                False,
                f"Your function changes the `{name}` it was given. Work on a new tensor: "
                f"`a = a * b` makes one, `a *= b` writes into the old.",
            )
        return Verdict(True, _remark([mine for mine, _ in pairs]))

    return judge


def same_moments(
    part: Part = "result",
    *,
    what: str = "the noise",
    labels: Callable[[Inputs], Sequence[str]] | None = None,
    slack: float = 1e-3,
    also: Sequence[str] = ("kurtosis", "independence"),
    around: Callable[[Inputs], torch.Tensor] | None = None,
) -> Judge:
    """A judge for random results: independent draws whose mean and standard deviation must agree.

    Both sides are samples, so the tolerance is `FALSE_ALARM_Z` standard errors of their
    difference: a right answer fails less than once in a million checks.

    Args:
        part: which part of the observation is compared: an array, or a list of arrays.
        what: what messages call it.
        labels: what each array of a list is called ("t = 250").
        slack: an absolute difference that never counts, for rounding.
        also: further properties: "kurtosis" tells normal from uniform noise, "independence" a
            number drawn for each entry from one drawn for a whole row or channel.
        around: what the entries are drawn around, (C, H, W), up to a number: without that, all
            pictures of a batch have it in common where there is too little noise.
    """

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        ours, theirs = _take(part, expected), _take(part, observed)
        if not isinstance(ours, list):
            theirs, ours = [theirs], [ours]
        elif problem := _list_problem(theirs, ours, what):
            return Verdict(False, problem)
        names = labels(inputs) if labels else [""] * len(ours)
        for name, mine, target in zip(names, theirs, ours, strict=True):
            if problem := form_problem(mine, target, what):
                return Verdict(False, problem)
            subject = f"At {name} {what}" if name else _capital(what)
            shared = around(inputs).numpy() if around else np.zeros(())
            if problem := _moments_problem(_numbers(mine), _numbers(target), shared, slack, also):
                return Verdict(False, f"{subject} {problem}")
        return Verdict(True)

    return judge


def _moments_problem(
    mine: np.ndarray, target: np.ndarray, shared: np.ndarray, slack: float, also: Sequence[str]
) -> str:
    """The end of a sentence on what is wrong with random numbers; "" if nothing is."""
    if not mine.size:
        return ""
    if not np.isfinite(mine).all():
        return "holds values that are not finite numbers."
    if "independence" in also and mine.ndim > 2:  # first, as it lets moments go astray
        fits = mine.shape[mine.ndim - shared.ndim :] == shared.shape
        drawn = (one - shared if fits else one for one in (mine, target))
        own, right = map(neighbour_correlations, drawn)
        if problem := repetition_problem(own, right):
            return problem
        if repeats(right):
            return ""
    mean, mean_target, std, std_target = mine.mean(), target.mean(), mine.std(), target.std()
    spread = max(std_target, std)
    kurtosis, kurtosis_target = _kurtosis(mine), _kurtosis(target)
    tails = max(kurtosis, kurtosis_target)  # 3 of normal noise, 8 of one in ten
    std_error = spread * math.sqrt((tails - 1) / (2 * mine.size))
    if abs(std - std_target) > slack + FALSE_ALARM_Z * std_error:
        return f"has standard deviation {std:.2f}; it should be {std_target:.2f}."
    if abs(mean - mean_target) > slack + FALSE_ALARM_Z * spread * math.sqrt(2 / mine.size):
        return f"has mean {mean:.2f}; it should be {mean_target:.2f}."
    gap = abs(kurtosis - kurtosis_target)
    is_other = gap > slack + FALSE_ALARM_Z * math.sqrt(48 / mine.size)
    is_cut_off = one_is_cut_off(count_far_out(mine), count_far_out(target))
    if "kurtosis" in also and (is_other or is_cut_off):
        return NOT_NORMAL
    return ""


def same_answer(part: Part, *, says: str) -> Judge:
    """A judge that compares plain values (yes or no, a count, a name) and says one fixed thing.

    Args:
        part: which part of the observation is compared.
        says: the message if it differs.
    """

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        same = _take(part, observed) == _take(part, expected)
        return Verdict(True) if same is True else Verdict(False, says)

    return judge


def each_call(text: str) -> Callable[[Inputs], list[str]]:
    """Labels for the results of several calls, each of them `text` formatted with what it gave."""
    return lambda inputs: [text.format(**call) for call in inputs["calls"]]


def all_of(*judges: Judge) -> Judge:
    """A judge that asks `judges` in turn and gives the first answer that is not "passed"."""

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        verdict = Verdict(True)
        for one in judges:
            verdict = one(observed, expected, inputs)
            if not verdict.passed:
                return verdict
        return verdict

    return judge


def form_problem(mine: Any, target: Any, what: str, *, dtype_matters: bool = True) -> str:
    """What is wrong with the kind, shape, type or device of a result; "" if nothing is."""
    if mine is None and target is not None:
        return NO_RETURN
    if isinstance(target, Array):
        return _array_form_problem(mine, target, what, dtype_matters)
    if isinstance(target, bool | int | float):
        if isinstance(mine, Array) and mine.values.size == 1:
            return ""
        if not isinstance(mine, bool | int | float):
            return f"{_capital(what)} should be a number, but it is {describe(mine)}."
        return ""
    if isinstance(target, str) and not isinstance(mine, str):
        return f"{_capital(what)} should be a string, but it is {describe(mine)}."
    if isinstance(mine, Unknown):
        return f"{_capital(what)} is a {mine.type_name}, which the checker cannot read."
    return ""


def results_problem(
    observed: Observation, expected: Observation, *, only_kind: bool = False
) -> str:
    """What is wrong with the form of a result, or of the first such of a list; "" if nothing is.

    With `only_kind` it is what should be a tensor or array and is none.
    """
    mine, target = observed.get("result"), expected.get("result")
    if not isinstance(target, list):
        mine, target = [mine], [target]
    if not isinstance(mine, list) or len(mine) != len(target):
        return ""
    problems = (
        form_problem(one, right, "the result")
        for one, right in zip(mine, target, strict=True)
        if isinstance(right, Array) and not (only_kind and isinstance(one, Array))
    )
    return next((problem for problem in problems if problem), "")


def right_kind(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge only whether "result" is a tensor or an array where the reference's is, or a list."""
    problem = results_problem(observed, expected, only_kind=True)
    return Verdict(not problem, problem)


def _array_form_problem(mine: Any, target: Array, what: str, dtype_matters: bool) -> str:
    if isinstance(mine, bool | int | float) and target.shape == ():
        return ""
    if isinstance(mine, list):
        return (
            f"{_capital(what)} should be one tensor of shape {target.shape}, "
            f"but it is {describe(mine)}. Return only the tensor; `torch.cat` joins several."
        )
    if not isinstance(mine, Array):
        return f"{_capital(what)} should be a tensor of shape {target.shape}, not {describe(mine)}."
    if mine.shape != target.shape:
        if target.values.size == mine.values.size == 1:
            return ""
        return f"{_capital(what)} has shape {mine.shape}; it should be {target.shape}."
    if mine.library == "numpy":
        return ""
    if dtype_matters and mine.dtype != target.dtype:
        return (
            f"{_capital(what)} is {mine.dtype}; it should be {target.dtype}. "
            f"`.to(torch.{target.dtype})` converts."
        )
    if mine.device != target.device:
        return (
            f"{_capital(what)} is on {mine.device}; it should stay on {target.device}, like the "
            f"input. Write `device=x.device` instead of a fixed device."
        )
    return ""


def values_problem(mine: np.ndarray, target: np.ndarray, name: str) -> str:
    """One sentence with numbers on how two arrays of one shape differ."""
    if no_numbers := int((~np.isfinite(mine) & np.isfinite(target)).sum()):
        if mine.size == 1:
            return f"{_capital(name)} is {mine.item():g}; it should be {_told(target)}."
        return f"{_capital(name)} is not a finite number in {no_numbers} of {mine.size} entries."
    if not np.isfinite(target).any():  # a known mistake's; nothing can be told of it
        return f"{_capital(name)} should be no finite number."
    if mine.size == 1:
        return f"{_capital(name)} is {mine.item():.5g}; it should be {_told(target)}."
    with np.errstate(invalid="ignore"):  # two infinities have no difference
        gap = np.abs(mine - target)
        is_small = np.nanmean(gap) < NEARLY * np.nanstd(target)
    where = np.unravel_index(int(np.nanargmax(gap)), gap.shape)
    text = (
        f"{_capital(name)} is off by {np.nanmean(gap):.2g} on average. The largest difference is "
        f"at {tuple(int(i) for i in where)}: yours is {mine[where] + 0.0:.4g}, "
        f"it should be {target[where] + 0.0:.4g}."
    )
    if is_small:
        text += (
            " That is nearly right: look for a timestep, a factor or a rounding that is off by a "
            "little, or for a few entries that differ much."
        )
    return text


def _told(target: np.ndarray) -> str:
    """The one number wanted; what is only rounding is 0."""
    return f"{target.item():.5g}" if abs(target.item()) > ROUNDING else "0"


def describe(value: Any) -> str:
    """A few words on what a recorded value is: "a list of 3", "None", "a tensor of shape (2,)"."""
    match value:
        case Array():
            kind = "a numpy array" if value.library == "numpy" else "a tensor"
            return f"{kind} of shape {value.shape}"
        case Unknown():
            return f"a {value.type_name}"
        case list():
            return f"a list or tuple of {len(value)}"
        case dict():
            return f"a dict with {len(value)} entries"
        case None:
            return "None"
        case _:
            return f"{value!r:.60}"


def _take(part: Part, observation: Observation) -> Any:
    return observation.get(part) if isinstance(part, str) else part(observation)


def _list_problem(mine: Any, target: list, what: str) -> str:
    """A list is wanted: a tensor whose first dimension is the list's length will do."""
    if mine is None:
        return form_problem(mine, target, what)
    if not isinstance(mine, list):
        return f"{_capital(what)} should be a list of {len(target)}, but it is {describe(mine)}."
    if len(mine) != len(target):
        return f"{_capital(what)} has {len(mine)} entries; it should have {len(target)}."
    return ""


def _numbers(value: Any) -> np.ndarray:
    if isinstance(value, Array):
        return value.values.astype(np.float64).reshape(
            () if value.values.size == 1 else value.shape
        )
    return np.asarray(value, dtype=np.float64)


def _remark(values: Sequence[Any]) -> str:
    if any(isinstance(value, Array) and value.library == "numpy" for value in values):
        return "The values are right. It is a numpy array, though; torch keeps it on the device."
    return ""


def _pictures(mine: np.ndarray, target: np.ndarray, caption: str) -> Pictures | None:
    """The first picture of a batch, if this is a picture at all."""
    while target.ndim > 3:
        mine, target = mine[0], target[0]
    if target.ndim != 3 or target.shape[0] not in (1, 3) or min(target.shape[1:]) < 8:
        return None
    return Pictures(torch.from_numpy(target).float(), torch.from_numpy(mine).float(), caption)


def _kurtosis(values: np.ndarray) -> float:
    """1 at the least, as of a coin; that of values that are all the same, too."""
    squares = (values - values.mean()) ** 2  # squared again below: to the fourth is far slower
    variance = squares.mean()
    return float((squares**2).mean() / variance**2) if variance > 0 else 1.0


def one_is_cut_off(*far: float) -> bool:
    """Whether 25 lie far out here and none there: of equal noises, once in 10^8 checks."""
    return min(far) == 0 and max(far) >= 25


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

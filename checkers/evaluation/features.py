"""Lesson 18: what the numbers made of features must be, the Frechet distance and two shares."""

from __future__ import annotations

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Judge, Observation, Verdict
from checkers.engine.judges.cases import MakeInputs
from checkers.engine.judges.inputs import draw_count, draw_noise
from checkers.engine.judges.values import all_of, describe, same_values
from checkers.engine.sandbox.inside.plain import Array, Unknown
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from solutions.evaluation import frechet_distance, precision_recall

_MANY = 600
"""So many rows that dividing by N or by N - 1 makes no difference that is looked at."""


def _draw(generator: torch.Generator, *shape: int) -> Tensor:
    return draw_noise(generator, *shape).double()


def _scale(generator: torch.Generator) -> float:
    """How large all numbers of a call are: another one in every run."""
    return float(10 ** (torch.rand((), generator=generator) * 1.2 - 0.1))


def _whitened(generator: torch.Generator, rows: int, columns: int) -> Tensor:
    """Numbers whose mean is 0 and whose covariance is the identity, but for rounding."""
    centred = _draw(generator, rows, columns)
    centred = centred - centred.mean(0)
    root = torch.linalg.cholesky(torch.linalg.inv(torch.cov(centred.T)))
    return centred @ root


def _mixed(generator: torch.Generator, rows: int, columns: int) -> Tensor:
    """Numbers that hang together, around a mean of their own."""
    mixing = _draw(generator, columns, columns) / columns**0.5
    return _draw(generator, rows, columns) @ mixing + 0.5 * _draw(generator, columns)


# --- frechet_distance -----------------------------------------------------------------------------


def _pairs(*makers: tuple[str, MakeInputs]) -> MakeInputs:
    """One call for each maker, with a name for messages."""

    def inputs(generator: torch.Generator) -> Inputs:
        calls, names = [], []
        for name, make in makers:
            scale = _scale(generator)
            pair = make(generator)
            calls.append({key: scale * value for key, value in pair.items()})
            names.append(name)
        return {"calls": calls, "names": names}

    return inputs


def _pair(a: Tensor, b: Tensor) -> Inputs:
    return {"features_a": a, "features_b": b}


def _moved(generator: torch.Generator) -> Inputs:
    a = _mixed(generator, _MANY, 6)
    return _pair(a, a + _draw(generator, 6) + 0.5)


def _itself(generator: torch.Generator) -> Inputs:
    """A set and the same once more, in another order."""
    a = _mixed(generator, 200, 6)
    return _pair(a, a[torch.randperm(len(a), generator=generator)])


def _spread(generator: torch.Generator) -> Inputs:
    """Features that don't hang together: the distance is the sum of (s_a - s_b)^2."""
    spreads = torch.rand(2, 5, generator=generator).double() * 2 + 0.2
    a, b = (_whitened(generator, _MANY, 5) * row for row in spreads)
    return _pair(a, b)


def _together(generator: torch.Generator) -> Inputs:
    return _pair(_mixed(generator, _MANY, 6), _mixed(generator, _MANY + 50, 6))


def _few(generator: torch.Generator) -> Inputs:
    """More features than rows. Means are equal, so that dividing by N for N - 1 only scales."""
    a, b = (_mixed(generator, 40, 60) for _ in range(2))
    return _pair(a - a.mean(0), b - b.mean(0))


def _nearly_alike(generator: torch.Generator) -> Inputs:
    """As `_few`, in single precision, in which rounding alone would make up a tenth."""
    a = _mixed(generator, 40, 128)
    b = a + 0.1 * _draw(generator, 40, 128)
    return _pair((a - a.mean(0)).float(), (b - b.mean(0)).float())


def _few_beside_many(generator: torch.Generator) -> Inputs:
    return _pair(_mixed(generator, 40, 60) + _draw(generator, 60), _mixed(generator, _MANY, 60))


def _same_distance(rtol: float) -> Judge:
    """Compares distances; a complex number gets a sentence of its own."""
    compare = same_values(
        what="the distance",
        labels=lambda inputs: inputs["names"],
        rtol=rtol,
        atol=1e-3,
        dtype_matters=False,
    )

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        ours, theirs = observed.get("result"), expected.get("result")
        if isinstance(ours, list) and any(_is_complex(one) for one in ours):
            if ours == theirs:  # a known mistake's
                return Verdict(True)
            return Verdict(
                False,
                "The distance is a complex number. The root of a product of covariances has no "
                "imaginary part but for rounding: take the real part.",
            )
        return compare(observed, expected, inputs)

    return judge


def _is_complex(value: object) -> bool:
    return isinstance(value, Unknown) and "complex" in value.type_name


def _form_pairs(generator: torch.Generator) -> Inputs:
    """Single and double precision, and two sets of different sizes."""
    inputs = _pairs(("single precision", _together), ("double precision", _moved))(generator)
    first, _ = inputs["calls"]
    inputs["calls"][0] = {key: value.float() for key, value in first.items()}
    return inputs


def _same_distance_and_form(
    observed: Observation, expected: Observation, inputs: Inputs
) -> Verdict:
    verdict = _same_distance(rtol=5e-3)(observed, expected, inputs)
    if verdict.passed and observed.get("changed") != expected["changed"]:
        return Verdict(False, "Your function changes the features it was given.")
    return verdict


FRECHET_DISTANCE = Exercise(
    reference=frechet_distance,
    cases=[
        Case(
            "what is moved is as far off as its mean, squared",
            2,
            _pairs(("a set that was moved", _moved), ("the set itself", _itself)),
            _same_distance(rtol=2e-3),
            call_many,
        ),
        Case(
            "of features that don't hang together, the differences of their spread count",
            2,
            _pairs(*[("features that don't hang together", _spread)] * 2),
            _same_distance(rtol=3e-3),
            call_many,
        ),
        Case(
            "of features that do, their covariances count",
            3,
            _pairs(*[("features that hang together", _together)] * 2),
            _same_distance(rtol=3e-3),
            call_many,
        ),
        Case(
            "fewer pictures than features: covariances without full rank",
            2,
            _pairs(
                *[("40 pictures of 60 features", _few)] * 2,
                ("40 pictures of 128 features, and nearly the same", _nearly_alike),
            ),
            _same_distance(rtol=0.035),  # N and N - 1 are 2.5 % apart
            call_many,
        ),
        Case(
            "single and double precision, any two sizes, and no input is changed",
            1,
            _form_pairs,
            _same_distance_and_form,
            call_many,
        ),
        Case(
            "few pictures beside many",
            1,
            _pairs(*[(f"40 pictures beside {_MANY}", _few_beside_many)] * 2),
            _same_distance(rtol=0.03),
            call_many,
            hidden=True,
        ),
    ],
    hints=[
        "`features.mean(dim=0)` is a mean for each feature. `torch.cov` wants features in rows: "
        "`torch.cov(features.T)` is (K, K).",
        "What is wanted of the root is its trace alone, and that is the sum of the roots of the "
        "eigenvalues of the product.",
        "`torch.linalg.eigvals(cov_a @ cov_b)` gives them as complex numbers: `.real`, "
        "`.clamp(min=0)`, `.sqrt()`, `.sum()`. Rounding makes some of them a little negative.",
    ],
)


# --- precision_recall -----------------------------------------------------------------------------


_CLEAR = 1e-4
"""No distance is as near to a radius as this share of it, so that rounding decides nothing."""
_CLEAR_IN_SINGLE = 1e-3
"""The same for features in single precision."""


def _clouds(
    generator: torch.Generator,
    sizes: tuple[int, int],
    k: int,
    columns: int,
    clear: float,
    twice: bool = False,
) -> tuple[Tensor, Tensor]:
    """Two sets of some clouds, some of them shared, so that either share is somewhere within.

    With `twice` every point is there twice.
    """
    while True:
        centres = 4 * _draw(generator, 5, columns)
        ours, theirs = (
            _cloud(generator, centres[i : i + 4], count) for i, count in enumerate(sizes)
        )
        if twice:
            ours, theirs = ours.repeat(2, 1), theirs.repeat(2, 1)
        if _is_clear(ours, theirs, k, clear):
            return ours, theirs


def _cloud(generator: torch.Generator, centres: Tensor, count: int) -> Tensor:
    """Points around the centres, by chance more of the one than of the other."""
    shares = torch.rand(len(centres), generator=generator) + 0.05
    which = torch.multinomial(shares, count, replacement=True, generator=generator)
    spread = 0.5 + 1.5 * torch.rand((), generator=generator)
    return centres[which] + spread * _draw(generator, count, centres.shape[1])


def _is_clear(ours: Tensor, theirs: Tensor, k: int, clear: float) -> bool:
    """Whether no distance between the sets is nearly a radius."""
    between = torch.cdist(ours, theirs)
    for centres, gaps in ((ours, between.T), (theirs, between)):
        radius = torch.cdist(centres, centres).kthvalue(k + 1, dim=1).values
        if ((gaps / radius - 1).abs() < clear).any():
            return False
    return True


def _sets(
    *sizes: tuple[int, int, int | None], columns: int = 3, clear: float = _CLEAR
) -> MakeInputs:
    """Calls with so many real and generated points and that k; None leaves it out."""

    def inputs(generator: torch.Generator) -> Inputs:
        calls = []
        for real, generated, k in sizes:
            # Sizes of their own in every run: no recording has the same shares.
            counts = (
                real + draw_count(generator, 0, 9),
                generated + draw_count(generator, 0, 9),
            )
            ours, theirs = _clouds(generator, counts, k or 3, columns, clear)
            rest = {} if k is None else {"k": k}
            calls.append({"real": ours, "generated": theirs, **rest})
        return {"calls": calls}

    return inputs


def _with_copies(*sizes: tuple[int, int, int | None]) -> MakeInputs:
    """As `_sets`, with a last call of points that are there twice: a copy is a neighbour."""
    plain = _sets(*sizes)

    def inputs(generator: torch.Generator) -> Inputs:
        counts = [40 + draw_count(generator, 0, 9) for _ in range(2)]
        ours, theirs = _clouds(generator, (counts[0], counts[1]), 3, 3, _CLEAR, twice=True)
        return {"calls": [*plain(generator)["calls"], {"real": ours, "generated": theirs, "k": 3}]}

    return inputs


def _labels(inputs: Inputs) -> list[str]:
    return [
        f"k = {call.get('k', 3)}, {len(call['real'])} real and {len(call['generated'])} generated"
        + (", each of them twice" if len(call["real"].unique(dim=0)) < len(call["real"]) else "")
        for call in inputs["calls"]
    ]


def _share(part: int, what: str) -> Judge:
    """Compares the first or the second number that each call returned."""

    def take(observation: Observation) -> list:
        return [(_two_of(pair) or [None, None])[part] for pair in observation["result"]]

    return same_values(take, what=what, labels=_labels, atol=1e-4, dtype_matters=False)


def _two_of(pair: object) -> list | None:
    """A pair's numbers; None if it is none."""
    if isinstance(pair, Array) and pair.shape == (2,):
        return pair.values.tolist()
    return pair if isinstance(pair, list) and len(pair) == 2 else None


def _are_pairs(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    for pair in observed["result"]:
        if _two_of(pair) is None:
            return Verdict(
                False, f"Your function should return precision, recall; this is {describe(pair)}."
            )
    return Verdict(True)


_both_shares = all_of(_are_pairs, _share(0, "precision"), _share(1, "recall"))


def _form_sets(generator: torch.Generator) -> Inputs:
    """Features in single precision, and more of them than points."""
    inputs = _sets((70, 50, None), clear=_CLEAR_IN_SINGLE)(generator)
    (call,) = inputs["calls"]
    wide = _sets((30, 24, 2), columns=40)(generator)["calls"]
    return {"calls": [{**call, **{key: call[key].float() for key in ("real", "generated")}}, *wide]}


def _no_set_is_changed(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    if observed["changed"] != expected["changed"]:
        return Verdict(False, "Your function changes the features it was given.")
    return Verdict(True)


PRECISION_RECALL = Exercise(
    reference=precision_recall,
    cases=[
        Case(
            "the share of each set that lies in the other's balls, precision first",
            3,
            _sets((80, 60, None), (70, 70, None), (60, 80, None)),
            _both_shares,
            call_many,
        ),
        Case(
            "a ball reaches to the k-th neighbour, the point itself not counted",
            3,
            _with_copies((60, 60, 1), (60, 60, 2), (60, 60, 5)),
            _both_shares,
            call_many,
        ),
        Case(
            "single precision, more features than points, and no input is changed",
            1,
            _form_sets,
            all_of(_both_shares, _no_set_is_changed),
            call_many,
        ),
        Case(
            "few pictures beside many",
            1,
            _sets((150, 12, None), (12, 150, 4)),
            _both_shares,
            call_many,
            hidden=True,
        ),
    ],
    hints=[
        "Write a function for one share, of `points` in balls around `centres`, and call it twice "
        "with the sets changing places.",
        "`torch.cdist(centres, centres)` has a row for each centre, and in it a 0 for itself. So "
        "the k-th neighbour is the (k + 1)-th smallest: `.kthvalue(k + 1, dim=1).values`.",
        "`torch.cdist(points, centres) <= radius` compares each column with its centre's radius. "
        "`.any(dim=1)` says for each point whether one ball has it.",
    ],
)

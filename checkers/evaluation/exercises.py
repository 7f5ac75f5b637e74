"""Lesson 18: what the four numbers must be; those made of features are in `features.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Judge, Observation, Verdict
from checkers.engine.judges.cases import MakeInputs
from checkers.engine.judges.evidence import not_finite
from checkers.engine.judges.inputs import draw_count, draw_noise
from checkers.engine.judges.values import (
    all_of,
    describe,
    form_problem,
    same_answer,
    same_values,
)
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from checkers.evaluation.features import FRECHET_DISTANCE, PRECISION_RECALL
from checkers.evaluation.probe import read_samples, refuse_samples, watch_memory
from solutions.evaluation import nearest_distances, share_read_as_asked

# --- share_read_as_asked --------------------------------------------------------------------------


def _digits(generator: torch.Generator, read: Tensor) -> Tensor:
    """Pictures that the classifier of the probe reads so: noise of a digit's brightness."""
    noise = 0.04 * draw_noise(generator, len(read), 1, 28, 28)
    noise = noise - noise.mean(dim=(1, 2, 3), keepdim=True)
    return ((read[:, None, None, None] + 0.5) / 10 + noise).clamp(0, 1)


def _asked_for(generator: torch.Generator, read: Tensor, share: float) -> Tensor:
    """The digits read, but for a share of about so many, which are others."""
    others = (read + torch.randint(1, 10, read.shape, generator=generator)) % 10
    as_asked = torch.rand(len(read), generator=generator) < share
    return torch.where(as_asked, read, others)


def _call(generator: torch.Generator, count: int, share: float, batch_size: int | None) -> Inputs:
    """So many pictures and a few more, so that no two runs have the same share."""
    count += draw_count(generator, 0, 9)
    read = torch.randint(10, (count,), generator=generator)
    return {
        "images": _digits(generator, read),
        "asked": _asked_for(generator, read, share),
        "batch_size": batch_size,
    }


def _shares(*calls: tuple[int, float, int | None]) -> MakeInputs:
    """Calls with so many pictures, about such a share read as asked, and that batch size."""
    return lambda generator: {"calls": [_call(generator, *one) for one in calls]}


def _uneven(generator: torch.Generator) -> Inputs:
    """The last batch is smaller than the others, and much better."""
    calls = []
    for full, last, batch_size in ((2, 11, 50), (3, 7, 40), (1, 20, 64)):
        first = _call(generator, full * batch_size - 9, 0.3, batch_size)
        first = {key: first[key][: full * batch_size - 9] for key in ("images", "asked")}
        rest = _call(generator, last + 9, 0.95, batch_size)
        both = {key: torch.cat([first[key], rest[key]]) for key in first}
        calls.append({**both, "batch_size": batch_size})
    return {"calls": calls}


def _broken(generator: torch.Generator) -> Inputs:
    """Some pictures hold a NaN, one of them or more; all of these were to show a 0."""
    calls = []
    for count in (90, 110):
        call = _call(generator, count, 0.7, 50)
        broken = torch.rand(len(call["asked"]), generator=generator) < 0.3
        call["asked"][broken] = 0
        images = call["images"]
        images[broken, 0, 3, 5] = torch.nan
        images[broken.nonzero()[::2, 0]] = torch.nan
        calls.append(call)
    return {"calls": calls}


def _beyond(generator: torch.Generator) -> Inputs:
    """Some pixels lie beyond [0, 1]: left so, or cut at -1, another digit is read."""
    calls = []
    for pixels, value in ((4, 60.0), (4, -60.0), (120, -0.8)):
        read = torch.randint(8, (100 + draw_count(generator, 0, 9),), generator=generator)
        images = _digits(generator, read).flatten(1)
        rest = (784 * (read + 0.5) / 10 - pixels * float(value > 0)) / (784 - pixels)
        images[:, pixels:] += (rest - images[:, pixels:].mean(dim=1))[:, None]
        images[:, :pixels] = value
        calls.append(
            {
                "images": images.reshape(-1, 1, 28, 28),
                "asked": _asked_for(generator, read, 0.6),
                "batch_size": 64,
            }
        )
    return {"calls": calls}


def _labels(inputs: Inputs) -> list[str]:
    return [
        f"{len(call['images'])} pictures"
        + ("" if call["batch_size"] is None else f" in batches of {call['batch_size']}")
        for call in inputs["calls"]
    ]


_same_share = same_values(what="the share", labels=_labels, atol=1e-5, dtype_matters=False)
_no_input_changed = same_answer(
    "changed",
    says="Your function changes the pictures or digits it was given. `a.clamp(0, 1)` makes a new "
    "tensor, `a.clamp_(0, 1)` writes into the old.",
)


def _refused(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Where the reference raises a ValueError, there is one."""
    for words, error in expected["raised"].items():
        if observed["raised"].get(words) != error:
            return Verdict(
                False,
                f"With {words} there is no ValueError. Nobody can say which are missing: raise "
                "one.",
            )
    return Verdict(True)


SHARE_READ_AS_ASKED = Exercise(
    reference=share_read_as_asked,
    cases=[
        Case(
            "the share of pictures that are read as asked",
            2,
            _shares((100, 0.8, None), (60, 0.3, None), (150, 0.55, None)),
            _same_share,
            read_samples,
        ),
        Case(
            "each picture counts once, also when the last batch is small",
            2,
            _uneven,
            _same_share,
            read_samples,
        ),
        Case(
            "the classifier is shown no more than batch_size pictures at once",
            1,
            _shares((120, 0.8, 16), (90, 0.4, 33), (60, 0.6, 1)),
            all_of(
                _same_share,
                same_answer(
                    "fits",
                    says="The classifier is shown more pictures at once than batch_size.",
                ),
            ),
            read_samples,
        ),
        Case(
            "a picture with NaN is not read as asked, and still counts",
            2,
            _broken,
            all_of(_same_share, _no_input_changed),
            read_samples,
        ),
        Case(
            "pictures are clamped to [0, 1] before they are read, and not changed",
            2,
            _beyond,
            all_of(_same_share, _no_input_changed),
            read_samples,
        ),
        Case(
            "more or fewer pictures than digits raise a ValueError",
            1,
            _shares((64, 0.5, 10)),
            all_of(_same_share, _refused),
            refuse_samples,
        ),
        Case(
            "one picture, and batches that come out even",
            1,
            _shares((91, 0.5, 1), (56, 0.6, 7), (200, 0.4, None)),
            _same_share,
            read_samples,
            hidden=True,
        ),
    ],
    hints=[
        "`images.split(batch_size)` and `asked.split(batch_size)` give the batches, the last one "
        "with what is left. Count what is right, and divide once, at the end.",
        "`classifier(batch.clamp(0, 1)).argmax(dim=1) == wanted` compares what is read with what "
        "was asked for.",
        "`argmax` of ten NaN is 0. `logits.isfinite().all(dim=1)` says whether a picture was read "
        "at all; a digit counts only if that is true as well.",
    ],
)


# --- nearest_distances ----------------------------------------------------------------------------


_CLEAR = 1e-3
"""How much nearer the nearest is than the next one, so that rounding decides nothing."""


def _near(
    generator: torch.Generator,
    count: int,
    training: int,
    shape: tuple[int, int, int] = (1, 8, 8),
    batch_size: int | None = None,
) -> Inputs:
    """Pictures near some of the training's: a third are copies, the others 0.3 to 1.2 off."""
    stored = 2 * torch.rand(training, *shape, generator=generator)
    place = torch.randint(training, (count,), generator=generator)
    step = draw_noise(generator, count, *shape)
    step = step / step.flatten(1).norm(dim=1)[:, None, None, None]
    far = 0.3 + 0.9 * torch.rand(count, generator=generator)
    far[::3] = 0
    images = stored[place] + far[:, None, None, None] * step
    rest = {} if batch_size is None else {"batch_size": batch_size}
    return {"images": images, "training": stored, **rest}


_MANY_PICTURES = [(24, 120, 1), (50, 150, 10), (140, 100, 8), (8, 3000, 1)]
"""Sizes and batch sizes. The second tells `chunk(batch_size)` from all at once, the third batches
of a fixed size from either. In the last one, numbers for all pairs are much more than Python's own
objects for each picture."""


_TOO_MUCH = "A number for every pair would take 2.4 GB for 10,000 pictures and 60,000 for training."


def _few_pixels(generator: torch.Generator, count: int, training: int, batch_size: int) -> Inputs:
    """Of four pixels, which take little memory themselves."""
    images, stored = (9 * draw_noise(generator, n, 1, 2, 2) for n in (count, training))
    return {"images": images, "training": stored, "batch_size": batch_size}


def _comparisons(*calls: tuple, make: Callable[..., Inputs] = _near) -> MakeInputs:
    """Calls in which each picture clearly has one nearest."""

    def clear(generator: torch.Generator, one: tuple) -> Inputs:
        while True:
            call = make(generator, *one)
            flat = (call[key].flatten(1).double() for key in ("images", "training"))
            two = torch.cdist(*flat).topk(min(2, len(call["training"])), largest=False).values
            if ((two[:, -1] - two[:, 0]) > _CLEAR).all() or two.shape[1] == 1:
                return call

    return lambda generator: {"calls": [clear(generator, one) for one in calls]}


def _form_comparisons(generator: torch.Generator) -> Inputs:
    """Grey and colour, in single and double precision."""
    inputs = _comparisons((7, 20, (1, 28, 28)), (5, 12, (3, 8, 10)))(generator)
    last = inputs["calls"][-1]
    last.update({key: last[key].double() for key in ("images", "training")})
    return inputs


def _sizes(inputs: Inputs) -> list[str]:
    return [
        f"{len(call['images'])} pictures, {len(call['training'])} for training"
        + (f", batch_size {call['batch_size']}" if "batch_size" in call else "")
        for call in inputs["calls"]
    ]


def _two(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Each call gave two things."""
    for pair in observed["result"]:
        if not isinstance(pair, list) or len(pair) != 2:
            return Verdict(
                False, f"Your function should return distances, which; this is {describe(pair)}."
            )
    return Verdict(True)


def _are_numbers(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """No distance is NaN where the reference's is none."""
    for (distances, _), (right, _) in zip(observed["result"], expected["result"], strict=True):
        if not_finite(distances, right):
            return Verdict(
                False,
                "Some distances are not numbers. If you multiply the square out, |a|^2 - 2 a b + "
                "|b|^2, rounding may leave a little less than 0 where two pictures are alike: "
                "`.clamp(min=0)` before the root.",
            )
    return Verdict(True)


def _part(number: int, what: str, **options: Any) -> Judge:
    def take(observation: Observation) -> list:
        return [pair[number] for pair in observation["result"]]

    return same_values(take, what=what, labels=_sizes, **options)


_same_distances = all_of(
    _two, _are_numbers, _part(0, "the distance", atol=0.03, rtol=1e-3, dtype_matters=False)
)
_same_places = _part(1, "`which`", atol=0.1, rtol=0, dtype_matters=False)
_same_nearest = all_of(_same_distances, _same_places)


def _same_kinds(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    for (distances, which), (right, places) in zip(
        observed["result"], expected["result"], strict=True
    ):
        # Nothing is promised of their precision: computed in double they may stay so.
        problem = form_problem(distances, right, "the distance", dtype_matters=False)
        problem = problem or form_problem(which, places, "`which`")
        if problem:
            return Verdict(False, problem)
    if observed["changed"] != expected["changed"]:
        return Verdict(False, "Your function changes the pictures it was given.")
    return Verdict(True)


NEAREST_DISTANCES = Exercise(
    reference=nearest_distances,
    cases=[
        Case(
            "every picture is as far off as from the training picture next to it",
            3,
            _comparisons((20, 60), (12, 30, (3, 6, 6))),
            _same_distances,
            call_many,
        ),
        Case(
            "`which` says where in the training set that is",
            2,
            _comparisons((20, 60), (30, 200)),
            _same_nearest,
            call_many,
        ),
        Case(
            "any batch_size will do, also one that leaves a rest or is larger than n",
            2,
            _comparisons((23, 40, (1, 8, 8), 5), (10, 40, (1, 8, 8), 1), (9, 30, (1, 8, 8), 64)),
            _same_nearest,
            call_many,
        ),
        Case(
            "no more than batch_size pictures are compared at once",
            2,
            _comparisons(*_MANY_PICTURES, make=_few_pixels),
            all_of(
                _same_nearest,
                same_answer(
                    "fits",
                    says="The more pictures there are, the more your function's tensors hold at "
                    f"once, though batch_size is the same. {_TOO_MUCH}",
                ),
                same_answer(
                    "held",
                    says="The more pictures there are, the more numpy arrays and lists hold at "
                    f"once, though batch_size is the same. {_TOO_MUCH}",
                ),
            ),
            watch_memory,
        ),
        Case(
            "shape, dtype and device are right, and no input is changed",
            1,
            _form_comparisons,
            all_of(_same_nearest, _same_kinds),
            call_many,
        ),
        Case(
            "a single picture, and a training set of one",
            1,
            _comparisons((1, 50), (9, 1)),
            _same_nearest,
            call_many,
            hidden=True,
        ),
    ],
    hints=[
        "`flatten(1)` makes a row of each picture, `torch.cdist(rows, others)` has all distances "
        "between two sets of rows.",
        "`images.flatten(1).split(batch_size)` gives the batches. Of each, `.min(dim=1)` has "
        "`.values` and `.indices`; `torch.cat` puts the batches together again.",
    ],
)


EXERCISES = [SHARE_READ_AS_ASKED, FRECHET_DISTANCE, PRECISION_RECALL, NEAREST_DISTANCES]

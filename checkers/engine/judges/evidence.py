"""Evidence that an observation is of this run: a secret of its inputs shows in what came of them.

Facts such as "two calls gave the same" are the same in every run. A recording of them, made
elsewhere with other inputs, would pass for the truth. So an observation also holds something raw
that the answer made of its inputs, a result or what a model was shown, and the inputs hold a
secret, numbers without any order, that has to show in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from checkers.engine.exercise import Judge, Observation, Verdict
from checkers.engine.judges.values import all_of, results_problem, right_kind
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs

Secret = Callable[[Inputs], Tensor | list[Tensor]]
"""Takes the secret out of the inputs; a list has one for each array of the evidence."""
Part = str | Callable[[Observation], Any]

_Z = 6.0
"""Standard errors from which on a correlation is none by chance."""
_SHOWS_NOWHERE = (
    "What your function was given does not show in what it makes, as it should. If other cases "
    "fail, mend those first: this one may be right then."
)


def draw_secret(generator: torch.Generator, *shape: int) -> Tensor:
    """-1 or 1 for each entry, without any order."""
    return torch.randint(2, shape, generator=generator) * 2.0 - 1


def hide_in(
    pictures: Mapping[str, Tensor], generator: torch.Generator, strength: float = 0.3
) -> Inputs:
    """A world's pictures with a secret added to each of them.

    Args:
        pictures: (C, H, W) for each prompt.
        generator: draws the secret.
        strength: how far it moves a value, up or down.

    Returns:
        {"means": the new pictures, "secret": (C, H, W)}.
    """
    secret = draw_secret(generator, *next(iter(pictures.values())).shape)
    means = {prompt: picture + strength * secret for prompt, picture in pictures.items()}
    return {"means": means, "secret": secret}


def with_evidence(
    judge: Judge,
    *parts: Part,
    secret: str | Secret = "secret",
    says: str = _SHOWS_NOWHERE,
) -> Judge:
    """`judge`; what it passes must also show a secret of the inputs, where the reference's does.

    Args:
        judge: what is judged first.
        parts: in which of them the secret may show: an array (..., C, H, W), or a list of arrays.
        secret: the inputs' entry, or takes it out: an array of the same shape, or of the shape of
            its last dimensions.
        says: the message if it shows nowhere.
    """
    first = all_of(right_kind, judge) if "result" in parts else judge

    def judge_both(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        verdict = first(observed, expected, inputs)
        if not verdict.passed:
            return verdict
        hidden = inputs[secret] if isinstance(secret, str) else secret(inputs)
        seen, right = (
            any(shows(_take(part, one), hidden) for part in parts) for one in (observed, expected)
        )
        problem = results_problem(observed, expected) if "result" in parts else ""
        if seen or not (right or problem):
            return verdict
        return Verdict(False, problem or says)

    return judge_both


def _take(part: Part, observation: Observation) -> Any:
    return observation.get(part) if isinstance(part, str) else part(observation)


def shows(evidence: Any, secret: Tensor | list[Tensor]) -> bool:
    """Whether every array has more in common with the secret than chance allows."""
    arrays = evidence if isinstance(evidence, list) else [evidence]
    secrets = secret if isinstance(secret, list) else [secret] * len(arrays)
    if not arrays or len(secrets) != len(arrays):
        return False
    pairs = zip(arrays, secrets, strict=True)
    return all(_correlates(one, hidden.double().numpy()) for one, hidden in pairs)


def _correlates(evidence: Any, secret: np.ndarray) -> bool:
    if not isinstance(evidence, Array) or not evidence.values.size:
        return False
    values = evidence.values.astype(np.float64)
    if secret.shape != values.shape[values.ndim - secret.ndim :]:
        return False
    if not np.isfinite(values).all():
        return False
    ours = values.reshape(-1, secret.size)
    ours = (ours - ours.mean(axis=1, keepdims=True)).mean(axis=0)  # of a batch, what all share
    theirs = (secret - secret.mean()).reshape(-1)
    power = float(np.sqrt((ours**2).sum() * (theirs**2).sum()))
    return power > 0 and abs(float(ours @ theirs)) / power > _Z / math.sqrt(secret.size)


def not_finite(observed: Any, expected: Any) -> bool:
    """Whether a number is none (NaN, infinity) where the reference's is one.

    What stands in other places than the reference's, such as an entry of another name, is left
    aside.
    """
    if isinstance(expected, dict):
        if not isinstance(observed, dict):
            return False
        return any(not_finite(observed[key], expected[key]) for key in observed.keys() & expected)
    if isinstance(expected, list):
        if not isinstance(observed, list):
            return False
        return any(not_finite(one, right) for one, right in zip(observed, expected, strict=False))
    return not _all_finite(observed) and _all_finite(expected)


def _all_finite(value: Any) -> bool:
    if isinstance(value, Array):
        return value.values.dtype.kind != "f" or bool(np.isfinite(value.values).all())
    return not isinstance(value, float) or math.isfinite(value)

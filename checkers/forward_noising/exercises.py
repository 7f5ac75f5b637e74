"""Lesson 01: what `forward` must do, and how it goes wrong."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Observation
from checkers.engine.judges.cases import form_case
from checkers.engine.judges.evidence import draw_secret, with_evidence
from checkers.engine.judges.inputs import FORMS, draw_noise, draw_pictures
from checkers.engine.judges.values import all_of, each_call, same_answer, same_moments, same_values
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from checkers.forward_noising.probe import call_twice
from lessons.workbench.denoisers import squared_cosine_alphas_cumprod
from solutions.forward_noising import forward

SHOWN = (250, 500, 750)
_TOPS = (0.9, 0.6, 0.3)
_each_t = each_call("t = {t}")


def _call(im: Tensor, t: int | Tensor, abar: Tensor, noise: Tensor) -> Inputs:
    return {"im": im, "t": t, "alphas_cumprod": abar, "noise": noise}


def _clean_inputs(generator: torch.Generator) -> Inputs:
    """A schedule that really starts at abar_0 = 1, where nothing may happen to the picture."""
    abar = torch.cat([torch.ones(1), torch.linspace(0.99, 0.01, 99)])
    im, noise = draw_pictures(generator, 2, 3, 16, 16), draw_noise(generator, 2, 3, 16, 16)
    return {"calls": [_call(im, 0, abar, noise)]}


def _form_inputs(generator: torch.Generator) -> Inputs:
    abar = squared_cosine_alphas_cumprod()
    calls = []
    for shape, dtype, t in FORMS:
        im = draw_pictures(generator, *shape).to(dtype)
        calls.append({"im": im, "t": t, "alphas_cumprod": abar.to(dtype)})
        calls.append({**calls[-1], "noise": draw_noise(generator, *shape).to(dtype)})
    one = draw_pictures(generator, 1, 3, 20, 28)[0]  # without a batch
    calls.append({"im": one, "t": 500, "alphas_cumprod": abar})
    calls.append({**calls[-1], "noise": draw_noise(generator, *one.shape)})
    return {"calls": calls}


def _scale_inputs(generator: torch.Generator) -> Inputs:
    """Without noise, only the picture's own factor is left."""
    im, abar = draw_pictures(generator, 1, 3, 64, 64), squared_cosine_alphas_cumprod()
    return {"calls": [_call(im, t, abar, torch.zeros_like(im)) for t in SHOWN]}


def _strength_inputs(generator: torch.Generator) -> Inputs:
    """Without a picture, only the noise's factor is left; the noise is given."""
    noise, abar = draw_noise(generator, 1, 3, 64, 64), squared_cosine_alphas_cumprod()
    return {"calls": [_call(torch.zeros_like(noise), t, abar, noise) for t in SHOWN]}


def _own_noise_inputs(generator: torch.Generator) -> Inputs:
    """The function draws the noise itself, on a picture that is zero everywhere.

    The schedule is one nobody has seen: its values at the three timesteps lie far apart.
    """
    at = [1.0, *(high - 0.25 * float(torch.rand((), generator=generator)) for high in _TOPS), 0.0]
    abar = torch.from_numpy(np.interp(np.arange(1000), [0, *SHOWN, 999], at)).float()
    return {
        "calls": [{"im": torch.zeros(4, 3, 64, 64), "t": t, "alphas_cumprod": abar} for t in SHOWN]
    }


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    im, noise = draw_secret(generator, 1, 3, 16, 16), draw_noise(generator, 1, 3, 16, 16)
    return _call(im, 500, squared_cosine_alphas_cumprod(), noise)


def _whole_inputs(generator: torch.Generator) -> Inputs:
    """Picture and noise together, at many timesteps, on a schedule nobody has seen."""
    abar = torch.rand(40, generator=generator).mul(0.2).neg().exp().cumprod(0)
    im, noise = draw_pictures(generator, 2, 3, 32, 32), draw_noise(generator, 2, 3, 32, 32)
    return {"calls": [_call(im, t, abar, noise) for t in (3, torch.tensor(17), 39)]}


def _ends_inputs(generator: torch.Generator) -> Inputs:
    """The first and the last timestep of a schedule of another length, on wide grey pictures."""
    abar = torch.rand(25, generator=generator).mul(0.3).neg().exp().cumprod(0)
    im, noise = draw_pictures(generator, 2, 1, 16, 40), draw_noise(generator, 2, 1, 16, 40)
    return {"calls": [_call(im, t, abar, noise) for t in (0, 24)]}


def _repeats(observation: Observation, calls: str) -> bool:
    """Whether both calls gave the same; compared here, where no student's code can meddle."""
    one, other = observation[calls]
    if isinstance(one, Array) and isinstance(other, Array):
        return bool(np.array_equal(one.values, other.values))
    return bool(one == other)


def _strengths(observation: Observation) -> list:
    """Only the results' arrays; named for the message that speaks of noise."""
    return observation["result"]


FORWARD = Exercise(
    reference=forward,
    cases=[
        Case(
            "where abar_t = 1, the picture comes back unchanged",
            2,
            _clean_inputs,
            same_values(what="the picture", labels=_each_t, show=True),
            call_many,
        ),
        form_case(_form_inputs),
        Case(
            "the picture is scaled by sqrt(abar_t)",
            2,
            _scale_inputs,
            same_values(what="the picture without noise", labels=_each_t, show=True),
            call_many,
        ),
        Case(
            "the noise has the right strength at t = 250, 500, 750",
            2,
            _strength_inputs,
            all_of(
                same_moments(_strengths, what="your noise", labels=_each_t, also=()),
                same_values(what="the noise without a picture", labels=_each_t, show=True),
            ),
            call_many,
        ),
        Case(
            "without `noise`, it draws normal noise of that strength itself",
            1,
            _own_noise_inputs,
            same_moments(what="your noise", labels=_each_t),
            call_many,
        ),
        Case(
            "the `noise` it is given is used; without it, every call draws anew",
            1,
            _repeat_inputs,
            with_evidence(
                all_of(
                    same_answer(
                        lambda observation: _repeats(observation, "given"),
                        says="Called twice with the same `noise`, your function gives "
                        "two different results.",
                    ),
                    same_answer(
                        lambda observation: _repeats(observation, "drawn"),
                        says="Called twice without `noise`, your function gives the "
                        "same result: it should draw new noise every time.",
                    ),
                ),
                lambda observation: observation["drawn"],
                secret="im",
                says="Without `noise`, the result shows nothing of the picture.",
            ),
            call_twice,
        ),
        Case(
            "picture and noise are added, on any schedule",
            1,
            _whole_inputs,
            same_values(what="the noisy picture", labels=_each_t, show=True),
            call_many,
        ),
        Case(
            "the first and the last timestep, on wide pictures of one channel",
            1,
            _ends_inputs,
            same_values(what="the noisy picture", labels=_each_t, show=True),
            call_many,
            hidden=True,
        ),
    ],
    hints=[
        "The equation has three parts: a number times the picture, a number times the noise, and "
        "their sum. Both numbers come from `alphas_cumprod[t]`.",
        "`noise` may be None. `torch.randn_like(im)` draws noise of the picture's shape, dtype and "
        "device.",
        "With `abar = alphas_cumprod[t]`, the result is `abar.sqrt() * im` plus "
        "`(1 - abar).sqrt()` times the noise.",
    ],
)


EXERCISES = [FORWARD]

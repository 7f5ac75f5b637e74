"""Lesson 17: what one DDIM step must do, taken apart into what follows and what is drawn."""

from __future__ import annotations

import torch
from torch import Tensor

from checkers.ddim.probe import step_repeatedly, take_apart
from checkers.engine.exercise import Case, Exercise
from checkers.engine.judges.cases import MakeInputs, form_case
from checkers.engine.judges.evidence import with_evidence
from checkers.engine.judges.inputs import draw_noise, draw_seed
from checkers.engine.judges.sentences import CONTINUED
from checkers.engine.judges.values import (
    all_of,
    each_call,
    same_answer,
    same_moments,
    same_values,
)
from checkers.engine.sandbox.inside.running import Inputs
from lessons.workbench.denoisers import squared_cosine_alphas_cumprod
from solutions.ddim import ddim_step

_LARGE = 160
"""Pixels along a side of pictures that tell the noise's strength to 1.4 %: 5.5 standard errors."""
_each_step = each_call("t = {t}, t_prev = {t_prev}")
_each_eta = each_call("t = {t}, t_prev = {t_prev}, eta = {eta}")


def _step_inputs(
    *steps: tuple[int, int, float | None], own_schedule: bool = False, side: int = 32
) -> MakeInputs:
    """Steps (t, t_prev, eta), on the course's schedule or on one that nobody has seen."""

    def inputs(generator: torch.Generator) -> Inputs:
        abar = squared_cosine_alphas_cumprod()
        if own_schedule:
            abar = torch.rand(40, generator=generator).mul(0.2).add(0.02).neg().exp().cumprod(0)
        return {"calls": [_step_call(generator, abar, *step, side) for step in steps]}

    return inputs


def _step_call(
    generator: torch.Generator, abar: Tensor, t: int, t_prev: int, eta: float | None, side: int = 32
) -> Inputs:
    x_t, noise = (draw_noise(generator, 2, 3, side, side) for _ in range(2))
    return {
        "x_t": x_t,
        "noise": noise,
        "t": t,
        "t_prev": t_prev,
        "alphas_cumprod": abar,
        "eta": eta,
    }


def _repeated_step(generator: torch.Generator) -> Inputs:
    (one,) = _step_inputs((690, 640, 1.0))(generator)["calls"]
    return {**one, "seed": draw_seed(generator)}


def _step_form(generator: torch.Generator) -> Inputs:
    abar, calls = squared_cosine_alphas_cumprod(), []
    for shape, dtype in (((3, 3, 64, 64), torch.float32), ((1, 1, 8, 12), torch.float64)):
        x_t, noise = (draw_noise(generator, *shape).to(dtype) for _ in range(2))
        for eta in (0.0, 0.5):
            one = _step_call(generator, abar, 600, 570, eta)
            calls.append({**one, "x_t": x_t, "noise": noise})
    return {"calls": calls}


_repeats = all_of(
    same_answer(
        "still",
        says="Two calls with eta = 0 give different pictures: nothing should be drawn then.",
    ),
    same_answer(
        "same_seed",
        says="Two calls with generators of the same seed give different pictures: draw with "
        "`generator`.",
    ),
    same_answer(
        "unseeded",
        says="Two calls without a generator give the same picture, though eta is 1: new noise "
        "should be drawn in every call.",
    ),
    same_answer("continued", says=CONTINUED),
)
_without_chance = all_of(
    same_values("follows", what="x_t_prev", labels=_each_step, atol=1e-4, show=True),
    same_moments("added", what="the noise that is added", labels=_each_step, also=()),
)


DDIM_STEP = Exercise(
    reference=ddim_step,
    cases=[
        Case(
            "with eta = 0, x_0 and the same noise are mixed for t_prev",
            2,
            _step_inputs((690, 660, 0.0), (300, 240, 0.0), (950, 200, None)),
            _without_chance,
            take_apart,
        ),
        Case(
            "any schedule will do, and any two timesteps",
            1,
            _step_inputs(
                (39, 30, 0.0), (20, 19, 0.0), (15, 0, 0.0), (30, 20, 0.6), own_schedule=True
            ),
            _without_chance,
            take_apart,
        ),
        Case(
            "with eta = 0 it also goes to a noisier timestep",
            1,
            _step_inputs((0, 60, 0.0), (240, 300, None)),
            same_values("follows", what="x_t_next", labels=_each_step, atol=1e-4, show=True),
            take_apart,
        ),
        Case(
            "with eta > 0 the estimate of the noise counts less",
            2,
            _step_inputs((690, 660, 1.0), (900, 700, 0.5), (500, 460, 0.3)),
            same_values("follows", what="what is not drawn", labels=_each_eta, atol=1e-4),
            take_apart,
        ),
        Case(
            "the noise that is drawn has standard deviation sigma",
            2,
            _step_inputs((690, 660, 1.0), (900, 700, 0.5), (500, 460, 0.3), side=_LARGE),
            with_evidence(
                same_moments("added", what="the noise that is added", labels=_each_eta),
                "result",
                secret=lambda inputs: [call["x_t"] for call in inputs["calls"]],
            ),
            take_apart,
        ),
        Case(
            "the generator draws the noise; with eta = 0 nothing is drawn",
            1,
            _repeated_step,
            with_evidence(_repeats, "result", secret="x_t"),
            step_repeatedly,
        ),
        form_case(_step_form),
        Case(
            "one step from nearly pure noise to the clean picture, and the smallest one",
            1,
            _step_inputs((990, 0, 0.0), (1, 0, 0.0)),
            same_values("follows", what="x_t_prev", labels=_each_step, rtol=1e-3, atol=1e-3),
            take_apart,
            hidden=True,
        ),
    ],
    hints=[
        "Begin with eta = 0: `predict_original` gives x_0, and lesson 01 has the equation that "
        "noises it to t_prev. In place of new noise it gets the estimate.",
        "sigma squared is `eta**2 * (1 - abar_prev) / (1 - abar_t) * (1 - abar_t / abar_prev)`. It "
        "is taken from what multiplies the estimate: `(1 - abar_prev - sigma**2).sqrt()`.",
        "Compute sigma and draw noise only `if eta > 0`: for t_prev > t the root would be one of "
        "a negative number. `torch.randn(x_t.shape, generator=generator)` draws.",
    ],
)

"""Lesson 17: what steps without chance must do, forwards, backwards and better."""

from __future__ import annotations

from typing import Any

import torch

from checkers.ddim.probe import (
    heun_points,
    heun_quietly,
    invert_quietly,
    sample_gaussians,
    sample_points,
    sample_quietly,
    sample_repeatedly,
)
from checkers.ddim.step import DDIM_STEP
from checkers.engine.exercise import Case, Exercise
from checkers.engine.judges.cases import MakeInputs, form_case
from checkers.engine.judges.evidence import hide_in, with_evidence
from checkers.engine.judges.inputs import close_pictures, draw_noise, draw_seed, noisy_run
from checkers.engine.judges.loops import ENDS_EARLY, loop_cases, runs, same_path
from checkers.engine.judges.values import (
    all_of,
    each_call,
    same_answer,
    same_form,
    same_moments,
    same_values,
)
from checkers.engine.sandbox.inside.running import Inputs
from lessons.workbench.denoisers import squared_cosine_alphas_cumprod
from solutions.ddim import ddim_invert, ddim_sample, heun_step
from solutions.forward_noising import forward

TIMESTEPS = [990, 780, 560, 333, 130, 40, 8, 0]
EVEN_TIMESTEPS = list(range(990, -1, -110))
ROCKET, PENCIL = "a rocket ship", "a pencil"
PROMPTS = ("", "a high quality photo", ROCKET, PENCIL)
STD = 0.15
_LATE: dict[str, Any] = {"i_start": 3, "timesteps": TIMESTEPS[:7]}


# --- ddim_sample ----------------------------------------------------------------------------------


def _run(
    generator: torch.Generator,
    i_start: int,
    timesteps: list[int],
    scale: float | None = 7.0,
    eta: float | None = 0.0,
    prompts: tuple[str, ...] = (ROCKET,),
    batch: int | None = None,
    uncond: tuple[str, ...] = ("",),
    far: bool = False,
    own_schedule: bool = False,
) -> Inputs:
    """A run in a world of four prompts; guided pictures lie within [-1, 1], unless `far`."""
    strength = 8.0 if far else 1.0
    pictures = close_pictures(generator, PROMPTS, 12, 0.25, 0.03)
    means = {name: strength * picture for name, picture in pictures.items()}
    run = noisy_run(generator, means, i_start, timesteps, prompts, batch, most=2.0)
    if own_schedule:
        run |= _another_schedule(generator, run)
    return {**run, "uncond": list(uncond), "scale": scale, "eta": eta}


def _another_schedule(generator: torch.Generator, run: Inputs) -> Inputs:
    """A schedule that nobody has seen, and the run's start under as much noise as it says."""
    abar = squared_cosine_alphas_cumprod() ** (
        0.5 + 0.2 * float(torch.rand((), generator=generator))
    )
    pictures = torch.stack([run["means"][prompt] for prompt in run["prompts"]])
    drawn = draw_noise(generator, *run["im_noisy"].shape).clamp(-2, 2)
    start = forward(pictures.expand_as(drawn), run["timesteps"][run["i_start"]], abar, drawn)
    return {"im_noisy": start, "schedule": abar}


def _point_inputs(generator: torch.Generator) -> Inputs:
    """Each prompt has one picture; the loop starts from pure noise."""
    return {
        "points": close_pictures(generator, PROMPTS, 16, 0.25, 0.03),
        "im_noisy": draw_noise(generator, 2, 3, 16, 16),
        "i_start": 0,
        "prompts": [ROCKET, PENCIL],
        "uncond": [""],
        "timesteps": TIMESTEPS,
        "scale": 5.0,
        "eta": 0.0,
    }


def _gaussian_inputs(generator: torch.Generator) -> Inputs:
    """One Gaussian for all pixels, and few steps: how far the spread is off hangs on eta."""
    mean = torch.full((3, 40, 40), 0.2)
    hidden = hide_in({"": mean - 0.02, ROCKET: mean}, generator, strength=0.05)
    abar = squared_cosine_alphas_cumprod()
    run = {
        **hidden,
        "std": 0.2,
        "i_start": 1,
        "prompts": [ROCKET],
        "uncond": [""],
        "scale": 1.0,
    }
    calls = []
    for eta, timesteps in ((1.0, TIMESTEPS), (0.5, TIMESTEPS), (0.7, TIMESTEPS[:4])):
        x_0 = hidden["means"][ROCKET] + 0.2 * draw_noise(generator, 3, 3, 40, 40)
        drawn = draw_noise(generator, 3, 3, 40, 40)
        start = {"im_noisy": forward(x_0, TIMESTEPS[1], abar, drawn), "timesteps": timesteps}
        calls.append({**run, **start, "eta": eta, "seed": draw_seed(generator)})
    return {"calls": calls}


_labels = each_call("eta = {eta}")
_same_noise_drawn = all_of(
    same_moments(what="the brightness of your samples", labels=_labels, slack=2e-3),
    same_moments("drawn", what="what two runs from one start differ by", labels=_labels),
)
"""Two runs differ by what each step draws, and by nothing if nothing is drawn."""


DDIM_SAMPLE = Exercise(
    reference=ddim_sample,
    cases=loop_cases(
        _run,
        STD,
        sample_quietly,
        sample_repeatedly,
        first=Case(
            "one step, guided: scale 0, 1 and 4",
            2,
            runs(
                _run,
                STD,
                *((0, pair, scale) for pair, scale in (([690, 660], 0.0), ([400, 250], 1.0))),
                (0, [60, 30], 4.0),
            ),
            same_path(what="x_t_prev"),
            sample_quietly,
        ),
        loop=[
            (5, EVEN_TIMESTEPS),
            (0, TIMESTEPS[:4]),
            {"i_start": 2, "timesteps": ENDS_EARLY, "scale": 5.0, "own_schedule": True},
        ],
        far=(2, TIMESTEPS),
        prompts=[
            (
                "without `scale` it is 7, without `eta` 0",
                1,
                (3, TIMESTEPS[:6], None),
                (3, TIMESTEPS[:6], 4.0, None),
            ),
            (
                "in a batch every picture gets its own prompt, or all get the same",
                2,
                {**_LATE, "prompts": (PENCIL, ROCKET)},
                {**_LATE, "prompts": (PENCIL,), "batch": 3},
                {**_LATE, "prompts": (ROCKET, PENCIL), "uncond": ("", ""), "scale": 3.0},
            ),
        ],
        added=[],
        known=[
            Case(
                "where each prompt has one picture, the guided picture comes out",
                1,
                _point_inputs,
                same_values(what="the last picture", atol=0.06, show=True),
                sample_points,
            ),
            Case(
                "eta is passed on: it decides how far pictures spread after few steps",
                2,
                _gaussian_inputs,
                with_evidence(
                    _same_noise_drawn,
                    "result",
                    secret=lambda inputs: [call["secret"] for call in inputs["calls"]],
                ),
                sample_gaussians,
            ),
        ],
        repeated=(2, TIMESTEPS, 2.0, 1.0),
        form=[
            {"i_start": 4, "timesteps": TIMESTEPS[:6], "prompts": (ROCKET,) * 3},
            (4, TIMESTEPS[:6]),
        ],
    ),
    hints=[
        "It is the loop of lesson 06. What changes is the end of a step: `ddim_step` takes the "
        "guided noise and does the rest.",
        "In step i: both estimates at `timesteps[i]`, `guide`, then "
        "`x_t = ddim_step(x_t, noise, t, t_prev, denoiser.alphas_cumprod, eta, generator)`.",
    ],
)


# --- ddim_invert ----------------------------------------------------------------------------------


_KEPT = ("means", "im_noisy", "prompts", "timesteps", "schedule")


def _clean(generator: torch.Generator, timesteps: list[int], **more: Any) -> Inputs:
    """Pictures near those of the prompts, at the last of the timesteps; `more` is for `_run`."""
    run = _run(generator, len(timesteps) - 1, timesteps, **more)
    return {key: run[key] for key in _KEPT if key in run}


def _in_double(single: MakeInputs) -> MakeInputs:
    """The same inputs, with the last call's pictures in double precision."""

    def inputs(generator: torch.Generator) -> Inputs:
        made = single(generator)
        made["calls"][-1]["im_noisy"] = made["calls"][-1]["im_noisy"].double()
        return made

    return inputs


_same_noise = same_path(what="the noisy picture")

DDIM_INVERT = Exercise(
    reference=ddim_invert,
    cases=[
        Case(
            "one step goes from the last timestep to the one before it",
            2,
            runs(_clean, STD, ([60, 0],), ([400, 250],), ([700, 660],)),
            _same_noise,
            invert_quietly,
        ),
        Case(
            "it goes through the whole list, from its end to its beginning",
            3,
            runs(
                _clean,
                STD,
                (TIMESTEPS,),
                (EVEN_TIMESTEPS[3:],),
                {"timesteps": ENDS_EARLY, "own_schedule": True},
                far=(TIMESTEPS,),
            ),
            _same_noise,
            invert_quietly,
        ),
        Case(
            "in a batch every picture gets its own prompt, or all get the same",
            1,
            runs(
                _clean,
                STD,
                {"timesteps": TIMESTEPS[3:], "prompts": (PENCIL, ROCKET)},
                {"timesteps": TIMESTEPS[3:], "prompts": (PENCIL,), "batch": 3},
            ),
            _same_noise,
            invert_quietly,
        ),
        form_case(
            _in_double(
                runs(
                    _clean,
                    STD,
                    {"timesteps": TIMESTEPS[4:], "prompts": (ROCKET,) * 3},
                    (TIMESTEPS[4:],),
                )
            ),
            invert_quietly,
        ),
    ],
    hints=[
        "Turn the list around: `rising = list(timesteps)[::-1]` begins with the clean picture's "
        "timestep.",
        "In a step from t up to t_next: ask the denoiser about x_t at t, where you are, and then "
        "`ddim_step(x_t, noise, t, t_next, denoiser.alphas_cumprod)`.",
    ],
)


# --- heun_step ------------------------------------------------------------------------------------


def _heun(generator: torch.Generator, t: int, t_prev: int, **more: Any) -> Inputs:
    """Pictures at t; `more` is for `_run`."""
    run = _run(generator, 0, [t, t_prev], **more)
    return {key: run[key] for key in _KEPT if key in run}


def _heun_to_points(generator: torch.Generator) -> Inputs:
    return {
        "points": close_pictures(generator, PROMPTS, 16, 0.25, 0.03),
        "im_noisy": draw_noise(generator, 2, 3, 16, 16),
        "prompts": [ROCKET, PENCIL],
        "timesteps": [900, 0],
    }


_same_heun = all_of(
    same_answer(
        lambda observed: [sorted(set(asked)) for asked in observed["asked"]],
        says="The denoiser should be asked at t and at t_prev, and nowhere else.",
    ),
    same_path(what="x_t_prev"),
)


HEUN_STEP = Exercise(
    reference=heun_step,
    cases=[
        Case(
            "small steps and large ones land where two slopes lead",
            3,
            runs(
                _heun,
                STD,
                (690, 660),
                (400, 250),
                (60, 30),
                {"t": 900, "t_prev": 300, "own_schedule": True},
                far=(400, 250),
            ),
            _same_heun,
            heun_quietly,
        ),
        Case(
            "in a batch every picture gets its own prompt, or all get the same",
            1,
            runs(
                _heun,
                STD,
                {"t": 500, "t_prev": 400, "prompts": (PENCIL, ROCKET)},
                {"t": 300, "t_prev": 100, "prompts": (PENCIL,), "batch": 3},
            ),
            _same_heun,
            heun_quietly,
        ),
        Case(
            "where each prompt has one picture, one step is enough",
            1,
            _heun_to_points,
            same_values(what="the picture", atol=0.02, show=True),
            heun_points,
        ),
        Case(
            "shape, dtype and device are kept, and no input is changed",
            1,
            _in_double(
                runs(
                    _heun,
                    STD,
                    {"t": 600, "t_prev": 500, "prompts": (ROCKET,) * 3},
                    (250, 100),
                )
            ),
            same_form(),
            heun_quietly,
        ),
        Case(
            "a step to t = 0, and one between neighbours",
            1,
            runs(_heun, STD, (30, 0), (12, 11)),
            _same_heun,
            heun_quietly,
            hidden=True,
        ),
    ],
    hints=[
        "First a trial step: ask the denoiser at t and take `ddim_step` to t_prev. Then ask it "
        "again, about the trial picture, at t_prev.",
        "The mean of both estimates, `(here + there) / 2`, goes into a second `ddim_step`. Like "
        "the first it starts from x_t.",
    ],
)


EXERCISES = [DDIM_STEP, DDIM_SAMPLE, DDIM_INVERT, HEUN_STEP]

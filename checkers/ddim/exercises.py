"""Lesson 17: what steps without chance must do, forwards, backwards and better."""

from __future__ import annotations

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
from checkers.engine.judges.inputs import close_pictures, draw_noise, noisy_run
from checkers.engine.judges.loops import ENDS_EARLY, loop_cases, runs, same_path
from checkers.engine.judges.values import (
    each_call,
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
    strength = 4.0 if far else 1.0
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
        "timesteps": TIMESTEPS,
        "scale": 1.0,
    }
    calls = []
    for eta in (1.0, 0.5):
        x_0 = hidden["means"][ROCKET] + 0.2 * draw_noise(generator, 3, 3, 40, 40)
        drawn = draw_noise(generator, 3, 3, 40, 40)
        calls.append({**run, "im_noisy": forward(x_0, TIMESTEPS[1], abar, drawn), "eta": eta})
    return {"calls": calls}


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
            (2, ENDS_EARLY, 5.0, 0.0, (ROCKET,), None, ("",), False, True),
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
                (3, TIMESTEPS[:7], 7.0, 0.0, (PENCIL, ROCKET)),
                (3, TIMESTEPS[:7], 7.0, 0.0, (PENCIL,), 3),
                (3, TIMESTEPS[:7], 3.0, 0.0, (ROCKET, PENCIL), 2, ("", "")),
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
                    same_moments(
                        what="the brightness of your samples",
                        labels=each_call("eta = {eta}"),
                        slack=2e-3,
                    ),
                    "result",
                    secret=lambda inputs: [call["secret"] for call in inputs["calls"]],
                ),
                sample_gaussians,
            ),
        ],
        repeated=(2, TIMESTEPS, 2.0, 1.0),
        form=[(4, TIMESTEPS[:6], 7.0, 0.0, (ROCKET,) * 3), (4, TIMESTEPS[:6])],
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


def _clean(
    generator: torch.Generator,
    timesteps: list[int],
    prompts: tuple[str, ...] = (ROCKET,),
    batch: int | None = None,
    own_schedule: bool = False,
) -> Inputs:
    """Pictures near those of the prompts, at the last of the timesteps."""
    start = len(timesteps) - 1
    run = _run(generator, start, timesteps, prompts=prompts, batch=batch, own_schedule=own_schedule)
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
                (ENDS_EARLY, (ROCKET,), None, True),
            ),
            _same_noise,
            invert_quietly,
        ),
        Case(
            "in a batch every picture gets its own prompt, or all get the same",
            1,
            runs(_clean, STD, (TIMESTEPS[3:], (PENCIL, ROCKET)), (TIMESTEPS[3:], (PENCIL,), 3)),
            _same_noise,
            invert_quietly,
        ),
        form_case(
            _in_double(runs(_clean, STD, (TIMESTEPS[4:], (ROCKET,) * 3), (TIMESTEPS[4:],))),
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


def _heun(
    generator: torch.Generator,
    t: int,
    t_prev: int,
    prompts: tuple[str, ...] = (ROCKET,),
    batch: int | None = None,
    own_schedule: bool = False,
) -> Inputs:
    run = _run(generator, 0, [t, t_prev], prompts=prompts, batch=batch, own_schedule=own_schedule)
    return {key: run[key] for key in _KEPT if key in run}


def _heun_to_points(generator: torch.Generator) -> Inputs:
    return {
        "points": close_pictures(generator, PROMPTS, 16, 0.25, 0.03),
        "im_noisy": draw_noise(generator, 2, 3, 16, 16),
        "prompts": [ROCKET, PENCIL],
        "timesteps": [900, 0],
    }


HEUN_STEP = Exercise(
    reference=heun_step,
    cases=[
        Case(
            "small steps and large ones land where two slopes lead",
            3,
            runs(_heun, STD, (690, 660), (400, 250), (60, 30), (900, 300, (ROCKET,), None, True)),
            same_path(what="x_t_prev"),
            heun_quietly,
        ),
        Case(
            "in a batch every picture gets its own prompt, or all get the same",
            1,
            runs(_heun, STD, (500, 400, (PENCIL, ROCKET)), (300, 100, (PENCIL,), 3)),
            same_path(what="x_t_prev"),
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
            _in_double(runs(_heun, STD, (600, 500, (ROCKET,) * 3), (250, 100))),
            same_form(),
            heun_quietly,
        ),
        Case(
            "a step to t = 0, and one between neighbours",
            1,
            runs(_heun, STD, (30, 0), (12, 11)),
            same_path(what="x_t_prev"),
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

"""Lesson 06: what guidance must do, and how it goes wrong."""

from __future__ import annotations

import torch

from checkers.classifier_free_guidance.probe import (
    guide_quietly,
    guide_repeatedly,
    guide_to_gaussians,
    guide_to_points,
)
from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges.cases import MakeInputs, form_case
from checkers.engine.judges.evidence import hide_in, with_evidence
from checkers.engine.judges.inputs import close_pictures, draw_noise, draw_seed, noisy_run
from checkers.engine.judges.loops import ENDS_EARLY, loop_cases, runs, same_path, same_spread
from checkers.engine.judges.values import all_of, each_call, same_values
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from lessons.workbench.denoisers import squared_cosine_alphas_cumprod
from solutions.classifier_free_guidance import guide, iterative_denoise_cfg
from solutions.forward_noising import forward

TIMESTEPS = [990, 780, 560, 333, 130, 40, 8, 0]
EVEN_TIMESTEPS = list(range(990, -1, -110))
ROCKET, PENCIL = "a rocket ship", "a pencil"
PROMPTS = ("", "a high quality photo", ROCKET, PENCIL)
STD = 0.15

_each_scale = each_call("scale = {scale:g}")


# --- guide ----------------------------------------------------------------------------------------


def _guide_inputs(*scales: float) -> MakeInputs:
    """Two estimates that have nothing in common, and the given scales."""

    def inputs(generator: torch.Generator) -> Inputs:
        uncond, cond = (draw_noise(generator, 2, 3, 16, 16) for _ in range(2))
        return {
            "calls": [
                {"noise_uncond": uncond, "noise_cond": cond, "scale": scale} for scale in scales
            ]
        }

    return inputs


def _guide_form_inputs(generator: torch.Generator) -> Inputs:
    calls = []
    for shape, dtype in (((3, 3, 64, 64), torch.float32), ((1, 3, 8, 12), torch.float64)):
        uncond, cond = (draw_noise(generator, *shape).to(dtype) for _ in range(2))
        calls.append({"noise_uncond": uncond, "noise_cond": cond, "scale": 7})
    return {"calls": calls}


GUIDE = Exercise(
    reference=guide,
    cases=[
        Case(
            "scale 0 gives the unconditional estimate, scale 1 the conditional one",
            1,
            _guide_inputs(0, 1),
            same_values(what="the guided estimate", labels=_each_scale, show=True),
            call_many,
        ),
        Case(
            "scales beyond 1 go on in the same direction",
            2,
            _guide_inputs(7, 2.5, 15),
            same_values(what="the guided estimate", labels=_each_scale, show=True),
            call_many,
        ),
        Case(
            "scales between 0 and 1, and below 0, work the same way",
            1,
            _guide_inputs(0.25, -1),
            same_values(what="the guided estimate", labels=_each_scale, show=True),
            call_many,
        ),
        form_case(_guide_form_inputs),
    ],
    hints=[
        "The difference `noise_cond - noise_uncond` is what the prompt changes. How much of it is "
        "added to `noise_uncond`?",
        "scale times: `noise_uncond + scale * (noise_cond - noise_uncond)`.",
    ],
)


# --- iterative_denoise_cfg ------------------------------------------------------------------------


def _run(
    generator: torch.Generator,
    i_start: int,
    timesteps: list[int],
    scale: float | None = 7.0,
    prompts: tuple[str, ...] = (ROCKET,),
    batch: int | None = None,
    uncond: tuple[str, ...] = ("",),
    far: bool = False,
) -> Inputs:
    """A run in a world of four prompts; guided pictures lie within [-1, 1], unless `far`."""
    strength = 4.0 if far else 1.0
    pictures = close_pictures(generator, PROMPTS, 12, 0.3, 0.05, wider=4)
    means = {name: strength * picture for name, picture in pictures.items()}
    run = noisy_run(generator, means, i_start, timesteps, prompts, batch)
    return {**run, "uncond": list(uncond), "scale": scale}


def _point_inputs(generator: torch.Generator) -> Inputs:
    """Each prompt has one picture, so the guided estimate of x_0 is one picture too."""
    run = {
        "points": close_pictures(generator, PROMPTS, 16, 0.3, 0.05),
        "im_noisy": draw_noise(generator, 2, 3, 16, 16),
        "i_start": 0,
        "prompts": [ROCKET, PENCIL],
        "uncond": [""],
        "timesteps": TIMESTEPS,
    }
    return {"calls": [{**run, "scale": 7.0}, {**run, "scale": 1.0}]}


def _gaussian_inputs(generator: torch.Generator) -> Inputs:
    """Two Gaussians of one spread: guidance moves the mean and keeps the spread."""
    uncond = torch.full((3, 40, 40), -0.1)
    cond = uncond + 0.03 + 0.02 * float(torch.rand((), generator=generator))
    guided = uncond + 7 * (cond - uncond)
    worlds = {"": uncond, ROCKET: cond, "a high quality photo": 2 * cond}
    hidden = hide_in(worlds, generator, strength=0.05)
    x_0 = guided + 0.05 * hidden["secret"] + 0.2 * draw_noise(generator, 3, 3, 40, 40)
    abar, drawn = squared_cosine_alphas_cumprod(), draw_noise(generator, 3, 3, 40, 40)
    return {
        **hidden,
        "std": 0.2,
        "im_noisy": forward(x_0, TIMESTEPS[1], abar, drawn),
        "i_start": 1,
        "prompts": [ROCKET],
        "uncond": [""],
        "timesteps": TIMESTEPS,
        "scale": 7.0,
        "seed": draw_seed(generator),
    }


def faster_remark(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge nothing; point out that two calls in a step could be one."""
    pairs = observed.get("pairs")
    if isinstance(pairs, list) and any(isinstance(p, int | float) and p > 1.5 for p in pairs):
        return Verdict(
            True,
            "Right. You ask the denoiser twice in every step; both questions fit into one batch, "
            "which is faster.",
        )
    return Verdict(True)


ITERATIVE_DENOISE_CFG = Exercise(
    reference=iterative_denoise_cfg,
    cases=loop_cases(
        _run,
        STD,
        guide_quietly,
        guide_repeatedly,
        first=Case(
            "scale 0 ignores the prompt, scale 1 follows it, scale 4.5 goes beyond",
            2,
            runs(_run, STD, *((3, TIMESTEPS, scale) for scale in (0.0, 1.0, 4.5))),
            all_of(same_path(what="the last picture"), faster_remark),
            guide_quietly,
        ),
        loop=[(5, EVEN_TIMESTEPS), (0, TIMESTEPS[:4]), (2, ENDS_EARLY, 5.5)],
        far=(2, TIMESTEPS),
        prompts=[
            ("without `scale`, it is 7", 1, (3, TIMESTEPS[:6], None)),
            (
                "in a batch every picture gets its own prompt, or all get the same",
                2,
                (3, TIMESTEPS[:7], 7.0, (PENCIL, ROCKET)),
                (3, TIMESTEPS[:7], 7.0, (PENCIL,), 3),
                (3, TIMESTEPS[:7], 3.0, (ROCKET, PENCIL), 2, ("", "")),
            ),
        ],
        added=[(4, TIMESTEPS), (2, ENDS_EARLY, 7.0, (PENCIL, ROCKET))],
        added_title=(
            "add_variance gets t, t_prev and the conditional estimate's variance, once a step"
        ),
        known=[
            Case(
                "where each prompt has one picture, the guided picture comes out",
                1,
                _point_inputs,
                same_values(what="the last picture", labels=_each_scale, atol=0.06, show=True),
                guide_to_points,
            ),
            Case(
                "where pictures are normally distributed, guidance moves the mean, not the spread",
                2,
                _gaussian_inputs,
                with_evidence(same_spread, "result"),
                guide_to_gaussians,
            ),
        ],
        repeated=(2, TIMESTEPS),
        form=[(4, TIMESTEPS[:6], 7.0, (ROCKET,) * 3), (4, TIMESTEPS[:6])],
    ),
    hints=[
        "It is the loop of lesson 04 with one difference: the noise comes from `guide`, and for "
        "that the denoiser is asked twice, with `prompt_embeds` and with `uncond_prompt_embeds`.",
        "Get it right with two calls first. The variance is that of the call with `prompt_embeds`.",
        "One call: `torch.cat([x_t, x_t])` as pictures, and both kinds of embeddings one below the "
        "other, each with a row for every picture: `.expand(len(x_t), *embeds.shape[1:])`. "
        "`.chunk(2)` cuts noise and variance in two again, in the order you put them together.",
    ],
)


EXERCISES = [GUIDE, ITERATIVE_DENOISE_CFG]

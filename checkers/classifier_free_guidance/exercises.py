"""Lesson 06: what guidance must do, and how it goes wrong."""

from __future__ import annotations

import torch
from torch import Tensor

from checkers.classifier_free_guidance.probe import (
    guide_quietly,
    guide_repeatedly,
    guide_to_gaussians,
    guide_to_points,
)
from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges.loops import same_noise_added, same_path
from checkers.engine.judges.values import all_of, same_answer, same_form, same_moments, same_values
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from lessons.workbench.denoisers import squared_cosine_alphas_cumprod
from solutions.classifier_free_guidance import guide, iterative_denoise_cfg

TIMESTEPS = [990, 780, 560, 333, 130, 40, 8, 0]


PROMPTS = ("", "a high quality photo", "a rocket ship", "a pencil")


STD = 0.15


def _noise(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator)


# --- guide ----------------------------------------------------------------------------------------


def _guide_inputs(*scales: float):
    """Two estimates that have nothing in common, and the given scales."""

    def inputs(generator: torch.Generator) -> Inputs:
        uncond, cond = (_noise(generator, 2, 3, 16, 16) for _ in range(2))
        return {
            "calls": [
                {"noise_uncond": uncond, "noise_cond": cond, "scale": scale} for scale in scales
            ]
        }

    return inputs


def _guide_form_inputs(generator: torch.Generator) -> Inputs:
    calls = []
    for shape, dtype in (((3, 3, 64, 64), torch.float32), ((1, 3, 8, 12), torch.float64)):
        uncond, cond = (_noise(generator, *shape).to(dtype) for _ in range(2))
        calls.append({"noise_uncond": uncond, "noise_cond": cond, "scale": 7})
    return {"calls": calls}


def _scales(inputs: Inputs) -> list[str]:
    return [f"scale = {call['scale']:g}" for call in inputs["calls"]]


GUIDE = Exercise(
    reference=guide,
    cases=[
        Case(
            "scale 0 gives the unconditional estimate, scale 1 the conditional one",
            1,
            _guide_inputs(0, 1),
            same_values(what="the guided estimate", labels=_scales, show=True),
            call_many,
        ),
        Case(
            "scales beyond 1 go on in the same direction",
            2,
            _guide_inputs(7, 2.5, 15),
            same_values(what="the guided estimate", labels=_scales, show=True),
            call_many,
        ),
        Case(
            "scales between 0 and 1, and below 0, work the same way",
            1,
            _guide_inputs(0.25, -1),
            same_values(what="the guided estimate", labels=_scales, show=True),
            call_many,
        ),
        Case(
            "shape, dtype and device are kept, and no input is changed",
            1,
            _guide_form_inputs,
            same_form(),
            call_many,
        ),
    ],
    hints=[
        "The difference `noise_cond - noise_uncond` is what the prompt changes. How much of it is "
        "added to `noise_uncond`?",
        "scale times: `noise_uncond + scale * (noise_cond - noise_uncond)`.",
    ],
)


# --- iterative_denoise_cfg ------------------------------------------------------------------------


def _pictures(generator: torch.Generator, count: int, side: int) -> Tensor:
    """Smooth random pictures within [-1, 1], so that a report's pictures show something."""
    coarse = torch.rand(count, 3, 4, 4, generator=generator) * 2 - 1
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")


def _close_pictures(generator: torch.Generator, side: int) -> dict[str, Tensor]:
    """A picture for each prompt, so alike that guided pictures stay within [-1, 1]."""
    common, *others = _pictures(generator, 1 + len(PROMPTS), side)
    return {prompt: 0.3 * common + 0.05 * own for prompt, own in zip(PROMPTS, others, strict=True)}


def _run(
    generator: torch.Generator,
    i_start: int,
    timesteps: list[int],
    scale: float | None,
    prompts: tuple[str, ...] = ("a rocket ship",),
    strength: float = 1.0,
) -> Inputs:
    means = {name: strength * m for name, m in _close_pictures(generator, 12).items()}
    abar = squared_cosine_alphas_cumprod()[timesteps[i_start]]
    chosen = torch.stack([means[prompt] for prompt in prompts])
    noise = _noise(generator, *chosen.shape).clamp(-2.5, 2.5)
    return {
        "means": means,
        "im_noisy": abar.sqrt() * chosen + (1 - abar).sqrt() * noise,
        "i_start": i_start,
        "prompts": list(prompts),
        "uncond": [""],
        "timesteps": timesteps,
        "scale": scale,
    }


def _scales_inputs(generator: torch.Generator) -> Inputs:
    return {
        "std": STD,
        "calls": [
            _run(generator, 3, TIMESTEPS, 0.0),
            _run(generator, 3, TIMESTEPS, 1.0),
            _run(generator, 3, TIMESTEPS, 4.0),
        ],
    }


def _loop_inputs(generator: torch.Generator) -> Inputs:
    """An even and an uneven list, from later than the beginning; one that ends early."""
    return {
        "std": STD,
        "calls": [
            _run(generator, 5, list(range(990, -1, -110)), 7.0),
            _run(generator, 0, TIMESTEPS[:4], 7.0),
            _run(generator, 2, [900, 640, 333, 77, 12], 5.0),
        ],
        "far": _run(generator, 2, TIMESTEPS, 7.0, strength=4.0),
    }


def _default_inputs(generator: torch.Generator) -> Inputs:
    return {"std": STD, "calls": [_run(generator, 3, TIMESTEPS[:6], None)]}


def _batch_inputs(generator: torch.Generator) -> Inputs:
    """A prompt for each picture; one for all; and an unconditional row for each."""
    each = _run(generator, 3, TIMESTEPS[:7], 7.0, ("a pencil", "a rocket ship"))
    one = _run(generator, 3, TIMESTEPS[:7], 7.0, ("a pencil",) * 3)
    rows = _run(generator, 3, TIMESTEPS[:7], 3.0, ("a rocket ship", "a pencil"))
    return {
        "std": STD,
        "calls": [each, {**one, "prompts": ["a pencil"]}, {**rows, "uncond": ["", ""]}],
    }


def _noise_call_inputs(generator: torch.Generator) -> Inputs:
    return {
        "std": STD,
        "calls": [
            _run(generator, 4, TIMESTEPS, 7.0),
            _run(generator, 2, [900, 640, 333, 77, 12], 7.0, ("a pencil", "a rocket ship")),
        ],
    }


def _point_inputs(generator: torch.Generator) -> Inputs:
    """Each prompt has one picture, so the guided estimate of x_0 is one picture too."""
    run = {
        "points": _close_pictures(generator, 16),
        "im_noisy": _noise(generator, 2, 3, 16, 16),
        "i_start": 0,
        "prompts": ["a rocket ship", "a pencil"],
        "uncond": [""],
        "timesteps": TIMESTEPS,
    }
    return {"calls": [{**run, "scale": 7.0}, {**run, "scale": 1.0}]}


def _gaussian_inputs(generator: torch.Generator) -> Inputs:
    """Two Gaussians of one spread: guidance moves the mean and keeps the spread."""
    uncond = torch.full((3, 40, 40), -0.1)
    cond = uncond + 0.03 + 0.02 * float(torch.rand((), generator=generator))
    guided = uncond + 7 * (cond - uncond)
    abar = squared_cosine_alphas_cumprod()[TIMESTEPS[1]]
    x_0 = guided + 0.2 * _noise(generator, 3, 3, 40, 40)
    return {
        "means": {"": uncond, "a rocket ship": cond, "a high quality photo": 2 * cond},
        "std": 0.2,
        "im_noisy": abar.sqrt() * x_0 + (1 - abar).sqrt() * _noise(generator, 3, 3, 40, 40),
        "i_start": 1,
        "prompts": ["a rocket ship"],
        "uncond": [""],
        "timesteps": TIMESTEPS,
        "scale": 7.0,
    }


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    inputs = _gaussian_inputs(generator)
    return {
        **inputs,
        "means": {name: mean[:, :12, :12] for name, mean in inputs["means"].items()},
        "im_noisy": _noise(generator, 1, 3, 12, 12),
        "i_start": 0,
        "timesteps": [990, 500, 100],
        "seed": int(torch.randint(1, 10**6, (), generator=generator)),
    }


def _form_inputs(generator: torch.Generator) -> Inputs:
    single = _run(generator, 4, TIMESTEPS[:6], 7.0, ("a rocket ship",) * 3)
    double = _run(generator, 4, TIMESTEPS[:6], 7.0)
    return {"std": STD, "calls": [single, {**double, "im_noisy": double["im_noisy"].double()}]}


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
    cases=[
        Case(
            "scale 0 ignores the prompt, scale 1 follows it, scale 4 goes beyond",
            2,
            _scales_inputs,
            all_of(same_path(what="the last picture"), faster_remark),
            guide_quietly,
        ),
        Case(
            "the loop goes from timesteps[i_start] to the end of the list",
            2,
            _loop_inputs,
            same_path(what="the last picture"),
            guide_quietly,
        ),
        Case(
            "without `scale`, it is 7",
            1,
            _default_inputs,
            same_path(what="the last picture"),
            guide_quietly,
        ),
        Case(
            "in a batch every picture gets its own prompt, or all get the same",
            2,
            _batch_inputs,
            same_path(what="the last picture"),
            guide_quietly,
        ),
        Case(
            "add_variance gets t, t_prev and the conditional estimate's variance, once a step",
            2,
            _noise_call_inputs,
            same_noise_added(),
            guide_quietly,
        ),
        Case(
            "where each prompt has one picture, the guided picture comes out",
            1,
            _point_inputs,
            same_values(
                what="the last picture",
                labels=lambda inputs: [f"scale = {c['scale']:g}" for c in inputs["calls"]],
                atol=0.06,
                show=True,
            ),
            guide_to_points,
        ),
        Case(
            "where pictures are normally distributed, guidance moves the mean, not the spread",
            2,
            _gaussian_inputs,
            same_moments(what="the pixels of your samples", slack=4e-3),
            guide_to_gaussians,
        ),
        Case(
            "the generator draws the noise",
            1,
            _repeat_inputs,
            all_of(
                same_answer(
                    "same_seed",
                    says="Two runs with generators of the same seed give different pictures: pass "
                    "`generator` on to add_variance.",
                ),
                same_answer(
                    "unseeded",
                    says="Two runs without a generator give the same picture: new noise should be "
                    "drawn in every run.",
                ),
            ),
            guide_repeatedly,
        ),
        Case(
            "it starts from im_noisy, leaves it as it is, and keeps shape, dtype and device",
            1,
            _form_inputs,
            all_of(
                same_answer(
                    "begun",
                    says="The first picture that your loop shows the denoiser is not im_noisy.",
                ),
                same_form(),
            ),
            guide_quietly,
        ),
    ],
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

"""Lesson 08: what `inpaint` must do, and how it goes wrong."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges.cases import form_case
from checkers.engine.judges.inputs import draw_pictures, draw_schedule, draw_seed
from checkers.engine.judges.starts import (
    COURSE_TIMESTEPS,
    PROMPT,
    PROMPTED_FORMS,
    in_a_flat_world,
    own_timesteps,
    repeat_case,
    same_line,
    same_timesteps_asked,
)
from checkers.engine.judges.values import (
    all_of,
    form_problem,
    same_answer,
    same_moments,
    same_values,
)
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs
from checkers.inpainting.probe import (
    inpaint_anything,
    inpaint_quietly,
    inpaint_repeatedly,
    inpaint_two_originals,
)
from solutions.inpainting import inpaint

TIMESTEPS = [990, 750, 500, 250, 0]
LARGE = 144
"""Pixels along a side of pictures whose known part tells the noise's strength to 1.8 %: 5.5
standard errors. The new part, which is larger, does it to 1.4 %."""
HIDDEN = 30.0  # what the original holds under the mask, where nothing of it may be used
KEPT_TOLERANCE = 0.05


def _mask(side: int) -> Tensor:
    """1 on the right, in more than half of it: turned round, it is not the inverted one."""
    mask = torch.zeros(1, 1, side, side)
    mask[..., side * 3 // 8 :] = 1
    return mask


def _original(batch: int, side: int, generator: torch.Generator) -> Tensor:
    """Known on the left, where it is bright; absurd on the right, where it may not be used."""
    brightness = 0.6 + 0.3 * float(torch.rand((), generator=generator))
    original = torch.full((batch, 3, side, side), brightness)
    original = original + 1e-3 * torch.arange(batch).reshape(-1, 1, 1, 1)  # no two are the same
    return torch.where(_mask(side) > 0, HIDDEN, original)


def _call(
    original: Tensor,
    scale: float | None,
    timesteps: list[int] = TIMESTEPS,
    prompts: str | list[str] = PROMPT,
) -> Inputs:
    """One mask for all pictures; for three, one for each."""
    masks = 3 if len(original) == 3 else 1
    return {
        "original": original,
        "mask": _mask(original.shape[-1]).to(original.dtype).repeat(masks, 1, 1, 1),
        "prompts": prompts,
        "timesteps": timesteps,
        "scale": scale,
    }


def _asked_inputs(generator: torch.Generator) -> Inputs:
    original = _original(4, LARGE, generator)
    own = own_timesteps(generator, [990, 500, 0])
    calls = [_call(original, 1.0, own), _call(original[:1], 1.0, COURSE_TIMESTEPS[::4])]
    return {**in_a_flat_world(LARGE, generator), "calls": calls}


def _known_inputs(generator: torch.Generator) -> Inputs:
    """One mask for all pictures; and, on another schedule, a mask for each and two originals."""
    original = _original(4, 32, generator)
    other = {
        "means": in_a_flat_world(32, generator)["means"],
        "call": {**_call(original, 1.0), "mask": _any_masks(4, 32, generator)},
        "schedule": draw_schedule(generator),
        "darker": original - 1.2,
        "seed": draw_seed(generator),
    }
    calls = [_call(_original(4, LARGE, generator), 1.0)]
    return {**in_a_flat_world(LARGE, generator), "calls": calls, "other": other}


def _any_masks(count: int, side: int, generator: torch.Generator) -> Tensor:
    """Holes of any form, one for each picture, each of half its pixels: (count, 1, side, side)."""
    blobs = draw_pictures(generator, count, 1, side, side).flatten(1)
    ranks = blobs.argsort(dim=1).argsort(dim=1)
    return (ranks >= side**2 // 2).float().reshape(count, 1, side, side)


def _guided_inputs(generator: torch.Generator) -> Inputs:
    original = _original(2, 16, generator)
    calls = [_call(original, scale, prompts=[PROMPT, ""]) for scale in (0.4, 3.5, None)]
    return {**in_a_flat_world(16, generator), "calls": calls}


def _kept_inputs(generator: torch.Generator) -> Inputs:
    """Pictures with holes of their own, and a denoiser for which much is possible."""
    nothing = torch.zeros(3, 40, 40)
    return {
        "means": {"": nothing, PROMPT: nothing},
        "std": 0.25,
        "original": draw_pictures(generator, 3, 3, 40, 40, reach=0.8),
        "mask": _any_masks(3, 40, generator),
        "prompts": PROMPT,
        "timesteps": [990, 600, 300, 100, 10, 0],
        "scale": 1.0,
        "seed": draw_seed(generator),
    }


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    call = _call(_original(1, 16, generator), 2.0)
    return {**in_a_flat_world(16, generator), **call, "seed": 180}


def _form_inputs(generator: torch.Generator) -> Inputs:
    calls = [
        _call(_original(batch, 16, generator).to(dtype), 2.0, prompts=prompts)
        for batch, dtype, prompts in PROMPTED_FORMS
    ]
    return {**in_a_flat_world(16, generator), "calls": calls}


def _known_steps(inputs: Inputs) -> list[str]:
    return [f"t = {t}" for t in inputs["calls"][0]["timesteps"][1:-1]]


def begun_for_each(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge whether the denoiser is first shown a picture for each original."""
    starts = observed.get("start")
    if not isinstance(starts, list) or len(starts) != len(expected["start"]):
        return Verdict(False, "The result cannot be read.")
    for call, seen, target in zip(inputs["calls"], starts, expected["start"], strict=True):
        if seen.shape != target.shape:
            return Verdict(False, f"At first {_too_few(seen, call)}")
    return Verdict(True)


def _too_few(seen: Array, call: Inputs) -> str:
    return (
        f"the denoiser sees {seen.shape[0]} different pictures for {len(call['original'])} "
        f"originals. Every picture of the batch goes its own way, and is shown once in each step."
    )


def shown_for_each(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge whether at every later timestep the denoiser sees a picture for each original."""
    known = observed.get("known")
    if not isinstance(known, list) or len(known) != len(expected["known"]):
        return Verdict(False, "The result cannot be read.")
    for call, asked, mine, right in zip(
        inputs["calls"], observed["asked"], known, expected["known"], strict=True
    ):
        for t, seen, target in zip(call["timesteps"][1:-1], mine, right, strict=True):
            if seen.shape == target.shape:
                continue
            if t not in asked:
                return Verdict(
                    False,
                    f"The denoiser is never asked at t = {t}, so that it sees no known pixels "
                    f"there. Take a step from each timestep to the next.",
                )
            return Verdict(False, f"At t = {t} {_too_few(seen, call)}")
    return Verdict(True)


def keeps_the_original(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge whether the result is the original outside the mask.

    The known pixels may come from the clean original, from the original noised to the last
    timestep, or from the denoiser's last step, which all but agree there.
    """
    mine, target = observed.get("result"), expected["result"]
    if problem := form_problem(mine, target, "the result", dtype_matters=False):
        return Verdict(False, problem)
    if not isinstance(mine, Array):
        return Verdict(False, "The result cannot be read.")
    (off, slope), (right_off, right_slope) = (_against(one, inputs) for one in (mine, target))
    if max(abs(off - right_off), abs(slope - right_slope)) <= KEPT_TOLERANCE:
        return Verdict(True)
    return Verdict(
        False,
        f"Where the mask is 0, your result differs from the original by {off:.2f} on average; it "
        f"should be the original.",
    )


def _against(result: Array, inputs: Inputs) -> tuple[float, float]:
    """How the result compares with the original where the mask is 0.

    Returns:
        The mean absolute difference, and how much of the original is in the result: 1 if all.
    """
    kept = np.broadcast_to(inputs["mask"].numpy() == 0, result.shape)
    values, original = result.values.astype(np.float64)[kept], inputs["original"].numpy()[kept]
    return float(np.abs(values - original).mean()), float(values @ original / (original @ original))


INPAINT = Exercise(
    reference=inpaint,
    cases=[
        Case(
            "it begins with pure noise and visits every timestep",
            2,
            _asked_inputs,
            all_of(
                same_timesteps_asked,
                begun_for_each,
                same_moments("start", what="what the new part begins with,"),
            ),
            inpaint_quietly,
        ),
        Case(
            "at each step the denoiser sees the known pixels, noised to that step's timestep",
            3,
            _known_inputs,
            all_of(
                shown_for_each,
                same_moments(
                    lambda observed: observed["known"][0],
                    what="the known part",
                    labels=_known_steps,
                ),
                same_values(
                    "follows",
                    what="what changes in the pictures shown, if after torch.manual_seed only "
                    "`original` changes,",
                    labels=_known_steps,
                    atol=3e-4,
                ),
                same_answer(
                    "fixed",
                    says="After torch.manual_seed with another seed, the known pixels hold the "
                    "same noise: it should be drawn anew in every call.",
                ),
            ),
            inpaint_two_originals,
        ),
        Case(
            "the new part follows the guided loop, and nothing of what was under the mask",
            2,
            _guided_inputs,
            same_line("start", "made"),
            inpaint_quietly,
        ),
        Case(
            "in the end, the original is kept where the mask is 0 and only there",
            1,
            _kept_inputs,
            all_of(
                keeps_the_original,
                same_moments("made", what="the new part of the result"),
                same_moments("seeded", what="the new part, with a generator,"),
            ),
            inpaint_anything,
        ),
        repeat_case(
            _repeat_inputs,
            inpaint_repeatedly,
            start="Two generators with the same seed lead to two different starts or known parts. "
            "Draw all noise with `draw()`.",
            rest="Two generators with the same seed give one start but two different results. Pass "
            "`generator` on to every step.",
        ),
        form_case(_form_inputs, inpaint_quietly),
    ],
    hints=[
        "Begin with `draw()`, pure noise, and go through `timesteps` one step at a time. You need "
        "to come in between the steps, so one call of `iterative_denoise_cfg` for the whole list "
        "won't do.",
        "`iterative_denoise_cfg(..., i_start=0, timesteps=timesteps[i : i + 2], ...)` takes one "
        "step only, from timesteps[i] to timesteps[i + 1].",
        "After that step the picture is at timesteps[i + 1], and so must the known pixels be: "
        "`known = forward(original, timesteps[i + 1], denoiser.alphas_cumprod, draw())`, then "
        "`mask * x_t + (1 - mask) * known`.",
    ],
)


EXERCISES = [INPAINT]

"""Lesson 08: what `inpaint` must do, and how it goes wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Judge, Observation, Verdict
from checkers.engine.judges.starts import same_line, same_timesteps_asked
from checkers.engine.judges.values import all_of, form_problem, same_answer, same_form, same_moments
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs
from checkers.inpainting.probe import inpaint_anything, inpaint_quietly, inpaint_repeatedly
from solutions.inpainting import inpaint

COURSE_TIMESTEPS = list(range(990, -1, -30))


TIMESTEPS = [990, 750, 500, 250, 0]


STD = 0.15


PROMPT = "a rocket ship"


HIDDEN = 30.0  # what the original holds under the mask, where nothing of it may be used


KEPT_TOLERANCE = 0.08


def _mask(side: int) -> Tensor:
    """1 in the right half."""
    mask = torch.zeros(1, 1, side, side)
    mask[..., side // 2 :] = 1
    return mask


def _original(batch: int, side: int, generator: torch.Generator) -> Tensor:
    """Known on the left, where it is bright; absurd on the right, where it may not be used."""
    brightness = 0.6 + 0.3 * float(torch.rand((), generator=generator))
    original = torch.full((batch, 3, side, side), brightness)
    original = original + 1e-3 * torch.arange(batch).reshape(-1, 1, 1, 1)  # no two are the same
    original[..., side // 2 :] = HIDDEN
    return original


def _flat_means(side: int, generator: torch.Generator) -> dict[str, Tensor]:
    """A grey for the empty prompt and another for the prompt."""
    grey = 0.02 + 0.02 * float(torch.rand((), generator=generator))
    return {"": torch.zeros(3, side, side), PROMPT: torch.full((3, side, side), grey)}


def _call(original: Tensor, scale: float | None, timesteps: Sequence[int]) -> Inputs:
    return {
        "original": original,
        "mask": _mask(original.shape[-1]).to(original.dtype),
        "prompts": PROMPT,
        "timesteps": list(timesteps),
        "scale": scale,
    }


def _asked_inputs(generator: torch.Generator) -> Inputs:
    original = _original(4, 32, generator)
    calls = [_call(original, 1.0, TIMESTEPS), _call(original[:1], 1.0, COURSE_TIMESTEPS[::4])]
    return {"means": _flat_means(32, generator), "std": STD, "calls": calls}


def _known_inputs(generator: torch.Generator) -> Inputs:
    call = _call(_original(4, 32, generator), 1.0, TIMESTEPS)
    return {"means": _flat_means(32, generator), "std": STD, "calls": [call]}


def _guided_inputs(generator: torch.Generator) -> Inputs:
    original = _original(2, 16, generator)
    calls = [
        {**_call(original, scale, TIMESTEPS), "prompts": [PROMPT, ""]} for scale in (1.0, 3.5, None)
    ]
    return {"means": _flat_means(16, generator), "std": STD, "calls": calls}


def _kept_inputs(generator: torch.Generator) -> Inputs:
    """Two pictures with a hole of any form, and a denoiser for which anything is possible."""
    coarse = torch.rand(2, 3, 4, 4, generator=generator) * 1.6 - 0.8
    blobs = torch.rand(1, 1, 4, 4, generator=generator)
    original, blobs = (
        torch.nn.functional.interpolate(small, (32, 32), mode="bicubic")
        for small in (coarse, blobs)
    )
    return {
        "means": {"": torch.zeros(3, 32, 32), PROMPT: torch.zeros(3, 32, 32)},
        "std": 1.0,
        "original": original,
        "mask": (blobs > blobs.median()).float(),
        "prompts": PROMPT,
        "timesteps": [990, 600, 300, 100, 30, 0],
        "scale": 1.0,
    }


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    call = _call(_original(1, 16, generator), 2.0, TIMESTEPS)
    return {"means": _flat_means(16, generator), "std": STD, **call, "seed": 180}


def _form_inputs(generator: torch.Generator) -> Inputs:
    """One picture and three, one mask for all and one for each, single and double precision."""
    calls = []
    for batch, dtype, prompts in (
        (1, torch.float32, PROMPT),
        (3, torch.float32, [PROMPT, "", PROMPT]),
        (2, torch.float64, PROMPT),
    ):
        call = _call(_original(batch, 16, generator).to(dtype), 2.0, TIMESTEPS)
        mask = call["mask"].repeat(batch, 1, 1, 1) if batch == 3 else call["mask"]
        calls.append({**call, "mask": mask, "prompts": prompts})
    return {"means": _flat_means(16, generator), "std": STD, "calls": calls}


def _known_steps(inputs: Inputs) -> list[str]:
    return [f"t = {t}" for t in inputs["calls"][0]["timesteps"][1:-1]]


def keeps_the_original() -> Judge:
    """A judge of where the result is the original: outside the mask, and only there.

    The known pixels may come from the clean original, from the original noised to the last
    timestep, or from the denoiser's last step, which all but agree there.
    """

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        mine, target = observed.get("result"), expected["result"]
        if problem := form_problem(mine, target, "the result", dtype_matters=False):
            return Verdict(False, problem)
        if not isinstance(mine, Array):
            return Verdict(False, "The result cannot be read.")
        for value in (0, 1):
            off = _distance(mine, inputs, value)
            if (off <= KEPT_TOLERANCE) != (_distance(target, inputs, value) <= KEPT_TOLERANCE):
                wanted = "it should be the original" if value == 0 else "there is nothing new"
                return Verdict(
                    False,
                    f"Where the mask is {value}, your result differs from the original by "
                    f"{off:.2f} on average; {wanted}.",
                )
        return Verdict(True)

    return judge


def _distance(result: Array, inputs: Inputs, value: int) -> float:
    """How far the result is from the original where the mask has that value, on average."""
    gap = np.abs(result.values.astype(np.float64) - inputs["original"].numpy())
    return float(gap[np.broadcast_to(inputs["mask"].numpy() == value, gap.shape)].mean())


INPAINT = Exercise(
    reference=inpaint,
    cases=[
        Case(
            "it begins with pure noise and visits every timestep",
            2,
            _asked_inputs,
            all_of(
                same_timesteps_asked(),
                same_moments("start", what="what the new part begins with,"),
            ),
            inpaint_quietly,
        ),
        Case(
            "at each step the denoiser sees the known pixels, noised to that step's timestep",
            3,
            _known_inputs,
            same_moments(
                lambda observed: observed["known"][0], what="the known part", labels=_known_steps
            ),
            inpaint_quietly,
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
            keeps_the_original(),
            inpaint_anything,
        ),
        Case(
            "a `generator` makes the result repeatable; without one, every call draws anew",
            1,
            _repeat_inputs,
            all_of(
                same_answer(
                    "quiet_same_seed",
                    says="Two generators with the same seed lead to two different starts or known "
                    "parts. Draw all noise with `draw()`.",
                ),
                same_answer(
                    "same_seed",
                    says="Two generators with the same seed give one start but two different "
                    "results. Pass `generator` on to every step.",
                ),
                same_answer(
                    "unseeded",
                    says="Two calls without a generator give the same result: new noise should be "
                    "drawn every time.",
                ),
            ),
            inpaint_repeatedly,
        ),
        Case(
            "shape, dtype and device are kept, and no input is changed",
            1,
            _form_inputs,
            same_form(),
            inpaint_quietly,
        ),
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

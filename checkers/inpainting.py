"""Lesson 08: what `inpaint` must do, and how it goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Judge, Observation, Verdict
from checkers.engine.judges import all_of, form_problem, same_answer, same_form, same_moments
from checkers.engine.start_judges import same_line, same_timesteps_asked
from probes.inpainting import inpaint_anything, inpaint_quietly, inpaint_repeatedly
from probes.record import Array
from probes.running import Inputs
from solutions.classifier_free_guidance import guide, iterative_denoise_cfg
from solutions.forward_noising import forward
from solutions.inpainting import inpaint
from solutions.iterative_denoising import iterative_denoise, posterior_mean
from solutions.one_step_denoising import predict_original

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


def _draw(like, generator):
    drawn_on = like.device if generator is None else generator.device
    noise = torch.randn(like.shape, generator=generator, device=drawn_on)
    return noise.to(like.device, like.dtype)


def _step(denoiser, x_t, cond, uncond, t, t_prev, scale, generator, variance=True):
    """One guided step, written out, with one call for each estimate."""
    abar = denoiser.alphas_cumprod
    with_prompt, without = denoiser(x_t, t, cond), denoiser(x_t, t, uncond)
    noise = guide(without.noise, with_prompt.noise, scale)
    mean = posterior_mean(x_t, predict_original(x_t, t, noise, abar), t, t_prev, abar)
    if not variance:
        return mean
    return denoiser.add_variance(mean, with_prompt.variance, t, t_prev, generator)


def _pairs(timesteps):
    return list(pairwise(timesteps))


@INPAINT.right_answer
def forced_before_the_denoiser(
    denoiser,
    original,
    mask,
    prompt_embeds,
    uncond_prompt_embeds,
    timesteps,
    scale=7,
    generator=None,
):
    x_t = _draw(original, generator)
    for t, t_prev in _pairs(timesteps):
        known = forward(original, t, denoiser.alphas_cumprod, _draw(original, generator))
        x_t = torch.where(mask.bool(), x_t, known)
        x_t = _step(denoiser, x_t, prompt_embeds, uncond_prompt_embeds, t, t_prev, scale, generator)
    return x_t


@INPAINT.right_answer
def the_clean_original_at_the_very_end(
    model, picture, hole, cond, uncond, steps, gamma=7, generator=None
):
    x = _draw(picture, generator)
    abar = model.alphas_cumprod.to(picture.dtype)
    for i in range(len(steps) - 1):
        x = _step(model, x, cond, uncond, steps[i], steps[i + 1], gamma, generator)
        if i + 1 < len(steps) - 1:
            a = abar[steps[i + 1]]
            known = a.sqrt() * picture + (1 - a).sqrt() * _draw(picture, generator)
        else:
            known = picture
        x = known + hole * (x - known)
    return x


@INPAINT.right_answer
def forced_at_both_ends(
    denoiser,
    original,
    mask,
    prompt_embeds,
    uncond_prompt_embeds,
    timesteps,
    scale=7,
    generator=None,
):
    keep = mask == 0

    def with_known(x, t):
        noisy = forward(original, t, denoiser.alphas_cumprod, _draw(original, generator))
        return x.masked_scatter(keep.expand_as(x), noisy[keep.expand_as(x)])

    x_t = with_known(_draw(original, generator), timesteps[0])
    for i in range(len(timesteps) - 1):
        x_t = iterative_denoise_cfg(
            denoiser,
            x_t,
            0,
            prompt_embeds,
            uncond_prompt_embeds,
            timesteps[i : i + 2],
            scale,
            generator,
        )
        x_t = with_known(x_t, timesteps[i + 1])
    return x_t


@INPAINT.right_answer
def with_one_noise_for_all_steps(
    denoiser,
    original,
    mask,
    prompt_embeds,
    uncond_prompt_embeds,
    timesteps,
    scale=7,
    generator=None,
):
    noise, x_t = _draw(original, generator), _draw(original, generator)
    for t, t_prev in _pairs(timesteps):
        x_t = _step(denoiser, x_t, prompt_embeds, uncond_prompt_embeds, t, t_prev, scale, generator)
        x_t = mask * x_t + (1 - mask) * forward(original, t_prev, denoiser.alphas_cumprod, noise)
    return x_t


def _loop(
    denoiser,
    original,
    mask,
    cond,
    uncond,
    timesteps,
    scale,
    generator,
    known,
    start=None,
    variance=True,
):
    """The loop with whatever is put in for the known pixels, known(t, t_prev)."""
    x_t = _draw(original, generator) if start is None else start
    for t, t_prev in _pairs(timesteps):
        x_t = _step(denoiser, x_t, cond, uncond, t, t_prev, scale, generator, variance)
        x_t = mask * x_t + (1 - mask) * known(t, t_prev)
    return x_t


def _noised(denoiser, original, generator):
    """known(t, t_prev) as it should be."""

    def known(t, t_prev):
        return forward(original, t_prev, denoiser.alphas_cumprod, _draw(original, generator))

    return known


@INPAINT.mistake(
    "It looks as if the noise is grey: the three channels of a picture get the same. Draw noise of "
    "the picture's whole shape, original.shape."
)
def grey_noise(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    def grey():
        return _draw(original[:, :1], generator).expand_as(original)

    def known(t, t_prev):
        return forward(original, t_prev, denoiser.alphas_cumprod, grey())

    given = (denoiser, original, mask, cond, uncond, timesteps, scale, generator, known)
    return _loop(*given, start=grey())


@INPAINT.mistake(
    "It looks as if the clean original is put in at every step. The denoiser expects the noise of "
    "its timestep everywhere; noise the original with `forward` to the timestep just reached."
)
def clean_original(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    return _loop(
        denoiser, original, mask, cond, uncond, timesteps, scale, generator, lambda t, p: original
    )


@INPAINT.mistake(
    "It looks as if the known pixels are noised to t, where the step began. After the step the "
    "picture is at the next timestep, and the known pixels must be too: the denoiser sees more "
    "noise on one side of the seam than on the other."
)
def noised_to_the_old_timestep(
    denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None
):
    def known(t, t_prev):
        return forward(original, t, denoiser.alphas_cumprod, _draw(original, generator))

    return _loop(denoiser, original, mask, cond, uncond, timesteps, scale, generator, known)


@INPAINT.mistake(
    "It looks as if the mask is inverted: 1 is where new content goes, 0 where the original stays."
)
def mask_inverted(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    known = _noised(denoiser, original, generator)
    return _loop(denoiser, original, 1 - mask, cond, uncond, timesteps, scale, generator, known)


@INPAINT.mistake(
    "It looks as if the loop begins with the noised original. Begin with pure noise, `draw()`: "
    "what is under the mask should leave no trace."
)
def from_the_noised_original(
    denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None
):
    known = _noised(denoiser, original, generator)
    start = known(None, timesteps[0])
    return _loop(denoiser, original, mask, cond, uncond, timesteps, scale, generator, known, start)


@INPAINT.mistake(
    "It looks as if the loop begins in the middle of `timesteps`. New content is drawn from the "
    "very beginning: from noise, at timesteps[0]."
)
def from_the_middle(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    known = _noised(denoiser, original, generator)
    rest = timesteps[len(timesteps) // 2 :]
    return _loop(denoiser, original, mask, cond, uncond, rest, scale, generator, known)


@INPAINT.mistake(
    "It looks as if the original is put in only once, at the very end. The new part has then never "
    "seen what is around it; put the known pixels in after every step."
)
def only_at_the_end(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    x_t = _draw(original, generator)
    for t, t_prev in _pairs(timesteps):
        x_t = _step(denoiser, x_t, cond, uncond, t, t_prev, scale, generator)
    return mask * x_t + (1 - mask) * original


@INPAINT.mistake(
    "It looks as if the known pixels are never put in, or only before the first step: "
    "the steps then change them. After every step, where the mask is 0, the noised original "
    "replaces x_t."
)
def never_forced(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    x_t = _draw(original, generator)
    for t, t_prev in _pairs(timesteps):
        x_t = _step(denoiser, x_t, cond, uncond, t, t_prev, scale, generator)
    return x_t


@INPAINT.mistake(
    "It looks as if the known pixels are added to the new ones instead of replacing them: the "
    "noised original needs the factor 1 - mask, and x_t the factor mask."
)
def added_on_top(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    known = _noised(denoiser, original, generator)
    x_t = _draw(original, generator)
    for t, t_prev in _pairs(timesteps):
        x_t = _step(denoiser, x_t, cond, uncond, t, t_prev, scale, generator)
        x_t = x_t + (1 - mask) * known(t, t_prev)
    return x_t


@INPAINT.mistake(
    "It looks as if the original is noised to a place in the list: you pass i to `forward`, which "
    "wants the timestep, timesteps[i + 1]."
)
def noised_to_the_place(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    def known(t, t_prev):
        place = timesteps.index(t_prev)
        return forward(original, place, denoiser.alphas_cumprod, _draw(original, generator))

    return _loop(denoiser, original, mask, cond, uncond, timesteps, scale, generator, known)


@INPAINT.mistake(
    "It looks as if the two embeddings changed places: prompt_embeds comes before "
    "uncond_prompt_embeds."
)
def embeddings_swapped(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    known = _noised(denoiser, original, generator)
    return _loop(denoiser, original, mask, uncond, cond, timesteps, scale, generator, known)


@INPAINT.mistake(
    "It looks as if `scale` is not passed on: the strength of the guidance never changes."
)
def scale_ignored(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    known = _noised(denoiser, original, generator)
    return _loop(denoiser, original, mask, cond, uncond, timesteps, 7, generator, known)


@INPAINT.mistake(
    "It looks as if you denoise without guidance, with `iterative_denoise`. Here it is "
    "`iterative_denoise_cfg`, with both embeddings and `scale`."
)
def without_guidance(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    known, x_t = _noised(denoiser, original, generator), _draw(original, generator)
    for t, t_prev in _pairs(timesteps):
        x_t = iterative_denoise(denoiser, x_t, 0, cond, [t, t_prev], generator)
        x_t = mask * x_t + (1 - mask) * known(t, t_prev)
    return x_t


@INPAINT.mistake(
    "It looks as if `forward` draws noise of its own, so that `generator` does not decide it. Pass "
    "`draw()` as its last argument."
)
def noise_of_its_own(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    def known(t, t_prev):
        return forward(original, t_prev, denoiser.alphas_cumprod)

    return _loop(denoiser, original, mask, cond, uncond, timesteps, scale, generator, known)


@INPAINT.mistake(
    "It looks as if `generator` is not passed on to `iterative_denoise_cfg`: what `draw()` gives "
    "is repeatable, the noise of the steps is not."
)
def generator_not_passed_on(
    denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None
):
    known, x_t = _noised(denoiser, original, generator), _draw(original, generator)
    for t, t_prev in _pairs(timesteps):
        x_t = _step(denoiser, x_t, cond, uncond, t, t_prev, scale, None)
        x_t = mask * x_t + (1 - mask) * known(t, t_prev)
    return x_t


@INPAINT.mistake(
    "It looks as if `original` itself is changed: the loop begins by writing noise into it. Make a "
    "new tensor for what is denoised."
)
def original_overwritten(
    denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None
):
    keep, x_t = original.clone(), original
    x_t[:] = _draw(original, generator)
    known = _noised(denoiser, keep, generator)
    for t, t_prev in _pairs(timesteps):
        x_t[:] = _step(denoiser, x_t, cond, uncond, t, t_prev, scale, generator)
        x_t[:] = mask * x_t + (1 - mask) * known(t, t_prev)
    return x_t

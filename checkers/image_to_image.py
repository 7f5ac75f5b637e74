"""Lesson 07: what `edit` must do, and how it goes wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise
from checkers.engine.judges import all_of, same_answer, same_form, same_moments
from checkers.engine.start_judges import same_line, same_timesteps_asked
from probes.image_to_image import edit_in_a_gaussian_world, edit_quietly, edit_repeatedly
from probes.running import Inputs
from solutions.classifier_free_guidance import guide, iterative_denoise_cfg
from solutions.forward_noising import forward
from solutions.image_to_image import edit
from solutions.iterative_denoising import iterative_denoise, posterior_mean
from solutions.one_step_denoising import predict_original

COURSE_TIMESTEPS = list(range(990, -1, -30))
TIMESTEPS = [900, 700, 500, 300, 100, 0]
STD = 0.15
PROMPT = "a rocket ship"


def _two_halves(batch: int, side: int, generator: torch.Generator) -> Tensor:
    """Pictures that are dark on the left and bright on the right."""
    brightness = 0.5 + 0.3 * float(torch.rand((), generator=generator))
    picture = torch.full((batch, 3, side, side), brightness)
    picture[..., : side // 2] *= -1
    return picture + 1e-3 * torch.arange(batch).reshape(-1, 1, 1, 1)  # no two are the same


def _flat_means(side: int, generator: torch.Generator) -> dict[str, Tensor]:
    """A grey for the empty prompt and another for the prompt."""
    grey = 0.02 + 0.02 * float(torch.rand((), generator=generator))
    return {"": torch.zeros(3, side, side), PROMPT: torch.full((3, side, side), grey)}


def _call(im: Tensor, i_start: int, scale: float | None, timesteps: Sequence[int]) -> Inputs:
    return {
        "im": im,
        "i_start": i_start,
        "prompts": PROMPT,
        "timesteps": list(timesteps),
        "scale": scale,
    }


def _start_inputs(generator: torch.Generator) -> Inputs:
    """Where noise is strong, in the middle, and where it is weak."""
    im = _two_halves(4, 32, generator)
    calls = [_call(im, i_start, 1, TIMESTEPS) for i_start in (1, 2, 3)]
    return {"means": _flat_means(32, generator), "std": STD, "calls": calls}


def _asked_inputs(generator: torch.Generator) -> Inputs:
    im = _two_halves(1, 16, generator)
    calls = [_call(im, i_start, 1, TIMESTEPS) for i_start in (0, 3)]
    calls += [_call(im, i_start, 1, COURSE_TIMESTEPS) for i_start in (20, 32)]
    return {"means": _flat_means(16, generator), "std": STD, "calls": calls}


def _guided_inputs(generator: torch.Generator) -> Inputs:
    """Guidance of several strengths, and the function's own; a prompt for each picture."""
    im = _two_halves(2, 16, generator)
    calls = [
        {**_call(im, 2, scale, TIMESTEPS), "prompts": [PROMPT, ""]} for scale in (1.0, 3.5, None)
    ]
    return {"means": _flat_means(16, generator), "std": STD, "calls": calls}


def _gaussian_inputs(generator: torch.Generator) -> Inputs:
    """With the noise of every step: what comes out has a known mean and standard deviation."""
    call = _call(_two_halves(4, 32, generator), 2, 1.0, TIMESTEPS)
    return {"means": _flat_means(32, generator), "std": STD, **call}


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    call = _call(_two_halves(1, 16, generator), 3, 2.0, TIMESTEPS)
    return {"means": _flat_means(16, generator), "std": STD, **call, "seed": 180}


def _form_inputs(generator: torch.Generator) -> Inputs:
    """One picture and three, one prompt and a prompt for each, single and double precision."""
    calls = []
    for batch, dtype, prompts in (
        (1, torch.float32, PROMPT),
        (3, torch.float32, [PROMPT, "", PROMPT]),
        (2, torch.float64, PROMPT),
    ):
        call = _call(_two_halves(batch, 16, generator).to(dtype), 3, 2.0, TIMESTEPS)
        calls.append({**call, "prompts": prompts})
    return {"means": _flat_means(16, generator), "std": STD, "calls": calls}


def _sides(inputs: Inputs) -> list[str]:
    return [
        f"i_start = {call['i_start']}, on its {side} half,"
        for call in inputs["calls"]
        for side in ("left", "right")
    ]


EDIT = Exercise(
    reference=edit,
    cases=[
        Case(
            "the picture is noised to timesteps[i_start]",
            3,
            _start_inputs,
            all_of(
                same_answer(
                    lambda observed: all(observed["asked"]),
                    says="Your function never asks the denoiser.",
                ),
                same_moments("halves", what="the noisy picture", labels=_sides),
            ),
            edit_quietly,
        ),
        Case(
            "denoising begins at timesteps[i_start] and visits every later timestep",
            2,
            _asked_inputs,
            same_timesteps_asked(),
            edit_quietly,
        ),
        Case(
            "every step is guided, by the prompt and by `scale`",
            2,
            _guided_inputs,
            same_line(),
            edit_quietly,
        ),
        Case(
            "in a world where the answer is known, the results spread as they should",
            1,
            _gaussian_inputs,
            same_moments(
                "halves", what="the result", labels=lambda _: ["the left half,", "the right half,"]
            ),
            edit_in_a_gaussian_world,
        ),
        Case(
            "a `generator` makes the result repeatable; without one, every call draws anew",
            1,
            _repeat_inputs,
            all_of(
                same_answer(
                    "quiet_same_seed",
                    says="Two generators with the same seed lead to two different noisy pictures. "
                    "Noise the picture with the `noise` of the first lines.",
                ),
                same_answer(
                    "same_seed",
                    says="Two generators with the same seed give one noisy picture but two "
                    "different results. Pass `generator` on to the loop.",
                ),
                same_answer(
                    "unseeded",
                    says="Two calls without a generator give the same result: new noise should be "
                    "drawn every time.",
                ),
            ),
            edit_repeatedly,
        ),
        Case(
            "shape, dtype and device are kept, and no input is changed",
            1,
            _form_inputs,
            same_form(),
            edit_quietly,
        ),
    ],
    hints=[
        "Two earlier functions do all the work: `forward` noises, `iterative_denoise_cfg` "
        "denoises. What is left is to pass each of them the right timestep.",
        "`forward` wants the timestep itself, `timesteps[i_start]`, and the noise you were given: "
        "`forward(im, timesteps[i_start], denoiser.alphas_cumprod, noise)`.",
        "`iterative_denoise_cfg` wants the place in the list, `i_start`, and the whole list. Pass "
        "`scale` and `generator` on too.",
    ],
)
EXERCISES = [EDIT]


def _draw(im, generator):
    drawn_on = im.device if generator is None else generator.device
    return torch.randn(im.shape, generator=generator, device=drawn_on).to(im.device, im.dtype)


def _denoised(denoiser, x_t, i_start, cond, uncond, timesteps, scale, generator, clamped=False):
    """The guided loop, written out, with one call for each estimate."""
    abar = denoiser.alphas_cumprod
    for t, t_prev in zip(timesteps[i_start:], timesteps[i_start + 1 :], strict=False):
        with_prompt, without = denoiser(x_t, t, cond), denoiser(x_t, t, uncond)
        noise = guide(without.noise, with_prompt.noise, scale)
        x_0 = predict_original(x_t, t, noise, abar)
        x_0 = x_0.clamp(-1, 1) if clamped else x_0
        mean = posterior_mean(x_t, x_0, t, t_prev, abar)
        x_t = denoiser.add_variance(mean, with_prompt.variance, t, t_prev, generator)
    return x_t


@EDIT.right_answer
def with_a_loop_of_its_own(
    denoiser,
    im,
    i_start,
    prompt_embeds,
    uncond_prompt_embeds,
    timesteps,
    scale=7,
    generator=None,
):
    abar = denoiser.alphas_cumprod[timesteps[i_start]].to(im.dtype)
    x_t = abar**0.5 * im + (1 - abar) ** 0.5 * _draw(im, generator)
    embeds = prompt_embeds, uncond_prompt_embeds
    return _denoised(denoiser, x_t, i_start, *embeds, timesteps, scale, generator, clamped=True)


@EDIT.right_answer
def from_the_start_of_a_shorter_list(
    model, picture, start, cond, uncond, steps, gamma=7, generator=None
):
    steps = steps[start:]
    noise = _draw(picture, generator)
    noisy = forward(picture, torch.tensor(steps[0]), model.alphas_cumprod, noise=noise)
    return iterative_denoise_cfg(
        model, noisy, 0, cond, uncond, steps, scale=gamma, generator=generator
    )


@EDIT.right_answer
def one_picture_at_a_time(
    denoiser,
    im,
    i_start,
    prompt_embeds,
    uncond_prompt_embeds,
    timesteps,
    scale=7,
    generator=None,
):
    cond = prompt_embeds.expand(len(im), *prompt_embeds.shape[1:])
    done = []
    for k in range(len(im)):
        one, prompt = im[k : k + 1], cond[k : k + 1]
        noisy = forward(one, timesteps[i_start], denoiser.alphas_cumprod, _draw(one, generator))
        done.append(
            iterative_denoise_cfg(
                denoiser, noisy, i_start, prompt, uncond_prompt_embeds, timesteps, scale, generator
            )
        )
    return torch.cat(done)


@EDIT.right_answer
def noised_with_numpy(
    denoiser,
    im,
    i_start,
    prompt_embeds,
    uncond_prompt_embeds,
    timesteps,
    scale=7,
    generator=None,
):
    abar = float(denoiser.alphas_cumprod[timesteps[i_start]])
    noisy = np.sqrt(abar) * im.numpy() + np.sqrt(1 - abar) * _draw(im, generator).numpy()
    noisy = torch.from_numpy(noisy.astype(im.numpy().dtype))
    return iterative_denoise_cfg(
        denoiser,
        noisy,
        i_start,
        prompt_embeds,
        uncond_prompt_embeds,
        timesteps,
        scale,
        generator,
    )


@EDIT.mistake(
    "It looks as if the noise is grey: the three channels of a picture get the same. Draw noise of "
    "the picture's whole shape, im.shape."
)
def grey_noise(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noise = _draw(im[:, :1], generator).expand_as(im)
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, noise)
    return _denoised(denoiser, noisy, i_start, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "It looks as if the picture is noised to i_start itself. i_start is a place in the list; the "
    "timestep there is timesteps[i_start]."
)
def noised_to_the_place(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, i_start, denoiser.alphas_cumprod, _draw(im, generator))
    return _denoised(denoiser, noisy, i_start, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "It looks as if denoising begins one timestep late. After noising to timesteps[i_start], the "
    "loop starts at i_start too, not at i_start + 1."
)
def loop_one_late(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    return _denoised(denoiser, noisy, i_start + 1, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "It looks as if denoising begins one timestep early: the loop starts at i_start - 1, where the "
    "denoiser expects more noise than there is. Pass it the same i_start."
)
def loop_one_early(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    first = max(i_start - 1, 0)
    return _denoised(denoiser, noisy, first, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "It looks as if the picture is noised one timestep too little, to timesteps[i_start + 1]. "
    "Noise it to timesteps[i_start], where the loop begins."
)
def noised_one_late(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    t = timesteps[i_start + 1]
    noisy = forward(im, t, denoiser.alphas_cumprod, _draw(im, generator))
    return _denoised(denoiser, noisy, i_start, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "It looks as if the clean picture goes into the loop. Noise it first, with `forward`: the "
    "denoiser takes at timesteps[i_start] for noise whatever is there."
)
def not_noised(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    return _denoised(denoiser, im.clone(), i_start, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "It looks as if the loop begins with pure noise, so that nothing of the picture is left. Begin "
    "with the picture, noised by `forward`."
)
def from_pure_noise(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noise = _draw(im, generator)
    return _denoised(denoiser, noise, i_start, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "It looks as if the loop always begins at the first timestep. The picture has the noise of "
    "timesteps[i_start]; pass i_start on."
)
def loop_from_the_first(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    return _denoised(denoiser, noisy, 0, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "It looks as if i_start counts twice: you pass timesteps[i_start:] and i_start too. Pass "
    "either the whole list with i_start, or the shorter list with 0."
)
def counted_twice(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    rest = timesteps[i_start:]
    return _denoised(denoiser, noisy, i_start, cond, uncond, rest, scale, generator)


@EDIT.mistake(
    "It looks as if `scale` is not passed on: the strength of the guidance never changes."
)
def scale_ignored(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    return _denoised(denoiser, noisy, i_start, cond, uncond, timesteps, 7, generator)


@EDIT.mistake(
    "It looks as if the two embeddings changed places: prompt_embeds comes before "
    "uncond_prompt_embeds."
)
def embeddings_swapped(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    return _denoised(denoiser, noisy, i_start, uncond, cond, timesteps, scale, generator)


@EDIT.mistake(
    "It looks as if you denoise without guidance, with `iterative_denoise`. Here it is "
    "`iterative_denoise_cfg`, with both embeddings and `scale`."
)
def without_guidance(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    return iterative_denoise(denoiser, noisy, i_start, cond, timesteps, generator)


@EDIT.mistake(
    "It looks as if `forward` draws noise of its own, so that `generator` does not decide it. Pass "
    "`noise` as its last argument."
)
def noise_of_its_own(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod)
    return _denoised(denoiser, noisy, i_start, cond, uncond, timesteps, scale, generator)


@EDIT.mistake(
    "It looks as if `generator` is not passed on to `iterative_denoise_cfg`: only the first noise "
    "is repeatable, that of the steps is not."
)
def generator_not_passed_on(
    denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None
):
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    return _denoised(denoiser, noisy, i_start, cond, uncond, timesteps, scale, None)


@EDIT.mistake(
    "It looks as if the loop adds no noise of its own: every step ends with "
    "`denoiser.add_variance`, also here. `iterative_denoise_cfg` does it for you."
)
def no_variance(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    x_t = forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))
    abar = denoiser.alphas_cumprod
    for t, t_prev in zip(timesteps[i_start:], timesteps[i_start + 1 :], strict=False):
        noise = guide(denoiser(x_t, t, uncond).noise, denoiser(x_t, t, cond).noise, scale)
        x_0 = predict_original(x_t, t, noise, abar)
        x_t = posterior_mean(x_t, x_0, t, t_prev, abar)
    return x_t


@EDIT.mistake(
    "It looks as if you return the noisy picture, and never denoise it. "
    "Return what `iterative_denoise_cfg` gives."
)
def only_noised(denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None):
    return forward(im, timesteps[i_start], denoiser.alphas_cumprod, _draw(im, generator))

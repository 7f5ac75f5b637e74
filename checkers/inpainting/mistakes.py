"""Lesson 08: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

from itertools import pairwise

import torch

from checkers.inpainting.exercises import INPAINT
from solutions.classifier_free_guidance import guide
from solutions.forward_noising import forward
from solutions.iterative_denoising import iterative_denoise, posterior_mean
from solutions.one_step_denoising import predict_original


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
    "the noise is grey: the three channels of a picture get the same. Draw noise of "
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
    "the clean original is put in at every step. The denoiser expects the noise of "
    "its timestep everywhere; noise the original with `forward` to the timestep just reached."
)
def clean_original(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    return _loop(
        denoiser, original, mask, cond, uncond, timesteps, scale, generator, lambda t, p: original
    )


@INPAINT.mistake(
    "the known pixels are noised to t, where the step began. After the step the "
    "picture is at the next timestep, and the known pixels must be too: the denoiser sees more "
    "noise on one side of the seam than on the other."
)
def noised_to_the_old_timestep(
    denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None
):
    def known(t, t_prev):
        return forward(original, t, denoiser.alphas_cumprod, _draw(original, generator))

    return _loop(denoiser, original, mask, cond, uncond, timesteps, scale, generator, known)


@INPAINT.mistake("the mask is inverted: 1 is where new content goes, 0 where the original stays.")
def mask_inverted(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    known = _noised(denoiser, original, generator)
    return _loop(denoiser, original, 1 - mask, cond, uncond, timesteps, scale, generator, known)


@INPAINT.mistake(
    "the loop begins with the noised original. Begin with pure noise, `draw()`: "
    "what is under the mask should leave no trace."
)
def from_the_noised_original(
    denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None
):
    known = _noised(denoiser, original, generator)
    start = known(None, timesteps[0])
    return _loop(denoiser, original, mask, cond, uncond, timesteps, scale, generator, known, start)


@INPAINT.mistake(
    "the loop begins in the middle of `timesteps`. New content is drawn from the "
    "very beginning: from noise, at timesteps[0]."
)
def from_the_middle(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    known = _noised(denoiser, original, generator)
    rest = timesteps[len(timesteps) // 2 :]
    return _loop(denoiser, original, mask, cond, uncond, rest, scale, generator, known)


@INPAINT.mistake(
    "the original is put in only once, at the very end. The new part has then never "
    "seen what is around it; put the known pixels in after every step."
)
def only_at_the_end(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    x_t = _draw(original, generator)
    for t, t_prev in _pairs(timesteps):
        x_t = _step(denoiser, x_t, cond, uncond, t, t_prev, scale, generator)
    return mask * x_t + (1 - mask) * original


@INPAINT.mistake(
    "the known pixels are never put in, or only before the first step: "
    "the steps then change them. After every step, where the mask is 0, the noised original "
    "replaces x_t."
)
def never_forced(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    x_t = _draw(original, generator)
    for t, t_prev in _pairs(timesteps):
        x_t = _step(denoiser, x_t, cond, uncond, t, t_prev, scale, generator)
    return x_t


@INPAINT.mistake(
    "the known pixels are added to the new ones instead of replacing them: the "
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
    "the original is noised to a place in the list: you pass i to `forward`, which "
    "wants the timestep, timesteps[i + 1]."
)
def noised_to_the_place(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    def known(t, t_prev):
        place = timesteps.index(t_prev)
        return forward(original, place, denoiser.alphas_cumprod, _draw(original, generator))

    return _loop(denoiser, original, mask, cond, uncond, timesteps, scale, generator, known)


@INPAINT.mistake(
    "the two embeddings changed places: prompt_embeds comes before uncond_prompt_embeds."
)
def embeddings_swapped(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    known = _noised(denoiser, original, generator)
    return _loop(denoiser, original, mask, uncond, cond, timesteps, scale, generator, known)


@INPAINT.mistake("`scale` is not passed on: the strength of the guidance never changes.")
def scale_ignored(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    known = _noised(denoiser, original, generator)
    return _loop(denoiser, original, mask, cond, uncond, timesteps, 7, generator, known)


@INPAINT.mistake(
    "you denoise without guidance, with `iterative_denoise`. Here it is "
    "`iterative_denoise_cfg`, with both embeddings and `scale`."
)
def without_guidance(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    known, x_t = _noised(denoiser, original, generator), _draw(original, generator)
    for t, t_prev in _pairs(timesteps):
        x_t = iterative_denoise(denoiser, x_t, 0, cond, [t, t_prev], generator)
        x_t = mask * x_t + (1 - mask) * known(t, t_prev)
    return x_t


@INPAINT.mistake(
    "`forward` draws noise of its own, so that `generator` does not decide it. Pass "
    "`draw()` as its last argument."
)
def noise_of_its_own(denoiser, original, mask, cond, uncond, timesteps, scale=7, generator=None):
    def known(t, t_prev):
        return forward(original, t_prev, denoiser.alphas_cumprod)

    return _loop(denoiser, original, mask, cond, uncond, timesteps, scale, generator, known)


@INPAINT.mistake(
    "`generator` is not passed on to `iterative_denoise_cfg`: what `draw()` gives "
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
    "`original` itself is changed: the loop begins by writing noise into it. Make a "
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

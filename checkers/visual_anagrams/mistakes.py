"""Lesson 09: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from checkers.visual_anagrams.exercises import ANAGRAM_NOISE, MAKE_FLIP_ILLUSION
from solutions.iterative_denoising import posterior_mean
from solutions.one_step_denoising import predict_original

# --- anagram_noise --------------------------------------------------------------------------------


def _upside_down(x: Tensor) -> Tensor:
    return x.flip(-2)


def _guided(
    denoiser: Any, x: Tensor, t: Any, embeds: Tensor, uncond: Tensor, scale: float
) -> Tensor:
    """The guided estimate of one view, for the answers below."""
    noise_uncond = denoiser(x, t, uncond).noise
    return noise_uncond + scale * (denoiser(x, t, embeds).noise - noise_uncond)


def _both(
    denoiser: Any, x: Tensor, t: Any, pair: Any, uncond: Tensor, scale: float
) -> tuple[Tensor, Tensor]:
    """The right estimate, for the loops below."""
    noise_1 = _guided(denoiser, x, t, pair[0], uncond, scale)
    noise_2 = _guided(denoiser, x.flip(-2), t, pair[1], uncond, scale).flip(-2)
    return (noise_1 + noise_2) / 2, denoiser(x, t, pair[0]).variance


def guide(noise_uncond, noise_cond, scale):
    return (1 - scale) * noise_uncond + scale * noise_cond


def _variance_of(denoiser: Any, x: Tensor, t: Any, pair: Any) -> Tensor:
    return denoiser(x, t, pair[0]).variance


@ANAGRAM_NOISE.mistake(
    "the second estimate is not flipped back. It belongs to the picture that stands "
    "on its head, so it stands on its head too: noise_2.flip(-2)."
)
def not_flipped_back(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise_1 = _guided(denoiser, x_t, t, prompt_pair_embeds[0], uncond_prompt_embeds, scale)
    noise_2 = _guided(
        denoiser, _upside_down(x_t), t, prompt_pair_embeds[1], uncond_prompt_embeds, scale
    )
    return (noise_1 + noise_2) / 2, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "the second prompt's estimate is flipped, but the picture it was asked about is "
    "not. Show the denoiser x_t.flip(-2) with the second prompt."
)
def not_flipped_before(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise_1 = _guided(denoiser, x_t, t, prompt_pair_embeds[0], uncond_prompt_embeds, scale)
    noise_2 = _guided(denoiser, x_t, t, prompt_pair_embeds[1], uncond_prompt_embeds, scale)
    noise = (noise_1 + _upside_down(noise_2)) / 2
    return noise, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "nothing is flipped: both prompts look at the same upright picture, which makes "
    "a mixture of two subjects and no anagram."
)
def nothing_flipped(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise_1 = _guided(denoiser, x_t, t, prompt_pair_embeds[0], uncond_prompt_embeds, scale)
    noise_2 = _guided(denoiser, x_t, t, prompt_pair_embeds[1], uncond_prompt_embeds, scale)
    return (noise_1 + noise_2) / 2, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "the unconditional estimate of the upright view is used for both. The second "
    "view needs its own: ask with the empty prompt about the flipped picture as well."
)
def one_unconditional_estimate(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    uncond = denoiser(x_t, t, uncond_prompt_embeds).noise
    cond_1 = denoiser(x_t, t, prompt_pair_embeds[0]).noise
    cond_2 = _upside_down(denoiser(_upside_down(x_t), t, prompt_pair_embeds[1]).noise)
    noise = (guide(uncond, cond_1, scale) + guide(uncond, cond_2, scale)) / 2
    return noise, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "the second view is guided by the upright view's unconditional estimate, and "
    "flipped only afterwards. Everything in that view must come from the flipped picture."
)
def upright_estimate_in_the_second_view(
    denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7
):
    uncond = denoiser(x_t, t, uncond_prompt_embeds).noise
    noise_1 = guide(uncond, denoiser(x_t, t, prompt_pair_embeds[0]).noise, scale)
    cond_2 = denoiser(_upside_down(x_t), t, prompt_pair_embeds[1]).noise
    noise = (noise_1 + _upside_down(guide(uncond, cond_2, scale))) / 2
    return noise, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "the two estimates are added and not halved. There is only one noise in the "
    "picture, and both views estimate it: take their mean."
)
def summed(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise, variance = _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale)
    return 2 * noise, variance


@ANAGRAM_NOISE.mistake(
    "the picture is mirrored left to right. Upside down is the axis before the "
    "last: flip(-2), or dims=[2] of (B, C, H, W)."
)
def flipped_left_to_right(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise_1 = _guided(denoiser, x_t, t, prompt_pair_embeds[0], uncond_prompt_embeds, scale)
    noise_2 = _guided(denoiser, x_t.flip(-1), t, prompt_pair_embeds[1], uncond_prompt_embeds, scale)
    noise = (noise_1 + noise_2.flip(-1)) / 2
    return noise, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "the picture is turned by half a circle. That is a good view too, but in this "
    "exercise only the rows change places: flip(-2) alone."
)
def turned_by_half_a_circle(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise_1 = _guided(denoiser, x_t, t, prompt_pair_embeds[0], uncond_prompt_embeds, scale)
    turned = x_t.flip(-1, -2)
    noise_2 = _guided(denoiser, turned, t, prompt_pair_embeds[1], uncond_prompt_embeds, scale)
    noise = (noise_1 + noise_2.flip(-1, -2)) / 2
    return noise, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "the colour channels are reversed, not the rows. In (B, C, H, W) the rows are "
    "axis 2; axis 1 holds the channels."
)
def channels_flipped(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise_1 = _guided(denoiser, x_t, t, prompt_pair_embeds[0], uncond_prompt_embeds, scale)
    noise_2 = _guided(denoiser, x_t.flip(1), t, prompt_pair_embeds[1], uncond_prompt_embeds, scale)
    noise = (noise_1 + noise_2.flip(1)) / 2
    return noise, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "the prompts changed places: the first belongs to the upright picture, the "
    "second to the one upside down."
)
def prompts_swapped(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    swapped = (prompt_pair_embeds[1], prompt_pair_embeds[0])
    return _both(denoiser, x_t, t, swapped, uncond_prompt_embeds, scale)


@ANAGRAM_NOISE.mistake(
    "both views get the first prompt. The flipped one needs prompt_pair_embeds[1]."
)
def first_prompt_twice(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    twice = (prompt_pair_embeds[0], prompt_pair_embeds[0])
    return _both(denoiser, x_t, t, twice, uncond_prompt_embeds, scale)


@ANAGRAM_NOISE.mistake(
    "there is no guidance: the prompts' estimates are used as they are. Guide each "
    "view with its own unconditional estimate and `scale`."
)
def not_guided(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    return _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, 1.0)


@ANAGRAM_NOISE.mistake(
    "only the upright view is guided; the second one's estimate is the prompt's own."
)
def only_the_first_guided(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise_1 = _guided(denoiser, x_t, t, prompt_pair_embeds[0], uncond_prompt_embeds, scale)
    noise_2 = denoiser(_upside_down(x_t), t, prompt_pair_embeds[1]).noise
    noise = (noise_1 + _upside_down(noise_2)) / 2
    return noise, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "guidance starts from the prompt's estimate, cond + scale (cond - uncond). It "
    "starts from the other one: uncond + scale (cond - uncond), which is `guide`."
)
def guided_from_the_prompt(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    return _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale + 1)


@ANAGRAM_NOISE.mistake(
    "the arguments of guide changed places: guide(noise_uncond, noise_cond, scale)."
)
def guide_swapped(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    return _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, 1 - scale)


@ANAGRAM_NOISE.mistake("the scale is fixed at 7 inside your function. Use the argument `scale`.")
def scale_fixed(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    return _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, 7)


@ANAGRAM_NOISE.mistake(
    "the first pair of prompts is used for all pictures. The embeddings may hold "
    "one row for each picture; pass them on whole."
)
def first_pair_for_all(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    first = tuple(embeds[:1] for embeds in prompt_pair_embeds)
    return _both(denoiser, x_t, t, first, uncond_prompt_embeds, scale)


@ANAGRAM_NOISE.mistake(
    "the variance comes from the estimate without a prompt. Take it from a prompt's "
    "estimate, the first, say."
)
def variance_without_a_prompt(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise, _ = _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale)
    return noise, denoiser(x_t, t, uncond_prompt_embeds).variance


@ANAGRAM_NOISE.mistake(
    "the variance is guided like the noise. Guidance is for the noise only; pass on "
    "the variance of a prompt's estimate."
)
def variance_guided(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise, variance = _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale)
    return noise, guide(denoiser(x_t, t, uncond_prompt_embeds).variance, variance, scale)


@ANAGRAM_NOISE.mistake(
    "only the noise is returned. make_flip_illusion needs the variance too: "
    "`return noise, variance`."
)
def noise_alone(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    return _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale)[0]


# --- make_flip_illusion ---------------------------------------------------------------------------


def _loop(
    denoiser,
    x,
    steps,
    pair,
    uncond,
    scale,
    generator,
    estimate=_both,
    mean=posterior_mean,
):
    """The right loop over pairs of timesteps, with a part exchanged."""
    for t, t_prev in steps:
        noise, variance = estimate(denoiser, x, t, pair, uncond, scale)
        x_0 = predict_original(x, t, noise, denoiser.alphas_cumprod)
        x = mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(x, variance, t, t_prev, generator)
    return x


def _pairs(timesteps, i_start):
    return list(pairwise(timesteps[i_start:]))


@MAKE_FLIP_ILLUSION.mistake(
    "the second estimate is not flipped back. Does your anagram_noise pass its own check?"
)
def loop_not_flipped_back(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    def estimate(denoiser, x, t, pair, uncond, scale):
        noise_1 = _guided(denoiser, x, t, pair[0], uncond, scale)
        noise_2 = _guided(denoiser, x.flip(-2), t, pair[1], uncond, scale)
        return (noise_1 + noise_2) / 2, denoiser(x, t, pair[0]).variance

    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, x, steps, pair, uncond, scale, generator, estimate)


@MAKE_FLIP_ILLUSION.mistake(
    "nothing is flipped: both prompts look at the upright picture. Does your "
    "anagram_noise pass its own check?"
)
def loop_nothing_flipped(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    def estimate(denoiser, x, t, pair, uncond, scale):
        noise_1 = _guided(denoiser, x, t, pair[0], uncond, scale)
        noise_2 = _guided(denoiser, x, t, pair[1], uncond, scale)
        return (noise_1 + noise_2) / 2, denoiser(x, t, pair[0]).variance

    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, x, steps, pair, uncond, scale, generator, estimate)


@MAKE_FLIP_ILLUSION.mistake(
    "the estimates of both views are added and not halved. Does your anagram_noise "
    "pass its own check?"
)
def loop_summed(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    def estimate(denoiser, x, t, pair, uncond, scale):
        noise, variance = _both(denoiser, x, t, pair, uncond, scale)
        return 2 * noise, variance

    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, x, steps, pair, uncond, scale, generator, estimate)


@MAKE_FLIP_ILLUSION.mistake(
    "x_t itself is flipped from step to step. In the loop it always stands upright; "
    "only anagram_noise flips, and flips back."
)
def picture_flipped_in_the_loop(
    denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None
):
    for step in _pairs(timesteps, i_start):
        x = _loop(denoiser, x, [step], pair, uncond, scale, generator).flip(-2)
    return x


@MAKE_FLIP_ILLUSION.mistake(
    "two pictures are made one by one and averaged at the end. Then neither prompt "
    "knows of the other: take the mean of the two estimates of the noise in every step."
)
def averaged_at_the_end(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    def upright(denoiser, x, t, pair, uncond, scale):
        return _guided(denoiser, x, t, pair[0], uncond, scale), denoiser(x, t, pair[0]).variance

    def turned(denoiser, x, t, pair, uncond, scale):
        return _guided(denoiser, x, t, pair[1], uncond, scale), denoiser(x, t, pair[1]).variance

    steps = _pairs(timesteps, i_start)
    one = _loop(denoiser, x, steps, pair, uncond, scale, generator, upright)
    other = _loop(denoiser, x.flip(-2), steps, pair, uncond, scale, generator, turned)
    return (one + other.flip(-2)) / 2


@MAKE_FLIP_ILLUSION.mistake(
    "the two prompts take turns, one step each. Every step needs both views: one "
    "call of anagram_noise."
)
def prompts_take_turns(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    def first(denoiser, x, t, pair, uncond, scale):
        return _guided(denoiser, x, t, pair[0], uncond, scale), denoiser(x, t, pair[0]).variance

    def second(denoiser, x, t, pair, uncond, scale):
        noise = _guided(denoiser, x.flip(-2), t, pair[1], uncond, scale).flip(-2)
        return noise, denoiser(x, t, pair[1]).variance

    for number, step in enumerate(_pairs(timesteps, i_start)):
        estimate = second if number % 2 else first
        x = _loop(denoiser, x, [step], pair, uncond, scale, generator, estimate)
    return x


@MAKE_FLIP_ILLUSION.mistake(
    "the prompts of the pair changed places on the way to anagram_noise: the first "
    "is the upright one."
)
def loop_prompts_swapped(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, x, steps, (pair[1], pair[0]), uncond, scale, generator)


@MAKE_FLIP_ILLUSION.mistake("`scale` is not passed on, so that anagram_noise works with its own 7.")
def scale_not_passed(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    return _loop(denoiser, x, _pairs(timesteps, i_start), pair, uncond, 7, generator)


@MAKE_FLIP_ILLUSION.mistake(
    "the loop takes one step too few and stops before timesteps[-1]. There is a "
    "step for every pair of neighbours: range(i_start, len(timesteps) - 1)."
)
def one_step_too_few(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    steps = _pairs(timesteps, i_start)[:-1]
    return _loop(denoiser, x, steps, pair, uncond, scale, generator)


@MAKE_FLIP_ILLUSION.mistake(
    "the loop starts one timestep too late. im_noisy has the noise of "
    "timesteps[i_start]; the first step starts there."
)
def starts_one_late(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    steps = _pairs(timesteps, i_start + 1)
    return _loop(denoiser, x, steps, pair, uncond, scale, generator)


@MAKE_FLIP_ILLUSION.mistake(
    "i_start is ignored and the loop always begins with timesteps[0]. im_noisy has "
    "the noise of timesteps[i_start]."
)
def start_ignored(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    return _loop(denoiser, x, _pairs(timesteps, 0), pair, uncond, scale, generator)


@MAKE_FLIP_ILLUSION.mistake(
    "no noise is added. After posterior_mean, call denoiser.add_variance and go on "
    "with what it returns."
)
def no_noise_added(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    for t, t_prev in _pairs(timesteps, i_start):
        noise, _ = _both(denoiser, x, t, pair, uncond, scale)
        x_0 = predict_original(x, t, noise, denoiser.alphas_cumprod)
        x = posterior_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
    return x


@MAKE_FLIP_ILLUSION.mistake(
    "add_variance got t_prev before t. The order is add_variance(mean, variance, "
    "t, t_prev), the noisier timestep first."
)
def noise_with_timesteps_swapped(
    denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None
):
    for t, t_prev in _pairs(timesteps, i_start):
        noise, variance = _both(denoiser, x, t, pair, uncond, scale)
        x_0 = predict_original(x, t, noise, denoiser.alphas_cumprod)
        x = posterior_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(x, variance, t_prev, t, generator)
    return x


@MAKE_FLIP_ILLUSION.mistake(
    "add_variance gets the noise where it needs the variance, the second of the two "
    "tensors that anagram_noise returns."
)
def noise_for_variance(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    def estimate(denoiser, x, t, pair, uncond, scale):
        noise, _ = _both(denoiser, x, t, pair, uncond, scale)
        return noise, noise

    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, x, steps, pair, uncond, scale, generator, estimate)


@MAKE_FLIP_ILLUSION.mistake(
    "the estimate of the noise is used where x_0 belongs. Turn it into x_0 first, "
    "with predict_original."
)
def noise_for_x_0(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    for t, t_prev in _pairs(timesteps, i_start):
        noise, variance = _both(denoiser, x, t, pair, uncond, scale)
        x = posterior_mean(x, noise, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(x, variance, t, t_prev, generator)
    return x


@MAKE_FLIP_ILLUSION.mistake(
    "x_0 itself goes on to the next step. Go only to t_prev: the mean that "
    "posterior_mean gives, plus noise."
)
def x_0_goes_on(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    def mean(x_t, x_0, t, t_prev, abar):
        return x_0

    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, x, steps, pair, uncond, scale, generator, mean=mean)


@MAKE_FLIP_ILLUSION.mistake("posterior_mean got t_prev, t instead of t, t_prev.")
def mean_with_timesteps_swapped(
    denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None
):
    def mean(x_t, x_0, t, t_prev, abar):
        return posterior_mean(x_t, x_0, t_prev, t, abar)

    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, x, steps, pair, uncond, scale, generator, mean=mean)


@MAKE_FLIP_ILLUSION.mistake(
    "`generator` is not passed on to add_variance, which then draws from torch's global generator."
)
def generator_ignored(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    return _loop(denoiser, x, _pairs(timesteps, i_start), pair, uncond, scale, None)


@MAKE_FLIP_ILLUSION.mistake("the loop starts from new noise. It should start from im_noisy.")
def starts_from_new_noise(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    fresh = torch.randn(x.shape, generator=generator).to(x)
    return _loop(denoiser, fresh, _pairs(timesteps, i_start), pair, uncond, scale, generator)


@MAKE_FLIP_ILLUSION.mistake(
    "x_t is clamped to [-1, 1] in every step. Noise reaches beyond that; clamp nothing."
)
def x_t_clamped(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    for step in _pairs(timesteps, i_start):
        x = _loop(denoiser, x, [step], pair, uncond, scale, generator).clamp(-1, 1)
    return x

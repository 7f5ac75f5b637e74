"""Lesson 09: what `anagram_noise` and `make_flip_illusion` must do, and how they go wrong."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.functional import vflip

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges import all_of, same_answer, same_form, same_values
from checkers.engine.loop_judges import same_noise_added, same_path
from lessons.workbench.denoiser import NoiseEstimate
from lessons.workbench.noise_schedule import squared_cosine_alphas_cumprod
from probes.running import Inputs
from probes.visual_anagrams import (
    denoise_quietly,
    denoise_repeatedly,
    denoise_to_points,
    estimate_once,
)
from solutions.iterative_denoising import posterior_mean
from solutions.one_step_denoising import predict_original
from solutions.visual_anagrams import anagram_noise, make_flip_illusion

CAT = "a cat"
SUNFLOWER = "a sunflower"
SKULL = "a skull"
PROMPTS = ("", CAT, SUNFLOWER, SKULL)
STD = 0.1
UNEVEN_TIMESTEPS = [990, 780, 560, 333, 130, 40, 0]


def _pictures(generator: torch.Generator, count: int, side: int, reach: float) -> Tensor:
    """Smooth random pictures within [-reach, reach], so that a report's pictures show something."""
    coarse = torch.rand(count, 3, 4, 4, generator=generator) * 2 - 1
    smooth = torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")
    return smooth * reach


def _noise(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator)


def _means(generator: torch.Generator, side: int, reach: float) -> dict[str, Tensor]:
    """A picture for each prompt, and one for no prompt."""
    return dict(zip(PROMPTS, _pictures(generator, len(PROMPTS), side, reach), strict=True))


# --- anagram_noise --------------------------------------------------------------------------------


def _look(
    generator: torch.Generator,
    scale: float,
    pair: tuple[tuple[str, ...], tuple[str, ...]] = ((CAT,), (SUNFLOWER,)),
    batch: int = 1,
    t: int | Tensor = 500,
    side: int = 16,
) -> Inputs:
    return {
        "means": _means(generator, side, 0.6),
        "x_t": _noise(generator, batch, 3, side, side),
        "t": t,
        "prompts": [list(prompts) for prompts in pair],
        "scale": scale,
    }


def _view_inputs(generator: torch.Generator) -> Inputs:
    """With a guidance of 1 only the two prompts' own estimates count."""
    calls = [_look(generator, 1.0, t=t) for t in (250, 500, torch.tensor(750))]
    return {"std": STD, "calls": calls}


def _guidance_inputs(generator: torch.Generator) -> Inputs:
    """Guidance of 0 (no prompt), of 3 and of 7."""
    return {"std": STD, "calls": [_look(generator, scale) for scale in (0.0, 3.0, 7.0)]}


def _pair_inputs(generator: torch.Generator) -> Inputs:
    """One pair for all pictures of a batch, and a pair for each picture."""
    return {
        "std": STD,
        "calls": [
            _look(generator, 2.0, ((SKULL,), (CAT,)), batch=3),
            _look(generator, 2.0, ((CAT, SKULL), (SUNFLOWER, CAT)), batch=2),
        ],
    }


def _look_form_inputs(generator: torch.Generator) -> Inputs:
    """A batch, and double precision."""
    double = _look(generator, 2.0, side=20)
    double["x_t"] = double["x_t"].double()
    return {"std": STD, "calls": [_look(generator, 2.0, batch=2), double]}


def _scales(inputs: Inputs) -> list[str]:
    return [f"t = {int(call['t'])}, scale = {call['scale']:g}" for call in inputs["calls"]]


def _same_variance(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare the second part of each result."""
    parts = observed.get("parts")
    if parts != expected["parts"]:
        return Verdict(
            False,
            "anagram_noise should return two tensors, the noise and the variance: "
            "`return noise, variance`.",
        )
    verdict = same_values("variance", what="the variance", labels=_scales)(
        observed, expected, inputs
    )
    if verdict.passed:
        return verdict
    return Verdict(
        False,
        "The second tensor should be the `variance` of a prompt's estimate, as the denoiser "
        f"gave it. {verdict.message}",
    )


ANAGRAM_NOISE = Exercise(
    reference=anagram_noise,
    cases=[
        Case(
            "with guidance 1, it is the mean of what both views see",
            2,
            _view_inputs,
            same_values("noise", what="the noise", labels=_scales, atol=1e-4, show=True),
            estimate_once,
        ),
        Case(
            "guidance acts in each view on its own",
            2,
            _guidance_inputs,
            same_values("noise", what="the noise", labels=_scales, atol=1e-3, show=True),
            estimate_once,
        ),
        Case(
            "each picture gets its own pair of prompts",
            1,
            _pair_inputs,
            same_values("noise", what="the noise", labels=_scales, atol=1e-3, show=True),
            estimate_once,
        ),
        Case(
            "the variance comes along, that of an estimate with a prompt",
            1,
            _guidance_inputs,
            _same_variance,
            estimate_once,
        ),
        Case(
            "shape, dtype and device are kept, and no input is changed",
            1,
            _look_form_inputs,
            same_form("noise", what="the noise"),
            estimate_once,
        ),
    ],
    hints=[
        "Look twice: once at x_t with the first prompt, once at `x_t.flip(-2)` with the second. "
        "Each look needs the estimate with its prompt and the one with the empty prompt.",
        "Guide each look on its own: `guide(noise_uncond, noise_cond, scale)`, both of them from "
        "the same picture.",
        "The second look's noise lies upside down, as the picture did. Flip it back, then take the "
        "mean: `(noise_1 + noise_2.flip(-2)) / 2`.",
    ],
)


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


@ANAGRAM_NOISE.right_answer
def four_calls(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    first, second = prompt_pair_embeds
    flipped = torch.flip(x_t, dims=[2])
    cond_1 = denoiser(x_t, t, first)
    cond_2 = denoiser(flipped, t, second)
    noise_1 = guide(denoiser(x_t, t, uncond_prompt_embeds).noise, cond_1.noise, scale)
    noise_2 = guide(denoiser(flipped, t, uncond_prompt_embeds).noise, cond_2.noise, scale)
    variance = (cond_1.variance + torch.flip(cond_2.variance, dims=[2])) / 2
    return 0.5 * noise_1 + 0.5 * torch.flip(noise_2, dims=[2]), variance


def guide(noise_uncond, noise_cond, scale):
    return (1 - scale) * noise_uncond + scale * noise_cond


@ANAGRAM_NOISE.right_answer
def all_in_one_call(model, x, timestep, pair, uncond, gamma=7):
    n = len(x)
    rows = [uncond, pair[0], uncond, pair[1]]
    embeds = torch.cat([row.expand(n, *row.shape[1:]) for row in rows])
    turned = vflip(x)
    estimate = model(torch.cat([x, x, turned, turned]), timestep, embeds)
    u_1, c_1, u_2, c_2 = torch.split(estimate.noise, n)
    cond, uncond_noise = (c_1 + vflip(c_2)) / 2, (u_1 + vflip(u_2)) / 2
    variance = estimate.variance[3 * n :]
    return NoiseEstimate(uncond_noise + gamma * (cond - uncond_noise), variance)


@ANAGRAM_NOISE.right_answer
def view_by_view(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    total = torch.zeros_like(x_t)
    rows = torch.arange(x_t.shape[2])
    for order, embeds in zip((rows, rows.flip(0)), prompt_pair_embeds, strict=True):
        seen = x_t[:, :, order]
        noise = _guided(denoiser, seen, t, embeds, uncond_prompt_embeds, scale)
        total += noise[:, :, order]
    variance = denoiser(x_t.flip(2), t, prompt_pair_embeds[1]).variance
    return [total / 2, variance]


def _variance_of(denoiser: Any, x: Tensor, t: Any, pair: Any) -> Tensor:
    return denoiser(x, t, pair[0]).variance


@ANAGRAM_NOISE.mistake(
    "It looks as if the second estimate is not flipped back. It belongs to the picture that stands "
    "on its head, so it stands on its head too: noise_2.flip(-2)."
)
def not_flipped_back(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise_1 = _guided(denoiser, x_t, t, prompt_pair_embeds[0], uncond_prompt_embeds, scale)
    noise_2 = _guided(
        denoiser, _upside_down(x_t), t, prompt_pair_embeds[1], uncond_prompt_embeds, scale
    )
    return (noise_1 + noise_2) / 2, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "It looks as if the second prompt's estimate is flipped, but the picture it was asked about is "
    "not. Show the denoiser x_t.flip(-2) with the second prompt."
)
def not_flipped_before(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise_1 = _guided(denoiser, x_t, t, prompt_pair_embeds[0], uncond_prompt_embeds, scale)
    noise_2 = _guided(denoiser, x_t, t, prompt_pair_embeds[1], uncond_prompt_embeds, scale)
    noise = (noise_1 + _upside_down(noise_2)) / 2
    return noise, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "It looks as if nothing is flipped: both prompts look at the same upright picture, which makes "
    "a mixture of two subjects and no anagram."
)
def nothing_flipped(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise_1 = _guided(denoiser, x_t, t, prompt_pair_embeds[0], uncond_prompt_embeds, scale)
    noise_2 = _guided(denoiser, x_t, t, prompt_pair_embeds[1], uncond_prompt_embeds, scale)
    return (noise_1 + noise_2) / 2, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "It looks as if the unconditional estimate of the upright view is used for both. The second "
    "view needs its own: ask with the empty prompt about the flipped picture as well."
)
def one_unconditional_estimate(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    uncond = denoiser(x_t, t, uncond_prompt_embeds).noise
    cond_1 = denoiser(x_t, t, prompt_pair_embeds[0]).noise
    cond_2 = _upside_down(denoiser(_upside_down(x_t), t, prompt_pair_embeds[1]).noise)
    noise = (guide(uncond, cond_1, scale) + guide(uncond, cond_2, scale)) / 2
    return noise, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "It looks as if the second view is guided by the upright view's unconditional estimate, and "
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
    "It looks as if the two estimates are added and not halved. There is only one noise in the "
    "picture, and both views estimate it: take their mean."
)
def summed(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise, variance = _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale)
    return 2 * noise, variance


@ANAGRAM_NOISE.mistake(
    "It looks as if the picture is mirrored left to right. Upside down is the axis before the "
    "last: flip(-2), or dims=[2] of (B, C, H, W)."
)
def flipped_left_to_right(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise_1 = _guided(denoiser, x_t, t, prompt_pair_embeds[0], uncond_prompt_embeds, scale)
    noise_2 = _guided(denoiser, x_t.flip(-1), t, prompt_pair_embeds[1], uncond_prompt_embeds, scale)
    noise = (noise_1 + noise_2.flip(-1)) / 2
    return noise, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "It looks as if the picture is turned by half a circle. That is a good view too, but in this "
    "exercise only the rows change places: flip(-2) alone."
)
def turned_by_half_a_circle(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise_1 = _guided(denoiser, x_t, t, prompt_pair_embeds[0], uncond_prompt_embeds, scale)
    turned = x_t.flip(-1, -2)
    noise_2 = _guided(denoiser, turned, t, prompt_pair_embeds[1], uncond_prompt_embeds, scale)
    noise = (noise_1 + noise_2.flip(-1, -2)) / 2
    return noise, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "It looks as if the colour channels are reversed, not the rows. In (B, C, H, W) the rows are "
    "axis 2; axis 1 holds the channels."
)
def channels_flipped(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise_1 = _guided(denoiser, x_t, t, prompt_pair_embeds[0], uncond_prompt_embeds, scale)
    noise_2 = _guided(denoiser, x_t.flip(1), t, prompt_pair_embeds[1], uncond_prompt_embeds, scale)
    noise = (noise_1 + noise_2.flip(1)) / 2
    return noise, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "It looks as if the prompts changed places: the first belongs to the upright picture, the "
    "second to the one upside down."
)
def prompts_swapped(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    swapped = (prompt_pair_embeds[1], prompt_pair_embeds[0])
    return _both(denoiser, x_t, t, swapped, uncond_prompt_embeds, scale)


@ANAGRAM_NOISE.mistake(
    "It looks as if both views get the first prompt. The flipped one needs prompt_pair_embeds[1]."
)
def first_prompt_twice(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    twice = (prompt_pair_embeds[0], prompt_pair_embeds[0])
    return _both(denoiser, x_t, t, twice, uncond_prompt_embeds, scale)


@ANAGRAM_NOISE.mistake(
    "It looks as if there is no guidance: the prompts' estimates are used as they are. Guide each "
    "view with its own unconditional estimate and `scale`."
)
def not_guided(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    return _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, 1.0)


@ANAGRAM_NOISE.mistake(
    "It looks as if only the upright view is guided; the second one's estimate is the prompt's own."
)
def only_the_first_guided(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise_1 = _guided(denoiser, x_t, t, prompt_pair_embeds[0], uncond_prompt_embeds, scale)
    noise_2 = denoiser(_upside_down(x_t), t, prompt_pair_embeds[1]).noise
    noise = (noise_1 + _upside_down(noise_2)) / 2
    return noise, _variance_of(denoiser, x_t, t, prompt_pair_embeds)


@ANAGRAM_NOISE.mistake(
    "It looks as if guidance starts from the prompt's estimate, cond + scale (cond - uncond). It "
    "starts from the other one: uncond + scale (cond - uncond), which is `guide`."
)
def guided_from_the_prompt(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    return _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale + 1)


@ANAGRAM_NOISE.mistake(
    "It looks as if the arguments of guide changed places: guide(noise_uncond, noise_cond, scale)."
)
def guide_swapped(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    return _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, 1 - scale)


@ANAGRAM_NOISE.mistake(
    "It looks as if the scale is fixed at 7 inside your function. Use the argument `scale`."
)
def scale_fixed(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    return _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, 7)


@ANAGRAM_NOISE.mistake(
    "It looks as if the first pair of prompts is used for all pictures. The embeddings may hold "
    "one row for each picture; pass them on whole."
)
def first_pair_for_all(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    first = tuple(embeds[:1] for embeds in prompt_pair_embeds)
    return _both(denoiser, x_t, t, first, uncond_prompt_embeds, scale)


@ANAGRAM_NOISE.mistake(
    "It looks as if the variance comes from the estimate without a prompt. Take it from a prompt's "
    "estimate, the first, say."
)
def variance_without_a_prompt(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise, _ = _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale)
    return noise, denoiser(x_t, t, uncond_prompt_embeds).variance


@ANAGRAM_NOISE.mistake(
    "It looks as if the variance is guided like the noise. Guidance is for the noise only; pass on "
    "the variance of a prompt's estimate."
)
def variance_guided(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    noise, variance = _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale)
    return noise, guide(denoiser(x_t, t, uncond_prompt_embeds).variance, variance, scale)


@ANAGRAM_NOISE.mistake(
    "It looks as if only the noise is returned. make_flip_illusion needs the variance too: "
    "`return noise, variance`."
)
def noise_alone(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale=7):
    return _both(denoiser, x_t, t, prompt_pair_embeds, uncond_prompt_embeds, scale)[0]


# --- make_flip_illusion ---------------------------------------------------------------------------


def _quiet_call(
    generator: torch.Generator,
    i_start: int,
    timesteps: list[int],
    pair: tuple[tuple[str, ...], tuple[str, ...]] = ((CAT,), (SUNFLOWER,)),
    batch: int = 1,
    scale: float = 2.0,
    reach: float = 0.1,
) -> Inputs:
    """A run in which all estimates of x_0 lie within [-1, 1], if `reach` is small."""
    abar = squared_cosine_alphas_cumprod()[timesteps[i_start]]
    return {
        "means": _means(generator, 12, reach),
        "im_noisy": (1 - abar).sqrt() * _noise(generator, batch, 3, 12, 12).clamp(-1.5, 1.5),
        "i_start": i_start,
        "prompts": [list(prompts) for prompts in pair],
        "timesteps": timesteps,
        "scale": scale,
    }


def _one_step_inputs(generator: torch.Generator) -> Inputs:
    steps = ([690, 660], [400, 250], [60, 30])
    return {"std": STD, "calls": [_quiet_call(generator, 0, step) for step in steps]}


def _loop_inputs(generator: torch.Generator) -> Inputs:
    """From the beginning and from later, a list that ends early; one far from [-1, 1]."""
    return {
        "std": STD,
        "calls": [
            _quiet_call(generator, 2, list(range(990, -1, -165))),
            _quiet_call(generator, 0, UNEVEN_TIMESTEPS[:4]),
            _quiet_call(generator, 2, [900, 640, 333, 77, 12]),
        ],
        "far": _quiet_call(generator, 2, UNEVEN_TIMESTEPS, reach=1.6),
    }


def _loop_pair_inputs(generator: torch.Generator) -> Inputs:
    """Guidance of 1 and of 3; pairs for each picture of a batch and for all of them."""
    each = ((SKULL, CAT), (CAT, SUNFLOWER))
    return {
        "std": STD,
        "calls": [
            _quiet_call(generator, 2, UNEVEN_TIMESTEPS, each, 2, scale=1.0),
            _quiet_call(generator, 3, UNEVEN_TIMESTEPS, ((SUNFLOWER,), (SKULL,)), 3, scale=3.0),
        ],
    }


def _added_inputs(generator: torch.Generator) -> Inputs:
    return {
        "std": STD,
        "calls": [
            _quiet_call(generator, 3, list(range(990, -1, -165))),
            _quiet_call(generator, 2, [900, 640, 333, 77, 12]),
        ],
    }


def _point_inputs(generator: torch.Generator) -> Inputs:
    """Each prompt has one picture; from pure noise, the mean of both readings must come out."""
    return {
        "points": _means(generator, 32, 0.6),
        "im_noisy": _noise(generator, 1, 3, 32, 32),
        "i_start": 0,
        "prompts": [[CAT], [SUNFLOWER]],
        "timesteps": UNEVEN_TIMESTEPS,
        "scale": 1.0,
    }


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    seed = int(torch.randint(1, 10**6, (), generator=generator))
    return {**_quiet_call(generator, 2, UNEVEN_TIMESTEPS), "std": STD, "seed": seed}


def _loop_form_inputs(generator: torch.Generator) -> Inputs:
    """Batches, in single and double precision."""
    double = _quiet_call(generator, 4, UNEVEN_TIMESTEPS)
    double["im_noisy"] = double["im_noisy"].double()
    return {"std": STD, "calls": [_quiet_call(generator, 3, UNEVEN_TIMESTEPS, batch=3), double]}


MAKE_FLIP_ILLUSION = Exercise(
    reference=make_flip_illusion,
    cases=[
        Case(
            "one step lands on the posterior mean, if no noise is added",
            2,
            _one_step_inputs,
            same_path(what="x_t_prev"),
            denoise_quietly,
        ),
        Case(
            "the loop goes from timesteps[i_start] to the end of the list",
            2,
            _loop_inputs,
            same_path(what="the last picture"),
            denoise_quietly,
        ),
        Case(
            "prompts and guidance are passed on; batches work",
            1,
            _loop_pair_inputs,
            same_path(what="the last picture"),
            denoise_quietly,
        ),
        Case(
            "add_variance gets t, t_prev and the estimate's variance, once in every step",
            2,
            _added_inputs,
            same_noise_added(),
            denoise_quietly,
        ),
        Case(
            "where each prompt has one picture, both are in the result, one upside down",
            1,
            _point_inputs,
            same_values(what="the last picture", atol=0.06, show=True),
            denoise_to_points,
        ),
        Case(
            "the loop starts from im_noisy, and the generator draws the noise",
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
                same_answer(
                    "any_start",
                    says="Another im_noisy gives the very same picture: the loop has to start from "
                    "im_noisy.",
                ),
            ),
            denoise_repeatedly,
        ),
        Case(
            "shape, dtype and device are kept, and no input is changed",
            1,
            _loop_form_inputs,
            same_form(),
            denoise_quietly,
        ),
    ],
    hints=[
        "It is the loop of lesson 06. Only the line that estimates the noise is another: "
        "`anagram_noise`.",
        "`noise, variance = anagram_noise(denoiser, x_t, t, prompt_pair_embeds, "
        "uncond_prompt_embeds, scale)`; then predict_original, posterior_mean and add_variance.",
        "Nothing is flipped in the loop. x_t always stands upright; anagram_noise flips what it "
        "needs.",
    ],
)


@MAKE_FLIP_ILLUSION.right_answer
def pair_by_pair(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    abar = denoiser.alphas_cumprod
    steps = torch.as_tensor(timesteps[i_start:])
    for t, t_prev in pairwise(steps):
        noise, variance = _both(denoiser, x, t, pair, uncond, scale)
        alpha = (abar[t] / abar[t_prev]).to(x.dtype)
        mean = (x - (1 - alpha) / (1 - abar[t]).to(x.dtype).sqrt() * noise) / alpha.sqrt()
        x = denoiser.add_variance(mean, variance, t=t, t_prev=t_prev, generator=generator)
    return x


@MAKE_FLIP_ILLUSION.right_answer
def clamped_and_quiet_at_the_end(d, x, i, pair, uncond, steps, gamma=7, rng=None):
    with torch.no_grad():
        while i + 1 < len(steps):
            now, then = steps[i], steps[i + 1]
            upright, turned = x, torch.flip(x, [2])
            noise_1 = _guided(d, upright, now, pair[0], uncond, gamma)
            noise_2 = _guided(d, turned, now, pair[1], uncond, gamma)
            noise = torch.stack([noise_1, torch.flip(noise_2, [2])]).mean(0)
            clean = predict_original(x, now, noise, d.alphas_cumprod).clamp(-1, 1)
            x = posterior_mean(x, clean, now, then, d.alphas_cumprod)
            if then > 0:
                x = d.add_variance(x, d(turned, now, pair[1]).variance.flip(2), now, then, rng)
            i += 1
    return x


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
    "It looks as if the second estimate is not flipped back. Does your anagram_noise pass its own "
    "check?"
)
def loop_not_flipped_back(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    def estimate(denoiser, x, t, pair, uncond, scale):
        noise_1 = _guided(denoiser, x, t, pair[0], uncond, scale)
        noise_2 = _guided(denoiser, x.flip(-2), t, pair[1], uncond, scale)
        return (noise_1 + noise_2) / 2, denoiser(x, t, pair[0]).variance

    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, x, steps, pair, uncond, scale, generator, estimate)


@MAKE_FLIP_ILLUSION.mistake(
    "It looks as if nothing is flipped: both prompts look at the upright picture. Does your "
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
    "It looks as if the estimates of both views are added and not halved. Does your anagram_noise "
    "pass its own check?"
)
def loop_summed(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    def estimate(denoiser, x, t, pair, uncond, scale):
        noise, variance = _both(denoiser, x, t, pair, uncond, scale)
        return 2 * noise, variance

    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, x, steps, pair, uncond, scale, generator, estimate)


@MAKE_FLIP_ILLUSION.mistake(
    "It looks as if x_t itself is flipped from step to step. In the loop it always stands upright; "
    "only anagram_noise flips, and flips back."
)
def picture_flipped_in_the_loop(
    denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None
):
    for step in _pairs(timesteps, i_start):
        x = _loop(denoiser, x, [step], pair, uncond, scale, generator).flip(-2)
    return x


@MAKE_FLIP_ILLUSION.mistake(
    "It looks as if two pictures are made one by one and averaged at the end. Then neither prompt "
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
    "It looks as if the two prompts take turns, one step each. Every step needs both views: one "
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
    "It looks as if the prompts of the pair changed places on the way to anagram_noise: the first "
    "is the upright one."
)
def loop_prompts_swapped(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, x, steps, (pair[1], pair[0]), uncond, scale, generator)


@MAKE_FLIP_ILLUSION.mistake(
    "It looks as if `scale` is not passed on, so that anagram_noise works with its own 7."
)
def scale_not_passed(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    return _loop(denoiser, x, _pairs(timesteps, i_start), pair, uncond, 7, generator)


@MAKE_FLIP_ILLUSION.mistake(
    "It looks as if the loop takes one step too few and stops before timesteps[-1]. There is a "
    "step for every pair of neighbours: range(i_start, len(timesteps) - 1)."
)
def one_step_too_few(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    steps = _pairs(timesteps, i_start)[:-1]
    return _loop(denoiser, x, steps, pair, uncond, scale, generator)


@MAKE_FLIP_ILLUSION.mistake(
    "It looks as if the loop starts one timestep too late. im_noisy has the noise of "
    "timesteps[i_start]; the first step starts there."
)
def starts_one_late(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    steps = _pairs(timesteps, i_start + 1)
    return _loop(denoiser, x, steps, pair, uncond, scale, generator)


@MAKE_FLIP_ILLUSION.mistake(
    "It looks as if i_start is ignored and the loop always begins with timesteps[0]. im_noisy has "
    "the noise of timesteps[i_start]."
)
def start_ignored(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    return _loop(denoiser, x, _pairs(timesteps, 0), pair, uncond, scale, generator)


@MAKE_FLIP_ILLUSION.mistake(
    "It looks as if no noise is added. After posterior_mean, call denoiser.add_variance and go on "
    "with what it returns."
)
def no_noise_added(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    for t, t_prev in _pairs(timesteps, i_start):
        noise, _ = _both(denoiser, x, t, pair, uncond, scale)
        x_0 = predict_original(x, t, noise, denoiser.alphas_cumprod)
        x = posterior_mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
    return x


@MAKE_FLIP_ILLUSION.mistake(
    "It looks as if add_variance got t_prev before t. The order is add_variance(mean, variance, "
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
    "It looks as if add_variance gets the noise where it needs the variance, the second of the two "
    "tensors that anagram_noise returns."
)
def noise_for_variance(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    def estimate(denoiser, x, t, pair, uncond, scale):
        noise, _ = _both(denoiser, x, t, pair, uncond, scale)
        return noise, noise

    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, x, steps, pair, uncond, scale, generator, estimate)


@MAKE_FLIP_ILLUSION.mistake(
    "It looks as if the estimate of the noise is used where x_0 belongs. Turn it into x_0 first, "
    "with predict_original."
)
def noise_for_x_0(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    for t, t_prev in _pairs(timesteps, i_start):
        noise, variance = _both(denoiser, x, t, pair, uncond, scale)
        x = posterior_mean(x, noise, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(x, variance, t, t_prev, generator)
    return x


@MAKE_FLIP_ILLUSION.mistake(
    "It looks as if x_0 itself goes on to the next step. Go only to t_prev: the mean that "
    "posterior_mean gives, plus noise."
)
def x_0_goes_on(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    def mean(x_t, x_0, t, t_prev, abar):
        return x_0

    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, x, steps, pair, uncond, scale, generator, mean=mean)


@MAKE_FLIP_ILLUSION.mistake("It looks as if posterior_mean got t_prev, t instead of t, t_prev.")
def mean_with_timesteps_swapped(
    denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None
):
    def mean(x_t, x_0, t, t_prev, abar):
        return posterior_mean(x_t, x_0, t_prev, t, abar)

    steps = _pairs(timesteps, i_start)
    return _loop(denoiser, x, steps, pair, uncond, scale, generator, mean=mean)


@MAKE_FLIP_ILLUSION.mistake(
    "It looks as if `generator` is not passed on to add_variance, which then draws from torch's "
    "global generator."
)
def generator_ignored(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    return _loop(denoiser, x, _pairs(timesteps, i_start), pair, uncond, scale, None)


@MAKE_FLIP_ILLUSION.mistake(
    "It looks as if the loop starts from new noise. It should start from im_noisy."
)
def starts_from_new_noise(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    fresh = torch.randn(x.shape, generator=generator).to(x)
    return _loop(denoiser, fresh, _pairs(timesteps, i_start), pair, uncond, scale, generator)


@MAKE_FLIP_ILLUSION.mistake(
    "It looks as if x_t is clamped to [-1, 1] in every step. Noise reaches beyond that; clamp "
    "nothing."
)
def x_t_clamped(denoiser, x, i_start, pair, uncond, timesteps, scale=7, generator=None):
    for step in _pairs(timesteps, i_start):
        x = _loop(denoiser, x, [step], pair, uncond, scale, generator).clamp(-1, 1)
    return x


EXERCISES = [ANAGRAM_NOISE, MAKE_FLIP_ILLUSION]

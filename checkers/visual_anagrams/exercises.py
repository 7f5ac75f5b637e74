"""Lesson 09: what `anagram_noise` and `make_flip_illusion` must do, and how they go wrong."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges.cases import form_case
from checkers.engine.judges.inputs import draw_noise, draw_pictures
from checkers.engine.judges.loops import runs, same_last_picture
from checkers.engine.judges.pair_loops import TIMESTEPS, Pair, pair_loop_cases
from checkers.engine.judges.values import same_form, same_values
from checkers.engine.sandbox.inside.running import Inputs
from checkers.visual_anagrams.probe import (
    denoise_quietly,
    denoise_repeatedly,
    denoise_to_gaussians,
    denoise_to_points,
    estimate_once,
)
from solutions.visual_anagrams import anagram_noise, make_flip_illusion

CAT, SUNFLOWER, SKULL = "a cat", "a sunflower", "a skull"
PROMPTS = ("", CAT, SUNFLOWER, SKULL)
STD = 0.1
PAIR: Pair = ((CAT,), (SUNFLOWER,))


def _means(generator: torch.Generator, reach: float, side: int) -> dict[str, Tensor]:
    """A picture for each prompt, and one for no prompt; they are a little wider than high."""
    made = draw_pictures(generator, len(PROMPTS), 3, side, side + 4, reach=reach)
    return dict(zip(PROMPTS, made, strict=True))


# --- anagram_noise --------------------------------------------------------------------------------


def _look(
    generator: torch.Generator,
    scale: float | None,
    pair: Pair = PAIR,
    batch: int = 1,
    t: int | Tensor = 500,
    side: int = 16,
) -> Inputs:
    return {
        "means": _means(generator, 0.6, side),
        "x_t": draw_noise(generator, batch, 3, side, side + 4),
        "t": t,
        "prompts": [list(prompts) for prompts in pair],
        "scale": scale,
    }


def _look_form_inputs(generator: torch.Generator) -> Inputs:
    """A batch, and double precision."""
    double = _look(generator, 2.0, side=20)
    double["x_t"] = double["x_t"].double()
    return {"std": STD, "calls": [_look(generator, 2.0, batch=2), double]}


def _each_look(inputs: Inputs) -> list[str]:
    scales = [call["scale"] for call in inputs["calls"]]
    told = ["left out" if scale is None else f"= {scale:g}" for scale in scales]
    return [
        f"t = {call['t']}, scale {one}" for call, one in zip(inputs["calls"], told, strict=True)
    ]


_guided = runs(_look, STD, (0.0,), (2.5,), (7.0, PAIR, 2), (None,))


def _same_variance(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare the second part of each result."""
    parts = observed.get("parts")
    if parts != expected["parts"]:
        return Verdict(
            False,
            "anagram_noise should return two tensors, the noise and the variance: "
            "`return noise, variance`.",
        )
    verdict = same_values("variance", what="the variance", labels=_each_look)(
        observed, expected, inputs
    )
    if verdict.passed:
        return verdict
    return Verdict(
        False,
        "The second tensor should be the `variance` of a prompt's estimate: that of the upright "
        f"view, or that of the second view, flipped back like its noise. {verdict.message}",
    )


ANAGRAM_NOISE = Exercise(
    reference=anagram_noise,
    cases=[
        Case(
            "with guidance 1, it is the mean of what both views see",
            2,
            runs(_look, STD, *((1.0, PAIR, 1, t) for t in (250, 500, torch.tensor(750)))),
            same_values("noise", what="the noise", labels=_each_look, atol=1e-4, show=True),
            estimate_once,
        ),
        Case(
            "guidance acts in each view on its own",
            2,
            _guided,
            same_values("noise", what="the noise", labels=_each_look, atol=1e-3, show=True),
            estimate_once,
        ),
        Case(
            "each picture gets its own pair of prompts",
            1,
            runs(
                _look,
                STD,
                (2.0, ((SKULL,), (CAT,)), 3),  # one pair for all
                (2.0, ((CAT, SKULL), (SUNFLOWER, CAT)), 2),
            ),
            same_values("noise", what="the noise", labels=_each_look, atol=1e-3, show=True),
            estimate_once,
        ),
        Case(
            "the variance comes along, that of an estimate with a prompt",
            1,
            _guided,
            _same_variance,
            estimate_once,
        ),
        form_case(_look_form_inputs, estimate_once, same_form("noise", what="the noise")),
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


# --- make_flip_illusion ---------------------------------------------------------------------------


def _point_inputs(generator: torch.Generator) -> Inputs:
    """Each prompt has one picture; from pure noise, the mean of both readings must come out."""
    return {
        "points": _means(generator, 0.6, 32),
        "im_noisy": draw_noise(generator, 1, 3, 32, 36),
        "i_start": 0,
        "prompts": [[CAT], [SUNFLOWER]],
        "timesteps": TIMESTEPS,
        "scale": 1.0,
    }


MAKE_FLIP_ILLUSION = Exercise(
    reference=make_flip_illusion,
    cases=pair_loop_cases(
        partial(_means, side=12),
        STD,
        denoise_quietly,
        denoise_repeatedly,
        denoise_to_gaussians,
        pair=PAIR,
        pairs_of_two=((SKULL, CAT), (CAT, SUNFLOWER)),
        pair_of_three=((SUNFLOWER,), (SKULL,)),
        known=Case(
            "where each prompt has one picture, both are in the result, one upside down",
            1,
            _point_inputs,
            same_last_picture,
            denoise_to_points,
        ),
    ),
    hints=[
        "It is the loop of lesson 06. Only the line that estimates the noise is another: "
        "`anagram_noise`.",
        "`noise, variance = anagram_noise(denoiser, x_t, t, prompt_pair_embeds, "
        "uncond_prompt_embeds, scale)`; then predict_original, posterior_mean and add_variance.",
        "Nothing is flipped in the loop. x_t always stands upright; anagram_noise flips what it "
        "needs.",
    ],
)


EXERCISES = [ANAGRAM_NOISE, MAKE_FLIP_ILLUSION]

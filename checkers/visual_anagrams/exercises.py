"""Lesson 09: what `anagram_noise` and `make_flip_illusion` must do, and how they go wrong."""

from __future__ import annotations

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges.loops import same_noise_added, same_path
from checkers.engine.judges.values import all_of, same_answer, same_form, same_values
from checkers.engine.sandbox.inside.running import Inputs
from checkers.visual_anagrams.probe import (
    denoise_quietly,
    denoise_repeatedly,
    denoise_to_points,
    estimate_once,
)
from lessons.workbench.denoisers import squared_cosine_alphas_cumprod
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


EXERCISES = [ANAGRAM_NOISE, MAKE_FLIP_ILLUSION]

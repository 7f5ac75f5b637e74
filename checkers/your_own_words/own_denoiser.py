"""Lesson 20: what a denoiser of one's own must do."""

from __future__ import annotations

import torch

from checkers.engine.exercise import Case, Exercise, Judge
from checkers.engine.judges.cases import MakeInputs
from checkers.engine.judges.inputs import draw_noise
from checkers.engine.judges.values import all_of, each_call, same_answer, same_values
from checkers.engine.sandbox.inside.running import Inputs
from checkers.your_own_words.probe import ask_for_noise, embed_prompts
from checkers.your_own_words.words import UNKNOWN, WORDS, sentence, vocabulary
from solutions.your_own_words import OwnDenoiser


def _model(generator: torch.Generator) -> Inputs:
    return {
        "words": 0.3 * draw_noise(generator, len(WORDS) + 1, 3, 1, 1),
        "pattern": draw_noise(generator, 3, 64, 64),
        "vocabulary": vocabulary(generator),
    }


def _embed_inputs(generator: torch.Generator) -> Inputs:
    """Prompts with capitals, an unknown word and too many words, asked of two denoisers."""
    first, second, third = (sentence(generator, count) for count in (2, 3, 14))
    some = [first.title(), f"{UNKNOWN[0]} {second}", third]
    prompts = [some, sentence(generator, 3), "", [some[0]], some[::-1]]
    return {
        **_model(generator),
        "vocabularies": [vocabulary(generator), vocabulary(generator)],
        "prompts": prompts,
        "as_tuple": some[1:],
    }


def _embedded(inputs: Inputs) -> list[str]:
    asked = [*inputs["prompts"], tuple(inputs["as_tuple"])]
    return [repr(prompt) for prompt in asked] * len(inputs["vocabularies"])


def _noise_inputs(*calls: tuple[int, int, int]) -> MakeInputs:
    """Of each call: how many pictures, how many prompts, and the timestep."""

    def inputs(generator: torch.Generator) -> Inputs:
        made = []
        for pictures, prompts, t in calls:
            tokens = torch.zeros(prompts, 12, dtype=torch.int64)
            tokens[:, :2] = torch.randint(1, len(WORDS) + 1, (prompts, 2), generator=generator)
            x_t = draw_noise(generator, pictures, 3, 64, 64)
            made.append({"x_t": x_t, "t": t, "tokens": tokens})
        return {**_model(generator), "calls": made}

    return inputs


def _tensor_timesteps(generator: torch.Generator) -> Inputs:
    made = _noise_inputs((2, 1, 640), (1, 1, 35))(generator)
    for call in made["calls"]:
        call["t"] = torch.tensor(call["t"])
    return made


_an_estimate = same_answer(
    "fields",
    says="What is returned has no fields `noise` and `variance`, by which loops take them: return "
    "NoiseEstimate(noise, variance).",
)


def _noise_within(atol: float, rtol: float) -> Judge:
    labels = each_call("t = {t}")
    same_noise = same_values("noise", what="the noise", labels=labels, atol=atol, rtol=rtol)
    return all_of(_an_estimate, same_noise)


_same_noise = _noise_within(atol=1e-4, rtol=1e-4)
# At t = 0 a difference is divided by 0.0064: rounding in float32 grows with it.
_same_noise_at_the_ends = _noise_within(atol=1e-3, rtol=1e-3)
_same_variance = all_of(
    _an_estimate,
    same_values("variance", what="the variance", labels=each_call("t = {t}")),
    _same_noise,
    same_answer(
        "changed",
        says="`x_t` or `prompt_embeds` is written into. Work on a new tensor: `a = a * b` makes "
        "one, `a *= b` writes into the old.",
    ),
)


OWN_DENOISER = Exercise(
    reference=OwnDenoiser,
    cases=[
        Case(
            "prompts become tokens: several, one alone, and none",
            2,
            _embed_inputs,
            all_of(
                same_values(what="the tokens", labels=_embedded),
                same_answer(
                    "kept",
                    says="`embed` changes the prompts or the vocabulary that it is given, which "
                    "the next call may be given again. Make a new list or dictionary.",
                ),
            ),
            embed_prompts,
        ),
        Case(
            "the noise is what is left without the guess, at any timestep",
            3,
            _noise_inputs((2, 2, 900), (1, 1, 430), (2, 2, 60), (1, 1, 1), (1, 1, 0), (1, 1, 999)),
            _same_noise_at_the_ends,
            ask_for_noise,
        ),
        Case(
            "each picture has its own prompt, or all have the same",
            1,
            _noise_inputs((3, 3, 500), (3, 1, 500), (3, 3, 250)),
            _same_noise,
            ask_for_noise,
        ),
        Case(
            "t may be a tensor; the variance is -1; nothing is written into",
            1,
            _tensor_timesteps,
            _same_variance,
            ask_for_noise,
        ),
    ],
    hints=[
        "x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) noise. The model guesses x_0; solve for the "
        "noise.",
        "The model wants a time for each picture, `torch.full((len(x_t),), int(t) / 1000)`, and a "
        "prompt for each, `prompt_embeds.expand(len(x_t), -1)`.",
        "`noise = (x_t - abar.sqrt() * guess) / (1 - abar).sqrt()` with "
        "`abar = self.alphas_cumprod[int(t)]`.",
    ],
)

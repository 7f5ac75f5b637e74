"""Lesson 20: what a network that is told words, its loss and a denoiser of one's own must do."""

from __future__ import annotations

import torch
from numpy import isfinite
from numpy.linalg import norm
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Judge, Observation, Verdict
from checkers.engine.judges.cases import MakeInputs
from checkers.engine.judges.inputs import draw_count, draw_noise, draw_pictures, draw_seed
from checkers.engine.judges.networks import (
    all_learn,
    batch_to_learn,
    known_values,
    learning_case,
    same_function,
    same_shapes,
    same_weights,
)
from checkers.engine.judges.places import other_times
from checkers.engine.judges.values import all_of, same_answer, same_form, same_values
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.networks import compute, compute_known, count_weights, shapes
from checkers.your_own_words.guesses import (
    dropped_as_asked,
    noised_like_forward,
    own_timesteps,
    picture_is_target,
    squared_error,
    told_the_prompts,
)
from checkers.your_own_words.own_denoiser import OWN_DENOISER
from checkers.your_own_words.probe import tell_apart, watch_guesses
from checkers.your_own_words.words import NOT_FINITE, PROMPT_ENCODER, TOKENIZE
from solutions.your_own_words import TextConditionalUNet, text_ddpm_loss

# --- TextConditionalUNet --------------------------------------------------------------------------

_ARGUMENTS = [7, 4]


def _told(generator: torch.Generator, count: int) -> list[Tensor]:
    """Times, and prompts of different words; the last is empty."""
    times = (torch.arange(count) + torch.rand(count, generator=generator) * 0.4) / count
    tokens = torch.zeros(count, 5, dtype=torch.int64)
    for row in range(count - 1):
        words = draw_count(generator, 1, 4)
        tokens[row, :words] = 1 + torch.randperm(_ARGUMENTS[0], generator=generator)[:words]
    return [times[torch.randperm(count, generator=generator)].float(), tokens]


def _batch(generator: torch.Generator) -> Inputs:
    return {
        "arguments": _ARGUMENTS,
        "x": draw_noise(generator, 3, 3, 64, 64),
        "also": _told(generator, 3),
    }


def _shape_inputs(generator: torch.Generator) -> Inputs:
    builds = []
    for arguments in ([7, 4], [3, 8]):
        count = draw_count(generator, 2, 5)
        times, tokens = _told(generator, count)
        tokens = tokens.clamp(max=arguments[0])
        builds.append(
            {"arguments": arguments, "shape": [count, 3, 64, 64], "also": [times, tokens]}
        )
    return {"builds": builds}


def _of_another_width(generator: torch.Generator) -> Inputs:
    arguments = [draw_count(generator, 7, 30), 4 * draw_count(generator, 2, 3)]
    return {**_batch(generator), "arguments": arguments}


_PICTURES = 12
"""So many that nobody guesses which of them are told something else."""
_NUM_WORDS = 10
"""No other matrix is as large as the table of so many words."""
_SLOPE_TOLERANCE = 0.01


def _other_told(which: int) -> MakeInputs:
    def inputs(generator: torch.Generator) -> Inputs:
        width = _ARGUMENTS[1]
        times, tokens = _told(generator, _PICTURES)
        return {
            "arguments": [_NUM_WORDS, width],
            "x": draw_noise(generator, _PICTURES, 3, 64, 64),
            "also": [times, tokens],
            "which": which,
            "other": other_times(times) if which == 1 else tokens.roll(1, dims=0),
            "changed": torch.randperm(_PICTURES, generator=generator) < _PICTURES // 2,
            "first": 4 * width * (1 if which == 1 else _NUM_WORDS + 1),
            "seed": draw_seed(generator),
        }

    return inputs


def _reached(what: str) -> Judge:
    """Whether all of the gradient arrives, and finite, if the result is what it should be."""
    same_result = same_values(atol=5e-3, rtol=1e-3)

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        mine, right = observed["slope"], expected["slope"]
        finite = [bool(isfinite(seen.values).all()) for seen in (mine, right)]
        if finite[0] != finite[1]:
            return Verdict(False, NOT_FINITE)
        if (
            not finite[1]
            or not same_result(observed, expected, inputs).passed
            or (
                mine.shape == right.shape
                and norm(mine.values - right.values) <= _SLOPE_TOLERANCE * norm(right.values)
            )
        ):
            return Verdict(True)
        return Verdict(
            False,
            f"The result is right, but not all of the gradient reaches the layer that is given "
            f"{what}. Leave out `.detach()`, `.data` and `torch.no_grad()`.",
        )

    return judge


def _only_its_own(what: str, which: int) -> Case:
    judge = all_of(
        same_form(what="the result"),
        same_answer(
            "moved",
            says=f"When {what} changes for some pictures of a batch, the results of these should "
            f"change, and no others.",
        ),
        _reached(what),
    )
    title = f"{what} counts, for each picture its own"
    return Case(title, 1, _other_told(which), judge, tell_apart)


def _to_learn(generator: torch.Generator) -> Inputs:
    made = batch_to_learn(_ARGUMENTS, _told, learning_rate=0.02)(generator)
    target = draw_pictures(generator, 3, 3, 64, 64)
    # It stops when it has learned; one start in sixty takes more than 48 steps at a lower rate.
    return {
        **made,
        "steps": 300,
        "target": target,
        "x": target + 0.5 * draw_noise(generator, *target.shape),
    }


TEXT_CONDITIONAL_UNET = Exercise(
    reference=TextConditionalUNet,
    cases=[
        Case(
            "the result has the pictures' shape",
            1,
            _shape_inputs,
            same_shapes("TextConditionalUNet"),
            shapes,
        ),
        Case(
            "as many weights as the text says, and all of them learn",
            2,
            _of_another_width,
            all_of(same_weights("TextConditionalUNet"), all_learn),
            count_weights,
        ),
        _only_its_own("the prompt", 2),
        _only_its_own("the time", 1),
        Case(
            "it computes what the text says",
            3,
            known_values(_batch, training=True, bias=0.3),
            same_function("the result"),
            compute,
            compute_known,
        ),
        Case(
            "in evaluation mode, too",
            1,
            known_values(_batch, training=False),
            same_function("the result in evaluation mode"),
            compute,
            compute_known,
        ),
        learning_case(1, _to_learn),
    ],
    hints=[
        "`told = self.time(t.view(-1, 1)) + self.prompt(tokens)` goes into every `TextBlock` as "
        "its second argument.",
        "`F.pixel_unshuffle(x_t, 4)` makes (B, 48, 16, 16) of the pictures, and "
        "`F.pixel_shuffle(..., 4)` makes pictures of (B, 48, 16, 16).",
        "Going up, each block gets two things side by side: `torch.cat([middle, at_4], dim=1)`, "
        "then what came of it with `at_8`, then with `at_16`.",
    ],
)


# --- text_ddpm_loss -------------------------------------------------------------------------------


def _loss_inputs(count: int, num_timesteps: int, calls: int, *p_uncond: float) -> MakeInputs:
    def inputs(generator: torch.Generator) -> Inputs:
        tokens = torch.zeros(count, 4, dtype=torch.int64)
        tokens[:, :3] = torch.randint(1, 10, (count, 3), generator=generator)
        return {
            "pictures": torch.rand(count, 3, 8, 8, generator=generator) * 2 - 1,
            "tokens": tokens,
            "alphas_cumprod": torch.linspace(0.95, 0.05, num_timesteps),
            "p_uncond": list(p_uncond),
            "calls": calls,
        }

    return inputs


TEXT_DDPM_LOSS = Exercise(
    reference=text_ddpm_loss,
    cases=[
        Case(
            "it is the mean of squared differences between guess and clean picture",
            3,
            _loss_inputs(32, 6, 2),
            all_of(squared_error, picture_is_target),
            watch_guesses,
        ),
        Case(
            "each picture is noised to a timestep of its own, and the model is told t / T",
            3,
            _loss_inputs(12, 6, 80),  # so few pictures that the latest is not always T - 1
            all_of(noised_like_forward, own_timesteps),
            watch_guesses,
        ),
        Case(
            "with p_uncond = 0, the model is told every prompt",
            1,
            _loss_inputs(64, 4, 2, 0.0),
            told_the_prompts,
            watch_guesses,
        ),
        Case(
            "otherwise a share of p_uncond becomes zeros, each prompt as a whole",
            2,
            _loss_inputs(75, 4, 40, 0.3),
            dropped_as_asked,
            watch_guesses,
        ),
        Case(
            "without p_uncond, it is 0.1",
            1,
            _loss_inputs(40, 4, 75),
            dropped_as_asked,
            watch_guesses,
        ),
    ],
    hints=[
        "It is the loss of lesson 14 with two changes: a prompt in place of the class, and the "
        "clean pictures in place of the noise as what the answer is compared with.",
        "`keep = torch.rand(len(tokens)) >= p_uncond` tosses a coin for each prompt; "
        "`tokens * keep[:, None]` makes whole rows zeros.",
    ],
)

EXERCISES = [TOKENIZE, PROMPT_ENCODER, TEXT_CONDITIONAL_UNET, TEXT_DDPM_LOSS, OWN_DENOISER]

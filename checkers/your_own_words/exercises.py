"""Lesson 20: what a network that is told words, its loss and a denoiser of one's own must do."""

from __future__ import annotations

import torch
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
from checkers.engine.judges.values import all_of, each_call, same_answer, same_form, same_values
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
from checkers.your_own_words.probe import (
    ask_for_noise,
    embed_prompts,
    tell_apart,
    watch_guesses,
)
from checkers.your_own_words.words import PROMPT_ENCODER, TOKENIZE, WORDS, sentence, vocabulary
from solutions.your_own_words import OwnDenoiser, TextConditionalUNet, text_ddpm_loss

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
    """Of an answer that computes what it should: whether all of the gradient arrives."""
    same_result = same_values(atol=5e-3, rtol=1e-3)

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        mine, right = observed["slope"], expected["slope"]
        if not same_result(observed, expected, inputs).passed or (
            mine.shape == right.shape
            and norm(mine.values - right.values) <= _SLOPE_TOLERANCE * norm(right.values)
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


# --- OwnDenoiser ----------------------------------------------------------------------------------


def _model(generator: torch.Generator) -> Inputs:
    return {
        "words": 0.3 * draw_noise(generator, len(WORDS) + 1, 3, 1, 1),
        "pattern": draw_noise(generator, 3, 64, 64),
        "vocabulary": vocabulary(generator),
    }


def _embed_inputs(generator: torch.Generator) -> Inputs:
    some = [sentence(generator, count) for count in (2, 3, 1)]
    prompts = [some, sentence(generator, 3), "", [some[0]]]
    return {**_model(generator), "prompts": prompts, "as_tuple": some[1:]}


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


def _noise_within(atol: float, rtol: float) -> Judge:
    labels = each_call("t = {t}")
    return same_values("noise", what="the noise", labels=labels, atol=atol, rtol=rtol)


_same_noise = _noise_within(atol=1e-4, rtol=1e-4)
# At t = 0 a difference is divided by 0.0064: rounding in float32 grows with it.
_same_noise_at_the_ends = _noise_within(atol=1e-3, rtol=1e-3)
_same_variance = all_of(
    same_values("variance", what="the variance", labels=each_call("t = {t}")),
    same_form("noise", what="the noise"),
    _same_noise,
)


OWN_DENOISER = Exercise(
    reference=OwnDenoiser,
    cases=[
        Case(
            "prompts become tokens: several, one alone, and none",
            2,
            _embed_inputs,
            all_of(
                same_values(
                    what="the tokens",
                    labels=lambda inputs: [
                        f"{prompt!r}" for prompt in [*inputs["prompts"], tuple(inputs["as_tuple"])]
                    ],
                ),
                same_form(what="the tokens"),
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
            _noise_inputs((3, 3, 500), (3, 1, 250)),
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

EXERCISES = [TOKENIZE, PROMPT_ENCODER, TEXT_CONDITIONAL_UNET, TEXT_DDPM_LOSS, OWN_DENOISER]

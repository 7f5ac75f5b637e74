"""Lesson 13: what the schedule, the network, the loss and the sampler must do, and go wrong at."""

from __future__ import annotations

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Judge, Observation, Verdict
from checkers.engine.judges.cases import MakeInputs
from checkers.engine.judges.ddpm_loss import (
    levels,
    noise_for_each_entry,
    noise_is_target,
    noised_like_forward,
    of_the_pictures,
    own_timesteps,
    right_times,
    squared_error,
)
from checkers.engine.judges.ddpm_sample import (
    every_timestep,
    led_by_the_model,
    noise_added,
    normal_start,
    same_randomness,
    short_schedule,
    steps_to_the_mean,
)
from checkers.engine.judges.inputs import draw_count, draw_seed, draw_times
from checkers.engine.judges.networks import (
    batch_for,
    conditional_cases,
)
from checkers.engine.judges.places import other_times, place_case
from checkers.engine.judges.values import all_of, describe, same_form, same_values
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from checkers.time_conditioning.probe import (
    noise_pictures,
    sample_in_steps,
    sample_repeatedly,
    sample_sizes,
)
from solutions.time_conditioning import TimeConditionalUNet, ddpm_loss, ddpm_sample, ddpm_schedule

NAMES = ("betas", "alphas", "alphas_cumprod")


# --- ddpm_schedule --------------------------------------------------------------------------------


def _schedule_inputs(start: float, end: float, count: int) -> MakeInputs:
    def inputs(generator: torch.Generator) -> Inputs:
        factor = 1 + 0.5 * float(torch.rand((), generator=generator))
        return {"beta_start": start * factor, "beta_end": end * factor, "num_timesteps": count}

    return inputs


def _entry(name: str) -> Judge:
    """Compare one entry of the schedule, after its kind and its length."""

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        mine, target = observed["result"], expected["result"]
        if not isinstance(mine, dict) or not isinstance(target, dict):
            if isinstance(target, dict) or describe(mine) != describe(target):
                return Verdict(
                    False,
                    f"ddpm_schedule returns {describe(mine)}; it should return a dict with the "
                    f'entries "betas", "alphas" and "alphas_cumprod".',
                )
            return Verdict(True)
        if name not in mine or name not in target:
            return Verdict((name in mine) == (name in target), f'The dict has no entry "{name}".')
        if _is_one_longer(mine[name], target[name], inputs):
            return Verdict(
                False,
                f'"{name}" has T + 1 = {len(mine[name].values)} values. Here timesteps count '
                f"from 0 to T - 1, so there are T values, and index 0 is the first step's.",
            )
        return same_values(lambda seen: seen["result"][name], what=f'"{name}"', atol=1e-6)(
            observed, expected, inputs
        )

    return judge


def _is_one_longer(mine: object, target: object, inputs: Inputs) -> bool:
    count = inputs.get("num_timesteps", 300)
    return (
        isinstance(mine, Array)
        and isinstance(target, Array)
        and mine.shape == (count + 1,)
        and target.shape == (count,)
    )


def _default_inputs(generator: torch.Generator) -> Inputs:
    """So many calls that nobody knows how many they are: all else is the same in every run."""
    return {"calls": [{}] * draw_count(generator, 2, 400)}


def _same_default(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    if len(observed["result"]) != len(expected["result"]):
        return Verdict(False, "The result cannot be read.")
    for mine, right in zip(observed["result"], expected["result"], strict=True):
        for name in NAMES:
            verdict = _entry(name)({"result": mine}, {"result": right}, {})
            if not verdict.passed:
                return verdict
    return Verdict(True)


DDPM_SCHEDULE = Exercise(
    reference=ddpm_schedule,
    cases=[
        Case(
            "betas: T values, evenly spaced from beta_start to beta_end",
            2,
            _schedule_inputs(1e-3, 0.2, 40),
            _entry("betas"),
        ),
        Case("alphas are 1 - betas", 1, _schedule_inputs(1e-3, 0.2, 40), _entry("alphas")),
        Case(
            "alphas_cumprod is the product of all alphas so far",
            2,
            _schedule_inputs(1e-3, 0.2, 40),
            _entry("alphas_cumprod"),
        ),
        Case(
            "without arguments, it is the course's schedule",
            1,
            _default_inputs,
            _same_default,
            call_many,
        ),
        Case(
            "another number of steps",
            1,
            _schedule_inputs(0.01, 0.3, 7),
            all_of(*(_entry(name) for name in NAMES)),
        ),
    ],
    hints=[
        "Three lines, each made of the one before. `torch.linspace(a, b, n)` gives n evenly spaced "
        "values, with both ends.",
        "`torch.cumprod(alphas, dim=0)` is the running product: its entry t is alpha_0 times "
        "alpha_1 times ... times alpha_t.",
    ],
)


# --- TimeConditionalUNet --------------------------------------------------------------------------


def _shape_inputs(generator: torch.Generator) -> Inputs:
    builds = []
    for arguments in ([1, 4], [1, 3], [3, 4]):
        count = draw_count(generator, 2, 12)
        times = torch.cat([torch.tensor([0.0, 1.0]), draw_times(generator, count - 2)])
        builds.append(
            {"arguments": arguments, "shape": [count, arguments[0], 28, 28], "also": [times]}
        )
    return {"builds": builds}


def _draw_also(generator: torch.Generator, count: int) -> list[Tensor]:
    return [draw_times(generator, count)]


TIME_CONDITIONAL_UNET = Exercise(
    reference=TimeConditionalUNet,
    cases=conditional_cases(
        "TimeConditionalUNet",
        [1, 4],
        _shape_inputs,
        _draw_also,
        [
            place_case(
                "the time acts at both places, for each picture on its own",
                3,
                batch_for([1, 4], _draw_also),
                "the time",
                which=1,
                change=other_times,
            )
        ],
    ),
    hints=[
        "Keep an `UnconditionalUNet` as a part, and two `FCBlock`. Then write `forward` of lesson "
        "11 once more, with two additions.",
        "`FCBlock` wants (B, 1): `t.view(-1, 1)`. It gives (B, 2D), and `[:, :, None, None]` makes "
        "(B, 2D, 1, 1) of it, which is added to every pixel of (B, 2D, 7, 7).",
        "`unflattened = unet.unflatten(unet.flatten(at_7)) + t1`, and "
        "`up_to_14 = unet.up1(torch.cat([unflattened, at_7], dim=1)) + t2`.",
    ],
)


# --- ddpm_loss ------------------------------------------------------------------------------------


def _loss_inputs(count: int, num_timesteps: int, calls: int, channels: int = 1) -> MakeInputs:
    """Pictures within [0, 1], of the digits' size if there is but one call."""

    def inputs(generator: torch.Generator) -> Inputs:
        side = 28 if calls == 1 else 8
        width = side if channels == 1 else side + 2
        images = torch.rand(count, channels, side, width, generator=generator)
        return {"images": images, "alphas_cumprod": levels(num_timesteps), "calls": calls}

    return inputs


DDPM_LOSS = Exercise(
    reference=ddpm_loss,
    cases=[
        Case(
            "it is the mean of squared differences, and has a gradient",
            2,
            _loss_inputs(32, 10, 1),
            of_the_pictures(squared_error),
            noise_pictures,
        ),
        Case(
            "the model's answer is compared with the noise",
            2,
            _loss_inputs(64, 10, 16),
            of_the_pictures(noise_is_target),
            noise_pictures,
        ),
        Case(
            "the pictures are noised to sqrt(abar_t) x_0 + sqrt(1 - abar_t) noise",
            3,
            _loss_inputs(32, 10, 8),
            of_the_pictures(noised_like_forward),
            noise_pictures,
        ),
        Case(
            "each picture has a timestep of its own, any from 0 to T - 1",
            2,
            _loss_inputs(64, 10, 16),
            of_the_pictures(own_timesteps),
            noise_pictures,
        ),
        Case(
            "the model is told t / T",
            2,
            _loss_inputs(2, 5, 80),  # so few pictures that the latest of a call is seldom T - 1
            of_the_pictures(right_times),
            noise_pictures,
        ),
        Case(
            "pictures in colour and of another size",
            1,
            _loss_inputs(16, 4, 6, channels=3),
            of_the_pictures(all_of(squared_error, noise_for_each_entry, noised_like_forward)),
            noise_pictures,
        ),
    ],
    hints=[
        "Five steps: draw a timestep for each picture, look up its abar, draw noise, mix picture "
        "and noise, compare the model's answer with the noise.",
        "`t = torch.randint(T, (len(images),))`; then `alphas_cumprod[t]` has shape (B,), and "
        "`.view(-1, 1, 1, 1)` lets it multiply (B, C, H, W).",
        "`F.mse_loss(model(x_t, t / T), noise)`: the same `noise` as in x_t.",
    ],
)


# --- ddpm_sample ----------------------------------------------------------------------------------


def _sample_inputs(count: int, n: int = 16) -> MakeInputs:
    return lambda generator: {
        "schedule": short_schedule(count),
        "n": n,
        "seed": draw_seed(generator),
    }


def _size_inputs(generator: torch.Generator) -> Inputs:
    return {"schedule": short_schedule(3), "sizes": [1, 3], "seed": draw_seed(generator)}


DDPM_SAMPLE = Exercise(
    reference=ddpm_sample,
    cases=[
        Case(
            "it starts from normal noise",
            1,
            _sample_inputs(4, 32),
            led_by_the_model(normal_start),
            sample_in_steps,
        ),
        Case(
            "the model is asked at every timestep, from T - 1 to 0, and told t / T",
            2,
            _sample_inputs(7, 2),
            led_by_the_model(every_timestep),
            sample_in_steps,
        ),
        Case(
            "each step takes away as much of the predicted noise as the algorithm says",
            3,
            _sample_inputs(6),
            led_by_the_model(steps_to_the_mean),
            sample_in_steps,
        ),
        Case(
            "each step adds noise of strength sqrt(beta_t), but the last adds none",
            2,
            _sample_inputs(6),
            led_by_the_model(noise_added),
            sample_in_steps,
        ),
        Case(
            "the generator draws all noise",
            1,
            _sample_inputs(3, 2),
            led_by_the_model(same_randomness),
            sample_repeatedly,
        ),
        Case(
            "n pictures of shape (1, 28, 28)",
            1,
            _size_inputs,
            same_form(what="the result"),
            sample_sizes,
        ),
    ],
    hints=[
        "A loop over t from T - 1 down to 0. Each turn asks the model for the noise, takes some of "
        "it away, and adds a little new noise unless it is the last turn.",
        "The model wants one time for each picture: `torch.full((n,), t / T, device=device)`. The "
        "device is `next(model.parameters()).device`.",
        "`x = (x - beta / (1 - abar).sqrt() * noise) / alpha.sqrt()`, and if t > 0: "
        "`x = x + beta.sqrt() * torch.randn(n, 1, 28, 28, generator=generator).to(device)`.",
    ],
)


EXERCISES = [DDPM_SCHEDULE, TIME_CONDITIONAL_UNET, DDPM_LOSS, DDPM_SAMPLE]

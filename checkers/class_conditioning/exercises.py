"""Lesson 14: what dropping, the network, the loss and the sampler must do, and go wrong at."""

from __future__ import annotations

import torch
from torch import Tensor

from checkers.class_conditioning.probe import (
    drop_often,
    noise_pictures,
    sample_in_steps,
    sample_repeatedly,
    sample_sizes,
    tell_classes_apart,
)
from checkers.engine.exercise import Case, Exercise, Judge, Observation, Verdict
from checkers.engine.judges.cases import MakeInputs
from checkers.engine.judges.ddpm_loss import (
    levels,
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
    one_call_remark,
    own_classes_asked,
    same_randomness,
    short_schedule,
    steps_to_the_mean,
)
from checkers.engine.judges.dropping import (
    keeps_their_own,
    other_rows_dropped,
    same_dropping,
    same_dropping_at_any_time,
    same_shape,
    same_shares,
)
from checkers.engine.judges.inputs import draw_count, draw_noise, draw_seed, draw_times
from checkers.engine.judges.networks import (
    batch_for,
    conditional_cases,
)
from checkers.engine.judges.places import other_times, place_case
from checkers.engine.judges.values import all_of, same_form, same_values
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from solutions.class_conditioning import (
    ClassConditionalUNet,
    class_ddpm_loss,
    class_ddpm_sample,
    drop_classes,
)

MANY = 4000


def _labels(generator: torch.Generator, count: int, low: int = 0, high: int = 10) -> Tensor:
    return torch.randint(low, high, (count,), generator=generator)


# --- drop_classes ---------------------------------------------------------------------------------


def _one_hot_inputs(p_uncond: float) -> MakeInputs:
    def inputs(generator: torch.Generator) -> Inputs:
        labels = torch.randperm(9, generator=generator)  # no 9: ten columns all the same
        few = _labels(generator, 7, high=4)
        return {
            "calls": [
                {"labels": labels, "p_uncond": p_uncond},
                {"labels": few, "p_uncond": p_uncond, "num_classes": 4},
            ]
        }

    return inputs


def _many_inputs(*calls: list[float]) -> MakeInputs:
    return lambda generator: {"labels": _labels(generator, MANY), "calls": list(calls)}


_same_rows = all_of(
    same_values(what="the result", labels=lambda inputs: ["10 classes", "4 classes"]), same_form()
)


DROP_CLASSES = Exercise(
    reference=drop_classes,
    cases=[
        Case(
            "with p_uncond = 0, all classes become one-hot vectors",
            2,
            _one_hot_inputs(0.0),
            _same_rows,
            call_many,
        ),
        Case(
            "with p_uncond = 1, all rows are zeros", 1, _one_hot_inputs(1.0), _same_rows, call_many
        ),
        Case(
            "a share of p_uncond is dropped, and rows are kept or dropped whole",
            3,
            _many_inputs([0.1], [0.3], [0.8], []),
            all_of(same_shape, same_dropping, keeps_their_own),
            drop_often,
        ),
        Case(
            "each call draws anew",
            1,
            _many_inputs([0.3]),
            all_of(same_shape, other_rows_dropped, keeps_their_own),
            drop_often,
        ),
    ],
    hints=[
        "`F.one_hot(labels, num_classes)` gives whole numbers; `.float()` makes them what the "
        "network needs.",
        "One random number for each label: `torch.rand(len(labels)) >= p_uncond` is true for those "
        "that are kept.",
        "Multiply: `one_hot * keep[:, None]`. True counts as 1 and False as 0, and `[:, None]` "
        "makes a column of the row, so that each row of `one_hot` is kept or dropped whole.",
    ],
)


# --- ClassConditionalUNet -------------------------------------------------------------------------


def _classes(generator: torch.Generator, count: int) -> Tensor:
    """Different classes, one-hot, and none for the last picture.

    No two are five apart: known kernels are the same for both halves of what comes in.
    """
    chosen = torch.randperm(5, generator=generator)[:count]
    chosen = chosen + 5 * (torch.rand(count, generator=generator) < 0.5)
    return torch.cat([torch.eye(10)[chosen[:-1]], torch.zeros(1, 10)])


def _shape_inputs(generator: torch.Generator) -> Inputs:
    builds = []
    for channels, classes, width in ((1, 10, 4), (3, 4, 3)):
        count = draw_count(generator, 2, 30)
        times = torch.cat([torch.tensor([0.0, 1.0]), draw_times(generator, count - 2)])
        told = torch.eye(classes + 1)[_labels(generator, count, high=classes + 1), :-1]
        builds.append(
            {
                "arguments": [channels, classes, width],
                "shape": [count, channels, 28, 28],
                "also": [times, told],
            }
        )
    return {"builds": builds}


def _draw_also(generator: torch.Generator, count: int) -> list[Tensor]:
    return [draw_times(generator, count), _classes(generator, count)]


def _apart_inputs(generator: torch.Generator) -> Inputs:
    """Every class, no class (10), and some of them again, in an order nobody knows."""
    told = torch.cat([torch.arange(11), _labels(generator, 9, high=11)])
    return {
        "arguments": [1, 10, 4],
        "x": draw_noise(generator, 1, 1, 28, 28),
        "t": torch.rand(1, generator=generator),
        "told": told[torch.randperm(20, generator=generator)],
        "seed": draw_seed(generator),
    }


def _no_class_apart(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    mine, target = observed["as_none"], expected["as_none"]
    if mine == target:
        return Verdict(True)
    classes = [told for told, same in zip(inputs["told"].tolist(), mine, strict=True) if same]
    wrong = min(classes, default=10)
    return Verdict(
        False,
        "No class, a row of zeros, gives the same result as "
        + (f"class {wrong}." if wrong < 10 else "a class.")
        + " It should differ from all of them.",
    )


_batch = batch_for([1, 10, 4], _draw_also)


CLASS_CONDITIONAL_UNET = Exercise(
    reference=ClassConditionalUNet,
    cases=conditional_cases(
        "ClassConditionalUNet",
        [1, 10, 4],
        _shape_inputs,
        _draw_also,
        [
            place_case(
                "the class acts at both places, for each picture on its own",
                2,
                _batch,
                "the class",
                which=2,
                change=lambda classes: classes.roll(1, dims=0),
            ),
            place_case("so does the time", 1, _batch, "the time", which=1, change=other_times),
            Case(
                "no class is another thing than any class",
                1,
                _apart_inputs,
                _no_class_apart,
                tell_classes_apart,
            ),
        ],
    ),
    hints=[
        "It is `TimeConditionalUNet` with two more `FCBlock`, which turn the one-hot class into 2D "
        "and into D numbers.",
        "The class multiplies, the time is added: `c1 * unflattened + t1`. As before, "
        "`[:, :, None, None]` makes (B, 2D, 1, 1) of (B, 2D).",
        "`unflattened = c1 * unet.unflatten(unet.flatten(at_7)) + t1`, and "
        "`up_to_14 = c2 * unet.up1(torch.cat([unflattened, at_7], dim=1)) + t2`.",
    ],
)


# --- class_ddpm_loss ------------------------------------------------------------------------------


def _loss_inputs(
    count: int, num_timesteps: int, calls: int, *p_uncond: float, side: int = 8, high: int = 10
) -> MakeInputs:
    def inputs(generator: torch.Generator) -> Inputs:
        return {
            "images": torch.rand(count, 2, side, side + 1, generator=generator),
            "labels": _labels(generator, count, high=high),
            "alphas_cumprod": levels(num_timesteps),
            "p_uncond": list(p_uncond),
            "calls": calls,
            "calls_of_one": calls,
        }

    return inputs


CLASS_DDPM_LOSS = Exercise(
    reference=class_ddpm_loss,
    cases=[
        Case(
            "it is the mean of squared differences between answer and noise, with a gradient",
            2,
            _loss_inputs(64, 10, 16),
            of_the_pictures(all_of(squared_error, noise_is_target)),
            noise_pictures,
        ),
        Case(
            "each picture is noised to a timestep of its own, with noise of its own",
            2,
            _loss_inputs(64, 10, 16),
            of_the_pictures(all_of(noised_like_forward, own_timesteps)),
            noise_pictures,
        ),
        Case(
            "the model is told t / T",
            1,
            _loss_inputs(2, 5, 80),  # so few pictures that the latest of a call is seldom T - 1
            of_the_pictures(right_times),
            noise_pictures,
        ),
        Case(
            "with p_uncond = 0, the model is told every class",
            2,
            _loss_inputs(64, 4, 2, 0.0, high=9),
            of_the_pictures(same_shares),
            noise_pictures,
        ),
        Case(
            "otherwise a share of p_uncond is dropped, each class on its own",
            2,
            _loss_inputs(42, 4, 72, 0.3, side=4),
            of_the_pictures(same_dropping_at_any_time),
            noise_pictures,
        ),
        Case(
            "without p_uncond, it is 0.1",
            1,
            _loss_inputs(60, 4, 50, side=4),
            of_the_pictures(same_shares),
            noise_pictures,
        ),
    ],
    hints=[
        "It is `ddpm_loss` with one thing more for the model: the classes, some of them dropped.",
        "`drop_classes(labels, p_uncond)` gives what the model wants as its third argument.",
    ],
)


# --- class_ddpm_sample ----------------------------------------------------------------------------


def _sample_inputs(
    count: int, n: int, scale: float | None = None, class_spread: float = 0.06
) -> MakeInputs:
    """So many steps and pictures; the last picture is of class 0, the others are not."""

    def inputs(generator: torch.Generator) -> Inputs:
        labels = _labels(generator, n - 1, low=1)
        return {
            "schedule": short_schedule(count),
            "labels": torch.cat([labels, torch.zeros(1, dtype=torch.int64)]),
            "seed": draw_seed(generator),
            "guidance_scale": scale,
            "class_spread": class_spread,
        }

    return inputs


def _size_inputs(generator: torch.Generator) -> Inputs:
    return {"runs": [_sample_inputs(3, n, 2.0)(generator) for n in (1, 3)]}


def _steps(title: str, points: int, inputs: MakeInputs, judge: Judge) -> Case:
    return Case(title, points, inputs, led_by_the_model(judge), sample_in_steps)


CLASS_DDPM_SAMPLE = Exercise(
    reference=class_ddpm_sample,
    cases=[
        _steps("it starts from normal noise", 1, _sample_inputs(2, 32, 1.0), normal_start),
        _steps(
            "the model is asked at every timestep, from T - 1 to 0, and told t / T",
            2,
            _sample_inputs(7, 2, 1.0),
            every_timestep,
        ),
        _steps(
            "the model is asked with each picture's class and with none, and nothing else",
            1,
            _sample_inputs(2, 150, 2.0),
            own_classes_asked,
        ),
        _steps("scale 0 gives no class", 1, _sample_inputs(3, 60, 0.0, 0.1), steps_to_the_mean),
        _steps(
            "scale 0.5 goes half the way", 1, _sample_inputs(3, 100, 0.5, 0.2), steps_to_the_mean
        ),
        _steps(
            "scale 1 follows the class as it is",
            1,
            _sample_inputs(3, 60, 1.0, 0.1),
            steps_to_the_mean,
        ),
        _steps(
            "scale 2.5 goes beyond it",
            2,
            _sample_inputs(4, 100, 2.5, 0.14),
            all_of(steps_to_the_mean, one_call_remark),
        ),
        _steps("without guidance_scale, it is 5", 1, _sample_inputs(4, 100), steps_to_the_mean),
        _steps(
            "each step adds noise of strength sqrt(beta_t), but the last adds none",
            1,
            _sample_inputs(5, 60, 1.0),
            noise_added,
        ),
        Case(
            "the generator draws all noise",
            1,
            _sample_inputs(3, 60, 2.0),  # so many that dropping classes shows in every run
            led_by_the_model(same_randomness),
            sample_repeatedly,
        ),
        Case(
            "a picture of shape (1, 28, 28) for every label",
            1,
            _size_inputs,
            same_form(what="the result"),
            sample_sizes,
        ),
    ],
    hints=[
        "It is `ddpm_sample` with another `noise`: that of guidance, made of two answers of the "
        "model.",
        "The classes: `drop_classes(labels, p_uncond=0.0)`, so that none is dropped. No class: "
        "`torch.zeros_like` of it.",
        "One call for both: `torch.cat([x, x])` as pictures, `torch.cat([one_hot, zeros])` as "
        "classes, 2n times. `.chunk(2)` cuts the answer in two again. Then "
        "`noise = noise_uncond + guidance_scale * (noise_cond - noise_uncond)`.",
    ],
)


EXERCISES = [DROP_CLASSES, CLASS_CONDITIONAL_UNET, CLASS_DDPM_LOSS, CLASS_DDPM_SAMPLE]

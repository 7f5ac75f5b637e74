"""Lesson 16: what the loss with classes and the guided sampler must do, and how they go wrong."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from checkers.engine.dropping_judges import SAYS, same_rule
from checkers.engine.exercise import Case, Exercise, Judge, Observation, Verdict
from checkers.engine.flow_judges import (
    not_called,
    same_lines,
    same_times_asked,
    same_times_drawn,
)
from checkers.engine.judges import all_of, same_answer, same_form, same_moments, same_values
from checkers.flow_matching import (
    asked_in_its_mode,
    called,
    drawn_anew,
    has_a_gradient,
    leaves_things_alone,
    same_line_end,
    same_loss,
    same_noise_seen,
    same_repeats,
    same_start,
)
from probes.class_conditioned_flow import (
    class_loss_of_a_fixed_answer,
    classes_seen,
    classes_told,
    follow_classes,
    follow_classes_repeatedly,
    what_the_class_model_sees,
)
from probes.running import Inputs
from solutions.class_conditioned_flow import class_flow_loss, class_flow_sample
from solutions.class_conditioning import drop_classes
from solutions.flow_matching import interpolate

_MANY = (16_384, 1, 2, 2)


# --- class_flow_loss ------------------------------------------------------------------------------


def _labels(generator: torch.Generator, count: int) -> Tensor:
    """Classes from 0 to 8: so many columns as the labels need are then one too few."""
    return torch.randperm(count, generator=generator) % 9


def _images_inputs(generator: torch.Generator) -> Inputs:
    images = torch.rand(_MANY, generator=generator)
    return {"images": images, "labels": _labels(generator, len(images))}


def _fixed_answer_inputs(generator: torch.Generator) -> Inputs:
    inputs = _images_inputs(generator)
    return {**inputs, "answer": 3 * inputs["images"]}


def _classes_inputs(
    p_uncond: float | None, count: int, times: int = 1
) -> Callable[[torch.Generator], Inputs]:
    def inputs(generator: torch.Generator) -> Inputs:
        return {
            "images": torch.rand(count, 1, 2, 2, generator=generator),
            "labels": _labels(generator, count),
            "p_uncond": p_uncond,
            "times": times,
        }

    return inputs


def same_kind_of_classes(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge shape and type of what the model gets as classes."""
    if problem := not_called(observed, expected):
        return problem
    mine, right = observed.get("shape"), expected["shape"]
    if mine != right:
        return Verdict(
            False,
            f"The model gets classes of shape {_shape(mine)}; it should be {_shape(right)}, with a "
            f"row for each picture.",
        )
    if observed.get("dtype") != expected["dtype"]:
        return Verdict(
            False,
            f"The model gets the classes as {observed.get('dtype')}; its layers work on "
            f"{expected['dtype']}. `.float()` converts.",
        )
    return Verdict(True)


def _shape(value: object) -> str:
    return str(tuple(value)) if isinstance(value, list) else "no tensor"


def same_classes(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge one call's classes: whether pictures share a coin, then how many are dropped."""
    verdict = same_kind_of_classes(observed, expected, inputs)
    if not verdict.passed:
        return verdict
    if inputs["p_uncond"] == 0:
        return _same_shares(observed, expected, inputs)
    mine, right = observed.get("shared"), expected.get("shared")
    if right == "together":
        return Verdict(False, "Whether all classes were dropped, or none, is chance.")
    if "by class" in (mine, right):
        return same_answer("shared", says=SAYS["by class"])(observed, expected, inputs)
    return _same_shares(observed, expected, inputs)


_same_shares = all_of(
    same_moments("own", what="the share of pictures whose own class the model is told", also=()),
    same_moments("dropped", what="the share of pictures whose class is dropped", also=()),
    same_moments("first", what="the share of pictures that the model is told are 0", also=()),
    same_values("largest", what="the largest entry of the classes"),
)

CLASS_FLOW_LOSS = Exercise(
    reference=class_flow_loss,
    cases=[
        Case(
            "the loss is the mean squared distance from x_1 - x_0, and has a gradient",
            2,
            _fixed_answer_inputs,
            all_of(leaves_things_alone, same_loss, has_a_gradient),
            class_loss_of_a_fixed_answer,
        ),
        Case(
            "x_t, t and the target belong to one line",
            1,
            _fixed_answer_inputs,
            all_of(has_a_gradient, same_line_end),
            class_loss_of_a_fixed_answer,
        ),
        Case(
            "the model sees the digits on their way from standard normal noise",
            1,
            _images_inputs,
            same_noise_seen,
            what_the_class_model_sees,
        ),
        Case(
            "times are uniform between 0 and 1, one for each picture",
            1,
            _images_inputs,
            same_times_drawn(),
            what_the_class_model_sees,
        ),
        Case(
            "every picture and every call get new noise, every call new times",
            1,
            _images_inputs,
            drawn_anew,
            what_the_class_model_sees,
        ),
        Case(
            "with p_uncond = 0, the model is told every class, as a one-hot row of float32",
            1,
            _classes_inputs(0.0, 10),
            same_classes,
            classes_seen,
        ),
        Case(
            "with p_uncond = 0.3, the class of three pictures in ten becomes zeros",
            1,
            _classes_inputs(0.3, 8192),
            same_classes,
            classes_seen,
        ),
        Case(
            "each picture has a chance of its own to lose its class",
            1,
            _classes_inputs(0.5, 64, times=24),
            all_of(
                same_kind_of_classes,
                same_answer(
                    "by_time",
                    says="Which classes are dropped hangs on the times of their pictures. Draw the "
                    "two independently of each other.",
                ),
                same_rule,
            ),
            classes_seen,
        ),
        Case(
            "without `p_uncond`, one class in ten is dropped",
            1,
            _classes_inputs(None, 8192),
            same_classes,
            classes_seen,
        ),
    ],
    hints=[
        "It is the loss of lesson 15 with a third argument for the model. `drop_classes` of lesson "
        "14 makes it of the labels.",
        "`drop_classes(labels, p_uncond)` gives one-hot rows, some of them zeros. The target "
        "doesn't change: a picture without its class still has its line.",
        "`model(interpolate(x_0, images, t), t, drop_classes(labels, p_uncond))`.",
    ],
)


def _on_a_line(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Times, points and directions of lines to `images`."""
    x_0, t = torch.randn_like(images), torch.rand(len(images))
    return t, interpolate(x_0, images, t), images - x_0


@CLASS_FLOW_LOSS.right_answer
def by_hand(net, x_1, y, p=0.1):
    x_0 = torch.randn(x_1.shape)
    t = torch.rand(x_1.shape[0], 1, 1, 1)
    c = torch.eye(10)[y]
    c[torch.rand(len(y)) < p] = 0.0
    answer = net(x_0 + t * (x_1 - x_0), t, c)
    return ((x_1 - x_0 - answer) ** 2).mean()


@CLASS_FLOW_LOSS.right_answer
def with_a_bernoulli_mask(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    keep = torch.bernoulli(torch.full((len(labels), 1), 1 - p_uncond))
    c = F.one_hot(labels, num_classes=10).to(images.dtype) * keep
    return torch.nn.MSELoss()(direction, model(x=x_t, t=t.view(-1, 1), c=c))


@CLASS_FLOW_LOSS.right_answer
def with_where(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    dropped = torch.rand(len(labels), 1) < p_uncond
    one_hot = torch.zeros(len(labels), 10).scatter_(1, labels[:, None], 1.0)
    c = torch.where(dropped, torch.zeros(()), one_hot)
    return (model(x_t, t, c) - direction).square().mean()


@CLASS_FLOW_LOSS.mistake(
    "It looks as if the model is put into evaluation mode. It is being trained here: leave its "
    "mode as it is."
)
def in_evaluation_mode(model, images, labels, p_uncond=0.1):
    model.eval()
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, drop_classes(labels, p_uncond)), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if F.one_hot is left to find the number of columns: it takes as many as the "
    "largest label needs. There are ten classes in every batch."
)
def columns_by_the_labels(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = F.one_hot(labels).float() * (torch.rand(len(labels)) >= p_uncond)[:, None]
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if class 0 is taken for no class. No class is a row of zeros; class 0 is the "
    "digit 0, with a 1 at the first place."
)
def class_zero_left_out(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = drop_classes(labels, p_uncond) * (labels > 0)[:, None]
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if one random number serves as the time and as the coin. Then only some times are "
    "ever trained without class: draw the coins by themselves."
)
def coin_is_the_time(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = F.one_hot(labels, 10).float() * (t >= p_uncond)[:, None]
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if exactly a share of p_uncond is dropped in every call. Toss a coin for each "
    "picture, as drop_classes does."
)
def exact_share(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = F.one_hot(labels, 10).float()
    c[torch.randperm(len(labels))[: round(p_uncond * len(labels))]] = 0
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if every call drops the classes of the same rows. Draw anew in every call which "
    "ones lose their class."
)
def first_rows_dropped(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = F.one_hot(labels, 10).float()
    c[: round(p_uncond * len(labels))] = 0
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if one coin is tossed for each class. Toss one for each picture: "
    "torch.rand(len(labels)), as a column."
)
def one_coin_for_each_class(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = F.one_hot(labels, 10).float() * (torch.rand(10) >= p_uncond)
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if one number is drawn for each picture and serves as the noise of all its "
    "pixels. Every pixel needs a number of its own: torch.randn_like(images)."
)
def one_number_for_a_picture(model, images, labels, p_uncond=0.1):
    x_0, t = torch.randn(len(images), 1, 1, 1).expand_as(images), torch.rand(len(images))
    predicted = model(interpolate(x_0, images, t), t, drop_classes(labels, p_uncond))
    return F.mse_loss(predicted, images - x_0)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if no class is ever dropped. Then the model never learns the flow without a "
    "class, which guidance needs: drop_classes(labels, p_uncond)."
)
def never_dropped(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, F.one_hot(labels, 10).float()), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if one coin is thrown for the whole batch. Each picture has a chance of its own: "
    "torch.rand(len(labels))."
)
def one_coin(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = F.one_hot(labels, 10).float() * float(torch.rand(()) >= p_uncond)
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if the chance is the wrong way round: p_uncond is the probability to drop a "
    "class, not to keep it."
)
def chance_inverted(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, drop_classes(labels, 1 - p_uncond)), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if a dropped class becomes class 0. That is a digit of its own: the row for no "
    "class is all zeros."
)
def dropped_to_class_0(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    kept = torch.where(torch.rand(len(labels)) < p_uncond, 0, labels)
    return F.mse_loss(model(x_t, t, F.one_hot(kept, 10).float()), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if the one-hot rows are whole numbers: F.one_hot gives int64, and a linear layer "
    "can't multiply that. Add .float()."
)
def whole_numbers(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    keep = torch.rand(len(labels)) >= p_uncond
    return F.mse_loss(model(x_t, t, F.one_hot(labels, 10) * keep[:, None]), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if the model gets the labels as they are. It wants one-hot rows of shape (B, 10): "
    "drop_classes makes them."
)
def labels_as_they_are(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, labels), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if F.dropout drops the classes. It also multiplies what it keeps by "
    "1 / (1 - p_uncond); rows that are kept should hold a 1."
)
def scaled_by_dropout(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = F.dropout(F.one_hot(labels, 10).float(), p_uncond)
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if `p_uncond` is not used and 0.1 is written into the loss. 0.1 is only its "
    "default."
)
def chance_fixed(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, drop_classes(labels, 0.1)), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if the classes are always zeros: every one is dropped, so the model never learns "
    "what they mean."
)
def always_dropped(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, torch.zeros(len(labels), 10)), direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if the target is x_0 - x_1, which points back to the noise. The flow leads to the "
    "data: x_1 - x_0."
)
def target_reversed(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, drop_classes(labels, p_uncond)), -direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if the model is asked for the noise, as in lesson 14. Here it predicts the flow: "
    "x_1 - x_0."
)
def target_is_the_noise(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, drop_classes(labels, p_uncond)), images - direction)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if the model is told a whole number, the step, instead of the time between 0 and "
    "1. Draw t with torch.rand and pass it on as it is."
)
def step_for_time(model, images, labels, p_uncond=0.1):
    x_0, step = torch.randn_like(images), torch.randint(0, 50, (len(images),))
    x_t = interpolate(x_0, images, step / 50)
    return F.mse_loss(model(x_t, step, drop_classes(labels, p_uncond)), images - x_0)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if one time is drawn for the whole batch. Every picture gets its own: "
    "torch.rand(len(images))."
)
def one_time_for_all(model, images, labels, p_uncond=0.1):
    x_0, t = torch.randn_like(images), torch.rand(1).expand(len(images))
    x_t = interpolate(x_0, images, t)
    return F.mse_loss(model(x_t, t, drop_classes(labels, p_uncond)), images - x_0)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if noise and digit changed places on the line: at t = 0 the model should see "
    "noise, at t = 1 the digit."
)
def line_reversed(model, images, labels, p_uncond=0.1):
    x_0, t = torch.randn_like(images), torch.rand(len(images))
    x_t = interpolate(images, x_0, t)
    return F.mse_loss(model(x_t, t, drop_classes(labels, p_uncond)), images - x_0)


@CLASS_FLOW_LOSS.mistake(
    "It looks as if the loss is returned as a plain number, or computed without gradients. Return "
    "the tensor: training needs its gradient."
)
def without_gradient(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, drop_classes(labels, p_uncond)), direction).item()


@CLASS_FLOW_LOSS.mistake(
    "It looks as if you took the sum over all pixels. Take the mean, so that the loss doesn't "
    "depend on the number of pictures."
)
def summed(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return ((model(x_t, t, drop_classes(labels, p_uncond)) - direction) ** 2).sum()


# --- class_flow_sample ----------------------------------------------------------------------------


def _flat_means(generator: torch.Generator) -> Tensor:
    """A flat mean for each class and for "no class", all of them apart."""
    order = torch.randperm(11, generator=generator)
    return ((order + 0.5) / 11).reshape(-1, 1, 1, 1).expand(-1, 1, 28, 28).clone()


def _run(means: Tensor, labels: list[int], num_steps: int | None, scale: float | None) -> Inputs:
    return {
        "means": means,
        "std": torch.linspace(0.25, 0.5, len(means)),
        "labels": torch.tensor(labels),
        "num_steps": num_steps,
        "guidance_scale": scale,
    }


def _some_labels(generator: torch.Generator, count: int) -> list[int]:
    """Classes from 0 to 8; with 100 of them, a sampler that drops classes can't go unseen."""
    return _labels(generator, count).tolist()


def _shape_inputs(generator: torch.Generator) -> Inputs:
    means = _flat_means(generator)
    return {"calls": [_run(means, _some_labels(generator, n), 2, 2.0) for n in (1, 3)]}


def _start_inputs(generator: torch.Generator) -> Inputs:
    return {"calls": [_run(_flat_means(generator), _some_labels(generator, 8), 2, 2.0)]}


def _times_inputs(generator: torch.Generator) -> Inputs:
    means, labels = _flat_means(generator), _some_labels(generator, 2)
    given = ((4, 2.0), (10, 1.0), (None, None))
    return {"calls": [_run(means, labels, steps, scale) for steps, scale in given]}


def _scales_inputs(*scales: float | None) -> Callable[[torch.Generator], Inputs]:
    def inputs(generator: torch.Generator) -> Inputs:
        means, labels = _flat_means(generator), _some_labels(generator, 100)
        return {"calls": [_run(means, labels, 3, scale) for scale in scales]}

    return inputs


def _steps_inputs(generator: torch.Generator) -> Inputs:
    means, labels = _flat_means(generator), _some_labels(generator, 100)
    return {"calls": [_run(means, labels, steps, 2.0) for steps in (3, 7)]}


def _point_inputs(generator: torch.Generator) -> Inputs:
    """One picture for each class; alike, so that guided ones stay near [0, 1]."""
    coarse = torch.rand(12, 1, 5, 5, generator=generator)
    smooth = F.interpolate(coarse, (28, 28), mode="bilinear")
    means = 0.8 * smooth[:1] + 0.1 * smooth[1:]
    labels = _some_labels(generator, 100)
    runs = [_run(means, labels, steps, scale) for steps, scale in ((2, 1.0), (5, 5.0))]
    return {"calls": [{**run, "std": 0.0} for run in runs]}


def _told_inputs(generator: torch.Generator) -> Inputs:
    return {"means": _flat_means(generator), "std": 0.4, "labels": _labels(generator, 400)}


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    seed = int(torch.randint(1, 10**6, (), generator=generator))
    return {**_run(_flat_means(generator), _some_labels(generator, 100), 2, 2.0), "seed": seed}


def _steps_asked_for(inputs: Inputs, number: int) -> str:
    steps = inputs["calls"][number]["num_steps"]
    return "Without num_steps" if steps is None else f"With num_steps = {steps}"


def _scale_asked_for(inputs: Inputs, number: int) -> str:
    scale = inputs["calls"][number]["guidance_scale"]
    return "Without guidance_scale" if scale is None else f"With guidance_scale = {scale:g}"


def _same_kind_of_rows() -> Judge:
    """A judge of the classes that a sampler gives to the model: one-hot rows of float32."""

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        for number in range(len(expected["shape"])):
            mine = {key: _nth(observed.get(key), number) for key in ("shape", "dtype", "times")}
            right = {key: expected[key][number] for key in ("shape", "dtype")}
            row = {"calls": bool(mine["times"]), **mine}
            verdict = same_kind_of_classes(row, {"calls": True, **right}, inputs)
            if not verdict.passed:
                return Verdict(False, verdict.message.replace("shape (", "shape (n, "))
        return Verdict(True)

    return judge


def _nth(values: object, number: int) -> object:
    return values[number] if isinstance(values, list) and len(values) > number else None


CLASS_FLOW_SAMPLE = Exercise(
    reference=class_flow_sample,
    cases=[
        Case(
            "a picture of shape (1, 28, 28) comes out for each label",
            1,
            _shape_inputs,
            all_of(_same_kind_of_rows(), same_form(what="the samples")),
            follow_classes,
        ),
        Case(
            "it starts from standard normal noise, different for every picture",
            1,
            _start_inputs,
            same_start("model(x, t, c)"),
            follow_classes,
        ),
        Case(
            "the T steps begin at the times 0, 1/T, ... 1 - 1/T",
            1,
            _times_inputs,
            all_of(asked_in_its_mode, same_times_asked(_steps_asked_for)),
            follow_classes,
        ),
        Case(
            "each step goes 1/T of the flow, and nothing else",
            2,
            _steps_inputs,
            same_lines(_steps_asked_for),
            follow_classes,
        ),
        Case(
            "guidance 0 ignores the class, guidance 1 follows it",
            1,
            _scales_inputs(0.0, 1.0),
            same_lines(_scale_asked_for),
            follow_classes,
        ),
        Case(
            "guidance 2.5 goes beyond; without `guidance_scale`, it is 5",
            2,
            _scales_inputs(2.5, None),
            same_lines(_scale_asked_for),
            follow_classes,
        ),
        Case(
            "where each class has one picture, the guided picture comes out",
            1,
            _point_inputs,
            same_values(
                what="the sample",
                labels=lambda inputs: [
                    f"guidance {c['guidance_scale']:g}" for c in inputs["calls"]
                ],
                atol=5e-3,
                show=True,
                dtype_matters=False,
            ),
            follow_classes,
        ),
        Case(
            "no class is dropped while sampling",
            1,
            _told_inputs,
            all_of(called, same_moments("told", what="the share of classes asked for", also=())),
            classes_told,
        ),
        Case(
            "a generator makes samples repeatable; without one, they differ",
            1,
            _repeat_inputs,
            same_repeats,
            follow_classes_repeatedly,
        ),
    ],
    hints=[
        "The loop is that of lesson 15. What is new: in every step the model is asked with the "
        "class and without, and the step goes along the guided flow.",
        "One-hot rows are `drop_classes(labels, 0.0)`; no class is `torch.zeros_like` of them. "
        "Guidance starts from the flow without class: `uncond + guidance_scale * (cond - uncond)`.",
        "Both in one call: `model(torch.cat([x, x]), t, torch.cat([one_hot, zeros])).chunk(2)`, "
        "with t of shape (2n,). The first half belongs to the classes.",
    ],
)
EXERCISES = [CLASS_FLOW_LOSS, CLASS_FLOW_SAMPLE]


def _start(labels, generator):
    return torch.randn(len(labels), 1, 28, 28, generator=generator)


def _times(num_steps):
    return [k / num_steps for k in range(num_steps)]


def _rows(labels):
    return F.one_hot(labels, 10).float()


def _guided(flow_uncond, flow_cond, scale):
    return flow_uncond + scale * (flow_cond - flow_uncond)


def _walk(model, x, cond, uncond, times, length, combine):
    """Euler's method along `combine(uncond, cond)`, with the given times and step length."""
    for t in times:
        now = torch.full((len(x),), float(t))
        x = x + length * combine(model(x, now, uncond), model(x, now, cond))
    return x


def _sampled(model, labels, num_steps, scale, generator, **parts):
    """The right sampler, with parts exchanged."""
    cond = parts.get("cond", _rows(labels))
    return _walk(
        model,
        parts["start"] if "start" in parts else _start(labels, generator),
        cond,
        parts.get("uncond", torch.zeros_like(cond)),
        parts.get("times", _times(num_steps)),
        parts.get("length", 1 / num_steps),
        parts.get("combine", lambda u, c: _guided(u, c, scale)),
    )


@CLASS_FLOW_SAMPLE.right_answer
@torch.no_grad()
def in_two_calls(net, y, T=50, gamma=5.0, rng=None):
    x = torch.normal(0.0, 1.0, (y.shape[0], 1, 28, 28), generator=rng)
    c = torch.eye(10)[y]
    for now, then in pairwise(torch.linspace(0, 1, T + 1)):
        t = now.repeat(len(y)).view(-1, 1, 1, 1)
        with_class, without = net(x, t, c), net(x, t, torch.zeros_like(c))
        x = x + (then - now) * ((1 - gamma) * without + gamma * with_class)
    return x


@CLASS_FLOW_SAMPLE.right_answer
def without_class_first(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    n = labels.numel()
    x = torch.randn((n, 1, 28, 28), generator=generator)
    c = torch.zeros(2 * n, 10)
    c[torch.arange(n, 2 * n), labels] = 1
    for t in torch.arange(num_steps) / num_steps:
        uncond, cond = model(x=x.repeat(2, 1, 1, 1), t=t.expand(2 * n, 1), c=c).detach().split(n)
        x = x + (cond + (guidance_scale - 1) * (cond - uncond)) * (1 / num_steps)
    return x, None


@CLASS_FLOW_SAMPLE.right_answer
def one_call_where_one_will_do(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    model.eval()
    c = drop_classes(labels, p_uncond=0.0)
    x, t = torch.randn(len(labels), 1, 28, 28, generator=generator), torch.zeros(1)
    for _ in range(num_steps):
        flow = model(x, t, c)
        if guidance_scale != 1:
            flow = torch.lerp(model(x, t, c * 0), flow, guidance_scale)
        x = x + flow.detach() / num_steps
        t = t + 1 / num_steps
    return x


@CLASS_FLOW_SAMPLE.right_answer
def in_uneven_groups(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    starts = _start(labels, generator).split(32)
    ends = []
    for x, group in zip(starts, labels.split(32), strict=True):
        ends.append(_sampled(model, group, num_steps, guidance_scale, None, start=x))
    return torch.cat(ends)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if the guidance scale multiplies the one-hot row. Ask with the row as it is and "
    "without class, and guide with the two answers."
)
def row_multiplied(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    cond = guidance_scale * _rows(labels)
    start, times = _start(labels, generator), _times(num_steps)
    return _walk(model, start, cond, cond, times, 1 / num_steps, lambda u, c: c)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if two ways are followed, one with the class and one without, and put together at "
    "the end. Both questions of a step are asked at the same point."
)
def two_ways(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    start, cond = _start(labels, generator), _rows(labels)
    none = torch.zeros_like(cond)
    parts = (_times(num_steps), 1 / num_steps, lambda u, c: c)
    with_class = _walk(model, start, cond, none, *parts)
    without = _walk(model, start, none, none, *parts)
    return without + guidance_scale * (with_class - without)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if class 0 is taken for no class. No class is a row of zeros; class 0 is the "
    "digit 0, with a 1 at the first place."
)
def class_zero_asked_as_none(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    cond = _rows(labels) * (labels > 0)[:, None]
    return _sampled(model, labels, num_steps, guidance_scale, generator, cond=cond)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if there is one step too many: the loop runs to t = 1, where the way has ended. "
    "`range(num_steps)` stops in time."
)
def one_step_too_many(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    times = [k / num_steps for k in range(num_steps + 1)]
    return _sampled(model, labels, num_steps, guidance_scale, generator, times=times)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if the generator starts anew from its own seed in every call, so that two calls "
    "give the same samples. Draw with it as you get it."
)
def seeded_again(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    if generator is not None:
        generator.manual_seed(generator.initial_seed())
    return _sampled(model, labels, num_steps, guidance_scale, generator)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if all pixels of a picture start from the same number. Draw one for each: "
    "torch.randn(n, 1, 28, 28)."
)
def one_start_for_all_pixels(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    start = torch.randn(len(labels), 1, 1, 1, generator=generator).expand(-1, 1, 28, 28)
    return _sampled(model, labels, num_steps, guidance_scale, generator, start=start)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if classes are dropped while sampling. Dropping belongs to training: with "
    "drop_classes(labels, p_uncond=0.0) all are kept."
)
def dropped_while_sampling(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, guidance_scale, generator, cond=drop_classes(labels))


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if the two flows changed places. If they come from one batched call, cut it in "
    "the order in which you put it together."
)
def branches_swapped(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(
        model,
        labels,
        num_steps,
        guidance_scale,
        generator,
        combine=lambda u, c: _guided(c, u, guidance_scale),
    )


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if guidance starts from the flow with the class: cond + g (cond - uncond), which "
    "is (1 + g) cond - g uncond. It starts from the other: uncond + g (cond - uncond)."
)
def one_too_many(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, guidance_scale + 1, generator)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if class 0 stands for no class. That is a digit of its own: the row for no class "
    "is all zeros."
)
def class_0_for_none(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(
        model,
        labels,
        num_steps,
        guidance_scale,
        generator,
        uncond=_rows(torch.zeros_like(labels)),
    )


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if there is no guidance: only the flow with the class is followed. Ask the model "
    "without the class, too."
)
def not_guided(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, 1.0, generator)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if `guidance_scale` is not used and 5 is written into the loop. 5 is only its "
    "default."
)
def always_five(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, 5.0, generator)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if the classes are ignored: every step follows the flow without a class."
)
def classes_ignored(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, 0.0, generator)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if only guidance_scale times the difference is followed. Add it to the flow "
    "without a class."
)
def only_the_difference(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(
        model,
        labels,
        num_steps,
        guidance_scale,
        generator,
        combine=lambda u, c: guidance_scale * (c - u),
    )


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if the first label is used for every picture. Each has its own."
)
def first_label_for_all(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    cond = _rows(labels[:1]).repeat(len(labels), 1)
    return _sampled(model, labels, num_steps, guidance_scale, generator, cond=cond)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if the one-hot rows are whole numbers: F.one_hot gives int64, and a linear layer "
    "can't multiply that. Add .float()."
)
def whole_number_rows(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    cond = F.one_hot(labels, 10)
    return _sampled(model, labels, num_steps, guidance_scale, generator, cond=cond)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if the model gets the labels as they are. It wants one-hot rows of shape (n, 10): "
    "drop_classes(labels, p_uncond=0.0) makes them."
)
def labels_for_rows(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, guidance_scale, generator, cond=labels)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if rows with and without class take turns in the batch: then chunk doesn't "
    "separate the two kinds. Put all rows of one kind first."
)
def rows_interleaved(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    x, cond = _start(labels, generator), _rows(labels)
    both = torch.stack([cond, torch.zeros_like(cond)], dim=1).flatten(0, 1)
    for t in _times(num_steps):
        now = torch.full((2 * len(x),), t)
        flow_cond, flow_uncond = model(torch.cat([x, x]), now, both).chunk(2)
        x = x + _guided(flow_uncond, flow_cond, guidance_scale) / num_steps
    return x


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if the steps have the wrong sign. The flow leads from noise to data, so it is "
    "added: x + flow / T."
)
def wrong_sign(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, guidance_scale, generator, length=-1 / num_steps)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if the times are linspace(0, 1, T)[:-1] with steps of 1/T: those are T - 1 steps, "
    "which stop at 1 - 1/T. linspace(0, 1, T + 1)[:-1] has T times."
)
def grid_too_short(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    times = torch.linspace(0, 1, num_steps)[:-1]
    return _sampled(model, labels, num_steps, guidance_scale, generator, times=times)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if each step uses the time of its end. Euler's method asks for the flow where the "
    "step begins: step k begins at k / T, k counted from 0."
)
def time_at_the_end(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    times = [(k + 1) / num_steps for k in range(num_steps)]
    return _sampled(model, labels, num_steps, guidance_scale, generator, times=times)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if the times run from 1 down to 0, as in DDPM. Here t = 0 is noise: the steps "
    "begin at 0, 1/T, ... 1 - 1/T."
)
def downwards(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    times = [1 - k / num_steps for k in range(num_steps)]
    return _sampled(model, labels, num_steps, guidance_scale, generator, times=times)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if the model is told the step's number. It knows times between 0 and 1: divide by "
    "num_steps."
)
def step_for_the_time(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, guidance_scale, generator, times=range(num_steps))


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if the last step is missing: with range(num_steps - 1) the way ends at 1 - 1/T."
)
def one_step_short(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    times = _times(num_steps)[:-1]
    return _sampled(model, labels, num_steps, guidance_scale, generator, times=times)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if `num_steps` is not used and 50 is written into the loop. 50 is only its "
    "default."
)
def always_fifty_steps(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, 50, guidance_scale, generator)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if noise is added in every step, as in lesson 14. A flow is followed without any: "
    "the only random thing is the start."
)
def noise_in_each_step(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    def combine(u, c):
        return _guided(u, c, guidance_scale) + torch.randn(u.shape) * num_steps**0.5

    return _sampled(model, labels, num_steps, guidance_scale, generator, combine=combine)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if sampling starts from zeros. At t = 0 there is standard normal noise: "
    "torch.randn."
)
def starts_from_zeros(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    start = torch.zeros(len(labels), 1, 28, 28)
    return _sampled(model, labels, num_steps, guidance_scale, generator, start=start)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if the start is drawn with torch.rand, which is uniform between 0 and 1. Noise "
    "is standard normal: torch.randn."
)
def uniform_start(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    start = torch.rand(len(labels), 1, 28, 28, generator=generator)
    return _sampled(model, labels, num_steps, guidance_scale, generator, start=start)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if one noise picture is drawn and repeated. Every sample needs noise of its own."
)
def one_start_for_all(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    start = _start(labels[:1], generator).repeat(len(labels), 1, 1, 1)
    return _sampled(model, labels, num_steps, guidance_scale, generator, start=start)


@CLASS_FLOW_SAMPLE.mistake(
    "It looks as if `generator` is not used: the noise comes from torch's own. Pass "
    "`generator=generator` to torch.randn."
)
def generator_ignored(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, guidance_scale, None)

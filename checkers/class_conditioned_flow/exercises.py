"""Lesson 16: what the loss with classes and the guided sampler must do, and how they go wrong."""

from __future__ import annotations

import torch

from checkers.class_conditioned_flow.probe import (
    class_loss_of_a_fixed_answer,
    classes_seen,
    classes_told,
    follow_classes,
    follow_classes_repeatedly,
    what_the_class_model_sees,
)
from checkers.engine.exercise import Case, Exercise
from checkers.engine.judges.cases import MakeInputs
from checkers.engine.judges.class_worlds import (
    class_run,
    draw_labels,
    flat_means,
    hiding_means,
    scale_asked_for,
)
from checkers.engine.judges.classes_told import (
    same_classes,
    same_kind_of_classes,
    same_kind_of_rows,
)
from checkers.engine.judges.dropping import same_rule
from checkers.engine.judges.evidence import with_evidence
from checkers.engine.judges.flow_loss import (
    called,
    drawn_anew,
    has_a_gradient,
    leaves_things_alone,
    many_images,
    of_the_pictures,
    same_line_end,
    same_loss,
    same_noise_seen,
    same_times_drawn,
)
from checkers.engine.judges.flow_sample import (
    asked_in_its_mode,
    same_lines,
    same_repeats,
    same_start,
    same_times_asked,
    steps_asked_for,
)
from checkers.engine.judges.inputs import draw_digits, draw_seed
from checkers.engine.judges.values import (
    all_of,
    each_call,
    same_answer,
    same_form,
    same_moments,
    same_values,
)
from checkers.engine.sandbox.inside.running import Inputs
from solutions.class_conditioned_flow import class_flow_loss, class_flow_sample

# --- class_flow_loss ------------------------------------------------------------------------------


def _images_inputs(generator: torch.Generator) -> Inputs:
    images = many_images(generator)
    return {"images": images, "labels": draw_labels(generator, len(images))}


def _fixed_answer_inputs(generator: torch.Generator) -> Inputs:
    inputs = _images_inputs(generator)
    return {**inputs, "answer": (-1 - inputs["images"][:1]).expand_as(inputs["images"])}


def _classes_inputs(
    p_uncond: float | None, count: int, times: int = 1, classes: int = 10
) -> MakeInputs:
    """Of many pictures small ones will do."""
    side = 2 if count > 1000 else 28

    def inputs(generator: torch.Generator) -> Inputs:
        return {
            "images": torch.rand(count, 1, side, side, generator=generator),
            "labels": draw_labels(generator, count, classes),
            "p_uncond": p_uncond,
            "times": times,
        }

    return inputs


CLASS_FLOW_LOSS = Exercise(
    reference=class_flow_loss,
    cases=[
        Case(
            "the loss is the mean squared distance from x_1 - x_0, and has a gradient",
            2,
            _fixed_answer_inputs,
            of_the_pictures(all_of(leaves_things_alone, same_loss, has_a_gradient)),
            class_loss_of_a_fixed_answer,
        ),
        Case(
            "x_t, t and the target belong to one line",
            1,
            _fixed_answer_inputs,
            of_the_pictures(all_of(has_a_gradient, same_line_end)),
            class_loss_of_a_fixed_answer,
        ),
        Case(
            "the model sees the digits on their way from standard normal noise",
            1,
            _images_inputs,
            of_the_pictures(same_noise_seen),
            what_the_class_model_sees,
        ),
        Case(
            "times are uniform between 0 and 1, one for each picture",
            1,
            _images_inputs,
            of_the_pictures(same_times_drawn),
            what_the_class_model_sees,
        ),
        Case(
            "every picture and every call get new noise, every call new times",
            1,
            _images_inputs,
            of_the_pictures(drawn_anew),
            what_the_class_model_sees,
        ),
        Case(
            "with p_uncond = 0, the model is told every class, as a one-hot row of float32",
            1,
            _classes_inputs(0.0, 10, classes=9),
            of_the_pictures(same_classes),
            classes_seen,
        ),
        Case(
            "with p_uncond = 0.3, the class of three pictures in ten becomes zeros",
            1,
            _classes_inputs(0.3, 8192),
            of_the_pictures(same_classes),
            classes_seen,
        ),
        Case(
            "each picture has a chance of its own to lose its class",
            1,
            _classes_inputs(0.5, 64, times=48),
            of_the_pictures(
                all_of(
                    same_kind_of_classes,
                    same_answer(
                        "by_time",
                        says="Which classes are dropped hangs on the times of their pictures. Draw "
                        "the two independently of each other.",
                    ),
                    same_rule,
                )
            ),
            classes_seen,
        ),
        Case(
            "without `p_uncond`, one class in ten is dropped",
            1,
            _classes_inputs(None, 8192),
            of_the_pictures(same_classes),
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


# --- class_flow_sample ----------------------------------------------------------------------------


def _shape_inputs(generator: torch.Generator) -> Inputs:
    hiding = hiding_means(generator)
    calls = [class_run(hiding["means"], draw_labels(generator, n), 2, 2.0) for n in (1, 3)]
    return {"calls": calls, "secret": hiding["secret"]}


def _start_inputs(generator: torch.Generator) -> Inputs:
    hiding = hiding_means(generator)
    call = class_run(hiding["means"], draw_labels(generator, 30), 2, 2.0)  # each class thrice
    return {"calls": [call], "secret": hiding["secret"]}


def _times_inputs(generator: torch.Generator) -> Inputs:
    hiding, labels = hiding_means(generator), draw_labels(generator, 2)
    own = int(torch.randint(2, 40, (), generator=generator))
    given = ((own, 2.0), (10, 1.0), (None, None))
    calls = [class_run(hiding["means"], labels, steps, scale) for steps, scale in given]
    return {"calls": calls, "secret": hiding["secret"]}


def _scales_inputs(*scales: float | None) -> MakeInputs:
    def inputs(generator: torch.Generator) -> Inputs:
        means, labels = flat_means(generator), draw_labels(generator, 100)
        return {"calls": [class_run(means, labels, 3, scale) for scale in scales]}

    return inputs


def _steps_inputs(generator: torch.Generator) -> Inputs:
    means, labels = flat_means(generator), draw_labels(generator, 100)
    return {"calls": [class_run(means, labels, steps, 2.0) for steps in (3, 7)]}


def _point_inputs(generator: torch.Generator) -> Inputs:
    """One picture for each class; alike, so that guided ones stay near [0, 1]."""
    smooth = draw_digits(generator, 12)
    means = 0.8 * smooth[:1] + 0.1 * smooth[1:]
    labels = draw_labels(generator, 100)
    runs = [class_run(means, labels, steps, scale) for steps, scale in ((2, 1.0), (5, 5.0))]
    return {"calls": [{**run, "std": 0.0} for run in runs]}


def _told_inputs(generator: torch.Generator) -> Inputs:
    return {**hiding_means(generator), "std": 0.4, "labels": draw_labels(generator, 400)}


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    seed = draw_seed(generator)
    hiding = hiding_means(generator)
    run = class_run(hiding["means"], draw_labels(generator, 100), 2, 2.0)
    return {**run, "secret": hiding["secret"], "seed": seed}


CLASS_FLOW_SAMPLE = Exercise(
    reference=class_flow_sample,
    cases=[
        Case(
            "a picture of shape (1, 28, 28) comes out for each label",
            1,
            _shape_inputs,
            with_evidence(all_of(same_kind_of_rows, same_form(what="the samples")), "result"),
            follow_classes,
        ),
        Case(
            "it starts from standard normal noise, different for every picture",
            1,
            _start_inputs,
            with_evidence(same_start("model(x, t, c)"), "result"),
            follow_classes,
        ),
        Case(
            "the T steps begin at the times 0, 1/T, ... 1 - 1/T",
            1,
            _times_inputs,
            with_evidence(all_of(asked_in_its_mode, same_times_asked(steps_asked_for)), "result"),
            follow_classes,
        ),
        Case(
            "each step goes 1/T of the flow, and nothing else",
            2,
            _steps_inputs,
            same_lines(steps_asked_for),
            follow_classes,
        ),
        Case(
            "guidance 0 ignores the class, guidance 1 follows it",
            1,
            _scales_inputs(0.0, 1.0, 0.5),
            same_lines(scale_asked_for),
            follow_classes,
        ),
        Case(
            "guidance 2.5 goes beyond; without `guidance_scale`, it is 5",
            2,
            _scales_inputs(2.5, None),
            same_lines(scale_asked_for),
            follow_classes,
        ),
        Case(
            "where each class has one picture, the guided picture comes out",
            1,
            _point_inputs,
            same_values(
                what="the sample",
                labels=each_call("guidance {guidance_scale:g}"),
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
            with_evidence(
                all_of(
                    called, same_moments("told", what="the share of classes asked for", also=())
                ),
                "result",
            ),
            classes_told,
        ),
        Case(
            "a generator makes samples repeatable; without one, they differ",
            1,
            _repeat_inputs,
            with_evidence(same_repeats, "result"),
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

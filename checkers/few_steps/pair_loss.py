"""Lesson 19's loss on given pairs: what it must show to the model and ask of it."""

from __future__ import annotations

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Observation
from checkers.engine.judges.class_worlds import draw_labels
from checkers.engine.judges.classes_told import same_classes
from checkers.engine.judges.evidence import with_evidence
from checkers.engine.judges.flow_loss import (
    called,
    has_a_gradient,
    leaves_things_alone,
    many_images,
    of_the_pictures,
    same_times_drawn,
)
from checkers.engine.judges.inputs import draw_noise
from checkers.engine.judges.values import all_of, same_answer, same_values
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs
from checkers.few_steps.pairs import misses
from checkers.few_steps.probe import reflow_of_a_fixed_answer, what_is_shown_of_pairs
from solutions.few_steps import reflow_loss

_ROUNDING = 1e-4


def _known_by_key(generator: torch.Generator, images: Tensor) -> Inputs:
    """Images and noise that share their first entry, another one in every pair."""
    noise = draw_noise(generator, *images.shape)
    key = torch.randperm(len(images), generator=generator) / len(images)
    noise[:, 0, 0, 0] = images[:, 0, 0, 0] = key
    return {"noise": noise, "images": images}


def _pairs_inputs(generator: torch.Generator) -> Inputs:
    images = many_images(generator)
    # A quarter are 9: to leave them out is something else than to drop one class in ten.
    labels = draw_labels(generator, len(images), classes=12).clamp(max=9)
    return {**_known_by_key(generator, images), "labels": labels, "p_uncond": 0}


def _fixed_answer_inputs(generator: torch.Generator) -> Inputs:
    inputs = _pairs_inputs(generator)
    return {**inputs, "answer": 3 * inputs["images"] - 2 * inputs["noise"]}


def _square_inputs(generator: torch.Generator) -> Inputs:
    """As many pictures as they are wide, where a time along the wrong axis raises no error."""
    pairs = _known_by_key(generator, draw_noise(generator, 12, 3, 12, 12))
    return {**pairs, "labels": draw_labels(generator, 12)}


_same_loss = same_values("loss", what="the loss", rtol=0.02)
_same_target = misses(
    "target",
    "What the model's answer is compared with is {:.2g} off, on average, from picture - noise of "
    "its own pair.",
)
_same_line = misses(
    "line",
    "What the model is shown is {:.2g} off, on average, from the line between a pair's noise and "
    "its picture, at the time that it is told: x_t = (1 - t) noise + t picture.",
)


def _lies_on_its_line(observed: Observation) -> bool:
    off = observed.get("line")
    return isinstance(off, Array) and bool((abs(off.values) < _ROUNDING).all())


_same_lines_or_none = same_answer(
    _lies_on_its_line,
    says="With as many pairs as a picture has rows, what the model is shown is not where it should "
    "be at the time that it is told. If the other cases pass, t meets the wrong dimension: "
    "`t.view(-1, 1, 1, 1)` gives each pair its own time.",
)
"""Of a dozen times, how far off a known mistake is is chance; whether it is, is none."""


REFLOW_LOSS = Exercise(
    reference=reflow_loss,
    cases=[
        Case(
            "the loss is the mean squared distance from picture - noise",
            2,
            _fixed_answer_inputs,
            of_the_pictures(all_of(called, leaves_things_alone, _same_loss)),
            reflow_of_a_fixed_answer,
        ),
        Case(
            "its gradient pulls the answer towards picture - noise of the same pair",
            2,
            _fixed_answer_inputs,
            of_the_pictures(all_of(called, has_a_gradient, _same_target)),
            reflow_of_a_fixed_answer,
        ),
        Case(
            "the model sees a point between the noise and the picture of one pair",
            2,
            _pairs_inputs,
            of_the_pictures(_same_line),
            what_is_shown_of_pairs,
        ),
        Case(
            "times are uniform between 0 and 1, one for each pair",
            2,
            _pairs_inputs,
            of_the_pictures(same_times_drawn),
            what_is_shown_of_pairs,
        ),
        Case(
            "every call draws new times",
            1,
            _pairs_inputs,
            of_the_pictures(
                all_of(
                    called,
                    same_answer(
                        "repeated",
                        says="Two calls draw the same times. Draw them afresh in every call.",
                    ),
                )
            ),
            what_is_shown_of_pairs,
        ),
        Case(
            "the model is told every class, as a one-hot row of float32",
            1,
            _pairs_inputs,
            of_the_pictures(same_classes),
            what_is_shown_of_pairs,
        ),
        Case(
            "as many pairs as pixels in a row don't get mixed up",
            1,
            _square_inputs,
            with_evidence(all_of(called, _same_lines_or_none), "shown", secret="images"),
            what_is_shown_of_pairs,
            hidden=True,
        ),
    ],
    hints=[
        "It is `class_flow_loss` of lesson 16 with less chance: the noise is given, and no class "
        "is dropped.",
        "Only the times are drawn: `torch.rand(len(noise), device=noise.device)`. The point on the "
        "line is `interpolate(noise, pictures, t)`.",
        "`F.mse_loss(model(x_t, t, drop_classes(labels, p_uncond=0.0)), pictures - noise)`.",
    ],
)

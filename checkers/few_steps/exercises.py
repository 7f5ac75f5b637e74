"""Lesson 19: what pairs, their loss and a single step must do, and how they go wrong."""

from __future__ import annotations

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise
from checkers.engine.judges.cases import MakeInputs
from checkers.engine.judges.class_worlds import (
    class_run,
    draw_labels,
    flat_means,
    hiding_means,
)
from checkers.engine.judges.classes_told import same_kind_of_rows
from checkers.engine.judges.evidence import with_evidence
from checkers.engine.judges.flow_sample import (
    asked_in_its_mode,
    same_repeats,
    same_start,
    same_times_asked,
    steps_asked_for,
)
from checkers.engine.judges.inputs import draw_count, draw_digits, draw_seed
from checkers.engine.judges.values import (
    all_of,
    each_call,
    same_answer,
    same_form,
    same_values,
)
from checkers.engine.sandbox.inside.running import Inputs
from checkers.few_steps.measure import STRAIGHTNESS
from checkers.few_steps.pair_loss import REFLOW_LOSS
from checkers.few_steps.pairs import (
    NOT_TRACKED,
    all_told,
    asked_once,
    labels_asked_for,
    of_pairs,
    same_noise,
    same_pairs,
    step_lines,
)
from checkers.few_steps.probe import (
    go_in_one_step,
    make_and_follow,
    make_repeatedly,
    step_repeatedly,
)
from solutions.few_steps import make_pairs, one_step_sample

# --- make_pairs -----------------------------------------------------------------------------------


def _hidden_runs(*runs: tuple[int, int | None, float | None]) -> MakeInputs:
    """Runs of n pairs, so many steps and a scale, in a world with a secret in its means."""

    def inputs(generator: torch.Generator) -> Inputs:
        hiding = hiding_means(generator)
        calls = [
            class_run(hiding["means"], draw_labels(generator, n), steps, scale)
            for n, steps, scale in runs
        ]
        return {"calls": calls, "secret": hiding["secret"]}

    return inputs


def _flat_runs(*runs: tuple[int, int | None, float | None]) -> MakeInputs:
    """The same where means are flat and lines can be fitted, and so far off that clamps show."""

    def inputs(generator: torch.Generator) -> Inputs:
        means = 40 * (flat_means(generator) - 0.5)
        calls = [
            class_run(means, draw_labels(generator, n), steps, scale) for n, steps, scale in runs
        ]
        return {"calls": calls}

    return inputs


def _times_inputs(generator: torch.Generator) -> Inputs:
    own = draw_count(generator, 2, 40)
    return _hidden_runs((2, own, 2.0), (2, 10, 1.0), (2, None, None))(generator)


def _point_means(generator: torch.Generator) -> Tensor:
    """One picture for each class; alike, so that guided ones stay near [0, 1]."""
    smooth = draw_digits(generator, 12)
    return 0.8 * smooth[:1] + 0.1 * smooth[1:]


def _point_inputs(generator: torch.Generator) -> Inputs:
    means, labels = _point_means(generator), draw_labels(generator, 100)
    runs = [class_run(means, labels, steps, scale) for steps, scale in ((2, 1.0), (5, 3.0))]
    return {"calls": [{**run, "std": 0.0} for run in runs]}


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    seed = draw_seed(generator)
    hiding = hiding_means(generator)
    run = class_run(hiding["means"], draw_labels(generator, 100), 2, 2.0)
    return {**run, "secret": hiding["secret"], "seed": seed}


_not_tracked = same_answer("tracked", says=NOT_TRACKED)
_same_pictures = same_values(
    what="the picture",
    labels=each_call("guidance {guidance_scale:g}"),
    atol=5e-3,
    show=True,
    dtype_matters=False,
)


MAKE_PAIRS = Exercise(
    reference=make_pairs,
    cases=[
        Case(
            "noise and pictures of shape (n, 1, 28, 28) come out",
            1,
            _hidden_runs((1, 2, 2.0), (3, 2, 2.0)),
            of_pairs(
                same_kind_of_rows,
                same_form("noise", what="the noise"),
                same_form(what="the pictures"),
                evident=True,
            ),
            make_and_follow,
        ),
        Case(
            "the noise is standard normal, and the flow begins with it",
            2,
            _hidden_runs((30, 2, 2.0)),
            of_pairs(same_start("model(x, t, c)"), same_noise, evident=True),
            make_and_follow,
        ),
        Case(
            "picture k is where the flow leads noise k",
            3,
            _flat_runs((100, 3, 2.0), (100, 7, 0.5)),
            of_pairs(same_pairs),
            make_and_follow,
        ),
        Case(
            "the T steps begin at the times 0, 1/T, ... 1 - 1/T",
            1,
            _times_inputs,
            of_pairs(asked_in_its_mode, same_times_asked(steps_asked_for), evident=True),
            make_and_follow,
        ),
        Case(
            "guidance 0 ignores the class, 1 follows it, and 2.5 goes beyond",
            1,
            _flat_runs((100, 3, 0.0), (100, 3, 1.0), (100, 3, 2.5)),
            of_pairs(same_pairs),
            make_and_follow,
        ),
        Case(
            "without `num_steps` and `guidance_scale`, they are 20 and 2",
            1,
            _flat_runs((60, 4, None), (60, None, None)),
            of_pairs(same_pairs),
            make_and_follow,
        ),
        Case(
            "where each class has one picture, the guided picture comes out",
            1,
            _point_inputs,
            of_pairs(_same_pictures),
            make_and_follow,
        ),
        Case(
            "no gradients are recorded",
            1,
            _hidden_runs((3, 2, 2.0)),
            of_pairs(_not_tracked, evident=True),
            make_and_follow,
        ),
        Case(
            "no class is dropped",
            1,
            _hidden_runs((400, 1, 2.0)),
            of_pairs(all_told, evident=True),
            make_and_follow,
        ),
        Case(
            "a generator makes pairs repeatable; without one, they differ",
            1,
            _repeat_inputs,
            of_pairs(same_repeats, evident=True),
            make_repeatedly,
        ),
        Case(
            "one picture, or one step, is no exception",
            1,
            _flat_runs((1, 5, 3.0), (60, 1, 1.5)),
            of_pairs(same_pairs),
            make_and_follow,
            hidden=True,
        ),
    ],
    hints=[
        "It is `class_flow_sample` of lesson 16, which must also give back the noise that it "
        "starts from.",
        "Draw the noise, then let another name go the way: `x = noise`, and in each step "
        "`x = x + ...`, which leaves `noise` as it is. `x += ...` would change both.",
        "At the end `return noise, x`, and above the function `@torch.no_grad()`.",
    ],
)


# --- one_step_sample ------------------------------------------------------------------------------


def _secret_labels(*counts: int) -> MakeInputs:
    return _hidden_runs(*((n, None, None) for n in counts))


def _flat_labels(*counts: int) -> MakeInputs:
    return _flat_runs(*((n, None, None) for n in counts))


def _one_point_inputs(generator: torch.Generator) -> Inputs:
    run = class_run(_point_means(generator), draw_labels(generator, 60), None, None)
    return {"calls": [{**run, "std": 0.0}]}


ONE_STEP_SAMPLE = Exercise(
    reference=one_step_sample,
    cases=[
        Case(
            "a picture of shape (1, 28, 28) comes out for each label",
            1,
            _secret_labels(1, 3),
            with_evidence(all_of(same_kind_of_rows, same_form(what="the samples")), "result"),
            go_in_one_step,
        ),
        Case(
            "it starts from standard normal noise, different for every picture",
            1,
            _secret_labels(30),
            with_evidence(same_start("model(x, t, c)"), "result"),
            go_in_one_step,
        ),
        Case(
            "the model is asked once, at t = 0",
            2,
            _secret_labels(2, 5),
            with_evidence(
                all_of(asked_in_its_mode, same_times_asked(labels_asked_for), asked_once), "result"
            ),
            go_in_one_step,
        ),
        Case(
            "the step goes the whole way of the flow",
            2,
            _flat_labels(100, 7),
            step_lines,
            go_in_one_step,
        ),
        Case(
            "where each class has one picture, that picture comes out",
            1,
            _one_point_inputs,
            same_values(
                what="the sample",
                labels=lambda inputs: ["one step"],
                atol=5e-3,
                show=True,
                dtype_matters=False,
            ),
            go_in_one_step,
        ),
        Case(
            "no gradients are recorded",
            1,
            _secret_labels(3),
            with_evidence(_not_tracked, "result"),
            go_in_one_step,
        ),
        Case(
            "no class is dropped",
            1,
            _secret_labels(400),
            with_evidence(all_told, "result"),
            go_in_one_step,
        ),
        Case(
            "a generator makes samples repeatable; without one, they differ",
            1,
            _repeat_inputs,
            with_evidence(same_repeats, "result"),
            step_repeatedly,
        ),
        Case(
            "every picture gets the class of its own label",
            1,
            _flat_labels(300),
            step_lines,
            go_in_one_step,
            hidden=True,
        ),
    ],
    hints=[
        "`class_flow_sample` with one step and without guidance is nearly it. What remains of the "
        "loop?",
        "The only step begins at t = 0 and has the length 1. `torch.zeros(n, device=device)` are "
        "the times.",
        "`noise + model(noise, t, drop_classes(labels.to(device), p_uncond=0.0))`.",
    ],
)


EXERCISES = [STRAIGHTNESS, MAKE_PAIRS, REFLOW_LOSS, ONE_STEP_SAMPLE]

"""Lesson 15: what the line, the loss and the sampler must do, and how they go wrong."""

from __future__ import annotations

import torch
from torch import Tensor

from checkers.engine.exercise import Case, Exercise
from checkers.engine.judges.cases import form_case
from checkers.engine.judges.evidence import draw_secret, with_evidence
from checkers.engine.judges.flow_loss import (
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
from checkers.engine.judges.inputs import draw_digits, draw_noise, draw_seed
from checkers.engine.judges.values import all_of, each_call, same_form, same_values
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from checkers.flow_matching.probe import (
    follow,
    follow_repeatedly,
    loss_of_a_fixed_answer,
    what_the_model_sees,
)
from solutions.flow_matching import flow_loss, flow_sample, interpolate

# --- interpolate ----------------------------------------------------------------------------------


def _ends_inputs(generator: torch.Generator) -> Inputs:
    x_0, x_1 = draw_noise(generator, 2, 1, 28, 28), draw_digits(generator, 2)
    return {"calls": [{"x_0": x_0, "x_1": x_1, "t": torch.full((2,), t)} for t in (0.0, 1.0)]}


def _halfway_inputs(generator: torch.Generator) -> Inputs:
    x_0, x_1 = draw_noise(generator, 2, 1, 28, 28), draw_digits(generator, 2)
    calls = [{"x_0": x_0, "x_1": x_1, "t": torch.full((2,), t)} for t in (0.25, 0.5, 0.9)]
    return {"calls": calls}


def _batch_inputs(generator: torch.Generator) -> Inputs:
    """As many pictures as they are wide, where a time along the wrong axis raises no error."""
    calls = []
    for shape in ((8, 1, 8, 8), (5, 3, 4, 6)):
        t = torch.linspace(0.1, 0.9, shape[0])[torch.randperm(shape[0], generator=generator)]
        calls.append(
            {"x_0": draw_noise(generator, *shape), "x_1": draw_noise(generator, *shape), "t": t}
        )
    return {"calls": calls}


def _form_inputs(generator: torch.Generator) -> Inputs:
    calls = []
    for shape, dtype in (((1, 1, 28, 28), torch.float32), ((3, 2, 8, 6), torch.float64)):
        x_0, x_1 = (draw_noise(generator, *shape).to(dtype) for _ in range(2))
        calls.append(
            {"x_0": x_0, "x_1": x_1, "t": torch.rand(shape[0], generator=generator, dtype=dtype)}
        )
    return {"calls": calls}


def _time_label(t: Tensor) -> str:
    return f"t = {float(t[0]):g}" if (t == t[0]).all() else f"{len(t)} different times"


_same_points = same_values(
    labels=lambda inputs: [_time_label(call["t"]) for call in inputs["calls"]], show=True
)


INTERPOLATE = Exercise(
    reference=interpolate,
    cases=[
        Case("t = 0 gives the noise, t = 1 the data", 1, _ends_inputs, _same_points, call_many),
        Case("in between, x_t = (1 - t) x_0 + t x_1", 2, _halfway_inputs, _same_points, call_many),
        Case(
            "every picture of a batch has its own time", 2, _batch_inputs, _same_points, call_many
        ),
        form_case(_form_inputs),
    ],
    hints=[
        "A straight line: two weights that add up to 1. At t = 0 all weight is on the noise.",
        "t has shape (B,), the pictures (B, C, H, W). Give t three more dimensions, so that each "
        "picture meets its own time: `t.view(-1, 1, 1, 1)`.",
        "With t of that shape: `(1 - t) * x_0 + t * x_1`.",
    ],
)


# --- flow_loss ------------------------------------------------------------------------------------


def _fixed_answer_inputs(generator: torch.Generator) -> Inputs:
    images = many_images(generator)
    return {"images": images, "answer": (-1 - images[:1]).expand_as(images)}


def _images_inputs(generator: torch.Generator) -> Inputs:
    return {"images": many_images(generator)}


FLOW_LOSS = Exercise(
    reference=flow_loss,
    cases=[
        Case(
            "the loss is the mean squared distance from x_1 - x_0",
            2,
            _fixed_answer_inputs,
            of_the_pictures(all_of(leaves_things_alone, same_loss)),
            loss_of_a_fixed_answer,
        ),
        Case(
            "its gradient reaches what the model answers",
            1,
            _fixed_answer_inputs,
            of_the_pictures(has_a_gradient),
            loss_of_a_fixed_answer,
        ),
        Case(
            "x_t, t and the target belong to one line",
            2,
            _fixed_answer_inputs,
            of_the_pictures(all_of(has_a_gradient, same_line_end)),
            loss_of_a_fixed_answer,
        ),
        Case(
            "the model sees the digits on their way from standard normal noise",
            2,
            _images_inputs,
            of_the_pictures(same_noise_seen),
            what_the_model_sees,
        ),
        Case(
            "times are uniform between 0 and 1, one for each picture",
            2,
            _images_inputs,
            of_the_pictures(same_times_drawn),
            what_the_model_sees,
        ),
        Case(
            "every picture and every call get new noise, every call new times",
            1,
            _images_inputs,
            of_the_pictures(drawn_anew),
            what_the_model_sees,
        ),
    ],
    hints=[
        "Four steps: draw the noise x_0, draw a time for each picture, ask the model about the "
        "point at that time, compare its answer with the direction of the line.",
        "`torch.randn_like(images)` draws x_0, `torch.rand(len(images), device=images.device)` the "
        "times. The images are x_1.",
        "The line leads from x_0 to x_1, so its direction is `images - x_0`, at every time. "
        "`F.mse_loss(model(interpolate(x_0, images, t), t), images - x_0)`.",
    ],
)


# --- flow_sample ----------------------------------------------------------------------------------


def _run(mean: float | Tensor, std: float, n: int, num_steps: int | None) -> Inputs:
    means = mean if isinstance(mean, Tensor) else torch.full((1, 1, 28, 28), mean)
    return {"mean": means, "std": std, "n": n, "num_steps": num_steps}


def _flat(generator: torch.Generator) -> float:
    return 0.3 + 0.4 * float(torch.rand((), generator=generator))


def _hiding(generator: torch.Generator, *calls: tuple[int, int | None]) -> Inputs:
    """Runs of n pictures and so many steps, in a world with a secret in its mean."""
    secret = draw_secret(generator, 1, 28, 28)
    means = _flat(generator) + 0.3 * secret[None]
    return {"calls": [_run(means, 0.4, n, steps) for n, steps in calls], "secret": secret}


def _shape_inputs(generator: torch.Generator) -> Inputs:
    return {"calls": [_run(_flat(generator), 0.4, n, 2) for n in (1, 3)]}


def _start_inputs(generator: torch.Generator) -> Inputs:
    return _hiding(generator, (8, 2))


def _times_inputs(generator: torch.Generator) -> Inputs:
    own = int(torch.randint(2, 40, (), generator=generator))
    return _hiding(generator, (2, own), (2, 10), (2, None))


def _lines_inputs(generator: torch.Generator) -> Inputs:
    # The wide one leads far beyond 1 and -1, so that a clamp shows.
    ways = ((3, 0.4), (12, 1.5))
    return {"calls": [_run(_flat(generator), std, 2, steps) for steps, std in ways]}


def _point_inputs(generator: torch.Generator) -> Inputs:
    return {"calls": [_run(draw_digits(generator, 1), 0.0, 1, steps) for steps in (1, 5, 20)]}


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    seed = draw_seed(generator)
    hiding = _hiding(generator, (2, 3))
    return {**hiding["calls"][0], "secret": hiding["secret"], "seed": seed}


FLOW_SAMPLE = Exercise(
    reference=flow_sample,
    cases=[
        Case(
            "n pictures of shape (1, 28, 28) come out",
            1,
            _shape_inputs,
            same_form(what="the samples"),
            follow,
        ),
        Case(
            "it starts from standard normal noise, different for every picture",
            1,
            _start_inputs,
            with_evidence(same_start("model(x, t)"), "result"),
            follow,
        ),
        Case(
            "the T steps begin at the times 0, 1/T, ... 1 - 1/T",
            2,
            _times_inputs,
            with_evidence(all_of(asked_in_its_mode, same_times_asked(steps_asked_for)), "result"),
            follow,
        ),
        Case(
            "each step goes 1/T of the flow, and nothing else",
            3,
            _lines_inputs,
            same_lines(steps_asked_for),
            follow,
        ),
        Case(
            "where all data is one picture, any number of steps ends there",
            2,
            _point_inputs,
            same_values(
                what="the sample",
                labels=each_call("num_steps = {num_steps}"),
                atol=5e-3,
                show=True,
                dtype_matters=False,
            ),
            follow,
        ),
        Case(
            "a generator makes samples repeatable; without one, they differ",
            1,
            _repeat_inputs,
            with_evidence(same_repeats, "result"),
            follow_repeatedly,
        ),
    ],
    hints=[
        "Start from noise. Then T times: ask the model for the flow at the present point and time, "
        "and go a T-th of it.",
        "Step k, counted from 0, begins at the time k / T. The model wants a time for each "
        "picture: `torch.full((n,), k / T, device=device)`.",
        "`x = torch.randn(n, 1, 28, 28, generator=generator).to(device)` is the start, "
        "`x = x + model(x, t) / num_steps` one step.",
    ],
)


EXERCISES = [INTERPOLATE, FLOW_LOSS, FLOW_SAMPLE]

"""Lesson 15: what the line, the loss and the sampler must do, and how they go wrong."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Judge, Observation, Verdict
from checkers.engine.flow_judges import (
    not_called,
    same_lines,
    same_times_asked,
    same_times_drawn,
)
from checkers.engine.judges import (
    all_of,
    form_problem,
    same_answer,
    same_form,
    same_moments,
    same_values,
)
from checkers.engine.sentences import CONTINUED, EVALUATED, IN_TRAINING_MODE, WRITTEN_INTO
from probes.call import call_many
from probes.flow_matching import (
    follow,
    follow_repeatedly,
    loss_of_a_fixed_answer,
    what_the_model_sees,
)
from probes.running import Inputs
from solutions.flow_matching import flow_loss, flow_sample, interpolate

# A loss is a mean over 65,536 random pixels, known to 0.6 % from one draw and 0.8 % from two.
LOSS_TOLERANCE = 0.05
_MANY = (16_384, 1, 2, 2)


def _noise(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator)


def _pictures(generator: torch.Generator, count: int, side: int = 28) -> Tensor:
    """Smooth pictures in [0, 1]."""
    coarse = torch.rand(count, 1, 5, 5, generator=generator)
    return F.interpolate(coarse, (side, side), mode="bilinear")


# --- interpolate ----------------------------------------------------------------------------------


def _ends_inputs(generator: torch.Generator) -> Inputs:
    x_0, x_1 = _noise(generator, 2, 1, 28, 28), _pictures(generator, 2)
    return {"calls": [{"x_0": x_0, "x_1": x_1, "t": torch.full((2,), t)} for t in (0.0, 1.0)]}


def _halfway_inputs(generator: torch.Generator) -> Inputs:
    x_0, x_1 = _noise(generator, 2, 1, 28, 28), _pictures(generator, 2)
    calls = [{"x_0": x_0, "x_1": x_1, "t": torch.full((2,), t)} for t in (0.25, 0.5, 0.9)]
    return {"calls": calls}


def _batch_inputs(generator: torch.Generator) -> Inputs:
    """As many pictures as they are wide, where a time along the wrong axis raises no error."""
    calls = []
    for shape in ((8, 1, 8, 8), (5, 3, 4, 6)):
        t = torch.linspace(0.1, 0.9, shape[0])[torch.randperm(shape[0], generator=generator)]
        calls.append({"x_0": _noise(generator, *shape), "x_1": _noise(generator, *shape), "t": t})
    return {"calls": calls}


def _form_inputs(generator: torch.Generator) -> Inputs:
    calls = []
    for shape, dtype in (((1, 1, 28, 28), torch.float32), ((3, 2, 8, 6), torch.float64)):
        x_0, x_1 = (_noise(generator, *shape).to(dtype) for _ in range(2))
        calls.append(
            {"x_0": x_0, "x_1": x_1, "t": torch.rand(shape[0], generator=generator, dtype=dtype)}
        )
    return {"calls": calls}


def _same_line_points(what: str = "the result") -> Judge:
    return same_values(
        what=what,
        labels=lambda inputs: [_time_label(call["t"]) for call in inputs["calls"]],
        show=True,
    )


def _time_label(t: Tensor) -> str:
    return f"t = {float(t[0]):g}" if (t == t[0]).all() else f"{len(t)} different times"


INTERPOLATE = Exercise(
    reference=interpolate,
    cases=[
        Case(
            "t = 0 gives the noise, t = 1 the data", 1, _ends_inputs, _same_line_points(), call_many
        ),
        Case(
            "in between, x_t = (1 - t) x_0 + t x_1",
            2,
            _halfway_inputs,
            _same_line_points(),
            call_many,
        ),
        Case(
            "every picture of a batch has its own time",
            2,
            _batch_inputs,
            _same_line_points(),
            call_many,
        ),
        Case(
            "shape, dtype and device are kept, and no input is changed",
            1,
            _form_inputs,
            same_form(),
            call_many,
        ),
    ],
    hints=[
        "A straight line: two weights that add up to 1. At t = 0 all weight is on the noise.",
        "t has shape (B,), the pictures (B, C, H, W). Give t three more dimensions, so that each "
        "picture meets its own time: `t.view(-1, 1, 1, 1)`.",
        "With t of that shape: `(1 - t) * x_0 + t * x_1`.",
    ],
)


@INTERPOLATE.right_answer
def from_the_start(noise, data, time):
    return noise + time[:, None, None, None] * (data - noise)


@INTERPOLATE.right_answer
def with_lerp(x_0, x_1, t):
    return torch.lerp(x_0, x_1, t.reshape(len(t), *[1] * (x_0.ndim - 1)))


@INTERPOLATE.right_answer
def with_einsum(x_0, x_1, t):
    return torch.einsum("b,bchw->bchw", 1 - t, x_0) + torch.einsum("b,bchw->bchw", t, x_1)


@INTERPOLATE.right_answer
def one_by_one(x_0, x_1, t):
    rows = [x_1[k] - (1 - t[k]) * (x_1[k] - x_0[k]) for k in range(x_0.shape[0])]
    return torch.stack(rows)


@INTERPOLATE.right_answer
def with_numpy(x_0, x_1, t):
    t = t.numpy().reshape(-1, 1, 1, 1)
    return (1 - t) * x_0.numpy() + t * x_1.numpy()


@INTERPOLATE.mistake(
    "It looks as if noise and data changed places. The line starts at the noise x_0 when t = 0 and "
    "ends at the data x_1 when t = 1."
)
def ends_swapped(x_0, x_1, t):
    t = t.view(-1, 1, 1, 1)
    return t * x_0 + (1 - t) * x_1


@INTERPOLATE.mistake(
    "It looks as if t meets the pictures along their last axis, the columns. Give it the shape "
    "(B, 1, 1, 1) first: t.view(-1, 1, 1, 1)."
)
def along_the_columns(x_0, x_1, t):
    return (1 - t) * x_0 + t * x_1


@INTERPOLATE.mistake(
    "It looks as if t meets the pictures along their rows. Give it the shape (B, 1, 1, 1) first: "
    "t.view(-1, 1, 1, 1)."
)
def along_the_rows(x_0, x_1, t):
    t = t.view(-1, 1)
    return (1 - t) * x_0 + t * x_1


@INTERPOLATE.mistake(
    "It looks as if the first time is used for every picture. Each picture has its own: "
    "t.view(-1, 1, 1, 1)."
)
def first_time_for_all(x_0, x_1, t):
    return (1 - t[0]) * x_0 + t[0] * x_1


@INTERPOLATE.mistake(
    "It looks as if the weights are square roots, as in DDPM, where variances add up. Here the "
    "line is straight: the weights are 1 - t and t."
)
def square_roots(x_0, x_1, t):
    t = t.view(-1, 1, 1, 1)
    return (1 - t).sqrt() * x_0 + t.sqrt() * x_1


@INTERPOLATE.mistake(
    "It looks as if only the data is weighted. The noise fades at the same pace: its weight is "
    "1 - t."
)
def noise_never_fades(x_0, x_1, t):
    return x_0 + t.view(-1, 1, 1, 1) * x_1


@INTERPOLATE.mistake(
    "It looks as if the step t (x_1 - x_0) starts from the data. The line starts at the noise: "
    "x_0 + t (x_1 - x_0)."
)
def from_the_wrong_end(x_0, x_1, t):
    return x_1 + t.view(-1, 1, 1, 1) * (x_1 - x_0)


@INTERPOLATE.mistake(
    "It looks as if the direction is wrong. From the noise, the line leads towards the data: "
    "x_0 + t (x_1 - x_0)."
)
def away_from_the_data(x_0, x_1, t):
    return x_0 + t.view(-1, 1, 1, 1) * (x_0 - x_1)


# --- flow_loss ------------------------------------------------------------------------------------


def _fixed_answer_inputs(generator: torch.Generator) -> Inputs:
    images = torch.rand(_MANY, generator=generator)
    return {"images": images, "answer": 3 * images}


def _images_inputs(generator: torch.Generator) -> Inputs:
    return {"images": torch.rand(_MANY, generator=generator)}


def called(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge whether the loss calls the model at all."""
    return not_called(observed, expected) or Verdict(True)


def unless_alike(judge: Judge) -> Judge:
    """`judge`, but one noise for a whole batch is told first: its few values are chance."""

    def judge_alike(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        if problem := not_called(observed, expected):
            return problem
        if expected.get("alike") or observed.get("alike"):
            same = observed.get("alike") is True and expected.get("alike") is True
            return Verdict(same, "" if same else "All pictures of a batch get the same noise.")
        return judge(observed, expected, inputs)

    return judge_alike


same_loss = unless_alike(same_values("loss", what="the loss", rtol=LOSS_TOLERANCE))

leaves_things_alone = all_of(
    same_answer("changed", says=WRITTEN_INTO), same_answer("training", says=EVALUATED)
)

same_noise_seen = unless_alike(
    all_of(
        same_answer("dtype", says="The model gets x_t in another precision than the images have."),
        same_moments("noise", what="the noise in what the model sees", also=("independence",)),
    )
)


def same_line_end(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge by how much x_t + (1 - t) target misses the end of the line, x_1."""
    if problem := not_called(observed, expected):
        return problem
    mine, target = observed.get("gap"), expected["gap"]
    if target is None:
        return Verdict(mine is None, "A known mistake gives no gradient.")
    if form_problem(mine, target, "", dtype_matters=False):
        return Verdict(False, "What the model's answer is compared with cannot be read.")
    one, other = float(mine.values.std()), float(target.values.std())
    if abs(one - other) <= 1e-3 + 0.05 * max(one, other):
        return Verdict(True)
    return Verdict(
        False,
        f"On a straight line, x_t + (1 - t) (x_1 - x_0) is x_1. With what your model sees, is told "
        f"and is asked for, it is {one:.2g} off.",
    )


has_a_gradient = same_answer(
    "gradient",
    says="The loss has no gradient, so nothing can be learned from it. Return the tensor as it is: "
    "no `.item()`, no `torch.no_grad()`, no `.detach()`.",
)

drawn_anew = all_of(
    called,
    same_answer("alike", says="All pictures of a batch get the same noise."),
    same_answer(
        "repeated",
        says="Two calls draw the same noise or the same times. Draw them afresh in every call.",
    ),
)

FLOW_LOSS = Exercise(
    reference=flow_loss,
    cases=[
        Case(
            "the loss is the mean squared distance from x_1 - x_0",
            2,
            _fixed_answer_inputs,
            all_of(leaves_things_alone, same_loss),
            loss_of_a_fixed_answer,
        ),
        Case(
            "its gradient reaches what the model answers",
            1,
            _fixed_answer_inputs,
            has_a_gradient,
            loss_of_a_fixed_answer,
        ),
        Case(
            "x_t, t and the target belong to one line",
            2,
            _fixed_answer_inputs,
            all_of(has_a_gradient, same_line_end),
            loss_of_a_fixed_answer,
        ),
        Case(
            "the model sees the digits on their way from standard normal noise",
            2,
            _images_inputs,
            same_noise_seen,
            what_the_model_sees,
        ),
        Case(
            "times are uniform between 0 and 1, one for each picture",
            2,
            _images_inputs,
            same_times_drawn(),
            what_the_model_sees,
        ),
        Case(
            "every picture and every call get new noise, every call new times",
            1,
            _images_inputs,
            drawn_anew,
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


def _line(x_0: Tensor, x_1: Tensor, t: Tensor) -> Tensor:
    """x_t; the lesson's own function can't be used in its checker's examples."""
    t = t.reshape(-1, 1, 1, 1)
    return (1 - t) * x_0 + t * x_1


def _drawn(images: Tensor) -> tuple[Tensor, Tensor]:
    return torch.randn_like(images), torch.rand(len(images))


@FLOW_LOSS.right_answer
def by_hand(net, x_1):
    x_0 = torch.randn(x_1.shape)
    time = torch.rand(x_1.shape[0], 1, 1, 1)
    x_t = x_0 + time * (x_1 - x_0)
    return ((x_1 - x_0 - net(x_t, time)) ** 2).mean()


@FLOW_LOSS.right_answer
def with_a_criterion(model, images):
    criterion = torch.nn.MSELoss()
    t = torch.empty(images.shape[0], 1).uniform_()
    noise = torch.normal(0.0, 1.0, images.shape)
    return criterion(images - noise, model(x=torch.lerp(noise, images, t[..., None, None]), t=t))


@FLOW_LOSS.right_answer
def mean_of_means(model, images):
    x_0 = torch.randn_like(images)
    t = torch.rand((len(images),))
    flow = model(_line(x_0, images, t), t=t.view(-1, 1))
    return (flow - (images - x_0)).pow(2).flatten(1).mean(dim=1).mean()


@FLOW_LOSS.right_answer
def from_numpy(model, images):
    t = torch.from_numpy(np.random.uniform(size=len(images))).float()
    x_0 = torch.tensor(np.random.standard_normal(images.shape), dtype=images.dtype)
    difference = images - x_0
    return F.mse_loss(model(images - (1 - t).view(-1, 1, 1, 1) * difference, t), difference)


@FLOW_LOSS.right_answer
def into_the_answer(model, images):
    x_0, t = _drawn(images)
    error = model(_line(x_0, images, t), t)
    error -= images - x_0
    return (error**2).mean()


@FLOW_LOSS.mistake(
    "It looks as if the model is put into evaluation mode. It is being trained here: leave its "
    "mode as it is."
)
def in_evaluation_mode(model, images):
    model.eval()
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "It looks as if the loss is halved. It is the mean of the squared difference itself."
)
def halved(model, images):
    x_0, t = _drawn(images)
    return 0.5 * F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "It looks as if the pictures are written into, so that the batch itself is changed. Put x_t "
    "into a new tensor."
)
def noised_in_place(model, images):
    x_0, t = _drawn(images)
    direction, t_column = images - x_0, t.view(-1, 1, 1, 1)
    images *= t_column
    images += (1 - t_column) * x_0
    return F.mse_loss(model(images, t), direction)


@FLOW_LOSS.mistake(
    "It looks as if one number is drawn for each picture and serves as the noise of all its "
    "pixels. Every pixel needs a number of its own: torch.randn_like(images)."
)
def one_number_for_a_picture(model, images):
    x_0, t = torch.randn(len(images), 1, 1, 1).expand_as(images), torch.rand(len(images))
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "It looks as if the target is x_0 - x_1, which points from the data back to the noise. The "
    "flow leads to the data: x_1 - x_0."
)
def target_reversed(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), t), x_0 - images)


@FLOW_LOSS.mistake(
    "It looks as if the model is asked for the clean digit. Here it predicts the flow: compare "
    "its answer with x_1 - x_0."
)
def target_is_the_digit(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), t), images)


@FLOW_LOSS.mistake(
    "It looks as if the model is asked for the noise, as in DDPM. Here it predicts the flow: "
    "compare its answer with x_1 - x_0."
)
def target_is_the_noise(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), t), x_0)


@FLOW_LOSS.mistake(
    "It looks as if the target is x_1 - x_t, what is left of the way. The flow is the direction of "
    "the whole line, the same at every time: x_1 - x_0."
)
def target_is_the_rest(model, images):
    x_0, t = _drawn(images)
    x_t = _line(x_0, images, t)
    return F.mse_loss(model(x_t, t), images - x_t)


@FLOW_LOSS.mistake(
    "It looks as if noise and data changed places on the line, or the model is told 1 - t: at "
    "t = 0 it should see noise, at t = 1 the digit."
)
def line_reversed(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(images, x_0, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "It looks as if the whole line is turned round: digits at t = 0, noise at t = 1, and a target "
    "that leads to the noise. The loss would be sound, but flow_sample goes from noise to digits."
)
def all_reversed(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(images, x_0, t), t), x_0 - images)


@FLOW_LOSS.mistake(
    "It looks as if the weights on the line are square roots, as in DDPM. They are 1 - t and t: "
    "use interpolate."
)
def square_root_weights(model, images):
    x_0, t = _drawn(images)
    weight = t.view(-1, 1, 1, 1)
    x_t = (1 - weight).sqrt() * x_0 + weight.sqrt() * images
    return F.mse_loss(model(x_t, t), images - x_0)


@FLOW_LOSS.mistake(
    "It looks as if x_0 is drawn with torch.rand, which is uniform between 0 and 1. The noise is "
    "normal: torch.randn_like."
)
def uniform_noise(model, images):
    x_0, t = torch.rand_like(images), torch.rand(len(images))
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "It looks as if the times are drawn with torch.randn. They are uniform between 0 and 1: "
    "torch.rand."
)
def normal_times(model, images):
    x_0, t = torch.randn_like(images), torch.randn(len(images))
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "It looks as if the model is told a whole number, the step, instead of the time between 0 and "
    "1. Draw t with torch.rand and pass it on as it is."
)
def step_for_time(model, images):
    x_0 = torch.randn_like(images)
    step = torch.randint(0, 50, (len(images),))
    return F.mse_loss(model(_line(x_0, images, step / 50), step), images - x_0)


@FLOW_LOSS.mistake(
    "It looks as if one time is drawn for the whole batch. Every picture gets its own: "
    "torch.rand(len(images))."
)
def one_time_for_all(model, images):
    x_0 = torch.randn_like(images)
    t = torch.rand(1).expand(len(images))
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "It looks as if t is a fixed number, the same in every call. The model must learn the flow at "
    "every time: torch.rand(len(images))."
)
def always_halfway(model, images):
    x_0, t = torch.randn_like(images), torch.full((len(images),), 0.5)
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "It looks as if the time is drawn twice: the model is told another time than that of the "
    "picture it sees. Draw t once and use it for both."
)
def times_drawn_twice(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), torch.rand(len(images))), images - x_0)


@FLOW_LOSS.mistake(
    "It looks as if the noise is drawn twice: the target belongs to another line than the picture "
    "that the model sees. Draw x_0 once and use it for both."
)
def noise_drawn_twice(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), t), images - torch.randn_like(images))


@FLOW_LOSS.mistake(
    "It looks as if one noise picture is drawn for the whole batch. torch.randn_like(images) draws "
    "one for each picture."
)
def one_noise_for_all(model, images):
    x_0 = torch.randn_like(images[:1]).expand_as(images)
    t = torch.rand(len(images))
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "It looks as if noise and times start from a fixed seed in every call, so that they are always "
    "the same. Set the seed once, at the top of the lesson."
)
def seeded(model, images):
    generator = torch.Generator().manual_seed(0)
    x_0 = torch.randn(images.shape, generator=generator)
    t = torch.rand(len(images), generator=generator)
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "It looks as if the model gets the clean digits. Give it the points on the line: model(x_t, t)."
)
def clean_as_input(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(images, t), images - x_0)


@FLOW_LOSS.mistake(
    "It looks as if you took the sum over all pixels. Take the mean, so that the loss doesn't "
    "depend on the number of pictures."
)
def summed(model, images):
    x_0, t = _drawn(images)
    return ((model(_line(x_0, images, t), t) - (images - x_0)) ** 2).sum()


@FLOW_LOSS.mistake(
    "It looks as if you took the mean absolute difference (L1). The loss is the mean of the "
    "squared difference."
)
def absolute(model, images):
    x_0, t = _drawn(images)
    return F.l1_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "It looks as if there is a square root around the mean. The loss is the mean of the squares "
    "itself."
)
def rooted(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0).sqrt()


@FLOW_LOSS.mistake(
    "It looks as if the loss is returned as a plain number, or computed without gradients. Return "
    "the tensor: training needs its gradient."
)
def without_gradient(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0).item()


# --- flow_sample ----------------------------------------------------------------------------------


def _run(mean: float | Tensor, std: float, n: int, num_steps: int | None) -> Inputs:
    means = mean if isinstance(mean, Tensor) else torch.full((1, 1, 28, 28), mean)
    return {"mean": means, "std": std, "n": n, "num_steps": num_steps}


def _flat(generator: torch.Generator) -> float:
    return 0.3 + 0.4 * float(torch.rand((), generator=generator))


def _shape_inputs(generator: torch.Generator) -> Inputs:
    return {"calls": [_run(_flat(generator), 0.4, n, 2) for n in (1, 3)]}


def _start_inputs(generator: torch.Generator) -> Inputs:
    return {"calls": [_run(_flat(generator), 0.4, 8, 2)]}


def _times_inputs(generator: torch.Generator) -> Inputs:
    return {"calls": [_run(_flat(generator), 0.4, 2, steps) for steps in (4, 10, None)]}


def _lines_inputs(generator: torch.Generator) -> Inputs:
    return {"calls": [_run(_flat(generator), 0.4, 2, steps) for steps in (3, 12)]}


def _point_inputs(generator: torch.Generator) -> Inputs:
    return {"calls": [_run(_pictures(generator, 1), 0.0, 1, steps) for steps in (2, 5, 20)]}


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    seed = int(torch.randint(1, 10**6, (), generator=generator))
    return {**_run(_flat(generator), 0.4, 2, 3), "seed": seed}


def steps_asked_for(inputs: Inputs, number: int) -> str:
    """How many steps a run was to take, for messages."""
    steps = inputs["calls"][number]["num_steps"]
    return "Without num_steps" if steps is None else f"With num_steps = {steps}"


def same_start(call: str) -> Judge:
    """A judge of what the steps begin with: standard normal noise, another for each picture.

    Args:
        call: how the model is asked, for messages.
    """
    return all_of(
        same_answer(
            lambda observed: all(bool(times) for times in observed.get("times") or []),
            says=f"The model is never asked. Every step follows its flow: {call}.",
        ),
        same_answer(
            "apart",
            says="Two of the pictures that the model is shown first are the same: draw noise for "
            "each.",
        ),
        _same_start_noise,
    )


def _same_start_noise(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    if all(expected["apart"]):
        judge = same_moments("start", what="what the model is shown first")
        return judge(observed, expected, inputs)
    # A known mistake starts from one noise picture for all, or from a flat one: 784 values tell.
    pairs = zip(observed["start"], expected["start"], strict=True)
    gaps = [abs(mine.values.std() - target.values.std()) for mine, target in pairs]
    return Verdict(max(gaps) < 0.25, "It starts from noise of another strength.")


same_repeats = all_of(
    same_answer(
        "unseeded",
        says="Two calls without a generator give the same pictures. Set no seed inside the "
        "function.",
    ),
    same_answer(
        "other_seed",
        says="Generators with different seeds give the same pictures. Draw with the `generator` "
        "you are given.",
    ),
    same_answer(
        "same_seed",
        says="Two calls with generators of the same seed give different pictures: pass "
        "`generator=generator` to torch.randn.",
    ),
    same_answer("continued", says=CONTINUED),
)

asked_in_its_mode = same_answer("training", says=IN_TRAINING_MODE)

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
            same_start("model(x, t)"),
            follow,
        ),
        Case(
            "the T steps begin at the times 0, 1/T, ... 1 - 1/T",
            2,
            _times_inputs,
            all_of(asked_in_its_mode, same_times_asked(steps_asked_for)),
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
                labels=lambda inputs: [f"num_steps = {c['num_steps']}" for c in inputs["calls"]],
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
            same_repeats,
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


def _start(n, generator):
    return torch.randn(n, 1, 28, 28, generator=generator)


def _walk(model, x, times, length):
    """Euler's method with the given times and the same length for each step."""
    for t in times:
        x = x + length * model(x, torch.full((len(x),), float(t)))
    return x


@FLOW_SAMPLE.right_answer
@torch.no_grad()
def with_a_time_grid(net, count, T=50, rng=None):
    x = torch.empty(count, 1, 28, 28).normal_(generator=rng)
    times = torch.linspace(0, 1, T + 1)
    for now, then in pairwise(times):
        x = x + (then - now) * net(x, now.repeat(count).view(-1, 1, 1, 1))
    return x


@FLOW_SAMPLE.right_answer
def time_adds_up(model, n, num_steps=50, generator=None):
    with torch.inference_mode():
        model.eval()
        x = torch.randn((n, 1, 28, 28), generator=generator)
        t = torch.zeros(n, 1)
        for _ in range(num_steps):
            x += model(x=x, t=t) * (1 / num_steps)
            t = t + 1 / num_steps
        return x


@FLOW_SAMPLE.right_answer
def with_arange(model, n, num_steps=50, generator=None):
    x = torch.normal(0.0, 1.0, (n, 1, 28, 28), generator=generator)
    for t in torch.arange(num_steps) / num_steps:
        x = torch.add(x, model(x, t.view(1)).detach(), alpha=1 / num_steps)
    return x


@FLOW_SAMPLE.right_answer
def one_after_the_other(model, n, num_steps=50, generator=None):
    starts = torch.randn(n, 1, 28, 28, generator=generator)
    times = [k / num_steps for k in range(num_steps)]
    return torch.cat([_walk(model, x[None], times, 1 / num_steps) for x in starts])


@FLOW_SAMPLE.right_answer
def with_the_frames(model, n, num_steps=50, generator=None):
    x = torch.randn(n, 1, 28, 28, generator=generator)
    frames = []
    for step in range(num_steps):
        x = x + model(x, torch.ones(n) * step / num_steps) / num_steps
        frames.append(x)
    return x, frames


@FLOW_SAMPLE.right_answer
def in_uneven_groups(model, n, num_steps=50, generator=None):
    ends = []
    for x in _start(n, generator).split(3):
        ends.append(_walk(model, x, [k / num_steps for k in range(num_steps)], 1 / num_steps))
    return torch.cat(ends)


@FLOW_SAMPLE.mistake(
    "It looks as if there is one step too many: the loop runs to t = 1, where the way has ended. "
    "`range(num_steps)` stops in time."
)
def one_step_too_many(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps + 1)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if the model is put into training mode. BatchNorm then mixes the pictures of a "
    "batch: leave its mode as it is."
)
def in_training_mode(model, n, num_steps=50, generator=None):
    model.train()
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if the generator starts anew from its own seed in every call, so that two calls "
    "give the same samples. Draw with it as you get it."
)
def seeded_again(model, n, num_steps=50, generator=None):
    if generator is not None:
        generator.manual_seed(generator.initial_seed())
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if all pixels of a picture start from the same number. Draw one for each: "
    "torch.randn(n, 1, 28, 28)."
)
def one_start_for_all_pixels(model, n, num_steps=50, generator=None):
    start = torch.randn(n, 1, 1, 1, generator=generator).expand(n, 1, 28, 28)
    return _walk(model, start, [k / num_steps for k in range(num_steps)], 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if the steps have the wrong sign. The flow leads from noise to data, so it is "
    "added: x + model(x, t) / T."
)
def wrong_sign(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, -1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if the times are linspace(0, 1, T)[:-1] with steps of 1/T: those are T - 1 steps, "
    "which stop at 1 - 1/T. linspace(0, 1, T + 1)[:-1] has T times."
)
def grid_too_short(model, n, num_steps=50, generator=None):
    times = torch.linspace(0, 1, num_steps)[:-1]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if the times are linspace(0, 1, T), spaced by 1/(T - 1), so that the last step "
    "begins at t = 1 where the way is over. Steps of 1/T begin at 0, 1/T, ... 1 - 1/T."
)
def grid_to_the_end(model, n, num_steps=50, generator=None):
    times = torch.linspace(0, 1, num_steps)
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if the times run from 1 down to 0, as in DDPM. Here t = 0 is noise: the steps "
    "begin at 0, 1/T, ... 1 - 1/T."
)
def downwards(model, n, num_steps=50, generator=None):
    times = [1 - k / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if the way is gone from t = 1 down and against the flow. Noise is at t = 0 here, "
    "and the flow leads away from it: count t upwards and add."
)
def downwards_against_the_flow(model, n, num_steps=50, generator=None):
    times = [1 - k / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, -1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if the steps come in the reverse order, the last first. Loop over "
    "range(num_steps) as it is: t = 0 is noise."
)
def steps_reversed(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in reversed(range(num_steps))]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if each step uses the time of its end. Euler's method asks for the flow where the "
    "step begins: step k begins at k / T, k counted from 0."
)
def time_at_the_end(model, n, num_steps=50, generator=None):
    times = [(k + 1) / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if each step uses the time of its middle with the picture of its beginning. "
    "Euler's method takes both where the step begins."
)
def time_in_the_middle(model, n, num_steps=50, generator=None):
    times = [(k + 0.5) / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if the model is told the step's number. It knows times between 0 and 1: divide by "
    "num_steps."
)
def step_for_the_time(model, n, num_steps=50, generator=None):
    return _walk(model, _start(n, generator), range(num_steps), 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if the model is always asked at t = 0. The time grows by 1/T with every step."
)
def time_stands_still(model, n, num_steps=50, generator=None):
    x = _start(n, generator)
    for _ in range(num_steps):
        x = x + model(x, torch.zeros(n)) / num_steps
    return x


@FLOW_SAMPLE.mistake(
    "It looks as if the time is passed as a plain number. The model wants a tensor with a time for "
    "each picture: torch.full((n,), t)."
)
def plain_number(model, n, num_steps=50, generator=None):
    x = _start(n, generator)
    for step in range(num_steps):
        x = x + model(x, step / num_steps) / num_steps
    return x


@FLOW_SAMPLE.mistake(
    "It looks as if the last step is missing: with range(num_steps - 1) the way ends at 1 - 1/T."
)
def one_step_short(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps - 1)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if the first step is missing: the steps are counted from 1. Step 0 begins at "
    "t = 0, where there is only noise."
)
def first_step_missing(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(1, num_steps)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if every step goes the whole flow. It is the way from t = 0 to t = 1; one step is "
    "a T-th of it: divide by num_steps."
)
def whole_flow_each_step(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, 1)


@FLOW_SAMPLE.mistake(
    "It looks as if x is replaced by the flow in each step. Add to x what the step goes: "
    "x + model(x, t) / T."
)
def replaced_by_the_flow(model, n, num_steps=50, generator=None):
    x = _start(n, generator)
    for step in range(num_steps):
        x = model(x, torch.full((n,), step / num_steps))
    return x


@FLOW_SAMPLE.mistake(
    "It looks as if `num_steps` is not used and 50 is written into the loop. 50 is only its "
    "default."
)
def always_fifty_steps(model, n, num_steps=50, generator=None):
    return _walk(model, _start(n, generator), [k / 50 for k in range(50)], 1 / 50)


@FLOW_SAMPLE.mistake(
    "It looks as if noise is added in every step, as in DDPM. A flow is followed without any: the "
    "only random thing is the start."
)
def noise_in_each_step(model, n, num_steps=50, generator=None):
    x = _start(n, generator)
    for step in range(num_steps):
        x = x + model(x, torch.full((n,), step / num_steps)) / num_steps
        if step < num_steps - 1:
            x = x + torch.randn(x.shape, generator=generator) / num_steps**0.5
    return x


@FLOW_SAMPLE.mistake(
    "It looks as if sampling starts from zeros. At t = 0 there is standard normal noise: "
    "torch.randn."
)
def starts_from_zeros(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, torch.zeros(n, 1, 28, 28), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if the start is drawn with torch.rand, which is uniform between 0 and 1. Noise "
    "is standard normal: torch.randn."
)
def uniform_start(model, n, num_steps=50, generator=None):
    x = torch.rand(n, 1, 28, 28, generator=generator)
    return _walk(model, x, [k / num_steps for k in range(num_steps)], 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if one noise picture is drawn and repeated n times. Every sample needs noise of "
    "its own."
)
def one_start_for_all(model, n, num_steps=50, generator=None):
    x = _start(1, generator).repeat(n, 1, 1, 1)
    return _walk(model, x, [k / num_steps for k in range(num_steps)], 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if `n` is not used: one picture comes out, however many are asked for."
)
def only_one_picture(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, _start(1, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if the result is clamped to [0, 1]. Return it as it is; `show` cuts off what is "
    "darker than black or brighter than white."
)
def clamped(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, 1 / num_steps).clamp(0, 1)


@FLOW_SAMPLE.mistake(
    "It looks as if `generator` is not used: the noise comes from torch's own. Pass "
    "`generator=generator` to torch.randn."
)
def generator_ignored(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, torch.randn(n, 1, 28, 28), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "It looks as if a fixed seed is set inside the function, so that every call gives the same "
    "samples. Leave seeding to whoever calls it."
)
def seeded_inside(model, n, num_steps=50, generator=None):
    x = _start(n, torch.Generator().manual_seed(0))
    return _walk(model, x, [k / num_steps for k in range(num_steps)], 1 / num_steps)


EXERCISES = [INTERPOLATE, FLOW_LOSS, FLOW_SAMPLE]

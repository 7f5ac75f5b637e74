"""Lesson 16: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from checkers.class_conditioned_flow.exercises import CLASS_FLOW_LOSS, CLASS_FLOW_SAMPLE
from solutions.class_conditioning import drop_classes
from solutions.flow_matching import interpolate

# --- class_flow_loss ------------------------------------------------------------------------------


def _on_a_line(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Times, points and directions of lines to `images`."""
    x_0, t = torch.randn_like(images), torch.rand(len(images))
    return t, interpolate(x_0, images, t), images - x_0


@CLASS_FLOW_LOSS.mistake(
    "the model is put into evaluation mode. It is being trained here: leave its mode as it is."
)
def in_evaluation_mode(model, images, labels, p_uncond=0.1):
    model.eval()
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, drop_classes(labels, p_uncond)), direction)


@CLASS_FLOW_LOSS.mistake(
    "F.one_hot is left to find the number of columns: it takes as many as the "
    "largest label needs. There are ten classes in every batch."
)
def columns_by_the_labels(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = F.one_hot(labels).float() * (torch.rand(len(labels)) >= p_uncond)[:, None]
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "class 0 is taken for no class. No class is a row of zeros; class 0 is the "
    "digit 0, with a 1 at the first place."
)
def class_zero_left_out(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = drop_classes(labels, p_uncond) * (labels > 0)[:, None]
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "one random number serves as the time and as the coin. Then only some times are "
    "ever trained without class: draw the coins by themselves."
)
def coin_is_the_time(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = F.one_hot(labels, 10).float() * (t >= p_uncond)[:, None]
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "exactly a share of p_uncond is dropped in every call. Toss a coin for each "
    "picture, as drop_classes does."
)
def exact_share(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = F.one_hot(labels, 10).float()
    c[torch.randperm(len(labels))[: round(p_uncond * len(labels))]] = 0
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "every call drops the classes of the same rows. Draw anew in every call which "
    "ones lose their class."
)
def first_rows_dropped(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = F.one_hot(labels, 10).float()
    c[: round(p_uncond * len(labels))] = 0
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "one coin is tossed for each class. Toss one for each picture: "
    "torch.rand(len(labels)), as a column."
)
def one_coin_for_each_class(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = F.one_hot(labels, 10).float() * (torch.rand(10) >= p_uncond)
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "one number is drawn for each picture and serves as the noise of all its "
    "pixels. Every pixel needs a number of its own: torch.randn_like(images)."
)
def one_number_for_a_picture(model, images, labels, p_uncond=0.1):
    x_0, t = torch.randn(len(images), 1, 1, 1).expand_as(images), torch.rand(len(images))
    predicted = model(interpolate(x_0, images, t), t, drop_classes(labels, p_uncond))
    return F.mse_loss(predicted, images - x_0)


@CLASS_FLOW_LOSS.mistake(
    "no class is ever dropped. Then the model never learns the flow without a "
    "class, which guidance needs: drop_classes(labels, p_uncond)."
)
def never_dropped(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, F.one_hot(labels, 10).float()), direction)


@CLASS_FLOW_LOSS.mistake(
    "one coin is thrown for the whole batch. Each picture has a chance of its own: "
    "torch.rand(len(labels))."
)
def one_coin(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = F.one_hot(labels, 10).float() * float(torch.rand(()) >= p_uncond)
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "the chance is the wrong way round: p_uncond is the probability to drop a "
    "class, not to keep it."
)
def chance_inverted(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, drop_classes(labels, 1 - p_uncond)), direction)


@CLASS_FLOW_LOSS.mistake(
    "a dropped class becomes class 0. That is a digit of its own: the row for no "
    "class is all zeros."
)
def dropped_to_class_0(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    kept = torch.where(torch.rand(len(labels)) < p_uncond, 0, labels)
    return F.mse_loss(model(x_t, t, F.one_hot(kept, 10).float()), direction)


@CLASS_FLOW_LOSS.mistake(
    "the one-hot rows are whole numbers: F.one_hot gives int64, and a linear layer "
    "can't multiply that. Add .float()."
)
def whole_numbers(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    keep = torch.rand(len(labels)) >= p_uncond
    return F.mse_loss(model(x_t, t, F.one_hot(labels, 10) * keep[:, None]), direction)


@CLASS_FLOW_LOSS.mistake(
    "the model gets the labels as they are. It wants one-hot rows of shape (B, 10): "
    "drop_classes makes them."
)
def labels_as_they_are(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, labels), direction)


@CLASS_FLOW_LOSS.mistake(
    "F.dropout drops the classes. It also multiplies what it keeps by "
    "1 / (1 - p_uncond); rows that are kept should hold a 1."
)
def scaled_by_dropout(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    c = F.dropout(F.one_hot(labels, 10).float(), p_uncond)
    return F.mse_loss(model(x_t, t, c), direction)


@CLASS_FLOW_LOSS.mistake(
    "`p_uncond` is not used and 0.1 is written into the loss. 0.1 is only its default."
)
def chance_fixed(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, drop_classes(labels, 0.1)), direction)


@CLASS_FLOW_LOSS.mistake(
    "the classes are always zeros: every one is dropped, so the model never learns what they mean."
)
def always_dropped(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, torch.zeros(len(labels), 10)), direction)


@CLASS_FLOW_LOSS.mistake(
    "the target is x_0 - x_1, which points back to the noise. The flow leads to the "
    "data: x_1 - x_0."
)
def target_reversed(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, drop_classes(labels, p_uncond)), -direction)


@CLASS_FLOW_LOSS.mistake(
    "the model is asked for the noise, as in lesson 14. Here it predicts the flow: x_1 - x_0."
)
def target_is_the_noise(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, drop_classes(labels, p_uncond)), images - direction)


@CLASS_FLOW_LOSS.mistake(
    "the model is told a whole number, the step, instead of the time between 0 and "
    "1. Draw t with torch.rand and pass it on as it is."
)
def step_for_time(model, images, labels, p_uncond=0.1):
    x_0, step = torch.randn_like(images), torch.randint(0, 50, (len(images),))
    x_t = interpolate(x_0, images, step / 50)
    return F.mse_loss(model(x_t, step, drop_classes(labels, p_uncond)), images - x_0)


@CLASS_FLOW_LOSS.mistake(
    "one time is drawn for the whole batch. Every picture gets its own: torch.rand(len(images))."
)
def one_time_for_all(model, images, labels, p_uncond=0.1):
    x_0, t = torch.randn_like(images), torch.rand(1).expand(len(images))
    x_t = interpolate(x_0, images, t)
    return F.mse_loss(model(x_t, t, drop_classes(labels, p_uncond)), images - x_0)


@CLASS_FLOW_LOSS.mistake(
    "noise and digit changed places on the line: at t = 0 the model should see "
    "noise, at t = 1 the digit."
)
def line_reversed(model, images, labels, p_uncond=0.1):
    x_0, t = torch.randn_like(images), torch.rand(len(images))
    x_t = interpolate(images, x_0, t)
    return F.mse_loss(model(x_t, t, drop_classes(labels, p_uncond)), images - x_0)


@CLASS_FLOW_LOSS.mistake(
    "the loss is returned as a plain number, or computed without gradients. Return "
    "the tensor: training needs its gradient."
)
def without_gradient(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return F.mse_loss(model(x_t, t, drop_classes(labels, p_uncond)), direction).item()


@CLASS_FLOW_LOSS.mistake(
    "you took the sum over all pixels. Take the mean, so that the loss doesn't "
    "depend on the number of pictures."
)
def summed(model, images, labels, p_uncond=0.1):
    t, x_t, direction = _on_a_line(images)
    return ((model(x_t, t, drop_classes(labels, p_uncond)) - direction) ** 2).sum()


# --- class_flow_sample ----------------------------------------------------------------------------


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


@CLASS_FLOW_SAMPLE.mistake(
    "the guidance scale multiplies the one-hot row. Ask with the row as it is and "
    "without class, and guide with the two answers."
)
def row_multiplied(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    cond = guidance_scale * _rows(labels)
    start, times = _start(labels, generator), _times(num_steps)
    return _walk(model, start, cond, cond, times, 1 / num_steps, lambda u, c: c)


@CLASS_FLOW_SAMPLE.mistake(
    "two ways are followed, one with the class and one without, and put together at "
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
    "class 0 is taken for no class. No class is a row of zeros; class 0 is the "
    "digit 0, with a 1 at the first place."
)
def class_zero_asked_as_none(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    cond = _rows(labels) * (labels > 0)[:, None]
    return _sampled(model, labels, num_steps, guidance_scale, generator, cond=cond)


@CLASS_FLOW_SAMPLE.mistake(
    "there is one step too many: the loop runs to t = 1, where the way has ended. "
    "`range(num_steps)` stops in time."
)
def one_step_too_many(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    times = [k / num_steps for k in range(num_steps + 1)]
    return _sampled(model, labels, num_steps, guidance_scale, generator, times=times)


@CLASS_FLOW_SAMPLE.mistake(
    "the generator starts anew from its own seed in every call, so that two calls "
    "give the same samples. Draw with it as you get it."
)
def seeded_again(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    if generator is not None:
        generator.manual_seed(generator.initial_seed())
    return _sampled(model, labels, num_steps, guidance_scale, generator)


@CLASS_FLOW_SAMPLE.mistake(
    "all pixels of a picture start from the same number. Draw one for each: "
    "torch.randn(n, 1, 28, 28)."
)
def one_start_for_all_pixels(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    start = torch.randn(len(labels), 1, 1, 1, generator=generator).expand(-1, 1, 28, 28)
    return _sampled(model, labels, num_steps, guidance_scale, generator, start=start)


@CLASS_FLOW_SAMPLE.mistake(
    "classes are dropped while sampling. Dropping belongs to training: with "
    "drop_classes(labels, p_uncond=0.0) all are kept."
)
def dropped_while_sampling(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, guidance_scale, generator, cond=drop_classes(labels))


@CLASS_FLOW_SAMPLE.mistake(
    "the two flows changed places. If they come from one batched call, cut it in "
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
    "guidance starts from the flow with the class: cond + g (cond - uncond), which "
    "is (1 + g) cond - g uncond. It starts from the other: uncond + g (cond - uncond)."
)
def one_too_many(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, guidance_scale + 1, generator)


@CLASS_FLOW_SAMPLE.mistake(
    "class 0 stands for no class. That is a digit of its own: the row for no class is all zeros."
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
    "there is no guidance: only the flow with the class is followed. Ask the model "
    "without the class, too."
)
def not_guided(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, 1.0, generator)


@CLASS_FLOW_SAMPLE.mistake(
    "`guidance_scale` is not used and 5 is written into the loop. 5 is only its default."
)
def always_five(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, 5.0, generator)


@CLASS_FLOW_SAMPLE.mistake("the classes are ignored: every step follows the flow without a class.")
def classes_ignored(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, 0.0, generator)


@CLASS_FLOW_SAMPLE.mistake(
    "only guidance_scale times the difference is followed. Add it to the flow without a class."
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


@CLASS_FLOW_SAMPLE.mistake("the first label is used for every picture. Each has its own.")
def first_label_for_all(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    cond = _rows(labels[:1]).repeat(len(labels), 1)
    return _sampled(model, labels, num_steps, guidance_scale, generator, cond=cond)


@CLASS_FLOW_SAMPLE.mistake(
    "the one-hot rows are whole numbers: F.one_hot gives int64, and a linear layer "
    "can't multiply that. Add .float()."
)
def whole_number_rows(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    cond = F.one_hot(labels, 10)
    return _sampled(model, labels, num_steps, guidance_scale, generator, cond=cond)


@CLASS_FLOW_SAMPLE.mistake(
    "the model gets the labels as they are. It wants one-hot rows of shape (n, 10): "
    "drop_classes(labels, p_uncond=0.0) makes them."
)
def labels_for_rows(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, guidance_scale, generator, cond=labels)


@CLASS_FLOW_SAMPLE.mistake(
    "rows with and without class take turns in the batch: then chunk doesn't "
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
    "the steps have the wrong sign. The flow leads from noise to data, so it is "
    "added: x + flow / T."
)
def wrong_sign(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, guidance_scale, generator, length=-1 / num_steps)


@CLASS_FLOW_SAMPLE.mistake(
    "the times are linspace(0, 1, T)[:-1] with steps of 1/T: those are T - 1 steps, "
    "which stop at 1 - 1/T. linspace(0, 1, T + 1)[:-1] has T times."
)
def grid_too_short(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    times = torch.linspace(0, 1, num_steps)[:-1]
    return _sampled(model, labels, num_steps, guidance_scale, generator, times=times)


@CLASS_FLOW_SAMPLE.mistake(
    "each step uses the time of its end. Euler's method asks for the flow where the "
    "step begins: step k begins at k / T, k counted from 0."
)
def time_at_the_end(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    times = [(k + 1) / num_steps for k in range(num_steps)]
    return _sampled(model, labels, num_steps, guidance_scale, generator, times=times)


@CLASS_FLOW_SAMPLE.mistake(
    "the times run from 1 down to 0, as in DDPM. Here t = 0 is noise: the steps "
    "begin at 0, 1/T, ... 1 - 1/T."
)
def downwards(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    times = [1 - k / num_steps for k in range(num_steps)]
    return _sampled(model, labels, num_steps, guidance_scale, generator, times=times)


@CLASS_FLOW_SAMPLE.mistake(
    "the model is told the step's number. It knows times between 0 and 1: divide by num_steps."
)
def step_for_the_time(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, guidance_scale, generator, times=range(num_steps))


@CLASS_FLOW_SAMPLE.mistake(
    "the last step is missing: with range(num_steps - 1) the way ends at 1 - 1/T."
)
def one_step_short(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    times = _times(num_steps)[:-1]
    return _sampled(model, labels, num_steps, guidance_scale, generator, times=times)


@CLASS_FLOW_SAMPLE.mistake(
    "`num_steps` is not used and 50 is written into the loop. 50 is only its default."
)
def always_fifty_steps(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, 50, guidance_scale, generator)


@CLASS_FLOW_SAMPLE.mistake(
    "noise is added in every step, as in lesson 14. A flow is followed without any: "
    "the only random thing is the start."
)
def noise_in_each_step(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    def combine(u, c):
        return _guided(u, c, guidance_scale) + torch.randn(u.shape) * num_steps**0.5

    return _sampled(model, labels, num_steps, guidance_scale, generator, combine=combine)


@CLASS_FLOW_SAMPLE.mistake(
    "sampling starts from zeros. At t = 0 there is standard normal noise: torch.randn."
)
def starts_from_zeros(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    start = torch.zeros(len(labels), 1, 28, 28)
    return _sampled(model, labels, num_steps, guidance_scale, generator, start=start)


@CLASS_FLOW_SAMPLE.mistake(
    "the start is drawn with torch.rand, which is uniform between 0 and 1. Noise "
    "is standard normal: torch.randn."
)
def uniform_start(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    start = torch.rand(len(labels), 1, 28, 28, generator=generator)
    return _sampled(model, labels, num_steps, guidance_scale, generator, start=start)


@CLASS_FLOW_SAMPLE.mistake(
    "one noise picture is drawn and repeated. Every sample needs noise of its own."
)
def one_start_for_all(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    start = _start(labels[:1], generator).repeat(len(labels), 1, 1, 1)
    return _sampled(model, labels, num_steps, guidance_scale, generator, start=start)


@CLASS_FLOW_SAMPLE.mistake(
    "`generator` is not used: the noise comes from torch's own. Pass "
    "`generator=generator` to torch.randn."
)
def generator_ignored(model, labels, num_steps=50, guidance_scale=5.0, generator=None):
    return _sampled(model, labels, num_steps, guidance_scale, None)

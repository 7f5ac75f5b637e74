"""Lesson 15: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from checkers.flow_matching.exercises import FLOW_LOSS, FLOW_SAMPLE, INTERPOLATE

# --- interpolate ----------------------------------------------------------------------------------


@INTERPOLATE.mistake(
    "noise and data changed places. The line starts at the noise x_0 when t = 0 and "
    "ends at the data x_1 when t = 1."
)
def ends_swapped(x_0, x_1, t):
    t = t.view(-1, 1, 1, 1)
    return t * x_0 + (1 - t) * x_1


@INTERPOLATE.mistake(
    "t meets the pictures along their last axis, the columns. Give it the shape "
    "(B, 1, 1, 1) first: t.view(-1, 1, 1, 1)."
)
def along_the_columns(x_0, x_1, t):
    return (1 - t) * x_0 + t * x_1


@INTERPOLATE.mistake(
    "t meets the pictures along their rows. Give it the shape (B, 1, 1, 1) first: "
    "t.view(-1, 1, 1, 1)."
)
def along_the_rows(x_0, x_1, t):
    t = t.view(-1, 1)
    return (1 - t) * x_0 + t * x_1


@INTERPOLATE.mistake(
    "the first time is used for every picture. Each picture has its own: t.view(-1, 1, 1, 1)."
)
def first_time_for_all(x_0, x_1, t):
    return (1 - t[0]) * x_0 + t[0] * x_1


@INTERPOLATE.mistake(
    "the weights are square roots, as in DDPM, where variances add up. Here the "
    "line is straight: the weights are 1 - t and t."
)
def square_roots(x_0, x_1, t):
    t = t.view(-1, 1, 1, 1)
    return (1 - t).sqrt() * x_0 + t.sqrt() * x_1


@INTERPOLATE.mistake(
    "only the data is weighted. The noise fades at the same pace: its weight is 1 - t."
)
def noise_never_fades(x_0, x_1, t):
    return x_0 + t.view(-1, 1, 1, 1) * x_1


@INTERPOLATE.mistake(
    "the step t (x_1 - x_0) starts from the data. The line starts at the noise: "
    "x_0 + t (x_1 - x_0)."
)
def from_the_wrong_end(x_0, x_1, t):
    return x_1 + t.view(-1, 1, 1, 1) * (x_1 - x_0)


@INTERPOLATE.mistake(
    "the direction is wrong. From the noise, the line leads towards the data: x_0 + t (x_1 - x_0)."
)
def away_from_the_data(x_0, x_1, t):
    return x_0 + t.view(-1, 1, 1, 1) * (x_0 - x_1)


# --- flow_loss ------------------------------------------------------------------------------------


def _line(x_0: Tensor, x_1: Tensor, t: Tensor) -> Tensor:
    """x_t; the lesson's own function can't be used in its checker's examples."""
    t = t.reshape(-1, 1, 1, 1)
    return (1 - t) * x_0 + t * x_1


def _drawn(images: Tensor) -> tuple[Tensor, Tensor]:
    return torch.randn_like(images), torch.rand(len(images))


@FLOW_LOSS.mistake(
    "the model is put into evaluation mode. It is being trained here: leave its mode as it is."
)
def in_evaluation_mode(model, images):
    model.eval()
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake("the loss is halved. It is the mean of the squared difference itself.")
def halved(model, images):
    x_0, t = _drawn(images)
    return 0.5 * F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "the pictures are written into, so that the batch itself is changed. Put x_t into a new tensor."
)
def noised_in_place(model, images):
    x_0, t = _drawn(images)
    direction, t_column = images - x_0, t.view(-1, 1, 1, 1)
    images *= t_column
    images += (1 - t_column) * x_0
    return F.mse_loss(model(images, t), direction)


@FLOW_LOSS.mistake(
    "one number is drawn for each picture and serves as the noise of all its "
    "pixels. Every pixel needs a number of its own: torch.randn_like(images)."
)
def one_number_for_a_picture(model, images):
    x_0, t = torch.randn(len(images), 1, 1, 1).expand_as(images), torch.rand(len(images))
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "the target is x_0 - x_1, which points from the data back to the noise. The "
    "flow leads to the data: x_1 - x_0."
)
def target_reversed(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), t), x_0 - images)


@FLOW_LOSS.mistake(
    "the model is asked for the clean digit. Here it predicts the flow: compare "
    "its answer with x_1 - x_0."
)
def target_is_the_digit(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), t), images)


@FLOW_LOSS.mistake(
    "the model is asked for the noise, as in DDPM. Here it predicts the flow: "
    "compare its answer with x_1 - x_0."
)
def target_is_the_noise(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), t), x_0)


@FLOW_LOSS.mistake(
    "the target is x_1 - x_t, what is left of the way. The flow is the direction of "
    "the whole line, the same at every time: x_1 - x_0."
)
def target_is_the_rest(model, images):
    x_0, t = _drawn(images)
    x_t = _line(x_0, images, t)
    return F.mse_loss(model(x_t, t), images - x_t)


@FLOW_LOSS.mistake(
    "noise and data changed places on the line, or the model is told 1 - t: at "
    "t = 0 it should see noise, at t = 1 the digit."
)
def line_reversed(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(images, x_0, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "the whole line is turned round: digits at t = 0, noise at t = 1, and a target "
    "that leads to the noise. The loss would be sound, but flow_sample goes from noise to digits."
)
def all_reversed(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(images, x_0, t), t), x_0 - images)


@FLOW_LOSS.mistake(
    "the weights on the line are square roots, as in DDPM. They are 1 - t and t: use interpolate."
)
def square_root_weights(model, images):
    x_0, t = _drawn(images)
    weight = t.view(-1, 1, 1, 1)
    x_t = (1 - weight).sqrt() * x_0 + weight.sqrt() * images
    return F.mse_loss(model(x_t, t), images - x_0)


@FLOW_LOSS.mistake(
    "x_0 is drawn with torch.rand, which is uniform between 0 and 1. The noise is "
    "normal: torch.randn_like."
)
def uniform_noise(model, images):
    x_0, t = torch.rand_like(images), torch.rand(len(images))
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "the times are drawn with torch.randn. They are uniform between 0 and 1: torch.rand."
)
def normal_times(model, images):
    x_0, t = torch.randn_like(images), torch.randn(len(images))
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "the model is told a whole number, the step, instead of the time between 0 and "
    "1. Draw t with torch.rand and pass it on as it is."
)
def step_for_time(model, images):
    x_0 = torch.randn_like(images)
    step = torch.randint(0, 50, (len(images),))
    return F.mse_loss(model(_line(x_0, images, step / 50), step), images - x_0)


@FLOW_LOSS.mistake(
    "one time is drawn for the whole batch. Every picture gets its own: torch.rand(len(images))."
)
def one_time_for_all(model, images):
    x_0 = torch.randn_like(images)
    t = torch.rand(1).expand(len(images))
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "t is a fixed number, the same in every call. The model must learn the flow at "
    "every time: torch.rand(len(images))."
)
def always_halfway(model, images):
    x_0, t = torch.randn_like(images), torch.full((len(images),), 0.5)
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "the time is drawn twice: the model is told another time than that of the "
    "picture it sees. Draw t once and use it for both."
)
def times_drawn_twice(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), torch.rand(len(images))), images - x_0)


@FLOW_LOSS.mistake(
    "the noise is drawn twice: the target belongs to another line than the picture "
    "that the model sees. Draw x_0 once and use it for both."
)
def noise_drawn_twice(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), t), images - torch.randn_like(images))


@FLOW_LOSS.mistake(
    "one noise picture is drawn for the whole batch. torch.randn_like(images) draws "
    "one for each picture."
)
def one_noise_for_all(model, images):
    x_0 = torch.randn_like(images[:1]).expand_as(images)
    t = torch.rand(len(images))
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "noise and times start from a fixed seed in every call, so that they are always "
    "the same. Set the seed once, at the top of the lesson."
)
def seeded(model, images):
    generator = torch.Generator().manual_seed(0)
    x_0 = torch.randn(images.shape, generator=generator)
    t = torch.rand(len(images), generator=generator)
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "the model gets the clean digits. Give it the points on the line: model(x_t, t)."
)
def clean_as_input(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(images, t), images - x_0)


@FLOW_LOSS.mistake(
    "you took the sum over all pixels. Take the mean, so that the loss doesn't "
    "depend on the number of pictures."
)
def summed(model, images):
    x_0, t = _drawn(images)
    return ((model(_line(x_0, images, t), t) - (images - x_0)) ** 2).sum()


@FLOW_LOSS.mistake(
    "you took the mean absolute difference (L1). The loss is the mean of the squared difference."
)
def absolute(model, images):
    x_0, t = _drawn(images)
    return F.l1_loss(model(_line(x_0, images, t), t), images - x_0)


@FLOW_LOSS.mistake(
    "there is a square root around the mean. The loss is the mean of the squares itself."
)
def rooted(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0).sqrt()


@FLOW_LOSS.mistake(
    "the loss is returned as a plain number, or computed without gradients. Return "
    "the tensor: training needs its gradient."
)
def without_gradient(model, images):
    x_0, t = _drawn(images)
    return F.mse_loss(model(_line(x_0, images, t), t), images - x_0).item()


# --- flow_sample ----------------------------------------------------------------------------------


def _start(n, generator):
    return torch.randn(n, 1, 28, 28, generator=generator)


def _walk(model, x, times, length):
    """Euler's method with the given times and the same length for each step."""
    for t in times:
        x = x + length * model(x, torch.full((len(x),), float(t)))
    return x


@FLOW_SAMPLE.mistake(
    "there is one step too many: the loop runs to t = 1, where the way has ended. "
    "`range(num_steps)` stops in time."
)
def one_step_too_many(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps + 1)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "the model is put into training mode. BatchNorm then mixes the pictures of a "
    "batch: leave its mode as it is."
)
def in_training_mode(model, n, num_steps=50, generator=None):
    model.train()
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "the generator starts anew from its own seed in every call, so that two calls "
    "give the same samples. Draw with it as you get it."
)
def seeded_again(model, n, num_steps=50, generator=None):
    if generator is not None:
        generator.manual_seed(generator.initial_seed())
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "all pixels of a picture start from the same number. Draw one for each: "
    "torch.randn(n, 1, 28, 28)."
)
def one_start_for_all_pixels(model, n, num_steps=50, generator=None):
    start = torch.randn(n, 1, 1, 1, generator=generator).expand(n, 1, 28, 28)
    return _walk(model, start, [k / num_steps for k in range(num_steps)], 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "the steps have the wrong sign. The flow leads from noise to data, so it is "
    "added: x + model(x, t) / T."
)
def wrong_sign(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, -1 / num_steps)


@FLOW_SAMPLE.mistake(
    "the times are linspace(0, 1, T)[:-1] with steps of 1/T: those are T - 1 steps, "
    "which stop at 1 - 1/T. linspace(0, 1, T + 1)[:-1] has T times."
)
def grid_too_short(model, n, num_steps=50, generator=None):
    times = torch.linspace(0, 1, num_steps)[:-1]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "the times are linspace(0, 1, T), spaced by 1/(T - 1), so that the last step "
    "begins at t = 1 where the way is over. Steps of 1/T begin at 0, 1/T, ... 1 - 1/T."
)
def grid_to_the_end(model, n, num_steps=50, generator=None):
    times = torch.linspace(0, 1, num_steps)
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "the times run from 1 down to 0, as in DDPM. Here t = 0 is noise: the steps "
    "begin at 0, 1/T, ... 1 - 1/T."
)
def downwards(model, n, num_steps=50, generator=None):
    times = [1 - k / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "the way is gone from t = 1 down and against the flow. Noise is at t = 0 here, "
    "and the flow leads away from it: count t upwards and add."
)
def downwards_against_the_flow(model, n, num_steps=50, generator=None):
    times = [1 - k / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, -1 / num_steps)


@FLOW_SAMPLE.mistake(
    "the steps come in the reverse order, the last first. Loop over "
    "range(num_steps) as it is: t = 0 is noise."
)
def steps_reversed(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in reversed(range(num_steps))]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "each step uses the time of its end. Euler's method asks for the flow where the "
    "step begins: step k begins at k / T, k counted from 0."
)
def time_at_the_end(model, n, num_steps=50, generator=None):
    times = [(k + 1) / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "each step uses the time of its middle with the picture of its beginning. "
    "Euler's method takes both where the step begins."
)
def time_in_the_middle(model, n, num_steps=50, generator=None):
    times = [(k + 0.5) / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "the model is told the step's number. It knows times between 0 and 1: divide by num_steps."
)
def step_for_the_time(model, n, num_steps=50, generator=None):
    return _walk(model, _start(n, generator), range(num_steps), 1 / num_steps)


@FLOW_SAMPLE.mistake("the model is always asked at t = 0. The time grows by 1/T with every step.")
def time_stands_still(model, n, num_steps=50, generator=None):
    x = _start(n, generator)
    for _ in range(num_steps):
        x = x + model(x, torch.zeros(n)) / num_steps
    return x


@FLOW_SAMPLE.mistake(
    "the time is passed as a plain number. The model wants a tensor with a time for "
    "each picture: torch.full((n,), t)."
)
def plain_number(model, n, num_steps=50, generator=None):
    x = _start(n, generator)
    for step in range(num_steps):
        x = x + model(x, step / num_steps) / num_steps
    return x


@FLOW_SAMPLE.mistake("the last step is missing: with range(num_steps - 1) the way ends at 1 - 1/T.")
def one_step_short(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps - 1)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "the first step is missing: the steps are counted from 1. Step 0 begins at "
    "t = 0, where there is only noise."
)
def first_step_missing(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(1, num_steps)]
    return _walk(model, _start(n, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "every step goes the whole flow. It is the way from t = 0 to t = 1; one step is "
    "a T-th of it: divide by num_steps."
)
def whole_flow_each_step(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, 1)


@FLOW_SAMPLE.mistake(
    "x is replaced by the flow in each step. Add to x what the step goes: x + model(x, t) / T."
)
def replaced_by_the_flow(model, n, num_steps=50, generator=None):
    x = _start(n, generator)
    for step in range(num_steps):
        x = model(x, torch.full((n,), step / num_steps))
    return x


@FLOW_SAMPLE.mistake(
    "`num_steps` is not used and 50 is written into the loop. 50 is only its default."
)
def always_fifty_steps(model, n, num_steps=50, generator=None):
    return _walk(model, _start(n, generator), [k / 50 for k in range(50)], 1 / 50)


@FLOW_SAMPLE.mistake(
    "noise is added in every step, as in DDPM. A flow is followed without any: the "
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
    "sampling starts from zeros. At t = 0 there is standard normal noise: torch.randn."
)
def starts_from_zeros(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, torch.zeros(n, 1, 28, 28), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "the start is drawn with torch.rand, which is uniform between 0 and 1. Noise "
    "is standard normal: torch.randn."
)
def uniform_start(model, n, num_steps=50, generator=None):
    x = torch.rand(n, 1, 28, 28, generator=generator)
    return _walk(model, x, [k / num_steps for k in range(num_steps)], 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "one noise picture is drawn and repeated n times. Every sample needs noise of its own."
)
def one_start_for_all(model, n, num_steps=50, generator=None):
    x = _start(1, generator).repeat(n, 1, 1, 1)
    return _walk(model, x, [k / num_steps for k in range(num_steps)], 1 / num_steps)


@FLOW_SAMPLE.mistake("`n` is not used: one picture comes out, however many are asked for.")
def only_one_picture(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, _start(1, generator), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "the result is clamped to [0, 1]. Return it as it is; `show` cuts off what is "
    "darker than black or brighter than white."
)
def clamped(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, _start(n, generator), times, 1 / num_steps).clamp(0, 1)


@FLOW_SAMPLE.mistake(
    "`generator` is not used: the noise comes from torch's own. Pass "
    "`generator=generator` to torch.randn."
)
def generator_ignored(model, n, num_steps=50, generator=None):
    times = [k / num_steps for k in range(num_steps)]
    return _walk(model, torch.randn(n, 1, 28, 28), times, 1 / num_steps)


@FLOW_SAMPLE.mistake(
    "a fixed seed is set inside the function, so that every call gives the same "
    "samples. Leave seeding to whoever calls it."
)
def seeded_inside(model, n, num_steps=50, generator=None):
    x = _start(n, torch.Generator().manual_seed(0))
    return _walk(model, x, [k / num_steps for k in range(num_steps)], 1 / num_steps)

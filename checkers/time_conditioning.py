"""Lesson 13: what the schedule, the network, the loss and the sampler must do, and go wrong at."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from checkers.engine.ddpm_judges import (
    every_timestep,
    noise_added,
    noise_for_each_entry,
    noise_is_target,
    noised_like_forward,
    normal_start,
    own_timesteps,
    right_times,
    same_randomness,
    squared_error,
    steps_to_the_mean,
)
from checkers.engine.exercise import Case, Exercise, Judge, Observation, Verdict
from checkers.engine.judges import all_of, describe, same_form, same_values
from checkers.engine.network_judges import (
    all_learn,
    learns,
    places,
    same_function,
    same_shapes,
    same_weights,
)
from probes.record import Array
from probes.running import Inputs
from probes.time_conditioning import (
    find_conditioning,
    noise_pictures,
    sample_in_steps,
    sample_repeatedly,
    sample_sizes,
)
from probes.unet import compute, count_weights, overfit, shapes
from solutions.time_conditioning import TimeConditionalUNet, ddpm_loss, ddpm_sample, ddpm_schedule
from solutions.unet import FCBlock, UnconditionalUNet

NAMES = ("betas", "alphas", "alphas_cumprod")

# ddpm_schedule


def _schedule_inputs(start: float, end: float, count: int) -> Callable[[torch.Generator], Inputs]:
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
            lambda generator: {},
            all_of(*(_entry(name) for name in NAMES)),
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


@DDPM_SCHEDULE.right_answer
def schedule_by_a_loop(start=0.0001, end=0.02, T=300):
    betas = torch.tensor([start + (end - start) * i / (T - 1) for i in range(T)])
    products, product = [], 1.0
    for beta in betas:
        product = product * (1 - beta)
        products.append(product)
    return dict(betas=betas, alphas=1 - betas, alphas_cumprod=torch.stack(products))


@DDPM_SCHEDULE.right_answer
def schedule_with_more(beta1=1e-4, beta2=0.02, num_ts=300):
    beta = torch.linspace(beta1, beta2, steps=num_ts)
    alpha = 1.0 - beta
    abar = alpha.log().cumsum(0).exp()
    return {
        "betas": beta,
        "alphas": alpha,
        "alphas_cumprod": abar,
        "sqrt_abar": abar.sqrt(),
        "T": num_ts,
    }


@DDPM_SCHEDULE.right_answer
def schedule_with_numpy(beta_start=1e-4, beta_end=0.02, num_timesteps=300):
    betas = np.linspace(beta_start, beta_end, num_timesteps, dtype=np.float32)
    return {"betas": betas, "alphas": 1 - betas, "alphas_cumprod": np.cumprod(1 - betas)}


def _schedule(betas, alphas=None, abar=None):
    alphas = 1 - betas if alphas is None else alphas
    abar = torch.cumprod(alphas, dim=0) if abar is None else abar
    return {"betas": betas, "alphas": alphas, "alphas_cumprod": abar}


@DDPM_SCHEDULE.mistake(
    "It looks as if alphas_cumprod is a running sum. It is a running product: torch.cumprod."
)
def summed_up(beta_start=1e-4, beta_end=0.02, num_timesteps=300):
    betas = torch.linspace(beta_start, beta_end, num_timesteps)
    return _schedule(betas, abar=torch.cumsum(1 - betas, dim=0))


@DDPM_SCHEDULE.mistake(
    "It looks as if alphas_cumprod is the product of the betas. Multiply the alphas: each step "
    "keeps alpha_t of the variance."
)
def product_of_betas(beta_start=1e-4, beta_end=0.02, num_timesteps=300):
    betas = torch.linspace(beta_start, beta_end, num_timesteps)
    return _schedule(betas, abar=torch.cumprod(betas, dim=0))


@DDPM_SCHEDULE.mistake(
    "It looks as if the square roots of the betas are evenly spaced (DeepFloyd's relatives do "
    "so). Here the betas themselves are."
)
def scaled_linear(beta_start=1e-4, beta_end=0.02, num_timesteps=300):
    return _schedule(torch.linspace(beta_start**0.5, beta_end**0.5, num_timesteps) ** 2)


@DDPM_SCHEDULE.mistake(
    "It looks as if there are T + 1 values. Timesteps count from 0 to T - 1 here: give T values."
)
def one_too_many(beta_start=1e-4, beta_end=0.02, num_timesteps=300):
    return _schedule(torch.linspace(beta_start, beta_end, num_timesteps + 1))


@DDPM_SCHEDULE.mistake(
    "It looks as if an entry for the clean picture stands first (beta 0, abar 1). Here index 0 is "
    "the first noisy step already: leave that entry out."
)
def clean_entry_first(beta_start=1e-4, beta_end=0.02, num_timesteps=300):
    betas = torch.linspace(beta_start, beta_end, num_timesteps)
    return _schedule(torch.cat([torch.zeros(1), betas]))


@DDPM_SCHEDULE.mistake(
    "It looks as if the spacing is (beta_end - beta_start) / T, so that beta_end is never reached. "
    "The last beta is beta_end."
)
def end_not_reached(beta_start=1e-4, beta_end=0.02, num_timesteps=300):
    steps = torch.arange(num_timesteps) / num_timesteps
    return _schedule(beta_start + (beta_end - beta_start) * steps)


@DDPM_SCHEDULE.mistake(
    "It looks as if alphas are the betas themselves. alpha_t is 1 - beta_t: what is kept, not what "
    "is replaced by noise."
)
def alphas_are_betas(beta_start=1e-4, beta_end=0.02, num_timesteps=300):
    betas = torch.linspace(beta_start, beta_end, num_timesteps)
    return _schedule(betas, alphas=betas)


@DDPM_SCHEDULE.mistake(
    "It looks as if alphas_cumprod holds the alphas themselves. It is the product of all of them "
    "up to t."
)
def no_product(beta_start=1e-4, beta_end=0.02, num_timesteps=300):
    betas = torch.linspace(beta_start, beta_end, num_timesteps)
    return _schedule(betas, abar=1 - betas)


@DDPM_SCHEDULE.mistake(
    "It looks as if the square root of alphas_cumprod is taken here. Give the product; the loss "
    "and the sampler take roots where they need them."
)
def root_taken_early(beta_start=1e-4, beta_end=0.02, num_timesteps=300):
    betas = torch.linspace(beta_start, beta_end, num_timesteps)
    return _schedule(betas, abar=torch.cumprod(1 - betas, dim=0).sqrt())


@DDPM_SCHEDULE.mistake(
    "It looks as if alphas_cumprod lags one step behind: entry t leaves out alpha_t. It includes "
    "it."
)
def one_step_behind(beta_start=1e-4, beta_end=0.02, num_timesteps=300):
    betas = torch.linspace(beta_start, beta_end, num_timesteps)
    product = torch.cumprod(1 - betas, dim=0)
    return _schedule(betas, abar=torch.cat([torch.ones(1), product[:-1]]))


@DDPM_SCHEDULE.mistake(
    "It looks as if the arguments are not used: it is always the course's schedule of 300 steps."
)
def always_the_same(beta_start=1e-4, beta_end=0.02, num_timesteps=300):
    return _schedule(torch.linspace(1e-4, 0.02, 300))


@DDPM_SCHEDULE.mistake(
    "It looks as if beta falls from beta_end to beta_start. It grows: the first steps add little "
    "noise."
)
def backwards(beta_start=1e-4, beta_end=0.02, num_timesteps=300):
    return _schedule(torch.linspace(beta_end, beta_start, num_timesteps))


@DDPM_SCHEDULE.mistake(
    "It looks as if the three tensors are returned as a tuple. Return a dict, so that the names "
    "say which is which."
)
def as_a_tuple(beta_start=1e-4, beta_end=0.02, num_timesteps=300):
    return tuple(_schedule(torch.linspace(beta_start, beta_end, num_timesteps)).values())


# TimeConditionalUNet


def _draw_seed(generator: torch.Generator) -> int:
    return int(torch.randint(1, 10**6, (1,), generator=generator))


def _times(generator: torch.Generator, count: int) -> Tensor:
    """Times that differ clearly, in random order."""
    spaced = (torch.arange(count) + torch.rand(count, generator=generator) * 0.4) / count
    return spaced[torch.randperm(count, generator=generator)]


def _shape_inputs(generator: torch.Generator) -> Inputs:
    return {
        "builds": [
            {"arguments": [1, 4], "shape": [2, 1, 28, 28], "also": [torch.tensor([0.1, 0.9])]},
            {"arguments": [1, 3], "shape": [3, 1, 28, 28], "also": [_times(generator, 3)]},
            {"arguments": [3, 4], "shape": [2, 3, 28, 28], "also": [torch.tensor([0.0, 1.0])]},
        ]
    }


def _net_inputs(generator: torch.Generator) -> Inputs:
    x = torch.randn(4, 1, 28, 28, generator=generator)
    return {"arguments": [1, 4], "x": x, "also": [_times(generator, 4)]}


def _place_inputs(generator: torch.Generator) -> Inputs:
    inputs = _net_inputs(generator)
    other = (inputs["also"][0] + 0.45) % 1
    return {**inputs, "which": 1, "other": other, "seed": _draw_seed(generator)}


def _compute_inputs(training: bool) -> Callable[[torch.Generator], Inputs]:
    def inputs(generator: torch.Generator) -> Inputs:
        return {**_net_inputs(generator), "seed": _draw_seed(generator), "training": training}

    return inputs


def _overfit_inputs(generator: torch.Generator) -> Inputs:
    coarse = torch.rand(3, 1, 4, 4, generator=generator) * 2 - 1
    target = F.interpolate(coarse, (28, 28), mode="bilinear")
    return {
        "arguments": [1, 4],
        "x": target + 0.5 * torch.randn(target.shape, generator=generator),
        "also": [_times(generator, 3)],
        "target": target,
        "seed": _draw_seed(generator),
        "steps": 48,
        "enough": 0.5,
        "learning_rate": 0.03,
    }


TIME_CONDITIONAL_UNET = Exercise(
    reference=TimeConditionalUNet,
    cases=[
        Case(
            "the result has the pictures' shape",
            1,
            _shape_inputs,
            same_shapes("TimeConditionalUNet"),
            shapes,
        ),
        Case(
            "as many weights as the text says, and all of them learn",
            2,
            _net_inputs,
            all_of(same_weights("TimeConditionalUNet"), all_learn),
            count_weights,
        ),
        Case(
            "the time acts at both places, for each picture on its own",
            3,
            _place_inputs,
            places("the time"),
            find_conditioning,
        ),
        Case(
            "in training mode, it computes what the text says",
            2,
            _compute_inputs(True),
            same_function("the result"),
            compute,
        ),
        Case(
            "in evaluation mode, too",
            1,
            _compute_inputs(False),
            same_function("the result in evaluation mode"),
            compute,
        ),
        Case("it can learn one batch by heart", 1, _overfit_inputs, learns, overfit),
    ],
    hints=[
        "Keep an `UnconditionalUNet` as a part, and two `FCBlock`. Then write `forward` of lesson "
        "11 once more, with two additions.",
        "`FCBlock` wants (B, 1): `t.view(-1, 1)`. It gives (B, 2D), and `[:, :, None, None]` makes "
        "(B, 2D, 1, 1) of it, which is added to every pixel of (B, 2D, 7, 7).",
        "`unflattened = unet.unflatten(unet.flatten(at_7)) + t1`, and "
        "`up_to_14 = unet.up1(torch.cat([unflattened, at_7], dim=1)) + t2`.",
    ],
)


class Net(nn.Module):
    """The network of the text; what is right or wrong in another way overrides a part of it."""

    def __init__(self, c, d):
        super().__init__()
        self.body = UnconditionalUNet(c, d)
        self.make_conditioning(d)

    def make_conditioning(self, d):
        self.first, self.second = FCBlock(1, 2 * d), FCBlock(1, d)

    def times(self, t):
        t = t.reshape(-1, 1)
        return self.first(t)[..., None, None], self.second(t)[..., None, None]

    def at_first(self, u, t1):
        return u + t1

    def at_second(self, u, t2):
        return u + t2

    def way_down(self, x):
        a = self.body.enter(x)
        b = self.body.down1(a)
        return a, b, self.body.down2(b)

    def bottleneck(self, c, t1):
        return self.at_first(self.body.unflatten(self.body.flatten(c)), t1)

    def last_up(self, y, b, t2):
        return self.body.up2(torch.cat([y, b], 1))

    def forward(self, x, t):
        t1, t2 = self.times(t)
        a, b, c = self.way_down(x)
        y = torch.cat([self.bottleneck(c, t1), c], 1)
        y = self.at_second(self.body.up1(y), t2)
        y = self.last_up(y, b, t2)
        return self.body.last(self.body.leave(torch.cat([y, a], 1)))


@TIME_CONDITIONAL_UNET.right_answer
class InheritsFromUNet(UnconditionalUNet):
    """A subclass; skips first; sums in place; linear layers of its own."""

    def __init__(self, channels, width):
        super().__init__(channels, width)
        self.fc = nn.ModuleList(
            nn.Sequential(nn.Linear(1, size), nn.GELU(approximate="tanh"), nn.Linear(size, size))
            for size in (width, 2 * width)
        )

    def forward(self, image, time):
        small, wide = (fc(time.unsqueeze(1)).unsqueeze(-1).unsqueeze(-1) for fc in self.fc)
        skips = [self.enter(image)]
        for down in (self.down1, self.down2):
            skips.append(down(skips[-1]))
        x = self.unflatten(self.flatten(skips[2]))
        x = self.up1(torch.cat((skips[2], x.add(wide)), 1))
        x += small
        x = self.up2(torch.cat((skips[1], x), 1))
        return self.last(self.leave(torch.cat((skips[0], x), 1)))


@TIME_CONDITIONAL_UNET.right_answer
class EverythingInOnePlace(nn.Module):
    """No UNet of lesson 11 at all, time as (B, 1, 1, 1), conditioning by expand."""

    def __init__(self, c, d):
        super().__init__()

        def conv(i, o, layer=None):
            layer = layer or nn.Conv2d(i, o, 3, 1, 1)
            return nn.Sequential(layer, nn.BatchNorm2d(o), nn.GELU())

        def block(i, o):
            return nn.Sequential(conv(i, o), conv(o, o))

        def up(i, o):
            return nn.Sequential(conv(i, o, nn.ConvTranspose2d(i, o, 4, 2, 1)), block(o, o))

        def down(i, o):
            return nn.Sequential(conv(i, o, nn.Conv2d(i, o, 3, 2, 1)), block(o, o))

        def fc(o):
            return nn.Sequential(nn.Linear(1, o), nn.GELU(), nn.Linear(o, o))

        self.parts = nn.ModuleDict(
            {
                "in": block(c, d),
                "d1": down(d, d),
                "d2": down(d, 2 * d),
                "flat": nn.Sequential(nn.AvgPool2d(7), nn.GELU()),
                "wide": conv(2 * d, 2 * d, nn.ConvTranspose2d(2 * d, 2 * d, 7)),
                "u1": up(4 * d, d),
                "u2": up(2 * d, d),
                "out": nn.Sequential(block(2 * d, d), nn.Conv2d(d, c, 3, 1, 1)),
                "t1": fc(2 * d),
                "t2": fc(d),
            }
        )

    def forward(self, x, t):
        p, t = self.parts, t.view(-1, 1, 1, 1)
        x28 = p["in"](x)
        x14 = p["d1"](x28)
        x7 = p["d2"](x14)
        t1 = p["t1"](t).view(len(x), -1, 1, 1).expand(x7.shape)
        t2 = p["t2"](t.flatten(1)).view(len(x), -1, 1, 1)
        y = p["u1"](torch.cat([p["wide"](p["flat"](x7)) + t1, x7], 1)) + t2
        return p["out"](torch.cat([p["u2"](torch.cat([y, x14], 1)), x28], 1))


@TIME_CONDITIONAL_UNET.right_answer
def from_a_function(in_channels, num_hiddens):
    return Net(in_channels, num_hiddens)


@TIME_CONDITIONAL_UNET.mistake(
    "It looks as if the time is not used at all. Add FCBlock(t) after Unflatten and after the "
    "first UpBlock."
)
class TimeIgnored(Net):
    def at_first(self, u, t1):
        return u

    def at_second(self, u, t2):
        return u


@TIME_CONDITIONAL_UNET.mistake(
    "It looks as if the time is used after Unflatten only. There is a second place: after the "
    "first UpBlock."
)
class FirstPlaceOnly(Net):
    def at_second(self, u, t2):
        return u


@TIME_CONDITIONAL_UNET.mistake(
    "It looks as if the time is used after the first UpBlock only. There is another place before: "
    "after Unflatten."
)
class SecondPlaceOnly(Net):
    def at_first(self, u, t1):
        return u


@TIME_CONDITIONAL_UNET.mistake(
    "It looks as if the time is added before Unflatten. Add it to the result of Unflatten, of "
    "shape (B, 2D, 7, 7)."
)
class BeforeUnflatten(Net):
    def bottleneck(self, c, t1):
        return self.body.unflatten(self.body.flatten(c) + t1)


@TIME_CONDITIONAL_UNET.mistake(
    "It looks as if the whole batch is given the first picture's time, t[0]. Each picture has its "
    "own: keep the batch dimension, t.view(-1, 1)."
)
class FirstTimeForAll(Net):
    def times(self, t):
        return super().times(t[:1])


@TIME_CONDITIONAL_UNET.mistake(
    "It looks as if the whole batch is given the mean of its times. Each picture has its own."
)
class MeanTimeForAll(Net):
    def times(self, t):
        return super().times(t.mean().view(1))


@TIME_CONDITIONAL_UNET.mistake(
    "It looks as if the time multiplies what it is told to. In this lesson it is added; it "
    "multiplies in lesson 15, for flow matching."
)
class Multiplied(Net):
    def at_first(self, u, t1):
        return u * t1

    def at_second(self, u, t2):
        return u * t2


@TIME_CONDITIONAL_UNET.mistake(
    "It looks as if the second addition comes one block too late, after the second UpBlock. It "
    "belongs after the first."
)
class OneBlockTooLate(Net):
    def at_second(self, u, t2):
        return u

    def last_up(self, y, b, t2):
        return super().last_up(y, b, t2) + t2


@TIME_CONDITIONAL_UNET.mistake(
    "It looks as if the network divides t by 300 itself. It is given t / T already, a number from "
    "0 to 1."
)
class DividedAgain(Net):
    def times(self, t):
        return super().times(t / 300)


@TIME_CONDITIONAL_UNET.mistake(
    "It looks as if the network multiplies t by 300. It is given t / T, a number from 0 to 1, and "
    "that is what FCBlock gets."
)
class MadeWhole(Net):
    def times(self, t):
        return super().times(t * 300)


@TIME_CONDITIONAL_UNET.mistake(
    "It looks as if the time goes through a single Linear. FCBlock has two, with GELU between them."
)
class SingleLinear(Net):
    def make_conditioning(self, d):
        self.first, self.second = nn.Linear(1, 2 * d), nn.Linear(1, d)


@TIME_CONDITIONAL_UNET.mistake(
    "It looks as if a GELU follows the addition. Nothing follows it: the sum goes on as it is."
)
class GeluAfterwards(Net):
    def at_first(self, u, t1):
        return F.gelu(u + t1)

    def at_second(self, u, t2):
        return F.gelu(u + t2)


# ddpm_loss


def _levels(count: int) -> Tensor:
    """Products of alphas that lie clearly apart."""
    return torch.linspace(0.95, 0.05, count)


def _loss_inputs(generator: torch.Generator) -> Inputs:
    images = torch.rand(64, 1, 8, 8, generator=generator)
    return {"images": images, "alphas_cumprod": _levels(10), "calls": 16}


def _few_inputs(count: int, num_timesteps: int, channels: int, calls: int):
    def inputs(generator: torch.Generator) -> Inputs:
        side = 28 if calls == 1 else 8
        images = torch.rand(count, channels, side, side, generator=generator)
        return {"images": images, "alphas_cumprod": _levels(num_timesteps), "calls": calls}

    return inputs


DDPM_LOSS = Exercise(
    reference=ddpm_loss,
    cases=[
        Case(
            "it is the mean of squared differences, and has a gradient",
            2,
            _few_inputs(8, 10, 1, 1),
            squared_error,
            noise_pictures,
        ),
        Case(
            "the model's answer is compared with the noise",
            2,
            _loss_inputs,
            noise_is_target,
            noise_pictures,
        ),
        Case(
            "the pictures are noised to sqrt(abar_t) x_0 + sqrt(1 - abar_t) noise",
            3,
            _few_inputs(32, 10, 1, 8),
            noised_like_forward,
            noise_pictures,
        ),
        Case(
            "each picture has a timestep of its own, any from 0 to T - 1",
            2,
            _loss_inputs,
            own_timesteps,
            noise_pictures,
        ),
        Case(
            "the model is told t / T",
            2,
            _few_inputs(64, 7, 1, 3),
            right_times,
            noise_pictures,
        ),
        Case(
            "pictures in colour and of another size",
            1,
            _few_inputs(16, 4, 3, 6),
            all_of(squared_error, noise_for_each_entry, noised_like_forward),
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


@DDPM_LOSS.right_answer
def loss_by_hand(net, x0, abar):
    b, T = x0.shape[0], abar.shape[0]
    steps = torch.randint(0, T, size=(b,))
    eps = torch.normal(torch.zeros_like(x0), torch.ones_like(x0))
    a = torch.gather(abar, 0, steps)[:, None, None, None]
    guess = net(torch.sqrt(a) * x0 + torch.sqrt(1.0 - a) * eps, (steps.float() / T)[:, None])
    return (eps - guess).pow(2).mean()


@DDPM_LOSS.right_answer
def loss_counting_from_one(model, images, alphas_cumprod):
    T = len(alphas_cumprod)
    t = torch.randint(1, T + 1, (len(images), 1, 1, 1))
    abar = alphas_cumprod[t - 1]
    noise = torch.randn(*images.shape)
    x_t = abar**0.5 * images + (1 - abar) ** 0.5 * noise
    return nn.MSELoss()(noise, model(x_t, t=t / T))


@DDPM_LOSS.right_answer
def loss_up_to_one(model, images, alphas_cumprod):
    T = len(alphas_cumprod)
    t = torch.tensor(np.random.randint(0, T, len(images)))
    level = alphas_cumprod.index_select(0, t).reshape(len(images), 1, 1, 1)
    noise = torch.randn_like(images)
    noisy = level.sqrt().mul(images).addcmul((1 - level).sqrt(), noise)
    return F.mse_loss(model(x=noisy, t=t / (T - 1)), noise, reduction="sum") / noise.numel()


def _drawn(images, alphas_cumprod):
    """Timesteps, abar for each picture, and noise."""
    t = torch.randint(len(alphas_cumprod), (len(images),))
    return t, alphas_cumprod[t].view(-1, 1, 1, 1), torch.randn_like(images)


@DDPM_LOSS.mistake(
    "It looks as if one number is drawn for each picture and serves as the noise of all its "
    "pixels. Every pixel needs a number of its own: torch.randn_like(images)."
)
def one_number_for_a_picture(model, images, alphas_cumprod):
    t, abar, _ = _drawn(images, alphas_cumprod)
    noise = torch.randn(len(images), 1, 1, 1).expand_as(images)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if the model's answer is compared with the clean pictures. This network predicts "
    "the noise: compare with `noise`."
)
def picture_as_target(model, images, alphas_cumprod):
    t, abar, noise = _drawn(images, alphas_cumprod)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, t / len(alphas_cumprod)), images)


@DDPM_LOSS.mistake(
    "It looks as if the model's answer is compared with the noisy picture. Compare it with the "
    "noise alone, of strength 1."
)
def noisy_as_target(model, images, alphas_cumprod):
    t, abar, noise = _drawn(images, alphas_cumprod)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, t / len(alphas_cumprod)), x_t)


@DDPM_LOSS.mistake(
    "It looks as if the target is the noise times sqrt(1 - abar). Compare with the noise itself, "
    "which always has strength 1."
)
def scaled_noise_as_target(model, images, alphas_cumprod):
    t, abar, noise = _drawn(images, alphas_cumprod)
    noise = (1 - abar).sqrt() * noise
    return F.mse_loss(model(abar.sqrt() * images + noise, t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if one timestep is drawn for the whole batch. Draw one for each picture: "
    "torch.randint(T, (len(images),))."
)
def one_timestep(model, images, alphas_cumprod):
    _, _, noise = _drawn(images, alphas_cumprod)
    t = torch.randint(len(alphas_cumprod), (1,)).expand(len(images))
    abar = alphas_cumprod[t].view(-1, 1, 1, 1)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if t is always the same. Draw it anew at every call, or the model learns one "
    "strength of noise only."
)
def constant_timestep(model, images, alphas_cumprod):
    _, _, noise = _drawn(images, alphas_cumprod)
    t = torch.full((len(images),), len(alphas_cumprod) // 2)
    abar = alphas_cumprod[t].view(-1, 1, 1, 1)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if timestep 0 is never drawn. Timesteps go from 0 to T - 1: torch.randint(T, ...)."
)
def never_the_first(model, images, alphas_cumprod):
    T = len(alphas_cumprod)
    t = torch.randint(1, T, (len(images),))
    abar = alphas_cumprod[t].view(-1, 1, 1, 1)
    noise = torch.randn_like(images)
    return F.mse_loss(model(abar.sqrt() * images + (1 - abar).sqrt() * noise, t / T), noise)


@DDPM_LOSS.mistake(
    "It looks as if timestep T - 1 is never drawn: the upper end of torch.randint is left out "
    "already."
)
def never_the_last(model, images, alphas_cumprod):
    T = len(alphas_cumprod)
    t = torch.randint(0, T - 1, (len(images),))
    abar = alphas_cumprod[t].view(-1, 1, 1, 1)
    noise = torch.randn_like(images)
    return F.mse_loss(model(abar.sqrt() * images + (1 - abar).sqrt() * noise, t / T), noise)


@DDPM_LOSS.mistake(
    "It looks as if the model is told t itself. Divide by T, so that it gets a number from 0 to 1."
)
def whole_timesteps(model, images, alphas_cumprod):
    t, abar, noise = _drawn(images, alphas_cumprod)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, t.float()), noise)


@DDPM_LOSS.mistake(
    "It looks as if t is divided by 300, whatever the schedule. T is len(alphas_cumprod)."
)
def always_by_300(model, images, alphas_cumprod):
    t, abar, noise = _drawn(images, alphas_cumprod)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, t / 300), noise)


@DDPM_LOSS.mistake(
    "It looks as if the model is told 1 - t / T. Time 0 is the clean end, as in the schedule."
)
def time_backwards(model, images, alphas_cumprod):
    t, abar, noise = _drawn(images, alphas_cumprod)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, 1 - t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if the model is told abar_t. Tell it the time, t / T; abar_t only mixes picture "
    "and noise."
)
def told_abar(model, images, alphas_cumprod):
    _, abar, noise = _drawn(images, alphas_cumprod)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, abar.flatten()), noise)


@DDPM_LOSS.mistake(
    "It looks as if the square roots are missing: sqrt(abar_t) multiplies the picture and "
    "sqrt(1 - abar_t) the noise."
)
def no_roots(model, images, alphas_cumprod):
    t, abar, noise = _drawn(images, alphas_cumprod)
    return F.mse_loss(model(abar * images + (1 - abar) * noise, t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if the noise is multiplied by 1 - abar_t without the square root. A strength is a "
    "standard deviation: sqrt(1 - abar_t)."
)
def no_root_on_noise(model, images, alphas_cumprod):
    t, abar, noise = _drawn(images, alphas_cumprod)
    x_t = abar.sqrt() * images + (1 - abar) * noise
    return F.mse_loss(model(x_t, t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if picture and noise have changed places: sqrt(abar_t) belongs to the picture, "
    "sqrt(1 - abar_t) to the noise."
)
def roles_swapped(model, images, alphas_cumprod):
    t, abar, noise = _drawn(images, alphas_cumprod)
    x_t = (1 - abar).sqrt() * images + abar.sqrt() * noise
    return F.mse_loss(model(x_t, t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if a single step's alpha_t and beta_t mix picture and noise. To go from the clean "
    "picture to x_t at once, take the product abar_t."
)
def one_step_only(model, images, alphas_cumprod):
    t, _, noise = _drawn(images, alphas_cumprod)
    alphas = alphas_cumprod / torch.cat([torch.ones(1), alphas_cumprod[:-1]])
    alpha = alphas[t].view(-1, 1, 1, 1)
    x_t = alpha.sqrt() * images + (1 - alpha).sqrt() * noise
    return F.mse_loss(model(x_t, t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if the noise in x_t and the noise that the answer is compared with are two "
    "different draws. Draw once and use it in both places."
)
def two_draws(model, images, alphas_cumprod):
    t, abar, noise = _drawn(images, alphas_cumprod)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * torch.randn_like(images)
    return F.mse_loss(model(x_t, t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if you took the sum over all pixels. Take the mean, so that the loss doesn't "
    "depend on the number of pictures."
)
def sum_of_squares(model, images, alphas_cumprod):
    t, abar, noise = _drawn(images, alphas_cumprod)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, t / len(alphas_cumprod)), noise, reduction="sum")


@DDPM_LOSS.mistake(
    "It looks as if you took the mean absolute difference (L1). The loss here is the mean of the "
    "squared difference."
)
def absolute(model, images, alphas_cumprod):
    t, abar, noise = _drawn(images, alphas_cumprod)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.l1_loss(model(x_t, t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if the loss is computed without gradients, or returned as a plain number. Return "
    "the tensor: training needs its gradient."
)
def without_gradient(model, images, alphas_cumprod):
    t, abar, noise = _drawn(images, alphas_cumprod)
    with torch.no_grad():
        predicted = model(abar.sqrt() * images + (1 - abar).sqrt() * noise, t / len(alphas_cumprod))
    return F.mse_loss(predicted, noise)


@DDPM_LOSS.mistake(
    "It looks as if the model is put into evaluation mode. It is being trained here: leave its "
    "mode as it is."
)
def in_evaluation_mode(model, images, alphas_cumprod):
    model.eval()
    t, abar, noise = _drawn(images, alphas_cumprod)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if the noise is drawn with torch.rand, which is uniform between 0 and 1. It is "
    "normal: torch.randn_like."
)
def uniform_noise(model, images, alphas_cumprod):
    t, abar, _ = _drawn(images, alphas_cumprod)
    noise = torch.rand_like(images)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if the pictures are stretched to [-1, 1] first. The network is trained on them as "
    "they are, from 0 to 1: samples would come out in another range."
)
def stretched_pictures(model, images, alphas_cumprod):
    t, abar, noise = _drawn(images, alphas_cumprod)
    x_t = abar.sqrt() * (2 * images - 1) + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if the timesteps are counted off, the same in every call. Those beyond the batch "
    "are then never trained: draw them with torch.randint."
)
def timesteps_counted_off(model, images, alphas_cumprod):
    _, _, noise = _drawn(images, alphas_cumprod)
    t = torch.arange(len(images)) % len(alphas_cumprod)
    abar = alphas_cumprod[t].view(-1, 1, 1, 1)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if the noise is float64, as numpy draws it, and x_t with it. The network's layers "
    "are float32: torch.randn_like(images) draws what fits."
)
def double_noise(model, images, alphas_cumprod):
    t, abar, _ = _drawn(images, alphas_cumprod)
    noise = torch.from_numpy(np.random.randn(*images.shape))
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, t / len(alphas_cumprod)), noise)


@DDPM_LOSS.mistake(
    "It looks as if the clean pictures are noised in place, so that the batch itself is changed. "
    "Write the noisy pictures into a new tensor."
)
def noised_in_place(model, images, alphas_cumprod):
    t, abar, noise = _drawn(images, alphas_cumprod)
    images *= abar.sqrt()
    images += (1 - abar).sqrt() * noise
    return F.mse_loss(model(images, t / len(alphas_cumprod)), noise)


# ddpm_sample


def _short_schedule(count: int) -> dict[str, Tensor]:
    """Few steps, each of which does a lot."""
    return ddpm_schedule(0.1, 0.45, count)


def _sample_inputs(count: int, n: int = 16) -> Callable[[torch.Generator], Inputs]:
    def inputs(generator: torch.Generator) -> Inputs:
        return {"schedule": _short_schedule(count), "n": n, "seed": _draw_seed(generator)}

    return inputs


def _size_inputs(generator: torch.Generator) -> Inputs:
    return {"schedule": _short_schedule(3), "sizes": [1, 3], "seed": _draw_seed(generator)}


DDPM_SAMPLE = Exercise(
    reference=ddpm_sample,
    cases=[
        Case("it starts from normal noise", 1, _sample_inputs(4), normal_start, sample_in_steps),
        Case(
            "the model is asked at every timestep, from T - 1 to 0, and told t / T",
            2,
            _sample_inputs(7, 2),
            every_timestep,
            sample_in_steps,
        ),
        Case(
            "each step takes away as much of the predicted noise as the algorithm says",
            3,
            _sample_inputs(6),
            steps_to_the_mean,
            sample_in_steps,
        ),
        Case(
            "each step adds noise of strength sqrt(beta_t), but the last adds none",
            2,
            _sample_inputs(6),
            noise_added,
            sample_in_steps,
        ),
        Case(
            "the generator draws all noise",
            1,
            _sample_inputs(3, 2),
            same_randomness,
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


@DDPM_SAMPLE.right_answer
def by_way_of_x_0(net, count, sched, gen=None):
    abar, alphas, betas = sched["alphas_cumprod"], sched["alphas"], sched["betas"]
    T = abar.shape[0]
    x = torch.randn((count, 1, 28, 28), generator=gen)
    for i in range(T, 0, -1):
        now = abar[i - 1]
        before = abar[i - 2] if i > 1 else torch.tensor(1.0)
        eps = net(x, torch.ones(count, 1) * i / T)
        x_0 = (x - math.sqrt(1 - now) * eps) / math.sqrt(now)
        x = (
            before.sqrt() * betas[i - 1] / (1 - now) * x_0
            + alphas[i - 1].sqrt() * (1 - before) / (1 - now) * x
        )
        z = torch.randn(x.shape, generator=gen) if i > 1 else torch.zeros_like(x)
        x = x + betas[i - 1].sqrt() * z
    return x


@DDPM_SAMPLE.right_answer
def clamped_with_posterior_variance(model, n, schedule, generator=None):
    x = torch.empty(n, 1, 28, 28).normal_(generator=generator)
    T = len(schedule["betas"])
    for t in range(T - 1, -1, -1):
        beta, alpha, abar = (float(schedule[k][t]) for k in ("betas", "alphas", "alphas_cumprod"))
        before = float(schedule["alphas_cumprod"][t - 1]) if t else 1.0
        eps = model(x, torch.tensor([t / (T - 1)]))
        x_0 = ((x - (1 - abar) ** 0.5 * eps) / abar**0.5).clamp(0, 1)
        x = before**0.5 * beta / (1 - abar) * x_0 + alpha**0.5 * (1 - before) / (1 - abar) * x
        variance = beta * (1 - before) / (1 - abar)
        x = x + variance**0.5 * torch.randn(n, 1, 28, 28, generator=generator)
    return x


@DDPM_SAMPLE.right_answer
def with_tensors_for_times(model, n, schedule, generator=None):
    device = next(model.parameters()).device
    betas = schedule["betas"].to(device)
    abar = (1 - betas).cumprod(0)
    x = torch.randn(n, 1, 28, 28, generator=generator, device=device)
    with torch.inference_mode():
        for t in torch.arange(len(betas)).flip(0):
            eps = model(x=x, t=(t / len(betas)).repeat(n).view(n, 1, 1, 1))
            x = (1 - betas[t]) ** -0.5 * (x - eps * betas[t] / (1 - abar[t]) ** 0.5)
            if t.item():
                x += betas[t] ** 0.5 * torch.randn(x.shape, generator=generator)
    return x


def _walk(
    model,
    n,
    schedule,
    generator,
    turns=None,
    noisy=None,
    told=None,
    step=None,
    spread=None,
    drawn=None,
):
    """The sampler with one thing changed."""
    T = len(schedule["betas"])
    x = torch.randn(n, 1, 28, 28, generator=generator)
    for t in turns(T) if turns else reversed(range(T)):
        beta, alpha, abar = (schedule[k][t] for k in ("betas", "alphas", "alphas_cumprod"))
        eps = model(x, torch.full((n,), told(t, T) if told else t / T))
        if step:
            x = step(x, eps, beta, alpha, abar)
        else:
            x = (x - beta / (1 - abar).sqrt() * eps) / alpha.sqrt()
        if noisy(t) if noisy else t > 0:
            strength = spread(beta, abar) if spread else beta.sqrt()
            x = x + strength * torch.randn(drawn or (n, 1, 28, 28), generator=generator)
    return x


@DDPM_SAMPLE.mistake(
    "It looks as if all pictures get the same noise in a step. Draw it for each: "
    "torch.randn(n, 1, 28, 28)."
)
def one_noise_for_all(model, n, schedule, generator=None):
    return _walk(model, n, schedule, generator, drawn=(1, 28, 28))


@DDPM_SAMPLE.mistake(
    "It looks as if noise is added in the last step, too. Nothing removes it any more: add it only "
    "if t > 0."
)
def noise_at_the_end(model, n, schedule, generator=None):
    return _walk(model, n, schedule, generator, noisy=lambda t: True)


@DDPM_SAMPLE.mistake(
    "It looks as if the loop ends before t = 0. `range(T - 1, 0, -1)` leaves 0 out; "
    "`reversed(range(T))` doesn't."
)
def ends_early(model, n, schedule, generator=None):
    return _walk(model, n, schedule, generator, turns=lambda T: range(T - 1, 0, -1))


@DDPM_SAMPLE.mistake(
    "It looks as if the loop begins at T - 2. The first step is the one at t = T - 1."
)
def begins_late(model, n, schedule, generator=None):
    return _walk(model, n, schedule, generator, turns=lambda T: range(T - 2, -1, -1))


@DDPM_SAMPLE.mistake(
    "It looks as if the loop runs upwards, from t = 0 to T - 1. Sampling goes from noise to "
    "picture: downwards."
)
def upwards(model, n, schedule, generator=None):
    return _walk(model, n, schedule, generator, turns=range)


@DDPM_SAMPLE.mistake(
    "It looks as if the model is told t itself. It was trained on t / T: tell it that."
)
def told_whole_timesteps(model, n, schedule, generator=None):
    return _walk(model, n, schedule, generator, told=lambda t, T: float(t))


@DDPM_SAMPLE.mistake(
    "It looks as if the model is told t / 300, whatever the schedule. T is len(schedule['betas'])."
)
def told_by_300(model, n, schedule, generator=None):
    return _walk(model, n, schedule, generator, told=lambda t, T: t / 300)


@DDPM_SAMPLE.mistake(
    "It looks as if the model is told the time backwards, 1 - t / T. It begins near 1 and ends at "
    "0."
)
def told_backwards(model, n, schedule, generator=None):
    return _walk(model, n, schedule, generator, told=lambda t, T: 1 - t / T)


@DDPM_SAMPLE.mistake(
    "It looks as if the model is always told the same time. Tell it the time of the step it is in."
)
def told_always_the_same(model, n, schedule, generator=None):
    return _walk(model, n, schedule, generator, told=lambda t, T: (T - 1) / T)


@DDPM_SAMPLE.mistake(
    "It looks as if you divide by sqrt(abar_t). One step back divides by sqrt(alpha_t), the step's "
    "own alpha."
)
def abar_for_alpha(model, n, schedule, generator=None):
    def step(x, eps, beta, alpha, abar):
        return (x - beta / (1 - abar).sqrt() * eps) / abar.sqrt()

    return _walk(model, n, schedule, generator, step=step)


@DDPM_SAMPLE.mistake(
    "It looks as if the predicted noise is divided by sqrt(1 - alpha_t). It should be "
    "sqrt(1 - abar_t), the strength of all noise so far."
)
def alpha_for_abar(model, n, schedule, generator=None):
    def step(x, eps, beta, alpha, abar):
        return (x - beta / (1 - alpha).sqrt() * eps) / alpha.sqrt()

    return _walk(model, n, schedule, generator, step=step)


@DDPM_SAMPLE.mistake("It looks as if the square root of 1 - abar_t is missing under beta_t.")
def no_root_below(model, n, schedule, generator=None):
    def step(x, eps, beta, alpha, abar):
        return (x - beta / (1 - abar) * eps) / alpha.sqrt()

    return _walk(model, n, schedule, generator, step=step)


@DDPM_SAMPLE.mistake(
    "It looks as if the result isn't divided by sqrt(alpha_t). Noising made the picture weaker; "
    "the division makes up for it."
)
def not_divided(model, n, schedule, generator=None):
    def step(x, eps, beta, alpha, abar):
        return x - beta / (1 - abar).sqrt() * eps

    return _walk(model, n, schedule, generator, step=step)


@DDPM_SAMPLE.mistake("It looks as if the predicted noise is added. It has to be taken away.")
def wrong_sign(model, n, schedule, generator=None):
    def step(x, eps, beta, alpha, abar):
        return (x + beta / (1 - abar).sqrt() * eps) / alpha.sqrt()

    return _walk(model, n, schedule, generator, step=step)


@DDPM_SAMPLE.mistake(
    "It looks as if each step jumps to the estimate of the clean picture, as one-step denoising "
    "does. Take the small step of the algorithm."
)
def jumps_to_x_0(model, n, schedule, generator=None):
    def step(x, eps, beta, alpha, abar):
        return (x - (1 - abar).sqrt() * eps) / abar.sqrt()

    return _walk(model, n, schedule, generator, step=step)


@DDPM_SAMPLE.mistake(
    "It looks as if no noise is added in any step. Without it, samples turn out smooth and alike."
)
def no_noise(model, n, schedule, generator=None):
    return _walk(model, n, schedule, generator, noisy=lambda t: False)


@DDPM_SAMPLE.mistake(
    "It looks as if the noise is multiplied by beta_t. beta_t is a variance; the strength is "
    "sqrt(beta_t)."
)
def beta_without_root(model, n, schedule, generator=None):
    return _walk(model, n, schedule, generator, spread=lambda beta, abar: beta)


@DDPM_SAMPLE.mistake(
    "It looks as if the added noise has strength 1 or sqrt(1 - abar_t). One step's noise has "
    "strength sqrt(beta_t)."
)
def all_noise_again(model, n, schedule, generator=None):
    return _walk(model, n, schedule, generator, spread=lambda beta, abar: (1 - abar).sqrt())


@DDPM_SAMPLE.mistake(
    "It looks as if `generator` is not used. Then a seed doesn't repeat a result: give it to every "
    "torch.randn."
)
def seed_ignored(model, n, schedule, generator=None):
    return _walk(model, n, schedule, None)


@DDPM_SAMPLE.mistake(
    "It looks as if only the first noise comes from `generator`. Give it to the torch.randn inside "
    "the loop, too."
)
def seed_for_the_start_only(model, n, schedule, generator=None):
    T = len(schedule["betas"])
    x = torch.randn(n, 1, 28, 28, generator=generator)
    for t in reversed(range(T)):
        beta, abar = schedule["betas"][t], schedule["alphas_cumprod"][t]
        eps = model(x, torch.full((n,), t / T))
        x = (x - beta / (1 - abar).sqrt() * eps) / (1 - beta).sqrt()
        x = x + beta.sqrt() * torch.randn_like(x) if t else x
    return x


@DDPM_SAMPLE.mistake(
    "It looks as if sampling starts from uniform noise (torch.rand). It starts from normal noise: "
    "torch.randn."
)
def uniform_start(model, n, schedule, generator=None):
    T = len(schedule["betas"])
    x = torch.rand(n, 1, 28, 28, generator=generator)
    for t in reversed(range(T)):
        beta, abar = schedule["betas"][t], schedule["alphas_cumprod"][t]
        eps = model(x, torch.full((n,), t / T))
        x = (x - beta / (1 - abar).sqrt() * eps) / (1 - beta).sqrt()
        if t > 0:
            x = x + beta.sqrt() * torch.randn(n, 1, 28, 28, generator=generator)
    return x


@DDPM_SAMPLE.mistake(
    "It looks as if the model is told the time as a plain number. Its layers work on a tensor: "
    "torch.full((n,), t / T, device=device)."
)
def told_a_plain_number(model, n, schedule, generator=None):
    T = len(schedule["betas"])
    x = torch.randn(n, 1, 28, 28, generator=generator)
    for t in reversed(range(T)):
        beta, abar = schedule["betas"][t], schedule["alphas_cumprod"][t]
        x = (x - beta / (1 - abar).sqrt() * model(x, t / T)) / (1 - beta).sqrt()
        if t > 0:
            x = x + beta.sqrt() * torch.randn(n, 1, 28, 28, generator=generator)
    return x


@DDPM_SAMPLE.mistake(
    "It looks as if the result is clamped. Return it as it is; `show` cuts off what is darker than "
    "black or brighter than white."
)
def clamped(model, n, schedule, generator=None):
    return _walk(model, n, schedule, generator).clamp(0, 1)


@DDPM_SAMPLE.mistake(
    "It looks as if the generator is seeded again inside the function, so that it always gives the "
    "same samples. Draw with it as you get it."
)
def seeded_again(model, n, schedule, generator=None):
    if generator is not None:
        generator.manual_seed(0)
    return _walk(model, n, schedule, generator)


@DDPM_SAMPLE.mistake(
    "It looks as if your function writes into the schedule it is given, which whoever calls it "
    "needs again. Put a changed value into a variable of your own."
)
def writes_into_the_schedule(model, n, schedule, generator=None):
    x = _walk(model, n, schedule, generator)
    schedule["betas"][0] = 0
    return x


EXERCISES = [DDPM_SCHEDULE, TIME_CONDITIONAL_UNET, DDPM_LOSS, DDPM_SAMPLE]

"""Lesson 14: what dropping, the network, the loss and the sampler must do, and go wrong at."""

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
    noise_is_target,
    noised_like_forward,
    normal_start,
    own_timesteps,
    right_times,
    same_randomness,
    squared_error,
    steps_to_the_mean,
)
from checkers.engine.dropping_judges import same_rule
from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges import all_of, same_answer, same_form, same_values
from checkers.engine.network_judges import (
    all_learn,
    learns,
    places,
    same_function,
    same_shapes,
    same_weights,
)
from probes.call import call_many
from probes.class_conditioning import (
    drop_often,
    noise_pictures,
    sample_in_steps,
    sample_repeatedly,
    sample_sizes,
    tell_classes_apart,
)
from probes.running import Inputs
from probes.time_conditioning import find_conditioning
from probes.unet import compute, count_weights, overfit, shapes
from solutions.class_conditioning import (
    ClassConditionalUNet,
    class_ddpm_loss,
    class_ddpm_sample,
    drop_classes,
)
from solutions.time_conditioning import ddpm_schedule
from solutions.unet import FCBlock, UnconditionalUNet

MANY = 4000


def _labels(generator: torch.Generator, count: int, low: int = 0, high: int = 10) -> Tensor:
    return torch.randint(low, high, (count,), generator=generator)


def same_shares(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """How many classes were kept, dropped, or made something else of."""
    if "kept" not in observed or "kept" not in expected:
        same = ("kept" in observed) == ("kept" in expected)
        return Verdict(same, "The model is not told any classes: pass them as its third argument.")
    mine, target = (
        [
            np.atleast_1d(np.asarray(seen[name], dtype=float))
            for name in ("kept", "dropped", "other")
        ]
        for seen in (observed, expected)
    )
    count = len(inputs["labels"]) * inputs.get("calls_of_one", 1)
    for number in range(len(target[0])):
        _, dropped, other = (part[number] for part in mine)
        right = [part[number] for part in target]
        if abs(other - right[2]) > 0.2 or (other > 1e-9) != (right[2] > 1e-9):
            return Verdict(
                False,
                f"{other:.0%} of the rows are neither their class's one-hot vector nor all zeros.",
            )
        spread = math.sqrt(right[1] * (1 - right[1]) * 2 / count)  # none where 0 or 1 is right
        if abs(dropped - right[1]) > 6.5 * spread + 1e-9:
            return Verdict(
                False,
                f"{dropped:.0%} of {count} classes were dropped; it should be about "
                f"{right[1]:.0%}.",
            )
    return Verdict(True)


def _same_dropping(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """The rule first: where all labels share a coin, the share that is dropped is chance."""
    verdict = same_rule(observed, expected, inputs)
    if not verdict.passed or expected["rule"] in ("together", "by class"):
        return verdict
    return same_shares(observed, expected, inputs)


def _drawn_anew(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    mine, right = (seen["rule"] == "the same rows" for seen in (observed, expected))
    if mine == right:
        return Verdict(True)
    return Verdict(False, "Two calls drop the same rows: draw anew in every call.")


# drop_classes


def _one_hot_inputs(p_uncond: float) -> Callable[[torch.Generator], Inputs]:
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


def _many_inputs(*calls: list[float]) -> Callable[[torch.Generator], Inputs]:
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
            "with p_uncond = 1, all rows are zeros",
            1,
            _one_hot_inputs(1.0),
            _same_rows,
            call_many,
        ),
        Case(
            "a share of p_uncond is dropped, and rows are kept or dropped whole",
            3,
            _many_inputs([0.1], [0.3], [0.8], []),
            _same_dropping,
            drop_often,
        ),
        Case(
            "each call draws anew",
            1,
            _many_inputs([0.3]),
            _drawn_anew,
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


@DROP_CLASSES.right_answer
def drop_by_bernoulli(y, p=0.1, K=10):
    c = torch.zeros(len(y), K)
    c[torch.arange(len(y)), y] = 1.0
    mask = torch.bernoulli(torch.full((len(y), 1), 1.0 - p))
    return c * mask


@DROP_CLASSES.right_answer
def drop_by_index(labels, p_uncond=0.1, num_classes=10):
    vectors = torch.eye(num_classes)[labels]
    vectors[torch.rand(labels.shape) < p_uncond] = 0
    return vectors


@DROP_CLASSES.right_answer
def drop_by_where(labels, p_uncond=0.1, num_classes=10):
    dropped = torch.from_numpy(np.random.rand(len(labels)) < p_uncond)
    one_hot = F.one_hot(labels, num_classes).to(torch.float32)
    return torch.where(dropped.unsqueeze(1), torch.zeros_like(one_hot), one_hot)


@DROP_CLASSES.mistake(
    "It looks as if one coin is tossed for the whole batch. Toss one for each label: "
    "torch.rand(len(labels))."
)
def one_coin(labels, p_uncond=0.1, num_classes=10):
    one_hot = F.one_hot(labels, num_classes).float()
    return one_hot * float(torch.rand(()) >= p_uncond)


@DROP_CLASSES.mistake(
    "It looks as if p_uncond is the share that is kept. It is the share that is dropped."
)
def kept_instead(labels, p_uncond=0.1, num_classes=10):
    one_hot = F.one_hot(labels, num_classes).float()
    return one_hot * (torch.rand(len(labels)) < p_uncond)[:, None]


@DROP_CLASSES.mistake(
    "It looks as if a dropped class becomes class 0. Class 0 is the digit 0; no class is a row of "
    "zeros."
)
def class_zero_for_none(labels, p_uncond=0.1, num_classes=10):
    dropped = torch.rand(len(labels)) < p_uncond
    return F.one_hot(torch.where(dropped, 0, labels), num_classes).float()


@DROP_CLASSES.mistake(
    "It looks as if kept rows are scaled by 1 / (1 - p_uncond), as nn.Dropout does. A class stays "
    "1."
)
def scaled_up(labels, p_uncond=0.1, num_classes=10):
    one_hot = F.one_hot(labels, num_classes).float()
    keep = torch.rand(len(labels)) >= p_uncond
    return one_hot * keep[:, None] / max(1 - p_uncond, 1e-3)


@DROP_CLASSES.mistake("It looks as if no class is ever dropped: p_uncond is not used.")
def never_dropped(labels, p_uncond=0.1, num_classes=10):
    return F.one_hot(labels, num_classes).float()


@DROP_CLASSES.mistake(
    "It looks as if a dropped class becomes a tenth of every class. No class is a row of zeros."
)
def spread_evenly(labels, p_uncond=0.1, num_classes=10):
    one_hot = F.one_hot(labels, num_classes).float()
    keep = (torch.rand(len(labels)) >= p_uncond)[:, None]
    return torch.where(keep, one_hot, torch.full_like(one_hot, 1 / num_classes))


@DROP_CLASSES.mistake(
    "It looks as if the vectors hold whole numbers. The network needs floats: `.float()`."
)
def whole_numbers(labels, p_uncond=0.1, num_classes=10):
    keep = torch.rand(len(labels)) >= p_uncond
    return F.one_hot(labels, num_classes) * keep[:, None]


@DROP_CLASSES.mistake(
    "It looks as if the random numbers start from a fixed seed in every call, so that the same "
    "rows are always dropped."
)
def seeded_drop(labels, p_uncond=0.1, num_classes=10):
    coins = torch.rand(len(labels), generator=torch.Generator().manual_seed(0))
    return F.one_hot(labels, num_classes).float() * (coins >= p_uncond)[:, None]


@DROP_CLASSES.mistake("It looks as if there are always ten columns. There are num_classes of them.")
def always_ten(labels, p_uncond=0.1, num_classes=10):
    return F.one_hot(labels, 10).float() * (torch.rand(len(labels)) >= p_uncond)[:, None]


@DROP_CLASSES.mistake(
    "It looks as if exactly a share of p_uncond is dropped in every call. In a small batch that is "
    "none; toss a coin for each label: torch.rand(len(labels)) >= p_uncond."
)
def exact_share(labels, p_uncond=0.1, num_classes=10):
    one_hot = F.one_hot(labels, num_classes).float()
    one_hot[torch.randperm(len(labels))[: int(p_uncond * len(labels))]] = 0
    return one_hot


@DROP_CLASSES.mistake(
    "It looks as if one coin is tossed for each class. Toss one for each label: "
    "torch.rand(len(labels)), as a column."
)
def one_coin_for_a_class(labels, p_uncond=0.1, num_classes=10):
    return F.one_hot(labels, num_classes).float() * (torch.rand(num_classes) >= p_uncond)


@DROP_CLASSES.mistake(
    "It looks as if F.one_hot is left to find the number of columns: it takes as many as the "
    "largest label needs. Give it num_classes."
)
def columns_by_the_labels(labels, p_uncond=0.1, num_classes=10):
    return F.one_hot(labels).float() * (torch.rand(len(labels)) >= p_uncond)[:, None]


@DROP_CLASSES.mistake(
    "It looks as if the labels are written into, so that the digits' own classes are lost. Put "
    "what you change into a new tensor."
)
def labels_written_into(labels, p_uncond=0.1, num_classes=10):
    labels[torch.rand(len(labels)) < p_uncond] = -1
    return (labels[:, None] == torch.arange(num_classes)).float()


# ClassConditionalUNet


def _draw_seed(generator: torch.Generator) -> int:
    return int(torch.randint(1, 10**6, (1,), generator=generator))


def _times(generator: torch.Generator, count: int) -> Tensor:
    spaced = (torch.arange(count) + torch.rand(count, generator=generator) * 0.4) / count
    return spaced[torch.randperm(count, generator=generator)]


def _classes(generator: torch.Generator, count: int) -> Tensor:
    """Different classes, one-hot, and none for the last picture.

    No two are five apart: known kernels are the same for both halves of what comes in.
    """
    chosen = torch.randperm(5, generator=generator)[:count]
    chosen = chosen + 5 * (torch.rand(count, generator=generator) < 0.5)
    return torch.cat([torch.eye(10)[chosen[:-1]], torch.zeros(1, 10)])


def _shape_inputs(generator: torch.Generator) -> Inputs:
    return {
        "builds": [
            {
                "arguments": [1, 10, 4],
                "shape": [2, 1, 28, 28],
                "also": [torch.tensor([0.1, 0.9]), _classes(generator, 2)],
            },
            {
                "arguments": [3, 4, 3],
                "shape": [2, 3, 28, 28],
                "also": [torch.tensor([0.0, 1.0]), torch.eye(4)[:2]],
            },
        ]
    }


def _net_inputs(generator: torch.Generator) -> Inputs:
    return {
        "arguments": [1, 10, 4],
        "x": torch.randn(4, 1, 28, 28, generator=generator),
        "also": [_times(generator, 4), _classes(generator, 4)],
    }


def _time_place_inputs(generator: torch.Generator) -> Inputs:
    inputs = _net_inputs(generator)
    other = (inputs["also"][0] + 0.45) % 1
    return {**inputs, "which": 1, "other": other, "seed": _draw_seed(generator)}


def _class_place_inputs(generator: torch.Generator) -> Inputs:
    inputs = _net_inputs(generator)
    other = inputs["also"][1].roll(1, dims=0)
    return {**inputs, "which": 2, "other": other, "seed": _draw_seed(generator)}


def _apart_inputs(generator: torch.Generator) -> Inputs:
    return {
        "arguments": [1, 10, 4],
        "x": torch.randn(1, 1, 28, 28, generator=generator),
        "t": torch.rand(1, generator=generator),
        "seed": _draw_seed(generator),
    }


def _compute_inputs(training: bool) -> Callable[[torch.Generator], Inputs]:
    def inputs(generator: torch.Generator) -> Inputs:
        return {**_net_inputs(generator), "seed": _draw_seed(generator), "training": training}

    return inputs


def _overfit_inputs(generator: torch.Generator) -> Inputs:
    coarse = torch.rand(3, 1, 4, 4, generator=generator) * 2 - 1
    target = F.interpolate(coarse, (28, 28), mode="bilinear")
    return {
        "arguments": [1, 10, 4],
        "x": target + 0.5 * torch.randn(target.shape, generator=generator),
        "also": [_times(generator, 3), _classes(generator, 3)],
        "target": target,
        "seed": _draw_seed(generator),
        "steps": 48,
        "enough": 0.5,
        "learning_rate": 0.03,
    }


def _no_class_apart(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    mine, target = observed["as_class"], expected["as_class"]
    if mine == target:
        return Verdict(True)
    return Verdict(
        False,
        "No class, a row of zeros, gives the same result as "
        + (f"class {mine[0]}." if mine else "a class.")
        + " It should differ from all of them.",
    )


CLASS_CONDITIONAL_UNET = Exercise(
    reference=ClassConditionalUNet,
    cases=[
        Case(
            "the result has the pictures' shape",
            1,
            _shape_inputs,
            same_shapes("ClassConditionalUNet"),
            shapes,
        ),
        Case(
            "as many weights as the text says, and all of them learn",
            2,
            _net_inputs,
            all_of(same_weights("ClassConditionalUNet"), all_learn),
            count_weights,
        ),
        Case(
            "the class acts at both places, for each picture on its own",
            2,
            _class_place_inputs,
            places("the class"),
            find_conditioning,
        ),
        Case(
            "so does the time",
            1,
            _time_place_inputs,
            places("the time"),
            find_conditioning,
        ),
        Case(
            "no class is another thing than any class",
            1,
            _apart_inputs,
            _no_class_apart,
            tell_classes_apart,
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
        "It is `TimeConditionalUNet` with two more `FCBlock`, which turn the one-hot class into 2D "
        "and into D numbers.",
        "The class multiplies, the time is added: `c1 * unflattened + t1`. As before, "
        "`[:, :, None, None]` makes (B, 2D, 1, 1) of (B, 2D).",
        "`unflattened = c1 * unet.unflatten(unet.flatten(at_7)) + t1`, and "
        "`up_to_14 = c2 * unet.up1(torch.cat([unflattened, at_7], dim=1)) + t2`.",
    ],
)


class Net(nn.Module):
    """The network of the text; what is right or wrong in another way overrides a part of it."""

    def __init__(self, in_channels, classes, d):
        super().__init__()
        self.body = UnconditionalUNet(in_channels, d)
        self.t1, self.t2 = FCBlock(1, 2 * d), FCBlock(1, d)
        self.c1, self.c2 = FCBlock(classes, 2 * d), FCBlock(classes, d)

    def told(self, t, c):
        t = t.reshape(-1, 1)
        found = (self.t1(t), self.t2(t), self.c1(c), self.c2(c))
        return (one[..., None, None] for one in found)

    def mix(self, u, c, t):
        return c * u + t

    def at_first(self, u, c1, t1):
        return self.mix(u, c1, t1)

    def at_second(self, u, c2, t2):
        return self.mix(u, c2, t2)

    def bottleneck(self, x, c1, t1):
        return self.at_first(self.body.unflatten(self.body.flatten(x)), c1, t1)

    def forward(self, x, t, c):
        t1, t2, c1, c2 = self.told(t, c)
        body = self.body
        x1 = body.enter(x)
        x2 = body.down1(x1)
        x3 = body.down2(x2)
        y = torch.cat([self.bottleneck(x3, c1, t1), x3], 1)
        y = self.at_second(body.up1(y), c2, t2)
        y = body.up2(torch.cat([y, x2], 1))
        return body.last(body.leave(torch.cat([y, x1], 1)))


@CLASS_CONDITIONAL_UNET.right_answer
class InheritsFromUNet(UnconditionalUNet):
    """A subclass; skips first; linear layers of its own; addcmul."""

    def __init__(self, channels, n, width):
        super().__init__(channels, width)

        def fc(i, o):
            return nn.Sequential(nn.Linear(i, o), nn.GELU(approximate="tanh"), nn.Linear(o, o))

        self.of_time = nn.ModuleList([fc(1, 2 * width), fc(1, width)])
        self.of_class = nn.ModuleList([fc(n, 2 * width), fc(n, width)])

    def forward(self, image, time, label):
        add = [fc(time[:, None]).unflatten(1, (-1, 1, 1)) for fc in self.of_time]
        scale = [fc(label).unflatten(1, (-1, 1, 1)) for fc in self.of_class]
        a = self.enter(image)
        b = self.down1(a)
        c = self.down2(b)
        y = torch.addcmul(add[0], scale[0], self.unflatten(self.flatten(c)))
        y = torch.addcmul(add[1], scale[1], self.up1(torch.cat((c, y), 1)))
        y = self.up2(torch.cat((b, y), 1))
        return self.last(self.leave(torch.cat((a, y), 1)))


@CLASS_CONDITIONAL_UNET.right_answer
def class_net_from_a_function(in_channels, num_classes, num_hiddens):
    return Net(in_channels, num_classes, num_hiddens)


@CLASS_CONDITIONAL_UNET.mistake(
    "It looks as if the class is not used. Let FCBlock(c) multiply at both places."
)
class ClassIgnored(Net):
    def mix(self, u, c, t):
        return u + t


@CLASS_CONDITIONAL_UNET.mistake(
    "It looks as if the time is not used. Add FCBlock(t) at both places, as in lesson 13."
)
class TimeIgnored(Net):
    def mix(self, u, c, t):
        return c * u


@CLASS_CONDITIONAL_UNET.mistake(
    "It looks as if time and class have changed roles: the class multiplies and the time is added, "
    "c * u + t."
)
class RolesSwapped(Net):
    def mix(self, u, c, t):
        return t * u + c


@CLASS_CONDITIONAL_UNET.mistake("It looks as if the class is added, too. It multiplies: c * u + t.")
class ClassAdded(Net):
    def mix(self, u, c, t):
        return u + c + t


@CLASS_CONDITIONAL_UNET.mistake(
    "It looks as if the class multiplies the sum, c * (u + t). Only the picture's channels are "
    "multiplied: c * u + t."
)
class SumMultiplied(Net):
    def mix(self, u, c, t):
        return c * (u + t)


@CLASS_CONDITIONAL_UNET.mistake(
    "It looks as if the class is used after Unflatten only. There is a second place: after the "
    "first UpBlock."
)
class ClassAtFirstOnly(Net):
    def at_second(self, u, c2, t2):
        return u + t2


@CLASS_CONDITIONAL_UNET.mistake(
    "It looks as if the class is used after the first UpBlock only. There is another place before: "
    "after Unflatten."
)
class ClassAtSecondOnly(Net):
    def at_first(self, u, c1, t1):
        return u + t1


@CLASS_CONDITIONAL_UNET.mistake(
    "It looks as if time and class act before Unflatten. They act on its result, of shape "
    "(B, 2D, 7, 7)."
)
class BeforeUnflatten(Net):
    def bottleneck(self, x, c1, t1):
        return self.body.unflatten(self.mix(self.body.flatten(x), c1, t1))


@CLASS_CONDITIONAL_UNET.mistake(
    "It looks as if the whole batch is given the first picture's class, c[0]. Each picture has its "
    "own."
)
class FirstClassForAll(Net):
    def told(self, t, c):
        return super().told(t, c[:1].expand_as(c))


@CLASS_CONDITIONAL_UNET.mistake(
    "It looks as if the whole batch is given the first picture's time, t[0]. Each picture has its "
    "own."
)
class FirstTimeForAll(Net):
    def told(self, t, c):
        return super().told(t[:1].expand_as(t), c)


@CLASS_CONDITIONAL_UNET.mistake(
    "It looks as if classes are dropped inside the network, while it trains. `drop_classes` does "
    "that already; the network takes what it is given."
)
class DropsInside(Net):
    def told(self, t, c):
        if self.training:
            c = c * (torch.rand(len(c), 1) >= 0.1)
        return super().told(t, c)


@CLASS_CONDITIONAL_UNET.mistake(
    "It looks as if the class is found by argmax. A row of zeros then becomes class 0; give the "
    "vector itself to FCBlock."
)
class NoneIsZero(Net):
    def told(self, t, c):
        return super().told(t, F.one_hot(c.argmax(1), c.shape[1]).to(c.dtype))


@CLASS_CONDITIONAL_UNET.mistake(
    "It looks as if the class goes through a softmax first. Then no class looks like a bit of "
    "every class; give the vector itself to FCBlock."
)
class ClassSoftened(Net):
    def told(self, t, c):
        return super().told(t, c.softmax(1))


# class_ddpm_loss


def _levels(count: int) -> Tensor:
    return torch.linspace(0.95, 0.05, count)


def _loss_inputs(
    count: int, num_timesteps: int, calls: int, *p_uncond: float, side: int = 8, high: int = 10
) -> Callable[[torch.Generator], Inputs]:
    def inputs(generator: torch.Generator) -> Inputs:
        return {
            "images": torch.rand(count, 1, side, side, generator=generator),
            "labels": _labels(generator, count, high=high),
            "alphas_cumprod": _levels(num_timesteps),
            "p_uncond": list(p_uncond),
            "calls": calls,
            "calls_of_one": calls,
        }

    return inputs


def _dropped_by_themselves(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Whatever the timesteps; then as for `drop_classes`."""
    if "rule" not in observed or "rule" not in expected:
        return same_shares(observed, expected, inputs)
    if observed["by_time"] != expected["by_time"]:
        return Verdict(
            False,
            "Which classes are dropped hangs on the timesteps of their pictures. Draw the two "
            "independently of each other.",
        )
    return _same_dropping(observed, expected, inputs)


CLASS_DDPM_LOSS = Exercise(
    reference=class_ddpm_loss,
    cases=[
        Case(
            "it is the mean of squared differences between answer and noise, with a gradient",
            2,
            _loss_inputs(64, 10, 16),
            all_of(squared_error, noise_is_target),
            noise_pictures,
        ),
        Case(
            "each picture is noised to a timestep of its own, with noise of its own",
            2,
            _loss_inputs(64, 10, 16),
            all_of(noised_like_forward, own_timesteps),
            noise_pictures,
        ),
        Case("the model is told t / T", 1, _loss_inputs(64, 7, 3), right_times, noise_pictures),
        Case(
            "with p_uncond = 0, the model is told every class",
            2,
            _loss_inputs(64, 4, 2, 0.0, high=9),
            same_shares,
            noise_pictures,
        ),
        Case(
            "otherwise a share of p_uncond is dropped, each class on its own",
            2,
            _loss_inputs(75, 4, 40, 0.3, side=4),
            _dropped_by_themselves,
            noise_pictures,
        ),
        Case(
            "without p_uncond, it is 0.1",
            1,
            _loss_inputs(20, 4, 150, side=4),
            same_shares,
            noise_pictures,
        ),
    ],
    hints=[
        "It is `ddpm_loss` with one thing more for the model: the classes, some of them dropped.",
        "`drop_classes(labels, p_uncond)` gives what the model wants as its third argument.",
    ],
)


def _dropped(labels, p_uncond):
    one_hot = F.one_hot(labels, 10).float()
    return one_hot * (torch.rand(len(labels)) >= p_uncond)[:, None]


def _class_loss(model, images, alphas_cumprod, c, target="noise", told=None, noised=None, by=None):
    """The loss with one thing changed."""
    T = len(alphas_cumprod)
    t = torch.randint(T, (len(images),))
    abar, noise = alphas_cumprod[t].view(-1, 1, 1, 1), torch.randn_like(images)
    noise = noise if by is None else torch.randn(by).expand_as(images)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    x_t = noised(images, abar, noise) if noised else x_t
    predicted = model(x_t, told(t, T) if told else t / T, c)
    return F.mse_loss(predicted, noise if target == "noise" else images)


@CLASS_DDPM_LOSS.right_answer
def class_loss_in_one(net, x0, y, abar, p=0.1):
    B, T = len(x0), len(abar)
    c = torch.eye(10)[y]
    c[torch.rand(B) < p] = 0.0
    t = torch.randint(1, T + 1, (B,))
    a = abar[t - 1][:, None, None, None]
    eps = torch.randn(x0.shape)
    guess = net(a.sqrt() * x0 + (1 - a).sqrt() * eps, t[:, None] / T, c=c)
    return ((guess - eps) ** 2).mean()


@CLASS_DDPM_LOSS.right_answer
def class_loss_with_helper(model, images, labels, alphas_cumprod, p_uncond=0.1):
    return _class_loss(model, images, alphas_cumprod, c=_dropped(labels, p_uncond))


@CLASS_DDPM_LOSS.mistake(
    "It looks as if one number is drawn for each picture and serves as the noise of all its "
    "pixels. Every pixel needs a number of its own: torch.randn_like(images)."
)
def one_number_for_a_picture(model, images, labels, alphas_cumprod, p_uncond=0.1):
    c = _dropped(labels, p_uncond)
    return _class_loss(model, images, alphas_cumprod, c, by=(len(images), 1, 1, 1))


@CLASS_DDPM_LOSS.mistake(
    "It looks as if no class is ever dropped. Without it the model never learns what no class "
    "means, and guidance has nothing to start from."
)
def classes_never_dropped(model, images, labels, alphas_cumprod, p_uncond=0.1):
    return _class_loss(model, images, alphas_cumprod, _dropped(labels, 0.0))


@CLASS_DDPM_LOSS.mistake(
    "It looks as if p_uncond is not passed on: always a tenth of the classes is dropped."
)
def always_a_tenth(model, images, labels, alphas_cumprod, p_uncond=0.1):
    return _class_loss(model, images, alphas_cumprod, _dropped(labels, 0.1))


@CLASS_DDPM_LOSS.mistake(
    "It looks as if p_uncond is the share of classes that is kept. It is the share that is dropped."
)
def share_kept(model, images, labels, alphas_cumprod, p_uncond=0.1):
    return _class_loss(model, images, alphas_cumprod, _dropped(labels, 1 - p_uncond))


@CLASS_DDPM_LOSS.mistake(
    "It looks as if one coin decides for the whole batch. Each picture's class is dropped on its "
    "own."
)
def one_coin_for_the_batch(model, images, labels, alphas_cumprod, p_uncond=0.1):
    c = _dropped(labels, 0.0) * float(torch.rand(()) >= p_uncond)
    return _class_loss(model, images, alphas_cumprod, c)


@CLASS_DDPM_LOSS.mistake(
    "It looks as if dropped classes become class 0. No class is a row of zeros."
)
def dropped_to_class_zero(model, images, labels, alphas_cumprod, p_uncond=0.1):
    labels = torch.where(torch.rand(len(labels)) < p_uncond, 0, labels)
    return _class_loss(model, images, alphas_cumprod, _dropped(labels, 0.0))


@CLASS_DDPM_LOSS.mistake(
    "It looks as if the model is given the labels as numbers. Give it one-hot vectors of shape "
    "(B, 10): drop_classes(labels, p_uncond)."
)
def labels_as_numbers(model, images, labels, alphas_cumprod, p_uncond=0.1):
    return _class_loss(model, images, alphas_cumprod, labels)


@CLASS_DDPM_LOSS.mistake(
    "It looks as if the classes don't belong to the pictures: they are in another order."
)
def classes_shuffled(model, images, labels, alphas_cumprod, p_uncond=0.1):
    labels = labels[torch.randperm(len(labels))]
    return _class_loss(model, images, alphas_cumprod, _dropped(labels, p_uncond))


@CLASS_DDPM_LOSS.mistake(
    "It looks as if the model's answer is compared with the clean pictures. Compare it with the "
    "noise."
)
def picture_as_target(model, images, labels, alphas_cumprod, p_uncond=0.1):
    return _class_loss(model, images, alphas_cumprod, _dropped(labels, p_uncond), target="x_0")


@CLASS_DDPM_LOSS.mistake(
    "It looks as if the model is told t itself. Divide by T, so that it gets a number from 0 to 1."
)
def whole_timesteps(model, images, labels, alphas_cumprod, p_uncond=0.1):
    c = _dropped(labels, p_uncond)
    return _class_loss(model, images, alphas_cumprod, c, told=lambda t, T: t.float())


@CLASS_DDPM_LOSS.mistake(
    "It looks as if the square roots are missing: sqrt(abar_t) multiplies the picture and "
    "sqrt(1 - abar_t) the noise."
)
def no_roots(model, images, labels, alphas_cumprod, p_uncond=0.1):
    c = _dropped(labels, p_uncond)
    mixed = lambda x, abar, noise: abar * x + (1 - abar) * noise  # noqa: E731
    return _class_loss(model, images, alphas_cumprod, c, noised=mixed)


@CLASS_DDPM_LOSS.mistake(
    "It looks as if you took the mean absolute difference (L1). The loss is the mean of the "
    "squared difference."
)
def absolute_difference(model, images, labels, alphas_cumprod, p_uncond=0.1):
    t = torch.randint(len(alphas_cumprod), (len(images),))
    abar, noise = alphas_cumprod[t].view(-1, 1, 1, 1), torch.randn_like(images)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.l1_loss(model(x_t, t / len(alphas_cumprod), _dropped(labels, p_uncond)), noise)


@CLASS_DDPM_LOSS.mistake(
    "It looks as if the classes hold whole numbers. The network's layers need floats: `.float()`."
)
def classes_as_whole_numbers(model, images, labels, alphas_cumprod, p_uncond=0.1):
    keep = torch.rand(len(labels)) >= p_uncond
    return _class_loss(model, images, alphas_cumprod, F.one_hot(labels, 10) * keep[:, None])


@CLASS_DDPM_LOSS.mistake(
    "It looks as if F.one_hot is left to find the number of columns: it takes as many as the "
    "largest label needs. There are ten classes in every batch."
)
def told_columns_by_the_labels(model, images, labels, alphas_cumprod, p_uncond=0.1):
    keep = torch.rand(len(labels)) >= p_uncond
    c = F.one_hot(labels).float() * keep[:, None]
    return _class_loss(model, images, alphas_cumprod, c)


@CLASS_DDPM_LOSS.mistake(
    "It looks as if exactly a share of p_uncond is dropped in every call. Toss a coin for each "
    "picture, as drop_classes does."
)
def exact_share_dropped(model, images, labels, alphas_cumprod, p_uncond=0.1):
    c = F.one_hot(labels, 10).float()
    c[torch.randperm(len(labels))[: round(p_uncond * len(labels))]] = 0
    return _class_loss(model, images, alphas_cumprod, c)


@CLASS_DDPM_LOSS.mistake(
    "It looks as if every call drops the classes of the same rows. Draw anew in every call which "
    "ones lose their class."
)
def first_rows_dropped(model, images, labels, alphas_cumprod, p_uncond=0.1):
    c = F.one_hot(labels, 10).float()
    c[: round(p_uncond * len(labels))] = 0
    return _class_loss(model, images, alphas_cumprod, c)


@CLASS_DDPM_LOSS.mistake(
    "It looks as if one coin is tossed for each class. Toss one for each picture: "
    "torch.rand(len(labels)), as a column."
)
def one_coin_for_each_class(model, images, labels, alphas_cumprod, p_uncond=0.1):
    c = F.one_hot(labels, 10).float() * (torch.rand(10) >= p_uncond)
    return _class_loss(model, images, alphas_cumprod, c)


@CLASS_DDPM_LOSS.mistake(
    "It looks as if one random number serves as the timestep and as the coin. Then only some "
    "timesteps are ever trained without class: draw the coins by themselves."
)
def coin_is_the_timestep(model, images, labels, alphas_cumprod, p_uncond=0.1):
    T = len(alphas_cumprod)
    coin = torch.rand(len(images))
    abar, noise = alphas_cumprod[(coin * T).long()].view(-1, 1, 1, 1), torch.randn_like(images)
    c = F.one_hot(labels, 10).float() * (coin >= p_uncond)[:, None]
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, (coin * T).long() / T, c), noise)


# class_ddpm_sample


def _short_schedule(count: int) -> dict[str, Tensor]:
    return ddpm_schedule(0.1, 0.45, count)


def _sample_inputs(
    count: int, n: int, scale: float | None = None, class_spread: float = 0.06
) -> Callable[[torch.Generator], Inputs]:
    def inputs(generator: torch.Generator) -> Inputs:
        return {
            "schedule": _short_schedule(count),
            "labels": torch.cat(
                [_labels(generator, n - 1, low=1), torch.zeros(1, dtype=torch.int64)]
            ),
            "seed": _draw_seed(generator),
            "guidance_scale": scale,
            "class_spread": class_spread,
        }

    return inputs


def _size_inputs(generator: torch.Generator) -> Inputs:
    return {"runs": [_sample_inputs(3, n, 2.0)(generator) for n in (1, 3)]}


def _one_call_remark(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    pairs = observed.get("pairs")
    if isinstance(pairs, int) and pairs > 1:
        return Verdict(
            True,
            "Right. You ask the model twice in every step; both questions fit into one batch, "
            "which is faster on a GPU.",
        )
    return Verdict(True)


_classes_asked = all_of(
    same_answer(
        "others",
        says="The model is asked with something else than a picture's own class, one-hot, or no "
        "class, a row of zeros.",
    ),
    same_answer(
        "dropped",
        says="Some pictures are asked for with their class less often than others: none may be "
        "dropped while sampling.",
    ),
)

CLASS_DDPM_SAMPLE = Exercise(
    reference=class_ddpm_sample,
    cases=[
        Case(
            "it starts from normal noise",
            1,
            _sample_inputs(2, 16, 1.0),
            normal_start,
            sample_in_steps,
        ),
        Case(
            "the model is asked at every timestep, from T - 1 to 0, and told t / T",
            2,
            _sample_inputs(7, 2, 1.0),
            every_timestep,
            sample_in_steps,
        ),
        Case(
            "the model is asked with each picture's class and with none, and nothing else",
            1,
            _sample_inputs(2, 150, 2.0),
            _classes_asked,
            sample_in_steps,
        ),
        Case(
            "scale 0 gives no class",
            1,
            _sample_inputs(3, 24, 0.0, 0.2),
            steps_to_the_mean,
            sample_in_steps,
        ),
        Case(
            "scale 1 gives the class",
            1,
            _sample_inputs(3, 100, 1.0, 0.2),
            steps_to_the_mean,
            sample_in_steps,
        ),
        Case(
            "scale 2.5 goes beyond it",
            2,
            _sample_inputs(4, 100, 2.5, 0.14),
            all_of(steps_to_the_mean, _one_call_remark),
            sample_in_steps,
        ),
        Case(
            "without guidance_scale, it is 5",
            1,
            _sample_inputs(4, 100),
            steps_to_the_mean,
            sample_in_steps,
        ),
        Case(
            "each step adds noise of strength sqrt(beta_t), but the last adds none",
            1,
            _sample_inputs(5, 60, 1.0),
            noise_added,
            sample_in_steps,
        ),
        Case(
            "the generator draws all noise",
            1,
            _sample_inputs(3, 60, 2.0),  # so many that dropping classes shows in every run
            same_randomness,
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


@CLASS_DDPM_SAMPLE.right_answer
def two_calls_by_way_of_x_0(net, y, sched, g=5.0, gen=None):
    abar, betas = sched["alphas_cumprod"], sched["betas"]
    n, T, c = len(y), len(abar), torch.eye(10)[y]
    x = torch.randn(n, 1, 28, 28, generator=gen)
    for i in range(T, 0, -1):
        t = torch.full((n, 1), i / T)
        before = abar[i - 2] if i > 1 else torch.tensor(1.0)
        eps = (1 - g) * net(x, t, torch.zeros(n, 10)) + g * net(x, t, c)
        x_0 = (x - (1 - abar[i - 1]).sqrt() * eps) / abar[i - 1].sqrt()
        x = (before.sqrt() * betas[i - 1] * x_0 + (1 - betas[i - 1]).sqrt() * (1 - before) * x) / (
            1 - abar[i - 1]
        )
        if i > 1:
            x = x + betas[i - 1].sqrt() * torch.randn(n, 1, 28, 28, generator=gen)
    return x


@CLASS_DDPM_SAMPLE.right_answer
def interleaved_in_one_batch(model, labels, schedule, guidance_scale=5.0, generator=None):
    n, T = len(labels), len(schedule["betas"])
    c = torch.stack([torch.zeros(n, 10), F.one_hot(labels, 10).float()], dim=1).flatten(0, 1)
    x = torch.randn((n, 1, 28, 28), generator=generator)
    for t in range(T)[::-1]:
        beta, alpha, abar = (float(schedule[k][t]) for k in ("betas", "alphas", "alphas_cumprod"))
        answers = model(x=x.repeat_interleave(2, 0), t=torch.full((2 * n,), t / (T - 1)), c=c)
        eps = torch.lerp(answers[0::2], answers[1::2], guidance_scale)
        x = (x - beta / math.sqrt(1 - abar) * eps) / math.sqrt(alpha)
        z = torch.randn(x.shape, generator=generator) if t else 0
        x = x + math.sqrt(beta) * z
    return x


def _guided(
    model,
    labels,
    schedule,
    generator,
    guide,
    none=None,
    own=None,
    turns=None,
    end=False,
    drawn=None,
):
    """The sampler with one thing changed; `guide` makes one estimate of two."""
    n, T = len(labels), len(schedule["betas"])
    one_hot = F.one_hot(labels, 10).float()
    none = torch.zeros_like(one_hot) if none is None else none
    x = torch.randn(n, 1, 28, 28, generator=generator)
    for t in turns(T) if turns else reversed(range(T)):
        beta, alpha, abar = (schedule[k][t] for k in ("betas", "alphas", "alphas_cumprod"))
        times = torch.full((n,), t / T)
        cond = model(x, times, own(one_hot) if own else one_hot)
        x = (x - beta / (1 - abar).sqrt() * guide(model(x, times, none), cond)) / alpha.sqrt()
        if t > 0 or end:
            x = x + beta.sqrt() * torch.randn(drawn or (n, 1, 28, 28), generator=generator)
    return x


def _guide(scale):
    def guide(uncond, cond):
        return uncond + scale * (cond - uncond)

    return guide


@CLASS_DDPM_SAMPLE.mistake(
    "It looks as if all pictures get the same noise in a step. Draw it for each: "
    "torch.randn(n, 1, 28, 28)."
)
def one_noise_for_all(model, labels, schedule, guidance_scale=5.0, generator=None):
    def guide(uncond, cond):
        return uncond + guidance_scale * (cond - uncond)

    return _guided(model, labels, schedule, generator, guide, drawn=(1, 28, 28))


@CLASS_DDPM_SAMPLE.mistake(
    "It looks as if the two estimates changed places: guidance goes from no class towards the "
    "class."
)
def estimates_swapped(model, labels, schedule, guidance_scale=5.0, generator=None):
    g = guidance_scale
    return _guided(model, labels, schedule, generator, lambda u, c: c + g * (u - c))


@CLASS_DDPM_SAMPLE.mistake(
    "It looks as if the difference is added to the conditional estimate. It starts from the "
    "unconditional one: noise_uncond + gamma (noise_cond - noise_uncond)."
)
def added_to_the_conditional(model, labels, schedule, guidance_scale=5.0, generator=None):
    g = guidance_scale
    return _guided(model, labels, schedule, generator, lambda u, c: c + g * (c - u))


@CLASS_DDPM_SAMPLE.mistake(
    "It looks as if guidance_scale is not used: the class is followed as it is, as with scale 1."
)
def not_guided(model, labels, schedule, guidance_scale=5.0, generator=None):
    return _guided(model, labels, schedule, generator, lambda u, c: c)


@CLASS_DDPM_SAMPLE.mistake(
    "It looks as if the scale is always 5. Use the guidance_scale that the function is given."
)
def always_five(model, labels, schedule, guidance_scale=5.0, generator=None):
    return _guided(model, labels, schedule, generator, lambda u, c: u + 5 * (c - u))


@CLASS_DDPM_SAMPLE.mistake(
    "It looks as if class 0 stands for no class. No class is a row of zeros; class 0 is the digit "
    "0."
)
def none_is_class_zero(model, labels, schedule, guidance_scale=5.0, generator=None):
    g, zero = guidance_scale, torch.eye(10)[torch.zeros_like(labels)]
    return _guided(model, labels, schedule, generator, lambda u, c: u + g * (c - u), none=zero)


@CLASS_DDPM_SAMPLE.mistake(
    "It looks as if classes are dropped while sampling. Dropping is for training: here p_uncond "
    "is 0."
)
def dropped_while_sampling(model, labels, schedule, guidance_scale=5.0, generator=None):
    def own(one_hot):
        return one_hot * (torch.rand(len(one_hot)) >= 0.1)[:, None]

    g = guidance_scale
    return _guided(model, labels, schedule, generator, lambda u, c: u + g * (c - u), own=own)


@CLASS_DDPM_SAMPLE.mistake("It looks as if all pictures get the first label. Each has its own.")
def first_label_for_all(model, labels, schedule, guidance_scale=5.0, generator=None):
    g = guidance_scale
    return _guided(
        model,
        labels,
        schedule,
        generator,
        lambda u, c: u + g * (c - u),
        own=lambda one_hot: one_hot[:1].expand_as(one_hot),
    )


@CLASS_DDPM_SAMPLE.mistake(
    "It looks as if noise is added in the last step, too. Add it only if t > 0."
)
def noise_at_the_end(model, labels, schedule, guidance_scale=5.0, generator=None):
    g = guidance_scale
    return _guided(model, labels, schedule, generator, lambda u, c: u + g * (c - u), end=True)


@CLASS_DDPM_SAMPLE.mistake(
    "It looks as if the loop ends before t = 0. `range(T - 1, 0, -1)` leaves 0 out; "
    "`reversed(range(T))` doesn't."
)
def ends_early(model, labels, schedule, guidance_scale=5.0, generator=None):
    g = guidance_scale
    return _guided(
        model,
        labels,
        schedule,
        generator,
        lambda u, c: u + g * (c - u),
        turns=lambda T: range(T - 1, 0, -1),
    )


@CLASS_DDPM_SAMPLE.mistake("It looks as if `generator` is not used. Give it to every torch.randn.")
def seed_ignored(model, labels, schedule, guidance_scale=5.0, generator=None):
    g = guidance_scale
    return _guided(model, labels, schedule, None, lambda u, c: u + g * (c - u))


@CLASS_DDPM_SAMPLE.mistake(
    "It looks as if the labels are given to the model as numbers. It wants one-hot vectors of "
    "shape (n, 10)."
)
def told_numbers(model, labels, schedule, guidance_scale=5.0, generator=None):
    x = torch.randn(len(labels), 1, 28, 28, generator=generator)
    return model(x, torch.ones(len(labels)), labels)


@CLASS_DDPM_SAMPLE.mistake(
    "It looks as if class 0 is taken for no class. No class is a row of zeros; class 0 is the "
    "digit 0, with a 1 at the first place."
)
def class_zero_left_out(model, labels, schedule, guidance_scale=5.0, generator=None):
    def own(one_hot):
        return one_hot * (labels > 0)[:, None]

    return _guided(model, labels, schedule, generator, _guide(guidance_scale), own=own)


@CLASS_DDPM_SAMPLE.mistake(
    "It looks as if the classes hold whole numbers. The network's layers need floats: `.float()`."
)
def asked_with_whole_numbers(model, labels, schedule, guidance_scale=5.0, generator=None):
    def own(one_hot):
        return one_hot.long()

    return _guided(model, labels, schedule, generator, _guide(guidance_scale), own=own)


@CLASS_DDPM_SAMPLE.mistake(
    "It looks as if the generator is seeded again inside the function, so that it always gives the "
    "same samples. Draw with it as you get it."
)
def seeded_again(model, labels, schedule, guidance_scale=5.0, generator=None):
    if generator is not None:
        generator.manual_seed(0)
    return _guided(model, labels, schedule, generator, _guide(guidance_scale))


EXERCISES = [DROP_CLASSES, CLASS_CONDITIONAL_UNET, CLASS_DDPM_LOSS, CLASS_DDPM_SAMPLE]

"""Lesson 11: what the U-Net's operations and the U-Net must do, and how they go wrong."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges import all_of, describe
from checkers.engine.network_judges import (
    all_learn,
    learns,
    same_function,
    same_shapes,
    same_weights,
)
from probes.running import Inputs
from probes.unet import compute, count_weights, cut_paths, overfit, shapes
from solutions.unet import (
    Conv,
    ConvBlock,
    DownBlock,
    DownConv,
    FCBlock,
    Flatten,
    UnconditionalUNet,
    Unflatten,
    UpBlock,
    UpConv,
)


def _exercise(
    reference: type[nn.Module],
    hints: list[str],
    *,
    arguments: list[list[int]],
    shape: Callable[[int], list[int]],
    layers: str,
    has_weights: bool = True,
) -> Exercise:
    """The exercise of one operation.

    Args:
        reference: the operation's class.
        hints: from a nudge to nearly the answer.
        arguments: some it can be built with; the last of them is used to compute.
        shape: the shape of an input for a number of channels.
        layers: what it computes, for the case's title.
        has_weights: whether there are any to count.
    """
    name = reference.__name__

    def channels(chosen: list[int]) -> int:
        return chosen[0] if chosen else 4

    def shapes_inputs(generator: torch.Generator) -> Inputs:
        return {"builds": [{"arguments": a, "shape": shape(channels(a))} for a in arguments]}

    def compute_inputs(training: bool) -> Callable[[torch.Generator], Inputs]:
        def inputs(generator: torch.Generator) -> Inputs:
            return {
                "arguments": arguments[-1],
                "x": torch.randn(shape(channels(arguments[-1])), generator=generator) * 2,
                "seed": _draw_seed(generator),
                "training": training,
                "flat": reference is FCBlock,
                "bias": 0.5 if reference is FCBlock else 0.0,  # BatchNorm makes up for others
            }

        return inputs

    cases = [
        Case("the shape of the result", 1, shapes_inputs, same_shapes(name), shapes),
        Case(layers, 2, compute_inputs(True), same_function("the result"), compute),
        Case(
            "the same in evaluation mode",
            1,
            compute_inputs(False),
            same_function("the result in evaluation mode"),
            compute,
        ),
    ]
    if has_weights:
        cases.append(
            Case(
                "as many weights as the text says, and all of them learn",
                1,
                lambda generator: {
                    "arguments": arguments[-1],
                    "x": torch.randn(shape(channels(arguments[-1])), generator=generator),
                },
                all_of(same_weights(name), all_learn),
                count_weights,
            )
        )
    return Exercise(reference=reference, cases=cases, hints=hints)


def _draw_seed(generator: torch.Generator) -> int:
    return int(torch.randint(1, 10**6, (1,), generator=generator))


CONV = _exercise(
    Conv,
    [
        "Three layers one after the other. `nn.Sequential(a, b, c)` holds them, and calling it "
        "calls all three.",
        "`nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=1, padding=1)`, then "
        "`nn.BatchNorm2d(out_channels)`, then `nn.GELU()`.",
    ],
    arguments=[[1, 6], [4, 6]],
    shape=lambda channels: [5, channels, 14, 14],
    layers="3x3 convolution, then BatchNorm, then GELU",
)
DOWN_CONV = _exercise(
    DownConv,
    [
        "It is `Conv` with one number changed: a convolution that moves two pixels at a time "
        "halves height and width.",
        "`nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=2, padding=1)`; BatchNorm and "
        "GELU as before.",
    ],
    arguments=[[1, 6], [4, 6]],
    shape=lambda channels: [5, channels, 14, 14],
    layers="3x3 convolution of stride 2, then BatchNorm, then GELU",
)
UP_CONV = _exercise(
    UpConv,
    [
        "A transposed convolution spreads every pixel over several: look for "
        "`nn.ConvTranspose2d` in PyTorch's documentation.",
        "`nn.ConvTranspose2d(in_channels, out_channels, kernel_size=4, stride=2, padding=1)`; "
        "BatchNorm and GELU as before.",
    ],
    arguments=[[6, 3], [4, 6]],
    shape=lambda channels: [5, channels, 7, 7],
    layers="4x4 transposed convolution of stride 2, then BatchNorm, then GELU",
)
FLATTEN = _exercise(
    Flatten,
    [
        "Two layers without any weights. The first makes one number of the 49 in each channel.",
        "`nn.AvgPool2d(7)`, then `nn.GELU()`. The result keeps four dimensions: (B, C, 1, 1).",
    ],
    arguments=[[]],
    shape=lambda channels: [5, channels, 7, 7],
    layers="average over 7x7, then GELU",
    has_weights=False,
)
UNFLATTEN = _exercise(
    Unflatten,
    [
        "The kernel is as large as the result: the one pixel becomes 7x7 at once.",
        "`nn.ConvTranspose2d(in_channels, in_channels, kernel_size=7, stride=7, padding=0)`; "
        "BatchNorm and GELU as before.",
    ],
    arguments=[[3], [4]],
    shape=lambda channels: [5, channels, 1, 1],
    layers="7x7 transposed convolution, then BatchNorm, then GELU",
)
CONV_BLOCK = _exercise(
    ConvBlock,
    [
        "You have `Conv` already. Use it twice, and watch what the second one gets.",
        "`nn.Sequential(Conv(in_channels, out_channels), Conv(out_channels, out_channels))`.",
    ],
    arguments=[[1, 6], [4, 6]],
    shape=lambda channels: [5, channels, 14, 14],
    layers="two `Conv`, one after the other",
)
DOWN_BLOCK = _exercise(
    DownBlock,
    [
        "Make it smaller first, then work on the smaller picture: three convolutions in all.",
        "`DownConv(in_channels, out_channels)`, then `ConvBlock(out_channels, out_channels)`.",
    ],
    arguments=[[6, 3], [4, 6]],
    shape=lambda channels: [5, channels, 14, 14],
    layers="`DownConv`, then `ConvBlock`",
)
UP_BLOCK = _exercise(
    UpBlock,
    [
        "Make it larger first, then work on the larger picture.",
        "`UpConv(in_channels, out_channels)`, then `ConvBlock(out_channels, out_channels)`.",
    ],
    arguments=[[6, 3], [4, 6]],
    shape=lambda channels: [5, channels, 7, 7],
    layers="`UpConv`, then `ConvBlock`",
)
FC_BLOCK = _exercise(
    FCBlock,
    [
        "No pictures here: (B, in_features) comes in and (B, out_features) goes out, through two "
        "`nn.Linear` with one GELU between them.",
        "`nn.Linear(in_features, out_features)`, `nn.GELU()`, "
        "`nn.Linear(out_features, out_features)`.",
    ],
    arguments=[[1, 8], [3, 8]],
    shape=lambda channels: [6, channels],
    layers="Linear, then GELU, then Linear",
)


def _unet_shapes(generator: torch.Generator) -> Inputs:
    return {
        "builds": [
            {"arguments": [1, 4], "shape": [2, 1, 28, 28]},
            {"arguments": [1, 3], "shape": [3, 1, 28, 28]},
            {"arguments": [3, 4], "shape": [2, 3, 28, 28]},
        ]
    }


def _unet_inputs(generator: torch.Generator) -> Inputs:
    return {"arguments": [1, 4], "x": torch.randn(4, 1, 28, 28, generator=generator)}


def _cut_inputs(generator: torch.Generator) -> Inputs:
    return {**_unet_inputs(generator), "x": _patches(generator, 2), "sizes": [7, 4]}


def _compute_inputs(training: bool) -> Callable[[torch.Generator], Inputs]:
    def inputs(generator: torch.Generator) -> Inputs:
        return {**_unet_inputs(generator), "seed": _draw_seed(generator), "training": training}

    return inputs


def _overfit_inputs(generator: torch.Generator) -> Inputs:
    target = _patches(generator, 3)
    noisy = target + 0.5 * torch.randn(target.shape, generator=generator)
    return {
        "arguments": [1, 4],
        "x": noisy,
        "target": target,
        "seed": _draw_seed(generator),
        "steps": 48,
        "enough": 0.5,
        "learning_rate": 0.02,
    }


def _patches(generator: torch.Generator, count: int) -> Tensor:
    """Smooth pictures in [-1, 1]."""
    coarse = torch.rand(count, 1, 4, 4, generator=generator) * 2 - 1
    return F.interpolate(coarse, (28, 28), mode="bilinear")


def _skips_judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    if observed["passes"] == expected["passes"]:
        if observed["learns"] == expected["learns"]:
            return Verdict(True)
        return Verdict(
            False,
            "The skip connections carry numbers, but no gradient: what the way down makes of the "
            "picture has to be passed on as it is, without `.detach()` or `.data`.",
        )
    without_bottleneck, at_full_size = observed["passes"]
    if not without_bottleneck:
        return Verdict(
            False,
            "With the bottleneck cut, the result is the same for every picture: no skip connection "
            "carries anything past it.",
        )
    if not at_full_size:
        return Verdict(
            False,
            "Nothing reaches the result at full resolution: the last block should also get what "
            "the first block made of the picture.",
        )
    return Verdict(False, f"The skip connections pass {describe(observed['passes'])}.")


UNET = Exercise(
    reference=UnconditionalUNet,
    cases=[
        Case(
            "the result has the picture's shape",
            1,
            _unet_shapes,
            same_shapes("UnconditionalUNet"),
            shapes,
        ),
        Case(
            "as many weights as in the drawing, and all of them learn",
            2,
            _unet_inputs,
            all_of(same_weights("UnconditionalUNet"), all_learn),
            count_weights,
        ),
        Case("skip connections lead past the bottleneck", 2, _cut_inputs, _skips_judge, cut_paths),
        Case(
            "in training mode, it computes what the drawing says",
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
        Case("it can learn one batch by heart", 2, _overfit_inputs, learns, overfit),
    ],
    hints=[
        "In `__init__`, make one object for every box of the drawing; in `forward`, follow the "
        "arrows. Keep three results for later: the ones at 28, 14 and 7 pixels.",
        "`torch.cat([a, b], dim=1)` puts two tensors on top of each other, channels upon channels. "
        "That is why `UpBlock(4 * D, D)` gets 4D channels: 2D from below and 2D from the left.",
        "The last layer is a bare `nn.Conv2d(num_hiddens, in_channels, 3, 1, 1)`: no BatchNorm and "
        "no GELU, as the result must be able to take any value.",
    ],
)
EXERCISES = [
    CONV,
    DOWN_CONV,
    UP_CONV,
    FLATTEN,
    UNFLATTEN,
    CONV_BLOCK,
    DOWN_BLOCK,
    UP_BLOCK,
    FC_BLOCK,
    UNET,
]


# Small operations: right answers in other styles, then the mistakes.


@CONV.right_answer
class ConvOneByOne(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.norm = nn.BatchNorm2d(c_out)
        self.conv = nn.Conv2d(c_in, c_out, 3, padding="same", bias=False)

    def forward(self, x):
        return F.gelu(input=self.norm(self.conv(x)))


@CONV.right_answer
def conv_lazy(in_channels, out_channels):
    return nn.Sequential(
        nn.LazyConv2d(out_channels, 3, 1, 1),
        nn.LazyBatchNorm2d(),
        nn.GELU(approximate="tanh"),
    )


class WrittenGelu(nn.Module):
    """The formula of its tanh form (Hendrycks & Gimpel 2016, arXiv 1606.08415, section 2)."""

    def forward(self, x):
        return 0.5 * x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))


def conv_written(c_in, c_out):
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, 1, 1), nn.BatchNorm2d(c_out), WrittenGelu())


CONV.right_answer(conv_written)  # no decorator: a U-Net below is made of it


class OwnNorm(nn.Module):
    """BatchNorm by its function, with running statistics of its own."""

    def __init__(self, channels):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("var", torch.ones(channels))

    def forward(self, x):
        return F.batch_norm(x, self.mean, self.var, self.scale, self.shift, self.training)


class NormByHand(nn.Module):
    """BatchNorm by its formula, with the biased variance throughout and another momentum."""

    def __init__(self, channels):
        super().__init__()
        shape = (1, channels, 1, 1)
        self.gamma, self.beta = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.zeros(shape))
        self.register_buffer("moving_mean", torch.zeros(shape))
        self.register_buffer("moving_var", torch.ones(shape))

    def forward(self, x):
        mean, var = self.moving_mean, self.moving_var
        if self.training:
            mean = x.mean(dim=(0, 2, 3), keepdim=True)
            var = ((x - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
            self.moving_mean.lerp_(mean.detach(), 0.05)
            self.moving_var.lerp_(var.detach(), 0.05)
        return self.gamma * (x - mean) / (var + 1e-5).sqrt() + self.beta


def conv_own_norm(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1), OwnNorm(out_channels), nn.GELU()
    )


CONV.right_answer(conv_own_norm)  # no decorator: a U-Net below is made of it


@CONV.right_answer
def conv_norm_by_hand(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1), NormByHand(out_channels), nn.GELU()
    )


@CONV.right_answer
def conv_starting_at_zero(in_channels, out_channels):
    layers = nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.BatchNorm2d(out_channels), nn.GELU()
    )
    nn.init.zeros_(layers[0].bias)
    nn.init.zeros_(layers[1].weight)
    return layers


@CONV.mistake(
    "It looks as if the result is squeezed: in a batch of one picture that removes the dimension "
    "of the batch, too. Leave out `squeeze`."
)
class ConvSqueezed(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(c_in, c_out, 3, 1, 1), nn.BatchNorm2d(c_out)

    def forward(self, x):
        return F.gelu(self.norm(self.conv(x))).squeeze()


@CONV.mistake(
    "It looks as if BatchNorm comes after GELU. The order is convolution, BatchNorm, GELU."
)
def conv_gelu_first(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.GELU(), nn.BatchNorm2d(out_channels)
    )


@CONV.mistake("It looks as if BatchNorm is missing between the convolution and GELU.")
def conv_without_norm(in_channels, out_channels):
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.GELU())


@CONV.mistake("It looks as if GELU is missing: the result is that of BatchNorm.")
def conv_without_gelu(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.BatchNorm2d(out_channels)
    )


@CONV.mistake("It looks as if the activation is ReLU. This network uses GELU, `nn.GELU()`.")
def conv_with_relu(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.BatchNorm2d(out_channels), nn.ReLU()
    )


@CONV.mistake("It looks as if padding is missing: a 3x3 kernel needs padding=1 to keep the size.")
def conv_without_padding(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3), nn.BatchNorm2d(out_channels), nn.GELU()
    )


@CONV.mistake("It looks as if the kernel is 1x1: such a convolution never looks at a neighbour.")
def conv_one_by_one_kernel(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels), nn.GELU()
    )


@DOWN_CONV.right_answer
class DownConvOneByOne(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(c_in, c_out, (3, 3), (2, 2), (1, 1)), nn.BatchNorm2d(c_out)

    def forward(self, x):
        return F.gelu(self.norm(self.conv(x)))


@DOWN_CONV.right_answer
def down_conv_lazy(in_channels, out_channels):
    return nn.Sequential(
        nn.ZeroPad2d(1),
        nn.Conv2d(in_channels, out_channels, 3, stride=2, bias=False),
        nn.BatchNorm2d(out_channels, momentum=0.01),
        nn.GELU(),
    )


@DOWN_CONV.mistake(
    "It looks as if the kernel is 4x4. DownConv has a 3x3 kernel; the 4x4 one is UpConv's."
)
def down_conv_large_kernel(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 4, 2, 1), nn.BatchNorm2d(out_channels), nn.GELU()
    )


@DOWN_CONV.mistake("It looks as if the stride is 1: with stride=2 height and width are halved.")
def down_conv_stride_one(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.BatchNorm2d(out_channels), nn.GELU()
    )


@DOWN_CONV.mistake(
    "It looks as if the convolution keeps the size and pooling halves it. DownConv does both at "
    "once, with a convolution of stride 2."
)
def down_conv_pooled(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1),
        nn.BatchNorm2d(out_channels),
        nn.GELU(),
        nn.MaxPool2d(2),
    )


@DOWN_CONV.mistake(
    "It looks as if BatchNorm comes after GELU in DownConv. The order is convolution, BatchNorm, "
    "GELU."
)
def down_conv_gelu_first(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 2, 1), nn.GELU(), nn.BatchNorm2d(out_channels)
    )


@DOWN_CONV.mistake("It looks as if GELU is missing in DownConv: the result is that of BatchNorm.")
def down_conv_without_gelu(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 2, 1), nn.BatchNorm2d(out_channels)
    )


@UP_CONV.right_answer
class UpConvOneByOne(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv, self.norm = nn.ConvTranspose2d(c_in, c_out, 4, 2, 1), nn.BatchNorm2d(c_out)

    def forward(self, x):
        return F.gelu(self.norm(self.conv(x)))


@UP_CONV.right_answer
def up_conv_without_bias(in_channels, out_channels):
    return nn.Sequential(
        nn.LazyConvTranspose2d(out_channels, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.GELU(),
    )


@UP_CONV.mistake(
    "It looks as if the kernel is 3x3 with output_padding. UpConv has a 4x4 kernel, stride 2, "
    "padding 1; every output pixel then gets equally many contributions."
)
def up_conv_small_kernel(in_channels, out_channels):
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, out_channels, 3, 2, 1, output_padding=1),
        nn.BatchNorm2d(out_channels),
        nn.GELU(),
    )


@UP_CONV.mistake("It looks as if the kernel is 2x2 without padding. UpConv's is 4x4, padding 1.")
def up_conv_tiny_kernel(in_channels, out_channels):
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, out_channels, 2, 2),
        nn.BatchNorm2d(out_channels),
        nn.GELU(),
    )


@UP_CONV.mistake(
    "It looks as if the picture is enlarged first and then convolved. UpConv learns how to "
    "enlarge: "
    "a transposed convolution, `nn.ConvTranspose2d`."
)
def up_conv_enlarged(in_channels, out_channels):
    return nn.Sequential(
        nn.Upsample(scale_factor=2),
        nn.Conv2d(in_channels, out_channels, 3, 1, 1),
        nn.BatchNorm2d(out_channels),
        nn.GELU(),
    )


@UP_CONV.mistake("It looks as if BatchNorm comes after GELU in UpConv; GELU should come last.")
def up_conv_gelu_first(in_channels, out_channels):
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1),
        nn.GELU(),
        nn.BatchNorm2d(out_channels),
    )


@UP_CONV.mistake(
    "It looks as if this is `nn.Conv2d` with stride 2, which makes the picture smaller. "
    "`nn.ConvTranspose2d` makes it larger."
)
def up_conv_downwards(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 4, 2, 1), nn.BatchNorm2d(out_channels), nn.GELU()
    )


@FLATTEN.right_answer
class FlattenByMean(nn.Module):
    def forward(self, x):
        return F.gelu(x.mean(dim=(2, 3), keepdim=True))


@FLATTEN.right_answer
def flatten_adaptive():
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.GELU(approximate="tanh"))


@FLATTEN.mistake(
    "It looks as if GELU is missing after the average. Flatten is AvgPool2d, then GELU."
)
def flatten_without_gelu():
    return nn.AvgPool2d(7)


@FLATTEN.mistake("It looks as if GELU comes before the average. First the average, then GELU.")
def flatten_gelu_first():
    return nn.Sequential(nn.GELU(), nn.AvgPool2d(7))


@FLATTEN.mistake(
    "It looks as if you take the largest of the 49 values. Flatten takes their average."
)
def flatten_by_maximum():
    return nn.Sequential(nn.MaxPool2d(7), nn.GELU())


@FLATTEN.mistake(
    "It looks as if the two last dimensions are gone. Keep them: (B, C, 1, 1) is a picture of one "
    "pixel, which Unflatten can enlarge."
)
def flatten_to_vectors():
    return nn.Sequential(nn.AvgPool2d(7), nn.GELU(), nn.Flatten())


@FLATTEN.mistake(
    "It looks as if `squeeze` removes all dimensions of size 1: in a batch of one picture, that of "
    "the batch, too. `x.mean(dim=(2, 3), keepdim=True)` or `nn.AvgPool2d(7)` leaves all four."
)
class FlattenSqueezed(nn.Module):
    def forward(self, x):
        return F.gelu(F.avg_pool2d(x, 7).squeeze())[..., None, None]


@FLATTEN.mistake(
    "It looks as if this is `nn.Flatten`, which puts all 49 values into a row. Here, flattening "
    "means one number per channel: their average."
)
def flatten_into_a_row():
    return nn.Flatten()


@UNFLATTEN.right_answer
class UnflattenStrideOne(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv, self.norm = nn.ConvTranspose2d(channels, channels, 7), nn.BatchNorm2d(channels)

    def forward(self, x):
        return F.gelu(self.norm(self.conv(x)))


@UNFLATTEN.right_answer
def unflatten_in_a_row(in_channels):
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, in_channels, (7, 7), (7, 7), bias=False),
        nn.BatchNorm2d(in_channels),
        nn.GELU(),
    )


@UNFLATTEN.right_answer
def unflatten_norm_by_hand(in_channels):
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, in_channels, 7, 7), NormByHand(in_channels), nn.GELU()
    )


@UNFLATTEN.mistake(
    "It looks as if the one pixel is copied 49 times. Unflatten learns what to draw: a transposed "
    "convolution with a 7x7 kernel."
)
def unflatten_by_copies(in_channels):
    return nn.Sequential(nn.Upsample(scale_factor=7), nn.BatchNorm2d(in_channels), nn.GELU())


@UNFLATTEN.mistake(
    "It looks as if BatchNorm and GELU are missing after the transposed convolution."
)
def unflatten_bare(in_channels):
    return nn.ConvTranspose2d(in_channels, in_channels, 7, 7)


@UNFLATTEN.mistake("It looks as if BatchNorm comes after GELU in Unflatten; GELU should come last.")
def unflatten_gelu_first(in_channels):
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, in_channels, 7, 7), nn.GELU(), nn.BatchNorm2d(in_channels)
    )


@UNFLATTEN.mistake(
    "It looks as if BatchNorm is missing in Unflatten, between convolution and GELU."
)
def unflatten_without_norm(in_channels):
    return nn.Sequential(nn.ConvTranspose2d(in_channels, in_channels, 7, 7), nn.GELU())


@UNFLATTEN.mistake("It looks as if GELU is missing in Unflatten: the result is that of BatchNorm.")
def unflatten_without_gelu(in_channels):
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, in_channels, 7, 7), nn.BatchNorm2d(in_channels)
    )


# Blocks, made of these.


def conv(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.BatchNorm2d(out_channels), nn.GELU()
    )


def conv_bn_last(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.GELU(), nn.BatchNorm2d(out_channels)
    )


def down(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 2, 1), nn.BatchNorm2d(out_channels), nn.GELU()
    )


def up(in_channels, out_channels):
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1),
        nn.BatchNorm2d(out_channels),
        nn.GELU(),
    )


@CONV_BLOCK.right_answer
def conv_block_flat(in_channels, out_channels):
    return nn.Sequential(*conv(in_channels, out_channels), *conv(out_channels, out_channels))


@CONV_BLOCK.right_answer
class ConvBlockSecondFirst(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.second, self.first = conv(c_out, c_out), conv(c_in, c_out)

    def forward(self, x):
        return self.second(self.first(x))


@CONV_BLOCK.right_answer
def conv_block_own_norms(in_channels, out_channels):
    return nn.Sequential(
        conv_own_norm(in_channels, out_channels), conv_own_norm(out_channels, out_channels)
    )


class ConvsWithOneNorm(nn.Module):
    """Convolutions one after the other, which share a BatchNorm."""

    def __init__(self, first, *others):
        super().__init__()
        self.convs = nn.ModuleList([first, *others])
        self.norm = nn.BatchNorm2d(first.out_channels)

    def forward(self, x):
        for layer in self.convs:
            x = F.gelu(self.norm(layer(x)))
        return x


@CONV_BLOCK.mistake(
    "It looks as if both convolutions share one BatchNorm, whose running mean then belongs to "
    "neither. Each `Conv` has a BatchNorm of its own."
)
def conv_block_one_norm(in_channels, out_channels):
    return ConvsWithOneNorm(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1),
        nn.Conv2d(out_channels, out_channels, 3, 1, 1),
    )


@CONV_BLOCK.mistake(
    "It looks as if there is dropout between the two `Conv`. Nothing in ConvBlock is drawn at "
    "random: leave it out."
)
def conv_block_dropout(in_channels, out_channels):
    return nn.Sequential(
        conv(in_channels, out_channels), nn.Dropout2d(0.1), conv(out_channels, out_channels)
    )


@CONV_BLOCK.mistake(
    "It looks as if the gradient is cut off inside, so that the first `Conv` never learns. Leave "
    "out `.detach()`, `.data` and `torch.no_grad()`."
)
class ConvBlockCut(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.first, self.second = conv(c_in, c_out), conv(c_out, c_out)

    def forward(self, x):
        return self.second(self.first(x).detach())


@CONV_BLOCK.mistake("It looks as if there is only one `Conv`. ConvBlock has two of them.")
def conv_block_single(in_channels, out_channels):
    return conv(in_channels, out_channels)


@CONV_BLOCK.mistake("It looks as if there are three `Conv`. ConvBlock has two of them.")
def conv_block_triple(in_channels, out_channels):
    return nn.Sequential(
        conv(in_channels, out_channels),
        conv(out_channels, out_channels),
        conv(out_channels, out_channels),
    )


@CONV_BLOCK.mistake(
    "It looks as if the first `Conv` keeps the number of channels and the second changes it. It is "
    "the other way round: Conv(in, out), then Conv(out, out)."
)
def conv_block_late(in_channels, out_channels):
    return nn.Sequential(conv(in_channels, in_channels), conv(in_channels, out_channels))


@CONV_BLOCK.mistake("It looks as if the input is added to the result. ConvBlock has no shortcut.")
class ConvBlockResidual(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.first, self.second = conv(c_in, c_out), conv(c_out, c_out)

    def forward(self, x):
        x = self.first(x)
        return x + self.second(x)


@CONV_BLOCK.mistake("It looks as if BatchNorm comes after GELU in both `Conv`; GELU comes last.")
def conv_block_gelu_first(in_channels, out_channels):
    return nn.Sequential(
        conv_bn_last(in_channels, out_channels), conv_bn_last(out_channels, out_channels)
    )


@DOWN_BLOCK.right_answer
def down_block_flat(in_channels, out_channels):
    return nn.Sequential(
        *down(in_channels, out_channels),
        *conv(out_channels, out_channels),
        *conv(out_channels, out_channels),
    )


@DOWN_BLOCK.right_answer
class DownBlockBackwards(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.block = nn.ModuleList([conv(c_out, c_out), conv(c_out, c_out)])
        self.shrink = down(c_in, c_out)

    def forward(self, x):
        x = self.shrink(x)
        for layer in self.block:
            x = layer(x)
        return x


@DOWN_BLOCK.mistake(
    "It looks as if all three convolutions share one BatchNorm, whose running mean then belongs to "
    "none of them. Each has a BatchNorm of its own."
)
def down_block_one_norm(in_channels, out_channels):
    return ConvsWithOneNorm(
        nn.Conv2d(in_channels, out_channels, 3, 2, 1),
        nn.Conv2d(out_channels, out_channels, 3, 1, 1),
        nn.Conv2d(out_channels, out_channels, 3, 1, 1),
    )


@DOWN_BLOCK.mistake("It looks as if only one `Conv` follows DownConv. A ConvBlock has two.")
def down_block_short(in_channels, out_channels):
    return nn.Sequential(down(in_channels, out_channels), conv(out_channels, out_channels))


@DOWN_BLOCK.mistake("It looks as if the ConvBlock is missing: this is DownConv alone.")
def down_block_bare(in_channels, out_channels):
    return down(in_channels, out_channels)


@DOWN_BLOCK.mistake(
    "It looks as if ConvBlock comes before DownConv. The picture is made smaller first; the "
    "work on "
    "it then costs a quarter."
)
def down_block_late(in_channels, out_channels):
    return nn.Sequential(
        conv(in_channels, out_channels),
        conv(out_channels, out_channels),
        down(out_channels, out_channels),
    )


@DOWN_BLOCK.mistake(
    "It looks as if the ConvBlock changes the number of channels. DownConv does: "
    "DownConv(in, out), ConvBlock(out, out)."
)
def down_block_late_channels(in_channels, out_channels):
    return nn.Sequential(
        down(in_channels, in_channels),
        conv(in_channels, out_channels),
        conv(out_channels, out_channels),
    )


@DOWN_BLOCK.mistake(
    "It looks as if the picture is made smaller by pooling, without a convolution. DownBlock "
    "begins with DownConv."
)
def down_block_pooled(in_channels, out_channels):
    return nn.Sequential(
        nn.MaxPool2d(2), conv(in_channels, out_channels), conv(out_channels, out_channels)
    )


@UP_BLOCK.right_answer
def up_block_flat(in_channels, out_channels):
    return nn.Sequential(
        *up(in_channels, out_channels),
        *conv(out_channels, out_channels),
        *conv(out_channels, out_channels),
    )


@UP_BLOCK.right_answer
class UpBlockBackwards(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.block = nn.ModuleList([conv(c_out, c_out), conv(c_out, c_out)])
        self.grow = up(c_in, c_out)

    def forward(self, x):
        x = self.grow(x)
        for layer in self.block:
            x = layer(x)
        return x


@UP_BLOCK.mistake(
    "It looks as if all three convolutions share one BatchNorm, whose running mean then belongs to "
    "none of them. Each has a BatchNorm of its own."
)
def up_block_one_norm(in_channels, out_channels):
    return ConvsWithOneNorm(
        nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1),
        nn.Conv2d(out_channels, out_channels, 3, 1, 1),
        nn.Conv2d(out_channels, out_channels, 3, 1, 1),
    )


@UP_BLOCK.mistake("It looks as if only one `Conv` follows UpConv. A ConvBlock has two.")
def up_block_short(in_channels, out_channels):
    return nn.Sequential(up(in_channels, out_channels), conv(out_channels, out_channels))


@UP_BLOCK.mistake("It looks as if the ConvBlock is missing: this is UpConv alone.")
def up_block_bare(in_channels, out_channels):
    return up(in_channels, out_channels)


@UP_BLOCK.mistake(
    "It looks as if ConvBlock comes before UpConv. The picture is made larger first, then "
    "worked on."
)
def up_block_late(in_channels, out_channels):
    return nn.Sequential(
        conv(in_channels, out_channels),
        conv(out_channels, out_channels),
        up(out_channels, out_channels),
    )


@UP_BLOCK.mistake(
    "It looks as if the ConvBlock changes the number of channels. UpConv does: "
    "UpConv(in, out), ConvBlock(out, out)."
)
def up_block_late_channels(in_channels, out_channels):
    return nn.Sequential(
        up(in_channels, in_channels),
        conv(in_channels, out_channels),
        conv(out_channels, out_channels),
    )


@UP_BLOCK.mistake(
    "It looks as if the picture is enlarged by copying pixels. UpBlock begins with UpConv."
)
def up_block_copied(in_channels, out_channels):
    return nn.Sequential(
        nn.Upsample(scale_factor=2),
        conv(in_channels, out_channels),
        conv(out_channels, out_channels),
    )


@FC_BLOCK.right_answer
class FCBlockFunctional(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.out = nn.Linear(c_out, c_out)
        self.hidden = nn.Linear(c_in, c_out)

    def forward(self, x):
        return self.out(F.gelu(self.hidden(x)))


@FC_BLOCK.right_answer
def fc_block_for_pictures(in_features, out_features):
    return nn.Sequential(
        nn.Linear(in_features, out_features),
        nn.GELU(approximate="tanh"),
        nn.Linear(out_features, out_features),
        nn.Unflatten(1, (out_features, 1, 1)),
    )


@FC_BLOCK.right_answer
def fc_block_starting_at_zero(in_features, out_features):
    block = nn.Sequential(
        nn.Linear(in_features, out_features), nn.GELU(), nn.Linear(out_features, out_features)
    )
    nn.init.zeros_(block[2].weight)
    nn.init.zeros_(block[2].bias)
    return block


@FC_BLOCK.right_answer
class FCBlockOfMatrices(nn.Module):
    """x @ W + b, with W as (in, out)."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.w = nn.Parameter(torch.randn(c_in, c_out))
        self.v = nn.Parameter(torch.randn(c_out, c_out))
        self.b, self.c = nn.Parameter(torch.zeros(c_out)), nn.Parameter(torch.zeros(c_out))

    def forward(self, x):
        return F.gelu(x @ self.w + self.b) @ self.v + self.c


@FC_BLOCK.right_answer
class FCBlockOfPixels(nn.Module):
    """1x1 convolutions of pictures of one pixel."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(c_in, c_out, 1), nn.GELU(), nn.Conv2d(c_out, c_out, 1)
        )

    def forward(self, x):
        return self.layers(x[:, :, None, None])


@FC_BLOCK.mistake(
    "It looks as if the Linear layers have no bias. Then FCBlock(0) is always 0, and at time 0 it "
    "could say nothing: leave out `bias=False`."
)
def fc_block_without_bias(in_features, out_features):
    return nn.Sequential(
        nn.Linear(in_features, out_features, bias=False),
        nn.GELU(),
        nn.Linear(out_features, out_features, bias=False),
    )


@FC_BLOCK.mistake(
    "It looks as if one of the two Linear layers has no bias. Both have one: leave out "
    "`bias=False`."
)
def fc_block_with_one_bias(in_features, out_features):
    return nn.Sequential(
        nn.Linear(in_features, out_features, bias=False),
        nn.GELU(),
        nn.Linear(out_features, out_features),
    )


@FC_BLOCK.mistake(
    "It looks as if `squeeze` removes all dimensions of size 1: in a batch of one picture, that of "
    "the batch, too. (B, out_features) needs no `squeeze`."
)
class FCBlockSqueezed(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.hidden, self.out = nn.Linear(c_in, c_out), nn.Linear(c_out, c_out)

    def forward(self, x):
        return self.out(F.gelu(self.hidden(x))).squeeze()


@FC_BLOCK.mistake(
    "It looks as if there is dropout in FCBlock. Nothing in it is drawn at random: leave it out."
)
def fc_block_dropout(in_features, out_features):
    return nn.Sequential(
        nn.Linear(in_features, out_features),
        nn.GELU(),
        nn.Dropout(0.1),
        nn.Linear(out_features, out_features),
    )


@FC_BLOCK.mistake(
    "It looks as if there is only one Linear. FCBlock has two, with GELU between them."
)
def fc_block_single(in_features, out_features):
    return nn.Linear(in_features, out_features)


@FC_BLOCK.mistake(
    "It looks as if FCBlock is one Linear and GELU. A second Linear follows, so that the "
    "result can "
    "take any value."
)
def fc_block_single_with_gelu(in_features, out_features):
    return nn.Sequential(nn.Linear(in_features, out_features), nn.GELU())


@FC_BLOCK.mistake(
    "It looks as if GELU is missing between the two Linear: without it they are no better than one."
)
def fc_block_without_gelu(in_features, out_features):
    return nn.Sequential(
        nn.Linear(in_features, out_features), nn.Linear(out_features, out_features)
    )


@FC_BLOCK.mistake(
    "It looks as if there is a GELU at the end, too. The second Linear comes last: its result must "
    "be able to take any value."
)
def fc_block_gelu_last(in_features, out_features):
    return nn.Sequential(
        nn.Linear(in_features, out_features),
        nn.GELU(),
        nn.Linear(out_features, out_features),
        nn.GELU(),
    )


@FC_BLOCK.mistake(
    "It looks as if the hidden layer has in_features numbers. Later one number, the time, "
    "comes in: "
    "the hidden layer needs out_features numbers to say something about it."
)
def fc_block_narrow(in_features, out_features):
    return nn.Sequential(
        nn.Linear(in_features, in_features), nn.GELU(), nn.Linear(in_features, out_features)
    )


@FC_BLOCK.mistake("It looks as if the activation in FCBlock is ReLU. This network uses GELU.")
def fc_block_relu(in_features, out_features):
    return nn.Sequential(
        nn.Linear(in_features, out_features), nn.ReLU(), nn.Linear(out_features, out_features)
    )


# The U-Net. `Net` is the drawing; each mistake changes one thing in it.


def block(first, second, in_channels, out_channels):
    return nn.Sequential(first(in_channels, out_channels), second(out_channels, out_channels))


def gelu_norm(layer, channels):
    return nn.Sequential(layer, nn.BatchNorm2d(channels), nn.GELU())


class Net(nn.Module):
    def __init__(self, c, d, conv=conv, down=down, up=up, join=2):
        super().__init__()
        self.b0 = block(conv, conv, c, d)
        self.b1 = nn.Sequential(down(d, d), block(conv, conv, d, d))
        self.b2 = nn.Sequential(down(d, 2 * d), block(conv, conv, 2 * d, 2 * d))
        self.flat = nn.Sequential(nn.AvgPool2d(7), nn.GELU())
        self.unflat = gelu_norm(nn.ConvTranspose2d(2 * d, 2 * d, 7, 7), 2 * d)
        self.u1 = nn.Sequential(up(join * 2 * d, d), block(conv, conv, d, d))
        self.u2 = nn.Sequential(up(join * d, d), block(conv, conv, d, d))
        self.b3 = block(conv, conv, join * d, d)
        self.last = nn.Conv2d(d, c, 3, 1, 1)

    def merge(self, below, beside):
        return torch.cat([below, beside], 1)

    def forward(self, x):
        x0 = self.b0(x)
        x1 = self.b1(x0)
        x2 = self.b2(x1)
        y = self.unflat(self.flat(x2))
        y = self.u1(self.merge(y, x2))
        y = self.u2(self.merge(y, x1))
        return self.last(self.b3(self.merge(y, x0)))


@UNET.right_answer
class UNetOtherOrder(nn.Module):
    """Layers made backwards, the ways down and up as loops, skips put first."""

    def __init__(self, c, d):
        super().__init__()
        self.last = nn.Conv2d(d, c, 3, 1, 1)
        self.ups = nn.ModuleList(
            [
                block(conv, conv, 2 * d, d),
                nn.Sequential(up(2 * d, d), block(conv, conv, d, d)),
                nn.Sequential(up(4 * d, d), block(conv, conv, d, d)),
            ]
        )
        self.wide, self.norm = nn.ConvTranspose2d(2 * d, 2 * d, 7, 7), nn.BatchNorm2d(2 * d)
        self.downs = nn.ModuleList(
            [
                block(conv, conv, c, d),
                nn.Sequential(down(d, d), block(conv, conv, d, d)),
                nn.Sequential(down(d, 2 * d), block(conv, conv, 2 * d, 2 * d)),
            ]
        )

    def forward(self, x):
        skips = []
        for stage in self.downs:
            x = stage(x)
            skips.append(x)
        x = F.gelu(self.norm(self.wide(F.gelu(F.avg_pool2d(x, x.shape[-1])))))
        for stage in reversed(self.ups):
            x = stage(torch.cat((skips.pop(), x), dim=-3))
        return self.last(x)


def conv_plain(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.GELU(approximate="tanh"),
    )


@UNET.right_answer
class UNetWithOtherParts(Net):
    """No biases, the other GELU, Unflatten with stride 1, a dict of layers."""

    def __init__(self, in_ch, hidden):
        super().__init__(in_ch, hidden, conv=conv_plain)
        parts = {"tail": self.last, "wide": nn.ConvTranspose2d(2 * hidden, 2 * hidden, 7)}
        self.parts = nn.ModuleDict(parts)
        self.last = self.unflat = None
        self.norm = nn.BatchNorm2d(2 * hidden)

    def forward(self, image):
        a = self.b0(image)
        b = self.b1(a)
        c = self.b2(b)
        z = F.gelu(self.norm(self.parts["wide"](self.flat(c))))
        z = self.u2(self.merge(self.u1(self.merge(z, c)), b))
        return self.parts["tail"](self.b3(self.merge(a, z)))


@UNET.right_answer
class UNetMixingGelus(Net):
    """GELU written out in some layers, torch's own in the others."""

    def __init__(self, c, d):
        super().__init__(c, d, conv=conv_written)


@UNET.right_answer
def unet_from_a_function(in_channels, num_hiddens):
    """Memory in another order, BatchNorm with the numbers of another library."""
    net = Net(in_channels, num_hiddens).to(memory_format=torch.channels_last)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eps, part.momentum = 1e-3, 0.01
    return net


@UNET.right_answer
class UNetStartingAtZero(Net):
    """Its last layer gives nothing at first, as in guided-diffusion."""

    def __init__(self, c, d):
        super().__init__(c, d)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)


@UNET.right_answer
class UNetWithOwnNorms(Net):
    def __init__(self, c, d):
        super().__init__(c, d, conv=conv_own_norm)


@UNET.mistake(
    "It looks as if the skip connections are detached: they carry numbers, but no gradient. "
    "Concatenate the tensors of the way down as they are."
)
class SkipsDetached(Net):
    def merge(self, below, beside):
        return torch.cat([below, beside.detach()], 1)


@UNET.mistake(
    "It looks as if only the skip connection at 28 pixels is detached: it carries numbers, but no "
    "gradient. Concatenate the tensor as it is."
)
class LastSkipDetached(Net):
    def merge(self, below, beside):
        return torch.cat([below, beside.detach() if below.shape[-1] == 28 else beside], 1)


@UNET.mistake(
    "It looks as if the convolutions of a ConvBlock share one BatchNorm. Check `ConvBlock` first: "
    "each `Conv` has a BatchNorm of its own."
)
class NormsShared(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        blocks = (self.b0, self.b1[1], self.b2[1], self.u1[1], self.u2[1], self.b3)
        for first, second in blocks:
            second[1] = first[1]


@UNET.mistake(
    "It looks as if the result of Flatten is squeezed: in a batch of one picture that removes the "
    "dimension of the batch, too. Leave it (B, 2D, 1, 1)."
)
class Squeezed(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        self.flat = FlatSqueezed()


class FlatSqueezed(nn.Module):
    def forward(self, x):
        return F.gelu(F.avg_pool2d(x, 7)).squeeze()[..., None, None]


@UNET.mistake(
    "It looks as if there is dropout in the network. Nothing in it is drawn at random: leave it "
    "out."
)
class WithDropout(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        self.flat = nn.Sequential(nn.AvgPool2d(7), nn.GELU(), nn.Dropout(0.1))


@UNET.mistake(
    "It looks as if more than the picture is returned. Return the one tensor of shape "
    "(B, C, 28, 28) and nothing else."
)
class ReturnsMore(Net):
    def forward(self, x):
        return super().forward(x), self.b0(x)


@UNET.mistake(
    "It looks as if the skip connections are added. They are concatenated, `torch.cat(..., "
    "dim=1)`, "
    "so that the next block sees both and chooses."
)
class SkipsAdded(Net):
    def __init__(self, c, d):
        super().__init__(c, d, join=1)

    def merge(self, below, beside):
        return below + beside


@UNET.mistake(
    "It looks as if there are no skip connections: everything goes through the bottleneck, which "
    "has only 2D numbers for a whole picture."
)
class NoSkips(Net):
    def __init__(self, c, d):
        super().__init__(c, d, join=1)

    def merge(self, below, beside):
        return below


@UNET.mistake(
    "It looks as if each tensor is concatenated with itself. Concatenate it with what the way down "
    "gave at the same size."
)
class JoinedWithItself(Net):
    def merge(self, below, beside):
        return torch.cat([below, below], 1)


@UNET.mistake("It looks as if the last layer is a 1x1 convolution; in the drawing it is 3x3.")
class LastOneByOne(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        self.last = nn.Conv2d(d, c, 1)


@UNET.mistake(
    "It looks as if GELU follows the last convolution. The result must be able to take any value; "
    "GELU gives nothing below -0.17."
)
class LastWithGelu(Net):
    def forward(self, x):
        return F.gelu(super().forward(x))


@UNET.mistake(
    "It looks as if a sigmoid follows the last convolution. It fits pictures in [0, 1], but later "
    "the network predicts noise, which takes any value."
)
class LastWithSigmoid(Net):
    def forward(self, x):
        return torch.sigmoid(super().forward(x))


@UNET.mistake(
    "It looks as if the last layer is a `Conv`, with BatchNorm and GELU. It is a bare `nn.Conv2d`."
)
class LastWithNormAndGelu(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        self.last = conv(d, c)


@UNET.mistake("It looks as if Flatten has no GELU: after AvgPool2d comes GELU.")
class FlattenWithoutGelu(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        self.flat = nn.AvgPool2d(7)


@UNET.mistake(
    "It looks as if BatchNorm comes after GELU in your `Conv`. Check `Conv` first: convolution, "
    "BatchNorm, GELU."
)
class NormAfterGelu(Net):
    def __init__(self, c, d):
        super().__init__(c, d, conv=conv_bn_last)


def down_4x4(in_channels, out_channels):
    return gelu_norm(nn.Conv2d(in_channels, out_channels, 4, 2, 1), out_channels)


@UNET.mistake("It looks as if DownConv has a 4x4 kernel. It is 3x3; the 4x4 kernel is UpConv's.")
class DownWithLargeKernel(Net):
    def __init__(self, c, d):
        super().__init__(c, d, down=down_4x4)


@UNET.mistake(
    "It looks as if the block before the last layer is missing: after the last concatenation comes "
    "ConvBlock(2D, D), then the convolution."
)
class NoLastBlock(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        self.b3 = nn.Identity()
        self.last = nn.Conv2d(2 * d, c, 3, 1, 1)


@UNET.mistake(
    "It looks as if the result is added to the input. This network gives the picture itself, not a "
    "correction to it."
)
class InputAdded(Net):
    def forward(self, x):
        return x + super().forward(x)


@UNET.mistake(
    "It looks as if the bottleneck is skipped: Flatten and Unflatten lie between the last "
    "DownBlock "
    "and the first concatenation."
)
class NoBottleneck(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        self.flat = self.unflat = nn.Identity()

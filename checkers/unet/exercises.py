"""Lesson 11: what the U-Net's operations and the U-Net must do, and how they go wrong."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges.cases import MakeInputs
from checkers.engine.judges.inputs import draw_count, draw_noise, draw_pictures
from checkers.engine.judges.networks import (
    all_learn,
    batch_for,
    batch_to_learn,
    known_values,
    learning_case,
    of_other_widths,
    same_function,
    same_shapes,
    same_weights,
)
from checkers.engine.judges.values import all_of
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.networks import compute, compute_known, count_weights, shapes
from checkers.unet.probe import cut_paths
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

# --- the operations -------------------------------------------------------------------------------


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
    flat = reference is FCBlock
    bias = 0.5 if flat else 0.0  # BatchNorm makes up for others

    def shape_for(chosen: list[int]) -> list[int]:
        return shape(chosen[0] if chosen else 4)

    def shapes_inputs(generator: torch.Generator) -> Inputs:
        builds = [{"arguments": a, "shape": shape_for(a)} for a in arguments]
        own = [draw_count(generator, 2, 20) for _ in arguments[0]]
        builds.append({"arguments": own, "shape": shape_for(own or [draw_count(generator, 2, 20)])})
        for one in builds:
            one["shape"] = [draw_count(generator, 2, 20), *one["shape"][1:]]
        return {"builds": builds}

    def given(chosen: list[int], strength: float = 1.0) -> MakeInputs:
        return lambda generator: {
            "arguments": chosen,
            "x": strength * draw_noise(generator, *shape_for(chosen)),
        }

    def counted(generator: torch.Generator) -> Inputs:
        """Of sizes nobody has seen; if there are two, the first is smaller, the same, larger."""
        small = draw_count(generator, 3, 40)
        large = small + draw_count(generator, 1, 20)
        pairs = [[small, large], [small, small], [large, small]]
        own, *others = (given(pair[: len(arguments[-1])])(generator) for pair in pairs)
        return {**own, "others": others}

    def computes(title: str, points: int, what: str, training: bool) -> Case:
        """In evaluation mode with as many channels in the input as in the result."""
        chosen = arguments[-1] if training else arguments[-1][-1:] * len(arguments[-1])
        inputs = known_values(given(chosen, 2.0), training=training, flat=flat, bias=bias)
        return Case(title, points, inputs, same_function(what), compute, compute_known)

    cases = [
        Case("the shape of the result", 1, shapes_inputs, same_shapes(name), shapes),
        computes(layers, 2, "the result", True),
        computes("the same in evaluation mode", 1, "the result in evaluation mode", False),
    ]
    if has_weights:
        title = "as many weights as the text says, and all of them learn"
        judge = all_of(same_weights(name), all_learn)
        cases.append(Case(title, 1, counted, judge, count_weights))
    return Exercise(reference=reference, cases=cases, hints=hints)


CONV = _exercise(
    Conv,
    [
        "Three layers one after the other. `nn.Sequential(a, b, c)` holds them, and calling it "
        "calls all three.",
        "`nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=1, padding=1)`, then "
        "`nn.BatchNorm2d(out_channels)`, then `nn.GELU()`.",
    ],
    arguments=[[1, 6], [4, 6]],
    shape=lambda channels: [5, channels, 14, 10],
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
    shape=lambda channels: [5, channels, 14, 10],
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
    shape=lambda channels: [5, channels, 7, 5],
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
    shape=lambda channels: [5, channels, 14, 10],
    layers="two `Conv`, one after the other",
)


DOWN_BLOCK = _exercise(
    DownBlock,
    [
        "Make it smaller first, then work on the smaller picture: three convolutions in all.",
        "`DownConv(in_channels, out_channels)`, then `ConvBlock(out_channels, out_channels)`.",
    ],
    arguments=[[6, 3], [4, 6]],
    shape=lambda channels: [5, channels, 14, 10],
    layers="`DownConv`, then `ConvBlock`",
)


UP_BLOCK = _exercise(
    UpBlock,
    [
        "Make it larger first, then work on the larger picture.",
        "`UpConv(in_channels, out_channels)`, then `ConvBlock(out_channels, out_channels)`.",
    ],
    arguments=[[6, 3], [4, 6]],
    shape=lambda channels: [5, channels, 7, 5],
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


# --- UnconditionalUNet ----------------------------------------------------------------------------


def _unet_shapes(generator: torch.Generator) -> Inputs:
    return {
        "builds": [
            {"arguments": arguments, "shape": [draw_count(generator, 2, 9), arguments[0], 28, 28]}
            for arguments in ([1, 3], [3, 4])
        ]
    }


def _nothing(generator: torch.Generator, count: int) -> list:
    return []


_batch = batch_for([1, 4], _nothing)


def _cut_inputs(generator: torch.Generator) -> Inputs:
    """Two pictures, each several times over, in an order nobody knows."""
    x = draw_pictures(generator, 2, 1, 28, 28)
    which = torch.randint(2, (14,), generator=generator)
    return {"arguments": [1, 4], "x": x[torch.cat([torch.arange(2), which])], "sizes": [7, 4, 0]}


def _same_skips(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    if observed["passes"] == expected["passes"]:
        if observed["learns"] == expected["learns"]:
            return Verdict(True)
        if not observed["learns"][2]:
            return Verdict(
                False,
                "No gradient reaches the pictures. Leave out `.detach()`, `.data` and "
                "`torch.no_grad()`.",
            )
        return Verdict(
            False,
            "The skip connections carry numbers, but no gradient: what the way down makes of the "
            "picture has to be passed on as it is, without `.detach()` or `.data`.",
        )
    without_bottleneck, at_full_size, _ = map(any, observed["passes"])
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
    return Verdict(False, "Equal pictures of one batch get different results.")


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
            of_other_widths(_batch),
            all_of(same_weights("UnconditionalUNet"), all_learn),
            count_weights,
        ),
        Case("skip connections lead past the bottleneck", 2, _cut_inputs, _same_skips, cut_paths),
        Case(
            "in training mode, it computes what the drawing says",
            2,
            known_values(_batch, training=True),
            same_function("the result"),
            compute,
            compute_known,
        ),
        Case(
            "in evaluation mode, too",
            1,
            known_values(_batch, training=False),
            same_function("the result in evaluation mode"),
            compute,
            compute_known,
        ),
        learning_case(2, batch_to_learn([1, 4], _nothing, learning_rate=0.02)),
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

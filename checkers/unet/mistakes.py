"""Lesson 11: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from checkers.unet.exercises import (
    CONV,
    CONV_BLOCK,
    DOWN_BLOCK,
    DOWN_CONV,
    FC_BLOCK,
    FLATTEN,
    UNET,
    UNFLATTEN,
    UP_BLOCK,
    UP_CONV,
)


@CONV.mistake(
    "the result is squeezed: in a batch of one picture that removes the dimension "
    "of the batch, too. Leave out `squeeze`."
)
class ConvSqueezed(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(c_in, c_out, 3, 1, 1), nn.BatchNorm2d(c_out)

    def forward(self, x):
        return F.gelu(self.norm(self.conv(x))).squeeze()


@CONV.mistake("BatchNorm comes after GELU. The order is convolution, BatchNorm, GELU.")
def conv_gelu_first(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.GELU(), nn.BatchNorm2d(out_channels)
    )


@CONV.mistake("BatchNorm is missing between the convolution and GELU.")
def conv_without_norm(in_channels, out_channels):
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.GELU())


@CONV.mistake("GELU is missing: the result is that of BatchNorm.")
def conv_without_gelu(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.BatchNorm2d(out_channels)
    )


@CONV.mistake("the activation is ReLU. This network uses GELU, `nn.GELU()`.")
def conv_with_relu(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.BatchNorm2d(out_channels), nn.ReLU()
    )


@CONV.mistake("padding is missing: a 3x3 kernel needs padding=1 to keep the size.")
def conv_without_padding(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3), nn.BatchNorm2d(out_channels), nn.GELU()
    )


@CONV.mistake("the kernel is 1x1: such a convolution never looks at a neighbour.")
def conv_one_by_one_kernel(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels), nn.GELU()
    )


@DOWN_CONV.mistake("the kernel is 4x4. DownConv has a 3x3 kernel; the 4x4 one is UpConv's.")
def down_conv_large_kernel(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 4, 2, 1), nn.BatchNorm2d(out_channels), nn.GELU()
    )


@DOWN_CONV.mistake("the stride is 1: with stride=2 height and width are halved.")
def down_conv_stride_one(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.BatchNorm2d(out_channels), nn.GELU()
    )


@DOWN_CONV.mistake(
    "the convolution keeps the size and pooling halves it. DownConv does both at "
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
    "BatchNorm comes after GELU in DownConv. The order is convolution, BatchNorm, GELU."
)
def down_conv_gelu_first(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 2, 1), nn.GELU(), nn.BatchNorm2d(out_channels)
    )


@DOWN_CONV.mistake("GELU is missing in DownConv: the result is that of BatchNorm.")
def down_conv_without_gelu(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 2, 1), nn.BatchNorm2d(out_channels)
    )


@UP_CONV.mistake(
    "the kernel is 3x3 with output_padding. UpConv has a 4x4 kernel, stride 2, "
    "padding 1; every output pixel then gets equally many contributions."
)
def up_conv_small_kernel(in_channels, out_channels):
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, out_channels, 3, 2, 1, output_padding=1),
        nn.BatchNorm2d(out_channels),
        nn.GELU(),
    )


@UP_CONV.mistake("the kernel is 2x2 without padding. UpConv's is 4x4, padding 1.")
def up_conv_tiny_kernel(in_channels, out_channels):
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, out_channels, 2, 2),
        nn.BatchNorm2d(out_channels),
        nn.GELU(),
    )


@UP_CONV.mistake(
    "the picture is enlarged first and then convolved. UpConv learns how to "
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


@UP_CONV.mistake("BatchNorm comes after GELU in UpConv; GELU should come last.")
def up_conv_gelu_first(in_channels, out_channels):
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1),
        nn.GELU(),
        nn.BatchNorm2d(out_channels),
    )


@UP_CONV.mistake(
    "this is `nn.Conv2d` with stride 2, which makes the picture smaller. "
    "`nn.ConvTranspose2d` makes it larger."
)
def up_conv_downwards(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 4, 2, 1), nn.BatchNorm2d(out_channels), nn.GELU()
    )


@FLATTEN.mistake("GELU is missing after the average. Flatten is AvgPool2d, then GELU.")
def flatten_without_gelu():
    return nn.AvgPool2d(7)


@FLATTEN.mistake("GELU comes before the average. First the average, then GELU.")
def flatten_gelu_first():
    return nn.Sequential(nn.GELU(), nn.AvgPool2d(7))


@FLATTEN.mistake("you take the largest of the 49 values. Flatten takes their average.")
def flatten_by_maximum():
    return nn.Sequential(nn.MaxPool2d(7), nn.GELU())


@FLATTEN.mistake(
    "the two last dimensions are gone. Keep them: (B, C, 1, 1) is a picture of one "
    "pixel, which Unflatten can enlarge."
)
def flatten_to_vectors():
    return nn.Sequential(nn.AvgPool2d(7), nn.GELU(), nn.Flatten())


@FLATTEN.mistake(
    "`squeeze` removes all dimensions of size 1: in a batch of one picture, that of "
    "the batch, too. `x.mean(dim=(2, 3), keepdim=True)` or `nn.AvgPool2d(7)` leaves all four."
)
class FlattenSqueezed(nn.Module):
    def forward(self, x):
        return F.gelu(F.avg_pool2d(x, 7).squeeze())[..., None, None]


@FLATTEN.mistake(
    "this is `nn.Flatten`, which puts all 49 values into a row. Here, flattening "
    "means one number per channel: their average."
)
def flatten_into_a_row():
    return nn.Flatten()


@UNFLATTEN.mistake(
    "the one pixel is copied 49 times. Unflatten learns what to draw: a transposed "
    "convolution with a 7x7 kernel."
)
def unflatten_by_copies(in_channels):
    return nn.Sequential(nn.Upsample(scale_factor=7), nn.BatchNorm2d(in_channels), nn.GELU())


@UNFLATTEN.mistake("BatchNorm and GELU are missing after the transposed convolution.")
def unflatten_bare(in_channels):
    return nn.ConvTranspose2d(in_channels, in_channels, 7, 7)


@UNFLATTEN.mistake("BatchNorm comes after GELU in Unflatten; GELU should come last.")
def unflatten_gelu_first(in_channels):
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, in_channels, 7, 7), nn.GELU(), nn.BatchNorm2d(in_channels)
    )


@UNFLATTEN.mistake("BatchNorm is missing in Unflatten, between convolution and GELU.")
def unflatten_without_norm(in_channels):
    return nn.Sequential(nn.ConvTranspose2d(in_channels, in_channels, 7, 7), nn.GELU())


@UNFLATTEN.mistake("GELU is missing in Unflatten: the result is that of BatchNorm.")
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
    "both convolutions share one BatchNorm, whose running mean then belongs to "
    "neither. Each `Conv` has a BatchNorm of its own."
)
def conv_block_one_norm(in_channels, out_channels):
    return ConvsWithOneNorm(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1),
        nn.Conv2d(out_channels, out_channels, 3, 1, 1),
    )


@CONV_BLOCK.mistake(
    "there is dropout between the two `Conv`. Nothing in ConvBlock is drawn at "
    "random: leave it out."
)
def conv_block_dropout(in_channels, out_channels):
    return nn.Sequential(
        conv(in_channels, out_channels), nn.Dropout2d(0.1), conv(out_channels, out_channels)
    )


@CONV_BLOCK.mistake(
    "the gradient is cut off inside, so that the first `Conv` never learns. Leave "
    "out `.detach()`, `.data` and `torch.no_grad()`."
)
class ConvBlockCut(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.first, self.second = conv(c_in, c_out), conv(c_out, c_out)

    def forward(self, x):
        return self.second(self.first(x).detach())


@CONV_BLOCK.mistake("there is only one `Conv`. ConvBlock has two of them.")
def conv_block_single(in_channels, out_channels):
    return conv(in_channels, out_channels)


@CONV_BLOCK.mistake("there are three `Conv`. ConvBlock has two of them.")
def conv_block_triple(in_channels, out_channels):
    return nn.Sequential(
        conv(in_channels, out_channels),
        conv(out_channels, out_channels),
        conv(out_channels, out_channels),
    )


@CONV_BLOCK.mistake(
    "the first `Conv` keeps the number of channels and the second changes it. It is "
    "the other way round: Conv(in, out), then Conv(out, out)."
)
def conv_block_late(in_channels, out_channels):
    return nn.Sequential(conv(in_channels, in_channels), conv(in_channels, out_channels))


@CONV_BLOCK.mistake("the input is added to the result. ConvBlock has no shortcut.")
class ConvBlockResidual(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.first, self.second = conv(c_in, c_out), conv(c_out, c_out)

    def forward(self, x):
        x = self.first(x)
        return x + self.second(x)


@CONV_BLOCK.mistake("BatchNorm comes after GELU in both `Conv`; GELU comes last.")
def conv_block_gelu_first(in_channels, out_channels):
    return nn.Sequential(
        conv_bn_last(in_channels, out_channels), conv_bn_last(out_channels, out_channels)
    )


@DOWN_BLOCK.mistake(
    "all three convolutions share one BatchNorm, whose running mean then belongs to "
    "none of them. Each has a BatchNorm of its own."
)
def down_block_one_norm(in_channels, out_channels):
    return ConvsWithOneNorm(
        nn.Conv2d(in_channels, out_channels, 3, 2, 1),
        nn.Conv2d(out_channels, out_channels, 3, 1, 1),
        nn.Conv2d(out_channels, out_channels, 3, 1, 1),
    )


@DOWN_BLOCK.mistake("only one `Conv` follows DownConv. A ConvBlock has two.")
def down_block_short(in_channels, out_channels):
    return nn.Sequential(down(in_channels, out_channels), conv(out_channels, out_channels))


@DOWN_BLOCK.mistake("the ConvBlock is missing: this is DownConv alone.")
def down_block_bare(in_channels, out_channels):
    return down(in_channels, out_channels)


@DOWN_BLOCK.mistake(
    "ConvBlock comes before DownConv. The picture is made smaller first; the "
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
    "the ConvBlock changes the number of channels. DownConv does: "
    "DownConv(in, out), ConvBlock(out, out)."
)
def down_block_late_channels(in_channels, out_channels):
    return nn.Sequential(
        down(in_channels, in_channels),
        conv(in_channels, out_channels),
        conv(out_channels, out_channels),
    )


@DOWN_BLOCK.mistake(
    "the picture is made smaller by pooling, without a convolution. DownBlock begins with DownConv."
)
def down_block_pooled(in_channels, out_channels):
    return nn.Sequential(
        nn.MaxPool2d(2), conv(in_channels, out_channels), conv(out_channels, out_channels)
    )


@UP_BLOCK.mistake(
    "all three convolutions share one BatchNorm, whose running mean then belongs to "
    "none of them. Each has a BatchNorm of its own."
)
def up_block_one_norm(in_channels, out_channels):
    return ConvsWithOneNorm(
        nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1),
        nn.Conv2d(out_channels, out_channels, 3, 1, 1),
        nn.Conv2d(out_channels, out_channels, 3, 1, 1),
    )


@UP_BLOCK.mistake("only one `Conv` follows UpConv. A ConvBlock has two.")
def up_block_short(in_channels, out_channels):
    return nn.Sequential(up(in_channels, out_channels), conv(out_channels, out_channels))


@UP_BLOCK.mistake("the ConvBlock is missing: this is UpConv alone.")
def up_block_bare(in_channels, out_channels):
    return up(in_channels, out_channels)


@UP_BLOCK.mistake(
    "ConvBlock comes before UpConv. The picture is made larger first, then worked on."
)
def up_block_late(in_channels, out_channels):
    return nn.Sequential(
        conv(in_channels, out_channels),
        conv(out_channels, out_channels),
        up(out_channels, out_channels),
    )


@UP_BLOCK.mistake(
    "the ConvBlock changes the number of channels. UpConv does: "
    "UpConv(in, out), ConvBlock(out, out)."
)
def up_block_late_channels(in_channels, out_channels):
    return nn.Sequential(
        up(in_channels, in_channels),
        conv(in_channels, out_channels),
        conv(out_channels, out_channels),
    )


@UP_BLOCK.mistake("the picture is enlarged by copying pixels. UpBlock begins with UpConv.")
def up_block_copied(in_channels, out_channels):
    return nn.Sequential(
        nn.Upsample(scale_factor=2),
        conv(in_channels, out_channels),
        conv(out_channels, out_channels),
    )


@FC_BLOCK.mistake(
    "the Linear layers have no bias. Then FCBlock(0) is always 0, and at time 0 it "
    "could say nothing: leave out `bias=False`."
)
def fc_block_without_bias(in_features, out_features):
    return nn.Sequential(
        nn.Linear(in_features, out_features, bias=False),
        nn.GELU(),
        nn.Linear(out_features, out_features, bias=False),
    )


@FC_BLOCK.mistake(
    "one of the two Linear layers has no bias. Both have one: leave out `bias=False`."
)
def fc_block_with_one_bias(in_features, out_features):
    return nn.Sequential(
        nn.Linear(in_features, out_features, bias=False),
        nn.GELU(),
        nn.Linear(out_features, out_features),
    )


@FC_BLOCK.mistake(
    "`squeeze` removes all dimensions of size 1: in a batch of one picture, that of "
    "the batch, too. (B, out_features) needs no `squeeze`."
)
class FCBlockSqueezed(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.hidden, self.out = nn.Linear(c_in, c_out), nn.Linear(c_out, c_out)

    def forward(self, x):
        return self.out(F.gelu(self.hidden(x))).squeeze()


@FC_BLOCK.mistake("there is dropout in FCBlock. Nothing in it is drawn at random: leave it out.")
def fc_block_dropout(in_features, out_features):
    return nn.Sequential(
        nn.Linear(in_features, out_features),
        nn.GELU(),
        nn.Dropout(0.1),
        nn.Linear(out_features, out_features),
    )


@FC_BLOCK.mistake("there is only one Linear. FCBlock has two, with GELU between them.")
def fc_block_single(in_features, out_features):
    return nn.Linear(in_features, out_features)


@FC_BLOCK.mistake(
    "FCBlock is one Linear and GELU. A second Linear follows, so that the "
    "result can "
    "take any value."
)
def fc_block_single_with_gelu(in_features, out_features):
    return nn.Sequential(nn.Linear(in_features, out_features), nn.GELU())


@FC_BLOCK.mistake("GELU is missing between the two Linear: without it they are no better than one.")
def fc_block_without_gelu(in_features, out_features):
    return nn.Sequential(
        nn.Linear(in_features, out_features), nn.Linear(out_features, out_features)
    )


@FC_BLOCK.mistake(
    "there is a GELU at the end, too. The second Linear comes last: its result must "
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
    "the hidden layer has in_features numbers. Later one number, the time, "
    "comes in: "
    "the hidden layer needs out_features numbers to say something about it."
)
def fc_block_narrow(in_features, out_features):
    return nn.Sequential(
        nn.Linear(in_features, in_features), nn.GELU(), nn.Linear(in_features, out_features)
    )


@FC_BLOCK.mistake("the activation in FCBlock is ReLU. This network uses GELU.")
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


@UNET.mistake(
    "the skip connections are detached: they carry numbers, but no gradient. "
    "Concatenate the tensors of the way down as they are."
)
class SkipsDetached(Net):
    def merge(self, below, beside):
        return torch.cat([below, beside.detach()], 1)


@UNET.mistake(
    "only the skip connection at 28 pixels is detached: it carries numbers, but no "
    "gradient. Concatenate the tensor as it is."
)
class LastSkipDetached(Net):
    def merge(self, below, beside):
        return torch.cat([below, beside.detach() if below.shape[-1] == 28 else beside], 1)


@UNET.mistake(
    "the convolutions of a ConvBlock share one BatchNorm. Check `ConvBlock` first: "
    "each `Conv` has a BatchNorm of its own."
)
class NormsShared(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        blocks = (self.b0, self.b1[1], self.b2[1], self.u1[1], self.u2[1], self.b3)
        for first, second in blocks:
            second[1] = first[1]


@UNET.mistake(
    "the result of Flatten is squeezed: in a batch of one picture that removes the "
    "dimension of the batch, too. Leave it (B, 2D, 1, 1)."
)
class Squeezed(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        self.flat = FlatSqueezed()


class FlatSqueezed(nn.Module):
    def forward(self, x):
        return F.gelu(F.avg_pool2d(x, 7)).squeeze()[..., None, None]


@UNET.mistake("there is dropout in the network. Nothing in it is drawn at random: leave it out.")
class WithDropout(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        self.flat = nn.Sequential(nn.AvgPool2d(7), nn.GELU(), nn.Dropout(0.1))


@UNET.mistake(
    "more than the picture is returned. Return the one tensor of shape "
    "(B, C, 28, 28) and nothing else."
)
class ReturnsMore(Net):
    def forward(self, x):
        return super().forward(x), self.b0(x)


@UNET.mistake(
    "the skip connections are added. They are concatenated, `torch.cat(..., "
    "dim=1)`, "
    "so that the next block sees both and chooses."
)
class SkipsAdded(Net):
    def __init__(self, c, d):
        super().__init__(c, d, join=1)

    def merge(self, below, beside):
        return below + beside


@UNET.mistake(
    "there are no skip connections: everything goes through the bottleneck, which "
    "has only 2D numbers for a whole picture."
)
class NoSkips(Net):
    def __init__(self, c, d):
        super().__init__(c, d, join=1)

    def merge(self, below, beside):
        return below


@UNET.mistake(
    "each tensor is concatenated with itself. Concatenate it with what the way down "
    "gave at the same size."
)
class JoinedWithItself(Net):
    def merge(self, below, beside):
        return torch.cat([below, below], 1)


@UNET.mistake("the last layer is a 1x1 convolution; in the drawing it is 3x3.")
class LastOneByOne(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        self.last = nn.Conv2d(d, c, 1)


@UNET.mistake(
    "GELU follows the last convolution. The result must be able to take any value; "
    "GELU gives nothing below -0.17."
)
class LastWithGelu(Net):
    def forward(self, x):
        return F.gelu(super().forward(x))


@UNET.mistake(
    "a sigmoid follows the last convolution. It fits pictures in [0, 1], but later "
    "the network predicts noise, which takes any value."
)
class LastWithSigmoid(Net):
    def forward(self, x):
        return torch.sigmoid(super().forward(x))


@UNET.mistake("the last layer is a `Conv`, with BatchNorm and GELU. It is a bare `nn.Conv2d`.")
class LastWithNormAndGelu(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        self.last = conv(d, c)


@UNET.mistake("Flatten has no GELU: after AvgPool2d comes GELU.")
class FlattenWithoutGelu(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        self.flat = nn.AvgPool2d(7)


@UNET.mistake(
    "BatchNorm comes after GELU in your `Conv`. Check `Conv` first: convolution, BatchNorm, GELU."
)
class NormAfterGelu(Net):
    def __init__(self, c, d):
        super().__init__(c, d, conv=conv_bn_last)


def down_4x4(in_channels, out_channels):
    return gelu_norm(nn.Conv2d(in_channels, out_channels, 4, 2, 1), out_channels)


@UNET.mistake("DownConv has a 4x4 kernel. It is 3x3; the 4x4 kernel is UpConv's.")
class DownWithLargeKernel(Net):
    def __init__(self, c, d):
        super().__init__(c, d, down=down_4x4)


@UNET.mistake(
    "the block before the last layer is missing: after the last concatenation comes "
    "ConvBlock(2D, D), then the convolution."
)
class NoLastBlock(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        self.b3 = nn.Identity()
        self.last = nn.Conv2d(2 * d, c, 3, 1, 1)


@UNET.mistake(
    "the result is added to the input. This network gives the picture itself, not a "
    "correction to it."
)
class InputAdded(Net):
    def forward(self, x):
        return x + super().forward(x)


@UNET.mistake(
    "the bottleneck is skipped: Flatten and Unflatten lie between the last "
    "DownBlock "
    "and the first concatenation."
)
class NoBottleneck(Net):
    def __init__(self, c, d):
        super().__init__(c, d)
        self.flat = self.unflat = nn.Identity()

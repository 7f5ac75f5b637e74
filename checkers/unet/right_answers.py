"""Lesson 11: other right answers, in other styles; each must pass."""

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


def three(layer, channels, norm=nn.BatchNorm2d, gelu=nn.GELU):
    return nn.Sequential(layer, norm(channels), gelu())


def conv(c_in, c_out):
    return three(nn.Conv2d(c_in, c_out, 3, 1, 1), c_out)


def down(c_in, c_out):
    return three(nn.Conv2d(c_in, c_out, 3, 2, 1), c_out)


def up(c_in, c_out):
    return three(nn.ConvTranspose2d(c_in, c_out, 4, 2, 1), c_out)


class OneByOne(nn.Module):
    """Convolution, BatchNorm and GELU, each called by itself."""

    def __init__(self, conv, channels):
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(channels), conv

    def forward(self, x):
        return F.gelu(input=self.norm(self.conv(x)))


# The small operations.
@CONV.right_answer
def conv_one_by_one(c_in, c_out):
    return OneByOne(nn.Conv2d(c_in, c_out, 3, padding="same", bias=False), c_out)


@CONV.right_answer
def conv_lazy(c_in, c_out):
    return nn.Sequential(nn.LazyConv2d(c_out, 3, 1, 1), nn.LazyBatchNorm2d(), nn.GELU("tanh"))


class WrittenGelu(nn.Module):
    """The formula of its tanh form (Hendrycks & Gimpel 2016, arXiv 1606.08415, section 2)."""

    def forward(self, x):
        return 0.5 * x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))


def conv_written(c_in, c_out):
    return three(nn.Conv2d(c_in, c_out, 3, 1, 1), c_out, gelu=WrittenGelu)


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


def conv_own_norm(c_in, c_out):
    return three(nn.Conv2d(c_in, c_out, 3, 1, 1), c_out, norm=OwnNorm)


@CONV.right_answer
def conv_norm_by_hand(c_in, c_out):
    return three(nn.Conv2d(c_in, c_out, 3, 1, 1), c_out, norm=NormByHand)


@CONV.right_answer
def conv_starting_at_zero(c_in, c_out):
    layers = conv(c_in, c_out)
    nn.init.zeros_(layers[0].bias)
    nn.init.zeros_(layers[1].weight)
    return layers


@CONV.right_answer
def conv_transposed(c_in, c_out):
    return three(nn.ConvTranspose2d(c_in, c_out, 3, padding=1), c_out)


@DOWN_CONV.right_answer
def down_conv_one_by_one(c_in, c_out):
    return OneByOne(nn.Conv2d(c_in, c_out, (3, 3), (2, 2), (1, 1)), c_out)


@DOWN_CONV.right_answer
def down_conv_lazy(c_in, c_out):
    layer = nn.Conv2d(c_in, c_out, 3, stride=2, bias=False)
    return nn.Sequential(nn.ZeroPad2d(1), layer, nn.BatchNorm2d(c_out, momentum=0.01), nn.GELU())


@UP_CONV.right_answer
def up_conv_one_by_one(c_in, c_out):
    return OneByOne(nn.ConvTranspose2d(c_in, c_out, 4, 2, 1), c_out)


@UP_CONV.right_answer
def up_conv_without_bias(c_in, c_out):
    return three(nn.LazyConvTranspose2d(c_out, 4, stride=2, padding=1, bias=False), c_out)


class BetweenZeros(nn.Conv2d):
    """A transposed convolution as a convolution of pixels with zeros between and around them."""

    def forward(self, x):
        apart = F.pad(x[:, :, :, None, :, None], (0, 1, 0, 0, 0, 1)).flatten(4).flatten(2, 3)
        return super().forward(F.pad(apart, (2, 1, 2, 1)))


@UP_CONV.right_answer
def up_conv_between_zeros(c_in, c_out):
    return three(BetweenZeros(c_in, c_out, 4), c_out)


@FLATTEN.right_answer
class FlattenByMean(nn.Module):
    def forward(self, x):
        return F.gelu(x.mean(dim=(2, 3), keepdim=True))


@FLATTEN.right_answer
def flatten_adaptive():
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.GELU(approximate="tanh"))


@UNFLATTEN.right_answer
def unflatten_stride_one(channels):
    return OneByOne(nn.ConvTranspose2d(channels, channels, 7), channels)


@UNFLATTEN.right_answer
def unflatten_in_a_row(channels):
    return three(nn.ConvTranspose2d(channels, channels, (7, 7), (7, 7), bias=False), channels)


@UNFLATTEN.right_answer
def unflatten_among_zeros(channels):
    return three(nn.Conv2d(channels, channels, 7, padding=6), channels, norm=NormByHand)


# The blocks.
class Backwards(nn.Module):
    """The first layer is made last."""

    def __init__(self, first, c_in, c_out, more=2):
        super().__init__()
        self.others = nn.ModuleList([conv(c_out, c_out) for _ in range(more)])
        self.first = first(c_in, c_out)

    def forward(self, x):
        x = self.first(x)
        for layer in self.others:
            x = layer(x)
        return x


@CONV_BLOCK.right_answer
def conv_block_flat(c_in, c_out):
    return nn.Sequential(*conv(c_in, c_out), *conv(c_out, c_out))


@CONV_BLOCK.right_answer
def conv_block_second_first(c_in, c_out):
    return Backwards(conv, c_in, c_out, more=1)


@DOWN_BLOCK.right_answer
def down_block_flat(c_in, c_out):
    return nn.Sequential(*down(c_in, c_out), *conv(c_out, c_out), *conv(c_out, c_out))


@DOWN_BLOCK.right_answer
def down_block_backwards(c_in, c_out):
    return Backwards(down, c_in, c_out)


@UP_BLOCK.right_answer
def up_block_flat(c_in, c_out):
    return nn.Sequential(*up(c_in, c_out), *conv(c_out, c_out), *conv(c_out, c_out))


@UP_BLOCK.right_answer
def up_block_backwards(c_in, c_out):
    return Backwards(up, c_in, c_out)


@FC_BLOCK.right_answer
class FCBlockFunctional(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.out, self.hidden = nn.Linear(c_out, c_out), nn.Linear(c_in, c_out)

    def forward(self, x):
        return self.out(F.gelu(self.hidden(x)))


def two_linear(c_in, c_out, gelu="none"):
    return nn.Sequential(nn.Linear(c_in, c_out), nn.GELU(gelu), nn.Linear(c_out, c_out))


@FC_BLOCK.right_answer
def fc_block_for_pictures(c_in, c_out):
    return nn.Sequential(*two_linear(c_in, c_out, gelu="tanh"), nn.Unflatten(1, (c_out, 1, 1)))


@FC_BLOCK.right_answer
def fc_block_starting_at_zero(c_in, c_out):
    block = two_linear(c_in, c_out)
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
        self.b, self.c = nn.Parameter(torch.zeros(c_out)), nn.Parameter(torch.randn(1, c_out))

    def forward(self, x):
        return F.gelu(x @ self.w + self.b) @ self.v + self.c


@FC_BLOCK.right_answer
class FCBlockOfPixels(nn.Module):
    """1x1 convolutions of pictures of one pixel."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.hidden, self.out = nn.Conv2d(c_in, c_out, 1), nn.Conv2d(c_out, c_out, 1)

    def forward(self, x):
        return self.out(F.gelu(self.hidden(x[:, :, None, None])))


# The U-Net.
def two(c_in, c_out, conv=conv):
    return nn.Sequential(conv(c_in, c_out), conv(c_out, c_out))


def stage(first, c_in, c_out, conv=conv):
    return nn.Sequential(first(c_in, c_out), two(c_out, c_out, conv))


class Net(nn.Module):
    """The drawing; those derived from it do one thing in another way."""

    def __init__(self, c, d, conv=conv):
        super().__init__()
        self.b0 = two(c, d, conv)
        self.b1 = stage(down, d, d, conv)
        self.b2 = stage(down, d, 2 * d, conv)
        self.flat = nn.Sequential(nn.AvgPool2d(7), nn.GELU())
        self.unflat = three(nn.ConvTranspose2d(2 * d, 2 * d, 7, 7), 2 * d)
        self.u1 = stage(up, 4 * d, d, conv)
        self.u2 = stage(up, 2 * d, d, conv)
        self.b3 = two(2 * d, d, conv)
        self.last = nn.Conv2d(d, c, 3, 1, 1)

    def forward(self, x):
        x0 = self.b0(x)
        x1 = self.b1(x0)
        x2 = self.b2(x1)
        y = self.unflat(self.flat(x2))
        y = self.u1(torch.cat([y, x2], 1))
        y = self.u2(torch.cat([y, x1], 1))
        return self.last(self.b3(torch.cat([y, x0], 1)))


@UNET.right_answer
class UNetOtherOrder(nn.Module):
    """Layers made backwards, the ways down and up as loops, skips put first."""

    def __init__(self, c, d):
        super().__init__()
        self.last = nn.Conv2d(d, c, 3, 1, 1)
        self.ups = nn.ModuleList([two(2 * d, d), stage(up, 2 * d, d), stage(up, 4 * d, d)])
        self.wide, self.norm = nn.ConvTranspose2d(2 * d, 2 * d, 7, 7), nn.BatchNorm2d(2 * d)
        self.downs = nn.ModuleList([two(c, d), stage(down, d, d), stage(down, d, 2 * d)])

    def forward(self, x):
        skips = []
        for part in self.downs:
            x = part(x)
            skips.append(x)
        x = F.gelu(self.norm(self.wide(F.gelu(F.avg_pool2d(x, x.shape[-1])))))
        for part in reversed(self.ups):
            x = part(torch.cat((skips.pop(), x), dim=-3))
        return self.last(x)


def conv_plain(c_in, c_out):
    return three(nn.Conv2d(c_in, c_out, 3, 1, 1, bias=False), c_out, gelu=lambda: nn.GELU("tanh"))


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
        z = self.u2(torch.cat([self.u1(torch.cat([z, c], 1)), b], 1))
        return self.parts["tail"](self.b3(torch.cat([a, z], 1)))


@UNET.right_answer
def unet_mixing_gelus(c, d):
    """GELU written out in some layers, torch's own in the others."""
    return Net(c, d, conv=conv_written)


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
def unet_with_own_norms(c, d):
    return Net(c, d, conv=conv_own_norm)


# no decorators: U-Nets above are made of them
CONV.right_answer(conv_written)
CONV.right_answer(conv_own_norm)

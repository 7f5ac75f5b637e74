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


@FLATTEN.right_answer
class FlattenByMean(nn.Module):
    def forward(self, x):
        return F.gelu(x.mean(dim=(2, 3), keepdim=True))


@FLATTEN.right_answer
def flatten_adaptive():
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.GELU(approximate="tanh"))


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


# Blocks, made of these.
def conv(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.BatchNorm2d(out_channels), nn.GELU()
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


# no decorators: U-Nets above are made of them
CONV.right_answer(conv_written)
CONV.right_answer(conv_own_norm)

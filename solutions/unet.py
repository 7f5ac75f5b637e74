"""Lesson 11: the operations of a small U-Net, and the U-Net itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = [
    "Conv",
    "ConvBlock",
    "DownBlock",
    "DownConv",
    "FCBlock",
    "Flatten",
    "UnconditionalUNet",
    "Unflatten",
    "UpBlock",
    "UpConv",
]


class Conv(nn.Module):
    """3x3 convolution, stride 1, padding 1; then BatchNorm; then GELU.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=1, padding=1),
            nn.BatchNorm2d(out_channels),
            nn.GELU(),
        )
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, in_channels, H, W) into (B, out_channels, H, W)."""
        ### BEGIN SOLUTION
        return self.layers(x)
        ### END SOLUTION


class DownConv(nn.Module):
    """3x3 convolution, stride 2, padding 1; then BatchNorm; then GELU.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=2, padding=1),
            nn.BatchNorm2d(out_channels),
            nn.GELU(),
        )
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, in_channels, H, W) into (B, out_channels, H/2, W/2)."""
        ### BEGIN SOLUTION
        return self.layers(x)
        ### END SOLUTION


class UpConv(nn.Module):
    """4x4 transposed convolution, stride 2, padding 1; then BatchNorm; then GELU.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(in_channels, out_channels, kernel_size=4, stride=2, padding=1),
            nn.BatchNorm2d(out_channels),
            nn.GELU(),
        )
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, in_channels, H, W) into (B, out_channels, 2H, 2W)."""
        ### BEGIN SOLUTION
        return self.layers(x)
        ### END SOLUTION


class Flatten(nn.Module):
    """7x7 average pooling, then GELU."""

    def __init__(self) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.layers = nn.Sequential(nn.AvgPool2d(7), nn.GELU())
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, C, 7, 7) into (B, C, 1, 1)."""
        ### BEGIN SOLUTION
        return self.layers(x)
        ### END SOLUTION


class Unflatten(nn.Module):
    """7x7 transposed convolution, stride 7, no padding; then BatchNorm; then GELU.

    Args:
        in_channels: channels of the input and of the result.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(in_channels, in_channels, kernel_size=7, stride=7, padding=0),
            nn.BatchNorm2d(in_channels),
            nn.GELU(),
        )
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, C, 1, 1) into (B, C, 7, 7)."""
        ### BEGIN SOLUTION
        return self.layers(x)
        ### END SOLUTION


class ConvBlock(nn.Module):
    """Two `Conv`, the first of which changes the number of channels.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.layers = nn.Sequential(
            Conv(in_channels, out_channels), Conv(out_channels, out_channels)
        )
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, in_channels, H, W) into (B, out_channels, H, W)."""
        ### BEGIN SOLUTION
        return self.layers(x)
        ### END SOLUTION


class DownBlock(nn.Module):
    """`DownConv`, which changes the number of channels, then `ConvBlock`.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.layers = nn.Sequential(
            DownConv(in_channels, out_channels), ConvBlock(out_channels, out_channels)
        )
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, in_channels, H, W) into (B, out_channels, H/2, W/2)."""
        ### BEGIN SOLUTION
        return self.layers(x)
        ### END SOLUTION


class UpBlock(nn.Module):
    """`UpConv`, which changes the number of channels, then `ConvBlock`.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.layers = nn.Sequential(
            UpConv(in_channels, out_channels), ConvBlock(out_channels, out_channels)
        )
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, in_channels, H, W) into (B, out_channels, 2H, 2W)."""
        ### BEGIN SOLUTION
        return self.layers(x)
        ### END SOLUTION


class FCBlock(nn.Module):
    """Linear from in_features to out_features, GELU, Linear from out_features to out_features.

    Args:
        in_features: numbers that come in.
        out_features: numbers that go out; the hidden layer has as many.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.layers = nn.Sequential(
            nn.Linear(in_features, out_features),
            nn.GELU(),
            nn.Linear(out_features, out_features),
        )
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, in_features) into (B, out_features)."""
        ### BEGIN SOLUTION
        return self.layers(x)
        ### END SOLUTION


class UnconditionalUNet(nn.Module):
    """A small U-Net for 28x28 pictures (after Ronneberger et al. 2015, arXiv 1505.04597).

    Args:
        in_channels: channels of the pictures: 1 for MNIST.
        num_hiddens: D, the channels inside.
    """

    def __init__(self, in_channels: int, num_hiddens: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.enter = ConvBlock(in_channels, num_hiddens)
        self.down1 = DownBlock(num_hiddens, num_hiddens)
        self.down2 = DownBlock(num_hiddens, 2 * num_hiddens)
        self.flatten = Flatten()
        self.unflatten = Unflatten(2 * num_hiddens)
        self.up1 = UpBlock(4 * num_hiddens, num_hiddens)
        self.up2 = UpBlock(2 * num_hiddens, num_hiddens)
        self.leave = ConvBlock(2 * num_hiddens, num_hiddens)
        self.last = nn.Conv2d(num_hiddens, in_channels, kernel_size=3, stride=1, padding=1)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, in_channels, 28, 28) into the same shape."""
        ### BEGIN SOLUTION
        at_28 = self.enter(x)
        at_14 = self.down1(at_28)
        at_7 = self.down2(at_14)
        unflattened = self.unflatten(self.flatten(at_7))
        up_to_14 = self.up1(torch.cat([unflattened, at_7], dim=1))
        up_to_28 = self.up2(torch.cat([up_to_14, at_14], dim=1))
        return self.last(self.leave(torch.cat([up_to_28, at_28], dim=1)))
        ### END SOLUTION

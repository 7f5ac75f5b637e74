"""The block of which lesson 20 builds its U-Net: convolutions that listen to a vector."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

GROUPS = 4
_FIRST = {"down": (nn.Conv2d, 3, 2), "up": (nn.ConvTranspose2d, 4, 2)}


class TextBlock(nn.Module):
    """Two 3x3 convolutions, each with GroupNorm and GELU; then what is told scales and shifts.

    GroupNorm (Wu and He 2018, arXiv 1803.08494) stands where lesson 11 had BatchNorm: it takes mean
    and variance of each picture by itself, so that pictures of a batch with other prompts and
    other noise don't disturb each other. What is told acts as in FiLM (Perez et al. 2017, arXiv
    1709.07871): channel c becomes x_c (1 + scale_c) + shift_c.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result, a multiple of 4.
        num_told: how many numbers the vector has.
        resize: "down" halves the size first, "up" doubles it, "" leaves it.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_told: int,
        resize: Literal["", "down", "up"] = "",
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if resize:
            kind, kernel_size, stride = _FIRST[resize]
            layers += _normalised(kind(in_channels, out_channels, kernel_size, stride, 1))
            in_channels = out_channels
        layers += _normalised(nn.Conv2d(in_channels, out_channels, 3, 1, 1))
        layers += _normalised(nn.Conv2d(out_channels, out_channels, 3, 1, 1))
        self.layers = nn.Sequential(*layers)
        self.scale = nn.Linear(num_told, out_channels)
        self.shift = nn.Linear(num_told, out_channels)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Turn (B, in_channels, H, W) and the vectors (B, num_told) into (B, out_channels, ...)."""
        scale, shift = (part(told)[:, :, None, None] for part in (self.scale, self.shift))
        return self.layers(x) * (1 + scale) + shift


def _normalised(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [convolution, nn.GroupNorm(GROUPS, convolution.out_channels), nn.GELU()]

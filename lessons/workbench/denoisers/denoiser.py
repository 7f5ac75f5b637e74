"""The one small interface behind which every denoiser of part A hides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

PICTURE_SHAPE = (3, 64, 64)
NUM_TRAIN_TIMESTEPS = 1000
_SINGLE_PRECISION = frozenset({"mps"})  # devices that have no float64


class NoiseEstimate(NamedTuple):
    """What a denoiser says about a noisy picture.

    Attributes:
        noise: (B, 3, 64, 64), the estimate of the noise eps in
            x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps (DDPM, Ho et al. 2020, equation 4).
        variance: (B, 3, 64, 64) in [-1, 1], where the variance of one reverse step lies between
            its smallest (-1) and its largest (+1) sensible value, interpolated in the logarithm
            (Nichol & Dhariwal 2021, arXiv 2102.09672, equation 15); for `Denoiser.add_variance`.
    """

    noise: Tensor
    variance: Tensor


class Denoiser(ABC):
    """A pretrained, text-conditioned denoiser for 64x64 pictures in [-1, 1].

    Attributes:
        name: "atlas" or "deepfloyd", or the name of an exact world.
        alphas_cumprod: (1000,) float32: abar_t for t = 0 (nearly clean) to 999 (noise). On the CPU
            whatever the device: one of its entries multiplies pictures anywhere.
        device: where the denoiser works. Pictures may come from elsewhere; answers go back to them.
        dtype: the floating point type it works in.
    """

    name: str
    alphas_cumprod: Tensor
    device: torch.device
    dtype: torch.dtype

    @abstractmethod
    def embed(self, prompt: str | Sequence[str]) -> Tensor:
        """Turn n prompts into an (n, ...) tensor; "" is the unconditional prompt.

        Raises:
            PromptError: if the denoiser can make nothing of a prompt.
        """

    @abstractmethod
    def __call__(self, x_t: Tensor, t: int | Tensor, prompt_embeds: Tensor) -> NoiseEstimate:
        """Estimate the noise in `x_t`.

        Args:
            x_t: (B, 3, 64, 64) noisy pictures.
            t: the timestep, 0 to 999: an int, a 0-d tensor, or a (B,) tensor.
            prompt_embeds: (B, ...) or (1, ...), rows of `embed`.

        Raises:
            ValueError: if a shape or a timestep does not fit, in one sentence.
        """

    def add_variance(
        self,
        x: Tensor,
        variance: Tensor,
        t: int | Tensor,
        t_prev: int | Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Add the random part of one reverse step from `t` to the earlier `t_prev`.

        The standard deviation lies between the posterior's own, beta_tilde (DDPM equation 7), and
        beta = 1 - abar_t / abar_t_prev, interpolated in the logarithm by `variance`
        (Nichol & Dhariwal 2021, equation 15).

        Args:
            x: (B, 3, 64, 64), the mean of the step.
            variance: (B, 3, 64, 64), `NoiseEstimate.variance` from the same step.
            t: the timestep the step starts from.
            t_prev: the timestep it leads to, smaller than `t`.
            generator: draws the noise; the global generator if None.

        Returns:
            (B, 3, 64, 64): `x` plus noise.

        Raises:
            ValueError: if not 0 <= t_prev < t < 1000.
        """
        t, t_prev = self._check_step(t, t_prev)
        precise = torch.float32 if x.device.type in _SINGLE_PRECISION else torch.float64
        abar_t = self.alphas_cumprod[t].to(precise)
        abar_prev = self.alphas_cumprod[t_prev].to(precise)
        largest = 1 - abar_t / abar_prev
        smallest = largest * (1 - abar_prev) / (1 - abar_t)
        fraction = (variance.to(precise) + 1) / 2
        log_variance = fraction * largest.log() + (1 - fraction) * smallest.log()
        return x + (torch.exp(log_variance / 2)).to(x.dtype) * self._draw(x, generator)

    def _check_step(self, t: int | Tensor, t_prev: int | Tensor) -> tuple[int, int]:
        t, t_prev = int(t), int(t_prev)
        if not 0 <= t_prev < t < NUM_TRAIN_TIMESTEPS:
            raise ValueError(
                f"add_variance needs 0 <= t_prev < t < {NUM_TRAIN_TIMESTEPS}, "
                f"but got t = {t} and t_prev = {t_prev}."
            )
        return t, t_prev

    def _draw(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Draw standard normal noise like `x`; a generator draws on its own device only."""
        drawn_on = x.device if generator is None else generator.device
        noise = torch.randn(x.shape, generator=generator, device=drawn_on, dtype=torch.float32)
        return noise.to(x.device, x.dtype)


class PromptError(ValueError):
    """A prompt the denoiser can make nothing of; the message suggests what to write instead."""

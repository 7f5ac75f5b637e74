"""A world in which a sampling loop draws nothing, so that every step can be compared exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lessons.workbench.denoisers import GaussianDenoiser, NoiseEstimate


class QuietWorld(GaussianDenoiser):
    """A Gaussian world whose `add_variance` adds nothing and writes down what it was given.

    Its estimates of the variance differ from step to step, prompt to prompt and pixel to pixel, so
    that it shows which of them a loop uses; and from world to world, so that it shows whose.

    Args:
        means: a mean picture for each prompt.
        std: the standard deviation of every pixel.
        dtype: of the pictures.

    Attributes:
        added: for each call of `add_variance`, {"t", "t_prev", "variance"}.
    """

    name = "quiet"

    def __init__(self, means: Mapping[str, Tensor], std: float, dtype: torch.dtype) -> None:
        super().__init__(means, std, record=True, dtype=dtype)
        self.added: list[dict[str, Any]] = []
        self.own_phase = 1e3 * float(self.means.double().mean()) % math.tau

    def embed(self, prompt: str | Sequence[str]) -> Tensor:
        """Return (n, 1, 1): embeddings may have any number of dimensions, as DeepFloyd IF's."""
        return super().embed(prompt)[..., None]

    def __call__(self, x_t: Tensor, t: int | Tensor, prompt_embeds: Tensor) -> NoiseEstimate:
        """Return the exact noise estimate with a variance that tells where it comes from."""
        noise = super().__call__(x_t, t, prompt_embeds).noise
        rows = (-1, *[1] * len(self.picture_shape))
        places = torch.arange(noise[0].numel(), dtype=noise.dtype).reshape(noise[0].shape)
        phase = 0.02 * torch.as_tensor(t).reshape(rows) + 1.5 * prompt_embeds.reshape(rows)
        phase = phase + self.own_phase
        return NoiseEstimate(noise, torch.sin(places + phase).expand_as(noise))

    def add_variance(
        self,
        x: Tensor,
        variance: Tensor,
        t: int | Tensor,
        t_prev: int | Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return `x` as it is."""
        t, t_prev = self._check_step(t, t_prev)
        self.added.append({"t": t, "t_prev": t_prev, "variance": torch.as_tensor(variance).clone()})
        return x

    def asked(self) -> list[int]:
        """The timesteps the denoiser was asked at; several calls in a row at one count once."""
        steps = [call.timesteps[0] for call in self.calls]
        return [t for i, t in enumerate(steps) if i == 0 or t != steps[i - 1]]

    def first_shown(self) -> Tensor | None:
        """(n, ...), the pictures of the first call, which may hold them several times over."""
        return self.calls[0].x_t if self.calls else None

"""Worlds whose best denoiser is known in closed form, to judge a sampling loop by.

A loop that is right must hit the one picture of `PointDenoiser` and must draw from the Gaussian of
`GaussianDenoiser`; no trained network and no tolerance for its errors come in between.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lessons.workbench.denoisers.denoiser import (
    NUM_TRAIN_TIMESTEPS,
    Denoiser,
    NoiseEstimate,
    PromptError,
)
from lessons.workbench.denoisers.noise_schedule import squared_cosine_alphas_cumprod
from lessons.workbench.denoisers.prompts import read_prompts


@dataclass(frozen=True)
class Call:
    """How a denoiser was called once.

    Attributes:
        x_t: the noisy pictures, copied.
        timesteps: one for each picture.
        prompts: the prompt of each picture.
    """

    x_t: Tensor
    timesteps: tuple[int, ...]
    prompts: tuple[str, ...]


class ExactWorld(Denoiser):
    """What the exact worlds share: prompts that name their data, and a record of calls.

    Attributes:
        calls: every call so far, oldest first, if `record` was asked for.
    """

    def __init__(
        self,
        prompts: Sequence[str],
        picture_shape: tuple[int, ...],
        *,
        record: bool = False,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.prompts = tuple(prompts)
        self.picture_shape = tuple(picture_shape)
        self.device = torch.device(device)
        self.dtype = dtype
        self.alphas_cumprod = squared_cosine_alphas_cumprod(NUM_TRAIN_TIMESTEPS).to(self.device)
        self.calls: list[Call] = []
        self._record = record

    def embed(self, prompt: str | Sequence[str]) -> Tensor:
        """Return (n, 1) int64: the place of each prompt in `prompts`.

        Raises:
            PromptError: if a prompt is not one of `prompts`.
        """
        asked = read_prompts(prompt)
        for text in asked:
            if text not in self.prompts:
                known = ", ".join(repr(p) for p in self.prompts)
                raise PromptError(f"This world has no prompt {text!r}; it has {known}.")
        return torch.tensor([[self.prompts.index(text)] for text in asked], device=self.device)

    @abstractmethod
    def posterior_mean(self, x_t: Tensor, abar: Tensor, which: Tensor) -> Tensor:
        """Return the mean of x_0 given x_t, shaped as `x_t`.

        Args:
            x_t: (B, ...).
            abar: (B, 1, ...), one for each picture.
            which: (B,), the place of each picture's prompt.
        """

    @torch.no_grad()
    def __call__(self, x_t: Tensor, t: int | Tensor, prompt_embeds: Tensor) -> NoiseEstimate:
        """Return the exact noise estimate, with variance -1; see `Denoiser`."""
        if tuple(x_t.shape[1:]) != self.picture_shape:
            raise ValueError(
                f"x_t must be (B, {', '.join(map(str, self.picture_shape))}), "
                f"but got {tuple(x_t.shape)}."
            )
        batch = len(x_t)
        timesteps = torch.as_tensor(t, device=self.device).reshape(-1).long()
        which = prompt_embeds.reshape(-1).long()
        if len(timesteps) not in (1, batch) or len(which) not in (1, batch):
            raise ValueError(f"t and prompt_embeds must have one row, or {batch} as x_t has.")
        if not bool(((timesteps >= 0) & (timesteps < NUM_TRAIN_TIMESTEPS)).all()):
            raise ValueError(f"t must lie between 0 and 999, but got {timesteps.tolist()}.")
        timesteps, which = timesteps.expand(batch), which.expand(batch)
        if self._record:
            names = tuple(self.prompts[i] for i in which.tolist())
            self.calls.append(Call(x_t.clone(), tuple(timesteps.tolist()), names))
        x_t = x_t.to(self.dtype)
        abar = self.alphas_cumprod[timesteps].to(self.dtype)
        abar = abar.reshape(-1, *[1] * len(self.picture_shape))
        x_0 = self.posterior_mean(x_t, abar, which)
        noise = (x_t - abar.sqrt() * x_0) / (1 - abar).sqrt()
        return NoiseEstimate(noise, torch.full_like(noise, -1.0))


class PointDenoiser(ExactWorld):
    """A world in which each prompt has one picture; the estimate of x_0 is that picture.

    Args:
        points: one picture of any shape, for all prompts "", or a picture for each prompt.
        record: keep every call in `calls`.
        device: where pictures are expected.
        dtype: of the pictures.
    """

    name = "point"

    def __init__(
        self,
        points: Tensor | Mapping[str, Tensor],
        *,
        record: bool = False,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        points = {"": points} if isinstance(points, Tensor) else dict(points)
        self.points = torch.stack(list(points.values())).to(device, dtype)
        shape = tuple(self.points.shape[1:])
        super().__init__(list(points), shape, record=record, device=device, dtype=dtype)

    def posterior_mean(self, x_t: Tensor, abar: Tensor, which: Tensor) -> Tensor:
        """Return the prompt's picture, whatever x_t is."""
        return self.points[which].expand_as(x_t)


class GaussianDenoiser(ExactWorld):
    """A world in which each prompt's pictures are N(mean, std^2), every pixel on its own.

    `add_variance` adds the exact variance of x_t_prev given x_t, so that a right loop draws from
    the Gaussian exactly, however few its steps.

    Args:
        means: one mean picture of any shape, for the prompt "", or one for each prompt.
        std: the standard deviation of every pixel.
        record: keep every call in `calls`.
        device: where pictures are expected.
        dtype: of the pictures.
    """

    name = "gaussian"

    def __init__(
        self,
        means: Tensor | Mapping[str, Tensor],
        std: float,
        *,
        record: bool = False,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if std <= 0:
            raise ValueError(f"A Gaussian needs a positive standard deviation, not {std}.")
        means = {"": means} if isinstance(means, Tensor) else dict(means)
        self.means = torch.stack(list(means.values())).to(device, dtype)
        self.std = std
        shape = tuple(self.means.shape[1:])
        super().__init__(list(means), shape, record=record, device=device, dtype=dtype)

    def posterior_mean(self, x_t: Tensor, abar: Tensor, which: Tensor) -> Tensor:
        """Return mean + gain (x_t - sqrt(abar) mean), the linear-Gaussian posterior mean."""
        mean, variance = self.means[which], self.std**2
        gain = abar.sqrt() * variance / (abar * variance + 1 - abar)
        return mean + gain * (x_t - abar.sqrt() * mean)

    def add_variance(
        self,
        x: Tensor,
        variance: Tensor,
        t: int | Tensor,
        t_prev: int | Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Add noise with the exact variance of the step, for which `variance` is not needed.

        x_t_prev given x_t has the variance beta_tilde + c^2 Var(x_0 | x_t), where c is the weight
        of x_0 in the posterior mean (DDPM, Ho et al. 2020, equation 7).
        """
        t, t_prev = self._check_step(t, t_prev)
        abar_t, abar_prev = (float(self.alphas_cumprod[step]) for step in (t, t_prev))
        beta = 1 - abar_t / abar_prev
        weight = abar_prev**0.5 * beta / (1 - abar_t)
        unknown = self.std**2 * (1 - abar_t) / (abar_t * self.std**2 + 1 - abar_t)
        step_variance = beta * (1 - abar_prev) / (1 - abar_t) + weight**2 * unknown
        return x + step_variance**0.5 * self._draw(x, generator)

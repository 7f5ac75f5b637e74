"""The world of loops that follow two prompts at once."""

from __future__ import annotations

import torch
from torch import Tensor

from checkers.engine.worlds.quiet import QuietWorld
from lessons.workbench.denoisers import NoiseEstimate
from lessons.workbench.denoisers.exact_worlds import GaussianDenoiser


class PairWorld(QuietWorld):
    """A quiet world that does not mind which of two prompts, or which view, the variance is from.

    The variance of a pixel depends on its value, the timestep, the column and on whether there is a
    prompt at all: seen upside down, it stands upside down, as the noise does. The spread of the
    pictures differs from prompt to prompt, so that following two prompts at once is not the same as
    joining two pictures that were made one by one.
    """

    def posterior_mean(self, x_t: Tensor, abar: Tensor, which: Tensor) -> Tensor:
        """Return the linear-Gaussian posterior mean, with the spread of each prompt's pictures."""
        spread = (self.std * (1 + 0.1 * which)).to(x_t.dtype).reshape(abar.shape[0], 1, 1, 1)
        mean, variance = self.means[which], spread.square()
        gain = abar.sqrt() * variance / (abar * variance + 1 - abar)
        return mean + gain * (x_t - abar.sqrt() * mean)

    def __call__(self, x_t: Tensor, t: int | Tensor, prompt_embeds: Tensor) -> NoiseEstimate:
        """Return the exact noise estimate with a variance that tells where it comes from."""
        noise = GaussianDenoiser.__call__(self, x_t, t, prompt_embeds).noise
        prompted = (prompt_embeds.reshape(-1, 1, 1, 1) != self.prompts.index("")).to(noise.dtype)
        columns = torch.arange(noise.shape[-1], dtype=noise.dtype)
        phase = 0.02 * torch.as_tensor(t).reshape(-1, 1, 1, 1) + 1.5 * prompted + self.own_phase
        return NoiseEstimate(noise, torch.sin(columns + phase + 0.5 * x_t.to(noise.dtype)))

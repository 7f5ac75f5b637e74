"""What a denoiser was shown and asked, read from the record of an exact world."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons.workbench.denoisers.exact_worlds import ExactWorld


def shown_at(world: ExactWorld, t: int) -> Tensor:
    """The pictures shown at timestep `t`, in order, each once.

    One batched call for both prompts, two calls, and one call for each picture are alike here.

    Returns:
        (n, ...); one picture of zeros if the denoiser was not asked at `t`.
    """
    rows: list[Tensor] = []
    for call in world.calls:
        for picture, timestep in zip(call.x_t, call.timesteps, strict=True):
            if timestep == t and not any(torch.equal(picture, row) for row in rows):
                rows.append(picture)
    return torch.stack(rows) if rows else torch.zeros(1, *world.picture_shape, dtype=world.dtype)


def shown_first(world: ExactWorld) -> Tensor:
    """The pictures shown at the first timestep asked at; (n, ...), as `shown_at`."""
    return shown_at(world, world.calls[0].timesteps[0] if world.calls else -1)


def change(one: Tensor, other: Tensor) -> Tensor:
    """What was shown in one run minus what was shown in another; `one` if it wasn't as many."""
    return one - other if one.shape == other.shape else one


def timesteps_asked(world: ExactWorld) -> list[int]:
    """Each timestep the denoiser was asked at, once, in the order of the first call."""
    return list(dict.fromkeys(t for call in world.calls for t in call.timesteps))


def prompts_asked(world: ExactWorld) -> list[str]:
    """Each prompt the denoiser was asked with, once, in alphabetical order."""
    return sorted({prompt for call in world.calls for prompt in call.prompts})

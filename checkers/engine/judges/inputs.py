"""What functions under test are given: noise, pictures, times and seeds from a seeded generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from checkers.engine.sandbox.inside.running import Inputs
from lessons.workbench.denoisers import squared_cosine_alphas_cumprod
from solutions.forward_noising import forward

FORMS = (
    ((1, 3, 64, 64), torch.float32, 500),
    ((3, 3, 16, 24), torch.float32, torch.tensor(250)),
    ((2, 1, 16, 16), torch.float64, 750),
)
"""Shapes, types and timesteps that a function should take: one picture and a batch, in single and
double precision, with t as int and as tensor."""


def draw_noise(generator: torch.Generator, *shape: int) -> Tensor:
    """Standard normal noise of that shape."""
    return torch.randn(shape, generator=generator)


def draw_pictures(
    generator: torch.Generator, *shape: int, reach: float = 1.0, cells: int = 4
) -> Tensor:
    """Smooth random pictures, so that a report's pictures show something.

    Args:
        generator: draws them.
        shape: (n, C, H, W).
        reach: how far from 0 a value may lie.
        cells: how many values are drawn along each side; the more, the less smooth.

    Returns:
        (n, C, H, W) within [-reach, reach].
    """
    coarse = torch.rand(*shape[:2], cells, cells, generator=generator) * 2 - 1
    return reach * interpolate(coarse, shape[2:], mode="bilinear")


def draw_digits(generator: torch.Generator, count: int) -> Tensor:
    """Smooth grey pictures of the digits' size, (count, 1, 28, 28) within [0, 1]."""
    return (draw_pictures(generator, count, 1, 28, 28) + 1) / 2


def draw_times(generator: torch.Generator, count: int) -> Tensor:
    """Times that differ clearly, in random order: (count,) within [0, 1)."""
    spaced = (torch.arange(count) + torch.rand(count, generator=generator) * 0.4) / count
    return spaced[torch.randperm(count, generator=generator)]


def draw_seed(generator: torch.Generator) -> int:
    """A seed from 1 to 999,999, for generators in a probe."""
    return int(torch.randint(1, 10**6, (), generator=generator))


def draw_schedule(generator: torch.Generator) -> Tensor:
    """(1000,), abar of a schedule that nobody has seen, close to the worlds' own."""
    exponent = 0.75 + 0.1 * float(torch.rand((), generator=generator))
    return squared_cosine_alphas_cumprod() ** exponent


def draw_count(generator: torch.Generator, least: int, most: int) -> int:
    """A whole number from `least` to `most`."""
    return int(torch.randint(least, most + 1, (), generator=generator))


def close_pictures(
    generator: torch.Generator,
    prompts: Sequence[str],
    side: int,
    common: float,
    own: float,
    wider: int = 0,
) -> dict[str, Tensor]:
    """A picture for each prompt, so alike that guided ones stay within [-1, 1].

    Args:
        generator: draws them.
        prompts: a picture for each.
        side: in pixels.
        common: how far from 0 what they share may lie.
        own: how far a picture may be from what they share.
        wider: how many pixels a picture is wider than high.

    Returns:
        (3, side, side + wider) each, by prompt.
    """
    shared, *others = draw_pictures(generator, 1 + len(prompts), 3, side, side + wider)
    return {p: common * shared + own * other for p, other in zip(prompts, others, strict=True)}


def noisy_run(
    generator: torch.Generator,
    means: Mapping[str, Tensor],
    i_start: int,
    timesteps: list[int],
    prompts: Sequence[str],
    batch: int | None = None,
    most: float = 2.5,
) -> Inputs:
    """A loop's start: the prompts' own pictures under the noise of timesteps[i_start].

    Args:
        generator: draws the noise.
        means: a (3, H, W) picture for each prompt of the world.
        i_start: the place to start from.
        timesteps: what the loop is given.
        prompts: one for each picture, or one for all of `batch`.
        batch: how many pictures; as many as prompts if None.
        most: where the noise is cut off.
    """
    chosen = torch.stack([means[prompt] for prompt in prompts])
    chosen = chosen.expand(batch or len(prompts), -1, -1, -1)
    drawn = draw_noise(generator, *chosen.shape).clamp(-most, most)
    return {
        "means": dict(means),
        "im_noisy": forward(chosen, timesteps[i_start], squared_cosine_alphas_cumprod(), drawn),
        "i_start": i_start,
        "prompts": list(prompts),
        "timesteps": timesteps,
    }

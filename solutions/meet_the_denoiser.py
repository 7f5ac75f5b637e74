"""Lesson 00: a first look at what a denoiser can do, and how to see the same thing twice."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lessons.workbench.denoisers import Denoiser, generate

__all__ = ["sample_grid"]


def sample_grid(
    denoiser: Denoiser, prompts: Sequence[str], num_inference_steps: int, seed: int
) -> Tensor:
    """Draw one picture for each prompt, the same ones whenever the seed is the same.

    Every picture starts from noise of its own: the same prompt twice gives two pictures.

    Args:
        denoiser: what removes the noise.
        prompts: n prompts.
        num_inference_steps: how many timesteps to take from noise to picture, at least 2.
        seed: any whole number. It alone decides about chance: the same seed gives the same
            pictures, another seed gives others.

    Returns:
        (n, 3, 64, 64), in about [-1, 1], in the order of the prompts.
    """
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(seed)
    return generate(denoiser, prompts, num_inference_steps, generator=generator)
    ### END SOLUTION

"""What each of two tensors contributes that a network puts side by side.

Known kernels are alike for both halves of what comes in, so that either order is right. But then
`cat([a + b, a + b])` gives the double of `cat([a, b])`, which a normalisation hides, and something
may be added to the wrong one of the two. So each half is cut off once.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def results_by_half(module: nn.Module, given: list[Tensor]) -> list[Tensor]:
    """The results without one half of what comes in, for each kernel size.

    Only kernels count into which at least twice as many channels come as go out of them. The two
    results of a kernel are told by their sum and their distance, whichever half is which.

    Args:
        module: in evaluation mode; as before when this returns.
        given: what it is called with.

    Returns:
        For 3x3 and for 4x4 kernels: the sum over the kernels of both, (2, ...); empty without one.
    """
    found = []
    for size in (3, 4):
        told = [
            _sum_and_distance(module, given, kernel, dimension)
            for kernel in module.parameters()
            if tuple(kernel.shape[2:]) == (size, size)
            and _joins(kernel, dimension := _input_dimension(kernel))
        ]
        found.append(torch.stack(told).sum(dim=0) if told else torch.zeros(0))
    return found


def _input_dimension(kernel: Tensor) -> int:
    """Which one counts what comes in: the larger one, where a picture becomes larger (4x4)."""
    return 1 if kernel.shape[-1] == 3 else int(kernel.shape[1] > kernel.shape[0])


def _joins(kernel: Tensor, dimension: int) -> bool:
    channels = kernel.shape[dimension]
    return channels % 2 == 0 and channels >= 2 * kernel.shape[1 - dimension]


def _sum_and_distance(
    module: nn.Module, given: list[Tensor], kernel: Tensor, dimension: int
) -> Tensor:
    whole, half = kernel.detach().clone(), kernel.shape[dimension] // 2
    results = []
    with torch.no_grad():
        for start in (0, half):
            kernel.narrow(dimension, start, half).zero_()
            results.append(module(*(value.clone() for value in given)))
            kernel.copy_(whole)
    one, other = results
    return torch.stack([one + other, (one - other).abs()])

"""Known values for a network's kernels, so that two that compute the same give the same numbers.

They depend on a kernel's shape alone: all kernels of one shape are alike, and each is the same for
both halves of its channels. So neither the order in which layers were created nor the order of a
concatenation shows in the result.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor, nn

_LARGEST_EPS = 1e-3
"""What some libraries add to a variance; PyTorch adds 1e-5, and what is small shows either."""


def give_known_values(module: nn.Module, seed: int, bias: float = 0.0) -> None:
    """Known kernels, biases that are all alike, and BatchNorm as PyTorch makes it."""
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.reset_running_stats()
            part.momentum = 0.1
            if part.eps <= _LARGEST_EPS:
                part.eps = 1e-5
    for name, parameter in module.named_parameters():
        if is_row(parameter):
            parameter.fill_(1.0 if _is_scale(name, parameter) else bias)
        else:
            parameter.copy_(_known_kernel(tuple(parameter.shape), seed))


def give_random_values(module: nn.Module) -> None:
    """Other values than those it was made with: some start at 0, and nothing passes them then."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if is_row(parameter):
                start = 1.0 if _is_scale(name, parameter) else 0.0
                parameter.copy_(start + 0.2 * torch.randn_like(parameter))
            else:
                parameter.copy_(torch.randn_like(parameter) * _gain(tuple(parameter.shape)))


def is_row(parameter: Tensor) -> bool:
    """Whether it holds one number for each channel, as (C,) or as (1, C, 1, 1) or (C, 1, 1)."""
    if parameter.ndim < 2:
        return True
    return parameter.ndim > 2 and parameter.numel() == parameter.shape[-3]


def _is_scale(name: str, parameter: Tensor) -> bool:
    """Whether it multiplies, as BatchNorm's weight does; the others are added."""
    return name.endswith("weight") or bool((parameter == 1).all())


@lru_cache(maxsize=64)
def _known_kernel(shape: tuple[int, ...], seed: int) -> Tensor:
    """Values that depend on shape and seed alone.

    Those of a convolution are the same for both halves of the channels. Those of a matrix are the
    same for its transpose, as some write x @ W and others x @ W.T.
    """
    if math.prod(shape[2:]) == 1:
        return _known_matrix(shape[0], shape[1], seed).reshape(shape)
    kernel = _drawn(shape, seed)
    for dimension in (0, 1):
        if shape[dimension] % 2 == 0:
            half = kernel.narrow(dimension, 0, shape[dimension] // 2)
            kernel = torch.cat([half, half], dim=dimension)
    return kernel * _gain(shape)


def _known_matrix(rows: int, columns: int, seed: int) -> Tensor:
    small, large = sorted((rows, columns))
    matrix = _drawn((large, small), seed) * 1.6 / (rows * columns) ** 0.25
    if rows == columns:
        return (matrix + matrix.T) / math.sqrt(2)
    return matrix if rows == large else matrix.T


def _drawn(shape: tuple[int, ...], seed: int) -> Tensor:
    key = seed
    for size in shape:
        key = (key * 1009 + size) % 2**31
    return torch.randn(shape, generator=torch.Generator().manual_seed(key))


def _gain(shape: tuple[int, ...]) -> float:
    """Keeps what passes a kernel about as large as it was."""
    return 1.6 / math.sqrt(math.prod(shape[1:]))

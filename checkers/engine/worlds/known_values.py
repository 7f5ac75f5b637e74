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
from torch.func import functional_call

_LARGEST_EPS = 1e-3
"""What some libraries add to a variance; PyTorch adds 1e-5, and what is small shows either."""


def give_known_values(
    module: nn.Module, rows: set[nn.Parameter], seed: int, bias: float = 0.0
) -> None:
    """Known kernels, biases that are all alike, and BatchNorm as PyTorch makes it."""
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.reset_running_stats()
            part.momentum = 0.1
            if part.eps <= _LARGEST_EPS:
                part.eps = 1e-5
    for name, parameter in module.named_parameters():
        if parameter in rows:
            parameter.fill_(1.0 if _is_scale(name, parameter) else bias)
        else:
            parameter.copy_(_known_kernel(tuple(parameter.shape), seed))


def give_random_values(module: nn.Module, rows: set[nn.Parameter]) -> None:
    """Other values than those it was made with: some start at 0, and nothing passes them then."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter in rows:
                start = 1.0 if _is_scale(name, parameter) else 0.0
                parameter.copy_(start + 0.2 * torch.randn_like(parameter))
            else:
                parameter.copy_(torch.randn_like(parameter) * _gain(tuple(parameter.shape)))


def rows_of(module: nn.Module, given: list[Tensor]) -> set[nn.Parameter]:
    """The parameters that hold one number for each channel: biases, and those of BatchNorm.

    They have the shape (C,), or that of a picture of one pixel, or of a matrix of one row or
    column. The latter may also be a matrix that meets a single number, such as the time. Where that
    is 0, it gets no gradient and a bias gets one.

    Args:
        module: whose layers have their shapes.
        given: what it is called with: pictures and what it is told besides, or numbers alone. If
            nothing, shapes alone decide.
    """
    layers = nn.Linear | nn.modules.conv._ConvNd
    kernels = {part.weight for part in module.modules() if isinstance(part, layers)}
    others = {name: one for name, one in module.named_parameters() if one not in kernels}
    rows = {parameter for parameter in others.values() if _is_row_by_shape(parameter)}
    thin = {name: one for name, one in others.items() if one.ndim == 2 and 1 in one.shape}
    if not thin or not given:
        return rows
    first, *also = given
    zeros = [first, *map(torch.zeros_like, also)] if also else [torch.zeros_like(first)]
    values = {name: torch.randn_like(value) for name, value in module.named_parameters()}
    met = [values[name].requires_grad_() for name in thin]
    was_training = module.training
    result = functional_call(module.eval(), values, tuple(zeros))
    module.train(was_training)
    gradients = torch.autograd.grad(result.sum(), met, allow_unused=True)
    found = zip(thin.values(), gradients, strict=True)
    return rows | {row for row, slope in found if slope is not None and slope.any()}


def _is_row_by_shape(parameter: Tensor) -> bool:
    """Whether it has the shape (C,), (1, C, 1, 1) or (C, 1, 1)."""
    if parameter.ndim < 2:
        return True
    return parameter.ndim > 2 and parameter.numel() == parameter.shape[-3]


def kernel_shapes(module: nn.Module, rows: set[nn.Parameter]) -> list[tuple[int, ...]]:
    """The shapes of kernels and matrices, each once, the larger number of channels first."""
    kernels = [parameter for parameter in module.parameters() if parameter not in rows]
    return sorted({_shape_however_turned(kernel) for kernel in kernels})


def _shape_however_turned(kernel: Tensor) -> tuple[int, ...]:
    """That of a 1x1 kernel is a matrix's."""
    size = kernel.shape[2:]
    return (*sorted(kernel.shape[:2], reverse=True), *(size if math.prod(size) > 1 else ()))


def _is_scale(name: str, parameter: Tensor) -> bool:
    """Whether it multiplies, as BatchNorm's weight does; the others are added."""
    return name.endswith("weight") or bool((parameter == 1).all())


@lru_cache(maxsize=64)
def _known_kernel(shape: tuple[int, ...], seed: int) -> Tensor:
    """Values that depend on shape and seed alone.

    They are the same with the two dimensions of channels exchanged and when turned by half a turn:
    some write x @ W and others x @ W.T, and a transposed convolution is one with its kernel turned.
    Those of a convolution are the same for both halves of the channels.
    """
    if len(shape) == 2 or math.prod(shape[2:]) == 1:
        return _known_matrix(shape[0], shape[1], seed).reshape(shape)
    large, small = max(shape[:2]), min(shape[:2])
    kernel = _drawn((large, small, *shape[2:]), seed)
    kernel = (kernel + kernel.flip(*range(2, kernel.ndim))) / math.sqrt(2)
    if large == small:
        kernel = (kernel + kernel.transpose(0, 1)) / math.sqrt(2)
    for dimension in (0, 1):
        if kernel.shape[dimension] % 2 == 0:
            half = kernel.narrow(dimension, 0, kernel.shape[dimension] // 2)
            kernel = torch.cat([half, half], dim=dimension)
    kernel = kernel * 1.6 / math.sqrt(math.sqrt(large * small) * math.prod(shape[2:]))
    return kernel if shape[0] == large else kernel.transpose(0, 1)


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

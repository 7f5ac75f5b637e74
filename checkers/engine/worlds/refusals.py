"""What a trained network would refuse, so that the models that stand in for one refuse it, too."""

from __future__ import annotations

import torch
from torch import Tensor


def only_float32(name: str, value: Tensor) -> None:
    """Refuse numbers of another type than a network's weights.

    Raises:
        TypeError: if it is not a tensor of float32.
    """
    if not isinstance(value, Tensor) or value.dtype != torch.float32:
        kind = str(value.dtype) if isinstance(value, Tensor) else f"a {type(value).__name__}"
        raise TypeError(
            f"The model was given {name} as {kind.removeprefix('torch.')}, but its weights are "
            f"float32: `.float()` converts a tensor."
        )


def same_shape(x: Tensor, pictures: Tensor) -> None:
    """Refuse noisy pictures that have not the clean ones' shape.

    Raises:
        TypeError: if the shapes differ.
    """
    if x.shape != pictures.shape:
        raise TypeError(
            f"The model was given pictures of shape {tuple(x.shape)}; those it should be trained "
            f"on have shape {tuple(pictures.shape)}. A factor for each picture has shape "
            f"(B, 1, 1, 1)."
        )

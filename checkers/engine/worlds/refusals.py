"""What a trained network would refuse, so that the models that stand in for one refuse it, too."""

from __future__ import annotations

from typing import Any

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
    if x.shape[1:] == pictures.shape[1:] and len(x) != len(pictures):
        raise TypeError(
            f"The model was given {len(x)} pictures; the batch has {len(pictures)}. It is to be "
            f"asked once, about all of them."
        )
    if x.shape != pictures.shape:
        raise TypeError(
            f"The model was given pictures of shape {tuple(x.shape)}; those it should be trained "
            f"on have shape {tuple(pictures.shape)}. A factor for each picture has shape "
            f"(B, 1, 1, 1)."
        )


def times_of(t: Any, count: int) -> Tensor:
    """The time of each picture, from whatever shape it came in.

    Raises:
        TypeError: if there is neither one time nor one for each picture, or it is no tensor that a
            network's layers can work on.
    """
    if not isinstance(t, Tensor):
        raise TypeError(
            f"The model was given t as a {type(t).__name__}. Its layers work on a tensor: "
            f"torch.full((n,), t / T) has a time for each picture."
        )
    if t.is_floating_point():
        only_float32("t", t)
    times = t.detach().flatten()
    if times.numel() not in (1, count):
        raise TypeError(
            f"The model was given t of shape {tuple(t.shape)} with {count} pictures; it needs one "
            f"time for each."
        )
    return times.double().expand(count).clone()


def classes_of(c: Any, count: int) -> Tensor:
    """The one-hot classes that a model was given.

    Raises:
        TypeError: if they aren't (count, 10) of float32.
    """
    if not isinstance(c, Tensor) or tuple(c.shape) != (count, 10):
        shape = f"of shape {tuple(c.shape)}" if isinstance(c, Tensor) else repr(c)
        raise TypeError(
            f"The model was given c {shape} with {count} pictures; it needs ({count}, 10): one-hot "
            f"classes, zeros for none."
        )
    only_float32("c", c)
    return c.detach()

"""Views of a picture for visual anagrams: ways to look at it that can be undone exactly.

Every view here is orthogonal: it only moves pixels, or turns their sign. Then noise that is
N(0, I) stays N(0, I), which is what a denoiser expects (Geng et al. 2023, arXiv 2311.17919,
section 3.3). Views return new tensors and leave their input as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor


class View(Protocol):
    """A way of looking at pictures (B, C, H, W), or at noise of that shape."""

    name: str

    def view(self, x: Tensor) -> Tensor:
        """Return `x` as it is seen."""
        ...

    def inverse_view(self, x: Tensor) -> Tensor:
        """Return what has to be there for `x` to be seen."""
        ...


@dataclass(frozen=True)
class Upright:
    """The picture as it is."""

    name: str = "upright"

    def view(self, x: Tensor) -> Tensor:
        """Return a copy of `x`."""
        return x.clone()

    def inverse_view(self, x: Tensor) -> Tensor:
        """Return a copy of `x`."""
        return x.clone()


@dataclass(frozen=True)
class UpsideDown:
    """The rows in reversed order."""

    name: str = "upside down"

    def view(self, x: Tensor) -> Tensor:
        """Reverse the rows."""
        return x.flip(-2)

    def inverse_view(self, x: Tensor) -> Tensor:
        """Reverse the rows again."""
        return x.flip(-2)


@dataclass(frozen=True)
class Mirrored:
    """Left and right exchanged."""

    name: str = "in the mirror"

    def view(self, x: Tensor) -> Tensor:
        """Reverse the columns."""
        return x.flip(-1)

    def inverse_view(self, x: Tensor) -> Tensor:
        """Reverse the columns again."""
        return x.flip(-1)


@dataclass(frozen=True)
class Turned:
    """Turned counter-clockwise by quarter turns; pictures must be square.

    Attributes:
        quarters: how many, 1 to 3.
    """

    quarters: int = 1

    @property
    def name(self) -> str:
        """What the view is called."""
        return f"turned by {90 * self.quarters} degrees"

    def view(self, x: Tensor) -> Tensor:
        """Turn counter-clockwise."""
        return torch.rot90(x, self.quarters, (-2, -1))

    def inverse_view(self, x: Tensor) -> Tensor:
        """Turn back."""
        return torch.rot90(x, -self.quarters, (-2, -1))


@dataclass(frozen=True)
class Negative:
    """All colours inverted: with values in [-1, 1] that is a change of sign."""

    name: str = "as a negative"

    def view(self, x: Tensor) -> Tensor:
        """Change the sign."""
        return -x

    def inverse_view(self, x: Tensor) -> Tensor:
        """Change the sign again."""
        return -x


@dataclass(frozen=True)
class Jigsaw:
    """Cut into square pieces that change places; height and width must be multiples of `pieces`.

    Attributes:
        pieces: how many pieces a side has.
        seed: which of the many ways to shuffle them.
    """

    pieces: int = 4
    seed: int = 0
    name: str = "as a jigsaw"
    _order: Tensor = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        generator = torch.Generator().manual_seed(self.seed)
        order = torch.randperm(self.pieces**2, generator=generator)
        object.__setattr__(self, "_order", order)

    def view(self, x: Tensor) -> Tensor:
        """Move every piece to its new place."""
        return self._moved(x, self._order)

    def inverse_view(self, x: Tensor) -> Tensor:
        """Move every piece back."""
        return self._moved(x, self._order.argsort())

    def _moved(self, x: Tensor, order: Tensor) -> Tensor:
        """Put the piece at `order[k]` to place k.

        Raises:
            ValueError: if the picture can't be cut into equal pieces.
        """
        count = self.pieces
        height, width = x.shape[-2:]
        if height % count or width % count:
            raise ValueError(
                f"A picture of {height} x {width} pixels can't be cut into {count} x {count} "
                f"equal pieces. Choose a number of pieces that divides both."
            )
        cut = x.unflatten(-2, (count, height // count)).unflatten(-1, (count, width // count))
        cut = cut.transpose(-3, -2).flatten(-4, -3)
        cut = cut[..., order.to(x.device), :, :].unflatten(-3, (count, count))
        return cut.transpose(-3, -2).flatten(-2, -1).flatten(-3, -2)

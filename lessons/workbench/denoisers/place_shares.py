"""Who explains which place of a noisy picture: the atlas's pictures, or patches of any picture.

Estimators are averaged with weights that fall exponentially with an unbiased estimate of their
squared error, Stein's, |y - estimate|^2 + 2 s^2 slope, over 2 s^2 (Leung & Barron, Information
theory and mixing least-squares regressions, IEEE Trans. Inform. Theory 52, 2006). A stored picture
is an estimator that fits nothing: its slope is 0, and its weight is its likelihood, as ever. The
patches' estimate is one more, which fits much and pays for it. (Their evidence would ask for more
than a good estimate: that the picture is as probable as the atlas's own.)

A sample on its way is not yet a picture: where two stored ones meet, and where guidance exaggerates
them, patches fit for a while, and would make of it what only they know. So where a whole
neighbourhood has been familiar, a single place is lost to patches only if the odds are great.

All looks are at half the size, where it is cheap to ask the whole atlas, whatever the prompt.
Guidance goes along the difference of two estimates; where patches made one of them and a stored
picture the other, the difference would be no direction to go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from lessons.workbench.denoisers.patch_prior import PatchPrior
from lessons.workbench.denoisers.windows import CELL, to_cells, window_sums

NEARER = 0.7
"""How far is looked to decide, as a share of the radius that stored pictures are compared in: what
is drawn into a hole must not be given up for what is unfamiliar around it."""
ADVANTAGE = 50.0
"""The log-odds for stored pictures in a familiar neighbourhood, from noise of s = 1 times s^2."""
REACH = 2
"""How many corners a neighbourhood reaches to each side, in steps of 4 pixels."""
VOTE = 15.0
"""No place of a neighbourhood counts more than log-odds of this."""
UNFAMILIAR = -6.0
"""Mean votes at which it is even whether a neighbourhood is made of stored pictures."""
MUCH_NOISE = 4.0
"""Above this s^2 votes grow less clear, and what is unfamiliar with them."""
WIDTH = 1.0
"""How quickly familiarity changes around there, in votes."""
NOTHING = 1e-5
"""A share of patches that is left out; what is drawn from prompts saves most of the work so."""
SMALLEST_LOG_WEIGHT = -60.0
"""e^-60 is nothing, and not yet one of the slow denormal numbers."""


class Place(NamedTuple):
    """One picture's places, where they aren't all the stored pictures'.

    Attributes:
        share: (rows + 1, columns + 1), the stored pictures' share at every corner, 0 to 1.
        patches: (C, H, W), the patches' x_0.
    """

    share: Tensor
    patches: Tensor


class PlaceShares:
    """Shares out the places of pictures between the stored ones and patches.

    Args:
        cells: (cells, N, 48), the stored pictures less their mean, cut into cells.
        mean: (3, H, W), the mean picture, its own mirror image if `mirrored`.
        mirrored: whether the mirror images are stored, too.
        patches: what other pictures look like.
        window_radius: the radius in pixels for a noise level sigma.

    Raises:
        ValueError: if the pictures are smaller than 32 pixels.
    """

    def __init__(
        self,
        cells: Tensor,
        mean: Tensor,
        mirrored: bool,
        patches: PatchPrior,
        window_radius: Callable[[float], float],
    ) -> None:
        if min(mean.shape[1:]) < 4 * 8:
            raise ValueError(
                "Patches need pictures of at least 32x32 pixels; "
                f"leave them out for {mean.shape[1]}x{mean.shape[2]}."
            )
        self.patches = patches
        self.window_radius = window_radius
        self._stored = StoredEvidence(cells, mean, mirrored)

    def __call__(self, pictures: Tensor, abar: float) -> list[Place | None]:
        """Decide about (U, C, H, W) pictures x_t of one noise level.

        Returns:
            For each picture its places; None if all are the stored pictures'.
        """
        variance = (1 - abar) / abar
        radius = NEARER * self.window_radius(variance**0.5)
        seen = pictures / abar**0.5
        look = self.patches.look(seen, variance)
        stored = self._stored(pictures, abar, radius)
        patches = window_sums(look.score.permute(1, 2, 0), radius)
        shares = stored_shares(stored - patches, variance)
        mixed = (shares < 1 - NOTHING).flatten(0, 1).any(0).nonzero().flatten().tolist()
        places: list[Place | None] = [None] * len(pictures)
        if mixed:
            drawn = self.patches.draw(seen[mixed], variance, look.half[mixed])
            for row, mean in zip(mixed, drawn, strict=True):
                places[row] = Place(shares[..., row], mean)
        return places


def stored_shares(gaps: Tensor, variance: float) -> Tensor:
    """Decide from log-odds, each place's own and its neighbourhood's.

    Args:
        gaps: (rows + 1, columns + 1, U), by how much stored pictures explain each corner's window
            better than patches do.
        variance: s^2 = (1 - abar) / abar.

    Returns:
        Like `gaps`, the share of stored pictures, 0 to 1.
    """
    votes = gaps.clamp(-VOTE, VOTE).permute(2, 0, 1)
    around = functional.avg_pool2d(votes, 2 * REACH + 1, 1, REACH, count_include_pad=False)
    unfamiliar = UNFAMILIAR * min(1, MUCH_NOISE / variance)
    familiar = torch.sigmoid((around.permute(1, 2, 0) - unfamiliar) / WIDTH)
    return torch.sigmoid(gaps + ADVANTAGE * max(1, variance) * familiar)


class StoredEvidence:
    """The weight of all stored pictures together, window by window.

    Args:
        cells, mean, mirrored: see `PlaceShares`.
    """

    def __init__(self, cells: Tensor, mean: Tensor, mirrored: bool) -> None:
        self.mirrored = mirrored
        self._grid = (mean.shape[1] // CELL, mean.shape[2] // CELL)
        self._half = half_size().to(cells)
        self._cells = (cells @ self._half.T).mT.contiguous()
        self._squares = self._cells.square().sum(1, keepdim=True)
        self._mean = mean

    def __call__(self, pictures: Tensor, abar: float, radius: float) -> Tensor:
        """Ask for the logarithm of the weights' sum in every window, without a prompt.

        Args:
            pictures: (U, 3, H, W), x_t.
            abar: their noise level.
            radius: the windows' radius in pixels.

        Returns:
            (rows + 1, columns + 1, U): log sum_i N(x_t; sqrt(abar) x_i, 1 - abar) / N(x_t; 0,
            1 - abar), over all stored pictures and a window's pixels at half the size.
        """
        scale, count = abar**0.5, len(pictures)
        centred = pictures - scale * self._mean
        views = torch.cat([centred, centred.flip(-1)]) if self.mirrored else centred
        queries = to_cells(views) @ self._half.T
        own = (to_cells(pictures) @ self._half.T).square().sum(2)
        common = (own - queries[:, :count].square().sum(2)).unflatten(0, self._grid) / 2
        products = torch.baddbmm(self._squares, queries, self._cells, beta=-scale / 2)
        products = products.unflatten(0, self._grid).unflatten(2, (-1, count))
        # The best picture's value is taken off in every cell and added to the sums at the end:
        # large numbers that nearly cancel are too much for float32.
        best = products.amax(dim=-1, keepdim=True)
        if self.mirrored:
            best = torch.maximum(best, best.flip(1, 2))
        products.sub_(best).mul_(scale / (1 - abar))
        sums = window_sums(products.flatten(2), radius)
        sums = _log_sum_exp(sums.unflatten(2, products.shape[2:]))
        total = sums[:, :, 0]
        if self.mirrored:
            total = torch.logaddexp(total, sums[:, :, 1].flip(1))
        common = (common + scale * best[:, :, 0, :, 0]) / (1 - abar)
        return total + window_sums(common, radius)


def _log_sum_exp(values: Tensor) -> Tensor:
    """Return torch's logsumexp over the last axis, without its denormal numbers: they are slow."""
    largest = values.amax(dim=-1, keepdim=True)
    total = (values - largest).clamp_(min=SMALLEST_LOG_WEIGHT).exp_().sum(dim=-1)
    return total.log_().add_(largest[..., 0])


def half_size() -> Tensor:
    """Halve a cell: (12, 48), from 4x4 pixels to 2x2; rows orthonormal, for noise as strong."""
    halves = torch.zeros(2, 2, 3, CELL, CELL, 3)
    for row in range(2):
        for column in range(2):
            for colour in range(3):
                rows, columns = slice(2 * row, 2 * row + 2), slice(2 * column, 2 * column + 2)
                halves[row, column, colour, rows, columns, colour] = 0.5
    return halves.reshape(12, CELL * CELL * 3)

"""Who explains a noisy picture at which place: a picture of the atlas, or patches of any picture.

Both are asked for their evidence in the window around each corner, log p(x_t) less the same of pure
noise. Both look at the picture at half its size, where it is cheap to ask the whole atlas, whatever
the prompt: guidance takes the difference of two estimates, and where patches made one of them and a
stored picture the other, the difference would be no direction to go.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lessons.workbench.denoisers.windows import CELL, to_cells, window_sums


class StoredEvidence:
    """The evidence that a noisy picture shows one of the stored ones, window by window.

    Args:
        cells: (C, N, 48), the stored pictures less their mean, cut into cells.
        mean: (3, H, W), the mean picture, its own mirror image if `mirrored`.
        mirrored: whether the mirror images are stored, too.
    """

    def __init__(self, cells: Tensor, mean: Tensor, mirrored: bool) -> None:
        self.mirrored = mirrored
        self._grid = (mean.shape[1] // CELL, mean.shape[2] // CELL)
        self._half = half_size().to(cells)
        self._cells = cells @ self._half.T
        self._squares = self._cells.square().sum(2)
        self._mean = mean

    def __call__(self, pictures: Tensor, abar: float, radius: float) -> Tensor:
        """Ask for the evidence in every window, without a prompt.

        Args:
            pictures: (U, 3, H, W), x_t.
            abar: their noise level.
            radius: the windows' radius in pixels.

        Returns:
            (rows + 1, columns + 1, U): the logarithm of the mean over all stored pictures x_i of
            N(x_t; sqrt(abar) x_i, 1 - abar) / N(x_t; 0, 1 - abar), over a window's pixels, at half
            the size.
        """
        scale = abar**0.5
        centred = pictures - scale * self._mean
        views = torch.cat([centred, centred.flip(-1)]) if self.mirrored else centred
        queries = to_cells(views) @ self._half.T
        seen = (to_cells(pictures) @ self._half.T).square().sum(2)
        common = (seen - queries[:, : len(pictures)].square().sum(2)) / 2
        products = torch.bmm(queries, self._cells.transpose(1, 2))
        products.sub_(self._squares[:, None], alpha=scale / 2)
        products = products.unflatten(0, self._grid).unflatten(2, (-1, len(pictures)))
        # In every cell the best picture's value is taken off, and added later: sums of small
        # numbers are exact enough in float32.
        best = products.amax(dim=-1, keepdim=True)
        if self.mirrored:
            best = torch.maximum(best, best.flip(1, 2))
        products.sub_(best).mul_(scale / (1 - abar))
        sums = window_sums(products.flatten(2), radius)
        sums = sums.unflatten(2, products.shape[2:]).logsumexp(-1)
        sums = torch.logaddexp(sums[:, :, 0], sums[:, :, 1].flip(1)) if self.mirrored else sums[:, :, 0]
        common = (common.unflatten(0, self._grid) + scale * best[:, :, 0, :, 0]) / (1 - abar)
        count = self._cells.shape[1] * (2 if self.mirrored else 1)
        return sums + window_sums(common, radius) - math.log(count)


def half_size() -> Tensor:
    """Halve a cell: (12, 48), from 4x4 pixels to 2x2; rows orthonormal, so noise stays as strong."""
    halves = torch.zeros(2, 2, 3, CELL, CELL, 3)
    for row in range(2):
        for column in range(2):
            for colour in range(3):
                rows, columns = slice(2 * row, 2 * row + 2), slice(2 * column, 2 * column + 2)
                halves[row, column, colour, rows, columns, colour] = 0.5
    return halves.reshape(12, CELL * CELL * 3)

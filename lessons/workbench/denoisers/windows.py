"""Local windows over a grid of cells: their sums, and blending between their centres.

A picture is cut into cells of 4x4 pixels. Windows are squares centred on the corners of cells, 17
by 17 of them for a 64x64 picture. A window may cover a cell in part, so that its size can change
smoothly. Whatever belongs to a corner is blended bilinearly to the pixels of the cells around it.
"""

from __future__ import annotations

import torch
from torch import Tensor

CELL = 4


def window_matrix(radius: float, cells: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return how much of each cell every window covers, along one axis.

    A window reaches `radius + 0.5` pixels to both sides of its corner and ends at the picture's
    edge. Window sums over both axes are two products with this small matrix, so that their cost
    does not depend on the window's size, and no large numbers cancel as in cumulative sums.

    Args:
        radius: in pixels.
        cells: the number of cells along the axis.
        dtype: of the result.
        device: of the result.

    Returns:
        (cells + 1, cells), entries from 0 (outside) to 1 (covered).
    """
    half = (radius + 0.5) / CELL
    corner = torch.arange(cells + 1, dtype=torch.float64)[:, None]
    cell = torch.arange(cells, dtype=torch.float64)[None, :]
    overlap = torch.minimum(cell + 1, corner + half) - torch.maximum(cell, corner - half)
    return overlap.clamp(0, 1).to(device=device, dtype=dtype)


def window_sums(cell_values: Tensor, radius: float) -> Tensor:
    """Add up `cell_values` over the window of every corner.

    Args:
        cell_values: (rows, columns, n), one column of n values for each cell.
        radius: of the windows, in pixels.

    Returns:
        (rows + 1, columns + 1, n), of the same dtype.
    """
    rows, columns, n = cell_values.shape
    options = {"dtype": cell_values.dtype, "device": cell_values.device}
    down = window_matrix(radius, rows, **options) @ cell_values.reshape(rows, columns * n)
    return window_matrix(radius, columns, **options) @ down.reshape(rows + 1, columns, n)


def corner_blend(dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the bilinear weights of a cell's four corners at its 16 pixels.

    Returns:
        (4, 16): corners in the order top left, top right, bottom left, bottom right; pixels row
        by row. Every column adds up to 1.
    """
    along = (torch.arange(CELL, dtype=torch.float64) + 0.5) / CELL
    axis = torch.stack([1 - along, along])
    blend = torch.einsum("ap,bq->abpq", axis, axis).reshape(4, CELL * CELL)
    return blend.to(device=device, dtype=dtype)


def to_cells(pictures: Tensor) -> Tensor:
    """Cut (N, C, H, W) pictures into (H/4 * W/4, N, 16 * C): cell by cell, pixels row by row."""
    n, channels, height, width = pictures.shape
    split = pictures.reshape(n, channels, height // CELL, CELL, width // CELL, CELL)
    cells = split.permute(2, 4, 0, 3, 5, 1)
    return cells.reshape(height // CELL * (width // CELL), n, CELL * CELL * channels)


def from_cells(cells: Tensor, height: int, width: int) -> Tensor:
    """Undo `to_cells`: (H/4 * W/4, N, 16 * C) back to (N, C, H, W)."""
    n, channels = cells.shape[1], cells.shape[2] // CELL**2
    split = cells.reshape(height // CELL, width // CELL, n, CELL, CELL, channels)
    return split.permute(2, 5, 0, 3, 1, 4).reshape(n, channels, height, width)


def around_cells(corners: Tensor) -> Tensor:
    """For each cell, the values at its corners: (rows * columns, 4 * V, K) from (., ., V, K)."""
    rows, columns, views, count = corners.shape
    down, right = slice(1, None), slice(1, None)
    up, left = slice(None, rows - 1), slice(None, columns - 1)
    four = [corners[up, left], corners[up, right], corners[down, left], corners[down, right]]
    return torch.stack(four, dim=2).reshape(-1, 4 * views, count)

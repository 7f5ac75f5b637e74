"""The embedded denoiser: exact posterior means over the atlas, in local windows.

For a finite set of pictures x_i the best possible denoiser is known in closed form. The posterior
mean of x_0 given x_t averages the pictures with weights

    w_i = prior_i exp(-|x_t - sqrt(abar_t) x_i|^2 / (2 (1 - abar_t))).

Taken over the whole picture it can only recite what is stored. Taken at every place over a window
that shrinks as the noise falls, it puts new pictures together from parts, which is what trained
convolutional denoisers are observed to do (Kamb & Ganguli 2024, arXiv 2412.20292, section 3;
the closed form also in Scarvelis et al. 2023, arXiv 2310.12395). Where no stored picture fits,
patches of pictures answer instead (`place_shares`, `patch_prior`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from lessons.workbench.denoisers.atlas import Atlas
from lessons.workbench.denoisers.denoiser import NUM_TRAIN_TIMESTEPS, Denoiser, NoiseEstimate
from lessons.workbench.denoisers.noise_schedule import squared_cosine_alphas_cumprod
from lessons.workbench.denoisers.patch_prior import PatchPrior
from lessons.workbench.denoisers.place_shares import SMALLEST_LOG_WEIGHT, Place, PlaceShares
from lessons.workbench.denoisers.progress import StepProgress
from lessons.workbench.denoisers.prompts import PromptReader, read_prompts
from lessons.workbench.denoisers.windows import (
    CELL,
    around_cells,
    corner_blend,
    from_cells,
    to_cells,
    window_sums,
)

LARGEST_RADIUS = 36.0
ROWS_AT_ONCE = 4
PARTS_KEPT = 8
PAIRS_WORTH_PICKING = 120_000


def shrinking_radius(sigma: float) -> float:
    """Return the window radius in pixels at noise level sigma = sqrt((1 - abar) / abar).

    It grows with the noise, but stays a little below the picture's size: windows that see the
    whole picture all decide for the same stored one, and the sample is a copy of it. With a bound
    of 42 about half the unprompted samples are copies, with 24 most fall apart.
    """
    return min(4 + 10 * sigma, LARGEST_RADIUS)


class _Part(NamedTuple):
    """Some pictures of the atlas, cut into cells, less the mean picture.

    `cells` is (C, K, 48) and `squares` (C, K) their squared norms.
    """

    cells: Tensor
    squares: Tensor


class AtlasDenoiser(Denoiser):
    """The posterior mean over the atlas and its mirror images.

    At every corner of the 4x4-pixel cells the weights above are taken over a window; between the
    corners the weights are interpolated bilinearly. With a window that covers the whole picture
    this is exactly the closed form. Where no stored picture fits, patches can step in.

    Args:
        atlas: the pictures.
        prompt_softness: how much of a prompt's mass goes to related subjects and other styles
            (0 to 1); 0 asks hard, which suits visual anagrams.
        window_radius: the radius in pixels for a noise level sigma.
        mirrored: whether mirror images belong to the data. They are never stored: comparing x with
            a mirrored picture is comparing mirrored x with the picture.
        prune: weights below this are left out where that saves work; 0 keeps all. The estimate
            changes by at most 2 * prune * number of pictures.
        patches: what pictures look like that the atlas does not know; None knows the atlas only.
        device: where it works; pictures may come from elsewhere.
        dtype: float32, or float64 for a slow reference.

    Raises:
        ValueError: if the atlas's pictures can't be cut into 4x4-pixel cells, or if they are too
            small for patches.
    """

    name = "atlas"

    def __init__(
        self,
        atlas: Atlas,
        *,
        prompt_softness: float = 0.4,
        window_radius: Callable[[float], float] = shrinking_radius,
        mirrored: bool = True,
        prune: float = 1e-8,
        patches: PatchPrior | None = None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        count, channels, height, width = atlas.pictures.shape
        if not count or height % 4 or width % 4:
            raise ValueError(
                "An atlas needs pictures whose height and width are multiples of 4, "
                f"but these are {tuple(atlas.pictures.shape)}."
            )
        self.atlas = atlas
        self.device = torch.device(device)
        self.dtype = dtype
        self.alphas_cumprod = squared_cosine_alphas_cumprod(NUM_TRAIN_TIMESTEPS)
        self._progress = StepProgress()
        self.window_radius = window_radius
        self.mirrored = mirrored
        self._views = 2 if mirrored else 1
        self.prune = prune
        self._picture_shape = (channels, height, width)
        self._grid = (height // 4, width // 4)
        cells = to_cells(atlas.pictures).to(self.device, dtype).div_(127.5).sub_(1)
        mean = cells.mean(dim=1, keepdim=True)
        self._mean = from_cells(mean, height, width)[0]
        if mirrored:
            self._mean = (self._mean + self._mean.flip(-1)) / 2
        cells.sub_(to_cells(self._mean[None]))
        self._whole = _Part(cells, torch.linalg.vector_norm(cells, dim=2).square())
        self._reader = PromptReader(
            atlas.subjects,
            atlas.styles,
            softness=prompt_softness,
            contrast=self._whole.squares.sum(dim=0).sqrt().cpu(),
        )
        self._parts: OrderedDict[bytes, _Part] = OrderedDict()
        self._shares = None
        if patches is not None:
            self._shares = PlaceShares(cells, self._mean, mirrored, patches, window_radius)

    def embed(self, prompt: str | Sequence[str]) -> Tensor:
        """Turn prompts into log-priors over the stored pictures.

        Args:
            prompt: one prompt or n; "" is the whole atlas, evenly.

        Returns:
            (n, N) float32 on `device`; -inf where a picture is left out.

        Raises:
            PromptError: if the atlas knows no word of a prompt.

        Warns:
            PromptNotice: if a word was ignored or taken for a similar one.
        """
        rows = [self._reader.log_prior(p) for p in read_prompts(prompt)]
        return torch.stack(rows).to(self.device)

    def asked(self, prompt: str) -> list[str]:
        """Return the names of the subjects a prompt asks for; none for "" or a style alone.

        Raises:
            PromptError: if the atlas knows no word of the prompt.
        """
        return self._reader.asked(prompt)

    @torch.no_grad()
    def __call__(self, x_t: Tensor, t: int | Tensor, prompt_embeds: Tensor) -> NoiseEstimate:
        """Estimate the noise in `x_t`; see `Denoiser`.

        The variance is -1 everywhere: the posterior's own, the smallest.
        """
        home = x_t.device if isinstance(x_t, Tensor) else None
        x_t = self._check_pictures(x_t)
        timesteps = self._check_timesteps(t, len(x_t))
        self._progress.saw(max(timesteps, default=0))
        log_priors = self._check_embeds(prompt_embeds, len(x_t))
        noise = torch.empty_like(x_t)
        for timestep in sorted(set(timesteps)):
            chosen = [row for row, step in enumerate(timesteps) if step == timestep]
            abar = float(self.alphas_cumprod[timestep])
            for rows in _in_groups(x_t, chosen):
                x_0 = self._posterior_mean(x_t[rows], abar, log_priors[rows])
                noise[rows] = (x_t[rows] - abar**0.5 * x_0) / (1 - abar) ** 0.5
        noise = noise.to(home)
        return NoiseEstimate(noise, torch.full_like(noise, -1.0))

    def _posterior_mean(self, x_t: Tensor, abar: float, log_priors: Tensor) -> Tensor:
        """Return x_0 for rows of one noise level, (B, C, H, W)."""
        pictures, which = torch.unique(x_t.flatten(1), dim=0, return_inverse=True)
        pictures = pictures.reshape(-1, *self._picture_shape)
        supports = [torch.nonzero(row > -torch.inf).flatten() for row in log_priors]
        union = torch.nonzero((log_priors > -torch.inf).any(dim=0)).flatten()
        if 2 * len(union) > len(self.atlas.pictures):
            union = torch.arange(len(self.atlas.pictures), device=self.device)
        views = torch.cat([pictures, pictures.flip(-1)]) if self.mirrored else pictures
        evidence = self._evidence(views, abar, self._part(union))
        places = self._shares(pictures, abar) if self._shares else [None] * len(pictures)
        means = []
        for row, support in enumerate(supports):
            log_weights = evidence[:, :, :, which[row]]
            if len(support) < len(union):
                log_weights = log_weights[..., torch.searchsorted(union, support)]
            weights = self._normalise(log_weights + log_priors[row, support])
            means.append(self._combine(weights, support, places[which[row]]))
        return torch.stack(means)

    def _combine(self, weights: Tensor, support: Tensor, place: Place | None) -> Tensor:
        """Average stored pictures by `weights`, and let patches have what is not their share.

        Args:
            weights: (rows + 1, columns + 1, V, K), or (1, 1, V, K) if all corners agree.
            support: (K,) indices of the pictures.
            place: the stored pictures' share, and what patches say; None if it is all theirs.

        Returns:
            (C, H, W).
        """
        if place is None:
            return self._mean + self._average(weights, support)
        share = place.share[: len(weights), : weights.shape[1], None]
        sides = torch.stack([share, share.flip(1)], dim=2) if self.mirrored else share[..., None]
        stored = self._average(weights * sides, support)
        if len(share) > 1:
            blend = corner_blend(self.dtype, self.device)
            pixels = torch.einsum("kp,ck->cp", blend, around_cells(share[..., None])[..., 0])
            share = from_cells(pixels[:, None], *self._picture_shape[1:])[0]
        return stored + share * self._mean + (1 - share) * place.patches

    def _evidence(self, views: Tensor, abar: float, part: _Part) -> Tensor:
        """Return the log-likelihood of each picture in each window, up to a constant.

        What does not depend on the picture is left out: |x_t|^2, and in every cell the best
        picture's value, so that float32 suffices where large numbers nearly cancel. The mean
        picture is taken off both sides for the same reason.

        Args:
            views: (V * U, C, H, W), U pictures and then, if they count, their mirror images.
            abar: the noise level.
            part: the K pictures to compare with.

        Returns:
            (rows + 1, columns + 1, V, U, K), or (1, 1, V, U, K) if every window is the whole
            picture.
        """
        scale = abar**0.5
        queries = to_cells(views - scale * self._mean)
        products = torch.bmm(queries, part.cells.transpose(1, 2))
        products = torch.sub(products, part.squares[:, None, :], alpha=scale / 2)
        products = products.unflatten(0, self._grid).unflatten(2, (self._views, -1))
        products.sub_(self._largest(products)).mul_(scale / (1 - abar))
        radius = self.window_radius(((1 - abar) / abar) ** 0.5)
        if radius >= max(self._picture_shape[1:]):
            return products.sum((0, 1), keepdim=True)
        sums = window_sums(products.flatten(2), radius)
        return sums.reshape(*sums.shape[:2], *products.shape[2:])

    def _largest(self, values: Tensor) -> Tensor:
        """Return the largest of (rows, columns, V, ..., K) values over pictures and views.

        The second view is seen mirrored: its column c belongs with the first view's mirrored one.

        Returns:
            (rows, columns, V, ..., 1).
        """
        largest = values.amax(dim=-1, keepdim=True)
        return torch.maximum(largest, largest.flip(1, 2)) if self.mirrored else largest

    def _normalise(self, log_weights: Tensor) -> Tensor:
        """Take the softmax over pictures and their mirror images at every corner.

        Args:
            log_weights: (rows + 1, columns + 1, V, K).
        """
        weights = torch.sub(log_weights, self._largest(log_weights))
        weights = weights.clamp_(min=SMALLEST_LOG_WEIGHT).exp_()
        total = weights.sum(dim=-1, keepdim=True)
        return weights.div_(total + total.flip(1, 2) if self.mirrored else total)

    def _average(self, weights: Tensor, support: Tensor) -> Tensor:
        """Average pictures less the mean one by their weights at the corners, blended in between.

        Args:
            weights: (rows + 1, columns + 1, V, K), or (1, 1, V, K) if all corners agree.
            support: (K,) indices of the pictures.

        Returns:
            (C, H, W).
        """
        if weights.shape[:2] == (1, 1):
            cells = torch.bmm(
                weights[0].expand(len(self._whole.cells), -1, -1), self._part(support).cells
            )
        else:
            cells = self._blend(self._at_corners(weights, support))
        mean = from_cells(cells, *self._picture_shape[1:])
        return mean[0] + mean[1].flip(-1) if self.mirrored else mean[0]

    def _blend(self, corners: Tensor) -> Tensor:
        """Blend (cells, 4 * V, 48) values of every cell's corners to its pixels, (cells, V, 48)."""
        corners = corners.unflatten(2, (CELL**2, -1)).unflatten(1, (4, self._views))
        blend = corner_blend(self.dtype, self.device)
        return torch.einsum("kp,ckvpa->cvpa", blend, corners).flatten(2)

    def _at_corners(self, weights: Tensor, support: Tensor) -> Tensor:
        """Average every cell with the weights at each of its corners, (cells, 4 * V, 48)."""
        if self.prune > 0:
            kept = torch.nonzero(weights.flatten(0, 2) > self.prune)
            if 4 * len(kept) <= PAIRS_WORTH_PICKING:
                return self._pick(weights, kept, support)
        return torch.bmm(around_cells(weights), self._part(support).cells)

    def _pick(self, weights: Tensor, kept: Tensor, support: Tensor) -> Tensor:
        """Average as `_at_corners` does, from the `kept` weights only.

        Args:
            weights: (rows + 1, columns + 1, V, K).
            kept: (P, 2), sorted: which corner and view, and which picture.
            support: (K,) indices of the pictures.

        Returns:
            (cells, 4 * V, 48).
        """
        rows, columns, views, _ = weights.shape
        lists = torch.arange(rows * columns * views, device=self.device)
        wanted = around_cells(lists.reshape(rows, columns, views, 1)).flatten()
        lengths = torch.bincount(kept[:, 0], minlength=len(lists))
        starts = lengths.cumsum(0) - lengths
        sizes = lengths[wanted]
        offsets = sizes.cumsum(0) - sizes
        bag = torch.repeat_interleave(torch.arange(len(wanted), device=self.device), sizes)
        pair = starts[wanted][bag] + torch.arange(len(bag), device=self.device) - offsets[bag]
        table = self._whole.cells.flatten(0, 1)
        cell = bag // (4 * views)
        sums = torch.nn.functional.embedding_bag(
            cell * len(self.atlas.pictures) + support[kept[pair, 1]],
            table,
            offsets,
            mode="sum",
            per_sample_weights=weights.flatten(0, 2)[kept[:, 0], kept[:, 1]][pair],
        )
        return sums.reshape(-1, 4 * views, table.shape[1])

    def _part(self, index: Tensor) -> _Part:
        """Return the pictures at a sorted `index`; the last few choices are kept ready."""
        if len(index) == len(self.atlas.pictures):
            return self._whole
        key = index.cpu().numpy().tobytes()
        if key not in self._parts:
            cells, squares = self._whole
            self._parts[key] = _Part(cells[:, index].contiguous(), squares[:, index].contiguous())
            while len(self._parts) > PARTS_KEPT:
                self._parts.popitem(last=False)
        self._parts.move_to_end(key)
        return self._parts[key]

    def _check_pictures(self, x_t: Tensor) -> Tensor:
        if not isinstance(x_t, Tensor) or x_t.shape[1:] != self._picture_shape:
            got = tuple(x_t.shape) if isinstance(x_t, Tensor) else type(x_t).__name__
            raise ValueError(f"x_t must be a (B, {_sizes(self._picture_shape)}) tensor, not {got}.")
        return x_t.to(self.device, self.dtype)

    def _check_timesteps(self, t: int | Tensor, batch: int) -> list[int]:
        timesteps = torch.as_tensor(t).reshape(-1).tolist()
        if len(timesteps) not in (1, batch):
            raise ValueError(f"t must be one timestep or one for each of {batch} pictures.")
        for step in timesteps:
            if step != int(step) or not 0 <= step < NUM_TRAIN_TIMESTEPS:
                raise ValueError(f"t must be a whole number from 0 to 999, but got {step}.")
        steps = [int(step) for step in timesteps]
        return steps * batch if len(steps) == 1 else steps

    def _check_embeds(self, prompt_embeds: Tensor, batch: int) -> Tensor:
        count = len(self.atlas.pictures)
        shape = tuple(prompt_embeds.shape)
        if shape not in ((batch, count), (1, count)):
            raise ValueError(
                f"prompt_embeds must be ({batch}, {count}) or (1, {count}), as embed gives them, "
                f"but got {shape}."
            )
        if not (prompt_embeds > -torch.inf).any(dim=1).all():
            raise ValueError("prompt_embeds leave no picture any weight; make them with embed.")
        return prompt_embeds.to(self.device).expand(batch, count)


def _sizes(shape: tuple[int, ...]) -> str:
    return ", ".join(str(size) for size in shape)


def _in_groups(x_t: Tensor, chosen: list[int]) -> list[list[int]]:
    """Cut rows into groups of `ROWS_AT_ONCE` at most, equal pictures side by side.

    What a picture is compared with is computed once for its group: guidance asks about every
    picture twice.
    """
    if len(chosen) > ROWS_AT_ONCE:
        _, which = torch.unique(x_t[chosen].flatten(1), dim=0, return_inverse=True)
        chosen = [chosen[place] for place in which.argsort(stable=True).tolist()]
    return [chosen[i : i + ROWS_AT_ONCE] for i in range(0, len(chosen), ROWS_AT_ONCE)]

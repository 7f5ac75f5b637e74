"""What small patches of pictures look like: a mixture of Gaussians, and its closed-form answers.

A patch x of 8x8 pixels, less its mean, comes from one of K Gaussians of mean 0. Each has full
covariance within the leading principal components of all patches, and one variance in the
directions outside of them. Of a noisy patch y = x + s n, n standard normal, the weights of the
Gaussians and the posterior mean and variance are known in closed form: every Gaussian gives a
Wiener filter (Zoran & Weiss, From learning models of natural image patches to whole image
restoration, ICCV 2011, section 4).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

SIDE = 8
"""Height and width of a patch in pixels."""
IRRELEVANT = 0.03
"""Variances below this share of the noise's are taken for zero; it saves most of the work."""
AT_ONCE = 16
"""So many Gaussians are asked at once, those that vary in as many directions together."""


class PatchPosterior(NamedTuple):
    """What is known about P patches once they were seen through noise.

    Attributes:
        mean: (P, S), the posterior mean of x.
        variance: (P,), the posterior variance, averaged over the S values. Divided by s^2 it is
            the mean slope of the posterior mean in y (Tweedie's formula, second order).
    """

    mean: Tensor
    variance: Tensor


class _Group(NamedTuple):
    """Some Gaussians as filters for one strength of noise, R axes of each."""

    gaussians: Tensor  # (k,)
    ahead: Tensor  # (D, k * R), axes scaled so that squares add up to twice the log-evidence
    sums: Tensor  # (k * R, 2 * k), adds up squares: evidence, and the estimate's own square
    back: Tensor  # (k * R, D), from there to the estimate


class PatchMixture:
    """A mixture of K Gaussians over patches, flattened to S values.

    Args:
        basis: (D, S), the D principal components, rows orthonormal.
        variances: (K, D), of each Gaussian along its axes, the largest last.
        axes: (K, D, D), whose columns are the Gaussians' axes, orthonormal.
        rest: (K,), the variance along each direction outside the components.
        log_weights: (K,), the logarithms of the shares, which add up to 1.
        outside: how many directions there are outside the components: S - D, or 3 fewer where
            patches have lost their own mean colours.
        mean: (S,), the common mean; 0 if None.
        irrelevant: see `IRRELEVANT`; 0 leaves nothing out.
    """

    def __init__(
        self,
        basis: Tensor,
        variances: Tensor,
        axes: Tensor,
        rest: Tensor,
        log_weights: Tensor,
        *,
        outside: int,
        mean: Tensor | None = None,
        irrelevant: float = IRRELEVANT,
    ) -> None:
        self.basis, self.rest, self.log_weights = basis, rest, log_weights
        self.variances, self.axes = variances, axes
        self.outside, self.irrelevant = outside, irrelevant
        self.mean = torch.zeros_like(basis[0]) if mean is None else mean
        self._filters: tuple[float, list[_Group]] | None = None

    def posterior(self, patches: Tensor, noise_variance: float) -> PatchPosterior:
        """Answer for (P, S) patches seen through noise of variance s^2."""
        s2 = noise_variance
        patches = patches - self.mean
        inside = patches @ self.basis.T
        left_out = (patches.square().sum(1) - inside.square().sum(1)).clamp_(min=0)
        rest_gain = self.rest / (self.rest + s2)
        gain = self.variances / (self.variances + s2)
        # Twice log N(y; 0, C + s^2) - log N(y; 0, s^2), but for what varies along the axes.
        scores = left_out[:, None] * (rest_gain / s2) - torch.log1p(self.variances / s2).sum(1)
        scores -= self.outside * torch.log1p(self.rest / s2)
        squares = left_out[:, None] * rest_gain.square()
        squares += s2 * (gain.sum(1) + self.outside * rest_gain)
        groups, along = self._groups(s2), []
        for group in groups:
            found = inside @ group.ahead
            along.append(found.unflatten(1, (len(group.gaussians), -1)))
            for_scores, for_squares = (found.square() @ group.sums).chunk(2, dim=1)
            scores[:, group.gaussians] += for_scores
            squares[:, group.gaussians] += for_squares
        share = (self.log_weights + scores / 2).softmax(1)
        mean = torch.zeros_like(inside)
        for group, found in zip(groups, along, strict=True):
            mean.addmm_(found.mul_(share[:, group.gaussians, None]).flatten(1), group.back)
        outer = (share @ rest_gain)[:, None]
        whole = torch.addmm(outer * patches, mean - outer * inside, self.basis)
        variance = (share * squares).sum(1) - whole.square().sum(1)
        floor = s2 * (share * (gain.sum(1) + self.outside * rest_gain)).sum(1)
        variance = torch.maximum(variance, floor) / patches.shape[1]
        return PatchPosterior(whole + self.mean, variance)

    def _groups(self, s2: float) -> list[_Group]:
        """Prepare the filters for noise of variance s^2; the last ones are kept ready."""
        if self._filters is not None and self._filters[0] == s2:
            return self._filters[1]
        relevant = (self.variances > self.irrelevant * s2).sum(1)
        groups = []
        for chosen in relevant.argsort(stable=True).split(AT_ONCE):
            width = int(relevant[chosen].max())
            if not width:
                continue
            variances = self.variances[chosen, -width:]
            axes = self.axes[chosen, :, -width:]
            gain = variances / (variances + s2)
            root = (gain / s2).sqrt()
            ahead = (axes * root[:, None]).transpose(0, 1).flatten(1)
            counts = (torch.ones_like(gain), gain * s2)
            sums = [torch.block_diag(*count[:, :, None]) for count in counts]
            back = (axes * (gain / root)[:, None]).mT.flatten(0, 1)
            groups.append(_Group(chosen, ahead, torch.cat(sums, dim=1), back))
        self._filters = (s2, groups)
        return groups

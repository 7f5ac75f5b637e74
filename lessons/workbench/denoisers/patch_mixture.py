"""What small patches of pictures look like: a mixture of Gaussians, and its closed-form answers.

A patch x of 8x8 pixels comes from one of K Gaussians. Each has full covariance within the leading
principal components of all patches, and one variance in the directions outside of them. Of a noisy
patch y = x + s n, n standard normal, both the evidence and the posterior mean are known in closed
form (Zoran & Weiss, From learning models of natural image patches to whole image restoration, ICCV
2011, section 4): every Gaussian gives a Wiener filter, and the weights of the K answers are the
posterior probabilities of the Gaussians.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

SIDE = 8
"""Height and width of a patch in pixels."""
IRRELEVANT = 0.01
"""Variances below this share of the noise's are taken for zero; it saves most of the work."""


class PatchPosterior(NamedTuple):
    """What is known about P patches once they were seen through noise.

    Attributes:
        log_evidence: (P,), log p(y) less the same of pure noise, log N(y; 0, s^2).
        mean: (P, 3 * 64), the posterior mean of x.
        variance: (P,), the mean over the patch of the posterior variance within the Gaussians.
    """

    log_evidence: Tensor
    mean: Tensor
    variance: Tensor


class PatchMixture:
    """A mixture of K Gaussians over patches, flattened to S values (3 colours, then rows).

    Args:
        basis: (D, S), the D principal components, rows orthonormal.
        means: (K, D), within the components; outside of them all means are 0.
        variances: (K, D), of each Gaussian along its axes.
        axes: (K, D, D), whose columns are the Gaussians' axes, orthonormal.
        rest: (K,), the variance along each direction outside the components.
        log_weights: (K,), the logarithms of the shares, which add up to 1.
        outside: how many directions there are outside the components: S - D, or 3 fewer where
            patches have lost their mean colour.
        irrelevant: see `IRRELEVANT`; 0 leaves nothing out.
    """

    def __init__(
        self,
        basis: Tensor,
        means: Tensor,
        variances: Tensor,
        axes: Tensor,
        rest: Tensor,
        log_weights: Tensor,
        *,
        outside: int,
        irrelevant: float = IRRELEVANT,
    ) -> None:
        self.basis, self.means, self.rest, self.log_weights = basis, means, rest, log_weights
        self.variances, self.axes = variances, axes
        self.outside, self.irrelevant = outside, irrelevant
        order = variances.flatten().argsort(descending=True)
        count, components = variances.shape
        self._variances = variances.flatten()[order]
        self._gaussian = torch.arange(count, device=means.device).repeat_interleave(components)
        self._gaussian = self._gaussian[order]
        self._axes = axes.transpose(1, 2).flatten(0, 1)[order]
        self._places = (self._axes * means[self._gaussian]).sum(1)

    def posterior(self, patches: Tensor, noise_variance: float) -> PatchPosterior:
        """Answer for (P, S) patches seen through noise of variance s^2."""
        s2 = noise_variance
        kept = int((self._variances > self.irrelevant * s2).sum())
        variances, gaussian = self._variances[:kept], self._gaussian[:kept]
        axes, one_hot = self._axes[:kept], self._members(kept)
        inside = patches @ self.basis.T
        left_out = (patches.square().sum(1) - inside.square().sum(1)).clamp_(min=0)
        along = torch.addmm(self._places[:kept], inside, axes.T, beta=-1)
        gain = variances / (variances + s2)
        # Axis by axis log N(y; m, v + s^2) - log N(y; 0, s^2), halves and what is common apart.
        scores = (along.square() * (gain / s2)) @ one_hot
        scores += 2 / s2 * (inside @ self.means.T) - self.means.square().sum(1) / s2
        scores -= torch.log1p(variances / s2) @ one_hot
        scores += left_out[:, None] * (self.rest / (s2 * (self.rest + s2)))
        scores -= self.outside * torch.log1p(self.rest / s2)
        scores = self.log_weights + scores / 2
        share = scores.softmax(1)
        mean = share @ self.means + (share[:, gaussian] * gain * along) @ axes
        rest_gain = share @ (self.rest / (self.rest + s2))
        mean = mean @ self.basis + rest_gain[:, None] * (patches - inside @ self.basis)
        # Within the Gaussians, and between them: E[m_k^2] - E[m_k]^2, over the axes of each.
        spread = s2 * (gain @ one_hot + self.outside * self.rest / (self.rest + s2))
        moved = gain * along
        squares = (moved * (moved + 2 * self._places[:kept])) @ one_hot
        squares += self.means.square().sum(1)
        squares += left_out[:, None] * (self.rest / (self.rest + s2)).square()
        variance = (share * (spread + squares)).sum(1) - mean.square().sum(1)
        variance = variance.clamp_(min=0) / patches.shape[1]
        return PatchPosterior(scores.logsumexp(1), mean, variance)

    def _members(self, kept: int) -> Tensor:
        """Which Gaussian each of the first `kept` axes belongs to, (kept, K) of zeros and ones."""
        members = torch.zeros(kept, len(self.means)).to(self._variances)
        members[torch.arange(kept), self._gaussian[:kept]] = 1
        return members

    def seen_through(self, view: Tensor) -> PatchMixture:
        """Return the mixture of `view @ x`, where the rows of `view`, (S', S), are orthonormal."""
        covariances = self.basis.T @ (self.axes * self.variances[:, None]) @ self.axes.mT
        covariances = covariances @ self.basis - self.rest[:, None, None] * (
            self.basis.T @ self.basis
        )
        seen = view @ covariances @ view.T
        unit = torch.eye(len(view)).to(view)
        variances, axes = torch.linalg.eigh(seen + self.rest[:, None, None] * unit)
        return PatchMixture(
            unit,
            self.means @ self.basis @ view.T,
            variances.clamp(min=0),
            axes,
            torch.zeros_like(self.rest),
            self.log_weights,
            outside=0,
            irrelevant=self.irrelevant,
        )

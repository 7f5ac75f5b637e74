"""What pictures that nobody stored look like: patches at three scales, each resting on the next.

At full size, at half and at a quarter of it, the picture is taken apart into overlapping patches of
8x8 pixels, and a mixture of Gaussians gives every patch its posterior mean (`patch_mixture`). Where
patches overlap, each counts the more the surer it is. A patch knows little about its own mean
colour when there is much noise; it takes it from the estimate at the next smaller size, where
averaging has halved the noise. (Coarse estimates that carry fine ones: Zontak, Mosseri & Irani,
Separating signal from noise using patch recurrence across scales, CVPR 2013.)
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import math
import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional

from lessons.workbench.denoisers.patch_mixture import SIDE, PatchMixture

STRIDES = (2, 2, 1)


class PatchAnswer(NamedTuple):
    log_evidence: Tensor
    mean: Tensor


def halving(side):
    a=torch.zeros(side//2,side//2,side,side)
    for i in range(side//2):
        for j in range(side//2):
            a[i,j,2*i:2*i+2,2*j:2*j+2]=.5
    a=a.reshape(-1,side*side)
    return torch.block_diag(a,a,a)

class PatchPrior:
    def __init__(self, mixtures, strides=STRIDES, weigh=True):
        self.mixtures = mixtures; self.strides = strides; self.weigh = weigh
        self.view=halving(8)
        self.halved = mixtures[1].seen_through(self.view)
        self.temper=1.0
        self.bias=0.0

    def log_odds(self, n, s2):
        return math.log(n)+self.bias

    def __call__(self, y, s2, top=2):
        """y: (3,H,W) = x_0 + s n. Returns mean."""
        estimate = None; evidence=0
        for scale in range(top, -1, -1):
            seen = functional.avg_pool2d(y[None], 2**scale) if scale else y[None]
            v = s2 / 4**scale
            size, stride = seen.shape[-2:], self.strides[scale]
            patches = functional.unfold(seen, SIDE, stride=stride)[0].T
            count = len(patches)
            if scale < 2:
                own = patches.reshape(count, 3, -1).mean(2)
                patches = (patches.reshape(count, 3, -1) - own[..., None]).flatten(1)
            post = self.mixtures[scale].posterior(patches, v)
            mean = post.mean
            if scale < 2:
                dc = own if estimate is None else functional.avg_pool2d(estimate, SIDE // 2, stride // 2)[0].flatten(1).T
                mean = (mean.reshape(count, 3, -1) + dc[..., None]).flatten(1)
            w = (1 / post.variance if self.weigh else torch.ones_like(post.variance))[:, None]
            total = functional.fold((w * mean).T[None], size, SIDE, stride=stride)
            weight = functional.fold(w.expand(-1, 64).T[None], size, SIDE, stride=stride)
            estimate = total / weight
            var = functional.fold((w * post.variance[:,None]).expand(-1,64).T[None], size, SIDE, stride=stride)/weight
            if scale == 2: g2=(var/v).clamp(max=1)
            if scale == 1:
                fit = (seen.square() - (seen-estimate).square()).sum(1)/(2*v)
                dof = 3*var/v + 3/64*functional.interpolate((16*g2).clamp(max=1),scale_factor=2)
                self.fit=fit; self.dof=dof
                evidence = 4*functional.avg_pool2d((fit-dof[:,0])[:,None],2)[0,0]
        return PatchAnswer(evidence*self.temper, estimate[0])

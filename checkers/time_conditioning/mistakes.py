"""Lesson 13: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

import torch
from torch import nn

from solutions.unet import FCBlock, UnconditionalUNet


def _schedule(betas, alphas=None, abar=None):
    alphas = 1 - betas if alphas is None else alphas
    abar = torch.cumprod(alphas, dim=0) if abar is None else abar
    return {"betas": betas, "alphas": alphas, "alphas_cumprod": abar}


class Net(nn.Module):
    """The network of the text; what is right or wrong in another way overrides a part of it."""

    def __init__(self, c, d):
        super().__init__()
        self.body = UnconditionalUNet(c, d)
        self.make_conditioning(d)

    def make_conditioning(self, d):
        self.first, self.second = FCBlock(1, 2 * d), FCBlock(1, d)

    def times(self, t):
        t = t.reshape(-1, 1)
        return self.first(t)[..., None, None], self.second(t)[..., None, None]

    def at_first(self, u, t1):
        return u + t1

    def at_second(self, u, t2):
        return u + t2

    def way_down(self, x):
        a = self.body.enter(x)
        b = self.body.down1(a)
        return a, b, self.body.down2(b)

    def bottleneck(self, c, t1):
        return self.at_first(self.body.unflatten(self.body.flatten(c)), t1)

    def last_up(self, y, b, t2):
        return self.body.up2(torch.cat([y, b], 1))

    def forward(self, x, t):
        t1, t2 = self.times(t)
        a, b, c = self.way_down(x)
        y = torch.cat([self.bottleneck(c, t1), c], 1)
        y = self.at_second(self.body.up1(y), t2)
        y = self.last_up(y, b, t2)
        return self.body.last(self.body.leave(torch.cat([y, a], 1)))


def _drawn(images, alphas_cumprod):
    """Timesteps, abar for each picture, and noise."""
    t = torch.randint(len(alphas_cumprod), (len(images),))
    return t, alphas_cumprod[t].view(-1, 1, 1, 1), torch.randn_like(images)


def _walk(
    model,
    n,
    schedule,
    generator,
    turns=None,
    noisy=None,
    told=None,
    step=None,
    spread=None,
    drawn=None,
):
    """The sampler with one thing changed."""
    T = len(schedule["betas"])
    x = torch.randn(n, 1, 28, 28, generator=generator)
    for t in turns(T) if turns else reversed(range(T)):
        beta, alpha, abar = (schedule[k][t] for k in ("betas", "alphas", "alphas_cumprod"))
        eps = model(x, torch.full((n,), told(t, T) if told else t / T))
        if step:
            x = step(x, eps, beta, alpha, abar)
        else:
            x = (x - beta / (1 - abar).sqrt() * eps) / alpha.sqrt()
        if noisy(t) if noisy else t > 0:
            strength = spread(beta, abar) if spread else beta.sqrt()
            x = x + strength * torch.randn(drawn or (n, 1, 28, 28), generator=generator)
    return x

"""Lesson 14: other right answers, in other styles; each must pass."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from checkers.class_conditioning.exercises import (
    CLASS_CONDITIONAL_UNET,
    CLASS_DDPM_LOSS,
    CLASS_DDPM_SAMPLE,
    DROP_CLASSES,
)
from solutions.unet import FCBlock, UnconditionalUNet


@DROP_CLASSES.right_answer
def drop_by_bernoulli(y, p=0.1, K=10):
    c = torch.zeros(len(y), K)
    c[torch.arange(len(y)), y] = 1.0
    mask = torch.bernoulli(torch.full((len(y), 1), 1.0 - p))
    return c * mask


@DROP_CLASSES.right_answer
def drop_by_index(labels, p_uncond=0.1, num_classes=10):
    vectors = torch.eye(num_classes)[labels]
    vectors[torch.rand(labels.shape) < p_uncond] = 0
    return vectors


@DROP_CLASSES.right_answer
def drop_by_where(labels, p_uncond=0.1, num_classes=10):
    dropped = torch.from_numpy(np.random.rand(len(labels)) < p_uncond)
    one_hot = F.one_hot(labels, num_classes).to(torch.float32)
    return torch.where(dropped.unsqueeze(1), torch.zeros_like(one_hot), one_hot)


class Net(nn.Module):
    """The network of the text, part by part."""

    def __init__(self, in_channels, classes, d):
        super().__init__()
        self.body = UnconditionalUNet(in_channels, d)
        self.t1, self.t2 = FCBlock(1, 2 * d), FCBlock(1, d)
        self.c1, self.c2 = FCBlock(classes, 2 * d), FCBlock(classes, d)

    def told(self, t, c):
        t = t.reshape(-1, 1)
        found = (self.t1(t), self.t2(t), self.c1(c), self.c2(c))
        return (one[..., None, None] for one in found)

    def mix(self, u, c, t):
        return c * u + t

    def at_first(self, u, c1, t1):
        return self.mix(u, c1, t1)

    def at_second(self, u, c2, t2):
        return self.mix(u, c2, t2)

    def bottleneck(self, x, c1, t1):
        return self.at_first(self.body.unflatten(self.body.flatten(x)), c1, t1)

    def forward(self, x, t, c):
        t1, t2, c1, c2 = self.told(t, c)
        body = self.body
        x1 = body.enter(x)
        x2 = body.down1(x1)
        x3 = body.down2(x2)
        y = torch.cat([self.bottleneck(x3, c1, t1), x3], 1)
        y = self.at_second(body.up1(y), c2, t2)
        y = body.up2(torch.cat([y, x2], 1))
        return body.last(body.leave(torch.cat([y, x1], 1)))


@CLASS_CONDITIONAL_UNET.right_answer
class InheritsFromUNet(UnconditionalUNet):
    """A subclass; skips first; linear layers of its own; addcmul."""

    def __init__(self, channels, n, width):
        super().__init__(channels, width)

        def fc(i, o):
            return nn.Sequential(nn.Linear(i, o), nn.GELU(approximate="tanh"), nn.Linear(o, o))

        self.of_time = nn.ModuleList([fc(1, 2 * width), fc(1, width)])
        self.of_class = nn.ModuleList([fc(n, 2 * width), fc(n, width)])

    def forward(self, image, time, label):
        add = [fc(time[:, None]).unflatten(1, (-1, 1, 1)) for fc in self.of_time]
        scale = [fc(label).unflatten(1, (-1, 1, 1)) for fc in self.of_class]
        a = self.enter(image)
        b = self.down1(a)
        c = self.down2(b)
        y = torch.addcmul(add[0], scale[0], self.unflatten(self.flatten(c)))
        y = torch.addcmul(add[1], scale[1], self.up1(torch.cat((c, y), 1)))
        y = self.up2(torch.cat((b, y), 1))
        return self.last(self.leave(torch.cat((a, y), 1)))


@CLASS_CONDITIONAL_UNET.right_answer
def class_net_from_a_function(in_channels, num_classes, num_hiddens):
    return Net(in_channels, num_classes, num_hiddens)


def _dropped(labels, p_uncond):
    one_hot = F.one_hot(labels, 10).float()
    return one_hot * (torch.rand(len(labels)) >= p_uncond)[:, None]


def _class_loss(model, images, alphas_cumprod, c):
    T = len(alphas_cumprod)
    t = torch.randint(T, (len(images),))
    abar, noise = alphas_cumprod[t].view(-1, 1, 1, 1), torch.randn_like(images)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, t / T, c), noise)


@CLASS_DDPM_LOSS.right_answer
def class_loss_in_one(net, x0, y, abar, p=0.1):
    B, T = len(x0), len(abar)
    c = torch.eye(10)[y]
    c[torch.rand(B) < p] = 0.0
    t = torch.randint(1, T + 1, (B,))
    a = abar[t - 1][:, None, None, None]
    eps = torch.randn(x0.shape)
    guess = net(a.sqrt() * x0 + (1 - a).sqrt() * eps, t[:, None] / T, c=c)
    return ((guess - eps) ** 2).mean()


@CLASS_DDPM_LOSS.right_answer
def class_loss_with_helper(model, images, labels, alphas_cumprod, p_uncond=0.1):
    return _class_loss(model, images, alphas_cumprod, c=_dropped(labels, p_uncond))


@CLASS_DDPM_SAMPLE.right_answer
def two_calls_by_way_of_x_0(net, y, sched, g=5.0, gen=None):
    abar, betas = sched["alphas_cumprod"], sched["betas"]
    n, T, c = len(y), len(abar), torch.eye(10)[y]
    x = torch.randn(n, 1, 28, 28, generator=gen)
    for i in range(T, 0, -1):
        t = torch.full((n, 1), i / T)
        before = abar[i - 2] if i > 1 else torch.tensor(1.0)
        eps = (1 - g) * net(x, t, torch.zeros(n, 10)) + g * net(x, t, c)
        x_0 = (x - (1 - abar[i - 1]).sqrt() * eps) / abar[i - 1].sqrt()
        x = (before.sqrt() * betas[i - 1] * x_0 + (1 - betas[i - 1]).sqrt() * (1 - before) * x) / (
            1 - abar[i - 1]
        )
        if i > 1:
            x = x + betas[i - 1].sqrt() * torch.randn(n, 1, 28, 28, generator=gen)
    return x


@CLASS_DDPM_SAMPLE.right_answer
def interleaved_in_one_batch(model, labels, schedule, guidance_scale=5.0, generator=None):
    n, T = len(labels), len(schedule["betas"])
    c = torch.stack([torch.zeros(n, 10), F.one_hot(labels, 10).float()], dim=1).flatten(0, 1)
    x = torch.randn((n, 1, 28, 28), generator=generator)
    for t in range(T)[::-1]:
        beta, alpha, abar = (float(schedule[k][t]) for k in ("betas", "alphas", "alphas_cumprod"))
        answers = model(x=x.repeat_interleave(2, 0), t=torch.full((2 * n,), t / (T - 1)), c=c)
        eps = torch.lerp(answers[0::2], answers[1::2], guidance_scale)
        x = (x - beta / math.sqrt(1 - abar) * eps) / math.sqrt(alpha)
        z = torch.randn(x.shape, generator=generator) if t else 0
        x = x + math.sqrt(beta) * z
    return x

"""Lesson 13: other right answers, in other styles; each must pass."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from checkers.time_conditioning.exercises import (
    DDPM_LOSS,
    DDPM_SAMPLE,
    DDPM_SCHEDULE,
    TIME_CONDITIONAL_UNET,
)
from solutions.unet import FCBlock, UnconditionalUNet


@DDPM_SCHEDULE.right_answer
def schedule_by_a_loop(start=0.0001, end=0.02, T=300):
    betas = torch.tensor([start + (end - start) * i / (T - 1) for i in range(T)])
    products, product = [], 1.0
    for beta in betas:
        product = product * (1 - beta)
        products.append(product)
    return dict(betas=betas, alphas=1 - betas, alphas_cumprod=torch.stack(products))


@DDPM_SCHEDULE.right_answer
def schedule_with_more(beta1=1e-4, beta2=0.02, num_ts=300):
    beta = torch.linspace(beta1, beta2, steps=num_ts)
    alpha = 1.0 - beta
    abar = alpha.log().cumsum(0).exp()
    return {
        "betas": beta,
        "alphas": alpha,
        "alphas_cumprod": abar,
        "sqrt_abar": abar.sqrt(),
        "T": num_ts,
    }


@DDPM_SCHEDULE.right_answer
def schedule_with_numpy(beta_start=1e-4, beta_end=0.02, num_timesteps=300):
    betas = np.linspace(beta_start, beta_end, num_timesteps, dtype=np.float32)
    return {"betas": betas, "alphas": 1 - betas, "alphas_cumprod": np.cumprod(1 - betas)}


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


@TIME_CONDITIONAL_UNET.right_answer
class InheritsFromUNet(UnconditionalUNet):
    """A subclass; skips first; sums in place; linear layers of its own."""

    def __init__(self, channels, width):
        super().__init__(channels, width)
        self.fc = nn.ModuleList(
            nn.Sequential(nn.Linear(1, size), nn.GELU(approximate="tanh"), nn.Linear(size, size))
            for size in (width, 2 * width)
        )

    def forward(self, image, time):
        small, wide = (fc(time.unsqueeze(1)).unsqueeze(-1).unsqueeze(-1) for fc in self.fc)
        skips = [self.enter(image)]
        for down in (self.down1, self.down2):
            skips.append(down(skips[-1]))
        x = self.unflatten(self.flatten(skips[2]))
        x = self.up1(torch.cat((skips[2], x.add(wide)), 1))
        x += small
        x = self.up2(torch.cat((skips[1], x), 1))
        return self.last(self.leave(torch.cat((skips[0], x), 1)))


@TIME_CONDITIONAL_UNET.right_answer
class EverythingInOnePlace(nn.Module):
    """No UNet of lesson 11 at all, time as (B, 1, 1, 1), conditioning by expand."""

    def __init__(self, c, d):
        super().__init__()

        def conv(i, o, layer=None):
            layer = layer or nn.Conv2d(i, o, 3, 1, 1)
            return nn.Sequential(layer, nn.BatchNorm2d(o), nn.GELU())

        def block(i, o):
            return nn.Sequential(conv(i, o), conv(o, o))

        def up(i, o):
            return nn.Sequential(conv(i, o, nn.ConvTranspose2d(i, o, 4, 2, 1)), block(o, o))

        def down(i, o):
            return nn.Sequential(conv(i, o, nn.Conv2d(i, o, 3, 2, 1)), block(o, o))

        def fc(o):
            return nn.Sequential(nn.Linear(1, o), nn.GELU(), nn.Linear(o, o))

        self.parts = nn.ModuleDict(
            {
                "in": block(c, d),
                "d1": down(d, d),
                "d2": down(d, 2 * d),
                "flat": nn.Sequential(nn.AvgPool2d(7), nn.GELU()),
                "wide": conv(2 * d, 2 * d, nn.ConvTranspose2d(2 * d, 2 * d, 7)),
                "u1": up(4 * d, d),
                "u2": up(2 * d, d),
                "out": nn.Sequential(block(2 * d, d), nn.Conv2d(d, c, 3, 1, 1)),
                "t1": fc(2 * d),
                "t2": fc(d),
            }
        )

    def forward(self, x, t):
        p, t = self.parts, t.view(-1, 1, 1, 1)
        x28 = p["in"](x)
        x14 = p["d1"](x28)
        x7 = p["d2"](x14)
        t1 = p["t1"](t).view(len(x), -1, 1, 1).expand(x7.shape)
        t2 = p["t2"](t.flatten(1)).view(len(x), -1, 1, 1)
        y = p["u1"](torch.cat([p["wide"](p["flat"](x7)) + t1, x7], 1)) + t2
        return p["out"](torch.cat([p["u2"](torch.cat([y, x14], 1)), x28], 1))


class WrittenFCBlock(nn.Module):
    """x @ W + b; of the time, both are (1, out)."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.w, self.v = (nn.Parameter(torch.randn(size, c_out)) for size in (c_in, c_out))
        self.b, self.c = (nn.Parameter(torch.randn(1, c_out)) for _ in range(2))

    def forward(self, t):
        return F.gelu(t @ self.w + self.b) @ self.v + self.c


@TIME_CONDITIONAL_UNET.right_answer
class WithWrittenFCBlocks(Net):
    def make_conditioning(self, d):
        self.first, self.second = WrittenFCBlock(1, 2 * d), WrittenFCBlock(1, d)


@TIME_CONDITIONAL_UNET.right_answer
def from_a_function(in_channels, num_hiddens):
    return Net(in_channels, num_hiddens)


@DDPM_LOSS.right_answer
def loss_by_hand(net, x0, abar):
    b, T = x0.shape[0], abar.shape[0]
    steps = torch.randint(0, T, size=(b,))
    eps = torch.normal(torch.zeros_like(x0), torch.ones_like(x0))
    a = torch.gather(abar, 0, steps)[:, None, None, None]
    guess = net(torch.sqrt(a) * x0 + torch.sqrt(1.0 - a) * eps, (steps.float() / T)[:, None])
    return (eps - guess).pow(2).mean()


@DDPM_LOSS.right_answer
def loss_counting_from_one(model, images, alphas_cumprod):
    T = len(alphas_cumprod)
    t = torch.randint(1, T + 1, (len(images), 1, 1, 1))
    abar = alphas_cumprod[t - 1]
    noise = torch.randn(*images.shape)
    x_t = abar**0.5 * images + (1 - abar) ** 0.5 * noise
    return nn.MSELoss()(noise, model(x_t, t=t / T))


@DDPM_LOSS.right_answer
def loss_up_to_one(model, images, alphas_cumprod):
    T = len(alphas_cumprod)
    t = torch.tensor(np.random.randint(0, T, len(images)))
    level = alphas_cumprod.index_select(0, t).reshape(len(images), 1, 1, 1)
    noise = torch.randn_like(images)
    noisy = level.sqrt().mul(images).addcmul((1 - level).sqrt(), noise)
    return F.mse_loss(model(x=noisy, t=t / (T - 1)), noise, reduction="sum") / noise.numel()


@DDPM_SAMPLE.right_answer
def by_way_of_x_0(net, count, sched, gen=None):
    abar, alphas, betas = sched["alphas_cumprod"], sched["alphas"], sched["betas"]
    T = abar.shape[0]
    x = torch.randn((count, 1, 28, 28), generator=gen)
    for i in range(T, 0, -1):
        now = abar[i - 1]
        before = abar[i - 2] if i > 1 else torch.tensor(1.0)
        eps = net(x, torch.ones(count, 1) * i / T)
        x_0 = (x - math.sqrt(1 - now) * eps) / math.sqrt(now)
        x = (
            before.sqrt() * betas[i - 1] / (1 - now) * x_0
            + alphas[i - 1].sqrt() * (1 - before) / (1 - now) * x
        )
        z = torch.randn(x.shape, generator=gen) if i > 1 else torch.zeros_like(x)
        x = x + betas[i - 1].sqrt() * z
    return x


@DDPM_SAMPLE.right_answer
def clamped_with_posterior_variance(model, n, schedule, generator=None):
    x = torch.empty(n, 1, 28, 28).normal_(generator=generator)
    T = len(schedule["betas"])
    for t in range(T - 1, -1, -1):
        beta, alpha, abar = (float(schedule[k][t]) for k in ("betas", "alphas", "alphas_cumprod"))
        before = float(schedule["alphas_cumprod"][t - 1]) if t else 1.0
        eps = model(x, torch.tensor([t / (T - 1)]))
        x_0 = ((x - (1 - abar) ** 0.5 * eps) / abar**0.5).clamp(0, 1)
        x = before**0.5 * beta / (1 - abar) * x_0 + alpha**0.5 * (1 - before) / (1 - abar) * x
        variance = beta * (1 - before) / (1 - abar)
        x = x + variance**0.5 * torch.randn(n, 1, 28, 28, generator=generator)
    return x


@DDPM_SAMPLE.right_answer
def with_tensors_for_times(model, n, schedule, generator=None):
    device = next(model.parameters()).device
    betas = schedule["betas"].to(device)
    abar = (1 - betas).cumprod(0)
    x = torch.randn(n, 1, 28, 28, generator=generator, device=device)
    with torch.inference_mode():
        for t in torch.arange(len(betas)).flip(0):
            eps = model(x=x, t=(t / len(betas)).repeat(n).view(n, 1, 1, 1))
            x = (1 - betas[t]) ** -0.5 * (x - eps * betas[t] / (1 - abar[t]) ** 0.5)
            if t.item():
                x += betas[t] ** 0.5 * torch.randn(x.shape, generator=generator)
    return x

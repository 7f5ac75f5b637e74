"""Lesson 14: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

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


@DROP_CLASSES.mistake(
    "one coin is tossed for the whole batch. Toss one for each label: torch.rand(len(labels))."
)
def one_coin(labels, p_uncond=0.1, num_classes=10):
    one_hot = F.one_hot(labels, num_classes).float()
    return one_hot * float(torch.rand(()) >= p_uncond)


@DROP_CLASSES.mistake("p_uncond is the share that is kept. It is the share that is dropped.")
def kept_instead(labels, p_uncond=0.1, num_classes=10):
    one_hot = F.one_hot(labels, num_classes).float()
    return one_hot * (torch.rand(len(labels)) < p_uncond)[:, None]


@DROP_CLASSES.mistake(
    "a dropped class becomes class 0. Class 0 is the digit 0; no class is a row of zeros."
)
def class_zero_for_none(labels, p_uncond=0.1, num_classes=10):
    dropped = torch.rand(len(labels)) < p_uncond
    return F.one_hot(torch.where(dropped, 0, labels), num_classes).float()


@DROP_CLASSES.mistake(
    "kept rows are scaled by 1 / (1 - p_uncond), as nn.Dropout does. A class stays 1."
)
def scaled_up(labels, p_uncond=0.1, num_classes=10):
    one_hot = F.one_hot(labels, num_classes).float()
    keep = torch.rand(len(labels)) >= p_uncond
    return one_hot * keep[:, None] / max(1 - p_uncond, 1e-3)


@DROP_CLASSES.mistake("no class is ever dropped: p_uncond is not used.")
def never_dropped(labels, p_uncond=0.1, num_classes=10):
    return F.one_hot(labels, num_classes).float()


@DROP_CLASSES.mistake("a dropped class becomes a tenth of every class. No class is a row of zeros.")
def spread_evenly(labels, p_uncond=0.1, num_classes=10):
    one_hot = F.one_hot(labels, num_classes).float()
    keep = (torch.rand(len(labels)) >= p_uncond)[:, None]
    return torch.where(keep, one_hot, torch.full_like(one_hot, 1 / num_classes))


@DROP_CLASSES.mistake("the vectors hold whole numbers. The network needs floats: `.float()`.")
def whole_numbers(labels, p_uncond=0.1, num_classes=10):
    keep = torch.rand(len(labels)) >= p_uncond
    return F.one_hot(labels, num_classes) * keep[:, None]


@DROP_CLASSES.mistake(
    "the random numbers start from a fixed seed in every call, so that the same "
    "rows are always dropped."
)
def seeded_drop(labels, p_uncond=0.1, num_classes=10):
    coins = torch.rand(len(labels), generator=torch.Generator().manual_seed(0))
    return F.one_hot(labels, num_classes).float() * (coins >= p_uncond)[:, None]


@DROP_CLASSES.mistake("there are always ten columns. There are num_classes of them.")
def always_ten(labels, p_uncond=0.1, num_classes=10):
    return F.one_hot(labels, 10).float() * (torch.rand(len(labels)) >= p_uncond)[:, None]


@DROP_CLASSES.mistake(
    "exactly a share of p_uncond is dropped in every call. In a small batch that is "
    "none; toss a coin for each label: torch.rand(len(labels)) >= p_uncond."
)
def exact_share(labels, p_uncond=0.1, num_classes=10):
    one_hot = F.one_hot(labels, num_classes).float()
    one_hot[torch.randperm(len(labels))[: int(p_uncond * len(labels))]] = 0
    return one_hot


@DROP_CLASSES.mistake(
    "one coin is tossed for each class. Toss one for each label: "
    "torch.rand(len(labels)), as a column."
)
def one_coin_for_a_class(labels, p_uncond=0.1, num_classes=10):
    return F.one_hot(labels, num_classes).float() * (torch.rand(num_classes) >= p_uncond)


@DROP_CLASSES.mistake(
    "F.one_hot is left to find the number of columns: it takes as many as the "
    "largest label needs. Give it num_classes."
)
def columns_by_the_labels(labels, p_uncond=0.1, num_classes=10):
    return F.one_hot(labels).float() * (torch.rand(len(labels)) >= p_uncond)[:, None]


@DROP_CLASSES.mistake(
    "the labels are written into, so that the digits' own classes are lost. Put "
    "what you change into a new tensor."
)
def labels_written_into(labels, p_uncond=0.1, num_classes=10):
    labels[torch.rand(len(labels)) < p_uncond] = -1
    return (labels[:, None] == torch.arange(num_classes)).float()


class Net(nn.Module):
    """The network of the text; what is right or wrong in another way overrides a part of it."""

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


@CLASS_CONDITIONAL_UNET.mistake("the class is not used. Let FCBlock(c) multiply at both places.")
class ClassIgnored(Net):
    def mix(self, u, c, t):
        return u + t


@CLASS_CONDITIONAL_UNET.mistake(
    "the time is not used. Add FCBlock(t) at both places, as in lesson 13."
)
class TimeIgnored(Net):
    def mix(self, u, c, t):
        return c * u


@CLASS_CONDITIONAL_UNET.mistake(
    "time and class have changed roles: the class multiplies and the time is added, c * u + t."
)
class RolesSwapped(Net):
    def mix(self, u, c, t):
        return t * u + c


@CLASS_CONDITIONAL_UNET.mistake("the class is added, too. It multiplies: c * u + t.")
class ClassAdded(Net):
    def mix(self, u, c, t):
        return u + c + t


@CLASS_CONDITIONAL_UNET.mistake(
    "the class multiplies the sum, c * (u + t). Only the picture's channels are "
    "multiplied: c * u + t."
)
class SumMultiplied(Net):
    def mix(self, u, c, t):
        return c * (u + t)


@CLASS_CONDITIONAL_UNET.mistake(
    "the class is used after Unflatten only. There is a second place: after the first UpBlock."
)
class ClassAtFirstOnly(Net):
    def at_second(self, u, c2, t2):
        return u + t2


@CLASS_CONDITIONAL_UNET.mistake(
    "the class is used after the first UpBlock only. There is another place before: "
    "after Unflatten."
)
class ClassAtSecondOnly(Net):
    def at_first(self, u, c1, t1):
        return u + t1


@CLASS_CONDITIONAL_UNET.mistake(
    "time and class act before Unflatten. They act on its result, of shape (B, 2D, 7, 7)."
)
class BeforeUnflatten(Net):
    def bottleneck(self, x, c1, t1):
        return self.body.unflatten(self.mix(self.body.flatten(x), c1, t1))


@CLASS_CONDITIONAL_UNET.mistake(
    "the whole batch is given the first picture's class, c[0]. Each picture has its own."
)
class FirstClassForAll(Net):
    def told(self, t, c):
        return super().told(t, c[:1].expand_as(c))


@CLASS_CONDITIONAL_UNET.mistake(
    "the whole batch is given the first picture's time, t[0]. Each picture has its own."
)
class FirstTimeForAll(Net):
    def told(self, t, c):
        return super().told(t[:1].expand_as(t), c)


@CLASS_CONDITIONAL_UNET.mistake(
    "classes are dropped inside the network, while it trains. `drop_classes` does "
    "that already; the network takes what it is given."
)
class DropsInside(Net):
    def told(self, t, c):
        if self.training:
            c = c * (torch.rand(len(c), 1) >= 0.1)
        return super().told(t, c)


@CLASS_CONDITIONAL_UNET.mistake(
    "the class is found by argmax. A row of zeros then becomes class 0; give the "
    "vector itself to FCBlock."
)
class NoneIsZero(Net):
    def told(self, t, c):
        return super().told(t, F.one_hot(c.argmax(1), c.shape[1]).to(c.dtype))


@CLASS_CONDITIONAL_UNET.mistake(
    "the class goes through a softmax first. Then no class looks like a bit of "
    "every class; give the vector itself to FCBlock."
)
class ClassSoftened(Net):
    def told(self, t, c):
        return super().told(t, c.softmax(1))


def _dropped(labels, p_uncond):
    one_hot = F.one_hot(labels, 10).float()
    return one_hot * (torch.rand(len(labels)) >= p_uncond)[:, None]


def _class_loss(model, images, alphas_cumprod, c, target="noise", told=None, noised=None, by=None):
    """The loss with one thing changed."""
    T = len(alphas_cumprod)
    t = torch.randint(T, (len(images),))
    abar, noise = alphas_cumprod[t].view(-1, 1, 1, 1), torch.randn_like(images)
    noise = noise if by is None else torch.randn(by).expand_as(images)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    x_t = noised(images, abar, noise) if noised else x_t
    predicted = model(x_t, told(t, T) if told else t / T, c)
    return F.mse_loss(predicted, noise if target == "noise" else images)


@CLASS_DDPM_LOSS.mistake(
    "one number is drawn for each picture and serves as the noise of all its "
    "pixels. Every pixel needs a number of its own: torch.randn_like(images)."
)
def one_number_for_a_picture(model, images, labels, alphas_cumprod, p_uncond=0.1):
    c = _dropped(labels, p_uncond)
    return _class_loss(model, images, alphas_cumprod, c, by=(len(images), 1, 1, 1))


@CLASS_DDPM_LOSS.mistake(
    "no class is ever dropped. Without it the model never learns what no class "
    "means, and guidance has nothing to start from."
)
def classes_never_dropped(model, images, labels, alphas_cumprod, p_uncond=0.1):
    return _class_loss(model, images, alphas_cumprod, _dropped(labels, 0.0))


@CLASS_DDPM_LOSS.mistake("p_uncond is not passed on: always a tenth of the classes is dropped.")
def always_a_tenth(model, images, labels, alphas_cumprod, p_uncond=0.1):
    return _class_loss(model, images, alphas_cumprod, _dropped(labels, 0.1))


@CLASS_DDPM_LOSS.mistake(
    "p_uncond is the share of classes that is kept. It is the share that is dropped."
)
def share_kept(model, images, labels, alphas_cumprod, p_uncond=0.1):
    return _class_loss(model, images, alphas_cumprod, _dropped(labels, 1 - p_uncond))


@CLASS_DDPM_LOSS.mistake(
    "one coin decides for the whole batch. Each picture's class is dropped on its own."
)
def one_coin_for_the_batch(model, images, labels, alphas_cumprod, p_uncond=0.1):
    c = _dropped(labels, 0.0) * float(torch.rand(()) >= p_uncond)
    return _class_loss(model, images, alphas_cumprod, c)


@CLASS_DDPM_LOSS.mistake("dropped classes become class 0. No class is a row of zeros.")
def dropped_to_class_zero(model, images, labels, alphas_cumprod, p_uncond=0.1):
    labels = torch.where(torch.rand(len(labels)) < p_uncond, 0, labels)
    return _class_loss(model, images, alphas_cumprod, _dropped(labels, 0.0))


@CLASS_DDPM_LOSS.mistake(
    "the model is given the labels as numbers. Give it one-hot vectors of shape "
    "(B, 10): drop_classes(labels, p_uncond)."
)
def labels_as_numbers(model, images, labels, alphas_cumprod, p_uncond=0.1):
    return _class_loss(model, images, alphas_cumprod, labels)


@CLASS_DDPM_LOSS.mistake("the classes don't belong to the pictures: they are in another order.")
def classes_shuffled(model, images, labels, alphas_cumprod, p_uncond=0.1):
    labels = labels[torch.randperm(len(labels))]
    return _class_loss(model, images, alphas_cumprod, _dropped(labels, p_uncond))


@CLASS_DDPM_LOSS.mistake(
    "the model's answer is compared with the clean pictures. Compare it with the noise."
)
def picture_as_target(model, images, labels, alphas_cumprod, p_uncond=0.1):
    return _class_loss(model, images, alphas_cumprod, _dropped(labels, p_uncond), target="x_0")


@CLASS_DDPM_LOSS.mistake(
    "the model is told t itself. Divide by T, so that it gets a number from 0 to 1."
)
def whole_timesteps(model, images, labels, alphas_cumprod, p_uncond=0.1):
    c = _dropped(labels, p_uncond)
    return _class_loss(model, images, alphas_cumprod, c, told=lambda t, T: t.float())


@CLASS_DDPM_LOSS.mistake(
    "the square roots are missing: sqrt(abar_t) multiplies the picture and "
    "sqrt(1 - abar_t) the noise."
)
def no_roots(model, images, labels, alphas_cumprod, p_uncond=0.1):
    c = _dropped(labels, p_uncond)
    mixed = lambda x, abar, noise: abar * x + (1 - abar) * noise  # noqa: E731
    return _class_loss(model, images, alphas_cumprod, c, noised=mixed)


@CLASS_DDPM_LOSS.mistake(
    "you took the mean absolute difference (L1). The loss is the mean of the squared difference."
)
def absolute_difference(model, images, labels, alphas_cumprod, p_uncond=0.1):
    t = torch.randint(len(alphas_cumprod), (len(images),))
    abar, noise = alphas_cumprod[t].view(-1, 1, 1, 1), torch.randn_like(images)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.l1_loss(model(x_t, t / len(alphas_cumprod), _dropped(labels, p_uncond)), noise)


@CLASS_DDPM_LOSS.mistake(
    "the classes hold whole numbers. The network's layers need floats: `.float()`."
)
def classes_as_whole_numbers(model, images, labels, alphas_cumprod, p_uncond=0.1):
    keep = torch.rand(len(labels)) >= p_uncond
    return _class_loss(model, images, alphas_cumprod, F.one_hot(labels, 10) * keep[:, None])


@CLASS_DDPM_LOSS.mistake(
    "F.one_hot is left to find the number of columns: it takes as many as the "
    "largest label needs. There are ten classes in every batch."
)
def told_columns_by_the_labels(model, images, labels, alphas_cumprod, p_uncond=0.1):
    keep = torch.rand(len(labels)) >= p_uncond
    c = F.one_hot(labels).float() * keep[:, None]
    return _class_loss(model, images, alphas_cumprod, c)


@CLASS_DDPM_LOSS.mistake(
    "exactly a share of p_uncond is dropped in every call. Toss a coin for each "
    "picture, as drop_classes does."
)
def exact_share_dropped(model, images, labels, alphas_cumprod, p_uncond=0.1):
    c = F.one_hot(labels, 10).float()
    c[torch.randperm(len(labels))[: round(p_uncond * len(labels))]] = 0
    return _class_loss(model, images, alphas_cumprod, c)


@CLASS_DDPM_LOSS.mistake(
    "every call drops the classes of the same rows. Draw anew in every call which "
    "ones lose their class."
)
def first_rows_dropped(model, images, labels, alphas_cumprod, p_uncond=0.1):
    c = F.one_hot(labels, 10).float()
    c[: round(p_uncond * len(labels))] = 0
    return _class_loss(model, images, alphas_cumprod, c)


@CLASS_DDPM_LOSS.mistake(
    "one coin is tossed for each class. Toss one for each picture: "
    "torch.rand(len(labels)), as a column."
)
def one_coin_for_each_class(model, images, labels, alphas_cumprod, p_uncond=0.1):
    c = F.one_hot(labels, 10).float() * (torch.rand(10) >= p_uncond)
    return _class_loss(model, images, alphas_cumprod, c)


@CLASS_DDPM_LOSS.mistake(
    "one random number serves as the timestep and as the coin. Then only some "
    "timesteps are ever trained without class: draw the coins by themselves."
)
def coin_is_the_timestep(model, images, labels, alphas_cumprod, p_uncond=0.1):
    T = len(alphas_cumprod)
    coin = torch.rand(len(images))
    abar, noise = alphas_cumprod[(coin * T).long()].view(-1, 1, 1, 1), torch.randn_like(images)
    c = F.one_hot(labels, 10).float() * (coin >= p_uncond)[:, None]
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, (coin * T).long() / T, c), noise)


def _guided(
    model,
    labels,
    schedule,
    generator,
    guide,
    none=None,
    own=None,
    turns=None,
    end=False,
    drawn=None,
):
    """The sampler with one thing changed; `guide` makes one estimate of two."""
    n, T = len(labels), len(schedule["betas"])
    one_hot = F.one_hot(labels, 10).float()
    none = torch.zeros_like(one_hot) if none is None else none
    x = torch.randn(n, 1, 28, 28, generator=generator)
    for t in turns(T) if turns else reversed(range(T)):
        beta, alpha, abar = (schedule[k][t] for k in ("betas", "alphas", "alphas_cumprod"))
        times = torch.full((n,), t / T)
        cond = model(x, times, own(one_hot) if own else one_hot)
        x = (x - beta / (1 - abar).sqrt() * guide(model(x, times, none), cond)) / alpha.sqrt()
        if t > 0 or end:
            x = x + beta.sqrt() * torch.randn(drawn or (n, 1, 28, 28), generator=generator)
    return x


def _guide(scale):
    def guide(uncond, cond):
        return uncond + scale * (cond - uncond)

    return guide


@CLASS_DDPM_SAMPLE.mistake(
    "all pictures get the same noise in a step. Draw it for each: torch.randn(n, 1, 28, 28)."
)
def one_noise_for_all(model, labels, schedule, guidance_scale=5.0, generator=None):
    def guide(uncond, cond):
        return uncond + guidance_scale * (cond - uncond)

    return _guided(model, labels, schedule, generator, guide, drawn=(1, 28, 28))


@CLASS_DDPM_SAMPLE.mistake(
    "the two estimates changed places: guidance goes from no class towards the class."
)
def estimates_swapped(model, labels, schedule, guidance_scale=5.0, generator=None):
    g = guidance_scale
    return _guided(model, labels, schedule, generator, lambda u, c: c + g * (u - c))


@CLASS_DDPM_SAMPLE.mistake(
    "the difference is added to the conditional estimate. It starts from the "
    "unconditional one: noise_uncond + gamma (noise_cond - noise_uncond)."
)
def added_to_the_conditional(model, labels, schedule, guidance_scale=5.0, generator=None):
    g = guidance_scale
    return _guided(model, labels, schedule, generator, lambda u, c: c + g * (c - u))


@CLASS_DDPM_SAMPLE.mistake(
    "guidance_scale is not used: the class is followed as it is, as with scale 1."
)
def not_guided(model, labels, schedule, guidance_scale=5.0, generator=None):
    return _guided(model, labels, schedule, generator, lambda u, c: c)


@CLASS_DDPM_SAMPLE.mistake(
    "the scale is always 5. Use the guidance_scale that the function is given."
)
def always_five(model, labels, schedule, guidance_scale=5.0, generator=None):
    return _guided(model, labels, schedule, generator, lambda u, c: u + 5 * (c - u))


@CLASS_DDPM_SAMPLE.mistake(
    "class 0 stands for no class. No class is a row of zeros; class 0 is the digit 0."
)
def none_is_class_zero(model, labels, schedule, guidance_scale=5.0, generator=None):
    g, zero = guidance_scale, torch.eye(10)[torch.zeros_like(labels)]
    return _guided(model, labels, schedule, generator, lambda u, c: u + g * (c - u), none=zero)


@CLASS_DDPM_SAMPLE.mistake(
    "classes are dropped while sampling. Dropping is for training: here p_uncond is 0."
)
def dropped_while_sampling(model, labels, schedule, guidance_scale=5.0, generator=None):
    def own(one_hot):
        return one_hot * (torch.rand(len(one_hot)) >= 0.1)[:, None]

    g = guidance_scale
    return _guided(model, labels, schedule, generator, lambda u, c: u + g * (c - u), own=own)


@CLASS_DDPM_SAMPLE.mistake("all pictures get the first label. Each has its own.")
def first_label_for_all(model, labels, schedule, guidance_scale=5.0, generator=None):
    g = guidance_scale
    return _guided(
        model,
        labels,
        schedule,
        generator,
        lambda u, c: u + g * (c - u),
        own=lambda one_hot: one_hot[:1].expand_as(one_hot),
    )


@CLASS_DDPM_SAMPLE.mistake("noise is added in the last step, too. Add it only if t > 0.")
def noise_at_the_end(model, labels, schedule, guidance_scale=5.0, generator=None):
    g = guidance_scale
    return _guided(model, labels, schedule, generator, lambda u, c: u + g * (c - u), end=True)


@CLASS_DDPM_SAMPLE.mistake(
    "the loop ends before t = 0. `range(T - 1, 0, -1)` leaves 0 out; `reversed(range(T))` doesn't."
)
def ends_early(model, labels, schedule, guidance_scale=5.0, generator=None):
    g = guidance_scale
    return _guided(
        model,
        labels,
        schedule,
        generator,
        lambda u, c: u + g * (c - u),
        turns=lambda T: range(T - 1, 0, -1),
    )


@CLASS_DDPM_SAMPLE.mistake("`generator` is not used. Give it to every torch.randn.")
def seed_ignored(model, labels, schedule, guidance_scale=5.0, generator=None):
    g = guidance_scale
    return _guided(model, labels, schedule, None, lambda u, c: u + g * (c - u))


@CLASS_DDPM_SAMPLE.mistake(
    "the labels are given to the model as numbers. It wants one-hot vectors of shape (n, 10)."
)
def told_numbers(model, labels, schedule, guidance_scale=5.0, generator=None):
    x = torch.randn(len(labels), 1, 28, 28, generator=generator)
    return model(x, torch.ones(len(labels)), labels)


@CLASS_DDPM_SAMPLE.mistake(
    "class 0 is taken for no class. No class is a row of zeros; class 0 is the "
    "digit 0, with a 1 at the first place."
)
def class_zero_left_out(model, labels, schedule, guidance_scale=5.0, generator=None):
    def own(one_hot):
        return one_hot * (labels > 0)[:, None]

    return _guided(model, labels, schedule, generator, _guide(guidance_scale), own=own)


@CLASS_DDPM_SAMPLE.mistake(
    "the classes hold whole numbers. The network's layers need floats: `.float()`."
)
def asked_with_whole_numbers(model, labels, schedule, guidance_scale=5.0, generator=None):
    def own(one_hot):
        return one_hot.long()

    return _guided(model, labels, schedule, generator, _guide(guidance_scale), own=own)


@CLASS_DDPM_SAMPLE.mistake(
    "the generator is seeded again inside the function, so that it always gives the "
    "same samples. Draw with it as you get it."
)
def seeded_again(model, labels, schedule, guidance_scale=5.0, generator=None):
    if generator is not None:
        generator.manual_seed(0)
    return _guided(model, labels, schedule, generator, _guide(guidance_scale))

"""Lesson 14: digits on demand: a network that is told the class, and guidance."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.unet import FCBlock, UnconditionalUNet

__all__ = ["ClassConditionalUNet", "class_ddpm_loss", "class_ddpm_sample", "drop_classes"]


def drop_classes(labels: Tensor, p_uncond: float = 0.1, num_classes: int = 10) -> Tensor:
    """Write classes as one-hot vectors, some of them replaced by zeros (Ho and Salimans 2022).

    Args:
        labels: (B,) int64, from 0 to num_classes - 1.
        p_uncond: the probability with which a class is dropped, for each picture on its own.
        num_classes: how many classes there are.

    Returns:
        (B, num_classes) float32, on the labels' device: rows with a single 1 at the class, or all
        zeros for "no class".
    """
    ### BEGIN SOLUTION
    one_hot = F.one_hot(labels, num_classes).float()
    keep = torch.rand(len(labels), device=labels.device) >= p_uncond
    return one_hot * keep[:, None]
    ### END SOLUTION


class ClassConditionalUNet(nn.Module):
    """The U-Net of lesson 11 that is told the time and the class, at two places on its way up.

    Args:
        in_channels: channels of the pictures: 1 for MNIST.
        num_classes: how many classes there are: 10 for MNIST.
        num_hiddens: D, the channels inside.
    """

    def __init__(self, in_channels: int, num_classes: int, num_hiddens: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.unet = UnconditionalUNet(in_channels, num_hiddens)
        self.time1 = FCBlock(1, 2 * num_hiddens)
        self.time2 = FCBlock(1, num_hiddens)
        self.class1 = FCBlock(num_classes, 2 * num_hiddens)
        self.class2 = FCBlock(num_classes, num_hiddens)
        ### END SOLUTION

    def forward(self, x: Tensor, t: Tensor, c: Tensor) -> Tensor:
        """Predict the noise (lesson 14) or the flow (lesson 16).

        Args:
            x: (B, in_channels, 28, 28), noisy pictures.
            t: (B,), each picture's time, from 0 to 1.
            c: (B, num_classes), one-hot classes; rows of zeros mean "no class".

        Returns:
            Like `x`.
        """
        ### BEGIN SOLUTION
        t1 = self.time1(t.view(-1, 1))[:, :, None, None]
        t2 = self.time2(t.view(-1, 1))[:, :, None, None]
        c1 = self.class1(c)[:, :, None, None]
        c2 = self.class2(c)[:, :, None, None]
        unet = self.unet
        at_28 = unet.enter(x)
        at_14 = unet.down1(at_28)
        at_7 = unet.down2(at_14)
        unflattened = c1 * unet.unflatten(unet.flatten(at_7)) + t1
        up_to_14 = c2 * unet.up1(torch.cat([unflattened, at_7], dim=1)) + t2
        up_to_28 = unet.up2(torch.cat([up_to_14, at_14], dim=1))
        return unet.last(unet.leave(torch.cat([up_to_28, at_28], dim=1)))
        ### END SOLUTION


def class_ddpm_loss(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    alphas_cumprod: Tensor,
    p_uncond: float = 0.1,
) -> Tensor:
    """The loss of lesson 13, for a model that is told the class most of the time.

    Args:
        model: `model(x_t, t / T, c)` predicts the noise in x_t.
        images: (B, C, H, W), clean pictures.
        labels: (B,) int64, their classes.
        alphas_cumprod: (T,), of the schedule.
        p_uncond: the probability with which a picture's class is dropped.

    Returns:
        A scalar with a gradient: the mean squared error of the predicted noise over all pixels.
    """
    ### BEGIN SOLUTION
    num_timesteps = len(alphas_cumprod)
    t = torch.randint(num_timesteps, (len(images),), device=images.device)
    abar = alphas_cumprod.to(images.device)[t].view(-1, 1, 1, 1)
    noise = torch.randn_like(images)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    predicted = model(x_t, t / num_timesteps, drop_classes(labels, p_uncond))
    return F.mse_loss(predicted, noise)
    ### END SOLUTION


@torch.no_grad()
def class_ddpm_sample(
    model: nn.Module,
    labels: Tensor,
    schedule: dict[str, Tensor],
    guidance_scale: float = 5.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw pictures of the classes asked for, with guidance (Ho and Salimans 2022, equation 6).

    Args:
        model: `model(x_t, t / T, c)` predicts the noise in x_t, of all pictures at once, as one
            batch.
        labels: (n,) int64, the class of each picture.
        schedule: as `ddpm_schedule` returns it.
        guidance_scale: gamma in noise_uncond + gamma (noise_cond - noise_uncond); 1 is no
            guidance.
        generator: where random numbers come from, on the CPU; None for torch's own.

    Returns:
        (n, 1, 28, 28) on the model's device, clamped nowhere.
    """
    ### BEGIN SOLUTION
    device = next(model.parameters()).device
    n, num_timesteps = len(labels), len(schedule["betas"])
    one_hot = drop_classes(labels.to(device), p_uncond=0.0)
    both = torch.cat([one_hot, torch.zeros_like(one_hot)])
    x = torch.randn(n, 1, 28, 28, generator=generator).to(device)
    for t in reversed(range(num_timesteps)):
        beta, alpha, abar = (
            schedule[name][t].to(device) for name in ("betas", "alphas", "alphas_cumprod")
        )
        times = torch.full((2 * n,), t / num_timesteps, device=device)
        noise_cond, noise_uncond = model(torch.cat([x, x]), times, both).chunk(2)
        noise = noise_uncond + guidance_scale * (noise_cond - noise_uncond)
        x = (x - beta / (1 - abar).sqrt() * noise) / alpha.sqrt()
        if t > 0:
            x = x + beta.sqrt() * torch.randn(n, 1, 28, 28, generator=generator).to(device)
    return x
    ### END SOLUTION

"""Lesson 13: DDPM on handwritten digits, with a network that is told the time."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.unet import FCBlock, UnconditionalUNet

__all__ = ["TimeConditionalUNet", "ddpm_loss", "ddpm_sample", "ddpm_schedule"]


def ddpm_schedule(
    beta_start: float = 1e-4, beta_end: float = 0.02, num_timesteps: int = 300
) -> dict[str, Tensor]:
    """The variances of the noise for every timestep (Ho et al. 2020, arXiv 2006.11239, section 4).

    Args:
        beta_start: the variance of the first step's noise.
        beta_end: that of the last step's, larger.
        num_timesteps: T, how many steps there are.

    Returns:
        Three float32 tensors of shape (T,): "betas", evenly spaced from beta_start to beta_end;
        "alphas", 1 - beta; "alphas_cumprod", the product of all alphas up to and with this one.
        Index t of each belongs to timestep t = 0 to T - 1.
    """
    ### BEGIN SOLUTION
    betas = torch.linspace(beta_start, beta_end, num_timesteps)
    alphas = 1 - betas
    return {"betas": betas, "alphas": alphas, "alphas_cumprod": torch.cumprod(alphas, dim=0)}
    ### END SOLUTION


class TimeConditionalUNet(nn.Module):
    """The U-Net of lesson 11 that is told the time, at two places on its way up.

    Args:
        in_channels: channels of the pictures: 1 for MNIST.
        num_hiddens: D, the channels inside.
    """

    def __init__(self, in_channels: int, num_hiddens: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.unet = UnconditionalUNet(in_channels, num_hiddens)
        self.time1 = FCBlock(1, 2 * num_hiddens)
        self.time2 = FCBlock(1, num_hiddens)
        ### END SOLUTION

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Predict the noise.

        Args:
            x: (B, in_channels, 28, 28), noisy pictures.
            t: (B,), each picture's time as a fraction of T, from 0 to 1.

        Returns:
            Like `x`: the noise in each picture.
        """
        ### BEGIN SOLUTION
        t1 = self.time1(t.view(-1, 1))[:, :, None, None]
        t2 = self.time2(t.view(-1, 1))[:, :, None, None]
        unet = self.unet
        at_28 = unet.enter(x)
        at_14 = unet.down1(at_28)
        at_7 = unet.down2(at_14)
        unflattened = unet.unflatten(unet.flatten(at_7)) + t1
        up_to_14 = unet.up1(torch.cat([unflattened, at_7], dim=1)) + t2
        up_to_28 = unet.up2(torch.cat([up_to_14, at_14], dim=1))
        return unet.last(unet.leave(torch.cat([up_to_28, at_28], dim=1)))
        ### END SOLUTION


def ddpm_loss(model: nn.Module, images: Tensor, alphas_cumprod: Tensor) -> Tensor:
    """How far the predicted noise is from the noise (Ho et al. 2020, equation 14, algorithm 1).

    Args:
        model: `model(x_t, t / T)` predicts the noise in x_t; t / T has shape (B,).
        images: (B, C, H, W), clean pictures.
        alphas_cumprod: (T,), of the schedule.

    Returns:
        A scalar with a gradient: the mean squared error over all pixels of the batch, each picture
        noised to a timestep of its own, drawn uniformly from 0 to T - 1.
    """
    ### BEGIN SOLUTION
    num_timesteps = len(alphas_cumprod)
    t = torch.randint(num_timesteps, (len(images),), device=images.device)
    abar = alphas_cumprod.to(images.device)[t].view(-1, 1, 1, 1)
    noise = torch.randn_like(images)
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    return F.mse_loss(model(x_t, t / num_timesteps), noise)
    ### END SOLUTION


@torch.no_grad()
def ddpm_sample(
    model: nn.Module,
    n: int,
    schedule: dict[str, Tensor],
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw pictures, step by step from pure noise (Ho et al. 2020, algorithm 2).

    Args:
        model: `model(x_t, t / T)` predicts the noise in x_t, of all pictures at once, as one
            batch.
        n: how many pictures.
        schedule: as `ddpm_schedule` returns it.
        generator: where random numbers come from, on the CPU; None for torch's own.

    Returns:
        (n, 1, 28, 28) on the model's device: the pictures after the last step, clamped nowhere.
    """
    ### BEGIN SOLUTION
    device = next(model.parameters()).device
    num_timesteps = len(schedule["betas"])
    x = torch.randn(n, 1, 28, 28, generator=generator).to(device)
    for t in reversed(range(num_timesteps)):
        beta, alpha, abar = (
            schedule[name][t].to(device) for name in ("betas", "alphas", "alphas_cumprod")
        )
        noise = model(x, torch.full((n,), t / num_timesteps, device=device))
        x = (x - beta / (1 - abar).sqrt() * noise) / alpha.sqrt()
        if t > 0:
            x = x + beta.sqrt() * torch.randn(n, 1, 28, 28, generator=generator).to(device)
    return x
    ### END SOLUTION


class ScaledTimeUNet(TimeConditionalUNet):
    """The same network, but the time multiplies what it is told to; for flow matching, lesson 15.

    Args:
        in_channels: channels of the pictures: 1 for MNIST.
        num_hiddens: D, the channels inside.
    """

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """As `TimeConditionalUNet.forward`, with t1 and t2 as factors."""
        t1 = self.time1(t.view(-1, 1))[:, :, None, None]
        t2 = self.time2(t.view(-1, 1))[:, :, None, None]
        unet = self.unet
        at_28 = unet.enter(x)
        at_14 = unet.down1(at_28)
        at_7 = unet.down2(at_14)
        unflattened = unet.unflatten(unet.flatten(at_7)) * t1
        up_to_14 = unet.up1(torch.cat([unflattened, at_7], dim=1)) * t2
        up_to_28 = unet.up2(torch.cat([up_to_14, at_14], dim=1))
        return unet.last(unet.leave(torch.cat([up_to_28, at_28], dim=1)))

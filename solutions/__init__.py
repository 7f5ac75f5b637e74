"""The reference functions of every lesson: a small readable library of diffusion."""

from solutions.classical_denoising import best_blur, blur_denoise, psnr
from solutions.denoiser import add_noise, denoising_loss, train_epoch
from solutions.forward_noising import forward
from solutions.meet_the_denoiser import sample_grid
from solutions.one_step_denoising import one_step_denoise, predict_original
from solutions.unet import (
    Conv,
    ConvBlock,
    DownBlock,
    DownConv,
    FCBlock,
    Flatten,
    UnconditionalUNet,
    Unflatten,
    UpBlock,
    UpConv,
)

__all__ = [
    "Conv",
    "ConvBlock",
    "DownBlock",
    "DownConv",
    "FCBlock",
    "Flatten",
    "UnconditionalUNet",
    "Unflatten",
    "UpBlock",
    "UpConv",
    "add_noise",
    "best_blur",
    "blur_denoise",
    "denoising_loss",
    "forward",
    "one_step_denoise",
    "predict_original",
    "psnr",
    "sample_grid",
    "train_epoch",
]

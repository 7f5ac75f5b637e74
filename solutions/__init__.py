"""The reference functions of every lesson: a small readable library of diffusion."""

from solutions.class_conditioned_flow import class_flow_loss, class_flow_sample
from solutions.class_conditioning import (
    ClassConditionalUNet,
    class_ddpm_loss,
    class_ddpm_sample,
    drop_classes,
)
from solutions.classical_denoising import best_blur, blur_denoise, psnr
from solutions.classifier_free_guidance import guide, iterative_denoise_cfg
from solutions.denoiser import add_noise, denoising_loss, train_epoch
from solutions.flow_matching import flow_loss, flow_sample, interpolate
from solutions.forward_noising import forward
from solutions.hybrid_images import hybrid_noise, make_hybrids
from solutions.image_to_image import edit
from solutions.inpainting import inpaint
from solutions.iterative_denoising import iterative_denoise, posterior_mean, strided_timesteps
from solutions.meet_the_denoiser import sample_grid
from solutions.one_step_denoising import one_step_denoise, predict_original
from solutions.sampling import sample
from solutions.time_conditioning import (
    ScaledTimeUNet,
    TimeConditionalUNet,
    ddpm_loss,
    ddpm_sample,
    ddpm_schedule,
)
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
from solutions.visual_anagrams import anagram_noise, make_flip_illusion

__all__ = [
    "ClassConditionalUNet",
    "Conv",
    "ConvBlock",
    "DownBlock",
    "DownConv",
    "FCBlock",
    "Flatten",
    "ScaledTimeUNet",
    "TimeConditionalUNet",
    "UnconditionalUNet",
    "Unflatten",
    "UpBlock",
    "UpConv",
    "add_noise",
    "anagram_noise",
    "best_blur",
    "blur_denoise",
    "class_ddpm_loss",
    "class_ddpm_sample",
    "class_flow_loss",
    "class_flow_sample",
    "ddpm_loss",
    "ddpm_sample",
    "ddpm_schedule",
    "denoising_loss",
    "drop_classes",
    "edit",
    "flow_loss",
    "flow_sample",
    "forward",
    "guide",
    "hybrid_noise",
    "inpaint",
    "interpolate",
    "iterative_denoise",
    "iterative_denoise_cfg",
    "make_flip_illusion",
    "make_hybrids",
    "one_step_denoise",
    "posterior_mean",
    "predict_original",
    "psnr",
    "sample",
    "sample_grid",
    "strided_timesteps",
    "train_epoch",
]

"""The reference functions of every lesson: a small readable library of diffusion."""

from solutions.classical_denoising import best_blur, blur_denoise, psnr
from solutions.forward_noising import forward
from solutions.meet_the_denoiser import sample_grid
from solutions.one_step_denoising import one_step_denoise, predict_original

__all__ = [
    "best_blur",
    "blur_denoise",
    "forward",
    "one_step_denoise",
    "predict_original",
    "psnr",
    "sample_grid",
]

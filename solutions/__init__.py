"""The reference functions of every lesson: a small readable library of diffusion."""

from solutions.classical_denoising import best_blur, blur_denoise, psnr
from solutions.forward_noising import forward

__all__ = ["best_blur", "blur_denoise", "forward", "psnr"]

"""The code a lesson is given: denoisers, the pictures they know, a finished sampler."""

from lessons.workbench.atlas import Atlas, AtlasError, Style, Subject, atlas_folder, load_atlas
from lessons.workbench.atlas_denoiser import AtlasDenoiser
from lessons.workbench.denoiser import Denoiser, NoiseEstimate, PromptError
from lessons.workbench.exact_worlds import GaussianDenoiser, PointDenoiser
from lessons.workbench.generate import generate, spaced_timesteps
from lessons.workbench.loading import load_denoiser
from lessons.workbench.noise_schedule import squared_cosine_alphas_cumprod
from lessons.workbench.prompts import PromptNotice

__all__ = [
    "Atlas",
    "AtlasDenoiser",
    "AtlasError",
    "Denoiser",
    "GaussianDenoiser",
    "NoiseEstimate",
    "PointDenoiser",
    "PromptError",
    "PromptNotice",
    "Style",
    "Subject",
    "atlas_folder",
    "generate",
    "load_atlas",
    "load_denoiser",
    "spaced_timesteps",
    "squared_cosine_alphas_cumprod",
]

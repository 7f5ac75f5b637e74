"""DeepFloyd IF, a trained text-to-image model that works on pixels, as a `Denoiser`.

Its first stage draws 64x64 pictures (`DeepFloydDenoiser`), its second enlarges them to 256x256
(`upscale`). The weights belong to Hugging Face accounts that have accepted the licence.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lessons.workbench.denoisers import preflight
from lessons.workbench.denoisers.denoiser import NUM_TRAIN_TIMESTEPS, Denoiser, NoiseEstimate
from lessons.workbench.denoisers.embeddings import PromptEmbeddings, read_prompt_dictionary
from lessons.workbench.denoisers.local_weights import HALF, loading_options
from lessons.workbench.denoisers.progress import StepProgress
from lessons.workbench.denoisers.prompts import read_prompts
from lessons.workbench.user_paths import user_path

if TYPE_CHECKING:
    from diffusers import DDPMScheduler, UNet2DConditionModel


class DeepFloydError(RuntimeError):
    """DeepFloyd IF can't be used here; the message says what is missing and what to do."""


class DeepFloydDenoiser(Denoiser):
    """The first stage of DeepFloyd IF.

    Args:
        unet: gives 6 channels: the noise, and where the variance lies in its range.
        scheduler: the model's own, for the schedule and the learned variance.
        embeddings: turns prompts into T5 embeddings.
        device: where the UNet works, also if it is offloaded in between.
    """

    name = "deepfloyd"

    def __init__(
        self,
        unet: UNet2DConditionModel,
        scheduler: DDPMScheduler,
        embeddings: PromptEmbeddings,
        device: torch.device | str,
    ) -> None:
        self.unet = unet.eval().requires_grad_(False)
        self.scheduler = scheduler
        self.embeddings = embeddings
        self.device = torch.device(device)
        self.dtype = unet.dtype
        self.alphas_cumprod = scheduler.alphas_cumprod.float().cpu()
        self._progress = StepProgress()
        side = self.unet.config["sample_size"]
        self.picture_shape = (3, side, side)

    def embed(self, prompt: str | Sequence[str]) -> Tensor:
        """T5 embeddings of n prompts, (n, 77, 4096); "" is the unconditional prompt.

        Raises:
            PromptError: if a new prompt needs the text encoder and it can't be loaded.
        """
        return self.embeddings(read_prompts(prompt)).to(self.device, self.dtype)

    @torch.no_grad()
    def __call__(self, x_t: Tensor, t: int | Tensor, prompt_embeds: Tensor) -> NoiseEstimate:
        """Estimate the noise in `x_t`; see `Denoiser`."""
        if x_t.ndim != 4 or x_t.shape[1] != 3:
            raise ValueError(f"x_t must be (B, 3, 64, 64), not {tuple(x_t.shape)}.")
        t = torch.as_tensor(t).to(self.device)
        if bool(((t < 0) | (t >= NUM_TRAIN_TIMESTEPS)).any()):
            raise ValueError(f"t must lie between 0 and 999, but got {t.tolist()}.")
        if len(prompt_embeds) not in (1, len(x_t)):
            raise ValueError(
                f"There are {len(x_t)} pictures but {len(prompt_embeds)} rows of prompt_embeds."
            )
        self._progress.saw(int(t.max()))
        prompt_embeds = prompt_embeds.expand(len(x_t), -1, -1)
        output = self.unet(
            x_t.to(self.device, self.dtype),
            t,
            encoder_hidden_states=prompt_embeds.to(self.device, self.dtype),
            return_dict=False,
        )[0]
        noise, variance = output.to(x_t.device, x_t.dtype).split(3, dim=1)
        return NoiseEstimate(noise, variance)

    def add_variance(
        self,
        x: Tensor,
        variance: Tensor,
        t: int | Tensor,
        t_prev: int | Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Add the random part of one reverse step, with the scheduler's own learned variance."""
        t, t_prev = self._check_step(t, t_prev)
        self.scheduler.set_timesteps(timesteps=[t, t_prev])
        predicted = variance.float().cpu()  # the scheduler's schedule lives on the CPU
        log_variance = self.scheduler._get_variance(t, predicted_variance=predicted).to(x.device)
        return x + torch.exp(log_variance / 2).to(x.dtype) * self._draw(x, generator)


def load_deepfloyd(
    *,
    device: str | torch.device = "cuda",
    model: str | Path | None = None,
    prompts: str | Path | None = None,
    offload: bool | None = None,
) -> DeepFloydDenoiser:
    """Load the first stage.

    Args:
        device: where it works; half precision on a GPU, single precision on a CPU.
        model: a folder with a local copy; None takes it from the Hugging Face hub.
        prompts: a file of precomputed prompt embeddings (`read_prompt_dictionary`).
        offload: keep the weights in the computer's memory and bring them to the GPU when needed;
            None decides by the GPU's free memory.

    Raises:
        DeepFloydError: with one sentence, if something that is needed is missing.
    """
    device = torch.device(device)
    _refuse_what_cannot_work(device, model)
    from diffusers import DDPMScheduler, UNet2DConditionModel

    source = str(user_path(model)) if model is not None else preflight.STAGE_1
    on_gpu = device.type == "cuda"
    half = {"torch_dtype": torch.float16 if on_gpu else torch.float32}
    variant = _variant(source, on_gpu, model)
    try:
        unet: Any = UNet2DConditionModel.from_pretrained(
            source, subfolder="unet", **half, **variant
        )
        scheduler: Any = DDPMScheduler.from_pretrained(source, subfolder="scheduler")
    except torch.OutOfMemoryError:
        raise DeepFloydError("The GPU has too little free memory; try offload=True.") from None
    except Exception as error:
        raise DeepFloydError(
            f"DeepFloyd IF can't be loaded from {source}: {str(error).splitlines()[0]} "
            f"Run `python -m lessons.workbench doctor` to see what is missing."
        ) from error
    if offload is None:
        offload = on_gpu and not preflight.gpu_memory().met
    if offload:
        from accelerate import cpu_offload

        cpu_offload(unet, execution_device=device)
    else:
        unet.to(device)
    known = read_prompt_dictionary(prompts) if prompts is not None else None
    return DeepFloydDenoiser(unet, scheduler, PromptEmbeddings(source, known, device), device)


def _variant(source: str, on_gpu: bool, model: str | Path | None) -> dict[str, Any]:
    """The hub has the weights in half precision, too; a folder may have them so alone."""
    if model is not None:
        return loading_options(Path(source) / "unet")
    return {"variant": HALF} if on_gpu else {}


def _refuse_what_cannot_work(device: torch.device, model: str | Path | None) -> None:
    """Say in one sentence what is missing, before diffusers fails deep inside."""
    needed = list(preflight.packages())
    if device.type == "cuda" or model is None:
        needed.append(preflight.cuda())
    if model is not None:
        needed.append(preflight.local_copy(model))
    for requirement in needed:
        if not requirement.met:
            raise DeepFloydError(
                f"DeepFloyd IF needs {requirement.name}, but found {requirement.found}. "
                f"{requirement.remedy}"
            )
    if model is None:
        for requirement in (preflight.token(), preflight.disk(), preflight.licence()):
            if not requirement.met:
                raise DeepFloydError(
                    f"DeepFloyd IF needs {requirement.name}, but found: {requirement.found}. "
                    f"{requirement.remedy}"
                )


def upscale(
    pictures: Tensor,
    prompt_embeds: Tensor,
    uncond_prompt_embeds: Tensor,
    *,
    model: str | Path | None = None,
    num_inference_steps: int = 30,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Enlarge 64x64 pictures to 256x256 with the second stage of DeepFloyd IF.

    Args:
        pictures: (B, 3, 64, 64) in [-1, 1].
        prompt_embeds: (B, 77, 4096), from `DeepFloydDenoiser.embed`.
        uncond_prompt_embeds: (B or 1, 77, 4096), the embedding of "".
        model: a folder with a local copy; None takes it from the Hugging Face hub.
        num_inference_steps: how many steps the second stage takes.
        generator: makes the result repeatable.

    Returns:
        (B, 3, 256, 256) in [-1, 1].

    Raises:
        DeepFloydError: if the second stage can't be loaded.
    """
    from diffusers import IFSuperResolutionPipeline

    source = str(user_path(model)) if model is not None else preflight.STAGE_2
    on_gpu = pictures.device.type == "cuda"
    half = {"torch_dtype": torch.float16 if on_gpu else torch.float32}
    variant = _variant(source, on_gpu, model)
    try:
        pipeline: Any = IFSuperResolutionPipeline.from_pretrained(
            source,
            text_encoder=None,
            tokenizer=None,
            safety_checker=None,
            feature_extractor=None,
            watermarker=None,
            **half,
            **variant,
        )
    except Exception as error:
        raise DeepFloydError(
            f"DeepFloyd's second stage can't be loaded from {source}: {str(error).splitlines()[0]}"
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    pipeline.to(pictures.device)
    dtype = pipeline.unet.dtype
    return pipeline(
        image=pictures.to(dtype),
        prompt_embeds=prompt_embeds.to(pictures.device, dtype),
        negative_prompt_embeds=uncond_prompt_embeds.expand_as(prompt_embeds).to(
            pictures.device, dtype
        ),
        num_inference_steps=num_inference_steps,
        generator=generator,
        output_type="pt",
    ).images

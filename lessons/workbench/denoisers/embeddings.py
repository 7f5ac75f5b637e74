"""Prompts as DeepFloyd IF reads them: T5 embeddings, computed once and kept on disk.

The text encoder is by far the largest part of the model (4.8 billion parameters) and is needed only
once for each prompt, so it is loaded, used and freed before the denoiser is asked anything.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from lessons.workbench.denoisers.denoiser import PromptError
from lessons.workbench.denoisers.local_weights import HALF, loading_options
from lessons.workbench.user_paths import user_path

CACHE = Path(__file__).resolve().parents[3] / "datasets" / "cache" / "prompts"


class PromptEmbeddings:
    """Gives the (1, 77, 4096) embedding of any prompt, at the least cost.

    Args:
        model: the first stage: a repository on the Hugging Face hub, or a folder.
        known: embeddings that are there already, by prompt.
        device: where the text encoder may run.
        cache: the folder in which new embeddings are kept; None is the course's own.
    """

    def __init__(
        self,
        model: str,
        known: Mapping[str, Tensor] | None = None,
        device: torch.device | str = "cpu",
        cache: Path | None = None,
    ) -> None:
        self.model = model
        self.device = torch.device(device)
        self.cache = CACHE if cache is None else cache
        self._known = dict(known or {})

    def __call__(self, prompts: Sequence[str]) -> Tensor:
        """The embeddings of n prompts, (n, 77, 4096), on the CPU.

        Raises:
            PromptError: if the text encoder is needed but can't be loaded.
        """
        missing = [prompt for prompt in dict.fromkeys(prompts) if not self._find(prompt)]
        if missing:
            for prompt, embedding in zip(missing, self._encode(missing), strict=True):
                self._keep(prompt, embedding[None].cpu())
        return torch.cat([self._known[prompt].cpu() for prompt in prompts])

    def _find(self, prompt: str) -> bool:
        """Whether the prompt's embedding is known, reading it from disk if it is there."""
        path = self._path(prompt)
        if prompt not in self._known and path.exists():
            self._known[prompt] = load_file(path)["prompt_embeds"]
        return prompt in self._known

    def _keep(self, prompt: str, embedding: Tensor) -> None:
        self._known[prompt] = embedding
        path = self._path(prompt)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".partial")
        save_file({"prompt_embeds": embedding.contiguous()}, unfinished, {"prompt": prompt})
        unfinished.replace(path)

    def _path(self, prompt: str) -> Path:
        name = hashlib.sha256(f"{self.model}\n{prompt}".encode()).hexdigest()[:32]
        return self.cache / f"{name}.safetensors"

    def _encode(self, prompts: list[str]) -> Tensor:
        """Load the text encoder, use it, and free its memory again."""
        from diffusers import IFPipeline

        on_gpu = self.device.type == "cuda"
        options: dict[str, Any] = {"torch_dtype": torch.float16 if on_gpu else torch.float32}
        if on_gpu:
            options["device_map"] = "auto"
        pipeline = None
        try:
            from transformers import AutoTokenizer, T5EncoderModel

            encoder = T5EncoderModel.from_pretrained(
                self.model, subfolder="text_encoder", **_variant(self.model, on_gpu), **options
            )
            pipeline = IFPipeline.from_pretrained(
                self.model,
                text_encoder=encoder,
                tokenizer=AutoTokenizer.from_pretrained(self.model, subfolder="tokenizer"),
                unet=None,
                safety_checker=None,
                feature_extractor=None,
                watermarker=None,
            )
            with torch.no_grad():
                embeddings, _ = pipeline.encode_prompt(
                    prompts, do_classifier_free_guidance=False, device=encoder.device
                )
            return embeddings
        except Exception as error:  # damaged files fail in more ways than the libraries document
            reason = [*str(error).splitlines(), type(error).__name__][0].rstrip(".")
            raise PromptError(
                f"The text encoder that reads {prompts[0]!r} could not be loaded from "
                f"{self.model}: {reason}. Use a precomputed prompt."
            ) from error
        finally:
            del pipeline
            gc.collect()
            if on_gpu:
                torch.cuda.empty_cache()


def _variant(model: str, half: bool) -> dict[str, Any]:
    """The hub has a half-precision copy of the weights; a folder may have it, or it alone."""
    if Path(model).is_dir():
        return loading_options(Path(model) / "text_encoder")
    return {"variant": HALF} if half else {}


def read_prompt_dictionary(path: str | Path) -> dict[str, Tensor]:
    """Read a file of precomputed embeddings, {prompt: (1, 77, 4096) tensor}, as courses hand out.

    Only tensors are read from it, never code (`weights_only=True`).

    Raises:
        PromptError: if there is no such file, or it holds anything else.
    """
    path = user_path(path)
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise PromptError(f"There is no file {path} with prompt embeddings.") from None
    except Exception as error:
        raise PromptError(
            f"{path} can't be read as prompt embeddings: it should hold one dictionary from "
            f"prompts to tensors, saved with torch.save."
        ) from error
    if not isinstance(stored, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in stored.items()
    ):
        raise PromptError(f"{path} should hold one dictionary from prompts to tensors.")
    return {key: value if value.ndim == 3 else value[None] for key, value in stored.items()}

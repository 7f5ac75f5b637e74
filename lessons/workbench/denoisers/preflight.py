"""What DeepFloyd IF needs, checked one by one, each with what to do if it is missing."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from lessons.workbench.denoisers.local_weights import (
    problem_with_file,
    problem_with_files,
    problem_with_weights,
)
from lessons.workbench.user_paths import user_path

STAGE_1 = "DeepFloyd/IF-I-L-v1.0"
STAGE_2 = "DeepFloyd/IF-II-L-v1.0"
GPU_GIB = 6.0
DISK_GIB = 30.0
_COPY_AGAIN = (
    "Copy or download that part again; where there are Git LFS pointers, `git lfs pull` in the "
    "folder brings the files."
)
_PACKAGES = {
    "diffusers": (0, 30),
    "transformers": (4, 44),
    "accelerate": (0, 33),
    "sentencepiece": (0, 2),
    "safetensors": (0, 4),
}


@dataclass(frozen=True)
class Requirement:
    """One thing that is needed.

    Attributes:
        name: what it is, in a few words.
        met: whether it is there.
        found: what was found.
        remedy: what to do if it is not there.
    """

    name: str
    met: bool
    found: str
    remedy: str = ""


def requirements(model: str | Path | None = None) -> Iterator[Requirement]:
    """Check everything DeepFloyd IF needs, and the data of part B.

    Args:
        model: a local copy of the first stage; licence, token and disk then matter no more.
    """
    yield from packages()
    yield cuda()
    yield gpu_memory()
    if model is None:
        yield disk()
        yield token()
        yield licence()
    else:
        yield local_copy(model)
        yield local_text_encoder(model)
    yield mnist()


def packages() -> Iterator[Requirement]:
    """The libraries, each in a version that is new enough."""
    for name, wanted in _PACKAGES.items():
        least = ".".join(map(str, wanted))
        remedy = f"pip install --upgrade '{name}>={least}'"
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Requirement(f"{name} {least} or newer", False, "not installed", remedy)
            continue
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        yield Requirement(f"{name} {least} or newer", numbers >= wanted, version, remedy)


def cuda() -> Requirement:
    """A GPU that PyTorch can use."""
    remedy = (
        "DeepFloyd IF needs an NVIDIA GPU: use a machine or a Colab runtime that has one, or stay "
        "with load_denoiser('atlas')."
    )
    found = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return Requirement("a CUDA GPU", torch.cuda.is_available(), found, remedy)


def gpu_memory() -> Requirement:
    """Enough free memory on the GPU for the first stage; with less, it is offloaded."""
    name = f"{GPU_GIB:g} GiB of free GPU memory"
    remedy = "Close other programs and notebooks that use the GPU; with less, offload=True is slow."
    if not torch.cuda.is_available():
        return Requirement(name, False, "no GPU", remedy)
    free = torch.cuda.mem_get_info()[0] / 2**30
    return Requirement(name, free >= GPU_GIB, f"{free:.1f} GiB", remedy)


def disk() -> Requirement:
    """Room for the weights in Hugging Face's cache, unless they are there."""
    name = f"{DISK_GIB:g} GiB of free disk, or the weights"
    if _is_cached(STAGE_1):
        return Requirement(name, True, "the weights are there")
    folder = _cache_folder()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    remedy = f"Free some space in {folder}, or set HF_HOME to a folder on a larger disk."
    return Requirement(name, free >= DISK_GIB, f"{free:.0f} GiB", remedy)


def token() -> Requirement:
    """A Hugging Face token on this machine."""
    from huggingface_hub import get_token

    remedy = (
        "Make a token at https://huggingface.co/settings/tokens and run `hf auth login`, or set "
        "HF_TOKEN."
    )
    met = get_token() is not None or _is_cached(STAGE_1)
    return Requirement("a Hugging Face token", met, "found" if met else "none", remedy)


def licence() -> Requirement:
    """Whether the account has accepted the model's licence."""
    name = "DeepFloyd IF's licence accepted"
    page = f"https://huggingface.co/{STAGE_1}"
    if _is_cached(STAGE_1):
        return Requirement(name, True, "the weights are there")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    remedy = f"Log in at {page}, accept the licence there, and use a token of that account."
    try:
        HfApi().auth_check(STAGE_1)
    except (GatedRepoError, RepositoryNotFoundError):
        return Requirement(name, False, "no", remedy)
    except HfHubHTTPError as error:
        return Requirement(name, False, f"the hub answered {error.response.status_code}", remedy)
    except Exception as error:  # the hub's client has changed its network library more than once
        return Requirement(
            name,
            False,
            f"the hub can't be reached ({type(error).__name__})",
            "Connect to the internet, or name a local copy with --model PATH.",
        )
    return Requirement(name, True, "yes")


def local_copy(model: str | Path) -> Requirement:
    """A folder that diffusers saved a pipeline in: what every picture needs of it."""
    path = user_path(model)
    name, remedy = "a local copy of the first stage", _COPY_AGAIN
    if not (path / "model_index.json").is_file() or not (path / "unet").is_dir():
        remedy = "Name a folder that holds the first stage as diffusers saves it."
        found = f"{path} without model_index.json and unet/"
        return Requirement(name, False, found, remedy)
    problem = (
        problem_with_file(path / "model_index.json")
        or problem_with_weights(path / "unet")
        or problem_with_files(path / "scheduler", "scheduler_config.json")
    )
    return Requirement(name, not problem, f"{path}: {problem}" if problem else str(path), remedy)


def local_text_encoder(model: str | Path) -> Requirement:
    """What reads new prompts, in the same folder; precomputed prompts need none."""
    path = user_path(model)
    problem = problem_with_weights(path / "text_encoder") or problem_with_files(
        path / "tokenizer", "spiece.model", "tokenizer.json"
    )
    name = "its text encoder, for prompts that are not precomputed"
    found = f"{path}: {problem}" if problem else "found"
    return Requirement(name, not problem, found, _COPY_AGAIN)


def mnist() -> Requirement:
    """The digits of part B; they can also be downloaded when they are first needed."""
    from lessons.workbench.training import mnist as digits

    name, named = "MNIST, for part B", os.environ.get(digits.ROOT_VARIABLE)
    if not named and not digits.is_downloaded():
        remedy = (
            f"It is downloaded on first use; offline, set {digits.ROOT_VARIABLE} to a folder that "
            f"has it."
        )
        return Requirement(name, False, "not there yet", remedy)
    found = named or str(digits.ROOT)
    try:
        for train in (True, False):
            digits.load_digits(train, download=False)
    except digits.MnistError as error:
        return Requirement(name, False, f"{found}, but it can't be used", str(error))
    return Requirement(name, True, found)


def _cache_folder() -> Path:
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def _is_cached(repository: str) -> bool:
    folder = _cache_folder() / f"models--{repository.replace('/', '--')}" / "snapshots"
    return any(folder.glob("*/unet/*.safetensors"))

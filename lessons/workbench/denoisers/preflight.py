"""What DeepFloyd IF needs, checked one by one, each with what to do if it is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

STAGE_1 = "DeepFloyd/IF-I-L-v1.0"
STAGE_2 = "DeepFloyd/IF-II-L-v1.0"
MNIST_VARIABLE = "DIFFUSION_MNIST"
GPU_GIB = 6.0
DISK_GIB = 30.0
_ROOT = Path(__file__).resolve().parents[3]
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
    """A folder that diffusers saved a pipeline in."""
    path = Path(model).expanduser()
    met = (path / "model_index.json").is_file() and (path / "unet").is_dir()
    found = str(path) if met else f"{path} has no model_index.json and unet/"
    remedy = "Name a folder that holds the first stage as diffusers saves it."
    return Requirement("a local copy of the first stage", met, found, remedy)


def mnist() -> Requirement:
    """The digits of part B; they can also be downloaded when they are first needed."""
    roots = [os.environ.get(MNIST_VARIABLE), _ROOT / "datasets"]
    for root in filter(None, roots):
        if (Path(root) / "MNIST" / "raw").is_dir():
            return Requirement("MNIST, for part B", True, str(root))
    remedy = (
        f"It is downloaded on first use; offline, set {MNIST_VARIABLE} to a folder that has it."
    )
    return Requirement("MNIST, for part B", False, "not there yet", remedy)


def _cache_folder() -> Path:
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def _is_cached(repository: str) -> bool:
    folder = _cache_folder() / f"models--{repository.replace('/', '--')}" / "snapshots"
    return any(folder.glob("*/unet/*.safetensors"))

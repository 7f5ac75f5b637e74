"""One call that gives a lesson its denoiser."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import torch

from lessons.workbench.denoisers.atlas import load_atlas
from lessons.workbench.denoisers.atlas_denoiser import AtlasDenoiser
from lessons.workbench.denoisers.denoiser import Denoiser
from lessons.workbench.denoisers.patch_prior import load_patch_prior

NAMES = ("atlas", "deepfloyd")
CHOICE = "DIFFUSION_DENOISER"
"""Environment variable: the denoiser of every lesson that names none."""
MODEL = "DIFFUSION_DEEPFLOYD"
"""Environment variable: the folder of a local copy of DeepFloyd's first stage."""
_ONLY_ATLAS = frozenset({"prompt_softness", "patches"})


def load_denoiser(
    name: str | None = None,
    device: str | torch.device | None = None,
    **options: Any,
) -> Denoiser:
    """Load a denoiser; a second call with the same arguments costs nothing.

    Args:
        name: "atlas", which needs no GPU and no download, or "deepfloyd". None takes what the
            environment variable DIFFUSION_DENOISER names, or else (also if it is empty) the atlas.
        device: where it works. None takes a GPU for DeepFloyd, if there is one, and the CPU for the
            atlas: its many small operations are slower on a GPU.
        options: passed on to the denoiser, such as `model` for DeepFloyd. `prompt_softness` is for
            the atlas, and so is `patches`: False leaves out the prior over small patches, and with
            it all that the atlas knows beyond its stored pictures. DeepFloyd leaves both out.

    Raises:
        ValueError: if there is no such denoiser.
        AtlasError: if the atlas's files, or those of its patches, are missing or damaged.
    """
    if name is None:
        name = os.environ.get(CHOICE, "").strip() or "atlas"
    if name not in NAMES:
        raise ValueError(f"There is no denoiser {name!r}; choose {' or '.join(map(repr, NAMES))}.")
    if device is None:
        device = "cuda" if name != "atlas" and torch.cuda.is_available() else "cpu"
    if name == "deepfloyd":
        options = {key: value for key, value in options.items() if key not in _ONLY_ATLAS}
        if named := os.environ.get(MODEL, "").strip():
            options.setdefault("model", named)
    return _load(name, str(device), tuple(sorted(options.items())))


@cache
def _load(name: str, device: str, options: tuple[tuple[str, Any], ...]) -> Denoiser:
    if name == "atlas":
        chosen = {"patches": True, **dict(options)}
        dtype = chosen.get("dtype", torch.float32)
        chosen["patches"] = (
            load_patch_prior(device=device, dtype=dtype) if chosen["patches"] else None
        )
        return AtlasDenoiser(load_atlas(), device=device, **chosen)
    from lessons.workbench.denoisers.deepfloyd import load_deepfloyd  # diffusers takes seconds

    return load_deepfloyd(device=device, **dict(options))

"""One call that gives a lesson its denoiser."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec

import torch

from lessons.workbench.atlas import load_atlas
from lessons.workbench.atlas_denoiser import AtlasDenoiser
from lessons.workbench.denoiser import Denoiser

NAMES = ("atlas", "deepfloyd")
DEEPFLOYD_MODULE = "lessons.workbench.deepfloyd"


def load_denoiser(
    name: str = "atlas", device: str | torch.device | None = None, **options: float | bool
) -> Denoiser:
    """Load a denoiser; a second call with the same arguments costs nothing.

    Args:
        name: "atlas", which needs no GPU and no download, or "deepfloyd".
        device: where it works; None takes a GPU if there is one.
        options: passed on to the denoiser, such as `prompt_softness` for the atlas.

    Raises:
        ValueError: if there is no such denoiser.
        AtlasError: if the atlas's files are missing or damaged.
    """
    if name not in NAMES:
        raise ValueError(f"There is no denoiser {name!r}; choose {' or '.join(map(repr, NAMES))}.")
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return _load(name, str(device), tuple(sorted(options.items())))


@cache
def _load(name: str, device: str, options: tuple[tuple[str, float | bool], ...]) -> Denoiser:
    if name == "atlas":
        return AtlasDenoiser(load_atlas(), device=device, **dict(options))
    if find_spec(DEEPFLOYD_MODULE) is None:
        raise ValueError(
            "This version of the course has no DeepFloyd denoiser yet; use load_denoiser('atlas')."
        )
    return import_module(DEEPFLOYD_MODULE).load_deepfloyd(device=device, **dict(options))

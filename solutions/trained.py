"""Networks that were trained for longer than a lesson takes; they ship with the course.

benchmarks/digit_models.py trains and measures those of digits, benchmarks/few_steps.py the one of
lesson 19, benchmarks/own_words.py the one of lesson 20.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn

from lessons.workbench.denoisers.progress import watch_sampling
from solutions.class_conditioning import ClassConditionalUNet
from solutions.time_conditioning import ScaledTimeUNet, TimeConditionalUNet
from solutions.unet import UnconditionalUNet
from solutions.your_own_words import TextConditionalUNet

WEIGHTS = Path(__file__).resolve().parents[1] / "datasets" / "weights"
_NETWORKS = {
    "denoiser": partial(UnconditionalUNet, 1),
    "ddpm": partial(TimeConditionalUNet, 1),
    "class_ddpm": partial(ClassConditionalUNet, 1, 10),
    "flow": partial(ScaledTimeUNet, 1),
    "class_flow": partial(ClassConditionalUNet, 1, 10),
    "class_flow_straight": partial(ClassConditionalUNet, 1, 10),
}
"""Networks of the reference solutions with their channels and classes; D is left to give."""
NAMES = tuple(_NETWORKS)
"""The single-step denoiser of lesson 12, then the networks of lessons 13 to 16, and of 19."""
STRAIGHT = "class_flow_straight"
"""The one that was trained on another's pairs, not on digits."""
MEASURED = "digit_models.json"
MEASURED_IN_FEW_STEPS = "few_steps.json"
OWN_WORDS = "own_words"


class TrainedModelError(RuntimeError):
    """A trained network can't be loaded; the message says what to do."""


def build_network(name: str, num_hiddens: int) -> nn.Module:
    """An untrained network of the kind that a lesson trains.

    Args:
        name: one of `NAMES`.
        num_hiddens: D, the channels inside.

    Raises:
        TrainedModelError: if there is no such network.
    """
    _check_name(name)
    return _NETWORKS[name](num_hiddens)


def load_trained(
    name: str, device: str | torch.device = "cpu", folder: str | Path = WEIGHTS
) -> nn.Module:
    """A trained network, in evaluation mode.

    Args:
        name: "denoiser" (lesson 12, for noise of strength 0.5), "ddpm" (13), "class_ddpm" (14),
            "flow" (15), "class_flow" (16) or "class_flow_straight" (19).
        device: where it goes.
        folder: where the weights lie; those of the course, or your own of
            benchmarks/digit_models.py and benchmarks/few_steps.py.

    Returns:
        A network like the reference solution's, called as in its lesson.

    Raises:
        TrainedModelError: if there is no such network or its file is missing or damaged.
    """
    _check_name(name)
    path = _weights_of(name, "few_steps" if name == STRAIGHT else "digit_models", folder)
    network = build_network(name, _num_hiddens(_read_metadata(path), path))
    return _with_weights(network, path, device)


def load_own_words(
    device: str | torch.device = "cpu", folder: str | Path = WEIGHTS
) -> tuple[nn.Module, dict[str, int]]:
    """The text-conditional network of lesson 20, trained on all drawings, and its vocabulary.

    Args:
        device: where the network goes.
        folder: where the weights lie; those of the course, or your own of benchmarks/own_words.py.

    Returns:
        A `TextConditionalUNet` in evaluation mode, which guesses clean pictures, and the number of
        each word that it was told while it was trained.

    Raises:
        TrainedModelError: if the file is missing or damaged.
    """
    path = _weights_of(OWN_WORDS, "own_words", folder)
    metadata = _read_metadata(path)
    words = metadata.get("vocabulary", "").split()
    vocabulary = {word: number for number, word in enumerate(words, start=1)}
    network = TextConditionalUNet(len(vocabulary), _num_hiddens(metadata, path))
    return _with_weights(network, path, device), vocabulary


def _weights_of(name: str, recipe: str, folder: str | Path) -> Path:
    path = Path(folder).expanduser() / f"{name}.safetensors"
    if not path.exists():
        raise TrainedModelError(
            f"{path} is missing: get the course's folder datasets/weights again, or train it with "
            f"benchmarks/{recipe}.py."
        )
    return path


def _with_weights(network: nn.Module, path: Path, device: str | torch.device) -> nn.Module:
    try:
        network.load_state_dict(load_file(path))  # half precision becomes single
    except (RuntimeError, SafetensorError, OSError) as error:
        raise _damaged(path) from error
    return watch_sampling(network.eval().requires_grad_(False).to(device))


def _check_name(name: str) -> None:
    if name not in _NETWORKS:
        raise TrainedModelError(f"There is no network {name!r}; choose one of {', '.join(NAMES)}.")


def _read_metadata(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise _damaged(path) from error


def _num_hiddens(metadata: dict[str, str], path: Path) -> int:
    try:
        return int(metadata["num_hiddens"])
    except (KeyError, ValueError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> TrainedModelError:
    return TrainedModelError(
        f"{path} is damaged or holds another network: get the course's folder datasets/weights "
        f"again."
    )


def load_measurements(folder: str | Path = WEIGHTS) -> dict[str, Any]:
    """What benchmarks/digit_models.py measured of the trained networks.

    Returns:
        {"class_ddpm" and "class_flow": {"by_epoch", "by_guidance", "by_steps": each a list of
        {"x": epoch, guidance scale or number of steps; "read": the share read as asked, 0 to 1;
        "distance": Frechet distance to the test set}}, ...}

    Raises:
        TrainedModelError: if the file is missing or damaged.
    """
    return _load_json(Path(folder).expanduser() / MEASURED)


def load_few_steps(folder: str | Path = WEIGHTS) -> dict[str, Any]:
    """What benchmarks/few_steps.py measured of a flow before and after it was straightened.

    Returns:
        {"unguided", "before", "after": each {"guidance": its scale, "by_calls": a list of rows as
        in `load_measurements`, with "x" the number of steps; "straightness": of its paths}, ...};
        "before" is the guided flow that the pairs come from.

    Raises:
        TrainedModelError: if the file is missing or damaged.
    """
    return _load_json(Path(folder).expanduser() / MEASURED_IN_FEW_STEPS)


def load_words_measured(folder: str | Path = WEIGHTS) -> dict[str, Any]:
    """What benchmarks/own_words.py measured of the network of lesson 20.

    Returns:
        {"read_as_asked": a list of {"x": guidance scale; "shown", "never_shown" and "validation"
        (never shown either; by these recipe and guidance were chosen): each {"subject", "style",
        "both": the shares that two classifiers read as asked, 0 to 1; "nearest": the share whose
        nearest picture is the one asked for}}, ...}

    Raises:
        TrainedModelError: if the file is missing or damaged.
    """
    return _load_json(Path(folder).expanduser() / f"{OWN_WORDS}.json")


def _load_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainedModelError(
            f"{path} is missing or damaged: get the course's folder datasets/weights again."
        ) from error

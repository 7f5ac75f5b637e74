"""Inputs of samplers that are told classes: worlds with a mean picture for each, and labels."""

from __future__ import annotations

import torch
from torch import Tensor

from checkers.engine.judges.evidence import draw_secret
from checkers.engine.sandbox.inside.running import Inputs


def draw_labels(generator: torch.Generator, count: int, classes: int = 10) -> Tensor:
    """Classes, all of them if there are so many labels.

    Where there is no 9, as among 9 classes, as many columns as the labels need are too few.
    """
    return torch.randperm(count, generator=generator) % classes


def flat_means(generator: torch.Generator) -> Tensor:
    """(11, 1, 28, 28), a flat mean for each class and for "no class", all of them apart."""
    order = torch.randperm(11, generator=generator)
    return ((order + 0.5) / 11).reshape(-1, 1, 1, 1).expand(-1, 1, 28, 28).clone()


def hiding_means(generator: torch.Generator) -> Inputs:
    """{"means": those of `flat_means` with a secret in all of them, "secret": (1, 28, 28)}."""
    secret = draw_secret(generator, 1, 28, 28)
    return {"means": flat_means(generator) + 0.5 * secret, "secret": secret}


def class_run(means: Tensor, labels: Tensor, num_steps: int | None, scale: float | None) -> Inputs:
    """One run of a guided sampler in such a world; None leaves an argument out."""
    return {
        "means": means,
        "std": torch.linspace(0.25, 0.5, len(means)),
        "labels": labels,
        "num_steps": num_steps,
        "guidance_scale": scale,
    }


def scale_asked_for(inputs: Inputs, number: int) -> str:
    """The guidance scale that a run was given, for messages."""
    scale = inputs["calls"][number]["guidance_scale"]
    return "Without guidance_scale" if scale is None else f"With guidance_scale = {scale:g}"

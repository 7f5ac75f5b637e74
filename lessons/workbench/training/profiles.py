"""How much a lesson of part B trains: seconds, minutes on two cores, or the course's own on a GPU.

A lesson names its settings once for each profile; which one is taken depends on the machine.
"""

from __future__ import annotations

import html
import os
from dataclasses import dataclass
from typing import TypeVar

import torch

VARIABLE = "DIFFUSION_PROFILE"
PROFILES = {
    "smoke": "a few steps, only to see that everything runs",
    "quick": "a small network and part of the digits: at most three minutes on two cores",
    "full": "the course's own network and training, for a GPU",
}

Settings = TypeVar("Settings")


class ProfileError(ValueError):
    """There is no such profile; the message lists what there is."""


@dataclass(frozen=True)
class Profile:
    """How much is trained, and where.

    Attributes:
        name: "smoke", "quick" or "full".
        device: where networks and digits go.
        reason: why this one was chosen.
    """

    name: str
    device: torch.device
    reason: str

    def pick(self, *, smoke: Settings, quick: Settings, full: Settings) -> Settings:
        """The settings that belong to this profile."""
        return {"smoke": smoke, "quick": quick, "full": full}[self.name]

    def __str__(self) -> str:
        return f"Profile {self.name} on {self.device}: {PROFILES[self.name]}. {self.reason}"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(str(self))}</p>"


def choose_profile(name: str | None = None) -> Profile:
    """Choose how much to train.

    Args:
        name: "smoke", "quick" or "full". None takes the environment variable DIFFUSION_PROFILE,
            and without that "full" where there is a CUDA GPU and "quick" where there is none.

    Returns:
        The profile; as the last line of a cell it shows itself.

    Raises:
        ProfileError: if there is no such profile.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name is not None:
        wanted, reason = name, "The lesson asks for it."
    elif wanted := os.environ.get(VARIABLE, "").strip():
        reason = f"{VARIABLE} asks for it."
    elif device.type == "cuda":
        wanted, reason = "full", "There is a CUDA GPU."
    else:
        wanted, reason = "quick", "There is no CUDA GPU."
    if wanted not in PROFILES:
        source = "choose_profile" if name is not None else VARIABLE
        raise ProfileError(
            f"{source} asks for the profile {wanted!r}. The profiles are: {', '.join(PROFILES)}."
        )
    return Profile(wanted, device, reason)

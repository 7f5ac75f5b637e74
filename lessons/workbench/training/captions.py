"""The course's own drawings with a caption for each: what lesson 20 trains on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lessons.workbench.denoisers.atlas import load_atlas

STYLES = ("photo", "oil painting", "lithograph", "drawing")
_EMPTY_WORDS = {"a", "an", "of"}
_HELD_OUT_OF = 10
"""Of so many subjects one is never shown in one of the styles."""
_FOR_VALIDATION = (3, 7)
"""The places of two more of them; the one that is never shown has place 0."""


@dataclass(frozen=True)
class CaptionedPictures:
    """Pictures, and what each shows.

    Attributes:
        pictures: (N, 3, 64, 64) in [-1, 1].
        captions: N sentences such as "an oil painting of a rocket".
        subjects: (N,) int64, the number of what is shown among `subject_names`.
        styles: (N,) int64, the number of the style among `STYLES`.
        subject_names: of all subjects, in the order of their numbers.
    """

    pictures: Tensor
    captions: list[str]
    subjects: Tensor
    styles: Tensor
    subject_names: list[str]

    def chosen(self, which: Tensor) -> CaptionedPictures:
        """Only those pictures for which `which`, (N,) bool, is true."""
        indices = which.nonzero().flatten()
        captions = [self.captions[index] for index in indices.tolist()]
        parts = (self.pictures[indices], captions, self.subjects[indices], self.styles[indices])
        return CaptionedPictures(*parts, self.subject_names)


def load_captioned_pictures(subjects: Sequence[str] | None = None) -> CaptionedPictures:
    """The pictures of the atlas: subject after subject in the first style, then in the next.

    Args:
        subjects: names such as "rocket"; None for all that the atlas has.

    Raises:
        ValueError: if the atlas has no such subject.
    """
    atlas = load_atlas()
    names = [subject.name for subject in atlas.subjects]
    if missing := [name for name in subjects or () if name not in names]:
        raise ValueError(f"The atlas has no subject called {', '.join(map(repr, missing))}.")
    numbers = torch.tensor([names.index(name) for name in subjects or names])
    styles = torch.arange(len(STYLES)).repeat_interleave(len(numbers))
    shown = numbers.repeat(len(STYLES))
    captions = [
        caption(names[subject], STYLES[style])
        for subject, style in zip(shown.tolist(), styles.tolist(), strict=True)
    ]
    order = [style.name.replace("_", " ") for style in atlas.styles]
    sheets = torch.tensor([order.index(style) for style in STYLES])
    pictures = atlas.pictures[sheets[styles] * len(names) + shown].float() / 127.5 - 1
    return CaptionedPictures(pictures, captions, shown, styles, names)


def caption(subject: str, style: str = "") -> str:
    """The caption of a picture: "a lithograph of an owl", or without a style "an owl"."""
    named = _with_article(subject)
    return f"{_with_article(style)} of {named}" if style else named


def _with_article(words: str) -> str:
    return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"


def held_out(pictures: CaptionedPictures) -> Tensor:
    """Which pictures a network is never shown while it trains: one style of every tenth subject.

    The subject is shown in the other styles, and the style with other subjects, so a network that
    was told words can be asked for what it has never seen together.

    Returns:
        (N,) bool.
    """
    return _lacking(pictures, 0)


def for_validation(pictures: CaptionedPictures) -> Tensor:
    """Combinations to choose by, of which the network that ships was shown none either.

    Two more subjects of every ten lack one style. Recipe and guidance were chosen by these, so that
    for the combinations of `held_out` nothing was chosen.

    Returns:
        (N,) bool, true for none that `held_out` has.
    """
    first, second = _FOR_VALIDATION
    return _lacking(pictures, first) | _lacking(pictures, second)


def _lacking(pictures: CaptionedPictures, place: int) -> Tensor:
    """Of every ten subjects the one at that place, in one style, another for each ten."""
    number = torch.unique(pictures.subjects, return_inverse=True)[1]
    tens = number // _HELD_OUT_OF
    right_style = (tens + place) % len(STYLES) == pictures.styles
    return (number % _HELD_OUT_OF == place) & right_style


def read_as(drawn: Tensor, asked: CaptionedPictures, known: CaptionedPictures) -> dict[str, float]:
    """Read each drawn picture as the known one that it is nearest to, pixel by pixel.

    Args:
        drawn: (k N, 3, 64, 64), one or more for each of the N that were asked for, in their order.
        asked: what was asked for.
        known: all pictures that it could be.

    Returns:
        {"subject", "style", "both"}: the shares, from 0 to 1, that are read as they were asked for.
    """
    rows = known.pictures.flatten(1).to(drawn.device)
    nearest = torch.cdist(drawn.float().flatten(1), rows).argmin(dim=1).cpu()
    times = len(drawn) // len(asked.captions)
    right_subject = known.subjects[nearest] == asked.subjects.repeat(times)
    right_style = known.styles[nearest] == asked.styles.repeat(times)
    return {
        "subject": float(right_subject.float().mean()),
        "style": float(right_style.float().mean()),
        "both": float((right_subject & right_style).float().mean()),
    }


def make_vocabulary(captions: Sequence[str]) -> dict[str, int]:
    """The number of each word of the captions, from 1 on, in the order of the alphabet.

    "a", "an" and "of" get none: they say nothing of the picture.
    """
    words = sorted({word for text in captions for word in text.lower().split()} - _EMPTY_WORDS)
    return {word: number for number, word in enumerate(words, start=1)}

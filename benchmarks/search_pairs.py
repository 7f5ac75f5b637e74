"""Find pairs of subjects that make good anagrams and hybrids on the atlas, and say how good.

    python benchmarks/search_pairs.py [--kind flip|hybrid] [--tries N] [--guidance S]
        [--sheet FILE]

Pairs of clear subjects in one style are ranked by what can be seen in their atlas pictures. For
anagrams the blurred pictures must agree, one of them upside down, and not look the same both ways
up. For hybrids the far one needs strong low frequencies and the near one strong high ones. The best
pairs are sampled with hard prompts and a guidance of 1, one sample each.

Two readings of every result are named among all the atlas's subjects, and a pair counts if both
names are right:

- anagrams: the picture and the picture upside down, by the subject classifier of `atlas_quality`;
- hybrids from afar: the picture blurred with a standard deviation of 2.5 pixels, by the same
  classifier, which names all blurred atlas pictures of the list right;
- hybrids close by: the picture less its blur of 1 pixel, on mid grey and of one contrast, as eyes
  see what is fine and adapt to the rest. (A blur of 2 pixels, that of the hybrids, would let a
  quarter of the far picture's middle frequencies pass; 1 lets a twelfth.) The classifier was never
  shown such pictures, so it is trained on for a few epochs on atlas pictures that went through the
  same filter.

Beside the samples stands, read in the same way, what two atlas pictures give without diffusion:
their average, and their plain hybrid (low pass of one plus high pass of the other). In brackets is
the mean probability of the right name in the weaker of the two readings.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import torch
from atlas_quality import save_sheet
from picture_classifier import (
    EPOCHS,
    PictureClassifier,
    View,
    load_classifier,
    probabilities,
    subject_classifier,
)
from torch import Tensor, nn
from torchvision.transforms.functional import gaussian_blur

from lessons.workbench.denoisers import Atlas, AtlasDenoiser, load_denoiser
from lessons.workbench.training.captions import load_captioned_pictures
from solutions import hybrid_noise, make_flip_illusion, make_hybrids, strided_timesteps

SUBJECTS = tuple(
    name.strip()
    for name in """
    cat face, lion, rabbit face, monkey face, dog face, tiger face, bear, panda, fox, owl,
    penguin, duck, fish, butterfly, snail, turtle, octopus, frog, elephant, sunflower, tulip,
    rose, lotus, mushroom, cactus, palm tree, evergreen tree, pear, pineapple, strawberry,
    carrot, ice cream, cupcake, teapot, wine glass, amphora, castle, lighthouse, hut, church,
    sailboat, rocket, hot air balloon, balloon, mountain, volcano, sunset, waterfalls,
    ocean wave, fire, skull, old man, man with a beard, ghost, robot, crown, bell, light bulb,
    violin, guitar, umbrella, alarm clock, red heart, globe, full moon, pencil, dog, cat
    """.split(",")  # noqa: SIM905
)
STYLES = {
    "photo": "a photo of a",
    "oil_painting": "an oil painting of a",
    "lithograph": "a lithograph of a",
    "drawing": "a drawing of a",
}
SEED = 180
FAR, NEAR, LOWPASS = 2.5, 1.0, 2.0
TIMES_USED = 2
NEAR_EPOCHS = 10


class Pair(NamedTuple):
    """Two subjects in one style: upright and upside down, or from afar and close by."""

    style: str
    first: str
    second: str

    def prompts(self) -> tuple[str, str]:
        """What the denoiser is asked for."""
        return f"{STYLES[self.style]} {self.first}", f"{STYLES[self.style]} {self.second}"


class Reading(NamedTuple):
    """A classifier, and what it is shown of a picture."""

    model: nn.Module
    view: View

    def of(self, pictures: Tensor) -> Tensor:
        """(n, subjects): what is read in each picture."""
        return probabilities(self.model, self.view(pictures))


def blur(pictures: Tensor, sigma: float) -> Tensor:
    """A Gaussian blur, (n, 3, H, W); one direction after the other, which is quick."""
    return gaussian_blur(gaussian_blur(pictures, [33, 1], sigma), [1, 33], sigma)


def from_afar(pictures: Tensor) -> Tensor:
    """What is left of (n, 3, 64, 64) pictures at a distance."""
    return blur(pictures, FAR)


def close_by(pictures: Tensor) -> Tensor:
    """What is fine in (n, 3, 64, 64) pictures, on mid grey, its standard deviation 0.4."""
    fine = pictures - blur(pictures, NEAR)
    return 0.4 * fine / (fine.std((1, 2, 3), keepdim=True) + 1e-3)


def upside_down(pictures: Tensor) -> Tensor:
    """The rows in reversed order."""
    return pictures.flip(-2)


def near_classifier(epochs: int) -> PictureClassifier:
    """The subject classifier, trained on for pictures seen `close_by`."""
    everything = load_captioned_pictures()
    return load_classifier(
        f"near_subject_after_{epochs}",
        everything.pictures,
        everything.subjects,
        NEAR_EPOCHS,
        learning_rate=2e-3,
        view=close_by,
        begin=subject_classifier(epochs),
    )


def candidates(atlas: Atlas, kind: str, tries: int) -> list[Pair]:
    """The most promising pairs first, every subject at most `TIMES_USED` times."""
    ranked: list[tuple[float, Pair]] = []
    for style in STYLES:
        pictures = torch.stack([atlas.picture(name, style) for name in SUBJECTS])
        scores = (agreement if kind == "flip" else contrasts)(pictures)
        for one, row in enumerate(scores.tolist()):
            for other, score in enumerate(row):
                if one > other or (one < other and kind == "hybrid"):
                    ranked.append((score, Pair(style, SUBJECTS[one], SUBJECTS[other])))
    chosen: dict[tuple[str, str], Pair] = {}
    uses = dict.fromkeys(SUBJECTS, 0)
    for _, pair in sorted(ranked, reverse=True):
        both = pair[1:]
        if both not in chosen and max(uses[name] for name in both) < TIMES_USED:
            chosen[both] = pair
            for name in both:
                uses[name] += 1
        if len(chosen) == tries:
            break
    return list(chosen.values())


def agreement(pictures: Tensor) -> Tensor:
    """(n, n): how well picture i agrees with picture j upside down, less what is trivial.

    It is the correlation of the blurred pictures, less half the larger correlation of one of them
    with itself upside down: what looks the same both ways up can't have two readings.
    """
    low = blur(pictures, LOWPASS)
    rows, turned = (
        nn.functional.normalize(x.flatten(1) - x.flatten(1).mean(1, keepdim=True))
        for x in (low, low.flip(-2))
    )
    correlation = rows @ turned.T
    own = correlation.diagonal()
    return correlation - 0.5 * torch.maximum(own[:, None], own[None, :])


def contrasts(pictures: Tensor) -> Tensor:
    """(n, n): how much more picture i has in low frequencies than j, and j in high ones than i."""
    low = blur(pictures, LOWPASS)
    far, near = low.flatten(1).std(1), (pictures - low).flatten(1).std(1)
    far, near = far / far.std(), near / near.std()
    return far[:, None] - far[None, :] + near[None, :] - near[:, None]


def sample(denoiser: AtlasDenoiser, kind: str, pairs: list[Pair], guidance_scale: float) -> Tensor:
    """One picture for each pair, (n, 3, 64, 64)."""
    embeds = [denoiser.embed([pair.prompts()[side] for pair in pairs]) for side in (0, 1)]
    generator = torch.Generator().manual_seed(SEED)
    noise = torch.randn(len(pairs), 3, 64, 64, generator=generator)
    # With a guidance of 1 the unconditional estimate cancels; a prompt's own costs least.
    uncond = embeds[0] if guidance_scale == 1 else denoiser.embed("")
    rest = (uncond, strided_timesteps(990, 30), guidance_scale, generator)
    if kind == "flip":
        return make_flip_illusion(denoiser, noise, 0, embeds, *rest)
    return make_hybrids(denoiser, noise, 0, *embeds, *rest)


def report(
    name: str,
    pictures: Tensor,
    readings: list[Reading],
    asked: list[tuple[list[int], list[int]]],
) -> list[tuple[bool, bool]]:
    """Print one line of the table; return which readings of each picture are named right."""
    found = [reading.of(pictures) for reading in readings]
    right, weaker = [], 0.0
    for i, wanted in enumerate(asked):
        named = [int(found[k][i].argmax()) in wanted[k] for k in (0, 1)]
        right.append((named[0], named[1]))
        weaker += float(min(found[k][i, wanted[k]].sum() for k in (0, 1))) / len(asked)
    both = sum(all(pair) for pair in right)
    first, second = (sum(pair[k] for pair in right) for k in (0, 1))
    count = len(asked)
    print(f"{name:26} {both:4} of {count} ({weaker:.2f})   {first:4}   {second:4}", flush=True)
    return right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=("flip", "hybrid"), default="flip")
    parser.add_argument("--tries", type=int, default=32, help="pairs that are sampled")
    parser.add_argument("--guidance", type=float, default=1.0)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of the classifier's training")
    parser.add_argument("--sheet", type=Path, help="a PNG of all samples, both readings")
    options = parser.parse_args()
    denoiser = load_denoiser("atlas", prompt_softness=0, patches=False)
    atlas = denoiser.atlas
    plain = subject_classifier(options.epochs)
    if options.kind == "flip":
        readings = [Reading(plain, lambda x: x), Reading(plain, upside_down)]
    else:
        near = near_classifier(options.epochs)
        readings = [Reading(plain, from_afar), Reading(near, close_by)]
    place = {subject.name: i for i, subject in enumerate(atlas.subjects)}
    pairs = candidates(atlas, options.kind, options.tries)
    asked = [
        tuple([place[name] for name in denoiser.asked(prompt)] for prompt in pair.prompts())
        for pair in pairs
    ]
    ones = torch.stack([atlas.picture(pair.first, pair.style) for pair in pairs])
    others = torch.stack([atlas.picture(pair.second, pair.style) for pair in pairs])
    print(f"{'':26} both right (prob.)   first second")
    # The ceiling: what the readers make of the atlas's own pictures.
    alone = upside_down(others) if options.kind == "flip" else others
    for name, pictures, side in (("first picture alone", ones, 0), ("second", alone, 1)):
        found = readings[side].of(pictures).argmax(1).tolist()
        named = sum(found[i] in asked[i][side] for i in range(len(pairs)))
        print(f"{name:26} {named:4} of {len(pairs)} named right")
    report("averaged pictures", (ones + alone) / 2, readings, asked)
    report("plain hybrid of pictures", hybrid_noise(ones, alone), readings, asked)
    batches = [pairs[k : k + 8] for k in range(0, len(pairs), 8)]
    made = torch.cat([sample(denoiser, options.kind, b, options.guidance) for b in batches])
    right = report("diffusion", made, readings, asked)
    for pair, hits in zip(pairs, right, strict=True):
        print(f"    {'*' * sum(hits):2} {' / '.join(pair)}")
    if options.sheet is not None:
        rows = [made, upside_down(made) if options.kind == "flip" else from_afar(made)]
        chunks = [row[k : k + 8] for k in range(0, len(pairs), 8) for row in rows]
        save_sheet(torch.cat(chunks), 8, options.sheet)


if __name__ == "__main__":
    main()

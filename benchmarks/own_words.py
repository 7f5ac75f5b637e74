"""Train the text-conditional network of lesson 20, measure it, and write what ships.

python benchmarks/own_words.py --out FOLDER [--hiddens D] [--seconds 600] [--device cuda]
    [--subjects cat,dog,...] [--batch-size 416] [--learning-rate 3e-3] [--recipe pulled]
python benchmarks/own_words.py --out FOLDER --measure

What it is shown of the atlas's pictures, and with which prompts, says a recipe of
words_training.py. One style of every tenth subject is never shown, and one of two more in ten
neither: by these recipe and guidance are chosen. FOLDER gets own_words.safetensors (averaged
weights in half precision, with the vocabulary), own_words.json with all numbers, and own_words.png:
asked for what was shown, then, in the last two rows, for what never was, beside the pictures nobody
showed it.

Measured is which share of the samples is read as the subject and as the style that were asked for,
over the guidance scale, for combinations that were shown and for those that were not: by two small
classifiers of all drawings (picture_classifier.py), and as the picture that a sample is nearest to,
pixel by pixel. Sampled is with the loop of lesson 17 on `OwnDenoiser`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from picture_classifier import EPOCHS, load_classifier, probabilities
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.utils import save_image
from words_training import BATCH_SIZE, CHOSEN, LEARNING_RATE, RECIPES, train_by

from lessons.workbench.training.captions import (
    CaptionedPictures,
    for_validation,
    held_out,
    load_captioned_pictures,
    read_as,
)
from solutions.ddim import ddim_sample
from solutions.trained import OWN_WORDS, load_own_words
from solutions.your_own_words import OwnDenoiser

SCALES = (1.0, 1.5, 2.0, 3.0, 5.0)
STEPS = 20
TIMESTEPS = [round(999 - 999 * step / STEPS) for step in range(STEPS)] + [0]
SHEET_COLUMNS = 16


def main() -> None:
    """Train, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--hiddens", type=int, help="D; the recipe's if left out")
    parser.add_argument("--seconds", type=float, default=600, help="of training")
    parser.add_argument("--subjects", help="these only, by names with commas; all if left out")
    parser.add_argument("--batch-size", type=int, default=BATCH_SIZE)
    parser.add_argument("--learning-rate", type=float, default=LEARNING_RATE)
    parser.add_argument("--recipe", choices=RECIPES, default=CHOSEN)
    parser.add_argument("--samples", type=int, default=512, help="pictures behind each number")
    parser.add_argument("--reader-epochs", type=int, default=EPOCHS, help="of the classifiers")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--measure", action="store_true", help="what FOLDER has; train nothing")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    names = options.subjects.split(",") if options.subjects else None
    everything = load_captioned_pictures(names)
    hidden, judged = held_out(everything), for_validation(everything)
    shown, unseen = everything.chosen(~hidden & ~judged), everything.chosen(hidden)
    told = options.out / f"{OWN_WORDS}.json"
    if options.measure:
        facts = json.loads(told.read_text(encoding="utf-8"))
    else:
        facts = _train(shown, options)
        told.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    own = OwnDenoiser(*load_own_words(options.device, options.out))
    readers = load_readers(everything, options.device, options.reader_epochs)
    sets = {"shown": shown, "never_shown": unseen, "validation": everything.chosen(judged)}
    sets = {name: pictures for name, pictures in sets.items() if pictures.captions}
    measured = _measure(own, readers, sets, options.samples)
    facts |= {"samples": options.samples, "read_as_asked": measured}
    told.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    save_image(_sheet(own, shown, unseen), told.with_suffix(".png"), nrow=SHEET_COLUMNS)


def _train(shown: CaptionedPictures, options: argparse.Namespace) -> dict[str, Any]:
    """Train for so long and save the weights; what is worth knowing of it."""
    recipe = RECIPES[options.recipe]
    if options.hiddens:
        recipe = replace(recipe, num_hiddens=options.hiddens)
    trained, vocabulary = train_by(
        recipe, shown, options.seconds, options.device, options.batch_size, options.learning_rate
    )
    _save(trained.average, vocabulary, recipe.num_hiddens, options.out)
    facts: dict[str, Any] = {
        "num_hiddens": recipe.num_hiddens,
        "parameters": sum(p.numel() for p in trained.average.parameters()),
        "pictures": len(shown.captions),
        "recipe": options.recipe,
        "batch_size": options.batch_size,
        "steps": trained.steps,
        "loss": trained.loss,
        "seconds": round(trained.seconds),
        "images_per_second": round(trained.steps * options.batch_size / trained.seconds),
        "device": torch.cuda.get_device_name() if "cuda" in options.device else "CPU",
    }
    print(facts, flush=True)
    return facts


def _save(average: nn.Module, vocabulary: dict[str, int], num_hiddens: int, out: Path) -> None:
    """Save the weights as they ship, in half precision, with the vocabulary."""
    halved = {name: value.half().cpu().contiguous() for name, value in average.state_dict().items()}
    metadata = {"num_hiddens": str(num_hiddens), "vocabulary": " ".join(vocabulary)}
    save_file(halved, out / f"{OWN_WORDS}.safetensors", metadata)


class Readers(NamedTuple):
    """What reads the samples: a classifier of subjects, one of styles, and all pictures."""

    subject: nn.Module
    style: nn.Module
    everything: CaptionedPictures

    def read(self, drawn: Tensor, asked: CaptionedPictures) -> dict[str, float]:
        """The shares read as asked by the classifiers, and as the nearest picture."""
        times = len(drawn) // len(asked.captions)
        right = [
            probabilities(model, drawn).argmax(1).cpu() == wanted.repeat(times)
            for model, wanted in ((self.subject, asked.subjects), (self.style, asked.styles))
        ]
        shares = [float(part.float().mean()) for part in (*right, right[0] & right[1])]
        nearest = read_as(drawn, asked, self.everything)
        return {**dict(zip(("subject", "style", "both"), shares, strict=True)),
                "nearest": nearest["both"]}  # fmt: skip


def load_readers(everything: CaptionedPictures, device: str, epochs: int) -> Readers:
    """Train the classifiers on all pictures, or take those of an earlier run."""
    pictures = everything.pictures.to(device)
    labels = {"subject": everything.subjects, "style": everything.styles}
    models = [
        load_classifier(kind, pictures, row.to(device), epochs) for kind, row in labels.items()
    ]
    return Readers(*models, everything)


def _measure(
    own: OwnDenoiser, readers: Readers, sets: dict[str, CaptionedPictures], samples: int
) -> list[dict[str, Any]]:
    """The shares read as asked, for each guidance scale and set."""
    rows: list[dict[str, Any]] = []
    asked = {name: _some_of(pictures, samples) for name, pictures in sets.items()}
    for scale in SCALES:
        row: dict[str, Any] = {"x": scale}
        for name, pictures in asked.items():
            draws = range(max(1, samples // max(1, len(pictures.captions))))
            drawn = [draw(own, pictures.captions, scale, seed) for seed in draws]
            row[name] = readers.read(torch.cat(drawn), pictures)
        rows.append(row)
        print(row, flush=True)
    return rows


def _some_of(pictures: CaptionedPictures, most: int) -> CaptionedPictures:
    """So many of them at most, always the same."""
    count = len(pictures.captions)
    some = torch.zeros(count, dtype=torch.bool)
    some[torch.randperm(count, generator=torch.Generator().manual_seed(1))[:most]] = True
    return pictures.chosen(some)


def draw(own: OwnDenoiser, captions: list[str], scale: float, seed: int = 0) -> Tensor:
    """One picture for each caption, (n, 3, 64, 64), by DDIM with guidance."""
    torch.manual_seed(seed)
    noise = torch.randn(len(captions), 3, 64, 64)
    parts = []
    for some, start in zip(
        [captions[k : k + 256] for k in range(0, len(captions), 256)], noise.split(256), strict=True
    ):
        cond, uncond = own.embed(some), own.embed([""])
        start = start.to(own.device)
        parts.append(ddim_sample(own, start, 0, cond, uncond, TIMESTEPS, scale))
    return torch.cat(parts)


def _sheet(own: OwnDenoiser, shown: CaptionedPictures, unseen: CaptionedPictures) -> Tensor:
    """Rows of samples of the four styles, then of what never was shown, beside the truth."""
    every = torch.linspace(0, len(shown.captions) - 1, 4 * SHEET_COLUMNS).long()
    asked = [shown.captions[index] for index in every.tolist()]
    never = unseen.captions[:: max(1, len(unseen.captions) // SHEET_COLUMNS)][:SHEET_COLUMNS]
    places = [unseen.captions.index(text) for text in never]
    rows = [draw(own, asked, 2.0).cpu(), draw(own, never, 2.0).cpu(), unseen.pictures[places]]
    return torch.cat(rows).clamp(-1, 1) / 2 + 0.5


if __name__ == "__main__":
    main()

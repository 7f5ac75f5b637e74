"""How good the atlas denoiser's pictures are, in numbers.

    python benchmarks/atlas_quality.py [--seeds N] [--steps N] [--old] [--sheets FOLDER]

A small convolutional network learns to name the subject of an atlas picture, shifted, blurred,
noisy, recoloured. It then reads samples: the share that shows what the prompt asked for, without
guidance (1), with a little (3) and with the course's (7). A sample counts as asked if the network
names one of the subjects that the prompt's words stand for. Then come diversity (the distance
between samples of one prompt) and novelty (how far unprompted samples are from the nearest picture
of the atlas, mirror images included, beside how far atlas pictures are from each other).
The trained network is kept in datasets/cache/.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from picture_classifier import EPOCHS, probabilities, subject_classifier
from torch import Tensor, nn
from torchvision.utils import make_grid, save_image

from lessons.workbench.denoisers import Atlas, AtlasDenoiser, generate, load_denoiser

PROMPTS = (
    "an oil painting of a snowy mountain village",
    "a photo of the amalfi coast",
    "a photo of a man",
    "a photo of a hipster barista",
    "a photo of a dog",
    "an oil painting of people around a campfire",
    "an oil painting of an old man",
    "a lithograph of waterfalls",
    "a lithograph of a skull",
    "a man wearing a hat",
    "a rocket ship",
    "a pencil",
    "a photo of a cat",
    "a drawing of an elephant",
    "an oil painting of a sailboat",
    "a photo of a castle",
    "a lithograph of an owl",
    "a red car",
    "a drawing of a robot",
    "an oil painting of a sunflower",
    "a photo of mountains",
    "a violin",
    "a lithograph of a butterfly",
    "a photo of a pizza",
    "a drawing of a bicycle",
    "a teapot",
    "an oil painting of a banana",
    "a photo of a lighthouse",
    "a drawing of a tree",
    "a lighted candle",
)


def root_mean_square(a: Tensor, b: Tensor) -> Tensor:
    """Distances between all rows of a and b, per pixel, in units of the range [-1, 1]."""
    return torch.cdist(a.flatten(1), b.flatten(1)) / a[0].numel() ** 0.5


def read(model: nn.Module, samples: Tensor, atlas: Atlas) -> list[str]:
    """Name the subject of each sample."""
    named = probabilities(model, samples).argmax(1)
    return [atlas.subjects[number].name for number in named.tolist()]


def prompted(
    denoiser: AtlasDenoiser,
    model: nn.Module,
    guidance_scales: list[float],
    seeds: int,
    steps: int,
    sheets: Path | None,
) -> None:
    """Print the share of samples that show what was asked, for each guidance scale."""
    print(f"\n{'prompt':45}" + "".join(f"guidance {s:g}".rjust(13) for s in guidance_scales))
    right = dict.fromkeys(guidance_scales, 0)
    spread = dict.fromkeys(guidance_scales, 0.0)
    for number, prompt in enumerate(PROMPTS):
        asked = denoiser.asked(prompt)
        cells, rows = [], []
        for guidance_scale in guidance_scales:
            samples = generate(
                denoiser, [prompt] * seeds, steps, guidance_scale, generator=1000 + number
            )
            named = read(model, samples, denoiser.atlas)
            hits = sum(name in asked for name in named)
            right[guidance_scale] += hits
            spread[guidance_scale] += float(root_mean_square(samples, samples).sum())
            cells.append(f"{hits} of {seeds}")
            rows.append(samples)
            print(f"    {guidance_scale:g}: {', '.join(named)}", flush=True)
        print(f"{prompt:45}" + "".join(cell.rjust(13) for cell in cells), asked[:4], flush=True)
        if sheets is not None:
            save_sheet(torch.cat(rows), seeds, sheets / f"{number:02}.png")
    total, pairs = len(PROMPTS) * seeds, len(PROMPTS) * seeds * max(seeds - 1, 1)
    shares = "".join(f"{right[s] / total:.1%}".rjust(13) for s in guidance_scales)
    print(f"{'as asked':45}{shares}")
    spreads = "".join(f"{spread[s] / pairs:.3f}".rjust(13) for s in guidance_scales)
    print(f"{'distance between samples of one prompt':45}{spreads}")


def unprompted(denoiser: AtlasDenoiser, count: int, steps: int, sheets: Path | None) -> None:
    """Print how far unprompted samples are from the atlas, beside atlas pictures themselves."""
    samples = generate(denoiser, [""] * count, steps, 0.0, generator=1)
    pictures = denoiser.atlas.pictures.float() / 127.5 - 1
    everything = torch.cat([pictures, pictures.flip(-1)])
    chosen = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(0))[:300]
    between = root_mean_square(pictures[chosen], everything)
    between[torch.arange(300), chosen] = torch.inf
    between[torch.arange(300), chosen + len(pictures)] = torch.inf
    distances = root_mean_square(samples, everything)
    nearest = distances.min(1)
    print(f"\nroot mean square distance, medians{'':20}")
    print(f"  unprompted sample to the nearest picture    {nearest.values.median():.3f}")
    print(f"  picture to the nearest other picture        {between.min(1).values.median():.3f}")
    print(f"  picture to any other picture                {between.median():.3f}")
    copies = (nearest.values < 0.05).float().mean()
    print(f"  share of samples nearer than 0.05           {copies:.1%}")
    if sheets is not None:
        save_sheet(torch.cat([samples, everything[nearest.indices]]), count, sheets / "none.png")


def save_sheet(pictures: Tensor, columns: int, path: Path) -> None:
    grid = make_grid(pictures.clamp(-1, 1) / 2 + 0.5, nrow=columns, padding=2)
    save_image(nn.functional.interpolate(grid[None], scale_factor=2), path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=6, help="samples for each prompt")
    parser.add_argument("--guidance", type=float, nargs="+", default=[1.0, 3.0, 7.0])
    parser.add_argument("--steps", type=int, default=34)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of the classifier's training")
    parser.add_argument("--unprompted", type=int, default=16, help="unprompted samples")
    parser.add_argument("--sheets", type=Path, help="a folder for sheets of samples")
    parser.add_argument("--old", action="store_true", help="first without patches, to compare")
    options = parser.parse_args()
    for patches in (False, True) if options.old else (True,):
        print("\nstored pictures and patches" if patches else "\nstored pictures only")
        denoiser = load_denoiser("atlas", patches=patches)
        model = subject_classifier(options.epochs)
        sheets = options.sheets
        if sheets is not None:
            sheets = sheets / ("patches" if patches else "stored")
            sheets.mkdir(parents=True, exist_ok=True)
        unprompted(denoiser, options.unprompted, options.steps, sheets)
        prompted(denoiser, model, options.guidance, options.seeds, options.steps, sheets)


if __name__ == "__main__":
    main()

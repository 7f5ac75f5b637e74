"""What the embedded denoiser makes of pictures that the atlas does not know, old and new.

    python benchmarks/own_pictures.py [--parts one_step edits inpainting speed samples] [--sheets F]

"Old" knows the stored pictures only, "new" patches, too. Printed are, on the course's nine pictures
and on eight others, none of which was fitted to:

- one_step: PSNR of one step with "a high quality photo", against the best of 30 Gaussian blurs,
  each tried on x_t and on x_t / sqrt(abar_t), both allowed to look at the answer;
- edits: PSNR to the original of edits at gamma 7, by the place they start from;
- inpainting, as lesson 08 does it: the error where old and new content meet, in a ring of 3 pixels
  inside the hole, as the root mean square of jumps across the seam beyond those of the original,
  and as that of the ring to the original;
- speed: CPU milliseconds of one thread per picture, seconds of a guided sample, and memory;
- samples: specks and runaways among guided samples at 20 and at 33 steps.

A speck is a pixel far from the median of its neighbourhood in all of them; a runaway is a sample of
which more than a twentieth lies beyond the range of pictures.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import skimage
import sklearn
import torch
from atlas_quality import PROMPTS, save_sheet
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.functional import gaussian_blur

from lessons.workbench.denoisers import AtlasDenoiser, generate, load_denoiser
from lessons.workbench.pictures import course_mask, course_picture, load_picture
from solutions import edit, forward, inpaint, one_step_denoise, psnr, strided_timesteps

NINE = ("tower", "chelsea", "astronaut", "coffee", "rocket", "china")
NINE += ("envelope", "heart", "avocado")
OTHERS = {
    "flower": (sklearn, "datasets/images/flower.jpg"),
    "grace_hopper": (mpl, "mpl-data/sample_data/grace_hopper.jpg"),
    "minduka": (mpl, "mpl-data/sample_data/Minduka_Present_Blue_Pack.png"),
    "motorcycle": (skimage, "data/motorcycle_left.png"),
    "camera": (skimage, "data/camera.png"),
    "retina": (skimage, "data/retina.jpg"),
    "ihc": (skimage, "data/ihc.png"),
    "hubble": (skimage, "data/hubble_deep_field.jpg"),
}
PROMPT = "a high quality photo"
ONE_STEP = (100, 250, 390, 500, 690, 810)
STARTS = (1, 3, 5, 7, 10, 15, 20, 26)
SIGMAS = np.geomspace(0.3, 8, 30)
FILLS = {"tower": "a lighthouse", "chelsea": "a fox"}
FILL_GUIDANCE = 3
RING = 3
Denoisers = dict[str, AtlasDenoiser]


def unknown_pictures() -> dict[str, Tensor]:
    """The course's nine pictures and the others, (1, 3, 64, 64) each."""
    pictures = {name: course_picture(name) for name in NINE}
    for name, (package, path) in OTHERS.items():
        pictures[name] = load_picture(Path(package.__file__).parent / path)
    return pictures


def best_of_blurs(x_t: Tensor, abar: Tensor, clean: Tensor) -> float:
    """The highest PSNR of 30 blurs; a blur may also make the picture as strong as it was."""
    found = []
    for sigma in SIGMAS:
        blurred = gaussian_blur(gaussian_blur(x_t, [1, 63], sigma), [63, 1], sigma)
        found += [psnr(blurred, clean), psnr(blurred / abar.sqrt(), clean)]
    return max(found)


def one_step(denoisers: Denoisers, pictures: dict[str, Tensor], sheets: Path | None) -> None:
    """Print one row for each picture: blur, old and new at every noise level."""
    print(f"\n{'one step, dB':13}" + "".join(f"t = {t} blur old new".rjust(22) for t in ONE_STEP))
    rows, shown = [], []
    for name, clean in pictures.items():
        row = []
        for t in ONE_STEP:
            noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(t))
            abar = next(iter(denoisers.values())).alphas_cumprod
            x_t = forward(clean, t, abar, noise)
            found = [best_of_blurs(x_t, abar[t], clean)]
            shown.append(x_t)
            for denoiser in denoisers.values():
                x_0 = one_step_denoise(denoiser, x_t, t, denoiser.embed(PROMPT))
                found.append(psnr(x_0, clean))
                shown.append(x_0)
            row.append(found)
        rows.append(row)
        cells = (" ".join(f"{value:5.1f}" for value in found).rjust(22) for found in row)
        print(f"{name:13}" + "".join(cells), flush=True)
    table = torch.tensor(rows)
    for number, name in enumerate(denoisers, start=1):
        gains = table[:, :, number] - table[:, :, 0]
        for what, values in (("mean", gains.mean(0)), ("least", gains.amin(0))):
            title = f"{name} less blur, {what}"
            print(
                f"{title:22}"
                + " ".join(f"{t}: {v:+.2f}" for t, v in zip(ONE_STEP, values, strict=True))
            )
        low = gains[:, [t <= 500 for t in ONE_STEP]]
        print(f"{name} less blur up to t = 500: {low.mean():+.2f}, least {low.min():+.2f}")
    if sheets is not None:
        save_sheet(torch.cat(shown), len(ONE_STEP) * (1 + len(denoisers)), sheets / "one_step.png")


def edits(denoisers: Denoisers, pictures: dict[str, Tensor], sheets: Path | None) -> None:
    """Print one row for each picture and denoiser: PSNR to the original, by `i_start`."""
    timesteps = strided_timesteps(990, 30)
    print(f"\n{'edits, dB, i_start':22}" + "".join(f"{i:7}" for i in STARTS))
    for kind, denoiser in denoisers.items():
        embeds, shown, rows = (denoiser.embed(PROMPT), denoiser.embed("")), [], []
        for name, clean in pictures.items():
            row = []
            for i_start in STARTS:
                generator = torch.Generator().manual_seed(180)
                made = edit(denoiser, clean, i_start, *embeds, timesteps, 7, generator)
                row.append(psnr(made, clean))
                shown.append(made)
            shown.append(clean)
            rows.append(row)
            falls = sum(b < a for a, b in pairwise(row))
            line = "".join(f"{value:7.1f}" for value in row)
            print(f"{name:15} {kind:6}{line}" + (f"   {falls} falls" if falls else ""), flush=True)
        means = torch.tensor(rows).mean(0)
        print(f"{'mean':15} {kind:6}" + "".join(f"{value:7.1f}" for value in means), flush=True)
        if sheets is not None:
            save_sheet(torch.cat(shown), len(STARTS) + 1, sheets / f"edits_{kind}.png")


def inpainting(denoisers: Denoisers, sheets: Path | None, seeds: int = 6) -> None:
    """Print the errors at the seam for the tower and the cat."""
    timesteps, shown = strided_timesteps(990, 30), []
    print(f"\n{'inpainting':22}{'jumps at the seam':>20}{'ring':>10}")
    for name, prompt in FILLS.items():
        clean, mask = course_picture(name), course_mask(name)
        inner = -functional.max_pool2d(-mask, 2 * RING + 1, 1, RING)
        ring = mask - inner
        for kind, denoiser in denoisers.items():
            batch = clean.expand(seeds, -1, -1, -1)
            made = inpaint(
                denoiser,
                batch,
                mask,
                denoiser.embed(prompt),
                denoiser.embed(""),
                timesteps,
                FILL_GUIDANCE,
                torch.Generator().manual_seed(180),
            )
            shown.append(made)
            jumps = jumps_at(made, mask) - jumps_at(clean, mask)
            error = ((made - clean).square() * ring).sum() / (ring.sum() * 3 * seeds)
            print(f"{name:15} {kind:6}{jumps:20.3f}{error.sqrt():10.3f}", flush=True)
    if sheets is not None:
        save_sheet(torch.cat(shown), seeds, sheets / "inpainting.png")


def jumps_at(pictures: Tensor, mask: Tensor) -> float:
    """The root mean square difference of neighbours, one inside of the mask and one outside."""
    total, count = 0.0, 0.0
    for axis in (-1, -2):
        seam = (mask.diff(dim=axis) != 0).float()
        jump = pictures.diff(dim=axis).square().mean((0, 1))
        total, count = total + float((jump * seam).sum()), count + float(seam.sum())
    return (total / count) ** 0.5


def speed(denoisers: Denoisers) -> None:
    """Print CPU times of one thread, old and new by turns, the least of several."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    picture = course_picture("coffee")
    print(f"\n{'CPU ms a picture':22}{'empty':>16}{'a photo of a dog':>20}{'both':>16}")
    for t in (960, 900, 810, 690, 500, 390, 250, 100, 30, 0):
        cells = []
        for prompts in ([""], ["a photo of a dog"], ["a photo of a dog", ""]):
            calls = []
            for denoiser in denoisers.values():
                noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(t))
                x_t = forward(picture, t, denoiser.alphas_cumprod, noise)
                calls.append(_call(denoiser, x_t.expand(len(prompts), -1, -1, -1), t, prompts))
            cells.append(" / ".join(f"{1000 * s:.1f}" for s in by_turns(calls, 5)))
        print(
            f"t = {t:<18}" + cells[0].rjust(16) + cells[1].rjust(20) + cells[2].rjust(16),
            flush=True,
        )
    calls = [_sample(denoiser) for denoiser in denoisers.values()]
    print(f"guided sample of 34 steps, CPU s: {' / '.join(f'{s:.2f}' for s in by_turns(calls, 2))}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"memory of this process: {peak * (1 if sys.platform == 'darwin' else 1024) / 1e6:.0f} MB"
    )
    torch.set_num_threads(threads)


def _call(denoiser: AtlasDenoiser, x_t: Tensor, t: int, prompts: list[str]) -> Callable:
    embeds = denoiser.embed(prompts)
    return lambda: denoiser(x_t, t, embeds)


def _sample(denoiser: AtlasDenoiser) -> Callable:
    return lambda: generate(denoiser, "a photo of a dog", generator=0)


def by_turns(calls: list[Callable], repeats: int) -> list[float]:
    """The least CPU seconds of each call."""
    best = [float("inf")] * len(calls)
    for _ in range(repeats):
        for i, call in enumerate(calls):
            start = time.process_time()
            call()
            best[i] = min(best[i], time.process_time() - start)
    return best


def samples(denoisers: Denoisers, count: int, sheets: Path | None) -> None:
    """Count specks and runaways among guided samples of the prompts of `atlas_quality`."""
    print(f"\n{'samples at gamma 7':22}{'with specks':>14}{'run away':>12}")
    prompts = [PROMPTS[i % len(PROMPTS)] for i in range(count)]
    for steps in (20, 33):
        for kind, denoiser in denoisers.items():
            batches = [prompts[k : k + 10] for k in range(0, count, 10)]
            made = torch.cat(
                [generate(denoiser, b, steps, 7.0, generator=k) for k, b in enumerate(batches)]
            )
            specked, away = specks(made) > 0, (made.abs() > 1.2).float().mean((1, 2, 3)) > 0.05
            line = f"{int(specked.sum()):9} of {count}{int(away.sum()):7} of {count}"
            print(f"{steps} steps {kind:13}{line}", flush=True)
            if sheets is not None:
                save_sheet(made, 15, sheets / f"samples_{steps}_{kind}.png")


def specks(pictures: Tensor, far: float = 0.5) -> Tensor:
    """Count in each picture the pixels that stick out of their 5x5 neighbourhood."""
    padded = functional.pad(pictures, (2, 2, 2, 2), mode="reflect")
    around = padded.unfold(2, 5, 1).unfold(3, 5, 1).flatten(-2)
    middle = around.median(-1).values
    calm = (around - middle[..., None]).abs().sort(-1).values[..., 21] < 0.1
    return ((pictures - middle).abs().gt(far) & calm).any(1).sum((1, 2))


def main() -> None:
    parts = ("one_step", "edits", "inpainting", "speed", "samples")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--pictures", nargs="+", help="only these")
    parser.add_argument("--sheets", type=Path, help="a folder for sheets of what was made")
    options = parser.parse_args()
    if options.sheets is not None:
        options.sheets.mkdir(parents=True, exist_ok=True)
    denoisers: Denoisers = {
        "old": load_denoiser("atlas", "cpu", patches=False),
        "new": load_denoiser("atlas", "cpu"),
    }
    pictures = unknown_pictures()
    pictures = {name: pictures[name] for name in options.pictures or pictures}
    if "one_step" in options.parts:
        one_step(denoisers, pictures, options.sheets)
    if "edits" in options.parts:
        edits(denoisers, pictures, options.sheets)
    if "inpainting" in options.parts:
        hard = {
            "old": load_denoiser("atlas", "cpu", prompt_softness=0, patches=False),
            "new": load_denoiser("atlas", "cpu", prompt_softness=0),
        }
        inpainting(hard, options.sheets)
    if "speed" in options.parts:
        speed(denoisers)
    if "samples" in options.parts:
        samples(denoisers, options.samples, options.sheets)


if __name__ == "__main__":
    main()

"""How fast the atlas denoiser is, and how much memory it takes.

    python benchmarks/atlas_speed.py [--threads N] [--repeats N]

Prints milliseconds per picture for several timesteps: the empty prompt over the whole atlas, an
ordinary prompt, and both in one call as classifier-free guidance asks; then the seconds of a
guided sample, of loading, and the memory the process grew by. Of several repeats the best counts,
so that whatever else the machine does disturbs little.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable

import torch

from lessons.workbench.denoisers import AtlasDenoiser, generate, load_atlas, load_denoiser

TIMESTEPS = (990, 960, 930, 900, 870, 840, 810, 750, 690, 600, 450, 300, 150, 60, 30, 0)
PROMPT = "a photo of a dog"
LIMITS = {"empty prompt, ms": 60, "ordinary prompt, ms": 20, "memory, MB": 1000}
LIMITS |= {"loading, s": 1, "guided sample of 34 steps, s": 2}


def best_seconds(action: Callable[[], object], repeats: int) -> float:
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        best = min(best, time.perf_counter() - start)
    return best


def peak_megabytes() -> float:
    """The largest memory this process has had, in MB (Linux counts in KiB, macOS in bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def step_times(denoiser: AtlasDenoiser, t: int, repeats: int) -> tuple[float, float, float]:
    """Milliseconds for the empty prompt, an ordinary one, and both at once, on a sample's x_t."""
    embeds = denoiser.embed([PROMPT, ""])
    picture = denoiser.atlas.pictures[len(denoiser.atlas.subjects) // 3][None].float() / 127.5 - 1
    abar = denoiser.alphas_cumprod[t].cpu()
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(t))
    x_t = (abar.sqrt() * picture + (1 - abar).sqrt() * noise).to(denoiser.device)
    both = torch.cat([x_t, x_t])
    calls = (
        lambda: denoiser(x_t, t, embeds[1:]),
        lambda: denoiser(x_t, t, embeds[:1]),
        lambda: denoiser(both, t, embeds),
    )
    return tuple(1000 * best_seconds(call, repeats) for call in calls)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, help="PyTorch's threads; its own choice if left out")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)

    before = peak_megabytes()
    start = time.perf_counter()
    denoiser = load_denoiser("atlas", device="cpu")
    loading = time.perf_counter() - start
    count = len(denoiser.atlas.pictures)
    print(f"{count} pictures and their mirror images, {torch.get_num_threads()} threads")
    print(f"\n{'t':>5} {'empty':>8} {'prompt':>8} {'both':>8}   ms per picture")
    rows = [step_times(denoiser, t, options.repeats) for t in TIMESTEPS]
    for t, row in zip(TIMESTEPS, rows, strict=True):
        print(f"{t:>5} " + " ".join(f"{value:8.1f}" for value in row))

    sample = best_seconds(lambda: generate(denoiser, PROMPT, generator=0), 3)
    memory = peak_megabytes() - before
    loading = min(loading, best_seconds(lambda: AtlasDenoiser(load_atlas()), 3))
    found = {
        "empty prompt, ms": max(row[0] for row in rows),
        "ordinary prompt, ms": max(row[1] for row in rows),
        "memory, MB": memory,
        "loading, s": loading,
        "guided sample of 34 steps, s": sample,
    }
    print(f"\n{'':32} {'found':>8} {'limit':>8}")
    for name, limit in LIMITS.items():
        verdict = "ok" if found[name] <= limit else "over the limit"
        print(f"{name:32} {found[name]:8.2f} {limit:8} {verdict}")


if __name__ == "__main__":
    main()

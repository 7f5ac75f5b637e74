"""Both estimates of guidance in one batched call, against two calls; and a row of edits at once.

python benchmarks/guidance.py [--device cuda]

Prints ratios, each pair measured in one run on one device, best of several. The UNet is of random
weights: only its speed matters. It has the layout of DeepFloyd's first stage at a fraction of its
width, so that a CPU can run it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from diffusers import UNet2DConditionModel

from lessons.workbench.denoisers import (
    Denoiser,
    NoiseEstimate,
    load_denoiser,
    squared_cosine_alphas_cumprod,
)

REPEATS = 5
STARTS = (1, 3, 5, 7, 10, 20)
TIMESTEPS = list(range(990, -1, -30))


class UNetDenoiser(Denoiser):
    """A UNet like DeepFloyd's, untrained."""

    name = "unet"

    def __init__(self, device: torch.device, width: int) -> None:
        torch.manual_seed(0)
        self.device = device
        self.dtype = torch.float16 if device.type == "cuda" else torch.float32
        self.alphas_cumprod = squared_cosine_alphas_cumprod().to(device)
        self.unet = UNet2DConditionModel(
            sample_size=64,
            in_channels=3,
            out_channels=6,
            layers_per_block=2,
            block_out_channels=[width, 2 * width, 3 * width, 4 * width],
            down_block_types=["ResnetDownsampleBlock2D"] + ["SimpleCrossAttnDownBlock2D"] * 3,
            mid_block_type="UNetMidBlock2DSimpleCrossAttn",
            up_block_types=["SimpleCrossAttnUpBlock2D"] * 3 + ["ResnetUpsampleBlock2D"],
            cross_attention_dim=4 * width,
            encoder_hid_dim=512,
            attention_head_dim=32,
            resnet_time_scale_shift="scale_shift",
        ).to(device, self.dtype)

    def embed(self, prompt: str | list[str]) -> torch.Tensor:
        """Random embeddings, (n, 77, 512)."""
        count = 1 if isinstance(prompt, str) else len(prompt)
        return torch.randn(count, 77, 512, device=self.device, dtype=self.dtype)

    @torch.no_grad()
    def __call__(self, x_t: torch.Tensor, t: int, prompt_embeds: torch.Tensor) -> NoiseEstimate:
        """Estimate noise; see `Denoiser`."""
        output = self.unet(x_t, t, prompt_embeds.expand(len(x_t), -1, -1), return_dict=False)[0]
        return NoiseEstimate(*output.split(3, dim=1))


def seconds(action: Callable[[], object], device: torch.device) -> float:
    """The best of several runs."""
    best = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return best


def guided_step(denoiser: Denoiser, count: int) -> tuple[float, float]:
    """Seconds for one guided estimate of `count` pictures: in two calls, and in one."""
    x_t = torch.randn(count, 3, 64, 64, device=denoiser.device, dtype=denoiser.dtype)
    conditional = denoiser.embed(["a photo of a dog"] * count)
    unconditional = denoiser.embed([""] * count)
    both, twice = torch.cat([conditional, unconditional]), torch.cat([x_t, x_t])

    def two_calls() -> None:
        denoiser(x_t, 500, conditional)
        denoiser(x_t, 500, unconditional)

    two_calls()
    return seconds(two_calls, denoiser.device), seconds(
        lambda: denoiser(twice, 500, both), denoiser.device
    )


def row_of_edits(denoiser: Denoiser) -> tuple[float, float]:
    """Seconds for the estimates of an image-to-image row, start by start, and all at once.

    At once, a picture joins the batch at the timestep it starts from; so at every timestep there
    is one call for all that are under way.
    """
    prompt = torch.cat([denoiser.embed("a photo of a dog"), denoiser.embed("")])
    x_t = torch.randn(1, 3, 64, 64, device=denoiser.device, dtype=denoiser.dtype)
    steps = TIMESTEPS[:-1][::4]  # every fourth, for time; the ratio does not depend on it

    def alone() -> None:
        for start in STARTS:
            for t in (t for t in steps if TIMESTEPS.index(t) >= start):
                denoiser(x_t.expand(2, -1, -1, -1), t, prompt)

    def at_once() -> None:
        for t in steps:
            count = sum(start <= TIMESTEPS.index(t) for start in STARTS)
            if count:
                batch = (
                    x_t.repeat(2 * count, 1, 1, 1)
                    + torch.arange(2 * count, device=x_t.device)[:, None, None, None].to(x_t.dtype)
                    % count
                )
                denoiser(batch, t, prompt.repeat_interleave(count, dim=0))

    return seconds(alone, denoiser.device), seconds(at_once, denoiser.device)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(parser.parse_args().device)
    width = 192 if device.type == "cuda" else 32
    print(f"device {device}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"{'':34}{'apart':>10}{'together':>10}{'ratio':>8}")
    for denoiser in (load_denoiser(device=str(device)), UNetDenoiser(device, width)):
        for count in (1, 5):
            apart, together = guided_step(denoiser, count)
            name = f"{denoiser.name}: guidance, {count} picture{'s' if count > 1 else ''}"
            print(f"{name:34}{apart:9.3f}s{together:9.3f}s{apart / together:8.2f}")
        apart, together = row_of_edits(denoiser)
        print(f"{denoiser.name + ': row of six edits':34}{apart:9.2f}s{together:9.2f}s", end="")
        print(f"{apart / together:8.2f}")


if __name__ == "__main__":
    main()

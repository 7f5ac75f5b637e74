"""How fast training and sampling are: the plain loop, diffusers' U-Net, and the course's loop.

python benchmarks/train.py [--hiddens 64] [--images 1024] [--rounds 3] [--device cuda]

All train on the same digits with the same batch size, on the same device, in one run, taking turns:

    plain       the class-conditioned U-Net, a DataLoader over torchvision's MNIST with ToTensor,
                float32, a loss read after every step: how most tutorials write it
    diffusers   the same loop around a diffusers UNet2DModel with about as many parameters
    ours        workbench/training/loop.py: digits on the device as one tensor, channels-last,
                on a GPU bfloat16
    compiled    with --compile: ours with torch.compile, last, beside the plain loop once more

Then what share of the device's peak our loop reaches: the arithmetic of a step over its time,
against a large matrix product in the same precision. And 40 guided samples: DDPM with its 300 steps
and flow matching with 50, each step one batched call against two.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from torch.utils.flop_counter import FlopCounterMode
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

from lessons.workbench.training import TrainingPlan, train
from lessons.workbench.training.mnist import ROOT, ROOT_VARIABLE, load_digits
from solutions import (
    ClassConditionalUNet,
    class_ddpm_loss,
    class_ddpm_sample,
    class_flow_sample,
    ddpm_schedule,
)

BATCH_SIZE = 128
SAMPLES = 40


def main() -> None:
    """Time everything in turns and print images per second, and ratios to the plain loop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hiddens", type=int, default=64, help="D of the class-conditioned U-Net")
    parser.add_argument("--images", type=int, default=1024, help="digits in one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compile", action="store_true", help="also with torch.compile")
    options = parser.parse_args()
    device = torch.device(options.device)
    # Whole batches: another batch size is compiled anew.
    count = max(BATCH_SIZE, options.images // BATCH_SIZE * BATCH_SIZE)
    runs = _loops(options.hiddens, count, device)
    compiled = {"plain": runs["plain"], "compiled": runs.pop("compiled")}
    seconds = _compare(runs, count, options.rounds, device)
    _tell_share_of_peak(options.hiddens, count / seconds["ours"], options.rounds, device)
    # A CPU takes minutes for one round of it.
    _time_sampling(options.hiddens, options.rounds if device.type == "cuda" else 1, device)
    if options.compile:
        _compare(compiled, count, options.rounds, device)


def _compare(
    runs: dict[str, Callable[[], None]], count: int, rounds: int, device: torch.device
) -> dict[str, float]:
    """Time each way of training `count` digits by turns, and print a line for it."""
    for name, run in runs.items():
        start = time.perf_counter()
        run()
        print(f"{name:10} warmed up in {time.perf_counter() - start:.0f} s", flush=True)
    seconds = _in_turns(runs, rounds, device)
    for name, taken in seconds.items():
        print(
            f"{name:10}{count / taken:10.0f} images/s, "
            f"{seconds['plain'] / taken:5.2f} times the plain loop",
            flush=True,
        )
    return seconds


def _loops(hiddens: int, count: int, device: torch.device) -> dict[str, Callable[[], None]]:
    """For each way of training, a function that shows its network `count` digits once."""
    alphas_cumprod = ddpm_schedule()["alphas_cumprod"].to(device)
    loader = DataLoader(Subset(_plain_mnist(), range(count)), batch_size=BATCH_SIZE, shuffle=True)
    digits = load_digits(train=True, device=device)
    images, labels = digits.images[:count], digits.labels[:count]
    plain, ours, fused = (ClassConditionalUNet(1, 10, hiddens).to(device) for _ in range(3))
    theirs = _of_diffusers(sum(p.numel() for p in plain.parameters())).to(device)

    def loss(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        return class_ddpm_loss(model, images, labels, alphas_cumprod)

    def train_ours(network: nn.Module, compile_model: bool) -> None:
        plan = TrainingPlan(
            epochs=1, batch_size=BATCH_SIZE, learning_rate=1e-3, compile_model=compile_model
        )
        train(network, loss, images, labels, plan, progress=False)

    return {
        "plain": lambda: _plain_epoch(plain, loader, loss, device),
        "diffusers": lambda: _plain_epoch(theirs, loader, _diffusers_loss(alphas_cumprod), device),
        "ours": lambda: train_ours(ours, compile_model=False),
        "compiled": lambda: train_ours(fused, compile_model=True),
    }


def _plain_epoch(
    model: nn.Module, loader: DataLoader, loss: Callable[..., Tensor], device: torch.device
) -> None:
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for images, labels in loader:
        optimizer.zero_grad()
        value = loss(model, images.to(device), labels.to(device))
        value.backward()
        optimizer.step()
        value.item()


def _plain_mnist() -> MNIST:
    root = os.environ.get(ROOT_VARIABLE)
    return MNIST(str(Path(root) if root else ROOT), download=not root, transform=ToTensor())


def _of_diffusers(parameters: int) -> nn.Module:
    """A UNet2DModel of three sizes with about as many parameters, told time and class."""
    from diffusers import UNet2DModel

    def build(width: int) -> nn.Module:
        return UNet2DModel(
            sample_size=28, in_channels=1, out_channels=1, layers_per_block=1,
            block_out_channels=(width, 2 * width, 2 * width), norm_num_groups=8,
            down_block_types=("DownBlock2D", "DownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "UpBlock2D", "UpBlock2D"), num_class_embeds=11,
        )  # fmt: skip

    def distance(width: int) -> int:
        return abs(sum(p.numel() for p in build(width).parameters()) - parameters)

    return build(min(range(8, 97, 8), key=distance))


def _diffusers_loss(alphas_cumprod: Tensor) -> Callable[..., Tensor]:
    def loss(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        t = torch.randint(len(alphas_cumprod), (len(images),), device=images.device)
        abar = alphas_cumprod[t].view(-1, 1, 1, 1)
        noise = torch.randn_like(images)
        x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
        return F.mse_loss(model(x_t, t, class_labels=labels).sample, noise)

    return loss


def _in_turns(
    runs: dict[str, Callable[[], None]], rounds: int, device: torch.device
) -> dict[str, float]:
    """The median seconds of each, measured by turns so that all meet the same machine."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            _wait(device)
            start = time.perf_counter()
            run()
            _wait(device)
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _tell_share_of_peak(
    hiddens: int, images_per_second: float, rounds: int, device: torch.device
) -> None:
    model = ClassConditionalUNet(1, 10, hiddens).to(device)
    images, labels = torch.rand(8, 1, 28, 28, device=device), torch.arange(8, device=device)
    with FlopCounterMode(display=False) as counter:
        class_ddpm_loss(model, images, labels, ddpm_schedule()["alphas_cumprod"]).backward()
    per_image = counter.get_total_flops() / len(images)
    bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
    size = 8192 if device.type == "cuda" else 2048
    matrix = torch.rand(size, size, device=device, dtype=torch.bfloat16 if bf16 else torch.float32)
    seconds = _in_turns({"product": lambda: matrix @ matrix}, 2 * rounds + 1, device)["product"]
    peak, reached = 2 * size**3 / seconds, per_image * images_per_second
    print(
        f"{per_image / 1e6:.0f} million operations an image: {reached / 1e9:.1f} of "
        f"{peak / 1e9:.0f} billion a second, {reached / peak:.0%} of what a matrix product of size "
        f"{size} reaches"
    )


def _time_sampling(hiddens: int, rounds: int, device: torch.device) -> None:
    """Forty guided samples of both families: each step one call with both rows, or two."""
    model = ClassConditionalUNet(1, 10, hiddens).to(device).eval()
    apart = _InTwoCalls(model)
    labels, schedule = torch.arange(SAMPLES) % 10, ddpm_schedule()
    for family, sample in {
        "DDPM, 300 steps": lambda network: class_ddpm_sample(network, labels, schedule),
        "flow, 50 steps": lambda network: class_flow_sample(network, labels, 50),
    }.items():
        seconds = _in_turns(
            {"one": partial(sample, model), "two": partial(sample, apart)}, rounds, device
        )
        print(
            f"{SAMPLES} guided samples, {family}: {seconds['one']:.2f} s, "
            f"{seconds['two'] / seconds['one']:.2f} times faster than in two calls a step"
        )


class _InTwoCalls(nn.Module):
    """Asks the model for the two halves of every batch one after the other."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, t: Tensor, c: Tensor) -> Tensor:
        halves = zip(x.chunk(2), t.chunk(2), c.chunk(2), strict=True)
        return torch.cat([self.model(*half) for half in halves])


if __name__ == "__main__":
    main()

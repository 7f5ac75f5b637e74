"""Train the networks of part B for long, measure them, and write what ships with the course.

python benchmarks/digit_models.py --out FOLDER [--names class_flow,class_ddpm] [--hiddens 64]
    [--epochs 20] [--samples 1000] [--device cuda] [--compile]

FOLDER gets, for each network, its averaged weights in half precision (NAME.safetensors) and a sheet
of samples (NAME.png), and digit_models.json with all numbers. Stopped, the same command goes on
where it was. To ship a result, copy these files to datasets/weights.

Class-conditioned networks are measured by the share of samples that the digit classifier reads as
asked, and by the Frechet distance in its features to the 10,000 test digits: after each epoch, over
the guidance scale, and over the number of sampling steps. Beside it stands the distance of equally
many test digits to the others: what a perfect network would get.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.utils import save_image

from lessons.workbench.training import (
    History,
    TrainingPlan,
    digit_features,
    load_digit_classifier,
    share_read_as,
    train,
)
from lessons.workbench.training.mnist import Digits, load_digits
from solutions import (
    class_ddpm_loss,
    class_ddpm_sample,
    class_flow_loss,
    class_flow_sample,
    ddpm_loss,
    ddpm_sample,
    ddpm_schedule,
    denoising_loss,
    flow_loss,
    flow_sample,
    frechet_distance,
)
from solutions.trained import MEASURED, NAMES, STRAIGHT, build_network

SCALES = (0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0)
STEPS = {"class_ddpm": (10, 25, 50, 100, 300), "class_flow": (2, 5, 10, 20, 50, 100)}
TABLE_STEPS = {"class_ddpm": 100, "class_flow": 50}
"""Steps behind the tables over epochs and guidance: a third of DDPM's own, to save time."""
SHEET_STEPS = {"class_ddpm": 300, "class_flow": 50}
USUAL_SCALE = 5.0
SIGMA = 0.5
SHEET_ROWS = 8

Sample = Callable[[nn.Module, Tensor, int, float], Tensor]


def main() -> None:
    """Train and measure one network after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--names", default=",".join(name for name in NAMES if name != STRAIGHT))
    parser.add_argument("--hiddens", type=int, default=64, help="D, the channels inside")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--samples", type=int, default=1000, help="digits behind each number")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compile", action="store_true", help="torch.compile while training")
    parser.add_argument("--images", type=int, help="train on the first so many digits only")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    digits = load_digits(train=True, device=options.device)
    digits = Digits(digits.images[: options.images], digits.labels[: options.images], digits.source)
    judge = Judge(load_digits(train=False, device=options.device), options.samples)
    for name in options.names.split(","):
        _train_and_measure(name, digits, judge, options)


class Judge:
    """Measures generated digits against the test set."""

    def __init__(self, test: Digits, samples: int) -> None:
        self.classifier = load_digit_classifier(test.images.device)
        self.features = digit_features(self.classifier, test.images)
        self.labels = (torch.arange(samples) % 10).to(test.images.device)

    def measure(self, images: Tensor) -> dict[str, float]:
        """The share read as asked and the Frechet distance to the test digits."""
        return {
            "read": round(share_read_as(self.classifier, images, self.labels), 4),
            "distance": round(
                frechet_distance(digit_features(self.classifier, images), self.features), 3
            ),
        }

    def real_distance(self, draws: int = 5) -> float:
        """The mean distance of equally many test digits to the rest, or of two halves."""
        count = min(len(self.labels), len(self.features) // 2)
        torch.manual_seed(0)
        orders = [torch.randperm(len(self.features)) for _ in range(draws)]
        distances = [
            frechet_distance(self.features[order[:count]], self.features[order[count:]])
            for order in orders
        ]
        return round(sum(distances) / draws, 3)


def _train_and_measure(
    name: str, digits: Digits, judge: Judge, options: argparse.Namespace
) -> None:
    device = torch.device(options.device)
    torch.manual_seed(0)
    network = build_network(name, options.hiddens).to(device)
    plan = TrainingPlan(
        epochs=options.epochs, batch_size=options.batch_size, learning_rate=options.learning_rate,
        decay=0.1 ** (1 / options.epochs), ema=0.999, compile_model=options.compile,
    )  # fmt: skip
    rows: list[dict[str, float]] = _read(options.out).get(name, {}).get("by_epoch", [])

    def after_epoch(epoch: int, average: nn.Module, history: History) -> None:
        steps = history.epoch_ends[-1] - (history.epoch_ends[-2] if epoch > 1 else 0)
        loss = sum(history.losses[-steps:]) / steps
        line = f"{name}, epoch {epoch}: loss {loss:.4f}, {history.seconds:.0f} s"
        if name in STEPS:
            torch.manual_seed(epoch)
            images = _sampler(name)(average, judge.labels, TABLE_STEPS[name], USUAL_SCALE)
            rows[epoch - 1 :] = [{"x": epoch, **judge.measure(images)}]
            _write(options.out, name, {"by_epoch": rows})
            line += f", read as asked {rows[-1]['read']:.1%}, distance {rows[-1]['distance']:.2f}"
        print(line, flush=True)

    history = train(
        network, _loss(name), digits.images, digits.labels, plan,
        checkpoint=options.out / f"{name}.state", after_epoch=after_epoch, progress=False,
    )  # fmt: skip
    assert history.average is not None
    average = save_in_half_precision(
        history.average, options.out / f"{name}.safetensors", options.hiddens, options.epochs
    )
    facts: dict[str, Any] = {
        "num_hiddens": options.hiddens,
        "parameters": sum(p.numel() for p in network.parameters()),
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "images": len(digits.images),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        "seconds": round(history.seconds),
        "images_per_second": round(len(digits.images) * options.epochs / history.seconds),
    }
    if name in STEPS:
        facts |= _tables(name, average, judge)
    _write(options.out, name, facts)
    torch.manual_seed(0)
    save_image(_sheet(name, average, digits.images).clamp(0, 1).cpu(), options.out / f"{name}.png",
               nrow=10, padding=1, pad_value=0.3)  # fmt: skip


def _tables(name: str, network: nn.Module, judge: Judge) -> dict[str, Any]:
    """The share read as asked and the distance, over guidance and over steps."""
    sample = _sampler(name)
    tables: dict[str, Any] = {"samples": len(judge.labels), "real_distance": judge.real_distance()}
    settings = {
        "by_guidance": [(scale, TABLE_STEPS[name], scale) for scale in SCALES],
        "by_steps": [(steps, steps, USUAL_SCALE) for steps in STEPS[name]],
    }
    for table, points in settings.items():
        tables[table] = []
        for x, steps, scale in points:
            torch.manual_seed(1)
            started = time.perf_counter()
            images = sample(network, judge.labels, steps, scale)
            taken = time.perf_counter() - started
            tables[table].append({"x": x, **judge.measure(images)})
            row = tables[table][-1]
            print(f"{name}, {steps} steps, guidance {scale:g}: read as asked {row['read']:.1%}, "
                  f"distance {row['distance']:.2f} ({taken:.0f} s)", flush=True)  # fmt: skip
    print(f"{len(judge.labels)} test digits: distance {tables['real_distance']:.2f}", flush=True)
    return tables


def _loss(name: str) -> Callable[[nn.Module, Tensor, Tensor], Tensor]:
    alphas_cumprod = ddpm_schedule()["alphas_cumprod"]
    return {
        "denoiser": lambda model, images, _: denoising_loss(model, images, SIGMA),
        "ddpm": lambda model, images, _: ddpm_loss(model, images, alphas_cumprod),
        "class_ddpm": lambda model, images, labels: class_ddpm_loss(
            model, images, labels, alphas_cumprod
        ),
        "flow": lambda model, images, _: flow_loss(model, images),
        "class_flow": class_flow_loss,
    }[name]


def _sampler(name: str) -> Sample:
    if name == "class_flow":
        return class_flow_sample
    return lambda model, labels, steps, scale: class_ddpm_sample(
        model, labels, fewer_steps(ddpm_schedule(), steps), scale
    )


def fewer_steps(schedule: dict[str, Tensor], count: int) -> dict[str, Tensor]:
    """A schedule of `count` steps through evenly spaced timesteps of a longer one.

    Args:
        schedule: as `ddpm_schedule` returns it, with T timesteps.
        count: a divisor of T.

    Returns:
        The schedule whose timestep k has the noise of timestep k T / count, so that a network that
        is told k / count is told the time it knows this noise by (Nichol and Dhariwal 2021,
        arXiv 2102.09672, section 4).

    Raises:
        ValueError: if `count` does not divide T.
    """
    abar = schedule["alphas_cumprod"]
    if len(abar) % count:
        raise ValueError(f"{count} steps don't divide the schedule's {len(abar)}.")
    abar = abar[:: len(abar) // count]
    alphas = abar / torch.cat([torch.ones(1), abar[:-1]])
    return {"betas": 1 - alphas, "alphas": alphas, "alphas_cumprod": abar}


def save_in_half_precision(
    network: nn.Module, path: Path, num_hiddens: int, epochs: int
) -> nn.Module:
    """Save weights as they ship, and give back the network that they make.

    Args:
        network: gets its weights rounded to half precision and goes into evaluation mode.
        path: the file, `NAME.safetensors`.
        num_hiddens: D, which `load_trained` must know.
        epochs: how long it was trained.
    """
    halved = {
        key: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for key, value in network.state_dict().items()
    }
    save_file(halved, path, {"num_hiddens": str(num_hiddens), "epochs": str(epochs)})
    network.load_state_dict(halved)
    return network.eval()


def _sheet(name: str, network: nn.Module, images: Tensor) -> Tensor:
    """Rows of ten: samples, for classes 0 to 9 where there are any; noisy and denoised digits."""
    count = 10 * SHEET_ROWS
    if name == "denoiser":
        clean = images[: count // 2]
        noisy = clean + SIGMA * torch.randn_like(clean)
        with torch.no_grad():
            cleaned = network(noisy)
        return torch.stack(
            [noisy.view(-1, 10, 1, 28, 28), cleaned.view(-1, 10, 1, 28, 28)], 1
        ).view(count, 1, 28, 28)
    if name == "ddpm":
        return ddpm_sample(network, count, ddpm_schedule())
    if name == "flow":
        return flow_sample(network, count)
    return _sampler(name)(network, torch.arange(count) % 10, SHEET_STEPS[name], USUAL_SCALE)


def _read(out: Path) -> dict[str, Any]:
    path = out / MEASURED
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _write(out: Path, name: str, facts: dict[str, Any]) -> None:
    """Add facts about one network to those in the file."""
    known = _read(out)
    known[name] = known.get(name, {}) | facts
    unfinished = out / (MEASURED + ".partial")
    unfinished.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(out / MEASURED)


if __name__ == "__main__":
    main()

"""Straighten a flow on its own pairs, and measure it in few steps: lesson 19, trained for longer.

python benchmarks/few_steps.py --out FOLDER [--hiddens 16] [--pairs 40000] [--epochs 15]
    [--pair-steps 20] [--guidance 2] [--images-per-batch 2000] [--samples 1000] [--device cuda]

The pairs are noise and what the guided flow of FOLDER/class_flow.safetensors makes of it; where
FOLDER has none, that of the course. A network with as many channels begins with the flow's weights,
one of another size (--hiddens) from nothing, and is trained on the pairs without guidance.

FOLDER gets its averaged weights in half precision (class_flow_straight.safetensors), a sheet of
samples (class_flow_straight.png: rows in 1, 2, 4 and 8 steps from the same noise, of the flow
without guidance, of the flow with it, and of the new network) and few_steps.json: for these three
the share read as asked, the Frechet distance to the 10,000 test digits and the straightness of the
paths. Stopped while it trains, the same command makes the same pairs and goes on. To ship a
result, copy weights and numbers to datasets/weights.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from digit_models import Judge, save_in_half_precision
from torch import Tensor, nn
from torchvision.utils import save_image

from lessons.workbench.training import History, TrainingPlan, flow_path, train
from lessons.workbench.training.mnist import load_digits
from solutions import make_pairs, reflow_loss, straightness
from solutions.trained import (
    MEASURED_IN_FEW_STEPS,
    STRAIGHT,
    WEIGHTS,
    build_network,
    load_trained,
)

FLOW = "class_flow"
CALLS = (1, 2, 4, 8)
PATH_STEPS = 20
PATHS = 200


def main() -> None:
    """Make pairs, train on them, measure before and after."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--hiddens", type=int, help="D of the new network; the flow's if left out")
    parser.add_argument("--pairs", type=int, default=40_000)
    parser.add_argument("--pair-steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--ema", type=float, default=0.999, help="less for a short training")
    parser.add_argument("--samples", type=int, default=1000, help="digits behind each number")
    parser.add_argument("--images-per-batch", type=int, help="drawn at once; 2000 on a GPU, or 200")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compile", action="store_true", help="torch.compile while training")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.images_per_batch is None:
        options.images_per_batch = 200 if options.device == "cpu" else 2000
    folder = options.out if (options.out / f"{FLOW}.safetensors").exists() else WEIGHTS
    flow = load_trained(FLOW, options.device, folder)
    judge = Judge(load_digits(train=False, device=options.device), options.samples)
    facts, straight = _straighten(flow, judge, options)
    networks = {
        "unguided": (flow, 1.0), "before": (flow, options.guidance), "after": (straight, 1.0)
    }  # fmt: skip
    facts |= {"samples": options.samples, "real_distance": judge.real_distance()}
    for name, (network, scale) in networks.items():
        facts[name] = _measure(name, network, scale, judge, options)
    facts["pairs_made"] = judge.measure(_draw(flow, judge.labels, options.pair_steps,
                                              options.guidance, options))  # fmt: skip
    print(f"in {options.pair_steps} steps, as the pairs are made: {facts['pairs_made']}")
    unfinished = options.out / (MEASURED_IN_FEW_STEPS + ".partial")
    unfinished.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(options.out / MEASURED_IN_FEW_STEPS)
    ten = torch.arange(10)
    rows = [
        _draw(network, ten, calls, scale, options)
        for network, scale in networks.values()
        for calls in CALLS
    ]
    save_image(torch.cat(rows).clamp(0, 1).cpu(), options.out / f"{STRAIGHT}.png",
               nrow=10, padding=1, pad_value=0.3)  # fmt: skip


def _straighten(
    flow: nn.Module, judge: Judge, options: argparse.Namespace
) -> tuple[dict[str, Any], nn.Module]:
    """Train a network on the flow's pairs; how, and the network as it ships."""
    device = torch.device(options.device)
    started = time.perf_counter()
    labels = torch.arange(options.pairs, device=device) % 10
    generator = torch.Generator().manual_seed(0)
    made = [
        torch.stack(make_pairs(flow, part, options.pair_steps, options.guidance, generator), dim=1)
        for part in labels.split(options.images_per_batch)
    ]
    pairs = torch.cat(made)  # (N, 2, 1, 28, 28): noise, picture
    seconds_for_pairs = time.perf_counter() - started
    print(f"{len(pairs)} pairs in {seconds_for_pairs:.0f} s", flush=True)
    torch.manual_seed(0)
    theirs = _num_hiddens(flow)
    hiddens = options.hiddens or theirs
    network = build_network(STRAIGHT, hiddens).to(device)
    if hiddens == theirs:
        network.load_state_dict(flow.state_dict())
    plan = TrainingPlan(
        epochs=options.epochs, batch_size=options.batch_size, learning_rate=options.learning_rate,
        decay=0.1 ** (1 / options.epochs), ema=options.ema, compile_model=options.compile,
    )  # fmt: skip
    history = train(
        network, _loss_of_pairs, pairs, labels, plan, progress=False,
        checkpoint=options.out / f"{STRAIGHT}.state",
        after_epoch=partial(_tell_epoch, judge=judge, options=options),
    )  # fmt: skip
    assert history.average is not None
    weights = options.out / f"{STRAIGHT}.safetensors"
    straight = save_in_half_precision(history.average, weights, hiddens, options.epochs)
    facts: dict[str, Any] = {
        "num_hiddens": hiddens,
        "num_hiddens_of_the_flow": theirs,
        "parameters": sum(p.numel() for p in network.parameters()),
        "pairs": len(pairs),
        "pair_steps": options.pair_steps,
        "guidance": options.guidance,
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        "seconds_for_pairs": round(seconds_for_pairs),
        "seconds": round(history.seconds),
    }
    return facts, straight


def _loss_of_pairs(model: nn.Module, pairs: Tensor, labels: Tensor) -> Tensor:
    return reflow_loss(model, pairs[:, 0], pairs[:, 1], labels)


def _tell_epoch(
    epoch: int, average: nn.Module, history: History, *, judge: Judge, options: argparse.Namespace
) -> None:
    steps = history.epoch_ends[-1] - (history.epoch_ends[-2] if epoch > 1 else 0)
    loss = sum(history.losses[-steps:]) / steps
    measured = judge.measure(_draw(average, judge.labels, 1, 1.0, options))
    print(f"epoch {epoch}: loss {loss:.4f}, {history.seconds:.0f} s, in one step read as asked "
          f"{measured['read']:.1%}, distance {measured['distance']:.2f}", flush=True)  # fmt: skip


def _measure(
    name: str, network: nn.Module, scale: float, judge: Judge, options: argparse.Namespace
) -> dict[str, Any]:
    """Quality over the number of steps, and the straightness of fresh paths."""
    rows = []
    for calls in CALLS:
        images = _draw(network, judge.labels, calls, scale, options)
        rows.append({"x": calls, **judge.measure(images)})
        print(f"{name}, {calls} steps: read as asked {rows[-1]['read']:.1%}, "
              f"distance {rows[-1]['distance']:.2f}", flush=True)  # fmt: skip
    labels = judge.labels[:PATHS]
    path = flow_path(network, _starts(labels), labels, PATH_STEPS, scale)
    straight = round(float(straightness(path)), 5)
    print(f"{name}: straightness of {len(labels)} paths {straight}", flush=True)
    return {"guidance": scale, "by_calls": rows, "straightness": straight}


def _starts(labels: Tensor) -> Tensor:
    """Noise that no pair began with, the same for every network and number of steps."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(len(labels), 1, 28, 28, generator=generator).to(labels.device)


def _draw(
    network: nn.Module, labels: Tensor, calls: int, scale: float, options: argparse.Namespace
) -> Tensor:
    labels = labels.to(options.device)
    parts = zip(*(x.split(options.images_per_batch) for x in (_starts(labels), labels)),
                strict=True)  # fmt: skip
    return torch.cat([flow_path(network, *part, calls, scale)[-1] for part in parts])


def _num_hiddens(flow: nn.Module) -> int:
    """D, the channels that the first layer makes."""
    return len(next(flow.parameters()))


if __name__ == "__main__":
    main()

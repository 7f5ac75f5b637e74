"""How training takes to threads that wait in different ways, on quiet and on busy cores.

python benchmarks/threads.py [--seconds 5] [--hiddens 16]

Threads that wait for each other may spin, which is quick while every thread has a core of its own,
and a disaster when it has not: then they spin away the time that the others need. Each line is a
process of its own, as the way of waiting is chosen when torch is loaded. On busy cores, as many
processes as there are cores compute something else beside it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

WAYS = {
    "one thread": {"OMP_NUM_THREADS": "1"},
    "all, as torch has it": {},
    "all, spinning": {"OMP_WAIT_POLICY": "ACTIVE"},
    "all, asleep": {"OMP_WAIT_POLICY": "PASSIVE"},  # what `make lessons` takes
}


def main() -> None:
    """Print milliseconds for each step, for each way, on quiet and on busy cores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--hiddens", type=int, default=16, help="D of the class-conditioned U-Net")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(f"{1000 * _step_seconds(options.seconds, options.hiddens):.0f}")
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; milliseconds for each step")
    for cores in ("quiet", "busy"):
        for name, settings in WAYS.items():
            print(f"{cores:6} {name:22} {_measured(settings, cores == 'busy'):>7}", flush=True)


def _measured(settings: dict[str, str], busy: bool) -> str:
    """What this file's other half prints in a process with these settings."""
    clean = {name: v for name, v in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    spin = [sys.executable, "-c", "while True: pass"]
    beside = [subprocess.Popen(spin) for _ in range(os.cpu_count() or 1)] if busy else []
    try:
        command = [sys.executable, __file__, *sys.argv[1:], "--measure"]
        told = subprocess.run(
            command, env={**clean, **settings}, stdout=subprocess.PIPE, text=True, check=True
        )
        return told.stdout.strip()
    finally:
        for process in beside:
            process.kill()
            process.wait()


def _step_seconds(seconds: float, hiddens: int) -> float:
    import torch

    from solutions import ClassConditionalUNet, class_flow_loss

    torch.manual_seed(0)
    model = ClassConditionalUNet(1, 10, hiddens)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    images, labels = torch.rand(64, 1, 28, 28), torch.arange(64) % 10
    began, steps = time.perf_counter(), -3  # the first ones are slower
    while steps <= 0 or time.perf_counter() - began < seconds:
        steps += 1
        if steps == 0:
            began = time.perf_counter()
        optimizer.zero_grad()
        class_flow_loss(model, images, labels).backward()
        optimizer.step()
    return (time.perf_counter() - began) / steps


if __name__ == "__main__":
    main()

"""Everything that wants a GPU, in one call: speed, trained networks, their quality, sample sheets.

python benchmarks/on_a_gpu.py --out FOLDER [--quick]

FOLDER gets one text file for each part, digit_models.json, the weights and the sheets. A part that
fails is told at the end and doesn't stop the others. --quick runs all parts small, to see that they
run (also on a CPU).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run one part after the other and sum up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not options.quick:
        sys.exit("There is no CUDA GPU here; --quick tries everything small on the CPU.")
    failed = [
        name for name, command in _parts(out, device, options.quick).items()
        if not _run(name, command, out)
    ]  # fmt: skip
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}; see the files in {out}.")


def _parts(out: Path, device: str, quick: bool) -> dict[str, list[str]]:
    """The command of each part."""
    size = (
        ["--hiddens", "8", "--images", "256", "--rounds", "1"] if quick else ["--images", "60000"]
    )
    long = ["--hiddens", "64", "--epochs", "20"]
    if quick:
        long = ["--hiddens", "4", "--epochs", "1", "--images", "256", "--samples", "10"]
    on = ["--device", device]
    parts = {
        "training_speed": ["benchmarks/train.py", *size, *on],
        "training_speed_compiled": ["benchmarks/train.py", *size, *on, "--compile"],
        "digit_models": ["benchmarks/digit_models.py", "--out", str(out), *long, *on],
        "guidance": ["benchmarks/guidance.py", *on],
        "deepfloyd_miniature": ["-m", "pytest", "-q", "tests/test_deepfloyd.py"],
    }
    if quick:
        del parts["training_speed_compiled"], parts["guidance"]
    return parts


def _run(name: str, command: list[str], out: Path) -> bool:
    print(f"{name}: python {' '.join(command)}", flush=True)
    started = time.perf_counter()
    with (out / f"{name}.txt").open("w", encoding="utf-8") as log:
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, check=False
        )
    print((out / f"{name}.txt").read_text(encoding="utf-8"), flush=True)
    print(f"{name}: {'done' if done.returncode == 0 else 'FAILED'}, "
          f"{time.perf_counter() - started:.0f} s\n", flush=True)  # fmt: skip
    return done.returncode == 0


if __name__ == "__main__":
    main()

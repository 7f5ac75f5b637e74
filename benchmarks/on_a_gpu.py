"""Everything that wants a GPU, in one call of ten minutes: speed, trained networks, their quality.

python benchmarks/on_a_gpu.py --out FOLDER [--quick] [--stages 1,2,3]

FOLDER gets a text file for each part, digit_models.json, own_words.json and few_steps.json, the
weights and sheets of samples. The parts of a stage run side by side, since small networks leave
most of a GPU idle; what is timed runs alone, in stage 1:

    1   training and sampling speed, against a plain loop and diffusers' U-Net; then compiled
    2   the digits' networks with 64 channels; the lessons from 06 on; DeepFloyd in miniature
    3   the network of lesson 20 on all drawings; lesson 19's straightened flow; guidance

A part that fails, or takes longer than its share of the ten minutes, is told at the end and doesn't
stop the others; what it has written by then is kept. --quick runs all parts small, to see that they
run (also on a CPU).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from solutions.trained import MEASURED, NAMES, STRAIGHT

ROOT = Path(__file__).resolve().parents[1]
OF_DIGITS = [name for name in NAMES if name != STRAIGHT]


@dataclass(frozen=True)
class Part:
    """One command.

    Attributes:
        stage: parts of one stage run side by side, one stage after the other.
        seconds: after which it is stopped.
        command: what Python runs.
    """

    stage: int
    seconds: int
    command: list[str]


def main() -> None:
    """Run one stage after the other and sum up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--stages", default="1,2,3")
    options = parser.parse_args()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not options.quick:
        sys.exit("There is no CUDA GPU here; --quick tries everything small on the CPU.")
    parts = _small(out, device) if options.quick else _whole(out)
    failed = []
    for stage in map(int, options.stages.split(",")):
        chosen = {name: part for name, part in parts.items() if part.stage == stage}
        with ThreadPoolExecutor(max(len(chosen), 1)) as pool:
            running = {
                name: pool.submit(_run, name, part, out, len(chosen))
                for name, part in chosen.items()
            }
        failed += [name for name, ran in running.items() if not ran.result()]
    _gather(out)
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}; see the files in {out}.")


def _whole(out: Path) -> dict[str, Part]:
    """The parts as they are meant, for a GPU."""
    digits = ["--hiddens", "64", "--epochs", "8", "--device", "cuda"]
    return {
        "training_speed": Part(1, 130, [
            "benchmarks/train.py", "--images", "20000", "--rounds", "1", "--device", "cuda",
            "--compile",
        ]),
        **_digit_models(out, 220, digits),
        "lessons": Part(2, 220, [
            "benchmarks/solved_lessons.py", *map("{:02d}".format, range(6, 21)),
            "--profile", "smoke", "--jobs", "4",
        ]),
        "deepfloyd_miniature": Part(2, 120, ["-m", "pytest", "-q", "tests/test_deepfloyd.py"]),
        "own_words": Part(3, 220, [
            "benchmarks/own_words.py", "--out", str(out), "--seconds", "150", "--device", "cuda",
        ]),
        "few_steps": Part(3, 120, [
            "benchmarks/few_steps.py", "--out", str(out / "few_steps"), "--batch-size", "512",
            "--learning-rate", "2e-3", "--device", "cuda",
        ]),
        "guidance": Part(3, 120, ["benchmarks/guidance.py", "--device", "cuda"]),
    }  # fmt: skip


def _small(out: Path, device: str) -> dict[str, Part]:
    """The same parts, small."""
    on = ["--device", device]
    size = ["--hiddens", "8", "--images", "256", "--rounds", "1"]
    digits = ["--hiddens", "4", "--epochs", "1", "--images", "256", "--samples", "10"]
    return {
        "training_speed": Part(1, 600, ["benchmarks/train.py", *size, *on]),
        **_digit_models(out, 600, [*digits, *on]),
        "lessons": Part(2, 600, ["benchmarks/solved_lessons.py", "01", "13", "--profile", "smoke"]),
        "deepfloyd_miniature": Part(2, 600, ["-m", "pytest", "-q", "tests/test_deepfloyd.py"]),
        "own_words": Part(3, 600, [
            "benchmarks/own_words.py", "--out", str(out), "--hiddens", "4", "--seconds", "1",
            "--subjects", "cat,owl,car", "--samples", "8", "--batch-size", "16",
            "--reader-epochs", "1", *on,
        ]),
        "few_steps": Part(3, 600, [
            "benchmarks/few_steps.py", "--out", str(out / "few_steps"), "--pairs", "200",
            "--epochs", "1", "--pair-steps", "2", "--samples", "100", *on,
        ]),
    }  # fmt: skip


def _digit_models(out: Path, seconds: int, settings: list[str]) -> dict[str, Part]:
    """A part for each of the digits' networks, in a folder of its own."""
    script = "benchmarks/digit_models.py"
    return {
        name: Part(2, seconds, [script, "--out", str(out / name), "--names", name, *settings])
        for name in OF_DIGITS
    }


def _gather(out: Path) -> None:
    """Put what was measured of the digits' networks into one file."""
    found = [path for name in OF_DIGITS if (path := out / name / MEASURED).exists()]
    measured = [json.loads(path.read_text(encoding="utf-8")) for path in found]
    together = {name: facts for one in measured for name, facts in one.items()}
    (out / MEASURED).write_text(json.dumps(together, indent=1) + "\n", encoding="utf-8")


def _run(name: str, part: Part, out: Path, beside: int) -> bool:
    """Run one part; the cores are shared out among those beside it."""
    threads = max(1, (os.cpu_count() or 1) // beside)
    environment = {"OMP_NUM_THREADS": str(threads), **os.environ, "PYTHONUNBUFFERED": "1"}
    paths = [str(ROOT), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    started = time.perf_counter()
    path = out / f"{name}.txt"
    with path.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, *part.command], cwd=ROOT, env=environment, stdout=log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            ended = "done" if process.wait(part.seconds) == 0 else "FAILED"
        except subprocess.TimeoutExpired:
            process.kill()
            ended = "STOPPED"
    taken = time.perf_counter() - started
    print(f"{name}: python {' '.join(part.command)}\n{path.read_text(encoding='utf-8')}"
          f"{name}: {ended} after {taken:.0f} s\n", flush=True)  # fmt: skip
    return ended == "done"


if __name__ == "__main__":
    main()

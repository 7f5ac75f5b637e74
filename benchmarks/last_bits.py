"""What solved notebooks print where every processor rounds in its own way.

python benchmarks/last_bits.py [--units 2] [--seed 0] [notebook ...]

Sums, products of matrices and functions such as exp end in other last bits on another processor,
with other threads or another torch. Few of those can be had on one machine; here every such result
is changed at random by some units in its last place instead, and nbval compares what the notebooks
print with what is stored. A cell that fails prints something that hangs on those bits.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

ROOT = Path(__file__).resolve().parent.parent
UNITS, SEED = "LAST_BITS_UNITS", "LAST_BITS_SEED"
# Sums and products of two numbers, quotients and roots are rounded the same everywhere (IEEE 754).
SUMMED = (
    *("convolution", "convolution_backward", "mm", "addmm", "bmm", "baddbmm", "dot", "mv"),
    *("sum", "mean", "var", "std", "linalg_vector_norm", "cumsum", "cumprod", "native_group_norm"),
)
FUNCTIONS = (
    *("exp", "log", "log2", "log1p", "sin", "cos", "tanh", "sigmoid", "erf", "erfinv", "pow"),
    *("gelu", "silu", "softplus", "_softmax", "_log_softmax"),
)


class LastBits(TorchDispatchMode):
    """While it is entered, results of inexact operations differ in their last places.

    As on another processor, what is computed twice comes out the same twice.

    Args:
        units: how many units in the last place at most; for sums, of the result's root mean square.
        seed: of these changes. torch's own generator is left alone.
    """

    def __init__(self, units: float, seed: int) -> None:
        super().__init__()
        self.units, self.seed = units, seed
        self.generator = torch.Generator()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """The result of `func`, changed if it is one that processors round differently."""
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in SUMMED or name in FUNCTIONS:
            for tensor in result if isinstance(result, tuple | list) else (result,):
                if isinstance(tensor, torch.Tensor) and tensor.is_floating_point():
                    self._change(tensor, tensor.abs() if name in FUNCTIONS else _size(tensor))
        return result

    def _change(self, tensor: torch.Tensor, size: torch.Tensor) -> None:
        step = self.units * torch.finfo(tensor.dtype).eps / 2
        again = self.generator.manual_seed(self.seed)
        noise = torch.rand(tensor.shape, dtype=tensor.dtype, generator=again) * 2 - 1
        tensor += noise * step * size


def _size(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.square().mean().sqrt() if tensor.numel() > 1 else tensor.abs()


def begin() -> None:
    """Change last bits in this process from now on; kernels that `main` starts call it."""
    LastBits(float(os.environ[UNITS]), int(os.environ[SEED])).__enter__()


def main() -> int:
    """Run nbval on the notebooks with kernels whose last bits differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=float, default=2.0, help="in the last place")
    parser.add_argument("--seed", type=int, default=0, help="of the changes")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks side by side")
    parser.add_argument("notebooks", nargs="*", default=["solutions/notebooks"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        startup = Path(folder) / "startup.py"
        startup.write_text("import last_bits as _last_bits; _last_bits.begin()\n", encoding="utf-8")
        environment = {
            **os.environ,
            "PYTHONSTARTUP": str(startup),
            "PYTHONPATH": os.pathsep.join([str(ROOT / "benchmarks"), str(ROOT)]),
            "OMP_NUM_THREADS": "1",
            "TQDM_DISABLE": "1",
            "DIFFUSION_PROFILE": "smoke",
            UNITS: str(options.units),
            SEED: str(options.seed),
        }
        side_by_side = ["-n", str(options.jobs), "--dist", "loadscope"]
        nbval = ["--nbval-sanitize-with", "tests/nbval.cfg", "--nbval", *options.notebooks]
        command = [sys.executable, "-m", "pytest", "-q", *side_by_side, *nbval]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

"""As many threads as cores are free: one that has none makes all the others wait for it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import psutil
import torch

_LOOK_SECONDS = 0.2


@contextlib.contextmanager
def on_free_cores(device: torch.device) -> Iterator[None]:
    """Compute with as many threads as cores are idle just now; afterwards as before.

    On a GPU, or where OMP_NUM_THREADS says how many, nothing changes.

    Args:
        device: where it is computed.
    """
    before = torch.get_num_threads()
    if device.type != "cpu" or "OMP_NUM_THREADS" in os.environ or before == 1:
        yield
        return
    busy = psutil.cpu_percent(interval=_LOOK_SECONDS) / 100
    free = round((psutil.cpu_count() or 1) * (1 - busy))
    torch.set_num_threads(min(before, max(1, free)))
    try:
        yield
    finally:
        torch.set_num_threads(before)

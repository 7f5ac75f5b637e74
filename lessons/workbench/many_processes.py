"""Training shared by the processes that torchrun starts; alone, everything here does nothing.

Each process computes the gradients of its part of a batch. DistributedDataParallel averages them
while they are computed, so that all take the same step and keep the same parameters.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

_TORCHRUN_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Processes:
    """The processes that train one model together.

    Attributes:
        rank: which of them this is; 0 is the one that shows and saves.
        count: how many there are.
    """

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that shows and saves."""
        return self.rank == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model for the training steps; all processes now have the first one's parameters.

        No process goes on before all have come here.
        """
        if self.count == 1:
            return model
        # The first process's buffers are shared once an epoch instead of at every call: a loss may
        # then call the model twice.
        return DistributedDataParallel(model, broadcast_buffers=False)

    def share(self, batch: Tensor) -> tuple[Tensor, float]:
        """This process's part of a batch, and the weight of its mean.

        The parts differ by one picture at most. The mean over all processes of weight times the
        part's mean is the batch's mean. If the batch is smaller than the number of processes, those
        left without a picture take its first with weight 0: all must do a step for one to do it.

        Args:
            batch: (B,), indices of the batch's pictures, the same in all processes; B > 0.

        Returns:
            The (b,) indices of the part, b > 0, and the weight, 1 for parts of equal size.
        """
        part = batch.tensor_split(self.count)[self.rank]
        if len(part) == 0:
            return batch[:1], 0.0
        return part, len(part) * self.count / len(batch)

    def draw_own_noise(self) -> None:
        """From here on, each process draws its own random numbers; before, all drew the same."""
        if self.count > 1:
            torch.manual_seed(int(torch.randint(2**62, ())) + self.rank)

    def mean(self, values: Tensor) -> Tensor:
        """The mean of each value over all processes; NaN if it is NaN in one of them."""
        if self.count > 1:
            values = values.clone()
            dist.all_reduce(values)
            values /= self.count
        return values

    def agree(self, number: int, device: torch.device) -> bool:
        """Whether all processes have the same number."""
        if self.count == 1:
            return True
        numbers = [torch.zeros((), dtype=torch.int64, device=device) for _ in range(self.count)]
        dist.all_gather(numbers, torch.tensor(number, device=device))
        return all(int(other) == number for other in numbers)

    def share_buffers(self, *models: nn.Module) -> None:
        """Give all processes the first one's buffers, as those of BatchNorm, which drift apart."""
        if self.count > 1:
            for model in models:
                for buffer in model.buffers():
                    sent = buffer.contiguous()  # pictures may lie with their channels last
                    dist.broadcast(sent, 0)
                    buffer.copy_(sent)


def join_processes(device: torch.device) -> Processes:
    """The processes that train with this one: those of an open process group, or torchrun's.

    The process group stays open, for the script's further use; the process's end closes it.

    Args:
        device: of the model. GPUs talk by NCCL, all else by Gloo.
    """
    if not dist.is_available():
        return Processes()
    if not dist.is_initialized():
        by_torchrun = all(name in os.environ for name in _TORCHRUN_VARIABLES)
        if not by_torchrun or int(os.environ["WORLD_SIZE"]) == 1:
            return Processes()
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Processes(dist.get_rank(), dist.get_world_size())

"""Data-parallel training: several workers train one model, each on its part of every batch.

Every worker holds the whole model and optimiser and takes the same steps. The batch size is that
of all workers together: the rows of each batch are dealt out, the gradients of the parts are
added up, and dropout draws one mask for the whole batch. So the number of workers changes how long
a step takes and not what it does, up to the order in which floating-point numbers are added.

Gradients are summed in one piece after the backward pass instead of by PyTorch's
``DistributedDataParallel``. That lays its buckets out anew after the first step of every start, and
the order of a ring's additions depends on the layout: from three workers on, a training that was
saved and loaded would differ in its last bits from one that nobody disturbed. What it is made for,
sending one bucket while the next is computed, does nothing for models that fit into one.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed import TCPStore  # type: ignore[attr-defined]  # its home has no name
from torch.nn import functional


class Part:
    """What one of several workers trains on: every `workers`-th row of each batch.

    Args:
        rank: Of the worker, 0-based; the first reports.
        workers: That train together, ≥ 1; they must have joined, see `join`.

    Raises:
        ValueError: If there is no such worker.
    """

    def __init__(self, rank: int = 0, workers: int = 1) -> None:
        if not 0 <= rank < workers:
            raise ValueError(f"rank must be in 0..workers-1, got {rank} of {workers} workers")
        self.rank = rank
        self.workers = workers
        self.batch_rows = 0

    @property
    def alone(self) -> bool:
        """Whether the part is the whole."""
        return self.workers == 1

    def deal(self, batch: Tensor) -> Tensor:
        """Its part of a batch's rows; the batch is then the present one.

        Args:
            batch: (n, …); parts differ by one row at most and may be empty.
        """
        self.batch_rows = len(batch)
        return self.mine(batch)

    def mine(self, rows: Tensor) -> Tensor:
        """The rows of this worker among those of a whole batch."""
        return rows if self.alone else rows[self.rank :: self.workers]

    def weighted(self, mean: Tensor, rows: int) -> Tensor:
        """A mean over this part's rows as its share of the mean over the present batch."""
        return mean if self.alone else mean * (rows / self.batch_rows)

    def sum_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace every gradient by its sum over the workers, in a layout that never changes."""
        if self.alone:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        assert len(gradients) == len(parameters), "every worker must send the same"
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        pieces = torch.split(flat, [parameter.numel() for parameter in parameters])
        for parameter, piece in zip(parameters, pieces, strict=True):
            parameter.grad = piece.view_as(parameter)

    def total(self, value: Tensor) -> Tensor:
        """The sum of a tensor over the workers."""
        if not self.alone:
            distributed.all_reduce(value)
        return value

    def dropout(self, probability: float) -> nn.Module:
        """A dropout layer for this part."""
        return nn.Dropout(probability) if self.alone else PartDropout(probability, self)


class PartDropout(nn.Module):
    """Dropout by the rows of the mask that one worker would draw for the whole batch.

    Workers must draw from generators in the same state. Each draws the whole mask, which is cheap
    beside a layer.

    Args:
        probability: Of a zero, in [0, 1).
        part: Of the worker.
    """

    def __init__(self, probability: float, part: Part) -> None:
        super().__init__()
        self._probability = probability
        self._part = part

    def forward(self, values: Tensor) -> Tensor:
        """(n, units) of the part, with zeros."""
        if not self.training:
            return values
        ones = torch.ones(self._part.batch_rows, values.shape[1], device=values.device)
        return values * self._part.mine(functional.dropout(ones, self._probability))


def meeting_point(host: str, workers: int) -> Any:
    """Where workers find each other, a ``TCPStore``: on a free port of this one address.

    Args:
        host: Address of this machine.
        workers: That will join.
    """
    # A port that was looked up first could be taken by the time the store listens.
    listener = socket.create_server((host, 0))
    port = listener.getsockname()[1]
    return TCPStore(
        host,
        port,
        workers,
        is_master=True,
        wait_for_workers=False,
        master_listen_fd=listener.detach(),
    )


def meet(host: str, port: int, workers: int) -> Any:
    """The meeting point that another worker has made."""
    return TCPStore(host, port, workers, is_master=False)


def join(store: Any, rank: int, workers: int, gpus: float) -> str:
    """Make this process a worker; ends when all have joined.

    Args:
        store: From `meeting_point` or `meet`.
        rank: Of this worker.
        workers: That join.
        gpus: Of each worker.

    Returns:
        What they talk through: ``nccl`` if each has a GPU of its own, ``gloo`` otherwise (NCCL
        refuses two workers on one GPU).
    """
    backend = "nccl" if gpus >= 1 and torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, store=store, rank=rank, world_size=workers)
    return backend


def in_touch() -> bool:
    """Whether a sum over all workers comes out right; all must ask."""
    device: Any = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    one = torch.ones((), device=device)
    distributed.all_reduce(one)
    return int(one) == distributed.get_world_size()

"""Data-parallel training: several workers train one model, each on its part of every batch.

Every worker holds the whole model and optimiser and takes the same steps. The batch size is the
size of all workers' parts together. The rows of each batch are divided among the workers, the
gradients of the parts are added up, and dropout draws one mask for the whole batch. The number of
workers therefore changes the duration of a step but not its result, up to the order in which
floating-point numbers are added.

Gradients are summed in one piece after the backward pass, not by PyTorch's
``DistributedDataParallel``. The latter changes its layout of buckets after the first step of every
start, and the order of additions in a ring depends on the layout. With three or more workers a
training that was saved and loaded would then differ in its last bits from an uninterrupted one.
Its advantage is that it sends one bucket while it computes the next. Models that fit into one
bucket gain nothing from that.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

from mobo_core.extras import needs

with needs("torch", __name__):
    import torch
    from torch import Tensor, distributed, nn
    from torch.distributed import TCPStore  # type: ignore[attr-defined]  # its module is private
    from torch.nn import functional


class Part:
    """The rows of each batch that one of several workers trains on: every `workers`-th row.

    Args:
        rank: The worker's number, 0-based. The first worker reports.
        workers: The number of workers that train together, ≥ 1. They must have joined; see `join`.

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
        """Whether there is one worker only, so that the part is the whole batch."""
        return self.workers == 1

    def deal(self, batch: Tensor) -> Tensor:
        """Return this worker's rows of a batch, which becomes the present batch.

        Args:
            batch: (n, …) tensor. The parts differ by one row at most and may be empty.
        """
        self.batch_rows = len(batch)
        return self.mine(batch)

    def mine(self, rows: Tensor) -> Tensor:
        """Return this worker's rows among the rows of a whole batch."""
        return rows if self.alone else rows[self.rank :: self.workers]

    def weighted(self, mean: Tensor, rows: int) -> Tensor:
        """Return the share of a mean over this part's rows in the mean over the present batch.

        Args:
            mean: The mean over this part's rows.
            rows: The number of this part's rows.
        """
        return mean if self.alone else mean * (rows / self.batch_rows)

    def sum_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace every gradient by its sum over the workers, in a fixed layout."""
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
        """Return the sum of a tensor over the workers."""
        if not self.alone:
            distributed.all_reduce(value)
        return value

    def dropout(self, probability: float) -> nn.Module:
        """Return a dropout layer for this part."""
        return nn.Dropout(probability) if self.alone else PartDropout(probability, self)


class PartDropout(nn.Module):
    """Dropout with this worker's rows of the mask for the whole batch.

    All workers must draw from generators in the same state. Each worker draws the whole mask, which
    is cheap compared with a layer.

    Args:
        probability: The probability of a zero, in [0, 1).
        part: The worker's part of each batch.
    """

    def __init__(self, probability: float, part: Part) -> None:
        super().__init__()
        self._probability = probability
        self._part = part

    def forward(self, values: Tensor) -> Tensor:
        """Return the part's (n, units) values with dropout applied."""
        if not self.training:
            return values
        ones = torch.ones(self._part.batch_rows, values.shape[1], device=values.device)
        return values * self._part.mine(functional.dropout(ones, self._probability))


def meeting_point(host: str, workers: int) -> Any:
    """Return a ``TCPStore`` where workers find each other, on a free port of this address.

    Args:
        host: An address of this machine.
        workers: The number of workers that will join.
    """
    # If the port were looked up first, another process could take it before the store listens.
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
    """Return the meeting point that another worker has made.

    Args:
        host: The address of that worker's machine.
        port: The port of the meeting point.
        workers: The number of workers that will join.
    """
    return TCPStore(host, port, workers, is_master=False)


def join(store: Any, rank: int, workers: int, gpus: float) -> str:
    """Make this process a worker. The call returns when all workers have joined.

    Args:
        store: The store from `meeting_point` or `meet`.
        rank: This worker's number, 0-based.
        workers: The number of workers that join.
        gpus: The number of GPUs of each worker.

    Returns:
        The backend of torch's process group: ``nccl`` if each worker has its own GPU, otherwise
        ``gloo``, because NCCL refuses two workers on one GPU.
    """
    backend = "nccl" if gpus >= 1 and torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, store=store, rank=rank, world_size=workers)
    return backend


def in_touch() -> bool:
    """Return whether a sum over all workers is right. All workers must call this together."""
    device: Any = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    one = torch.ones((), device=device)
    distributed.all_reduce(one)
    return int(one) == distributed.get_world_size()

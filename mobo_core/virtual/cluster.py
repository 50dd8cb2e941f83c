"""The simulated machines: how many, how fast, what they charge for, and how they fail."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Cluster:
    """Workers, each of which trains one trial at a time, and a driver that serves all of them.

    Args:
        workers: Number of workers, ≥ 1.
        speeds: (workers,) relative speeds; None makes all 1. An epoch of s seconds takes s / speed.
        startup_s: A worker's first trial pays this for its process.
        reset_s: Every later trial pays this for its turn.
        suggestion_s: What a new configuration costs; the driver does nothing else meanwhile.
        checkpoint_s: What saving a trial costs its worker.
        restore_s: What loading a checkpoint costs its worker.
        failure_rate: Probability that an epoch fails halfway.
        straggler_rate: Probability that an epoch takes `straggler_factor` times as long.
        straggler_factor: ≥ 1.
        seed: Of failures and stragglers. They depend on the trial, its epoch and how often it has
            failed alone, so that two schedulers meet the same ones.

    Raises:
        ValueError: If a value is out of range.
    """

    workers: int = 1
    speeds: Sequence[float] | None = None
    startup_s: float = 0.0
    reset_s: float = 0.0
    suggestion_s: float = 0.0
    checkpoint_s: float = 0.0
    restore_s: float = 0.0
    failure_rate: float = 0.0
    straggler_rate: float = 0.0
    straggler_factor: float = 10.0
    seed: int = 0
    _speeds: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ValueError(f"workers must be at least 1, got {self.workers}")
        speeds = (1.0,) * self.workers if self.speeds is None else tuple(self.speeds)
        if len(speeds) != self.workers or not all(0 < s < math.inf for s in speeds):
            raise ValueError(f"need a finite speed > 0 for each of {self.workers} workers")
        for name in ("startup_s", "reset_s", "suggestion_s", "checkpoint_s", "restore_s"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} must be finite and not negative, got {value}")
        for name in ("failure_rate", "straggler_rate"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if not 1 <= self.straggler_factor < math.inf:
            raise ValueError(f"straggler_factor must be at least 1, got {self.straggler_factor}")
        object.__setattr__(self, "_speeds", speeds)

    def speed(self, worker: int) -> float:
        """Relative speed of a worker."""
        return self._speeds[worker]

    def fate(self, trial: int, epoch: int, failures: int) -> tuple[bool, float]:
        """Whether an epoch fails, and by which factor it takes longer."""
        if not (self.failure_rate or self.straggler_rate):
            return False, 1.0
        draws = np.random.default_rng([self.seed, trial, epoch, failures]).random(2)
        slow = bool(draws[1] < self.straggler_rate)
        return bool(draws[0] < self.failure_rate), self.straggler_factor if slow else 1.0


class Workers:
    """Who is free; the one with the lowest number is taken first."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._free = list(range(cluster.workers))
        self._warm: set[int] = set()

    def __len__(self) -> int:
        return len(self._free)

    def take(self) -> tuple[int, float]:
        """A free worker, and what its next trial pays before it begins."""
        worker = heapq.heappop(self._free)
        warm = worker in self._warm
        self._warm.add(worker)
        return worker, self._cluster.reset_s if warm else self._cluster.startup_s

    def give_back(self, worker: int) -> None:
        """The worker is free again."""
        heapq.heappush(self._free, worker)


class WorkerFailureError(RuntimeError):
    """An epoch that failed because the cluster's model said so."""

"""The simulated machines: their number and speed, what takes time, and how they fail."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mobo_core.checks import checked_count, checked_number


@dataclass(frozen=True)
class Cluster:
    """A simulated cluster: workers that train one trial each, and one driver for all of them.

    Args:
        workers: The number of workers, ≥ 1.
        speeds: (workers,) relative speeds; None makes all speeds 1. An epoch of s seconds takes
            s / speed.
        startup_s: Seconds that a worker's first trial needs to start the process.
        reset_s: Seconds that each later trial of a worker needs to start.
        suggestion_s: Seconds for a new configuration. The driver does nothing else meanwhile.
        checkpoint_s: Seconds in which a worker saves a trial.
        restore_s: Seconds in which a worker loads a checkpoint.
        failure_rate: The probability that an epoch fails halfway, in [0, 1].
        straggler_rate: The probability that an epoch is slow, in [0, 1].
        straggler_factor: How many times as long a slow epoch takes, ≥ 1.
        seed: The seed of failures and slow epochs. They depend only on the trial, its epoch and its
            number of failures, so two schedulers see the same ones.

    Raises:
        ValueError: If a value is out of range.

    Example:
        >>> from mobo_core.virtual import Cluster
        >>> cluster = Cluster(workers=4, speeds=[1.0, 1.0, 1.0, 0.5], startup_s=3.0)
        >>> cluster.speed(3)
        0.5
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
        self._set("workers", checked_count("workers", self.workers, at_least=1))
        speeds = (1.0,) * self.workers if self.speeds is None else tuple(self.speeds)
        if len(speeds) != self.workers:
            raise ValueError(f"speeds must hold {self.workers}, one per worker, got {len(speeds)}")
        self._set("_speeds", tuple(checked_number("a speed", s, above=0) for s in speeds))
        for name in ("startup_s", "reset_s", "suggestion_s", "checkpoint_s", "restore_s"):
            self._set(name, checked_number(name, getattr(self, name), at_least=0))
        for name in ("failure_rate", "straggler_rate"):
            self._set(name, checked_number(name, getattr(self, name), at_least=0, at_most=1))
        factor = checked_number("straggler_factor", self.straggler_factor, at_least=1)
        self._set("straggler_factor", factor)
        self._set("seed", checked_count("seed", self.seed, at_least=0))

    def _set(self, name: str, value: object) -> None:
        """Set a field of the frozen dataclass to its checked value."""
        object.__setattr__(self, name, value)

    def speed(self, worker: int) -> float:
        """Return a worker's relative speed."""
        return self._speeds[worker]

    def fate(self, trial: int, epoch: int, failures: int) -> tuple[bool, float]:
        """Return whether an epoch fails, and the factor by which it takes longer.

        Args:
            trial: The trial's number.
            epoch: The epoch's number.
            failures: The number of failures that the trial has had.
        """
        if not (self.failure_rate or self.straggler_rate):
            return False, 1.0
        draws = np.random.default_rng([self.seed, trial, epoch, failures]).random(2)
        slow = bool(draws[1] < self.straggler_rate)
        return bool(draws[0] < self.failure_rate), self.straggler_factor if slow else 1.0


class Workers:
    """The free workers. The one with the lowest number is taken first."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._free = list(range(cluster.workers))
        self._warm: set[int] = set()

    def __len__(self) -> int:
        return len(self._free)

    def take(self) -> tuple[int, float]:
        """Take a free worker; return it and the seconds that its next trial needs to start."""
        worker = heapq.heappop(self._free)
        warm = worker in self._warm
        self._warm.add(worker)
        return worker, self._cluster.reset_s if warm else self._cluster.startup_s

    def give_back(self, worker: int) -> None:
        """Make a worker free again."""
        heapq.heappush(self._free, worker)


class WorkerFailureError(RuntimeError):
    """An error: an epoch failed with the simulated cluster's `failure_rate`."""

"""Recorded curves through a rule, offline: what it would have trained, in milliseconds.

A configuration and seed give the same curve bit for bit, so the curves of a FIFO run say what any
rule would have seen. Slots work side by side on a clock of recorded or equal epoch times.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mobo_core.objectives import Points
from mobo_core.rules import Decision, PromotionRule, StoppingRule


@dataclass(frozen=True)
class Replay:
    """What a rule did with a set of curves.

    Args:
        epochs: (n,) epochs trained of each trial.
        resumes: How often a trial was restored from a checkpoint.
        seconds: When the last slot fell idle, on the clock of the epoch times.
    """

    epochs: NDArray[np.int64]
    resumes: int
    seconds: float


class _Replaying:
    """The clock, what trains on it, and what was trained so far."""

    def __init__(self, rule: StoppingRule | PromotionRule, epoch_seconds: Points) -> None:
        self._rule = rule
        self._seconds = epoch_seconds
        self._started = 0
        self._fresh = 0
        self.epochs = np.zeros(len(epoch_seconds), np.int64)
        self.events: list[tuple[float, int, int]] = []
        self.resumes = 0
        self.now = 0.0

    def train(self, trial: int) -> None:
        """Start a trial's next epoch."""
        self._started += 1
        ends = self.now + float(self._seconds[trial, self.epochs[trial]])
        heapq.heappush(self.events, (ends, self._started, trial))

    def end_epoch(self) -> int:
        """The trial whose epoch ends next."""
        self.now, _, trial = heapq.heappop(self.events)
        self.epochs[trial] += 1
        return trial

    def choose(self) -> int | None:
        """The paused trial that a free slot should go to; None under stopping."""
        if not hasattr(self._rule, "choose"):
            return None
        chosen = self._rule.choose(self._fresh < len(self.epochs))
        return None if chosen is None else int(chosen)

    def fill(self) -> bool:
        """Give a free slot to a paused or a new trial; False if there is none for it."""
        chosen = self.choose()
        if chosen is not None:
            self._rule.resume(str(chosen))  # type: ignore[union-attr]
            self.resumes += 1
            self.train(chosen)
            return True
        if self._fresh == len(self.epochs):
            return False
        self._rule.add(str(self._fresh))
        self.train(self._fresh)
        self._fresh += 1
        return True


def replay(
    rule: StoppingRule | PromotionRule,
    curves: ArrayLike,
    slots: int = 1,
    epoch_seconds: ArrayLike | None = None,
) -> Replay:
    """Run all trials through a rule, in the order of the curves.

    Args:
        rule: Fresh; budgets are epochs, 1 to T.
        curves: (n, T, m) minimised points after each epoch of each trial.
        slots: Trials that train at the same time, ≥ 1.
        epoch_seconds: (n, T) length of each epoch; None makes them equal.

    Raises:
        ValueError: If a shape is wrong, there is no slot, or the rule's full budget is longer than
            the curves.
    """
    points = np.asarray(curves, dtype=float)
    if points.ndim != 3 or slots < 1:
        raise ValueError(
            f"need curves of shape (n, T, m) and at least one slot, got {points.shape}, {slots}"
        )
    n, length, _ = points.shape
    seconds = np.ones((n, length)) if epoch_seconds is None else np.asarray(epoch_seconds, float)
    if seconds.shape != (n, length):
        raise ValueError(f"epoch_seconds must have shape ({n}, {length}), got {seconds.shape}")
    run = _Replaying(rule, seconds)
    while True:
        while len(run.events) < slots and run.fill():
            pass
        if not run.events:
            return Replay(run.epochs, run.resumes, run.now)
        trial = run.end_epoch()
        epoch = int(run.epochs[trial])
        decision = rule.report(str(trial), epoch, points[trial, epoch - 1])
        if decision is Decision.PAUSE and run.choose() == trial:
            rule.resume(str(trial))  # type: ignore[union-attr]
            decision = Decision.CONTINUE
        if decision is Decision.CONTINUE and epoch < length:
            run.train(trial)
        else:
            _check_length(decision, epoch, length)


def _check_length(decision: Decision, epoch: int, length: int) -> None:
    if decision is Decision.PAUSE and epoch == length:
        raise ValueError(f"the rule's full budget is longer than the curves of {length} epochs")

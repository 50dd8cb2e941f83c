"""Recorded curves through a Tune scheduler, one trial after the other."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from typing import Any

from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from mobo_core.virtual.simulation import simulate

Curve = Sequence[Mapping[str, Any]]


def replay(scheduler: TrialScheduler, curves: Mapping[Any, Curve]) -> dict[Any, int]:
    """How many reports of each curve a scheduler would have waited for.

    Args:
        scheduler: Fresh; one of `mobo_core.tune` that pauses needs ``slots=1``.
        curves: Trial → its reports in order. They are passed on as they are; ``epoch`` and
            ``seconds`` (1) are added where they are missing.

    Returns:
        Trial → number of its reports that were made; 0 if it was never started.

    Raises:
        ValueError: If a curve is empty.
    """
    for trial, curve in curves.items():
        if not curve:
            raise ValueError(f"the curve of trial {trial!r} is empty")
    if not curves:
        return {}
    names = list(curves)
    run = simulate(
        _Recorded([curves[name] for name in names]),
        searcher=_OneByOne(),
        scheduler=scheduler,
        num_samples=len(names),
    )
    return {names[t.number]: t.last_result.get("training_iteration", 0) for t in run.trials}


class _Recorded:
    """A problem whose configurations are numbers of curves."""

    def __init__(self, curves: Sequence[Curve]) -> None:
        self._curves = curves
        self.max_epochs = 0  # every curve says itself when it is done

    def start(self, config: Mapping[str, Any], seed: int) -> _RecordedTraining:
        """The curve from its beginning."""
        return _RecordedTraining(self._curves[config["curve"]])


class _RecordedTraining:
    """Reads a curve row by row; its place in it is its state."""

    def __init__(self, curve: Curve) -> None:
        self._curve = curve
        self._read = 0

    def run_epoch(self) -> dict[str, Any]:
        """The next report."""
        row = self._curve[self._read]
        self._read += 1
        done = self._read == len(self._curve)
        return {"epoch": self._read, "seconds": 1.0, **row, "done": done}

    def test_metrics(self) -> dict[str, float]:
        """Nothing was recorded."""
        return {}

    def state(self) -> bytes:
        """The number of rows read."""
        return pickle.dumps(self._read)

    def load_state(self, state: bytes) -> None:
        """Go on there."""
        self._read = pickle.loads(state)  # noqa: S301 - our own

    def close(self) -> None:
        """Holds nothing."""


class _OneByOne(Searcher):
    """Suggests the curves in order."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0

    def suggest(self, trial_id: str) -> dict[str, Any]:
        self._next += 1
        return {"curve": self._next - 1}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing to learn."""

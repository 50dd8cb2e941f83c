"""Recorded curves as a problem, and through a scheduler one trial after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ray.tune.schedulers import TrialScheduler

from mobo_core.problems.curve import CurveTraining
from mobo_core.virtual.simulation import TUNE_AHEAD, simulate
from mobo_core.virtual.suggestions import InOrder

Curve = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class CurveNumber:
    """Which curve; not a plain number, which a scheduler would take for a hyper-parameter."""

    value: int


class RecordedCurves:
    """A problem whose configurations name the curves: ``{"curve": CurveNumber(0)}`` and so on.

    Args:
        curves: The reports of each, in order. They are passed on as they are; ``epoch`` and
            ``seconds`` (1) are added where they are missing, and the last is ``done``.
        configs: The hyper-parameters behind each curve, which schedulers may learn from.

    Raises:
        ValueError: If a curve is empty, or there are not as many configurations as curves.
    """

    def __init__(
        self, curves: Sequence[Curve], configs: Sequence[Mapping[str, Any]] | None = None
    ) -> None:
        for number, curve in enumerate(curves):
            if not curve:
                raise ValueError(f"curve {number} is empty")
        if configs is not None and len(configs) != len(curves):
            raise ValueError(f"{len(curves)} curves need as many configs, got {len(configs)}")
        self._curves = [
            [
                {"epoch": epoch, "seconds": 1.0, **row, "done": epoch == len(curve)}
                for epoch, row in enumerate(curve, start=1)
            ]
            for curve in curves
        ]
        self._configs = configs or [{}] * len(curves)
        self.max_epochs = max(map(len, curves), default=0)

    @property
    def configs(self) -> list[dict[str, Any]]:
        """All of them, in order."""
        return [
            {**config, "curve": CurveNumber(number)} for number, config in enumerate(self._configs)
        ]

    def start(self, config: Mapping[str, Any], seed: int) -> CurveTraining:
        """The curve from its beginning."""
        return CurveTraining(self._curves[config["curve"].value], hidden=None)


def replay(scheduler: TrialScheduler, curves: Mapping[Any, Curve]) -> dict[Any, int]:
    """How many reports of each curve a scheduler would have waited for, with one worker.

    It is not told the configurations; `RecordedCurves` with `simulate` can.

    Args:
        scheduler: Fresh; one of `mobo_core.tune` that pauses needs ``slots=1``.
        curves: Trial → its reports in order; see `RecordedCurves`.

    Returns:
        Trial → number of its last report that was made; 0 if it was never started.

    Raises:
        ValueError: If a curve is empty.
    """
    if not curves:
        return {}
    problem = RecordedCurves(list(curves.values()))
    run = simulate(
        problem,
        searcher=InOrder(problem.configs),
        scheduler=scheduler,
        num_samples=len(curves),
        ahead=TUNE_AHEAD,
    )
    reached = (trial.last_result.get("training_iteration", 0) for trial in run.trials)
    return dict(zip(curves, reached, strict=True))

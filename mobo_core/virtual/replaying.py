"""Recorded curves as a problem, and a replay of them through a scheduler."""

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
    """The number of a curve. A scheduler would read a plain number as a hyper-parameter."""

    value: int


class RecordedCurves:
    """A problem of given curves. Its configurations name them: ``{"curve": CurveNumber(0)}`` etc.

    Args:
        curves: The reports of each curve, in order. ``epoch``, and ``seconds`` with the value 1,
            are added where they are missing. The last report of a curve gets ``done``.
        configs: The hyper-parameters of each curve, from which schedulers may learn.

    Raises:
        ValueError: If a curve is empty, or the numbers of configurations and curves differ.

    Example:
        >>> from mobo_core.virtual import RecordedCurves
        >>> problem = RecordedCurves([[{"loss": 0.9}, {"loss": 0.5}], [{"loss": 0.8}]])
        >>> problem.start(problem.configs[0], seed=0).run_epoch()
        {'epoch': 1, 'seconds': 1.0, 'loss': 0.9, 'done': False}
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
        """The configurations of all curves, in order."""
        return [
            {**config, "curve": CurveNumber(number)} for number, config in enumerate(self._configs)
        ]

    def start(self, config: Mapping[str, Any], seed: int) -> CurveTraining:
        """Return a training along a curve, from its beginning."""
        return CurveTraining(self._curves[config["curve"].value], hidden=None)


def replay(scheduler: TrialScheduler, curves: Mapping[Any, Curve]) -> dict[Any, int]:
    """Return how many reports of each curve a scheduler would use, with one worker.

    The scheduler does not see the trials' configurations. Use `RecordedCurves` and `simulate` for a
    scheduler that learns from them.

    Args:
        scheduler: A new scheduler. A pausing scheduler of `mobo_core.tune` needs ``slots=1``.
        curves: Trial → its reports, in order; see `RecordedCurves`.

    Returns:
        Trial → the number of its last report; 0 if the trial was never started.

    Raises:
        ValueError: If a curve is empty, or the scheduler cannot use its reports.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> from mobo_core.tune import PaperRungwise
        >>> from mobo_core.virtual import replay
        >>> objectives = ObjectiveSet([Objective("loss", "min", 1), Objective("flops", "min", 99)])
        >>> good = [{"loss": 0.6, "flops": 10}, {"loss": 0.3, "flops": 10}]
        >>> poor = [{"loss": 0.9, "flops": 20}, {"loss": 0.8, "flops": 20}]
        >>> scheduler = PaperRungwise(objectives, max_t=2, time_attr="epoch")
        >>> replay(scheduler, {"good": good, "poor": poor})
        {'good': 2, 'poor': 1}
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
    for name, trial in zip(curves, run.trials, strict=True):
        if trial.error:
            raise ValueError(f"curve {name!r} cannot be replayed: {trial.error}")
    reached = (trial.last_result.get("training_iteration", 0) for trial in run.trials)
    return dict(zip(curves, reached, strict=True))

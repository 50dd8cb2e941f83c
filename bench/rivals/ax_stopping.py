"""Ax's own early stopping as a stopping rule: percentiles of single metrics, and their and and or.

Source: https://github.com/facebook/Ax, `ax.early_stopping.strategies` of version 1.3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np
import pandas as pd
from ax.core.arm import Arm
from ax.core.data import MAP_KEY
from ax.core.experiment import Experiment
from ax.core.metric import Metric
from ax.core.parameter import ParameterType, RangeParameter
from ax.core.search_space import SearchSpace
from ax.early_stopping.strategies import (
    AndEarlyStoppingStrategy,
    BaseEarlyStoppingStrategy,
    OrEarlyStoppingStrategy,
    PercentileEarlyStoppingStrategy,
)
from ax.exceptions.core import UserInputError

from mobo_core.objectives import Points
from mobo_core.rules.rule import Decision

Combination = Literal["and", "or"]
COMBINED = {"and": AndEarlyStoppingStrategy, "or": OrEarlyStoppingStrategy}
SLACK = 1e-9
"""The relative distance to a percentile below which Ax itself is asked, against rounding errors."""


@dataclass(frozen=True)
class Percentile:
    """Ax's percentile strategy on one metric, with Ax's defaults.

    Args:
        metric: The position of the objective.
        percentile: A trial that is worse than this percentile of the others may stop, 0 to 100.
        min_progression: The epochs before which no trial stops.
        min_curves: The number of trials that must have trained to the end before one stops.
    """

    metric: int
    percentile: float = 50.0
    min_progression: float = 10
    min_curves: int = 5

    def __post_init__(self) -> None:
        if not 0 <= self.percentile <= 100:
            raise ValueError(f"percentile must lie from 0 to 100, got {self.percentile}")


class AxStoppingRule:
    """The decisions of Ax's early stopping, as a stopping rule.

    Ax decides about a trial after each of its reports. It needs some 0.1 s for that, because it
    arranges all curves anew. Here Ax gets only the values of the trial's present epoch, which are
    those that its percentile reads, and it is asked only if the trial is worse than the
    percentile, so that it could stop. Where every trial reports in every epoch, the decisions are
    the same.

    Args:
        percentiles: One strategy for each metric that is looked at.
        combination: Whether a trial stops if all strategies say so, or if one of them does.
        max_t: The full budget of a trial.

    Raises:
        ValueError: If Ax refuses a setting.
    """

    def __init__(
        self, percentiles: Sequence[Percentile], combination: Combination, max_t: float
    ) -> None:
        self.max_t = max_t
        self._percentiles = tuple(percentiles)
        self._any = combination == "or"
        self._experiment = _experiment([p.metric for p in percentiles])
        self._values: dict[float, dict[int, Points]] = defaultdict(dict)
        self._asked = _Asked()
        try:
            strategies: list[BaseEarlyStoppingStrategy] = [
                _PercentileOf(self._asked, percentile) for percentile in percentiles
            ]
        except UserInputError as error:
            raise ValueError(str(error)) from error
        self._strategy = reduce(COMBINED[combination], strategies)
        self._numbers: dict[str, int] = {}

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Register a new trial; see `mobo_core.rules.rule.StoppingRule`."""
        if trial_id in self._numbers:  # it starts again after a failure
            return
        trial = self._experiment.new_trial()
        trial.add_arm(Arm({"number": trial.index}))
        trial.mark_running(no_runner_required=True)
        self._numbers[trial_id] = trial.index

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """Record a report and return the decision about its trial."""
        if not np.isfinite(point).all():
            return Decision.STOP
        number = self._numbers[trial_id]
        self._values[t][number] = point
        if t >= self.max_t:
            self._experiment.trials[number].mark_completed()
            return Decision.COMPLETE
        return Decision.STOP if self._stops(number, t) else Decision.CONTINUE

    def end(self, trial_id: str, failed: bool) -> None:
        """Note that a trial has ended, and how."""
        trial = self._experiment.trials[self._numbers[trial_id]]
        if trial.status.is_terminal:
            return
        if failed:
            trial.mark_failed()
        else:
            trial.mark_early_stopped(unsafe=True)  # its values are here, not in the experiment

    def _stops(self, number: int, t: float) -> bool:
        curves = self._values[t]
        could = [
            self._could_stop(percentile, number, t, curves) for percentile in self._percentiles
        ]
        if not (any(could) if self._any else all(could)):
            return False
        self._asked.t, self._asked.curves = t, curves
        stopped = self._strategy.should_stop_trials_early({number}, self._experiment)
        return number in stopped

    def _could_stop(
        self, percentile: Percentile, number: int, t: float, curves: Mapping[int, Points]
    ) -> bool:
        """Return whether a trial is worse than the percentile, or nearly."""
        if t < percentile.min_progression:
            return False
        values = np.array([point[percentile.metric] for point in curves.values()])
        threshold = np.quantile(values, 1 - percentile.percentile / 100)
        slack = SLACK * float(np.abs(values).max())
        return bool(curves[number][percentile.metric] > threshold - slack)


class _Asked:
    """The present question: an epoch, and the points of all trials at that epoch."""

    def __init__(self) -> None:
        self.t = 0.0
        self.curves: Mapping[int, Points] = {}


class _PercentileOf(PercentileEarlyStoppingStrategy):
    """Ax's strategy, which gets the curves from the present question."""

    def __init__(self, asked: _Asked, settings: Percentile) -> None:
        super().__init__(
            metric_signatures=[_name(settings.metric)],
            percentile_threshold=settings.percentile,
            min_progression=settings.min_progression,
            min_curves=settings.min_curves,
        )
        self._asked = asked
        self._metric = settings.metric

    def _prepare_aligned_data(
        self, experiment: Experiment, metric_signatures: list[str]
    ) -> tuple[pd.DataFrame, pd.DataFrame] | None:
        """Return the values at the present epoch in Ax's two forms: long, and aligned."""
        t, (name,) = self._asked.t, metric_signatures
        values = {number: p[self._metric] for number, p in self._asked.curves.items()}
        long = pd.DataFrame(
            {
                "trial_index": list(values),
                "metric_signature": name,
                "mean": list(values.values()),
                MAP_KEY: t,
            }
        )
        aligned: Any = {"mean": {name: pd.DataFrame(values, index=[t])}}  # read by these two keys
        return long, aligned


def _name(metric: int) -> str:
    return f"m{metric}"


def _experiment(metrics: Sequence[int]) -> Experiment:
    """Return an experiment of Ax that keeps the trials' states."""
    return Experiment(
        SearchSpace([RangeParameter("number", ParameterType.INT, 0, 2**31 - 1)]),
        tracking_metrics=[Metric(_name(metric), lower_is_better=True) for metric in metrics],
    )

"""Collect the reports of a run while it is executed, and derive its result, on either backend."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.search import Searcher

from bench.execution import epochs
from bench.execution.ray.failures import Failures, why_failed
from bench.records.record import FrontMember, Timing, TrialRecord
from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.pareto.dominance import front_mask
from mobo_core.pareto.indicators import hypervolume
from mobo_core.tune import AheadSearcher
from mobo_core.tune.searchers.ax_names import BOTORCH_NODE


class TimedSearcher(Searcher):
    """A searcher that passes every call on to another and records each suggestion's time and order.

    Args:
        inner: The searcher that makes the suggestions.
        charged_s: The seconds to record for each suggestion; None measures them.
    """

    def __init__(self, inner: Searcher, charged_s: float | None = None) -> None:
        super().__init__()
        self.inner = inner
        self.seconds: dict[str, float] = {}
        self._charged_s = charged_s

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Pass the call on to the inner searcher."""
        accepted: bool = self.inner.set_search_properties(metric, mode, config, **spec)
        return accepted

    def suggest(  # type: ignore[override]  # Ray's own annotation omits FINISHED, a string
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        """Return the inner searcher's suggestion and record the time that it took."""
        began = time.perf_counter()
        config: dict[str, Any] | str | None = self.inner.suggest(trial_id)
        if isinstance(config, dict):
            measured = time.perf_counter() - began
            if isinstance(self.inner, AheadSearcher):
                measured = self.inner.suggestion_s(trial_id)
            self.seconds[trial_id] = measured if self._charged_s is None else self._charged_s
        return config

    @property
    def is_making(self) -> bool:
        """Whether a suggestion is being made in the background, see `AheadSearcher.is_making`."""
        return isinstance(self.inner, AheadSearcher) and self.inner.is_making

    def close(self) -> None:
        """Stop suggestions in the background, see `AheadSearcher.close`."""
        if isinstance(self.inner, AheadSearcher):
            self.inner.close()

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Pass the report on to the inner searcher."""
        self.inner.on_trial_result(trial_id, result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Pass the end of the trial on to the inner searcher."""
        self.inner.on_trial_complete(trial_id, result, error)

    def save(self, checkpoint_path: str) -> None:
        """Save the inner searcher."""
        self.inner.save(checkpoint_path)

    def restore(self, checkpoint_path: str) -> None:
        """Restore the inner searcher."""
        self.inner.restore(checkpoint_path)


class StalledError(RuntimeError):
    """An error: trials wait to start, and for a long time none has been running."""


class Observer(tune.Callback):
    """A Tune callback that keeps every report and every error of a run.

    Args:
        on_trial_end: It is called each time a trial ends.
        failures: It counts the failed trials.
        patience_s: The real seconds that trials may wait while none runs. After that the run is
            given up, because Ray has lost the resources that the trials need.
    """

    def __init__(
        self,
        on_trial_end: Callable[[], None],
        failures: Failures,
        patience_s: float = math.inf,
    ) -> None:
        self._on_trial_end = on_trial_end
        self.failures = failures
        self._patience_s = patience_s
        self._ran_at = time.monotonic()
        self._next_look_at = 0.0
        self._last: dict[str, dict[str, Any]] = {}
        self._began = 0.0
        self.reports: list[tuple[str, float, dict[str, Any]]] = []
        self.configs: dict[str, dict[str, Any]] = {}
        self.errors: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Return nothing: Tune pickles callbacks only for its restore, which is not used here."""
        return {}

    def begin(self) -> None:
        """Start the clock that gives each entry of `reports` its time."""
        self._began = time.perf_counter()

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Give the run up if trials have waited too long while none ran.

        Raises:
            StalledError: If no trial has run for `patience_s` although some wait.
        """
        now = time.monotonic()
        if now < self._next_look_at:
            return
        self._next_look_at = now + min(1.0, self._patience_s / 10)
        statuses = {trial.status for trial in trials}
        if Trial.RUNNING in statuses or Trial.PENDING not in statuses:
            self._ran_at = now
        elif now - self._ran_at > self._patience_s:
            raise StalledError(
                f"no trial has run for {self._patience_s:g} s, though some wait: Ray no longer has "
                "the resources that they need"
            )

    def on_trial_start(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """Keep the trial's configuration."""
        self.configs[trial.trial_id] = dict(trial.config)

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        """Keep the report and its time."""
        self._last[trial.trial_id] = dict(result)
        self.reports.append((trial.trial_id, self._elapsed(result), self._last[trial.trial_id]))

    def _elapsed(self, result: dict[str, Any]) -> float:
        return time.perf_counter() - self._began

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """Count the end of the trial."""
        self._note_end(trial)

    def on_trial_error(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """Keep the trial's error and count its end."""
        self.configs.setdefault(trial.trial_id, dict(trial.config))
        self.errors[trial.trial_id] = self._error_of(trial)
        self._note_end(trial)

    def _note_end(self, trial: Trial) -> None:
        error = self.errors.get(trial.trial_id, "")
        self.failures.count(error, self._last.get(trial.trial_id, {}))
        self._on_trial_end()

    def _error_of(self, trial: Any) -> str:
        """Return the last line of the trial's error."""
        try:
            lines = Path(trial.error_file).read_text("utf-8").strip().splitlines()
        except (OSError, TypeError):
            lines = []
        return lines[-1] if lines else "unknown error"


class VirtualObserver(Observer):
    """An observer in virtual time: it reads the time from the reports.

    It raises as soon as too many trials have failed.
    """

    def _note_end(self, trial: Trial) -> None:
        super()._note_end(trial)
        self.failures.check()

    def _elapsed(self, result: dict[str, Any]) -> float:
        return float(result["timestamp"])

    def _error_of(self, trial: Any) -> str:
        error: str = trial.error
        return error


def epoch_table(
    searcher: TimedSearcher, observer: Observer, objectives: ObjectiveSet
) -> pd.DataFrame:
    """Return a table with one row per report; see `bench.execution.epochs.table`."""
    number = _trial_numbers(searcher)
    reports = [(number[i], reported_s, result) for i, reported_s, result in observer.reports]
    configs = {number[i]: config for i, config in observer.configs.items() if i in number}
    return epochs.table(reports, configs, objectives)


def last_reports(searcher: TimedSearcher, observer: Observer) -> dict[int, dict[str, Any]]:
    """Return the last report of each trial by its number. Trials without a report are left out."""
    number = _trial_numbers(searcher)
    return {number[trial_id]: result for trial_id, _, result in observer.reports}


def trial_records(
    searcher: TimedSearcher, observer: Observer, objectives: ObjectiveSet, max_epochs: int
) -> tuple[TrialRecord, ...]:
    """Return the outcome of every trial, in the order of suggestion."""
    last = last_reports(searcher, observer)
    reached: dict[str, int] = {}
    for trial_id, _, result in observer.reports:
        reached[trial_id] = max(reached.get(trial_id, 0), epochs.trained(result))
    trials = []
    for trial_id, number in _trial_numbers(searcher).items():
        result = last.get(number, {})
        error = why_failed(observer.errors.get(trial_id, ""), result, objectives)
        trained = reached.get(trial_id, 0)
        trials.append(
            TrialRecord(
                trial=number,
                status="failed" if error else "completed" if trained >= max_epochs else "stopped",
                epochs=trained,
                config=observer.configs.get(trial_id, {}),
                origin=_origin(searcher.inner, trial_id),
                suggestion_s=searcher.seconds[trial_id],
                error=error,
            )
        )
    return tuple(trials)


def final_front(
    trials: tuple[TrialRecord, ...], last: dict[int, dict[str, Any]], objectives: ObjectiveSet
) -> list[TrialRecord]:
    """Return the non-dominated trials that beat the reference point in every objective.

    Failed trials are left out.

    Args:
        trials: All trials of the run, from `trial_records`.
        last: The last report of each trial, from `last_reports`.
        objectives: The run's objectives.

    Raises:
        RuntimeError: If all trials have failed, or if there are none.
    """
    sound = [trial for trial in trials if trial.status != "failed"]
    if not sound:
        reason = trials[0].error if trials else "the searcher suggested none"
        raise RuntimeError(f"no trial of {len(trials)} succeeded; the first: {reason}")
    points = objectives.to_points([last[trial.trial] for trial in sound])
    mask = front_mask(points, objectives.reference_point)
    return [trial for trial, keep in zip(sound, mask, strict=True) if keep]


def front_member(
    trial: TrialRecord,
    recorded: dict[str, Any],
    retrained: tuple[dict[str, float], dict[str, float]],
    objectives: ObjectiveSet,
) -> FrontMember:
    """Return a member of the final front with its test metrics.

    Args:
        trial: The trial on the front.
        recorded: The trial's last report in the run.
        retrained: The last report and the test metrics of the same configuration trained again,
            from `mobo_core.problems.protocol.train_again`.
        objectives: The run's objectives.
    """
    metrics, tested = retrained
    try:
        repeated = np.array_equal(objectives.to_point(metrics), objectives.to_point(recorded))
    except (TypeError, ValueError):  # the second training did not report an objective
        repeated = False
    return FrontMember(trial=trial.trial, metrics=tested, repeated=repeated)


def timing(
    wall_s: float, slots: int, reports: pd.DataFrame, searcher: TimedSearcher, test_s: float
) -> Timing:
    """Return how the slot-seconds of a run were spent.

    Args:
        wall_s: The seconds from the start of the search to its end.
        slots: The number of slots.
        reports: The table of reports, from `epoch_table`.
        searcher: The run's searcher.
        test_s: The seconds spent on testing the final front.
    """
    training, startup = (_total(reports[name]) if len(reports) else 0.0 for name in epochs.TIMES)
    return Timing(
        wall_s=wall_s,
        training_slot_s=training,
        startup_slot_s=startup,
        idle_slot_s=max(0.0, slots * wall_s - training - startup),
        suggestion_s=sum(searcher.seconds.values()),
        test_s=test_s,
    )


def _total(seconds: pd.Series[float]) -> float:
    """Return the sum of the finite values."""
    return float(seconds[np.isfinite(seconds)].sum())


def _trial_numbers(searcher: TimedSearcher) -> dict[str, int]:
    return {trial_id: number for number, trial_id in enumerate(searcher.seconds)}


@runtime_checkable
class ModelBased(Protocol):
    """A searcher with a model, for example `AxSearcher`."""

    def generation_node(self, trial_id: str) -> str:
        """Return the name of the part of the searcher that suggested a trial."""

    def predicted_front(self) -> Points | None:
        """Return the front that the model predicts as (k, m) minimised points, or None."""


def model_based(searcher: Searcher, trial_id: str) -> bool:
    """Return whether a model suggested this trial."""
    return _origin(searcher, trial_id) == BOTORCH_NODE


def _origin(searcher: Searcher, trial_id: str) -> str:
    if isinstance(searcher, AheadSearcher):
        return _origin(searcher.inner, searcher.inner_id(trial_id))
    if isinstance(searcher, ModelBased):
        return searcher.generation_node(trial_id)
    return type(searcher).__name__.removesuffix("Searcher")


def predicted(searcher: Searcher, objectives: ObjectiveSet) -> dict[str, float] | None:
    """Return the hypervolume and size of the front that the searcher's model predicts.

    Returns:
        The keys ``hypervolume`` and ``front_size``; None if the searcher has no fitted model.
    """
    if isinstance(searcher, AheadSearcher):
        return predicted(searcher.inner, objectives)
    if not isinstance(searcher, ModelBased):
        return None
    points = searcher.predicted_front()
    if points is None:
        return None
    return {
        "hypervolume": hypervolume(points, objectives.reference_point),
        "front_size": len(points),
    }

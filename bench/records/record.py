"""The record of a run: its trials, its times, its final front and the way it was made."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import pandas as pd

from bench.records.observed import Observed, observed
from mobo_core.objectives import Objective, ObjectiveSet

TrialStatus = Literal["completed", "stopped", "failed"]


@dataclass(frozen=True)
class TrialRecord:
    """The outcome of one trial.

    Args:
        trial: The trial's number within the run, from 0, in the order of suggestion.
        status: ``completed`` (trained for the full budget), ``stopped`` (by the scheduler) or
            ``failed`` (an error, or objectives that are not finite).
        epochs: The number of epochs trained and reported.
        config: The configuration.
        origin: The part of the searcher that suggested the configuration.
        suggestion_s: The time that the suggestion took, in seconds.
        error: The reason why the trial failed; empty if it did not.
    """

    trial: int
    status: TrialStatus
    epochs: int
    config: dict[str, Any]
    origin: str
    suggestion_s: float
    error: str = ""


@dataclass(frozen=True)
class Timing:
    """The times of a run, in seconds. Slot-seconds are summed over all slots.

    Args:
        wall_s: The real or virtual time from the start of the search to its end.
        training_slot_s: Slot-seconds of training and validation.
        startup_slot_s: Slot-seconds in which trials build their models and optimisers. Training
            processes start and load their data once per matrix, before any run, so their start
            is not included.
        idle_slot_s: The other slot-seconds of slots × wall time. A slot waits for suggestions,
            for Tune, or for a trial's own light process if no warm process was ready (see
            `bench.execution.ray.warm_processes`).
        suggestion_s: The time spent in the searcher. It overlaps with the times above, and
            blocks Tune's loop unless suggestions are made in the background.
        test_s: The time to measure the final front on test data, after the search.
    """

    wall_s: float
    training_slot_s: float
    startup_slot_s: float
    idle_slot_s: float
    suggestion_s: float
    test_s: float

    @property
    def effective_utilisation(self) -> float:
        """The share of slots × wall time in which slots trained, from 0 to 1."""
        total = self.training_slot_s + self.startup_slot_s + self.idle_slot_s
        return self.training_slot_s / total if total > 0 else 0.0


@dataclass(frozen=True)
class FrontMember:
    """A trial of the final front, measured on test data.

    Args:
        trial: The trial's number within the run.
        metrics: The test metrics of the trial, trained again for the same number of epochs.
        repeated: Whether that training gave the recorded objectives bit for bit.
    """

    trial: int
    metrics: dict[str, float]
    repeated: bool


@dataclass(frozen=True)
class RunResult:
    """The result of a run, as its backend returns it.

    Args:
        timing: The times of the run.
        trials: All trials, in the order of suggestion.
        front: The final front, measured on test data.
        test_error: The reason why the final front could not be tested; empty if it was.
        resources: On Ray, the cores and GPUs per trial and the address of the cluster that was
            joined. In virtual time, the number of simulated workers.
        predicted: The ``hypervolume`` and ``front_size`` of the front that the searcher's model
            predicts (the paper reports this kind of hypervolume). None without a model.
        epochs: One row per report: trial, configuration (``config_…``), metrics, ``reported_s``.
        counts: The scheduler's counts: ``resumes`` (trials restored from a checkpoint) and
            ``excess_promotions`` (trials promoted beyond the quota of a rung, which can happen
            because the scheduler is asynchronous).
    """

    timing: Timing
    trials: tuple[TrialRecord, ...]
    front: tuple[FrontMember, ...]
    test_error: str
    resources: dict[str, Any]
    predicted: dict[str, float] | None
    epochs: pd.DataFrame = field(compare=False)
    counts: dict[str, int] = field(default_factory=dict)

    @cached_property
    def last_reports(self) -> pd.DataFrame:
        """The last report of every trial that reported: a row per trial, in their order."""
        return self.epochs.sort_values(["trial", "epoch"]).drop_duplicates("trial", keep="last")


@dataclass(frozen=True)
class RunRecord:
    """The complete record of a run.

    Args:
        run_id: The run's id; see `bench.matrix.matrix.Run`.
        spec: Everything that determines the run; see `bench.matrix.matrix.Run.spec`.
        labels: The ``searcher`` and ``scheduler`` under the names that the matrix gives them.
        objectives: The objectives with their reference values.
        started_at: The time of the start in UTC, as ISO 8601.
        command: The command that made the run.
        environment: The machine and the software; see `bench.records.environment`.
        data: The data set's ``name`` and its checksum, ``sha256``.
        result: The run's result; None if the run failed.
        error: The traceback of a failed run; empty otherwise.
        space: The search space: name of each parameter → its attributes, see
            `bench.records.definitions`. None in the records of older versions.
    """

    run_id: str
    spec: dict[str, Any]
    labels: dict[str, str]
    objectives: tuple[Objective, ...]
    started_at: str
    command: str
    environment: dict[str, Any]
    data: dict[str, str]
    result: RunResult | None = None
    error: str = ""
    space: dict[str, dict[str, Any]] | None = None

    @property
    def finished(self) -> bool:
        """Whether the run ended with a result."""
        return self.result is not None

    @property
    def reason(self) -> str:
        """The last line of the error; empty if there is no error."""
        return self.error.strip().rpartition("\n")[2]

    @property
    def objective_set(self) -> ObjectiveSet:
        """The objectives as an objective set."""
        return ObjectiveSet(self.objectives)

    @cached_property
    def observed(self) -> Observed:
        """What a finished run has observed at its end; it is computed once."""
        assert self.result is not None, "only finished runs have results"
        alive = [trial.trial for trial in self.result.trials if trial.status != "failed"]
        return observed(self.result.last_reports, alive, self.objective_set)

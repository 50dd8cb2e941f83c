"""What is kept of a run: its trials, where its time went, what made it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from mobo_core.objectives import Objective, ObjectiveSet

TrialStatus = Literal["completed", "stopped", "failed"]


@dataclass(frozen=True)
class TrialRecord:
    """What became of one trial.

    Args:
        trial: Number within the run, 0-based, in the order of suggestion.
        status: ``completed`` (full budget), ``stopped`` (by the scheduler) or ``failed``
            (an error, or objectives that are not finite).
        epochs: Epochs trained and reported.
        config: The configuration.
        origin: Which part of the searcher suggested it.
        suggestion_s: Seconds the suggestion took.
        error: Why it failed; empty otherwise.
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
    """Where the time of a run went, in seconds; slot-seconds add up over the slots.

    Args:
        wall_s: From the start of the search to its end.
        training_slot_s: Training and validating.
        startup_slot_s: Building models and optimisers, trial by trial. Training processes, their
            imports and their data are started once a matrix, before any run, and are not in here.
        idle_slot_s: The rest of slots × wall: waiting for suggestions, for Tune, for the trials'
            own light processes where those were not there before the search
            (`bench.execution.ray.warm_processes`).
        suggestion_s: In the searcher; overlaps with the above, and blocks Tune's loop unless
            suggestions are made ahead.
        test_s: Measuring the final front on test data, after the search.
    """

    wall_s: float
    training_slot_s: float
    startup_slot_s: float
    idle_slot_s: float
    suggestion_s: float
    test_s: float

    @property
    def effective_utilisation(self) -> float:
        """Share of slots × wall that trained, 0–1."""
        total = self.training_slot_s + self.startup_slot_s + self.idle_slot_s
        return self.training_slot_s / total if total > 0 else 0.0


@dataclass(frozen=True)
class FrontMember:
    """A trial of the final front on test data.

    Args:
        trial: Number within the run.
        metrics: Test metrics after as many epochs as the trial had.
        repeated: Whether training it again gave the recorded objectives bit for bit.
    """

    trial: int
    metrics: dict[str, float]
    repeated: bool


@dataclass(frozen=True)
class RunResult:
    """What a backend gives back of a run.

    Args:
        timing: Where the time went.
        trials: In order of suggestion.
        front: The final front on test data.
        test_error: Why the final front could not be tested; empty otherwise.
        resources: Cores and GPUs per trial, and the cluster joined if any; or the number of
            simulated workers.
        predicted: ``hypervolume`` and ``front_size`` of what the searcher's model predicts of its
            front (the paper's kind of hypervolume); None without a model.
        epochs: A row per report: trial, configuration (``config_…``), metrics, ``reported_s``.
        counts: What the scheduler counted: ``resumes`` (trials restored from a checkpoint),
            ``excess_promotions`` (beyond n/η of a rung, which asynchrony allows).
    """

    timing: Timing
    trials: tuple[TrialRecord, ...]
    front: tuple[FrontMember, ...]
    test_error: str
    resources: dict[str, Any]
    predicted: dict[str, float] | None
    epochs: pd.DataFrame = field(compare=False)
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RunRecord:
    """All that is kept of a run.

    Args:
        run_id: See `bench.matrix.matrix.Run`.
        spec: See `bench.matrix.matrix.Run.spec`.
        labels: ``searcher`` and ``scheduler`` as the matrix calls them.
        objectives: With their reference values.
        started_at: UTC, ISO 8601.
        command: That made it.
        environment: See `bench.records.environment`.
        data: Name and checksum of the data set.
        result: None if the run failed.
        error: Traceback of a failed run.
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

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.result is not None

    @property
    def reason(self) -> str:
        """The last line of the error; empty without one."""
        return self.error.strip().rpartition("\n")[2]

    @property
    def objective_set(self) -> ObjectiveSet:
        """The objectives as a set."""
        return ObjectiveSet(self.objectives)

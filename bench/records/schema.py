"""What ``run.json`` must hold to be a record, and its epochs: checked before either is used."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from pydantic import AwareDatetime, BaseModel

from bench.records.record import FrontMember, RunResult, Timing, TrialRecord
from mobo_core.objectives import Objective

EPOCH_COLUMNS = ("trial", "epoch", "seconds", "startup_s", "reported_s")
"""Of every record, beside the objectives and the configuration."""


class _Budget(BaseModel):
    trials: int
    max_epochs: int
    slots: int


class _Spec(BaseModel):
    objectives: list[str]
    budget: _Budget
    seed: int


class _Labels(BaseModel):
    searcher: str
    scheduler: str


class _Data(BaseModel):
    name: str
    sha256: str


class _Environment(BaseModel):
    versions: dict[str, str]
    python: str
    processor: str
    cores: int
    gpus: list[str]
    git_commit: str
    lock_sha256: str


class _Resources(BaseModel):
    address: str | None = None
    cpus_per_trial: float = 1
    gpus_per_trial: float = 0
    workers_per_trial: int = 1
    simulated_workers: int = 0


class _Predicted(BaseModel):
    hypervolume: float
    front_size: int


class _Result(BaseModel):
    timing: Timing
    trials: list[TrialRecord]
    front: list[FrontMember]
    test_error: str
    resources: _Resources
    predicted: _Predicted | None
    counts: dict[str, int] = {}


class _Run(BaseModel):
    run_id: str
    spec: _Spec
    labels: _Labels
    objectives: list[Objective]
    started_at: AwareDatetime
    command: str
    environment: _Environment
    data: _Data
    result: _Result | None
    error: str


def check_run(text: str) -> None:
    """See that a ``run.json`` has every value a record needs, each of its type.

    Raises:
        ValueError: If not.
    """
    _Run.model_validate_json(text, strict=True)


def check_result(result: RunResult, objectives: Sequence[str]) -> None:
    """See that trials and epochs are of one run, and the epochs hold the numbers a record needs.

    Raises:
        ValueError: If not.
    """
    numbers = [trial.trial for trial in result.trials]
    if not numbers or numbers != list(range(len(numbers))):
        raise ValueError(f"its trials must be 0, 1, 2, …, got {numbers}")
    for name in (*EPOCH_COLUMNS, *objectives):
        if name not in result.epochs:
            raise ValueError(f"its epochs have no column {name!r}")
        if not pd.api.types.is_numeric_dtype(result.epochs[name]):
            raise ValueError(f"column {name!r} of its epochs holds no numbers")
    reached = result.epochs.groupby("trial")["epoch"].max()
    recorded = {trial.trial: trial.epochs for trial in result.trials if trial.epochs}
    members = {member.trial for member in result.front}
    if reached.to_dict() != recorded or not members <= set(recorded):
        raise ValueError("its epochs are of other trials")

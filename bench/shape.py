"""What ``run.json`` must hold to be a record, and its epochs: checked before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
from pydantic import BaseModel

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


class _Objective(BaseModel):
    name: str
    goal: str
    reference: float
    unit: str
    exact: bool
    ideal: float | None


class _Timing(BaseModel):
    wall_s: float
    training_slot_s: float
    startup_slot_s: float
    idle_slot_s: float
    suggestion_s: float
    test_s: float


class _Trial(BaseModel):
    trial: int
    status: str
    epochs: int
    config: dict[str, Any]
    origin: str
    suggestion_s: float
    error: str


class _Member(BaseModel):
    trial: int
    metrics: dict[str, float]
    repeated: bool


class _Result(BaseModel):
    timing: _Timing
    trials: list[_Trial]
    front: list[_Member]
    test_error: str
    resources: dict[str, Any]
    predicted: dict[str, float] | None


class _Run(BaseModel):
    run_id: str
    spec: _Spec
    labels: _Labels
    objectives: list[_Objective]
    started_at: datetime
    command: str
    environment: _Environment
    data: _Data
    result: _Result | None
    error: str


def check_run(text: str) -> None:
    """See that a ``run.json`` has every value a record needs, each of its type; more is allowed.

    Raises:
        ValueError: If not.
    """
    _Run.model_validate_json(text, strict=True)


def check_epochs(epochs: pd.DataFrame, objectives: Sequence[str]) -> None:
    """See that a table of epochs has the columns a record needs, with numbers in them.

    Raises:
        ValueError: If not.
    """
    for name in (*EPOCH_COLUMNS, *objectives):
        if name not in epochs:
            raise ValueError(f"its epochs have no column {name!r}")
        if not pd.api.types.is_numeric_dtype(epochs[name]):
            raise ValueError(f"column {name!r} of its epochs holds no numbers")

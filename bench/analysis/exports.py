"""Export recorded runs to the formats of other tools: CSV, Parquet, Ax and TensorBoard."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis import aggregate
from bench.errors import UserError
from bench.records.record import RunRecord, TrialRecord
from mobo_core.space import SearchSpace

if TYPE_CHECKING:
    from ax.api.client import Client


def tables(recorded: Sequence[RunRecord]) -> dict[str, pd.DataFrame]:
    """Return tidy tables of the finished runs, joined by ``run_id``.

    Args:
        recorded: The runs to export. Runs that have not finished are left out.

    Returns:
        Three tables by name. ``runs`` has a row per run, see `aggregate.summarise`. ``trials`` has
        a row per trial with its status, epochs, origin, error and configuration. ``epochs`` has a
        row per report.
    """
    finished = [record for record in recorded if record.finished]
    return {
        "runs": aggregate.summarise(finished),
        "trials": pd.concat([_trials(record) for record in finished], ignore_index=True),
        "epochs": pd.concat([_epochs(record) for record in finished], ignore_index=True),
    }


def write_csv(recorded: Sequence[RunRecord], folder: Path) -> list[Path]:
    """Write ``runs.csv``, ``trials.csv`` and ``epochs.csv`` with numbers in full precision."""
    return _write_tables(recorded, folder, "csv", lambda t, path: t.to_csv(path, index=False))


def write_parquet(recorded: Sequence[RunRecord], folder: Path) -> list[Path]:
    """Write ``runs.parquet``, ``trials.parquet`` and ``epochs.parquet``."""
    return _write_tables(
        recorded, folder, "parquet", lambda t, path: t.to_parquet(path, index=False)
    )


def write_ax(recorded: Sequence[RunRecord], space: SearchSpace, folder: Path) -> list[Path]:
    """Write one JSON file per finished run, for ``ax.api.client.Client.load_from_json_file``.

    Ax receives every trial with its configuration and status. It receives every report with its
    epoch as the progression.

    Raises:
        UserError: If a configuration does not lie in the space.
    """
    paths = []
    for record in recorded:
        if record.finished:
            paths.append(folder / f"{record.run_id}.json")
            ax_client(record, space).save_to_json_file(str(paths[-1]))
    return paths


def write_tensorboard(recorded: Sequence[RunRecord], folder: Path) -> list[Path]:
    """Write one folder of event files per trial, with every objective and metric over the epochs.

    Raises:
        UserError: If tensorboardX is missing. Ray Tune installs it.
    """
    if util.find_spec("tensorboardX") is None:
        raise UserError("--format tensorboard needs tensorboardX: pip install tensorboardX")
    from tensorboardX import SummaryWriter

    paths = []
    for record in recorded:
        if record.result is None:
            continue
        started = datetime.fromisoformat(record.started_at).timestamp()
        named = {"trial", "epoch", "reported_s"}
        for trial, reports in record.result.epochs.groupby("trial"):
            paths.append(folder / record.run_id / f"trial-{trial:03d}")
            with SummaryWriter(logdir=str(paths[-1]), write_to_disk=True) as writer:
                for row in reports.to_dict("records"):
                    for name, value in row.items():
                        if name not in named and not str(name).startswith("config_"):
                            at = started + row["reported_s"]
                            writer.add_scalar(str(name), value, row["epoch"], walltime=at)
    return paths


def _write_tables(
    recorded: Sequence[RunRecord],
    folder: Path,
    suffix: str,
    write: Callable[[pd.DataFrame, Path], object],
) -> list[Path]:
    """Write every table to the folder and return the files' paths."""
    paths = []
    for name, table in tables(recorded).items():
        paths.append(folder / f"{name}.{suffix}")
        write(table, paths[-1])
    return paths


def _identity(record: RunRecord) -> dict[str, Any]:
    """Return the columns that identify a run in every table."""
    return {
        "run_id": record.run_id,
        "scheduler": record.labels["scheduler"],
        "searcher": record.labels["searcher"],
        "objectives": "+".join(record.spec["objectives"]),
        "seed": record.spec["seed"],
    }


def _trials(record: RunRecord) -> pd.DataFrame:
    """Return a row per trial of a run."""
    assert record.result is not None
    return pd.DataFrame(
        [
            _identity(record)
            | {
                "trial": trial.trial,
                "status": trial.status,
                "epochs": trial.epochs,
                "origin": trial.origin,
                "suggestion_s": trial.suggestion_s,
                "error": trial.error,
            }
            | {f"config_{name}": value for name, value in trial.config.items()}
            for trial in record.result.trials
        ]
    )


def _epochs(record: RunRecord) -> pd.DataFrame:
    """Return a row per report of a run."""
    assert record.result is not None
    epochs = record.result.epochs
    return pd.concat([pd.DataFrame(_identity(record), index=epochs.index), epochs], axis=1)


def ax_client(record: RunRecord, space: SearchSpace, *, every_report: bool = True) -> Client:
    """Return an Ax client that holds the experiment of a finished run.

    Args:
        record: The finished run.
        space: The search space that contains the run's configurations.
        every_report: If true, Ax receives each report with its epoch. If false, Ax receives only
            the last report of each trial, as the trial's value. A searcher's model of final
            values learns from these.

    Raises:
        UserError: If a configuration does not lie in the space.
    """
    from ax.exceptions.core import AxError

    from mobo_core.tune.searchers.ax_experiment import new_client

    assert record.result is not None
    client = new_client(record.objective_set, space, seed=record.spec["seed"])
    client.configure_generation_strategy()  # Ax's analyses and fronts require one
    reports = dict(iter(record.result.epochs.groupby("trial")))
    for trial in record.result.trials:
        try:
            index = client.attach_trial(trial.config)
        except (AxError, ValueError) as error:
            raise UserError(
                f"trial {trial.trial} of {record.run_id} does not lie in the search space of this "
                f"version ({error}); export with the version that recorded it"
            ) from error
        mine = reports.get(trial.trial, pd.DataFrame()).to_dict("records")
        _tell(client, index, record, trial, mine if every_report else mine[-1:], every_report)
    return client


def _tell(
    client: Client,
    index: int,
    record: RunRecord,
    trial: TrialRecord,
    reports: Sequence[Mapping[Any, Any]],
    over_epochs: bool,
) -> None:
    """Attach a trial's finite reports to Ax, and mark how the trial ended."""
    for report in reports:
        data: dict[str, float | tuple[float, float]] = {}
        for objective in record.objectives:
            value = float(report[objective.name])
            data[objective.name] = (value, 0.0) if objective.exact else value
        if all(math.isfinite(float(report[o.name])) for o in record.objectives):
            client.attach_data(index, data, int(report["epoch"]) if over_epochs else None)
    if trial.status == "failed":
        client.mark_trial_failed(index, failed_reason=trial.error or None)
    elif not trial.epochs:  # ended before its first report: Ax calls this abandoned
        client.mark_trial_abandoned(index)
    elif trial.status == "stopped":
        client.mark_trial_early_stopped(index)
    else:
        client.complete_trial(index)

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
from bench.records import columns, plain
from bench.records.record import RunRecord, TrialRecord
from mobo_core.seeding import canonical_json
from mobo_core.space import ChoiceParameter, SearchSpace

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
        "trials": _joined([_trials(record) for record in finished]),
        "epochs": _joined([_epochs(record) for record in finished]),
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

    Metrics that are no numbers are left out: TensorBoard has no curves of them.

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
        epochs = record.result.epochs
        shown = [
            str(name)
            for name in epochs.select_dtypes(["number", "bool"]).columns
            if name not in {*columns.OWN, "epoch"} and not str(name).startswith(columns.CONFIG)
        ]
        for trial, reports in epochs.groupby("trial"):
            paths.append(folder / record.run_id / f"trial-{trial:03d}")
            with SummaryWriter(logdir=str(paths[-1]), write_to_disk=True) as writer:
                for row in reports.to_dict("records"):
                    for name in shown:
                        at = started + row["reported_s"]
                        writer.add_scalar(name, row[name], row["epoch"], walltime=at)
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
    return plain.frame(
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
            | {columns.of_parameter(name): value for name, value in columns.flat(trial.config)}
            for trial in record.result.trials
        ],
        numeric=(),
    )


def _epochs(record: RunRecord) -> pd.DataFrame:
    """Return a row per report of a run.

    A metric that is called like a column of the run's identity is exported as ``metric_…``.
    """
    assert record.result is not None
    epochs = record.result.epochs
    taken = {name: columns.of_metric(name) for name in columns.IDENTITY if name in epochs}
    identity = pd.DataFrame(_identity(record), index=epochs.index)
    return pd.concat([identity, epochs.rename(columns=taken)], axis=1)


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all tables; a column that has two types in them is text in the result."""
    joined = pd.concat(tables, ignore_index=True)
    mixed = [str(name) for name in joined.columns if joined[name].dtype == object]
    rows = [dict(zip(mixed, row, strict=True)) for row in joined[mixed].itertuples(index=False)]
    return joined.assign(**plain.frame(rows, numeric=())) if mixed else joined


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

    from mobo_core.tune.searchers.ax_experiment import metric_names, new_client
    from mobo_core.tune.searchers.ax_space import AxSpace

    assert record.result is not None
    coding = AxSpace(space)
    metrics = metric_names(record.objective_set)
    client = new_client(record.objective_set, coding, seed=record.spec["seed"])
    client.configure_generation_strategy()  # Ax's analyses and fronts require one
    reports = dict(iter(record.result.epochs.groupby("trial")))
    for trial in record.result.trials:
        try:
            index = client.attach_trial(coding.encode(space_values(trial.config, space)))
        except (AxError, ValueError) as error:
            raise UserError(
                f"trial {trial.trial} of {record.run_id} does not lie in the search space of this "
                f"version ({error}); export with the version that recorded it"
            ) from error
        mine = reports.get(trial.trial, pd.DataFrame()).to_dict("records")
        told = _data(record, metrics, mine if every_report else mine[-1:])
        _tell(client, index, trial, told, every_report)
    return client


def space_values(config: Mapping[str, Any], space: SearchSpace) -> dict[str, Any]:
    """Return a recorded configuration with the flat names and the values of a search space.

    A record holds nested configurations, and text for values that are no plain ones.

    Args:
        config: A configuration from a record.
        space: The search space that contains it.

    Raises:
        ValueError: If a parameter has no value, or one that the space does not offer.
    """
    found: dict[str, Any] = {}
    for parameter in space.parameters:
        if not space.exists(parameter, found):
            continue
        value = _at(config, parameter.name)
        if isinstance(parameter, ChoiceParameter):
            offered = {canonical_json(plain.value(each)): each for each in parameter.values}
            text = canonical_json(plain.value(value))
            if text not in offered:
                raise ValueError(f"{value!r} is no value of parameter {parameter.name!r}")
            value = offered[text]
        found[parameter.name] = value
    return found


def _at(config: Mapping[str, Any], name: str) -> Any:
    """Return the value of a flat name in a configuration, which may be nested.

    Raises:
        ValueError: If there is none.
    """
    if name in config:
        return config[name]
    head, _, rest = name.partition("/")
    if rest and isinstance(inner := config.get(head), Mapping):
        return _at(inner, rest)
    raise ValueError(f"parameter {name!r} has no value")


def _data(
    record: RunRecord, metrics: Mapping[str, str], reports: Sequence[Mapping[Any, Any]]
) -> list[tuple[int, dict[str, float | tuple[float, float]]]]:
    """Return the epoch and Ax's data of every report whose objectives are finite."""
    told = []
    for report in reports:
        values = {o: float(report[o.name]) for o in record.objectives}
        if all(map(math.isfinite, values.values())):
            data: dict[str, float | tuple[float, float]] = {
                metrics[o.name]: (value, 0.0) if o.exact else value for o, value in values.items()
            }
            told.append((int(report["epoch"]), data))
    return told


def _tell(
    client: Client,
    index: int,
    trial: TrialRecord,
    told: Sequence[tuple[int, dict[str, float | tuple[float, float]]]],
    over_epochs: bool,
) -> None:
    """Attach a trial's data to Ax, and mark how the trial ended."""
    for epoch, data in told:
        client.attach_data(index, data, epoch if over_epochs else None)
    if trial.status == "failed":
        client.mark_trial_failed(index, failed_reason=trial.error or None)
    elif not trial.epochs:  # ended before its first report: Ax calls this abandoned
        client.mark_trial_abandoned(index)
    elif trial.status == "stopped":
        client.mark_trial_early_stopped(index)
    else:
        client.complete_trial(index)

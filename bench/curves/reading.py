"""Read the learning curves of any source: find out what it is, and call its reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from bench.curves import mlflow_exports, tables, tensorboard_logs, wandb_exports
from bench.curves.columns import read_table
from bench.curves.curve import Found
from bench.curves.options import SourceOptions
from bench.errors import UserError

TABLES = (".csv", ".parquet", ".tsv", ".gz")
"""Endings of the files that are read as tables."""
EXPECTED = (
    "expected a Ray Tune experiment, a CSV or Parquet file (or a folder of such), a database of "
    "Optuna, a folder of TensorBoard's event files, or CSV exports of W&B or MLflow"
)


def read(sources: Sequence[str], options: SourceOptions) -> Found:
    """Return the learning curves of a source.

    Args:
        sources: One path or URL, or several files that together are one source.
        options: The source's format and the names in it.

    Raises:
        UserError: If there is no such source, or it holds no curves.
    """
    if len(sources) == 1 and "://" in sources[0]:
        return _checked(_optuna(sources[0], options), sources)
    paths = [Path(source).expanduser() for source in sources]
    if missing := [path for path in paths if not path.exists()]:
        raise UserError(f"there is no {missing[0]}; {EXPECTED}")
    if len(paths) == 1 and paths[0].is_dir():
        found = _folder(paths[0], options)
    else:
        found = _files(paths, options)
    return _checked(found, sources)


def _checked(found: Found, sources: Sequence[str]) -> Found:
    if not any(curve.metrics for curve in found.curves):
        raise UserError(
            f"no trial in {', '.join(sources)} has a metric with steps, so there is no learning "
            "curve to replay"
        )
    return found


def _folder(folder: Path, options: SourceOptions) -> Found:
    """Return the curves of a folder."""
    if _takes(options, "tune", lambda: _is_experiment(folder)):
        from bench.curves import tune_experiments

        return tune_experiments.read(folder, options)
    if _takes(options, "tensorboard", lambda: bool(tensorboard_logs.folders(folder))):
        return tensorboard_logs.read(folder, options)
    files = sorted(path for path in folder.rglob("*") if path.suffix in TABLES and path.is_file())
    if not files:
        hint = (
            "; export the runs of MLflow as CSV first: the page of a metric has a button"
            if any(folder.rglob("meta.yaml"))
            else ""
        )
        raise UserError(f"{folder} holds no learning curves{hint}; {EXPECTED}")
    return _files(files, options, folder.resolve().name)


def _files(paths: Sequence[Path], options: SourceOptions, name: str = "") -> Found:
    """Return the curves of one or more files."""
    if folders := [path for path in paths if path.is_dir()]:
        raise UserError(f"{folders[0]} is a folder: give one folder, or files only")
    name = name or (paths[0].name if len(paths) == 1 else f"{len(paths)} files")
    if len(paths) == 1 and _takes(options, "optuna", lambda: _is_study(paths[0])):
        return _optuna(str(paths[0]), options)
    if strange := [path for path in paths if path.suffix not in TABLES]:
        raise UserError(f"cannot tell what {strange[0]} is; {EXPECTED}")
    sorted_out = _Exports()
    for path in paths:
        sorted_out.add(path, read_table(path))
    if _takes(options, "wandb", lambda: bool(sorted_out.plots)):
        return sorted_out.wandb(name, options)
    if _takes(options, "mlflow", lambda: bool(sorted_out.histories)):
        return sorted_out.mlflow(name, options)
    sorted_out.refuse_tables_of_runs()
    return tables.read(sorted_out.others or paths, name, options)


def _takes(options: SourceOptions, kind: str, looks_like: Callable[[], bool]) -> bool:
    """Return whether a source is read as a kind: the user says so, or it looks like it."""
    return options.format == kind or (options.format == "auto" and looks_like())


def _is_experiment(folder: Path) -> bool:
    """Return whether a folder holds an experiment of Ray Tune."""
    return any(folder.glob("experiment_state-*.json")) or any(folder.glob("*/result.json"))


def _is_study(path: Path) -> bool:
    if path.suffix in TABLES:
        return False
    from bench.curves import optuna_studies

    return optuna_studies.is_study(path)


def _optuna(source: str, options: SourceOptions) -> Found:
    from bench.curves import optuna_studies

    return optuna_studies.read(source, options)


@dataclass
class _Exports:
    """Tables by the tool that has exported them."""

    plots: list[tuple[Path, pd.DataFrame]] = field(default_factory=list)
    wandb_runs: list[pd.DataFrame] = field(default_factory=list)
    histories: list[pd.DataFrame] = field(default_factory=list)
    mlflow_runs: list[pd.DataFrame] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)

    def add(self, path: Path, table: pd.DataFrame) -> None:
        """Put a table where it belongs."""
        columns = list(table.columns)
        if mlflow_exports.is_history(columns):
            self.histories.append(table)
        elif wandb_exports.is_plot(columns):
            self.plots.append((path, table))
        elif wandb_exports.is_runs(columns):
            self.wandb_runs.append(table)
        elif mlflow_exports.is_runs(columns):
            self.mlflow_runs.append(table)
        else:
            self.others.append(path)

    def wandb(self, name: str, options: SourceOptions) -> Found:
        """Return the curves of exports of W&B."""
        self._refuse(self.others)
        if not self.plots:
            raise UserError(
                "none of the files is a line plot's export of W&B, with columns like 'RUN - "
                "METRIC'; open a line plot's menu and choose 'Export to CSV'"
            )
        return wandb_exports.read(self.plots, self.wandb_runs, name, options)

    def mlflow(self, name: str, options: SourceOptions) -> Found:
        """Return the curves of exports of MLflow."""
        self._refuse(self.others)
        if not self.histories:
            raise UserError(
                "none of the files is the history of a metric, with the columns run_id, key, value "
                "and step; the page of a metric in MLflow has the button 'Download data as CSV'"
            )
        return mlflow_exports.read(self.histories, self.mlflow_runs, name, options)

    def refuse_tables_of_runs(self) -> None:
        """Raise an error if there are tables of runs and nothing else: they have no curves."""
        if self.wandb_runs and not self.others:
            raise UserError(
                "a table of runs of W&B has the last values only: give the exports of line plots, "
                "one for each objective, with it"
            )
        if self.mlflow_runs and not self.others and not _has_steps(self.mlflow_runs):
            raise UserError(
                "a table of MLflow's search_runs has the last values only: give the histories of "
                "the metrics (CSV with run_id, key, value, step) with it"
            )

    def _refuse(self, strange: Iterable[Path]) -> None:
        for path in strange:
            raise UserError(f"{path} is no export of the same tool as the other files")


def _has_steps(runs: Iterable[pd.DataFrame]) -> bool:
    return any({"step", "epoch"} & set(table.columns) for table in runs)

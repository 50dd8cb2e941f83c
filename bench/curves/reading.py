"""Read the learning curves of any source: find out what it is, and call its reader."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.curves import mlflow_exports, tables, tensorboard_logs, wandb_exports
from bench.curves.columns import read_table
from bench.curves.curve import Found
from bench.curves.options import SourceOptions, flag
from bench.errors import UserError

TABLES = (".csv", ".parquet", ".tsv", ".gz")
"""Endings of the files that are read as tables."""
EXPECTED = (
    "expected a Ray Tune experiment, a CSV or Parquet file (or a folder of such), a database of "
    "Optuna, a folder of TensorBoard's event files, or CSV exports of W&B or MLflow"
)
NAMES = {"table": "a table", "wandb": "an export of W&B", "mlflow": "an export of MLflow"}
"""Format of tables → what a file of it is."""


@dataclass(frozen=True)
class _Source:
    """What a user gave.

    Args:
        given: The paths as they were given, or one URL.
        paths: The paths; empty for a URL.
    """

    given: tuple[str, ...]
    paths: tuple[Path, ...]

    def __str__(self) -> str:
        return ", ".join(self.given)

    @property
    def folder(self) -> Path | None:
        """The path if it is one folder."""
        return self.paths[0] if len(self.paths) == 1 and self.paths[0].is_dir() else None

    @property
    def name(self) -> str:
        """A short name."""
        if self.folder is not None:
            return self.folder.resolve().name
        return self.paths[0].name if len(self.paths) == 1 else f"{len(self.paths)} files"

    def files(self) -> list[Path]:
        """Return the files that are read as tables, those of a folder sorted.

        Raises:
            UserError: If there is none, or a file is something else.
        """
        if self.folder is None:
            if strange := [path for path in self.paths if path.suffix not in TABLES]:
                raise UserError(f"cannot tell what {strange[0]} is; {EXPECTED}")
            return list(self.paths)
        inside = sorted(self.folder.rglob("*"))
        files = [path for path in inside if path.suffix in TABLES and path.is_file()]
        if not files:
            hint = (
                "; export the runs of MLflow as CSV first: the page of a metric has a button"
                if any(self.folder.rglob("meta.yaml"))
                else ""
            )
            raise UserError(f"{self} holds no learning curves{hint}; {EXPECTED}")
        return files

    @functools.cached_property
    def tables(self) -> list[tuple[Path, pd.DataFrame]]:
        """Return the path and the content of each file."""
        return [(path, read_table(path)) for path in self.files()]


@dataclass(frozen=True)
class _Format:
    """A kind of source.

    Args:
        read: Its reader.
        takes: The options that its reader uses, besides the format.
        expects: What a source of the kind is.
        fits: Whether a source may be of the kind.
    """

    read: Callable[[_Source, SourceOptions], Found]
    takes: frozenset[str]
    expects: str
    fits: Callable[[_Source], bool]


def read(sources: Sequence[str], options: SourceOptions) -> Found:
    """Return the learning curves of a source.

    Args:
        sources: One path or URL, or several files that together are one source.
        options: The source's format and the names in it.

    Raises:
        UserError: If there is no such source, it holds no curves, or an option does not fit it.
    """
    source = _opened(sources)
    if source.folder is not None and options.format in ("auto", "tune"):
        _check_one_experiment(source.folder, options)
    kind = _guessed(source) if options.format == "auto" else options.format
    form = FORMATS[kind]
    if not form.fits(source):
        raise UserError(f"--format {kind} takes {form.expects}, and {source} is none")
    for name in sorted(options.given() - form.takes):
        others = ", ".join(each for each, other in FORMATS.items() if name in other.takes)
        raise UserError(
            f"{flag(name)} says nothing about {source}, which is read as {kind}: it is for {others}"
        )
    found = form.read(source, options)
    if not any(curve.metrics for curve in found.curves):
        why = "".join(f"; column {name!r}: {reason}" for name, reason in found.unusable.items())
        raise UserError(
            f"no trial in {source} has a metric with steps, so there is no learning curve to "
            f"replay{why}"
        )
    return found


def _opened(sources: Sequence[str]) -> _Source:
    """Return the source of paths that exist, or of one URL."""
    if len(sources) == 1 and "://" in sources[0]:
        return _Source(tuple(sources), ())
    paths = tuple(Path(source).expanduser() for source in sources)
    if missing := [path for path in paths if not path.exists()]:
        raise UserError(f"there is no {missing[0]}; {EXPECTED}")
    if len(paths) > 1 and (folders := [path for path in paths if path.is_dir()]):
        raise UserError(f"{folders[0]} is a folder: give one folder, or files only")
    return _Source(tuple(sources), paths)


def _guessed(source: _Source) -> str:
    """Return the format of a source, from what is in its files."""
    if source.folder is not None:
        if _is_experiment(source.folder):
            return "tune"
        if tensorboard_logs.folders(source.folder):
            return "tensorboard"
    elif not source.paths or (len(source.paths) == 1 and _is_study(source.paths[0])):
        return "optuna"
    kinds = {_exported(list(table.columns))[0]: path for path, table in source.tables}
    if len(kinds) > 1:
        one, other, *_ = kinds.items()
        raise UserError(
            f"the files are of different kinds, {one[1]} is {NAMES[one[0]]} and {other[1]} is "
            f"{NAMES[other[0]]}: give files of one kind"
        )
    return next(iter(kinds))


def _is_experiment(folder: Path) -> bool:
    """Return whether a folder holds an experiment of Ray Tune."""
    return any(folder.glob("experiment_state-*.json")) or any(folder.glob("*/result.json"))


def _check_one_experiment(folder: Path, options: SourceOptions) -> None:
    """Refuse a folder around experiments of Ray Tune: their trials are not one search.

    Every trial of Tune has event files and a table, too, so that without this check the trials of
    all experiments, and other logs beside them, would be read as one source.

    Raises:
        UserError: Its message names one of the experiments.
    """
    if _is_experiment(folder):
        return
    if inside := _experiments(folder):
        one = "it, which is" if len(inside) == 1 else "one of them, for example"
        other = ", or say with --format what else it is" if options.format == "auto" else ""
        raise UserError(
            f"{folder} is not an experiment but holds {len(inside)}: give the folder of {one} "
            f"{inside[-1]}{other}"
        )


def _experiments(folder: Path) -> list[Path]:
    """Return the experiments of Ray Tune at any depth below a folder, sorted."""
    found = {path.parent for path in folder.rglob("experiment_state-*.json")}
    found |= {path.parent.parent for path in folder.rglob("result.json")}
    return sorted(path for path in found if folder in path.parents)


def _is_study(path: Path) -> bool:
    if path.suffix in TABLES:
        return False
    from bench.curves import optuna_studies

    return optuna_studies.is_study(path)


def _exported(columns: Sequence[str]) -> tuple[str, str]:
    """Return which tool exported a table with these columns, and whether of curves or of runs."""
    if mlflow_exports.is_history(columns):
        return "mlflow", "curves"
    if wandb_exports.is_plot(columns):
        return "wandb", "curves"
    if wandb_exports.is_runs(columns):
        return "wandb", "runs"
    if mlflow_exports.is_runs(columns):
        return "mlflow", "runs"
    return "table", "curves"


def _sorted_out(
    source: _Source, tool: str
) -> tuple[list[tuple[Path, pd.DataFrame]], list[pd.DataFrame]]:
    """Return a tool's exported curves, and its tables of runs.

    Raises:
        UserError: If a file is something else.
    """
    curves, runs = [], []
    for path, table in source.tables:
        kind, what = _exported(list(table.columns))
        if kind != tool:
            raise UserError(f"{path} is {NAMES[kind]}, and --format {tool} takes {NAMES[tool]}")
        if what == "curves":
            curves.append((path, table))
        else:
            runs.append(table)
    return curves, runs


def _tune(source: _Source, options: SourceOptions) -> Found:
    from bench.curves import tune_experiments

    assert source.folder is not None, "the format takes folders only"
    return tune_experiments.read(source.folder, options)


def _tensorboard(source: _Source, options: SourceOptions) -> Found:
    assert source.folder is not None, "the format takes folders only"
    return tensorboard_logs.read(source.folder, options)


def _optuna(source: _Source, options: SourceOptions) -> Found:
    from bench.curves import optuna_studies

    return optuna_studies.read(str(source.paths[0]) if source.paths else source.given[0], options)


def _wandb(source: _Source, options: SourceOptions) -> Found:
    plots, runs = _sorted_out(source, "wandb")
    return wandb_exports.read(plots, runs, source.name, options)


def _mlflow(source: _Source, options: SourceOptions) -> Found:
    histories, runs = _sorted_out(source, "mlflow")
    return mlflow_exports.read([table for _, table in histories], runs, source.name, options)


def _table(source: _Source, options: SourceOptions) -> Found:
    return tables.read(source.tables, source.name, options)


def _is_folder(source: _Source) -> bool:
    return source.folder is not None


def _is_file_or_url(source: _Source) -> bool:
    return len(source.given) == 1 and source.folder is None


def _has_paths(source: _Source) -> bool:
    return bool(source.paths)


FORMATS: Mapping[str, _Format] = {
    "tune": _Format(
        _tune, frozenset({"time_attr"}), "the folder of one experiment of Ray Tune", _is_folder
    ),
    "table": _Format(
        _table,
        frozenset({"time_attr", "trial_column", "config"}),
        "CSV or Parquet files, or a folder of such",
        _has_paths,
    ),
    "optuna": _Format(
        _optuna, frozenset({"study"}), "one file or the URL of a storage", _is_file_or_url
    ),
    "tensorboard": _Format(
        _tensorboard, frozenset({"config"}), "one folder of event files", _is_folder
    ),
    "wandb": _Format(_wandb, frozenset({"config"}), "CSV files, or a folder of such", _has_paths),
    "mlflow": _Format(_mlflow, frozenset({"config"}), "CSV files, or a folder of such", _has_paths),
}
"""Format → its reader, and what it takes."""

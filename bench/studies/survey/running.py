"""A whole survey: what is missing is simulated, data set by data set, and kept as rows.

The folder of a survey has one Parquet file per data set. Each row names the commit it was made by
and a digest of its settings, so that a survey that was interrupted, or got more seeds or
schedulers, only makes what is missing. Rows whose settings have changed are left out, and made
again if they are wanted. A digest of settings says nothing about the code: the commits do, and the
report names them.
"""

from __future__ import annotations

import contextlib
import shlex
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console

from bench.errors import UserError
from bench.execution.parallel import in_processes
from bench.formatting import count, duration
from bench.matrix import catalogue, problems
from bench.matrix.matrix import ID_DIGITS, Component
from bench.matrix.surveys import REPLICATE, Survey, Unit
from bench.records import environment, files, folders
from bench.studies.survey.fronts import objective_sets_of
from bench.studies.survey.simulating import Request, simulated
from mobo_core.seeding import digest

PARTS = "datasets"
"""The folder of the data sets' rows."""
SAY_EVERY_S = 30.0
"""The seconds between two lines about the progress."""
KEYS = ["scheduler", "objectives", "seed"]
"""The columns that identify a row of a data set."""


@dataclass(frozen=True)
class Wanted:
    """The part of a survey that is wanted.

    Args:
        units: The data sets.
        seeds: The seeds.
        force: Whether rows that are there are made again.
    """

    units: Sequence[Unit]
    seeds: Sequence[int]
    force: bool = False


def check(survey: Survey, units: Sequence[Unit], data_dir: str) -> None:
    """Build every part of a survey for each data set, so that a mistake ends before any run.

    Args:
        survey: The survey.
        units: The data sets of it that are wanted.
        data_dir: The folder with the surrogates.

    Raises:
        UserError: If a part cannot be built, or data are missing; the message has the remedy.
    """
    for unit in {unit.problem: unit for unit in units}.values():
        problems.check_data(unit.problem, unit.dataset, data_dir)
    for unit in units:
        problem = problems.make(unit.problem, unit.dataset, data_dir, unit.budget.max_epochs)
        for names in objective_sets_of(unit, data_dir):
            context = catalogue.Context(
                problem.space,
                catalogue.make_objectives(problem, names),
                problem.max_epochs,
                unit.budget.slots,
                seed=0,
            )
            for scheduler in survey.schedulers:
                catalogue.make_scheduler(scheduler, context)


def make(
    survey: Survey, wanted: Wanted, folder: Path, data_dir: str, processes: int, console: Console
) -> None:
    """Simulate the runs of a survey that are missing in a folder.

    Args:
        survey: The survey.
        wanted: The part of it that is wanted.
        folder: The survey's folder.
        data_dir: The folder with the surrogates.
        processes: The number of data sets that are simulated at the same time.
        console: Where progress is shown.

    Raises:
        UserError: If the folder cannot be written, or another process writes to it.
    """
    with folders.held(folder):
        files.make_folder(folder / PARTS)
        requests = []
        for unit in wanted.units:
            _leave_stale_out(folder, unit, survey.schedulers)
            specs = _specs(survey.schedulers, unit, wanted.seeds, data_dir)
            have = set() if wanted.force else set(_read(folder, unit).get("spec", []))
            runs = tuple(run for run, spec in specs if spec not in have)
            if runs:
                requests.append(Request(unit, runs))
        missing = sum(len(request.runs) for request in requests)
        console.print(
            f"{survey.title}: {count(len(wanted.units), 'data set')}, {count(missing, 'run')} to "
            f"simulate in {folder}",
            markup=False,
        )
        done, began, said = 0, time.monotonic(), time.monotonic()
        made = in_processes(simulated, requests, (data_dir,), processes)
        with contextlib.closing(made):
            for request, rows in made:
                _store(folder, request.unit, rows, survey.schedulers)
                done += len(request.runs)
                now = time.monotonic()
                if now - said > SAY_EVERY_S or done == missing:
                    said = now
                    left = (now - began) / done * (missing - done)
                    console.print(
                        f"{done} of {missing} runs after {duration(now - began)}"
                        + (f", about {duration(left)} left" if done < missing else ""),
                        markup=False,
                    )


def _specs(
    schedulers: Iterable[Component], unit: Unit, seeds: Sequence[int], data_dir: str
) -> list[tuple[tuple[Component, tuple[str, ...], int], str]]:
    """Return the runs of a data set, each with the digest of its settings."""
    return [
        ((scheduler, names, seed), _spec(unit, scheduler, names, seed))
        for seed in seeds
        for names in objective_sets_of(unit, data_dir)
        for scheduler in schedulers
    ]


def _spec(unit: Unit, scheduler: Component, names: tuple[str, ...], seed: int) -> str:
    settings = {**unit.run(scheduler, names, seed).spec(), "label": scheduler.label}
    return digest(settings)[:ID_DIGITS]


def _leave_stale_out(folder: Path, unit: Unit, schedulers: Sequence[Component]) -> None:
    """Remove the rows of a data set that were made with other settings of the same scheduler."""
    rows = _read(folder, unit)
    if not len(rows):
        return
    components = {component.label: component for component in schedulers}
    keys = zip(*(rows[key] for key in KEYS), rows["spec"], strict=True)
    budget = _spec_of_budget(unit)
    current = [
        (
            label not in components
            or spec == _spec(unit, components[label], _names(names), int(seed))
        )
        and (label != REPLICATE or spec == budget)
        for label, names, seed, spec in keys
    ]
    if not all(current):
        with files.staged(_path(folder, unit)) as staging:
            rows[current].to_parquet(staging, index=False, compression="zstd")


def _names(label: str) -> tuple[str, ...]:
    return tuple(label.split("+"))


def _spec_of_budget(unit: Unit) -> str:
    """Return the digest of what the replicate's rows depend on."""
    return digest(unit.budget.to_json())[:ID_DIGITS]


def _path(folder: Path, unit: Unit) -> Path:
    return folder / PARTS / f"{unit.name}.parquet"


def _read(folder: Path, unit: Unit) -> pd.DataFrame:
    path = _path(folder, unit)
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame()


def _store(folder: Path, unit: Unit, rows: pd.DataFrame, schedulers: Sequence[Component]) -> None:
    """Add rows to those of a data set, in the place of older ones of the same run."""
    components = {component.label: component for component in schedulers}
    rows["spec"] = [
        _spec_of_budget(unit)
        if label == REPLICATE
        else _spec(unit, components[label], _names(names), int(seed))
        for label, names, seed in zip(*(rows[key] for key in KEYS), strict=True)
    ]
    present = environment.capture()
    rows["commit"] = present.git_commit
    rows["command"] = shlex.join(["mobo-bench", *sys.argv[1:]])
    rows["machine"] = f"Python {present.python} on {present.platform}, {present.processor}"
    rows["family"], rows["dataset"], rows["side"] = unit.family, unit.name, unit.side
    floats = rows.select_dtypes("float").columns
    rows[floats] = rows[floats].astype("float32")
    both = pd.concat([_read(folder, unit), rows]).drop_duplicates(KEYS, keep="last")
    with files.staged(_path(folder, unit)) as staging:
        both.to_parquet(staging, index=False, compression="zstd")


def rows_of(folder: Path) -> pd.DataFrame:
    """Return all rows of a survey's folder.

    Raises:
        UserError: If there are none.
    """
    parts = sorted((folder / PARTS).glob("*.parquet"))
    if not parts:
        raise UserError(f"{folder} has no rows of a survey: make them with 'mobo-bench survey run'")
    return pd.concat([pd.read_parquet(part) for part in parts], ignore_index=True)

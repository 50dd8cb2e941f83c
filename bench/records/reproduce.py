"""The command that reproduces one recorded run and no other."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from bench.errors import UserError
from bench.matrix.files import load_matrix, matrix_names
from bench.matrix.matrix import Budget, Matrix, Run
from bench.records.record import RunRecord

FOLDER = "results/again"
"""The folder for reproduced runs. Each gets its own subfolder, so no record is overwritten."""


def command(record: RunRecord, settings: Mapping[str, Any]) -> str | None:
    """Return the ``mobo-bench run …`` command that reproduces this run alone.

    Args:
        record: The run's record.
        settings: The settings of the matrix that the run belongs to, from its results folder.

    Returns:
        The command, quoted for a shell; None if this version cannot make exactly this run.
    """
    name = _matrix_name(record, settings)
    if name is None:
        return None
    try:
        chosen = load_matrix(name)
        run = _run(record, chosen, settings)
    except (UserError, KeyError, TypeError, ValueError):
        return None
    if run is None:
        return None
    parts = ["mobo-bench", "run", name, "--dataset", str(settings["dataset"])]
    parts += _given(record, "--data-dir")
    parts += ["--seeds", f"{run.seed},", "--only", f"{run.cell.label} / {run.cell.searcher.label}"]
    for option, key in (
        ("--trials", "trials"),
        ("--max-epochs", "max_epochs"),
        ("--slots", "slots"),
        ("--workers-per-trial", "workers_per_trial"),
    ):
        wanted = getattr(run.budget, key)
        if wanted != getattr(chosen.budget, key):
            parts += [option, str(wanted)]
    virtual = "virtual" in settings
    if virtual != (chosen.costs is not None):
        parts += ["--backend", "virtual" if virtual else "ray"]
    parts += _resources(record)
    return shlex.join([*parts, "--results", f"{FOLDER}/{record.run_id}"])


def _matrix_name(record: RunRecord, settings: Mapping[str, Any]) -> str | None:
    """Return the name of a matrix in the package, or the file that the recorded command names."""
    if settings["name"] in matrix_names():
        return str(settings["name"])
    files = [part for part in _words(record) if part.endswith(".toml")]
    return files[0] if files and PurePath(files[0]).stem == settings["name"] else None


def _run(record: RunRecord, chosen: Matrix, settings: Mapping[str, Any]) -> Run | None:
    """Return the matrix's run that has the record's id, or None.

    The id depends on everything that can change a result, so equal ids mean equal runs.
    """
    seen = replace(
        chosen.with_dataset(str(settings["dataset"])),
        problem=settings["problem"],  # in virtual time recorded curves may replace training
        budget=Budget(**settings["budget"]),
    )
    seen = seen.in_virtual_time() if "virtual" in settings else seen.in_real_time()
    runs = seen.runs([record.spec["seed"]])
    return next((run for run in runs if run.run_id == record.run_id), None)


def _resources(record: RunRecord) -> list[str]:
    """Return the options for a trial's resources where these are not the default (one core)."""
    if record.result is None:
        return []
    found = []
    for option, key, usual in (
        ("--cpus-per-trial", "cpus_per_trial", 1),
        ("--gpus-per-trial", "gpus_per_trial", 0),
    ):
        value = record.result.resources.get(key, usual)
        if value != usual:
            found += [option, f"{value:g}"]
    return found


def _given(record: RunRecord, option: str) -> list[str]:
    """Return an option of the recorded command with its value, or an empty list."""
    words = _words(record)
    for place, word in enumerate(words):
        if word == option and place + 1 < len(words):
            return [option, words[place + 1]]
        if word.startswith(f"{option}="):
            return [option, word.removeprefix(f"{option}=")]
    return []


def _words(record: RunRecord) -> list[str]:
    try:
        return shlex.split(record.command)
    except ValueError:  # a quotation mark is not closed
        return []

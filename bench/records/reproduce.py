"""The command that makes one recorded run again, and no other."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from bench.errors import UserError
from bench.matrix import matrix
from bench.matrix.matrix import Budget, Matrix, Run
from bench.records.record import RunRecord

FOLDER = "results/again"
"""Where runs are made again, each in a folder of its own: what is recorded stays."""


def command(record: RunRecord, settings: Mapping[str, Any]) -> str | None:
    """``mobo-bench run …`` for this run alone; None if this version has no such run.

    Args:
        record: Of the run.
        settings: Of the matrix whose results it lies in.
    """
    name = _matrix_name(record, settings)
    if name is None:
        return None
    try:
        chosen = matrix.load_matrix(name)
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
    """One that comes with the package, or the file that the recorded command names."""
    if settings["name"] in matrix.matrix_names():
        return str(settings["name"])
    files = [part for part in _words(record) if part.endswith(".toml")]
    return files[0] if files and PurePath(files[0]).stem == settings["name"] else None


def _run(record: RunRecord, chosen: Matrix, settings: Mapping[str, Any]) -> Run | None:
    """The run of the matrix that has the record's id, which says all that can change a result."""
    seen = replace(
        chosen.with_dataset(str(settings["dataset"])),
        problem=settings["problem"],  # in virtual time recorded curves stand for what trains
        budget=Budget(**settings["budget"]),
    )
    seen = seen.in_virtual_time() if "virtual" in settings else seen.in_real_time()
    runs = seen.runs([record.spec["seed"]])
    return next((run for run in runs if run.run_id == record.run_id), None)


def _resources(record: RunRecord) -> list[str]:
    """What each trial had, where that is not a core."""
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
    """An option of the recorded command with its value; empty without."""
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
    except ValueError:  # quotes that do not end
        return []

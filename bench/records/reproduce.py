"""The commands that reproduce one recorded run and no other."""

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


class Commands:
    """The ``mobo-bench run …`` commands that reproduce single runs of one results folder.

    Args:
        settings: The settings of the folder's matrix; see `bench.records.folders.read_settings`.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._in_package = settings["name"] in matrix_names()
        # A folder may hold thousands of runs: the runs of a matrix and seed are made only once.
        self._matrices: dict[str, Matrix | None] = {}
        self._runs: dict[tuple[str, int], dict[str, Run]] = {}

    def of(self, record: RunRecord) -> str | None:
        """Return the command that reproduces this run alone, quoted for a shell.

        It is None if this version cannot make exactly this run.
        """
        name = self._matrix_name(record)
        chosen = self._matrix(name) if name else None
        if name is None or chosen is None:
            return None
        try:
            # The id depends on everything that can change a result: equal ids mean equal runs.
            run = self._runs_of(name, chosen, record.spec["seed"]).get(record.run_id)
        except (UserError, KeyError, TypeError, ValueError):
            return None
        return self._words(record, name, chosen, run) if run else None

    def _matrix_name(self, record: RunRecord) -> str | None:
        """Return the name of the package's matrix, or the file that the command names."""
        if self._in_package:
            return str(self._settings["name"])
        files = [part for part in _split(record) if part.endswith(".toml")]
        return files[0] if files and PurePath(files[0]).stem == self._settings["name"] else None

    def _matrix(self, name: str) -> Matrix | None:
        if name not in self._matrices:
            try:
                self._matrices[name] = load_matrix(name)
            except (UserError, KeyError, TypeError, ValueError):
                self._matrices[name] = None
        return self._matrices[name]

    def _runs_of(self, name: str, chosen: Matrix, seed: int) -> dict[str, Run]:
        """Return run id → run of the folder's matrix with one seed."""
        if (name, seed) not in self._runs:
            seen = replace(
                chosen.with_dataset(str(self._settings["dataset"])),
                problem=self._settings["problem"],  # recorded curves may replace training
                budget=Budget(**self._settings["budget"]),
            )
            virtual = "virtual" in self._settings
            seen = seen.in_virtual_time() if virtual else seen.in_real_time()
            self._runs[name, seed] = {run.run_id: run for run in seen.runs([seed])}
        return self._runs[name, seed]

    def _words(self, record: RunRecord, name: str, chosen: Matrix, run: Run) -> str:
        parts = ["mobo-bench", "run", name, "--dataset", str(self._settings["dataset"])]
        parts += _given(record, "--data-dir")
        label = f"{run.cell.label} / {run.cell.searcher.label}"
        parts += ["--seeds", f"{run.seed},", "--only", label]
        for option, key in (
            ("--trials", "trials"),
            ("--max-epochs", "max_epochs"),
            ("--slots", "slots"),
            ("--workers-per-trial", "workers_per_trial"),
        ):
            wanted = getattr(run.budget, key)
            if wanted != getattr(chosen.budget, key):
                parts += [option, str(wanted)]
        virtual = "virtual" in self._settings
        if virtual != (chosen.costs is not None):
            parts += ["--backend", "virtual" if virtual else "ray"]
        parts += _resources(record)
        return shlex.join([*parts, "--results", f"{FOLDER}/{record.run_id}"])


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
    words = _split(record)
    for place, word in enumerate(words):
        if word == option and place + 1 < len(words):
            return [option, words[place + 1]]
        if word.startswith(f"{option}="):
            return [option, word.removeprefix(f"{option}=")]
    return []


def _split(record: RunRecord) -> list[str]:
    try:
        return shlex.split(record.command)
    except ValueError:  # a quotation mark is not closed
        return []

"""The gate: schedulers must not get slower or worse, and virtual runs must repeat bit for bit.

The matrix ``gate`` is run in virtual time: every scheduler, random search, paired seeds, every run
twice. Speed-ups and hypervolume gaps against FIFO of the same seed are compared, seed by seed, with
a committed reference. As nothing in it is left to chance, a difference is a change of the code (or,
in the last digits, of the processor). FIFO must not change at all: with other curves, costs or
rounds the comparison would mean nothing.
"""

from __future__ import annotations

import contextlib
import json
import math
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis import aggregate
from bench.analysis.aggregate import BASELINE
from bench.analysis.statistics import mean_interval
from bench.errors import UserError
from bench.execution import queue
from bench.execution.parallel import in_processes
from bench.execution.virtual import VirtualBackend
from bench.matrix.matrix import Matrix, Run, load_matrix
from bench.records import environment, files, storage
from bench.records.record import RunRecord

MARGINS = {"speedup": 0.05, "gap": 0.005}
"""What a cell may lose: of its speed-up, relatively; of FIFO's hypervolume, absolutely."""
DIGITS = 6
SAME = 1e-6
"""Relative difference of FIFO's figures that another processor may make."""
KEYS = {"seeds", "margins", "matrix", "baseline", "cells"}


@dataclass(frozen=True)
class Measurement:
    """What the matrix gave.

    Args:
        cells: ``scheduler / objectives`` → ``speedup`` and ``gap``, a value per seed: FIFO's
            virtual run time over this one's, and 1 minus the ratio of hypervolumes.
        baseline: Objective set → ``runtime_s``, ``epochs`` and ``hypervolume`` of FIFO, likewise.
        unequal: Ids of runs that did not repeat bit for bit.
    """

    cells: dict[str, dict[str, list[float]]]
    baseline: dict[str, dict[str, list[float]]]
    unequal: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """How a figure of a cell differs from the reference.

    Args:
        cell: ``scheduler / objectives``.
        figure: ``speedup`` or ``gap``.
        before: Mean over the seeds.
        now: The same.
        loss: What was lost over the seeds: of the speed-up 1 minus the geometric mean of the
            ratios, of the hypervolume the mean difference; negative for a gain.
        low: Of the bootstrap 95 % interval of the loss.
        high: Likewise.
        bound: Largest loss allowed.
    """

    cell: str
    figure: str
    before: float
    now: float
    loss: float
    low: float
    high: float
    bound: float

    @property
    def fails(self) -> bool:
        """Whether more was lost than is allowed."""
        return not self.loss <= self.bound

    def __str__(self) -> str:
        what = {"speedup": "speed-up fell", "gap": "hypervolume gap grew"}[self.figure]
        return (
            f"{self.cell}: {what} by {100 * self.loss:.2f} % (95 % interval {100 * self.low:.2f} "
            f"to {100 * self.high:.2f} %), from {self.before:.4g} to {self.now:.4g}; at most "
            f"{100 * self.bound:g} % is allowed"
        )


def fixed_matrix() -> Matrix:
    """What is measured."""
    return load_matrix("gate")


def measure(
    matrix: Matrix, seeds: Sequence[int], processes: int | None, data_dir: str
) -> Measurement:
    """Make every run of the matrix twice.

    Args:
        matrix: In virtual time.
        seeds: Paired over the schedulers.
        processes: 1 stays in this process; None is one for each core.
        data_dir: Where surrogates lie, if the matrix needs some.

    Raises:
        UserError: If a run fails, or FIFO finds nothing better than the reference point.
    """
    runs = matrix.runs(seeds)
    backend = VirtualBackend(data_dir, processes)
    # The other way round, so that a run finds itself in another process after other runs.
    first, second = (_make(order, backend, data_dir) for order in (runs, runs[::-1]))
    unequal = [
        run.run_id
        for run in runs
        if _fingerprint(first[run.run_id]) != _fingerprint(second[run.run_id])
    ]
    summary = aggregate.summarise([first[run.run_id] for run in runs]).sort_values("seed")
    return Measurement(_figures(summary), _baseline(summary), tuple(unequal))


def _make(runs: Sequence[Run], backend: VirtualBackend, data_dir: str) -> dict[str, RunRecord]:
    attempts = (
        in_processes(queue.attempt, runs, (backend, data_dir), backend.processes)
        if backend.processes > 1
        else ((run, queue.attempt(run, backend, data_dir)) for run in runs)
    )
    made = {}
    with contextlib.closing(attempts):
        for run, (record, reason) in attempts:
            if reason:
                raise UserError(f"{run.run_id}: {reason}")
            made[run.run_id] = record
    return made


def _fingerprint(record: RunRecord) -> str:
    assert record.result is not None, "failed runs have been refused"
    return storage.fingerprint(record.result)


def _baseline(runs: pd.DataFrame) -> dict[str, dict[str, list[float]]]:
    fifo = runs[runs["scheduler"] == BASELINE]
    columns = ["runtime_s", "epochs", "hypervolume"]
    return {
        str(objectives): {name: cell[name].tolist() for name in columns}
        for objectives, cell in fifo.groupby("objectives", sort=False)
    }


def _figures(runs: pd.DataFrame) -> dict[str, dict[str, list[float]]]:
    runs = runs[runs["scheduler"] != BASELINE]
    cells = {}
    for (scheduler, objectives), cell in runs.groupby(["scheduler", "objectives"], sort=False):
        if cell["hypervolume_ratio"].isna().any():
            raise UserError(f"{objectives}: FIFO found no hypervolume to compare with")
        speedup = 1 / (1 - cell["runtime_saved"])
        gap = 1 - cell["hypervolume_ratio"]
        cells[f"{scheduler} / {objectives}"] = {
            "speedup": speedup.round(DIGITS).tolist(),
            "gap": gap.round(DIGITS).tolist(),
        }
    return cells


def compare(matrix: Matrix, measured: Measurement, reference: dict[str, Any]) -> list[Change]:
    """Every figure of every cell against the reference.

    Args:
        matrix: What was measured.
        measured: From `measure`.
        reference: From `read_reference`.

    Raises:
        UserError: If the reference is of another matrix, or FIFO itself has changed.
    """
    remedy = "if that is meant, write a new reference with --update"
    if reference["matrix"] != matrix.settings():
        raise UserError(f"the reference is of other settings than the matrix has now; {remedy}")
    for key, mine in (("cells", measured.cells), ("baseline", measured.baseline)):
        if reference[key].keys() != mine.keys():
            raise UserError(f"the reference has other {key} than were measured; {remedy}")
    for objectives, figures in measured.baseline.items():
        for figure, values in figures.items():
            before = reference["baseline"][objectives][figure]
            if not np.allclose(values, before, rtol=SAME):
                raise UserError(
                    f"fifo / {objectives}: {figure} was {before} and is {values}: the curves or "
                    f"the simulation are not what they were; {remedy}"
                )
    changes = []
    for cell, figures in measured.cells.items():
        for figure, bound in reference["margins"].items():
            before, now = np.array(reference["cells"][cell][figure]), np.array(figures[figure])
            # The mean of logarithms: one seed that gained much must not hide many that lost.
            steps = np.log(now / before) if figure == "speedup" else now - before
            low, high = mean_interval(steps)
            loss = float(steps.mean())
            if figure == "speedup":
                loss, low, high = (1 - math.exp(step) for step in (loss, high, low))
            changes.append(Change(cell, figure, before.mean(), now.mean(), loss, low, high, bound))
    return changes


def summary(measured: Measurement) -> pd.DataFrame:
    """A row per scheduler: its speed-up and gap, means over objective sets and seeds."""
    rows: dict[str, dict[str, list[float]]] = {}
    for cell, figures in measured.cells.items():
        row = rows.setdefault(cell.partition(" / ")[0], {"speedup": [], "gap": []})
        for figure, values in figures.items():
            row[figure] += values
    return pd.DataFrame(
        [
            {
                "scheduler": scheduler,
                "speed-up": np.mean(row["speedup"]),
                "HV gap mean %": 100 * np.mean(row["gap"]),
                "HV gap worst %": 100 * np.max(row["gap"]),
            }
            for scheduler, row in rows.items()
        ]
    )


def read_reference(path: Path) -> dict[str, Any]:
    """A reference that was written by `write_reference`.

    Raises:
        UserError: If there is none.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if lacking := sorted(KEYS - set(document)):
            raise ValueError(f"it lacks {lacking[0]!r}")
        parts = [*document["cells"].values(), *document["baseline"].values()]
        if any(len(v) != len(document["seeds"]) for part in parts for v in part.values()):
            raise ValueError("a cell has not one value per seed")
        if document["margins"].keys() != MARGINS.keys():
            raise ValueError(f"its margins are not of {sorted(MARGINS)}")
        if any(not MARGINS.keys() <= cell.keys() for cell in document["cells"].values()):
            raise ValueError(f"a cell has not {sorted(MARGINS)}")
        values = [number for part in parts for v in part.values() for number in v]
        if not np.isfinite([float(v) for v in (*values, *document["margins"].values())]).all():
            raise ValueError("a value is not finite")
    except (OSError, ValueError, AttributeError, TypeError, RecursionError, OverflowError) as error:
        raise UserError(
            f"{path} is no reference of the gate ({error}); write one with --update --reason '…'"
        ) from error
    return document


def write_reference(
    matrix: Matrix, measured: Measurement, seeds: Sequence[int], reason: str, path: Path
) -> None:
    """Write what was measured as the new reference, with how it was made and why."""
    document = {
        "reason": reason,
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["mobo-bench", *sys.argv[1:]]),
        "environment": environment.capture().to_json(),
        "seeds": list(seeds),
        "margins": MARGINS,
        "matrix": matrix.settings(),
        "baseline": measured.baseline,
    }
    # A cell in a line: people read what changed.
    cells = [f"  {json.dumps(name)}: {json.dumps(c)}" for name, c in measured.cells.items()]
    head = json.dumps(document, indent=1, allow_nan=False).removesuffix("\n}")
    text = f'{head},\n "cells": {{\n' + ",\n".join(cells) + "\n }\n}\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, text)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error}") from error

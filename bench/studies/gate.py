"""The CI gate: schedulers must not get slower or worse, and virtual runs must repeat bit for bit.

The matrix ``gate`` has every scheduler, with random search. It runs in virtual time with paired
seeds, and every run is made twice. Speed-ups and hypervolume gaps against FIFO of the same seed
are compared with a committed reference, seed by seed. Nothing in these runs is random, so a
difference comes from a change of the code (in the last digits, also from another processor).
FIFO itself must not change: with other curves, costs or simulated steps the comparison would mean
nothing.
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
from bench.matrix.files import load_matrix
from bench.matrix.matrix import Matrix, Run
from bench.records import environment, files, storage
from bench.records.record import RunRecord

MARGINS = {"speedup": 0.05, "gap": 0.005}
"""The largest loss that a cell may have.

For the speed-up it is relative. For the gap it is a share of FIFO's hypervolume."""
DIGITS = 6
"""The decimal places to which measured figures are rounded."""
SAME = 1e-6
"""The relative difference in FIFO's figures that another processor may cause."""
KEYS = {"seeds", "margins", "matrix", "baseline", "cells"}
"""The keys that every reference must have."""


@dataclass(frozen=True)
class Measurement:
    """The measured figures of the matrix.

    Args:
        cells: ``scheduler / objectives`` → ``speedup`` and ``gap``, one value per seed each. The
            speed-up is FIFO's virtual runtime divided by the scheduler's. The gap is 1 minus the
            scheduler's hypervolume divided by FIFO's.
        baseline: Objective set → ``runtime_s``, ``epochs`` and ``hypervolume`` of FIFO, one value
            per seed each.
        unequal: The ids of runs that did not repeat bit for bit.
    """

    cells: dict[str, dict[str, list[float]]]
    baseline: dict[str, dict[str, list[float]]]
    unequal: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """The difference of one figure of a cell from the reference.

    Args:
        cell: ``scheduler / objectives``.
        figure: ``speedup`` or ``gap``.
        before: The reference's mean over the seeds.
        now: The measured mean over the seeds.
        loss: The loss over the seeds; negative for a gain. For the speed-up it is 1 minus the
            geometric mean of the ratios. For the gap it is the mean difference.
        low: The lower end of the bootstrap 95 % interval of the loss.
        high: The upper end of that interval.
        bound: The largest allowed loss.
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
        """Whether the loss is larger than allowed, or not a number."""
        return not self.loss <= self.bound

    def __str__(self) -> str:
        what = {"speedup": "speed-up fell", "gap": "hypervolume gap grew"}[self.figure]
        return (
            f"{self.cell}: {what} by {100 * self.loss:.2f} % (95 % interval {100 * self.low:.2f} "
            f"to {100 * self.high:.2f} %), from {self.before:.4g} to {self.now:.4g}; at most "
            f"{100 * self.bound:g} % is allowed"
        )


def fixed_matrix() -> Matrix:
    """Return the matrix that the gate measures."""
    return load_matrix("gate")


def measure(
    matrix: Matrix, seeds: Sequence[int], processes: int | None, data_dir: str
) -> Measurement:
    """Make every run of the matrix twice and return its figures.

    Args:
        matrix: A matrix in virtual time.
        seeds: The seeds; every scheduler runs with the same ones.
        processes: The number of processes. 1 stays in this process; None means one per core.
        data_dir: The folder with the surrogates, if the matrix needs any.

    Raises:
        UserError: If a run fails, or FIFO finds nothing better than the reference point.
    """
    runs = matrix.runs(seeds)
    backend = VirtualBackend(data_dir, processes)
    # The second pass is reversed, so a run follows other runs and may be in another process.
    first, second = (_make(order, backend, data_dir) for order in (runs, runs[::-1]))
    unequal = [
        run.run_id
        for run in runs
        if _fingerprint(first[run.run_id]) != _fingerprint(second[run.run_id])
    ]
    summary = aggregate.summarise([first[run.run_id] for run in runs]).sort_values("seed")
    return Measurement(_figures(summary), _baseline(summary), tuple(unequal))


def _make(runs: Sequence[Run], backend: VirtualBackend, data_dir: str) -> dict[str, RunRecord]:
    """Return run id → record, or raise an error if a run fails."""
    attempts = (
        in_processes(queue.attempt, runs, (backend, data_dir), backend.processes)
        if backend.processes > 1
        else ((run, queue.attempt(run, backend, data_dir)) for run in runs)
    )
    made = {}
    with contextlib.closing(attempts):
        for run, (record, reason, _) in attempts:
            if reason:
                raise UserError(f"{run.run_id}: {reason}")
            made[run.run_id] = record
    return made


def _fingerprint(record: RunRecord) -> str:
    """Return a checksum of a run's result."""
    assert record.result is not None, "failed runs have been refused"
    return storage.fingerprint(record.result)


def _baseline(runs: pd.DataFrame) -> dict[str, dict[str, list[float]]]:
    """Return FIFO's figures of every objective set; see `Measurement`."""
    fifo = runs[runs["scheduler"] == BASELINE]
    columns = ["runtime_s", "epochs", "hypervolume"]
    return {
        str(objectives): {name: cell[name].tolist() for name in columns}
        for objectives, cell in fifo.groupby("objectives", sort=False)
    }


def _figures(runs: pd.DataFrame) -> dict[str, dict[str, list[float]]]:
    """Return the speed-ups and gaps of every cell; see `Measurement`."""
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
    """Return the changes of every figure of every cell against the reference.

    Args:
        matrix: The matrix that was measured.
        measured: The result of `measure`.
        reference: The result of `read_reference`.

    Raises:
        UserError: If the reference is of another matrix, or if FIFO itself has changed.
    """
    remedy = "if this is intended, write a new reference with --update"
    if reference["matrix"] != matrix.settings():
        raise UserError(f"the reference has other settings than the matrix has now; {remedy}")
    for key, mine in (("cells", measured.cells), ("baseline", measured.baseline)):
        if reference[key].keys() != mine.keys():
            raise UserError(f"the reference has other {key} than were measured; {remedy}")
    for objectives, figures in measured.baseline.items():
        for figure, values in figures.items():
            before = reference["baseline"][objectives][figure]
            if not np.allclose(values, before, rtol=SAME):
                raise UserError(
                    f"fifo / {objectives}: {figure} was {before} and is now {values}: the "
                    f"curves or the simulation have changed; {remedy}"
                )
    changes = []
    for cell, figures in measured.cells.items():
        for figure, bound in reference["margins"].items():
            before, now = np.array(reference["cells"][cell][figure]), np.array(figures[figure])
            # A mean of logarithms: a large gain in one seed must not hide losses in many.
            steps = np.log(now / before) if figure == "speedup" else now - before
            low, high = mean_interval(steps)
            loss = float(steps.mean())
            if figure == "speedup":
                loss, low, high = (1 - math.exp(step) for step in (loss, high, low))
            changes.append(Change(cell, figure, before.mean(), now.mean(), loss, low, high, bound))
    return changes


def summary(measured: Measurement) -> pd.DataFrame:
    """Return a row per scheduler: its speed-up and gap over all objective sets and seeds."""
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
                "mean hypervolume gap %": 100 * np.mean(row["gap"]),
                "worst hypervolume gap %": 100 * np.max(row["gap"]),
            }
            for scheduler, row in rows.items()
        ]
    )


def read_reference(path: Path) -> dict[str, Any]:
    """Read a reference that `write_reference` has written.

    Raises:
        UserError: If the file is missing or is not such a reference.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if lacking := sorted(KEYS - set(document)):
            raise ValueError(f"key {lacking[0]!r} is missing")
        parts = [*document["cells"].values(), *document["baseline"].values()]
        if any(len(v) != len(document["seeds"]) for part in parts for v in part.values()):
            raise ValueError("a cell does not have one value per seed")
        if document["margins"].keys() != MARGINS.keys():
            raise ValueError(f"its margins must be of {sorted(MARGINS)}")
        if any(not MARGINS.keys() <= cell.keys() for cell in document["cells"].values()):
            raise ValueError(f"a cell must have {sorted(MARGINS)}")
        values = [number for part in parts for v in part.values() for number in v]
        if not np.isfinite([float(v) for v in (*values, *document["margins"].values())]).all():
            raise ValueError("a value is not finite")
    except (OSError, ValueError, AttributeError, TypeError, RecursionError, OverflowError) as error:
        raise UserError(
            f"{path} is not a reference of the gate ({error}); write one with --update --reason '…'"
        ) from error
    return document


def write_reference(
    matrix: Matrix, measured: Measurement, seeds: Sequence[int], reason: str, path: Path
) -> None:
    """Write the measured figures as the new reference, with how and why it was made."""
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
    # Each cell has its own line, so that a diff shows what changed.
    cells = [f"  {json.dumps(name)}: {json.dumps(c)}" for name, c in measured.cells.items()]
    head = json.dumps(document, indent=1, allow_nan=False).removesuffix("\n}")
    text = f'{head},\n "cells": {{\n' + ",\n".join(cells) + "\n }\n}\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, text)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error}") from error

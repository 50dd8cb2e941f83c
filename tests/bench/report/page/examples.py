"""A made-up report with everything that a page can show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from bench.analysis.surrogates import Contour, Diagnosis, Fit
from bench.matrix.files import load_matrix
from bench.matrix.matrix import Component, Matrix
from bench.records import folders, storage
from bench.records.record import RunRecord
from bench.report import report_data
from bench.report.report_data import ReportData
from tests.bench.examples import record

HOSTILE = "a<script>window.bad = 1</script>&<b>b</b> %{x} $c$"
"""A label with markup. The page must show it as text and must not interpret it."""
SETS = ("acc+params", "acc+loss", "loss+params")
SEEDS = 3
ENDS = {"fifo": 0.95, "paper-dominance-g1": 0.94, "paper-rungwise-g1": 0.93}


def paper() -> Matrix:
    return load_matrix("paper").with_dataset("mnist")


def run(name: str, end: float, sets: str, seed: int) -> RunRecord:
    """Return a run: FIFO trains four trials to the end; others stop one on FIFO's front."""
    last = 0.96 + 0.001 * seed
    curves: Sequence[Sequence[float]] = (
        (0.91, end + 0.001 * seed),
        (0.92, 0.93),
        (0.91, last) if name == "fifo" else (0.91,),
        (0.905, 0.92),
    )
    made = record(name, curves, (80.0, 60.0, 90.0, 95.0), seed=seed)
    spec = made.spec | {"objectives": sets.split("+")}
    return replace(made, spec=spec, run_id=f"{name}.{sets}.ax.seed{seed}.0")


def gathered(folder: Path, *, hostile: bool = False) -> ReportData:
    """Return a report's data: three seeds of three schedulers and a failed run.

    If `hostile`, a label contains markup.
    """
    matrix = paper()
    made = [
        run(name, end, sets, seed)
        for (name, end), sets, seed in product(ENDS.items(), SETS, range(SEEDS))
    ]
    reason = HOSTILE if hostile else "boom"
    failed = replace(made[0], run_id="failed", result=None, error=f"Traceback\n{reason}")
    failed = replace(failed, spec=failed.spec | {"seed": SEEDS})
    if hostile:
        label = HOSTILE.replace("/", "")
        matrix = replace(
            matrix,
            title=HOSTILE,
            schedulers=(*matrix.schedulers, Component(label, "fifo", {})),
        )
        bad = run("hostile", 0.94, SETS[0], 0)
        made.append(replace(bad, labels={"searcher": "ax", "scheduler": label}))
    folders.open_folder(folder, matrix)
    for each in (*made, failed):
        storage.write(each, folder)
    return report_data.gather(folder)


def diagnosed(found: ReportData) -> list[Diagnosis]:
    """Return a diagnosis of a model that predicts well, and one of a model that failed."""
    first, second = found.finished[0], found.finished[1]
    points = pd.DataFrame(
        {"observed": [0.9, 0.95], "predicted": [0.91, 0.94], "margin": [0.02, 0.03]}
    )
    names = [objective.name for objective in first.objectives]
    fits = tuple(Fit(name, 0.8, points) for name in names)
    axis = np.array([1.0, 2.0, 3.0])
    contour = Contour(
        names[0],
        ("units", "rate"),
        (False, True),
        axis,
        axis,
        np.outer(axis, axis),
        axis[:, None] * np.ones((3, 2)),
    )
    return [Diagnosis(first, fits, (contour,)), Diagnosis(second, error=HOSTILE)]

"""Made-up records for the tests of tables, figures, statistics and files."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.records.record import FrontMember, RunRecord, RunResult, Timing, TrialRecord
from mobo_core import Objective

OBJECTIVES = (
    Objective("val_accuracy", "max", 0.9),
    Objective("params", "min", 100.0, exact=True),
)


def record(
    scheduler: str = "fifo",
    curves: Sequence[Sequence[float]] = ((0.91, 0.95), (0.92, 0.93)),
    params: Sequence[float] = (80.0, 60.0),
    *,
    seed: int = 0,
    max_epochs: int = 2,
    wall_s: float = 10.0,
    failed: Sequence[int] = (),
) -> RunRecord:
    """Return a finished run with made-up trials, which ran one after the other.

    Args:
        scheduler: The scheduler's label.
        curves: The accuracies that each trial reported, epoch by epoch.
        params: The number of parameters of each trial.
        seed: The run's seed.
        max_epochs: The budget of a trial in epochs.
        wall_s: The seconds that the search took.
        failed: The numbers of the trials that failed.
    """
    rows, trials, clock = [], [], 0.0
    for trial, curve in enumerate(curves):
        for epoch, accuracy in enumerate(curve, start=1):
            clock += 1.0
            rows.append(
                {
                    "trial": trial,
                    "val_accuracy": accuracy,
                    "params": params[trial],
                    "epoch": epoch,
                    "seconds": 1.0,
                    "startup_s": 0.5 if epoch == 1 else 0.0,
                    "reported_s": clock,
                    "config_units": 16,
                }
            )
        done = "completed" if len(curve) == max_epochs else "stopped"
        trials.append(
            TrialRecord(
                trial,
                "failed" if trial in failed else done,  # type: ignore[arg-type]
                len(curve),
                {"units": 16},
                "Sobol",
                0.1,
                "boom" if trial in failed else "",
            )
        )
    training = float(len(rows))
    startup = 0.5 * len(curves)
    return RunRecord(
        run_id=f"{scheduler}.acc+params.ax.seed{seed}.00000000",
        spec={
            "objectives": ["acc", "params"],
            "seed": seed,
            "budget": {"trials": 3, "max_epochs": max_epochs, "slots": 2},
        },
        labels={"searcher": "ax", "scheduler": scheduler},
        objectives=OBJECTIVES,
        started_at="2026-01-02T03:04:05+00:00",
        command="mobo-bench run paper",
        environment={
            "git_commit": "abc",
            "processor": "p",
            "cores": 2,
            "gpus": [],
            "python": "3.11",
            "versions": {"ray": "2"},
            "lock_sha256": "f" * 64,
        },
        data={"name": "mnist", "sha256": "e" * 64},
        result=RunResult(
            timing=Timing(wall_s, training, startup, 2 * wall_s - training - startup, 0.2, 0.3),
            trials=tuple(trials),
            front=(FrontMember(0, {"test_accuracy": 0.94}, repeated=True),),
            test_error="",
            resources={"cpus_per_trial": 1.0, "gpus_per_trial": 0.0, "address": None},
            predicted={"hypervolume": 2.5, "front_size": 3},
            epochs=pd.DataFrame(rows),
            counts={"resumes": 0},
        ),
    )

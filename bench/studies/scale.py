"""Measure how fast virtual time runs, and how its cost grows with trials and workers."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.execution.parallel import in_processes
from bench.matrix import catalogue
from bench.matrix.catalogue import Context
from bench.matrix.matrix import Component
from mobo_core.objectives import Objective, ObjectiveSet, Points
from mobo_core.problems.curve import CurveTraining
from mobo_core.space import RangeParameter, SearchSpace
from mobo_core.virtual import Cluster, InOrder, simulate

EPOCHS = 9
OBJECTIVES = ObjectiveSet(
    [
        Objective("error", "min", 1.0, ideal=0),
        Objective("size", "min", 100.0, exact=True, ideal=0),
    ]
)
SPACE = SearchSpace((RangeParameter("curve", 0, 1),))


@dataclass(frozen=True)
class Case:
    """One run to be timed.

    Args:
        scheduler: The scheduler, from the catalogue.
        trials: The number of trials.
        workers: The number of workers of the simulated cluster.
    """

    scheduler: Component
    trials: int
    workers: int


class PowerLaws:
    """A problem with power laws that cross, and sizes that trade off against them.

    An epoch takes one second. Reports are made when they are due. If they were stored, the
    measurement would include the time to read them from memory, which is not part of the run.

    Args:
        trials: The number of curves.
        seed: The seed that draws the curves.
    """

    max_epochs = EPOCHS

    def __init__(self, trials: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self._size = rng.uniform(1, 100, trials)
        start, rate = rng.uniform(0.3, 1, trials), rng.uniform(0.05, 0.8, trials)
        bonus = 1 - 0.3 * self._size / 100
        epochs = np.arange(1, EPOCHS + 1)
        self._errors = (start * bonus)[:, None] * epochs ** -rate[:, None]

    def start(self, config: Mapping[str, Any], seed: int) -> CurveTraining:
        """Return the curve whose number is in the configuration."""
        number = config["curve"]
        size = float(self._size[number])
        return _PowerLaw(self._errors[number], size)


class _PowerLaw(CurveTraining):
    """One curve, computed epoch by epoch."""

    def __init__(self, errors: Points, size: float) -> None:
        super().__init__((), hidden=None)
        self._errors = errors
        self._size = size

    def run_epoch(self) -> dict[str, Any]:
        error = float(self._errors[self._read])
        self._read += 1
        return {"epoch": self._read, "seconds": 1.0, "error": error, "size": self._size}


def measure(case: Case) -> dict[str, float | str]:
    """Run a case and time it.

    Returns:
        A row with these columns: scheduler, workers, trials; results, the number of reports
        handled; seconds of real time; results/s; utilisation, the share of the workers' virtual
        time that trained (0 to 1); memory MiB, by how much the run raised the largest resident
        size of the process.
    """
    problem = PowerLaws(case.trials)
    context = Context(SPACE, OBJECTIVES, EPOCHS, case.workers, seed=0)
    scheduler = catalogue.make_scheduler(case.scheduler, context)
    before, began = _largest_mib(), time.perf_counter()
    run = simulate(
        problem,
        searcher=InOrder({"curve": number} for number in range(case.trials)),
        scheduler=scheduler,
        num_samples=case.trials,
        cluster=Cluster(case.workers),
    )
    seconds = time.perf_counter() - began
    return {
        "scheduler": case.scheduler.label,
        "workers": case.workers,
        "trials": case.trials,
        "results": run.reports,
        "seconds": seconds,
        "results/s": run.reports / seconds,
        "utilisation": run.training_s / (case.workers * run.seconds),
        "memory MiB": _largest_mib() - before,
    }


def _largest_mib() -> float:
    """Return the largest resident size of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_growth(
    group: tuple[Component, int], trials: Sequence[int], repeats: int
) -> list[dict[str, float | str]]:
    """Time one scheduler with one number of workers at each number of trials, smallest first.

    Args:
        group: The scheduler and the number of workers.
        trials: The numbers of trials.
        repeats: The number of rounds over all sizes; the fastest run of each size counts.
    """
    scheduler, workers = group
    rounds = [
        [measure(Case(scheduler, count, workers)) for count in sorted(trials)]
        for _ in range(repeats)
    ]
    best = []
    for same in zip(*rounds, strict=True):
        # The largest resident size never falls, so only the first round measures it.
        fastest = min(same, key=lambda row: float(row["seconds"]))
        best.append({**fastest, "memory MiB": same[0]["memory MiB"]})
    return best


def measured(
    schedulers: Sequence[Component], trials: Sequence[int], workers: Sequence[int], repeats: int
) -> Iterator[list[dict[str, float | str]]]:
    """Yield `measure_growth` of every scheduler and number of workers, each in a fresh process.

    Only one process runs at a time, so that no run uses another's memory or slows it down.
    """
    for scheduler in schedulers:
        for width in workers:
            jobs = [(scheduler, width)]
            for _, rows in in_processes(measure_growth, jobs, (trials, repeats), 1):
                yield rows


def growth(measured: pd.DataFrame) -> pd.DataFrame:
    """Return the time for the most trials divided by the time for the fewest.

    Returns:
        A row per scheduler and number of workers. The column ``n log n ratio`` is for comparison:
        the growth that a run with one rung would have.
    """
    rows = []
    for (scheduler, workers), cases in measured.groupby(["scheduler", "workers"], sort=False):
        in_order = cases.sort_values("trials")
        few, many = in_order.iloc[0], in_order.iloc[-1]
        times = many["trials"] / few["trials"]
        rows.append(
            {
                "scheduler": scheduler,
                "workers": workers,
                "trials": f"{few['trials']} to {many['trials']}",
                "time ratio": many["seconds"] / few["seconds"],
                "n log n ratio": times * np.log1p(many["trials"]) / np.log1p(few["trials"]),
            }
        )
    return pd.DataFrame(rows)

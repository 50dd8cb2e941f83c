"""Offline replays: recorded full curves through a matrix's schedulers, in virtual time.

A configuration and seed give the same curve bit for bit, so what a scheduler would have done with
a set of trials follows from the curves a FIFO run recorded. Training once thus pays for any number
of schedulers, draws of trials and slots. Search must not depend on results: trials are drawn from
the pool of curves, the same draws for every scheduler.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.progress import track

from bench.analysis.aggregate import BASELINE
from bench.errors import UserError
from bench.matrix import catalogue
from bench.matrix.matrix import Component, Matrix
from bench.records import folders, storage
from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.pareto.dominance import front_mask
from mobo_core.pareto.indicators import hypervolume
from mobo_core.problems.protocol import Problem
from mobo_core.space import SearchSpace
from mobo_core.tune import HypervolumePromotion
from mobo_core.virtual import (
    TUNE_AHEAD,
    Cluster,
    InOrder,
    RecordedCurves,
    Simulation,
    simulate,
)

ORACLE = "oracle"
COVERAGE_LEVELS = (0.5, 0.9)


@dataclass(frozen=True)
class Pool:
    """Full curves to draw trials from.

    Args:
        metrics: Column name → (n, T) values after each epoch.
        seconds: (n, T) length of each epoch.
        configs: The first row of each curve, where the hyper-parameters stand: in columns
            ``config_…`` of records, under their names in a file.
    """

    metrics: dict[str, NDArray[np.float64]]
    seconds: NDArray[np.float64]
    configs: pd.DataFrame

    def __len__(self) -> int:
        return len(self.seconds)

    def points(self, objectives: ObjectiveSet) -> Points:
        """(n, T, m) minimised."""
        columns = [self.metrics[name] for name in objectives.names]
        points: Points = np.stack(columns, axis=-1) * objectives.signs
        return points

    def config(self, index: int, space: SearchSpace) -> dict[str, object]:
        """The hyper-parameters of a curve, as far as they were recorded."""
        columns = {name: f"config_{name}" for name in space.names}
        columns = {name: c if c in self.configs else name for name, c in columns.items()}
        row = self.configs.iloc[index]
        return {name: row[column] for name, column in columns.items() if column in row}

    def curves(
        self, picked: Sequence[int], objectives: ObjectiveSet, space: SearchSpace
    ) -> RecordedCurves:
        """Some of the curves as a problem."""
        names = objectives.names
        return RecordedCurves(
            [
                [
                    {
                        catalogue.TIME_ATTR: epoch + 1,
                        "seconds": float(self.seconds[index, epoch]),
                        **{name: float(self.metrics[name][index, epoch]) for name in names},
                    }
                    for epoch in range(self.seconds.shape[1])
                ]
                for index in picked
            ],
            [self.config(index, space) for index in picked],
        )


def read_pool(path: Path) -> Pool:
    """The full curves in a results folder's FIFO runs, or in a CSV or Parquet file.

    A file has a row per configuration (column ``config``) and ``epoch`` with the metrics and
    ``seconds``.

    Raises:
        UserError: If there are none or some are incomplete.
    """
    if path.is_dir():
        table = _recorded_curves(path)
    else:
        try:
            table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        except (OSError, ValueError) as error:
            raise UserError(f"cannot read curves from {path}: {error}") from error
    if missing := [c for c in ("config", "epoch", "seconds") if c not in table]:
        raise UserError(f"curves in {path} lack the column {missing[0]!r}")
    table = table.sort_values(["config", "epoch"])
    lengths = table.groupby("config").size()
    if table.empty or lengths.nunique() != 1:
        raise UserError(f"curves in {path} must all have the same number of epochs")
    shape = (len(lengths), int(lengths.iloc[0]))
    numeric = table.select_dtypes("number").columns
    values = {str(name): table[name].to_numpy(float).reshape(shape) for name in numeric}
    return Pool(values, values["seconds"], table.groupby("config").head(1).reset_index(drop=True))


def _recorded_curves(folder: Path) -> pd.DataFrame:
    folders.read_settings(folder)
    parts = []
    for record in storage.read_all(folder):
        if record.result is None or record.labels["scheduler"] != BASELINE:
            continue
        completed = [t.trial for t in record.result.trials if t.status == "completed"]
        epochs = record.result.epochs
        curves = epochs[epochs["trial"].isin(completed)].assign(seed=record.spec["seed"])
        # The same configuration and seed gives the same curve, in whatever objective set.
        named = curves.filter(regex="^(seed|config_)").astype(str).agg(" ".join, axis=1)
        parts.append(curves.assign(config=named))
    if not parts:
        raise UserError(f"{folder} has no finished {BASELINE} run to take curves from")
    return pd.concat(parts).drop_duplicates(["config", "epoch"])


def replay_matrix(
    pool: Pool,
    matrix: Matrix,
    problem: Problem,
    draws: int,
    slots: Sequence[int],
) -> pd.DataFrame:
    """Every scheduler of the matrix but FIFO, and the oracle, over the same draws of trials.

    Returns:
        A row per draw, objective set, number of slots and scheduler: epochs_saved and time_saved
        (0 to 1; training time alone: suggestions, saving and restoring cost nothing here),
        hypervolume_ratio, all against FIFO; oracle_saved; resumes; front_lost (distinct
        points of FIFO's final front that were ended early) and lost_at (their epochs); and for
        hv-promotion cover_50 and cover_90, the shares of its ended trials that would have ended
        no better than the projected median and the projected 0.9 quantile.

    Raises:
        UserError: If the pool has fewer curves than a run has trials.
    """
    budget = matrix.budget
    if len(pool) < budget.trials:
        raise UserError(f"{budget.trials} trials a draw from only {len(pool)} curves")
    jobs = list(_jobs(matrix, problem, draws, slots))
    rows = [_row(pool, job, budget.trials, problem) for job in track(jobs, description="replaying")]
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Job:
    draw: int
    objectives: tuple[str, ...]
    slots: int
    scheduler: Component | None
    """None for the oracle."""


def _jobs(matrix: Matrix, problem: Problem, draws: int, slots: Sequence[int]) -> Iterator[_Job]:
    for draw in range(draws):
        for names in matrix.objective_sets:
            for width in slots:
                yield _Job(draw, names, width, None)
                for component in matrix.schedulers:
                    if component.label != BASELINE:
                        yield _Job(draw, names, width, component)


def _row(pool: Pool, job: _Job, trials: int, problem: Problem) -> dict[str, object]:
    picked = np.random.default_rng(job.draw).permutation(len(pool))[:trials]
    objectives = catalogue.make_objectives(problem, job.objectives)
    points, seconds = pool.points(objectives)[picked], pool.seconds[picked]
    reference, ends = objectives.reference_point, points[:, -1]
    length = points.shape[1]
    on_front = front_mask(ends, reference)
    oracle = oracle_epochs(on_front, length)
    coverage: dict[str, float] = {}
    if job.scheduler is None:
        epochs, resumes, busy_s = oracle, 0, np.nan
    else:
        context = catalogue.Context(problem.space, objectives, length, job.slots, job.draw)
        scheduler = catalogue.make_scheduler(job.scheduler, context)
        curves = pool.curves(picked.tolist(), objectives, problem.space)
        run = simulate(
            curves,
            searcher=InOrder(curves.configs),
            scheduler=scheduler,
            num_samples=trials,
            cluster=Cluster(job.slots),
            ahead=TUNE_AHEAD,
        )
        epochs = np.array([trial.iteration for trial in run.trials])
        resumes, busy_s = run.restores, run.seconds
        if isinstance(scheduler, HypervolumePromotion):
            coverage = _coverage(scheduler, run, objectives, points, epochs)
    last = points[np.arange(trials), epochs - 1]
    lost = on_front & (epochs < length)
    return {
        "draw": job.draw,
        "objectives": "+".join(job.objectives),
        "slots": job.slots,
        "scheduler": ORACLE if job.scheduler is None else job.scheduler.label,
        "epochs_saved": 1 - epochs.sum() / (trials * length),
        "time_saved": 1 - busy_s / _fifo_seconds(seconds, job.slots),
        "hypervolume_ratio": _ratio(last if job.scheduler else ends, ends, reference),
        "oracle_saved": 1 - oracle.sum() / (trials * length),
        "resumes": resumes,
        "front_lost": 0 if job.scheduler is None else int(lost.sum()),
        "lost_at": "" if job.scheduler is None else " ".join(map(str, epochs[lost])),
        **coverage,
    }


def _ratio(points: Points, baseline: Points, reference: Points) -> float:
    """Of hypervolumes; NaN if the baseline has none."""
    whole = hypervolume(baseline, reference)
    return hypervolume(points, reference) / whole if whole else np.nan


def oracle_epochs(on_front: NDArray[np.bool_], length: int) -> NDArray[np.int64]:
    """(n,) what one who knows FIFO's final front would train: one epoch, or all for the front."""
    return np.where(on_front, length, 1)


def _fifo_seconds(seconds: NDArray[np.float64], slots: int) -> float:
    free = np.zeros(slots)
    for trial in seconds.sum(axis=1):
        free[np.argmin(free)] += trial
    return float(free.max())


def _coverage(
    scheduler: HypervolumePromotion,
    run: Simulation,
    objectives: ObjectiveSet,
    points: Points,
    epochs: NDArray[np.int64],
) -> dict[str, float]:
    """How often the ends that were not trained for lie within what was projected."""
    ended = np.flatnonzero(epochs < points.shape[1])
    learned = [not objective.exact for objective in objectives]
    shares = {}
    for level in COVERAGE_LEVELS:
        projected = scheduler.projected_ends([run.trials[i].trial_id for i in ended], level)
        within = points[ended, -1] >= projected
        shares[f"cover_{100 * level:.0f}"] = (
            float(within[:, learned].mean()) if len(ended) else np.nan
        )
    return shares


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Over the draws: a row per objective set, slots and scheduler, in per cent."""
    grouped = rows.groupby(["objectives", "slots", "scheduler"], sort=False)
    loss = 100 * (grouped["hypervolume_ratio"].agg(["median", "mean", "min"]) - 1)
    return pd.DataFrame(
        {
            "epochs saved %": 100 * grouped["epochs_saved"].median(),
            "oracle %": 100 * grouped["oracle_saved"].median(),
            "time saved %": 100 * grouped["time_saved"].median(),
            "HV median %": loss["median"],
            "HV mean %": loss["mean"],
            "HV worst %": loss["min"],
            "front lost": grouped["front_lost"].mean(),
            "resumes": grouped["resumes"].mean(),
            **{
                f"cover {100 * level:.0f} %": 100 * grouped[f"cover_{100 * level:.0f}"].mean()
                for level in COVERAGE_LEVELS
                if f"cover_{100 * level:.0f}" in rows
            },
        }
    ).reset_index()

"""Replay recorded full curves through a matrix's schedulers, in virtual time and without training.

A configuration and seed give the same curve bit for bit. The curves of a FIFO run therefore show
what any scheduler would have done with the same trials. Training once is enough for any number of
schedulers, draws of trials and slots. The search must not depend on results: trials are drawn
from the pool of curves, and every scheduler gets the same draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from ray.tune.schedulers import TrialScheduler
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
"""The label of the oracle: it trains trials outside FIFO's final front for one epoch only."""
COVERAGE_LEVELS = (0.5, 0.9)
"""The quantiles of ``hv-promotion``'s projections that are checked."""


@dataclass(frozen=True)
class Pool:
    """A pool of full curves to draw trials from.

    Args:
        metrics: Column name → (n, T) values after each epoch.
        seconds: (n, T) length of each epoch in seconds.
        configs: The first row of each curve, with its hyper-parameters. Their columns are called
            ``config_…`` in records and have the parameters' own names in a file.
    """

    metrics: dict[str, NDArray[np.float64]]
    seconds: NDArray[np.float64]
    configs: pd.DataFrame

    def __len__(self) -> int:
        return len(self.seconds)

    def points(self, objectives: ObjectiveSet) -> Points:
        """Return (n, T, m) minimised points: n curves, T epochs, m objectives."""
        columns = [self.metrics[name] for name in objectives.names]
        points: Points = np.stack(columns, axis=-1) * objectives.signs
        return points

    def config(self, index: int, space: SearchSpace) -> dict[str, object]:
        """Return the hyper-parameters of a curve, as far as they were recorded."""
        columns = {name: f"config_{name}" for name in space.names}
        columns = {name: c if c in self.configs else name for name, c in columns.items()}
        row = self.configs.iloc[index]
        return {name: row[column] for name, column in columns.items() if column in row}

    def curves(
        self, picked: Sequence[int], objectives: ObjectiveSet, space: SearchSpace
    ) -> RecordedCurves:
        """Return some of the curves as a problem."""
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
    """Read the full curves of a results folder's FIFO runs, or of a CSV or Parquet file.

    A file has a row per configuration (column ``config``) and ``epoch``, with the metrics and
    ``seconds``.

    Raises:
        UserError: If there are no curves, or if some are incomplete.
    """
    if path.is_dir():
        table = _recorded_curves(path)
    else:
        try:
            table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        except (OSError, ValueError) as error:
            raise UserError(f"cannot read curves from {path}: {error}") from error
    if missing := [c for c in ("config", "epoch", "seconds") if c not in table]:
        raise UserError(
            f"curves in {path} lack the column {missing[0]!r}; a file has a row per config and "
            "epoch, with seconds and the metrics"
        )
    _check_numbers(table, path)
    table = table.sort_values(["config", "epoch"])
    lengths = table.groupby("config").size()
    if table.empty or lengths.nunique() != 1:
        raise UserError(
            f"curves in {path} must all have the same number of epochs, got "
            f"{sorted(set(lengths)) or 'none'}; leave out those that are not complete"
        )
    shape = (len(lengths), int(lengths.iloc[0]))
    if (table["epoch"].to_numpy().reshape(shape) != np.arange(1, shape[1] + 1)).any():
        raise UserError(f"the epochs of every curve in {path} must be 1, 2, 3, …")
    numeric = table.select_dtypes("number").columns
    values = {str(name): table[name].to_numpy(float).reshape(shape) for name in numeric}
    return Pool(values, values["seconds"], table.groupby("config").head(1).reset_index(drop=True))


def _check_numbers(table: pd.DataFrame, path: Path) -> None:
    """Check that epochs and seconds are finite numbers, and that seconds are not negative."""
    for name in ("epoch", "seconds"):
        values = pd.to_numeric(table[name], errors="coerce")
        unusable = ~(np.isfinite(values) & (values >= 0))
        if not pd.api.types.is_numeric_dtype(table[name]) and not unusable.any():
            unusable[:] = True  # numbers as text
        if bad := table[name][unusable].tolist():
            raise UserError(
                f"column {name!r} of the curves in {path} must hold numbers of at least 0, got "
                f"{bad[0]!r}"
            )


def usable(pool: Pool, problem: Problem, matrix: Matrix) -> tuple[Pool, int]:
    """Return the curves that can be replayed, and how many cannot.

    A curve is left out if one of the matrix's objectives is not finite in one of its epochs.

    Args:
        pool: The curves.
        problem: The problem that they should be of.
        matrix: The matrix with the objective sets.

    Raises:
        UserError: If the curves do not have the objectives of the problem.
    """
    shorts = dict.fromkeys(name for names in matrix.objective_sets for name in names)
    names = catalogue.make_objectives(problem, tuple(shorts)).names
    if missing := [name for name in names if name not in pool.metrics]:
        raise UserError(
            f"the curves have no numbers {missing[0]!r}, an objective of problem "
            f"{matrix.problem!r}; they have: {', '.join(sorted(pool.metrics))}; give the --matrix "
            "and --dataset that the curves are of"
        )
    finite = np.all([np.isfinite(pool.metrics[name]).all(axis=1) for name in names], axis=0)
    kept = Pool(
        {name: values[finite] for name, values in pool.metrics.items()},
        pool.seconds[finite],
        pool.configs[finite].reset_index(drop=True),
    )
    return kept, int((~finite).sum())


def _recorded_curves(folder: Path) -> pd.DataFrame:
    """Return the curves of completed trials in a folder's FIFO runs, a row per epoch."""
    folders.read_settings(folder)
    parts = []
    for record in storage.read_all(folder):
        if record.result is None or record.labels["scheduler"] != BASELINE:
            continue
        completed = [t.trial for t in record.result.trials if t.status == "completed"]
        epochs = record.result.epochs
        curves = epochs[epochs["trial"].isin(completed)].assign(seed=record.spec["seed"])
        # A configuration and seed give the same curve in every objective set.
        named = curves.filter(regex="^(seed$|config_)").astype(str).fillna("None")
        parts.append(curves.assign(config=named.agg(" ".join, axis=1)))
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
    """Replay every scheduler of the matrix except FIFO, and the oracle, on the same draws.

    Args:
        pool: The curves to draw trials from.
        matrix: The matrix with the schedulers, objective sets and budget.
        problem: The problem that the curves are of.
        draws: The number of draws; each takes as many curves as a run has trials.
        slots: The numbers of slots to simulate.

    Returns:
        A row per draw, objective set, number of slots and scheduler. ``epochs_saved`` and
        ``time_saved`` are shares of FIFO's, 0 to 1; only training takes time here, while
        suggestions, saving and restoring cost nothing. ``hypervolume_ratio`` is against FIFO, too.
        ``oracle_saved`` is what the oracle saves. ``resumes`` is a count. ``front_lost`` counts
        the distinct points of FIFO's final front that were ended early, and ``lost_at`` lists
        their epochs. For ``hv-promotion``, ``cover_50`` and ``cover_90`` are the shares of its
        ended trials that would have ended no better than the projected median and the projected
        0.9 quantile.

    Raises:
        UserError: If the pool has fewer curves than a run has trials.
    """
    budget = matrix.budget
    if len(pool) < budget.trials:
        raise UserError(
            f"cannot draw {budget.trials} trials from only {len(pool)} curves: give more curves or "
            f"--trials {len(pool)}"
        )
    jobs = list(_jobs(matrix, problem, draws, slots))
    rows = [_row(pool, job, budget.trials, problem) for job in track(jobs, description="replaying")]
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Job:
    """One replay: a scheduler on a draw of trials."""

    draw: int
    objectives: tuple[str, ...]
    slots: int
    scheduler: Component | None
    """The scheduler, or None for the oracle."""


def _jobs(matrix: Matrix, problem: Problem, draws: int, slots: Sequence[int]) -> Iterator[_Job]:
    """Yield the replays of every draw, objective set and number of slots."""
    for draw in range(draws):
        for names in matrix.objective_sets:
            for width in slots:
                yield _Job(draw, names, width, None)
                for component in matrix.schedulers:
                    if component.label != BASELINE:
                        yield _Job(draw, names, width, component)


def _row(pool: Pool, job: _Job, trials: int, problem: Problem) -> dict[str, object]:
    """Return the row of one replay."""
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
        run = replayed(
            pool.curves(picked.tolist(), objectives, problem.space), scheduler, job.slots
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
        "time_saved": _saved(busy_s, _fifo_seconds(seconds, job.slots)),
        "hypervolume_ratio": _ratio(last if job.scheduler else ends, ends, reference),
        "oracle_saved": 1 - oracle.sum() / (trials * length),
        "resumes": resumes,
        "front_lost": 0 if job.scheduler is None else int(lost.sum()),
        "lost_at": "" if job.scheduler is None else " ".join(map(str, epochs[lost])),
        **coverage,
    }


def replayed(curves: RecordedCurves, scheduler: TrialScheduler, slots: int) -> Simulation:
    """Return what a scheduler makes of all curves, in their order, in virtual time.

    Args:
        curves: The curves.
        scheduler: A new scheduler.
        slots: The number of trials that train at the same time.
    """
    configs = curves.configs
    return simulate(
        curves,
        searcher=InOrder(configs),
        scheduler=scheduler,
        num_samples=len(configs),
        cluster=Cluster(slots),
        ahead=TUNE_AHEAD,
    )


def _saved(seconds: float, fifo_s: float) -> float:
    """Return the share of FIFO's seconds that was saved; NaN if FIFO took none."""
    return 1 - seconds / fifo_s if fifo_s else np.nan


def _ratio(points: Points, baseline: Points, reference: Points) -> float:
    """Return the ratio of two hypervolumes; NaN if the baseline has none."""
    whole = hypervolume(baseline, reference)
    return hypervolume(points, reference) / whole if whole else np.nan


def oracle_epochs(on_front: NDArray[np.bool_], length: int) -> NDArray[np.int64]:
    """Return (n,) epochs that the oracle trains: all for FIFO's final front, one for other trials.

    Args:
        on_front: (n,) whether each trial is on FIFO's final front.
        length: The epochs of a full curve.
    """
    return np.where(on_front, length, 1)


def _fifo_seconds(seconds: NDArray[np.float64], slots: int) -> float:
    """Return the seconds that FIFO takes: each trial starts on the slot that is free first."""
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
    """Return how often trials that were ended early would have ended no better than projected."""
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
    """Return a row per objective set, number of slots and scheduler, in per cent over the draws.

    Args:
        rows: The table from `replay_matrix`.
    """
    grouped = rows.groupby(["objectives", "slots", "scheduler"], sort=False)
    loss = 100 * (grouped["hypervolume_ratio"].agg(["median", "mean", "min"]) - 1)
    return pd.DataFrame(
        {
            "epochs saved %": 100 * grouped["epochs_saved"].median(),
            "oracle saves %": 100 * grouped["oracle_saved"].median(),
            "time saved %": 100 * grouped["time_saved"].median(),
            "hypervolume median %": loss["median"],
            "hypervolume mean %": loss["mean"],
            "hypervolume worst %": loss["min"],
            "front lost": grouped["front_lost"].mean(),
            "resumes": grouped["resumes"].mean(),
            **{
                f"cover {100 * level:.0f} %": 100 * grouped[f"cover_{100 * level:.0f}"].mean()
                for level in COVERAGE_LEVELS
                if f"cover_{100 * level:.0f}" in rows
            },
        }
    ).reset_index()

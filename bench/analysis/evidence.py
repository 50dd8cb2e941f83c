"""Evidence from recorded runs: how schedulers compare, and how certain each comparison is.

The functions return data frames for the report. The seed is the unit of every estimate and test:
where the search does not depend on results, all objective sets of a seed train the same
configurations. They are therefore resampled and tested together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis.aggregate import BASELINE
from bench.analysis.estimates import (
    SEED,
    by_seed,
    cells_of,
    complete,
    iqm_of_cells,
    mean_of_cells,
    sure,
)
from bench.analysis.statistics import ENOUGH_SEEDS, Estimate, iqm
from bench.analysis.statistics.improvement import paired_improvement
from bench.analysis.statistics.intervals import Floats
from bench.analysis.statistics.protocols import at_cost
from bench.analysis.statistics.ranks import FEWEST, Friedman, cliques, critical_difference, friedman
from bench.analysis.statistics.running_time import expected_running_time, first_hits
from bench.analysis.statistics.wilcoxon import holm, pseudomedian, signed_rank_p, smallest_p

RANDOM = "random"
"""The label of the random searcher. Other searchers are compared with it if it was run."""
SHARES = (0.25, 0.5, 1.0)
"""Shares of the baseline's runtime at which runs are compared at equal time."""
EARLY = 0.25
"""The share at which schedulers are ranked at equal time; most runs still train then."""
TARGETS = (0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
"""Targets, as shares of the baseline's final hypervolume of the same seed."""


@dataclass(frozen=True)
class Ranks:
    """The ranks of schedulers over several objective sets.

    Args:
        names: The series, in the order of the test's mean ranks.
        test: Friedman's test of whether the series differ at all.
        critical_difference: The smallest difference of mean ranks that is significant at 0.05.
        groups: Groups of series that cannot be told apart, as positions in `names`.
    """

    names: tuple[str, ...]
    test: Friedman
    critical_difference: float
    groups: list[tuple[int, ...]]


def with_series(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with a column ``series``: the scheduler, and the searcher if it varies."""
    names = runs["scheduler"].astype(str)
    if runs["searcher"].nunique() > 1:
        names = names + ", " + runs["searcher"].astype(str)
    return runs.assign(series=names)


def against_baseline(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one row per series except the baseline, compared with FIFO over all sets and seeds.

    Args:
        runs: The table from `aggregate.summarise`.

    Returns:
        A frame with these columns. ``series``. ``cells``: the number of objective sets.
        ``left_out``: the number of runs that do not count, because they have no hypervolume to
        compare or their seed lacks another set. ``epochs_saved``, ``runtime_saved`` and
        ``hypervolume_ratio``: IQMs over seeds and sets. ``better``: the share of runs with more
        hypervolume, where a tie counts half. ``mean``: of the hypervolume ratio. These five have a
        95 % interval in ``_low`` and ``_high``, which is NaN with fewer than `ENOUGH_SEEDS` seeds.
        ``worst``: the smallest hypervolume ratio. The columns of `tested` follow, for `gains` in
        hypervolume.
    """
    rows, tests = [], {}
    others = with_series(runs).query("scheduler != @BASELINE")
    for name, made in others.groupby("series", sort=False):
        mine = complete(made.dropna(subset="hypervolume_ratio"))
        if mine.empty:
            continue
        ratios = mine["hypervolume_ratio"]
        row: dict[str, object] = {
            "series": name,
            "cells": mine["objectives"].nunique(),
            "left_out": len(made) - len(mine),
            "worst": ratios.min(),
            **_columns("mean", mean_of_cells(mine, "hypervolume_ratio")),
        }
        for column in ("epochs_saved", "runtime_saved", "hypervolume_ratio"):
            row |= _columns(column, iqm_of_cells(mine, column))
        gained = mine.assign(gain=gains(ratios))
        cells, matched = cells_of(gained, "gain")
        better = paired_improvement(cells, np.random.default_rng(SEED), matched=matched)
        row |= _columns("better", sure(better, cells))
        tests[str(name)] = by_seed(gained, "gain")
        rows.append(row)
    return pd.DataFrame(rows).merge(_of_ratios(tests), on="series") if rows else pd.DataFrame()


def gains(ratios: pd.Series[float]) -> pd.Series[float]:
    """Return (a − b) / (a + b) for ratios a / b, between −1 and 1.

    A signed-rank test requires a symmetric measure: swapping a and b only changes the sign. With
    a / b − 1, a gain by a factor of two would count more than a loss by a factor of two.
    """
    return (ratios - 1) / (ratios + 1)


def _of_ratios(by_series: Mapping[str, Floats]) -> pd.DataFrame:
    """Return `tested` on gains, with their pseudomedian expressed as a ratio minus 1."""
    tests = tested(by_series)
    return tests.assign(gain=(1 + tests["gain"]) / (1 - tests["gain"]) - 1)


def tested(by_series: Mapping[str, Floats]) -> pd.DataFrame:
    """Return exact Wilcoxon tests of whether each series' gains are symmetric around 0.

    Holm's method corrects the p-values over all series.

    Args:
        by_series: Series → (n,) gains, one per seed.

    Returns:
        A frame with these columns. ``series``. ``seeds``: their number. ``differ``: the number of
        seeds whose gain is not 0. ``gain``: the pseudomedian of the gains. ``p``: the p-value after
        Holm's correction. ``smallest_p``: what ``p`` would be if all seeds that differ had the same
        direction.
    """
    raw = np.array([signed_rank_p(values) for values in by_series.values()])
    differ = [int(np.count_nonzero(values)) for values in by_series.values()]
    least = []
    for row, pairs in enumerate(differ):
        best = raw.copy()
        best[row] = smallest_p(pairs)
        least.append(holm(best)[row])
    return pd.DataFrame(
        {
            "series": list(by_series),
            "seeds": [len(values) for values in by_series.values()],
            "differ": differ,
            "gain": [pseudomedian(values) for values in by_series.values()],
            "p": holm(raw),
            "smallest_p": least,
        }
    )


def against_random(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the tests of `tested` on hypervolume against random search.

    Each run is paired with random search's run of the same scheduler, objective set and seed. The
    result is empty if no searcher, or every searcher, is called ``random``.
    """
    pair = ["scheduler", "objectives", "seed"]
    named = with_series(runs)
    theirs = named[named["searcher"] == RANDOM].set_index(pair)["hypervolume"]
    mine = named[named["searcher"] != RANDOM]
    matched = theirs.reindex(pd.MultiIndex.from_frame(mine[pair])).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (mine["hypervolume"].to_numpy() / matched).round(9)
    paired = mine.assign(gain=gains(pd.Series(ratio, mine.index).where(np.isfinite(ratio))))
    series = paired.dropna(subset="gain").groupby("series", sort=False)
    return _of_ratios({str(name): by_seed(group, "gain") for name, group in series})


def at_equal_time(runs: pd.DataFrame, curves: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the hypervolume of each run at shares of the baseline's runtime (equal time).

    Args:
        runs: The table from `aggregate.summarise`.
        curves: Run id → the curve from `aggregate.anytime`.

    Returns:
        A row per run and share, with the columns ``series``, ``scheduler``, ``objectives``,
        ``seed``, ``share``, ``ratio`` and ``ended``. ``ratio`` is the observed hypervolume at that
        time divided by the final one of the baseline (see `yardstick`). ``ended`` is whether the
        run was already over, so that it could have gone on. Runs whose baseline has no
        hypervolume are left out.
    """
    rows = []
    for run, baseline in _with_baselines(runs):
        curve = curves[str(run["run_id"])]
        costs, values = curve["time_s"].to_numpy(float), curve["hypervolume"].to_numpy(float)
        for share in SHARES:
            found = at_cost(costs, values, share * float(baseline["runtime_s"]))
            rows.append(
                _identity(run)
                | {
                    "share": share,
                    "ratio": found.value / float(baseline["hypervolume"]),
                    "ended": found.ended,
                }
            )
    return pd.DataFrame(rows)


def hits(runs: pd.DataFrame, curves: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return when each run first reached shares of the baseline's final hypervolume.

    Args:
        runs: The table from `aggregate.summarise`.
        curves: Run id → the curve from `aggregate.anytime`.

    Returns:
        A row per run and target, with the columns ``series``, ``scheduler``, ``objectives``,
        ``seed``, ``target``, ``hit`` (when the run reached the target, infinite if never) and
        ``spent`` (when it ended). Both are shares of the epochs of the baseline (see `yardstick`).
    """
    rows = []
    for run, baseline in _with_baselines(runs):
        curve = curves[str(run["run_id"])]
        costs = curve["epochs"].to_numpy(float) / float(baseline["epochs"])
        # Rounding must not keep the baseline from reaching its own final value.
        bars = np.asarray(TARGETS) * float(baseline["hypervolume"]) * (1 - 1e-9)
        found = first_hits(costs, curve["hypervolume"].to_numpy(float), bars)
        rows += [
            _identity(run) | {"target": target, "hit": hit, "spent": costs[-1]}
            for target, hit in zip(TARGETS, found, strict=True)
        ]
    return pd.DataFrame(rows)


def final(runs: pd.DataFrame) -> pd.DataFrame:
    """Return each run's final hypervolume, divided by that of its baseline (see `yardstick`).

    Returns:
        A row per run, with the columns ``series``, ``scheduler``, ``objectives``, ``seed`` and
        ``ratio``.
    """
    return pd.DataFrame(
        _identity(run) | {"ratio": round(run["hypervolume"] / baseline["hypervolume"], 9)}
        for run, baseline in _with_baselines(runs)
    )


def running_times(reached: pd.DataFrame) -> pd.DataFrame:
    """Return the expected running time of each series (rows) to each target (columns).

    Args:
        reached: The table from `hits`.

    Returns:
        Times in shares of FIFO's epochs; infinite for a target that was never reached.
    """
    table = {
        (str(name), target): expected_running_time(mine["hit"], mine["spent"])
        for (name, target), mine in reached.groupby(["series", "target"], sort=False)
    }
    return pd.Series(table).unstack(sort=False)


def best_of(timed: pd.DataFrame) -> str | None:
    """Return the series, except the baseline's, with the highest IQM at a quarter of FIFO's time.

    The result is None if there is no such series.
    """
    early = timed[(timed["share"] == EARLY) & (timed["scheduler"] != BASELINE)]
    values = {str(n): float(iqm(g["ratio"])) for n, g in early.groupby("series", sort=False)}
    return max(values, key=values.__getitem__) if values else None


def against_best(timed: pd.DataFrame, best: str) -> pd.DataFrame:
    """Return the tests of `tested` on hypervolume at a quarter of FIFO's time, against one series.

    Args:
        timed: The table from `at_equal_time`.
        best: The series that the others are compared with.
    """
    early = timed[timed["share"] == EARLY]
    wide = early.pivot_table(index=["objectives", "seed"], columns="series", values="ratio")
    gains = wide.sub(wide[best], axis=0)
    return tested(
        {
            name: by_seed(gains[[name]].dropna().reset_index(), name)
            for name in early["series"].drop_duplicates()
            if name != best
        }
    )


def ranking(frame: pd.DataFrame, column: str) -> Ranks | None:
    """Return the ranks of the series on the objective sets, by their mean over the seeds.

    The result is None with fewer than three series, or fewer than three objective sets that have
    all series. It is also None with fewer than `ENOUGH_SEEDS` seeds of any set: the order of a few
    seeds would be mistaken for the order of the schedulers.

    Args:
        frame: A frame with the columns ``series``, ``objectives``, ``seed`` and `column`.
        column: The column to rank by; more is better.
    """
    if frame.groupby(["series", "objectives"])["seed"].nunique().min() < ENOUGH_SEEDS:
        return None
    means = frame.pivot_table(
        index="objectives", columns="series", values=column, sort=False
    ).dropna()
    problems, methods = means.shape
    if problems < FEWEST or methods < FEWEST:
        return None
    # Adding in another order changes the last digits, which must not decide a rank.
    test = friedman(means.round(9).to_numpy(), np.random.default_rng(SEED))
    difference = critical_difference(methods, problems)
    groups = cliques(test.mean_ranks, difference)
    return Ranks(tuple(map(str, means.columns)), test, difference, groups)


def _columns(name: str, estimate: Estimate) -> dict[str, object]:
    """Return an estimate as three columns: its value and both ends of its interval."""
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _identity(run: Mapping[str, Any]) -> dict[str, object]:
    """Return the columns that identify a run."""
    return {key: run[key] for key in ("series", "scheduler", "objectives", "seed")}


def yardstick(runs: pd.DataFrame) -> str:
    """Return the searcher whose FIFO runs are the baseline wherever searchers are compared.

    It is the first searcher whose FIFO found any hypervolume; the result is empty if none did. If
    each searcher were compared with its own FIFO, each would have a different unit, and a poor
    search would make every scheduler look good.
    """
    found = (runs["scheduler"] == BASELINE) & (runs["hypervolume"] > 0)
    searchers = runs.loc[found, "searcher"]
    return "" if searchers.empty else str(searchers.iloc[0])


def _with_baselines(
    runs: pd.DataFrame,
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return each run and its baseline (see `yardstick`), where that has a hypervolume."""
    rows = [{str(k): v for k, v in row.items()} for row in with_series(runs).to_dict("records")]
    searcher = yardstick(runs)
    baselines = {
        (row["objectives"], row["seed"]): row
        for row in rows
        if row["scheduler"] == BASELINE and row["searcher"] == searcher and row["hypervolume"] > 0
    }
    found = [(row, baselines.get((row["objectives"], row["seed"]))) for row in rows]
    return [(row, baseline) for row, baseline in found if baseline is not None]

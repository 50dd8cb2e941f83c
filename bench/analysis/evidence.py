"""What recorded runs show of each scheduler, and how sure that is: frames for the report.

The seed is the unit: objective sets of one seed train the same configurations where the search
does not depend on results, so they are resampled and tested together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis.aggregate import BASELINE
from bench.analysis.statistics import ENOUGH_SEEDS, Estimate, iqm, stratified_interval
from bench.analysis.statistics.improvement import paired_improvement
from bench.analysis.statistics.intervals import Floats
from bench.analysis.statistics.protocols import at_cost
from bench.analysis.statistics.ranks import FEWEST, Friedman, cliques, critical_difference, friedman
from bench.analysis.statistics.running_time import expected_running_time, first_hits
from bench.analysis.statistics.wilcoxon import holm, pseudomedian, signed_rank_p, smallest_p

RANDOM = "random"
"""Label of the searcher that others are compared with where it is."""
SHARES = (0.25, 0.5, 1.0)
"""Of the baseline's runtime: where runs are compared at equal time."""
EARLY = 0.25
"""The share at which most runs still go on: there schedulers are ranked at equal time."""
TARGETS = (0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
"""Of the baseline's final hypervolume of the same seed."""
SEED = 0
"""Of resamples; every row draws the same ones, so that a further scheduler moves no other row."""


@dataclass(frozen=True)
class Ranks:
    """Schedulers ranked on several objective sets.

    Args:
        names: In the order of the test's mean ranks.
        test: Whether they differ at all.
        critical_difference: Of mean ranks, at 0.05.
        groups: Positions of names that are not told apart.
    """

    names: tuple[str, ...]
    test: Friedman
    critical_difference: float
    groups: list[tuple[int, ...]]


def with_series(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs with a column ``series``: the scheduler, and its searcher if there are several."""
    names = runs["scheduler"].astype(str)
    if runs["searcher"].nunique() > 1:
        names = names + ", " + runs["searcher"].astype(str)
    return runs.assign(series=names)


def against_baseline(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per series but the baseline: over all objective sets and seeds, against FIFO.

    Args:
        runs: From `aggregate.summarise`.

    Returns:
        Columns: series; cells (objective sets); left_out (runs of the series that do not count:
        without a hypervolume to compare with, or of seeds that lack another set); epochs_saved,
        runtime_saved and hypervolume_ratio (IQM over seeds and sets), better (share of runs with
        more hypervolume, equal ones half), each with ``_low`` and ``_high``: a 95 % interval, NaN
        with fewer than `ENOUGH_SEEDS`; mean and worst (of the hypervolume ratio); and the columns
        of `tested` on `gains` in hypervolume.
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
            "mean": ratios.mean(),
            "worst": ratios.min(),
        }
        for column in ("epochs_saved", "runtime_saved", "hypervolume_ratio"):
            row |= _columns(column, iqm_of_cells(mine, column))
        gained = mine.assign(gain=gains(ratios))
        cells, matched = _cells(gained, "gain")
        better = paired_improvement(cells, np.random.default_rng(SEED), matched=matched)
        row |= _columns("better", _sure(better, cells))
        tests[str(name)] = by_seed(gained, "gain")
        rows.append(row)
    return pd.DataFrame(rows).merge(_of_ratios(tests), on="series") if rows else pd.DataFrame()


def complete(frame: pd.DataFrame) -> pd.DataFrame:
    """The runs of those seeds that have all objective sets; all runs if no seed has.

    A seed that lacks a set would weigh on the others only, and sets of other seeds are no pairs.
    """
    sets = frame.groupby("seed")["objectives"].transform("nunique")
    whole = frame[sets == frame["objectives"].nunique()]
    return frame if whole.empty else whole


def gains(ratios: pd.Series[float]) -> pd.Series[float]:
    """(a − b) / (a + b) of ratios a / b, within −1 and 1.

    Symmetric, as a signed-rank test needs it: a and b swapped give the same with the other sign,
    where a / b − 1 makes a gain of twice as much larger than a loss of half.
    """
    return (ratios - 1) / (ratios + 1)


def _of_ratios(by_series: Mapping[str, Floats]) -> pd.DataFrame:
    """`tested` on `gains`, their pseudomedian as a ratio less 1."""
    tests = tested(by_series)
    return tests.assign(gain=(1 + tests["gain"]) / (1 - tests["gain"]) - 1)


def tested(by_series: Mapping[str, Floats]) -> pd.DataFrame:
    """Exact Wilcoxon tests that each series' gains are symmetric around 0, with Holm over all.

    Args:
        by_series: Series → (n,) gains, one per seed.

    Returns:
        Columns: series; seeds, differ (those whose gain is not 0), gain (their pseudomedian), p
        (after Holm), and smallest_p (what p would be if all that differ had one direction).
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
    """The test of `tested` on hypervolume against random search with the same scheduler and seed.

    Empty where no searcher, or no other, is called ``random``.
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
    """What each run has at shares of the baseline's runtime: the protocol of equal time.

    Args:
        runs: From `aggregate.summarise`.
        curves: Run id → `aggregate.anytime`.

    Returns:
        A row per run and share: series, scheduler, objectives, seed, share, ratio (observed
        hypervolume at that time over the final one of `yardstick`) and ended (the run was over:
        it could have gone on). Runs whose baseline has no hypervolume are left out.
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
    """When each run first had shares of the final hypervolume of `yardstick`.

    Returns:
        A row per run and target: series, scheduler, objectives, seed, target, hit and spent, both
        as shares of the baseline's epochs; hit is infinite if the run ended before.
    """
    rows = []
    for run, baseline in _with_baselines(runs):
        curve = curves[str(run["run_id"])]
        costs = curve["epochs"].to_numpy(float) / float(baseline["epochs"])
        # Rounding must not keep the baseline from its own final value.
        bars = np.asarray(TARGETS) * float(baseline["hypervolume"]) * (1 - 1e-9)
        found = first_hits(costs, curve["hypervolume"].to_numpy(float), bars)
        rows += [
            _identity(run) | {"target": target, "hit": hit, "spent": costs[-1]}
            for target, hit in zip(TARGETS, found, strict=True)
        ]
    return pd.DataFrame(rows)


def final(runs: pd.DataFrame) -> pd.DataFrame:
    """A row per run: series, scheduler, objectives, seed, ratio (hypervolume to `yardstick`'s)."""
    return pd.DataFrame(
        _identity(run) | {"ratio": round(run["hypervolume"] / baseline["hypervolume"], 9)}
        for run, baseline in _with_baselines(runs)
    )


def running_times(reached: pd.DataFrame) -> pd.DataFrame:
    """Expected running time of each series (rows) to each target, in shares of FIFO's epochs.

    Args:
        reached: From `hits`.
    """
    table = {
        (str(name), target): expected_running_time(mine["hit"], mine["spent"])
        for (name, target), mine in reached.groupby(["series", "target"], sort=False)
    }
    return pd.Series(table).unstack(sort=False)


def best_of(timed: pd.DataFrame) -> str | None:
    """The series, not of the baseline, with the highest IQM at a quarter of FIFO's time."""
    early = timed[(timed["share"] == EARLY) & (timed["scheduler"] != BASELINE)]
    values = {str(n): float(iqm(g["ratio"])) for n, g in early.groupby("series", sort=False)}
    return max(values, key=values.__getitem__) if values else None


def against_best(timed: pd.DataFrame, best: str) -> pd.DataFrame:
    """The test of `tested` on hypervolume at a quarter of FIFO's time, against the best's."""
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
    """Series ranked on each objective set by their mean over the seeds, more is better.

    None with fewer than three series or objective sets that have all of them, or with fewer than
    `ENOUGH_SEEDS` of one: the order of a few seeds would pass for that of the schedulers.

    Args:
        frame: With columns series, objectives, seed, and `column`.
        column: What is ranked.
    """
    if frame.groupby(["series", "objectives"])["seed"].nunique().min() < ENOUGH_SEEDS:
        return None
    means = frame.pivot_table(
        index="objectives", columns="series", values=column, sort=False
    ).dropna()
    problems, methods = means.shape
    if problems < FEWEST or methods < FEWEST:
        return None
    # Sums in another order differ in the last digits: those are no ranks.
    test = friedman(means.round(9).to_numpy(), np.random.default_rng(SEED))
    difference = critical_difference(methods, problems)
    groups = cliques(test.mean_ranks, difference)
    return Ranks(tuple(map(str, means.columns)), test, difference, groups)


def iqm_of_cells(frame: pd.DataFrame, column: str) -> Estimate:
    """IQM of a column over complete seeds and objective sets; no interval with too few seeds."""
    cells, matched = _cells(complete(frame), column)
    estimate = stratified_interval(cells, iqm, np.random.default_rng(SEED), matched=matched)
    return _sure(estimate, cells)


def by_seed(frame: pd.DataFrame, column: str, of: Sequence[str] = ("objectives",)) -> Floats:
    """(n,) mean over what a seed was run on, of the seeds that have all that any has.

    Args:
        frame: With columns seed, those of `of`, and `column`.
        column: What is averaged.
        of: What tells apart what a seed was run on: the objective sets.
    """
    wide = frame.set_index(["seed", *of])[column].unstack(list(of))
    values: Floats = wide.dropna().mean(axis=1).to_numpy(dtype=float)
    return values


def _cells(frame: pd.DataFrame, column: str) -> tuple[list[Floats], bool]:
    """Values of each objective set in the order of the seeds, and whether all have the same."""
    groups = [g.sort_values("seed") for _, g in frame.groupby("objectives", sort=False)]
    seeds = [group["seed"].tolist() for group in groups]
    matched = all(one == seeds[0] for one in seeds)
    return [group[column].to_numpy(dtype=float) for group in groups], matched


def _sure(estimate: Estimate, cells: Sequence[Floats]) -> Estimate:
    if min(len(cell) for cell in cells) >= ENOUGH_SEEDS:
        return estimate
    return Estimate(estimate.value, np.nan, np.nan)


def _columns(name: str, estimate: Estimate) -> dict[str, object]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _identity(run: Mapping[str, Any]) -> dict[str, object]:
    return {key: run[key] for key in ("series", "scheduler", "objectives", "seed")}


def yardstick(runs: pd.DataFrame) -> str:
    """The searcher whose FIFO measures all where searchers are compared: the first that found any.

    Each searcher's own would be another unit for each: with a poor search everything looks good.
    """
    found = (runs["scheduler"] == BASELINE) & (runs["hypervolume"] > 0)
    searchers = runs.loc[found, "searcher"]
    return "" if searchers.empty else str(searchers.iloc[0])


def _with_baselines(
    runs: pd.DataFrame,
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each run with `yardstick`'s of the same objectives and seed, where that has a front."""
    rows = [{str(k): v for k, v in row.items()} for row in with_series(runs).to_dict("records")]
    searcher = yardstick(runs)
    baselines = {
        (row["objectives"], row["seed"]): row
        for row in rows
        if row["scheduler"] == BASELINE and row["searcher"] == searcher and row["hypervolume"] > 0
    }
    found = [(row, baselines.get((row["objectives"], row["seed"]))) for row in rows]
    return [(row, baseline) for row, baseline in found if baseline is not None]

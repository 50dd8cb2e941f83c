"""Estimates over the seeds and objective sets of a table of runs, with intervals.

The seed is the unit: where the search does not depend on results, all objective sets of a seed
train the same configurations, so they are resampled together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.analysis.statistics import ENOUGH_SEEDS, Estimate, iqm, stratified_interval
from bench.analysis.statistics.intervals import Floats, Statistic

SEED = 0
"""The seed of resampling. All rows draw the same resamples, so a new row changes no other."""


def complete(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the runs of the seeds that have every objective set, or all runs if no seed has.

    A seed that lacks a set would count for its other sets only. Sets of different seeds cannot be
    paired.
    """
    sets = frame.groupby("seed")["objectives"].transform("nunique")
    whole = frame[sets == frame["objectives"].nunique()]
    return frame if whole.empty else whole


def iqm_of_cells(frame: pd.DataFrame, column: str) -> Estimate:
    """Return the IQM of a column over complete seeds and objective sets.

    The interval is NaN if a set has fewer than `ENOUGH_SEEDS` seeds.
    """
    return _of_cells(frame, column, iqm)


def mean_of_cells(frame: pd.DataFrame, column: str) -> Estimate:
    """Return the mean of a column, as `iqm_of_cells` does the IQM."""
    return _of_cells(frame, column, lambda values: values.mean(axis=-1))


def _of_cells(frame: pd.DataFrame, column: str, statistic: Statistic) -> Estimate:
    valued = frame.dropna(subset=column)  # a run that took 0 s has saved no share of it
    if valued.empty:
        return Estimate(np.nan, np.nan, np.nan)
    cells, matched = cells_of(complete(valued), column)
    estimate = stratified_interval(cells, statistic, np.random.default_rng(SEED), matched=matched)
    return sure(estimate, cells)


def by_seed(frame: pd.DataFrame, column: str, of: Sequence[str] = ("objectives",)) -> Floats:
    """Return (n,) means of a column, one per seed.

    Seeds that lack an objective set which another seed has are left out.

    Args:
        frame: A frame with the column ``seed``, the columns in `of`, and `column`.
        column: The column to average.
        of: The columns that tell apart the runs of one seed; by default the objective set.
    """
    wide = frame.set_index(["seed", *of])[column].unstack(list(of))
    values: Floats = wide.dropna().mean(axis=1).to_numpy(dtype=float)
    return values


def cells_of(frame: pd.DataFrame, column: str) -> tuple[list[Floats], bool]:
    """Return each set's values in the order of the seeds, and whether all have the same seeds."""
    groups = [g.sort_values("seed") for _, g in frame.groupby("objectives", sort=False)]
    seeds = [group["seed"].tolist() for group in groups]
    matched = all(one == seeds[0] for one in seeds)
    return [group[column].to_numpy(dtype=float) for group in groups], matched


def sure(estimate: Estimate, cells: Sequence[Floats]) -> Estimate:
    """Return the estimate, without its interval if a cell has too few seeds."""
    if min(len(cell) for cell in cells) >= ENOUGH_SEEDS:
        return estimate
    return Estimate(estimate.value, np.nan, np.nan)

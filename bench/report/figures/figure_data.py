"""The content of each figure, as frames and arrays, for printed figures and for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pandas as pd

from bench.analysis import aggregate
from bench.analysis.statistics.intervals import Floats
from bench.formatting import whole
from bench.records.record import RunRecord
from bench.report.statistics_section import Findings
from mobo_core.objectives import Objective

LEGIBLE_SEEDS = 3
"""Number of seeds whose fronts can be told apart; of more seeds only the first few are shown."""
LEGIBLE_EPOCHS = 10
"""Number of columns of epochs that can be read beside each other."""
LEGIBLE_BANDS = 8
"""Number of schedulers whose ranges can be told apart; of more only the medians are shown."""
PROFILE_TARGET = 0.95
"""Share of FIFO's hypervolume whose cost the performance profile compares."""
TIME_SHARES = (("training_s", "training"), ("startup_s", "start-up"), ("idle_s", "waiting"))
"""Pairs of a column of `aggregate.summarise` and its name; they add up to slots × run time."""


def without_a_common_searcher(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the records, with an empty searcher's label if all of them have the same searcher."""
    if len({record.labels["searcher"] for record in records}) > 1:
        return list(records)
    return [replace(record, labels=record.labels | {"searcher": ""}) for record in records]


def by_objectives(records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Return the records of each objective set, e.g. under ``acc+params``."""
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        groups.setdefault("+".join(record.spec["objectives"]), []).append(record)
    return groups


def series(record: RunRecord) -> str:
    """Return the name of the line or colour that a run belongs to.

    It is the name of the scheduler, with the searcher if there are several searchers.
    """
    return series_of(record.labels["scheduler"], record.labels["searcher"])


def series_of(scheduler: str, searcher: str) -> str:
    """Return the name that `series` gives to two labels; the searcher may be empty."""
    return f"{scheduler}, {searcher}" if searcher else scheduler


def pairs(records: Sequence[RunRecord]) -> list[tuple[str, Objective, Objective]]:
    """Return a panel for each objective set and pair of its objectives.

    Returns:
        The objective set's name, the objective of the x axis and that of the y axis.
    """
    return [
        (label, group[0].objectives[second], group[0].objectives[first])
        for label, group in by_objectives(records).items()
        for first, second in combinations(range(len(group[0].objectives)), 2)
    ]


def limits(group: Sequence[RunRecord], objective: Objective) -> tuple[float, float]:
    """Return the limits of an objective's axis: the best value seen, and the reference value.

    The axis ends at the worst value seen if that is nearer than the reference, or if no value is
    better than the reference.
    """
    reports = pd.concat([record.result.epochs for record in group if record.result])
    values = reports[objective.name].replace([np.inf, -np.inf], np.nan).dropna() * objective.sign
    low, high, reference = values.min(), values.max(), objective.sign * objective.reference
    if low < reference:
        high = min(high, reference)
    margin = 0.06 * (high - low) if high > low else 0.06 * max(abs(low), 1e-9)
    least, most = sorted((objective.sign * (low - margin), objective.sign * (high + margin)))
    return float(least), float(most)


def spread(
    curves: Sequence[pd.DataFrame], against: str, value: str = "hypervolume"
) -> pd.DataFrame:
    """Return the median and the range of curves: columns at, median, lowest and highest.

    A run that has ended keeps its last value up to the end of the longest run.

    Args:
        curves: One frame for each seed, e.g. from `aggregate.anytime`.
        against: The column along x, e.g. ``time_s``.
        value: The column whose median and range are returned.
    """
    grid = np.unique(np.concatenate([curve[against].to_numpy(dtype=float) for curve in curves]))
    stacked = np.stack([_step(curve, against, value, grid) for curve in curves])
    return pd.DataFrame(
        {
            "at": grid,
            "median": np.median(stacked, axis=0),
            "lowest": stacked.min(axis=0),
            "highest": stacked.max(axis=0),
        }
    )


def _step(curve: pd.DataFrame, against: str, value: str, grid: Floats) -> Floats:
    positions = np.searchsorted(curve[against].to_numpy(dtype=float), grid, side="right") - 1
    values: Floats = curve[value].to_numpy(dtype=float)[positions]
    return values


def epoch_bins(last: int) -> list[int]:
    """Return the edges of a bin for each epoch from 0 to the last one.

    Where these are too many, bins in between hold several epochs; the first and last hold one.
    """
    width = max(1, -(-(last - 1) // LEGIBLE_EPOCHS))
    return [0, *range(1, last, width), last, last + 1]


def bin_names(edges: Sequence[int]) -> list[str]:
    """Return the names of the bins, e.g. ``1`` or ``6–10``."""
    return [f"{low}" if high == low + 1 else f"{low}–{high - 1}" for low, high in pairwise(edges)]


def last_epochs(
    group: Sequence[RunRecord], rows: Sequence[str], edges: Sequence[int]
) -> pd.DataFrame:
    """Return the mean number of trials per run that ended in each bin of epochs.

    Args:
        group: Runs of one objective set.
        rows: The names of the series (see `series`), in order.
        edges: The edges of the bins, from `epoch_bins`.

    Returns:
        A row per series and a column per bin; NaN for a series without a run.
    """
    ended = pd.DataFrame(np.nan, index=list(rows), columns=bin_names(edges))
    for name in rows:
        mine = [r.result for r in group if r.result and series(r) == name]
        if mine:
            epochs = [trial.epochs for result in mine for trial in result.trials]
            ended.loc[name] = np.histogram(epochs, edges)[0] / len(mine)
    return ended


def lost_by_epoch(
    group: Sequence[RunRecord],
    rows: Sequence[str],
    edges: Sequence[int],
    baselines: Mapping[str, RunRecord],
) -> pd.DataFrame:
    """Return the mean number per run of members of FIFO's front that ended early in each bin.

    Args:
        group: Runs of one objective set.
        rows: The names of the series (see `series`), in order.
        edges: The edges of the bins, from `epoch_bins`.
        baselines: Run id → FIFO's run, from `aggregate.baselines`.

    Returns:
        A row per series and a column per bin; NaN for FIFO, and for a series in which no run met
        the same configurations as FIFO.
    """
    lost = pd.DataFrame(np.nan, index=list(rows), columns=bin_names(edges))
    for name in rows:
        mine = [
            members
            for r in group
            if series(r) == name and r.labels["scheduler"] != aggregate.BASELINE
            if r.run_id in baselines
            if (members := aggregate.lost_members(r, baselines[r.run_id])) is not None
        ]
        if mine:
            epochs = [member.epochs for members in mine for member in members]
            lost.loc[name] = np.histogram(epochs, edges)[0] / len(mine)
    return lost


def heat_label(mean: float) -> str:
    """Return the number in a field of the heat map of last epochs; nothing for none."""
    if np.isnan(mean) or mean <= 0:
        return ""
    text = whole(mean)
    return "< 0.1" if text == "0" else text


def time_cells(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the means over the seeds by objective set, scheduler and searcher.

    The searcher is empty if all runs have the same one.

    Args:
        runs: The frame from `aggregate.summarise`.
    """
    if runs["searcher"].nunique() == 1:
        runs = runs.assign(searcher="")
    keys = ["objectives", "scheduler", "searcher"]
    return runs.groupby(keys, sort=False).mean(numeric_only=True)


def kept(findings: Findings) -> dict[str, list[Floats]]:
    """Return the hypervolume over FIFO's of each series: an array for each objective set."""
    return {
        str(name): [cell["ratio"].to_numpy(float) for _, cell in mine.groupby("objectives")]
        for name, mine in findings.final.groupby("series", sort=False)
    }


def costs(findings: Findings) -> dict[str, Floats] | None:
    """Return the cost at which each series reaches `PROFILE_TARGET`, in shares of FIFO's epochs.

    Each array has a value for every pair of objective set and seed that all series have.

    Returns:
        Series → costs, infinite where the target is never reached; None if there is no such pair.
    """
    at = findings.hits[findings.hits["target"] == PROFILE_TARGET]
    pair = ["objectives", "seed"]
    wide = at.pivot_table(index=pair, columns="series", values="hit", sort=False).dropna()
    if wide.empty:
        return None
    return {str(name): wide[name].to_numpy(float) for name in wide.columns}


def reached(findings: Findings) -> dict[str, Floats]:
    """Return the (runs, targets) shares of FIFO's epochs at which each series reached targets."""
    hits = findings.hits.groupby("series", sort=False)["hit"]
    targets = findings.hits["target"].nunique()
    return {str(name): hit.to_numpy(float).reshape(-1, targets) for name, hit in hits}


def factors(costs: Mapping[str, Floats]) -> Floats:
    """Return the factors of the quickest series' cost at which the profile of costs is drawn."""
    table = np.column_stack(list(costs.values()))
    finite = table[np.isfinite(table).any(axis=1)]
    against = finite / finite.min(axis=1, keepdims=True) if len(finite) else np.ones((1, 1))
    values: Floats = np.geomspace(1, max(2.0, float(against[np.isfinite(against)].max())), 400)
    return values


def bars(ratios: Mapping[str, Sequence[Floats]]) -> Floats:
    """Return the shares of FIFO's hypervolume at which the profile of kept hypervolume is drawn."""
    lowest = min(min(cell.min() for cell in cells) for cells in ratios.values())
    values: Floats = np.linspace(min(lowest, 0.99) - 0.01, 1.02, 400)
    return values

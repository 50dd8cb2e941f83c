"""What each figure shows, as frames and arrays, for `bench.report.plots` and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pandas as pd

from bench.analysis import aggregate
from bench.analysis.statistics.intervals import Floats
from bench.records.record import RunRecord
from bench.report.statistics_section import Findings
from mobo_core.objectives import Objective

LEGIBLE_SEEDS = 3
"""Fronts of so many seeds can be told apart in one panel; of more the first is shown."""
LEGIBLE_EPOCHS = 10
"""Columns of epochs that can be read beside each other."""
LEGIBLE_BANDS = 8
"""Ranges of so many schedulers can be told apart; of more the medians are shown alone."""
PROFILE_TARGET = 0.95
"""Share of FIFO's hypervolume whose cost the profiles compare."""
TIME_SHARES = (("training_s", "training"), ("startup_s", "start-up"), ("idle_s", "waiting"))
"""Column of `aggregate.summarise`, what it is called; they add up to slots × run time."""


def without_a_common_searcher(records: Sequence[RunRecord]) -> list[RunRecord]:
    """The records, their searcher's label emptied where all have the same."""
    if len({record.labels["searcher"] for record in records}) > 1:
        return list(records)
    return [replace(record, labels=record.labels | {"searcher": ""}) for record in records]


def by_objectives(records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Objective set → its records."""
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        groups.setdefault("+".join(record.spec["objectives"]), []).append(record)
    return groups


def series(record: RunRecord) -> str:
    """What shares a colour: the scheduler, with its searcher if there are several."""
    return series_of(record.labels["scheduler"], record.labels["searcher"])


def series_of(scheduler: str, searcher: str) -> str:
    """The same of two labels."""
    return f"{scheduler}, {searcher}" if searcher else scheduler


def pairs(records: Sequence[RunRecord]) -> list[tuple[str, Objective, Objective]]:
    """Objective set, what goes along x, what goes up: a panel each of final points."""
    return [
        (label, group[0].objectives[second], group[0].objectives[first])
        for label, group in by_objectives(records).items()
        for first, second in combinations(range(len(group[0].objectives)), 2)
    ]


def limits(group: Sequence[RunRecord], objective: Objective) -> tuple[float, float]:
    """From the best value seen to the reference, or to the worst seen if that is nearer.

    To the worst, too, where nothing was better than the reference.
    """
    reports = pd.concat([record.result.epochs for record in group if record.result])
    values = reports[objective.name].replace([np.inf, -np.inf], np.nan).dropna() * objective.sign
    low, high, reference = values.min(), values.max(), objective.sign * objective.reference
    if low < reference:
        high = min(high, reference)
    margin = 0.06 * (high - low) if high > low else 0.06 * max(abs(low), 1e-9)
    least, most = sorted((objective.sign * (low - margin), objective.sign * (high + margin)))
    return float(least), float(most)


def spread(curves: Sequence[pd.DataFrame], against: str) -> pd.DataFrame:
    """Observed hypervolume over the seeds: columns at, median, lowest, highest.

    A run that has ended keeps what it has, up to the end of the longest.

    Args:
        curves: Each from `aggregate.anytime`.
        against: ``time_s`` or ``epochs``.
    """
    grid = np.unique(np.concatenate([curve[against].to_numpy(dtype=float) for curve in curves]))
    stacked = np.stack([_step(curve, against, grid) for curve in curves])
    return pd.DataFrame(
        {
            "at": grid,
            "median": np.median(stacked, axis=0),
            "lowest": stacked.min(axis=0),
            "highest": stacked.max(axis=0),
        }
    )


def _step(curve: pd.DataFrame, against: str, grid: Floats) -> Floats:
    positions = np.searchsorted(curve[against].to_numpy(dtype=float), grid, side="right") - 1
    values: Floats = curve["hypervolume"].to_numpy(dtype=float)[positions]
    return values


def epoch_bins(last: int) -> list[int]:
    """Edges of 0, 1, …, the last epoch; in between in bins where those would be too many."""
    width = max(1, -(-(last - 1) // LEGIBLE_EPOCHS))
    return [0, *range(1, last, width), last, last + 1]


def bin_names(edges: Sequence[int]) -> list[str]:
    """What the bins are called, e.g. ``1`` or ``6–10``."""
    return [f"{low}" if high == low + 1 else f"{low}–{high - 1}" for low, high in pairwise(edges)]


def last_epochs(
    group: Sequence[RunRecord], rows: Sequence[str], edges: Sequence[int]
) -> pd.DataFrame:
    """Mean number of trials per run that ended after which epoch: a row per series, NaN without.

    Args:
        group: Runs of one objective set.
        rows: The series, in order.
        edges: From `epoch_bins`.
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
    """Mean number per run of members of FIFO's front that ended early after which epoch.

    Args:
        group: Runs of one objective set.
        rows: The series, in order; NaN where no run met the configurations that FIFO met, and for
            FIFO itself.
        edges: From `epoch_bins`.
        baselines: From `aggregate.baselines`.
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


def time_cells(runs: pd.DataFrame) -> pd.DataFrame:
    """Means over the seeds by objectives, scheduler and searcher (empty where all share it).

    Args:
        runs: From `aggregate.summarise`.
    """
    if runs["searcher"].nunique() == 1:
        runs = runs.assign(searcher="")
    keys = ["objectives", "scheduler", "searcher"]
    return runs.groupby(keys, sort=False).mean(numeric_only=True)


def kept(findings: Findings) -> dict[str, list[Floats]]:
    """Series → hypervolume over FIFO's, a cell for each objective set."""
    return {
        str(name): [cell["ratio"].to_numpy(float) for _, cell in mine.groupby("objectives")]
        for name, mine in findings.final.groupby("series", sort=False)
    }


def costs(findings: Findings) -> dict[str, Floats] | None:
    """Series → cost of the target in each pair of set and seed that all have; None without one."""
    at = findings.hits[findings.hits["target"] == PROFILE_TARGET]
    pair = ["objectives", "seed"]
    wide = at.pivot_table(index=pair, columns="series", values="hit", sort=False).dropna()
    if wide.empty:
        return None
    return {str(name): wide[name].to_numpy(float) for name in wide.columns}


def reached(findings: Findings) -> dict[str, Floats]:
    """Series → (runs, targets) shares of FIFO's epochs at which targets were reached."""
    hits = findings.hits.groupby("series", sort=False)["hit"]
    targets = findings.hits["target"].nunique()
    return {str(name): hit.to_numpy(float).reshape(-1, targets) for name, hit in hits}


def factors(costs: Mapping[str, Floats]) -> Floats:
    """Factors of the quickest series' cost at which the profile of costs is drawn."""
    table = np.column_stack(list(costs.values()))
    finite = table[np.isfinite(table).any(axis=1)]
    against = finite / finite.min(axis=1, keepdims=True) if len(finite) else np.ones((1, 1))
    values: Floats = np.geomspace(1, max(2.0, float(against[np.isfinite(against)].max())), 400)
    return values


def bars(ratios: Mapping[str, Sequence[Floats]]) -> Floats:
    """Parts of FIFO's hypervolume at which the profile of what was kept is drawn."""
    lowest = min(min(cell.min() for cell in cells) for cells in ratios.values())
    values: Floats = np.linspace(min(lowest, 0.99) - 0.01, 1.02, 400)
    return values

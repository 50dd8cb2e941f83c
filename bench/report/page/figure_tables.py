"""Tables of readings from the curves, for readers who cannot see them or need the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bench.analysis.aggregate import BASELINE
from bench.analysis.statistics.intervals import Floats
from bench.analysis.statistics.profiles import performance_profile, score_profile
from bench.analysis.statistics.running_time import runtime_distribution
from bench.formatting import percent, significant
from bench.matrix.naming import name_of
from bench.records.record import RunRecord
from bench.report.figures import figure_data
from bench.report.figures.attainment_data import Difference, Fronts
from bench.report.page.parts import Grid
from bench.report.statistics_section import Findings
from bench.report.tables_and_notes import Cell, Sheet, named
from mobo_core.objectives import Objective

FOLDED = "The same as a table"
"""The words that open the table of a figure."""
PARTS = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Shares of FIFO's epochs or time at which the curves are read."""
BARS = (0.8, 0.9, 0.95, 0.98, 0.99)
"""Shares of FIFO's hypervolume at which the profile is read."""
FACTORS = (1.0, 1.5, 2.0, 4.0)
"""Multiples of the quickest scheduler's epochs at which the profile is read."""


def anytime(
    finished: Sequence[RunRecord],
    curves: Mapping[str, pd.DataFrame],
    against: Sequence[tuple[str, str]],
) -> Grid:
    """Return a table of the hypervolume of every scheduler at shares of FIFO's epochs and time.

    Args:
        finished: Finished runs; the searcher's label is empty where all runs share the searcher.
        curves: Run id → `aggregate.anytime`.
        against: Pairs of a column of these frames and its name.
    """
    rows = []
    for label, group in figure_data.by_objectives(finished).items():
        for column, what in against:
            ends = {record.run_id: float(curves[record.run_id][column].max()) for record in group}
            fifo = {
                (record.labels["searcher"], record.spec["seed"]): ends[record.run_id]
                for record in group
                if record.labels["scheduler"] == BASELINE
            }
            longest = max(ends.values())
            readings: dict[str, list[Floats]] = {}
            for record in group:
                end = fifo.get((record.labels["searcher"], record.spec["seed"]), longest)
                read = _read(curves[record.run_id], column, end)
                readings.setdefault(figure_data.series(record), []).append(read)
            for name, mine in readings.items():
                cells = [_reading(values) for values in np.transpose(mine)]
                rows.append([named(name), named(label), named(what), *cells])
    header = ["scheduler", "objectives", "over", *(f"{100 * part:g} %" for part in PARTS)]
    lead = (
        ": medians over the seeds (lowest to highest) when a run has spent this share of what FIFO "
        "spent with the same seed. Where FIFO did not run, the longest run takes its place."
    )
    sheet = Sheet("Hypervolume on the way", lead, header, rows, frozenset({0, 1, 2}))
    return Grid("anytime-table", sheet, FOLDED)


def _read(curve: pd.DataFrame, column: str, end: float) -> Floats:
    at = np.searchsorted(curve[column], [part * end for part in PARTS], side="right") - 1
    values: Floats = curve["hypervolume"].to_numpy(dtype=float)[at]
    return values


def _reading(values: Floats) -> Cell:
    median = float(np.median(values))
    if len(values) == 1:
        return Cell(significant(median), median)
    ends = f"{significant(values.min())}–{significant(values.max())}"
    return Cell(f"{significant(median)} ({ends})", median)


def attainment(panels: Mapping[str, tuple[Fronts, Difference]]) -> Grid | None:
    """Return a table with the corners of what half of the seeds reach; None without corners."""
    rows = []
    for label, (fronts, found) in panels.items():
        up, along = fronts.objectives
        for name, path in zip(fronts.names, found.medians, strict=True):
            for x, y in path[1:-1]:  # the ends lie at the reference and are no corners
                rows.append([named(name), named(label), _bound(up, y), _bound(along, x)])
    if not rows:
        return None
    header = ["scheduler", "objectives", "half of the seeds reach", "with"]
    words = frozenset(range(len(header)))
    sheet = Sheet("Median attainment surfaces", ": their corners.", header, rows, words)
    return Grid("attainment-table", sheet, FOLDED, rows=10)


def _bound(objective: Objective, value: float) -> Cell:
    sign = "≥" if objective.goal == "max" else "≤"
    unit = f" {objective.unit}" if objective.unit else ""
    return named(f"{name_of(objective)} {sign} {significant(value)}{unit}")


def reached(found: Mapping[str, Floats]) -> Grid:
    """Return a table of the share of runs and targets reached within shares of FIFO's epochs.

    Args:
        found: Series → (runs, targets) shares of FIFO's epochs, from `figure_data.reached`.
    """
    shares = {name: runtime_distribution(hits, PARTS) for name, hits in found.items()}
    header = ["scheduler", *(f"within {100 * part:g} % of FIFO's epochs" for part in PARTS)]
    sheet = Sheet("Targets reached", ": the share of runs and targets.", header, _shares(shares))
    return Grid("running-time-table", sheet, FOLDED)


def profiles(findings: Findings, costs: Mapping[str, Floats]) -> Grid:
    """Return a table of both performance profiles, read at a few places.

    Args:
        findings: The comparison with FIFO.
        costs: Series → costs of the target, from `figure_data.costs`.
    """
    within = performance_profile(np.column_stack(list(costs.values())), FACTORS)
    kept = {name: score_profile(cells, BARS) for name, cells in figure_data.kept(findings).items()}
    none = np.full(len(FACTORS), np.nan)
    quick = {name: within[:, k] for k, name in enumerate(costs)}
    shares = {name: np.concatenate([kept[name], quick.get(name, none)]) for name in kept}
    header = ["scheduler", *(f"above {100 * bar:g} %" for bar in BARS)]
    header += [f"within {factor:g} ×" for factor in FACTORS]
    target = f"{100 * figure_data.PROFILE_TARGET:g} %"
    groups = [("", 1), ("keeps of FIFO's hypervolume", len(BARS))]
    groups.append((f"epochs to {target} of it, against the quickest", len(FACTORS)))
    lead = (
        ": the share of runs, as a mean over the objective sets. Against the quickest scheduler it "
        "is the share of the pairs of seed and objective set that every scheduler has."
    )
    sheet = Sheet("Performance profiles", lead, header, _shares(shares), groups=groups)
    return Grid("profiles-table", sheet, FOLDED)


def _shares(shares: Mapping[str, Floats]) -> list[list[Cell]]:
    return [
        [
            named(name),
            *(
                Cell(percent(share), float(share)) if np.isfinite(share) else Cell("–")
                for share in mine
            ),
        ]
        for name, mine in shares.items()
    ]

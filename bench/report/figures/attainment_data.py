"""Where the recommended scheduler gets further than FIFO in more seeds, and where in fewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis import aggregate
from bench.analysis.statistics.attainment import attainment_difference, attainment_surface
from bench.analysis.statistics.intervals import Floats
from bench.records.record import RunRecord
from bench.report import summary
from bench.report.statistics_section import Findings
from mobo_core.objectives import Objective

FEWEST_SEEDS = 3
"""Fewest seeds for a figure of attainment; of fewer seeds the figure of fronts shows the same."""


@dataclass(frozen=True)
class Fronts:
    """The final points of two series on the same two objectives.

    Args:
        objectives: The two objectives; the first is on the y axis, as in the other figures.
        names: The names of the two series.
        sets: For each series, an (n_i, 2) array of minimised points for each seed.
    """

    objectives: tuple[Objective, Objective]
    names: tuple[str, str]
    sets: tuple[Sequence[Floats], Sequence[Floats]]


@dataclass(frozen=True)
class Difference:
    """The differences between two series; x and y have the objectives' own directions.

    Args:
        boxes: (k, 5) two corners x, y, x, y, and the difference between the shares of seeds that
            get there: the first series' less the second's.
        medians: For each series the (p, 2) path that half of its seeds reach; it may be empty.
        limits: Limits of x and of y, around the medians and not beyond the reference; None
            without medians.
    """

    boxes: Floats
    medians: tuple[Floats, Floats]
    limits: tuple[tuple[float, float], tuple[float, float]] | None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return self.limits is None or len(self.boxes) == 0


def panels(records: Sequence[RunRecord], findings: Findings) -> dict[str, Fronts]:
    """Return the fronts of the recommended scheduler and FIFO for each set of two objectives.

    Objective sets with too few seeds, and those whose figure would be empty, are left out.
    """
    best = summary.recommended(findings)
    assert best is not None, "there are findings"
    chosen = findings.runs[findings.runs["series"] == best["series"]]
    by_id = {record.run_id: record for record in records}
    found = {}
    fifo = findings.runs[
        (findings.runs["scheduler"] == aggregate.BASELINE)
        & (findings.runs["searcher"] == chosen["searcher"].iloc[0])
    ]
    for label, mine in chosen.groupby("objectives", sort=False):
        theirs = fifo[fifo["objectives"] == label]
        objectives = by_id[mine["run_id"].iloc[0]].objectives
        if len(objectives) != 2 or min(len(mine), len(theirs)) < FEWEST_SEEDS:
            continue
        names = (str(mine["series"].iloc[0]), str(theirs["series"].iloc[0]))
        sides = (
            [aggregate.observed_points(by_id[run]) for run in mine["run_id"]],
            [aggregate.observed_points(by_id[run]) for run in theirs["run_id"]],
        )
        fronts = Fronts((objectives[0], objectives[1]), names, sides)
        if not difference(fronts).empty:
            found[str(label)] = fronts
    return found


def difference(fronts: Fronts) -> Difference:
    """Return the boxes and median paths of two series, in the coordinates of the figure."""
    up, along = fronts.objectives
    # Points come as (first, second); x is the second objective.
    signs = np.array([along.sign, up.sign], dtype=float)
    reference = np.array([along.sign * along.reference, up.sign * up.reference])
    left, right = ([points[:, ::-1] for points in side] for side in fronts.sets)
    boxes = attainment_difference(left, right, reference)
    boxes = boxes * np.concatenate([signs, signs, [1.0]])
    corners = [_median(side, reference) for side in (left, right)]
    paths = [_path(median, reference) * signs for median in corners]
    return Difference(boxes, (paths[0], paths[1]), _limits(np.vstack(corners), reference, signs))


def _median(side: Sequence[Floats], reference: Floats) -> Floats:
    surface = attainment_surface(side, 50)
    surface = surface[(surface < reference).all(axis=1)]
    ordered: Floats = surface[np.argsort(surface[:, 0])]
    return ordered


def _path(median: Floats, reference: Floats) -> Floats:
    """Return the surface with its ends at the reference."""
    if len(median) == 0:
        return median
    first, last = [median[0, 0], reference[1]], [reference[0], median[-1, 1]]
    return np.vstack([[first], median, [last]])


def _limits(
    corners: Floats, reference: Floats, signs: Floats
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    if len(corners) == 0:
        return None
    low, high = corners.min(axis=0), corners.max(axis=0)
    margin = 0.25 * np.where(high > low, high - low, 0.1 * np.abs(high) + 1e-9)
    ends = (low - margin, np.minimum(high + margin, reference))
    x, y = (sorted(float(signs[k] * end[k]) for end in ends) for k in range(2))
    return (x[0], x[1]), (y[0], y[1])

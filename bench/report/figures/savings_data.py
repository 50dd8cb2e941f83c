"""The savings of each scheduler, and the few schedulers that the figures highlight."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bench.analysis.aggregate import BASELINE
from bench.analysis.evidence import yardstick
from bench.analysis.statistics.intervals import Floats
from bench.formatting import count
from bench.report import summary
from bench.report.figures import figure_data, placing
from bench.report.figures.placing import Place
from bench.report.statistics_section import Findings

FEW = 4
"""Number of schedulers, besides FIFO, that figures highlight."""
REACH = 0.75
"""How far intervals may widen an axis to each side, as a multiple of what the points need."""
FIFO_NOTE = "◂ FIFO saves nothing and keeps 100 %"
"""The note at the left edge where FIFO lies outside of the figure."""
X_TITLE = "epochs saved, share of FIFO's →"
Y_TITLE = "hypervolume kept, mean share of FIFO's ↑"


@dataclass(frozen=True)
class Point:
    """One scheduler in the figure of savings; all numbers are percentages of FIFO's.

    Args:
        name: The scheduler, with its searcher if there are several.
        saved: Epochs saved, interquartile mean.
        kept: Hypervolume kept, mean of all runs, as in the headline.
        saved_interval: Ends of the 95 % interval of `saved`; NaN with too few seeds.
        kept_interval: Ends of the 95 % interval of `kept`; NaN with too few seeds.
        recommended: True for the scheduler that the headline names.
        highlighted: True for the few best schedulers.
    """

    name: str
    saved: float
    kept: float
    saved_interval: tuple[float, float]
    kept_interval: tuple[float, float]
    recommended: bool
    highlighted: bool


@dataclass(frozen=True)
class Cut:
    """The place at the edge of the figure where an interval goes on beyond it.

    Args:
        x: Position on the axis of epochs saved, in per cent.
        y: Position on the axis of hypervolume kept, in per cent.
        toward: The edge that the interval crosses.
    """

    x: float
    y: float
    toward: Literal["left", "right", "down", "up"]


@dataclass(frozen=True)
class Savings:
    """The content of the figure of savings.

    Args:
        points: The schedulers, the recommended and the other highlighted ones first.
        x: Limits of the axis of epochs saved, in per cent.
        y: Limits of the axis of hypervolume kept, in per cent.
        with_fifo: True if FIFO's point lies within the limits.
    """

    points: tuple[Point, ...]
    x: tuple[float, float]
    y: tuple[float, float]
    with_fifo: bool

    def cuts(self, point: Point) -> list[Cut]:
        """Return where the intervals of a point go on beyond the limits."""
        (left, right), (down, up) = point.saved_interval, point.kept_interval
        ends = (
            (left < self.x[0], Cut(self.x[0], point.kept, "left")),
            (right > self.x[1], Cut(self.x[1], point.kept, "right")),
            (down < self.y[0], Cut(point.saved, self.y[0], "down")),
            (up > self.y[1], Cut(point.saved, self.y[1], "up")),
        )
        return [cut for beyond, cut in ends if beyond]

    @property
    def any_cut(self) -> bool:
        """True if an interval that the figure shows goes on beyond the limits."""
        return any(self.cuts(point) for point in self.points if point.highlighted)


def few_best(findings: Findings) -> list[str]:
    """Return the names of the schedulers to highlight, the recommended one first.

    They are the ones that save the most epochs among those that lose little hypervolume in the
    mean (see `summary.SMALL_LOSS`). If there are too few of these, those that lose least follow.
    """
    rows = findings.baseline.to_dict("records")
    best = summary.recommended(findings)
    assert best is not None, "there are findings"

    def order(row: dict[Any, Any]) -> tuple[bool, bool, float]:
        careful = row["mean"] >= 1 - summary.SMALL_LOSS
        merit = row["epochs_saved"] if careful else row["mean"]
        return row["series"] != best["series"], not careful, -float(merit)

    return [str(row["series"]) for row in sorted(rows, key=order)[:FEW]]


def highlights(findings: Findings | None, names: Iterable[str]) -> set[str]:
    """Return the names that a figure highlights: FIFO and the few best, or all if they are few.

    Args:
        findings: None if no run can be compared with FIFO; then all names are highlighted.
        names: All names in the figure, each a scheduler with its searcher if there are several.
    """
    every = set(names)
    if findings is None or len(every) <= FEW + 1:
        return every
    runs = findings.runs
    fifo = runs[(runs["scheduler"] == BASELINE) & (runs["searcher"] == yardstick(runs))]
    return every & {*few_best(findings), *map(str, fifo["series"].unique())}


def banded(best: Collection[str], names: Collection[str]) -> bool:
    """Return whether a figure of curves shows the range over the seeds as a band for each name.

    Args:
        best: The names that are highlighted.
        names: All names in the figure.
    """
    return len(best) == len(names) <= figure_data.LEGIBLE_BANDS


def described(findings: Findings) -> str:
    """Return a sentence that says which schedulers are highlighted, or nothing if all are."""
    if len(findings.baseline) <= FEW:
        return ""
    careful = int((findings.baseline["mean"] >= 1 - summary.SMALL_LOSS).sum())
    limit = f"at most {100 * summary.SMALL_LOSS:g} % of FIFO's hypervolume in the mean"
    if careful == 0:
        return f"The {FEW} schedulers in colour lose the least hypervolume in the mean."
    if careful < FEW:
        return (
            f"In colour are the {count(careful, 'scheduler')} with a loss of {limit}, and those "
            "that follow with the smallest loss."
        )
    return f"The {FEW} schedulers in colour save the most epochs of all that lose {limit}."


def savings(findings: Findings) -> Savings:
    """Return what the figure of savings shows.

    The axes end where the schedulers and the intervals of the highlighted ones do. Very wide
    intervals go on beyond the axes, because they would leave the points no room.
    """
    best = few_best(findings)
    rows = {str(row["series"]): row for row in findings.baseline.to_dict("records")}
    order = [*best, *(name for name in rows if name not in best)]
    points = tuple(
        Point(
            name,
            100 * float(rows[name]["epochs_saved"]),
            100 * float(rows[name]["mean"]),
            _interval(rows[name], "epochs_saved"),
            _interval(rows[name], "mean"),
            recommended=name == best[0],
            highlighted=name in best,
        )
        for name in order
    )
    return arranged(points)


def arranged(points: tuple[Point, ...]) -> Savings:
    """Return the figure of some schedulers, with limits for its axes.

    Args:
        points: The schedulers, the recommended and the other highlighted ones first.
    """
    saved, kept = [point.saved for point in points], [point.kept for point in points]
    best_points = [point for point in points if point.highlighted]
    across = [end for point in best_points for end in point.saved_interval]
    along = [end for point in best_points for end in point.kept_interval]
    low, high = min(saved), max(saved)
    x = _limits(saved, across, 2.0)
    with_fifo = low <= max(0.5 * (high - low), 5.0) or x[0] <= 0  # the axis hardly grows
    if with_fifo:
        x = _limits([*saved, 0.0], across, 2.0)
    y = _limits([*kept, 100.0], along, 0.5)
    return Savings(points, x, y, with_fifo)


def _interval(row: Mapping[Any, Any], column: str) -> tuple[float, float]:
    """Return the ends of a column's interval in per cent."""
    return 100 * float(row[f"{column}_low"]), 100 * float(row[f"{column}_high"])


def places(
    shown: Savings,
    sizes: Floats,
    area: tuple[float, float],
    taken: Floats | None = None,
) -> list[Place | None]:
    """Return the place of each scheduler's name in a figure of a given size.

    Args:
        shown: The content of the figure.
        sizes: (n, 2) width and height of the names in pixels.
        area: Width and height of the area between the axes in pixels.
        taken: (k, 4) left, bottom, right and top in pixels of boxes that are in use.
    """
    low = np.array([shown.x[0], shown.y[0]])
    high = np.array([shown.x[1], shown.y[1]])
    scale = np.asarray(area) / (high - low)
    at = np.array([[point.saved, point.kept] for point in shown.points])
    whole = (100 - low[1]) * scale[1]  # the line where nothing is lost
    line = np.array([[0.0, whole - 1.5, area[0], whole + 1.5]])
    ends = np.array(
        [
            (left, down, right, up)
            for point in shown.points
            if point.highlighted
            and not np.isnan([*point.saved_interval, *point.kept_interval]).any()
            for (left, right), (down, up) in (
                (point.saved_interval, (point.kept, point.kept)),
                ((point.saved, point.saved), point.kept_interval),
            )
        ]
    ).reshape(-1, 4)
    intervals = (ends - np.tile(low, 2)) * np.tile(scale, 2) + np.array([-1, -1, 1, 1])
    return placing.place((at - low) * scale, sizes, area, taken, intervals, line)


def _limits(points: Sequence[float], ends: Iterable[float], least: float) -> tuple[float, float]:
    """Return an axis' limits around points, widened for the ends of intervals within `REACH`.

    Args:
        points: The points' positions.
        ends: The ends of the intervals; NaN where there is none.
        least: The smallest margin.
    """
    low, high = min(points), max(points)
    room = max(REACH * (high - low), 5 * least)
    known = [end for end in ends if not np.isnan(end)]
    low, high = max(min([low, *known]), low - room), min(max([high, *known]), high + room)
    margin = max(0.12 * (max(points) - min(points)), 0.04 * (high - low), least)
    return low - margin, high + margin

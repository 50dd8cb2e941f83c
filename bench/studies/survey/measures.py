"""The measures of a survey: how far a run's front is from what is known of its data set.

Every measure is a regret: 0 is the known front, and larger is worse. A run may find what the sample
behind the known front did not; its regret can then be negative.

* ``wide``: the hypervolume up to the problem's reference values, as a share of the known front's.
* ``tight``: the same up to the nadir of the known front, moved outwards by a tenth of its range.
* ``igd``: IGD⁺ to the known front. * ``epsilon``: the additive ε-indicator. * ``r2``: the R2
  indicator, minus the known front's. For these three the known front is scaled to [0, 1] in each
  objective.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.pareto.indicators import additive_epsilon, hypervolume, igd_plus, r2

MEASURES = ("wide", "tight", "igd", "epsilon", "r2")
"""The names of the measures."""
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""The shares of the baseline's epochs, and of its time, at which every run is measured."""
BEYOND = 0.1
"""How far the near reference point lies beyond the nadir, as a share of the known front's range."""


class Yardstick:
    """What is known of a data set, for one objective set.

    Args:
        front: (k, m) the known front, minimised.
        objectives: The objectives, with their reference values.

    Example:
        >>> from mobo_core import Objective
        >>> objectives = ObjectiveSet([Objective("a", "min", 4.0), Objective("b", "min", 4.0)])
        >>> yardstick = Yardstick(np.array([[0.0, 2.0], [2.0, 0.0]]), objectives)
        >>> yardstick.regrets(np.array([[0.0, 2.0], [2.0, 0.0]]))
        {'wide': 0.0, 'tight': 0.0, 'igd': 0.0, 'epsilon': 0.0, 'r2': 0.0}
        >>> yardstick.regrets(np.array([[1.0, 1.0]]))["epsilon"]
        0.5
    """

    def __init__(self, front: Points, objectives: ObjectiveSet) -> None:
        self._reference = objectives.reference_point
        self._low = front.min(axis=0)
        nadir = front.max(axis=0)
        # A front of equal values has no range; its distance to the reference takes its place.
        span = np.where(nadir > self._low, nadir - self._low, self._reference - self._low)
        self._span = np.where(span > 0, span, 1.0)
        self._front = self._scaled(front)
        self._near = (nadir - self._low) / self._span + BEYOND
        self._zero = np.zeros(len(self._low))
        self._wide = hypervolume(front, self._reference)
        self._tight = hypervolume(self._front, self._near)
        self._r2 = r2(self._front, self._zero)

    def _scaled(self, points: Points) -> Points:
        scaled: Points = (points - self._low) / self._span
        return scaled

    def regrets(self, points: Points) -> dict[str, float]:
        """Return all measures of a set of points (n, m), minimised, n ≥ 1.

        The hypervolumes are NaN where the known front has none.
        """
        scaled = self._scaled(points)
        return {
            "wide": _missing(hypervolume(points, self._reference), self._wide),
            "tight": _missing(hypervolume(scaled, self._near), self._tight),
            "igd": igd_plus(scaled, self._front),
            "epsilon": additive_epsilon(scaled, self._front),
            "r2": r2(scaled, self._zero) - self._r2,
        }


def _missing(volume: float, known: float) -> float:
    return 1 - volume / known if known > 0 else float("nan")


@dataclass(frozen=True)
class Trace:
    """The reports of a run, in the order in which they came.

    Args:
        trials: (r,) the number of the trial of each report.
        epochs: (r,) its epoch.
        seconds: (r,) when it came, in virtual seconds.
    """

    trials: NDArray[np.intp]
    epochs: NDArray[np.intp]
    seconds: NDArray[np.float64]

    def after(self, reports: int, points: Points) -> Points:
        """Return the latest points of all trials after a number of reports, ≥ 1.

        Args:
            reports: The number of reports, at most r.
            points: (n, T, m) the points of all trials at all epochs.
        """
        latest = np.zeros(len(points), dtype=np.intp)
        latest[self.trials[:reports]] = self.epochs[:reports]
        have = np.flatnonzero(latest)
        found: Points = points[have, latest[have] - 1]
        return found


def row(trace: Trace, baseline: Trace, points: Points, yardstick: Yardstick) -> dict[str, float]:
    """Return the measures of a run at its end and on the way.

    A run that ends before a share of the baseline's epochs or time has there what it had at its
    end: nothing more is found. Where nothing has been reported yet, the first report counts, so
    that every measure has a value.

    What a run has found is the last report of each trial, as everywhere in this suite: an earlier,
    better report of a trial that went on does not count.

    Args:
        trace: The run.
        baseline: The run of the baseline with the same configurations.
        points: (n, T, m) the points of all trials at all epochs, minimised.
        yardstick: What is known of the data set.

    Returns:
        ``epochs`` and ``seconds`` as shares of the baseline's, each measure at the end, and e.g.
        ``tight@10`` at 10 % of the baseline's epochs and ``tight@10s`` at 10 % of its time.
    """
    found = {
        "epochs": len(trace.epochs) / len(baseline.epochs),
        "seconds": trace.seconds[-1] / baseline.seconds[-1],
    }
    known: dict[int, dict[str, float]] = {}

    def regrets(reports: int) -> dict[str, float]:
        reports = min(max(reports, 1), len(trace.epochs))
        if reports not in known:
            known[reports] = yardstick.regrets(trace.after(reports, points))
        return known[reports]

    found.update(regrets(len(trace.epochs)))
    for share in SHARES:
        by_epochs = regrets(round(share * len(baseline.epochs)))
        limit = share * baseline.seconds[-1]
        by_time = regrets(int(np.searchsorted(trace.seconds, limit, side="right")))
        for name in MEASURES:
            found[f"{name}@{100 * share:g}"] = by_epochs[name]
        for name in MEASURES[:2]:
            found[f"{name}@{100 * share:g}s"] = by_time[name]
    return found

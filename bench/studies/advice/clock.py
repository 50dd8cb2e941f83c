"""How long the training up to each report took, from clocks of any kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.curves.curve import Curve, Floats
from bench.formatting import count

PAUSE = 20.0
"""An interval of more than so many of a trial's usual ones is a pause, not training."""


def durations(
    curves: Sequence[Curve], steps: Sequence[Floats], notes: list[str]
) -> tuple[list[Floats], bool]:
    """Return the seconds of training up to each report, and whether the source has times.

    Where an interval is unknown, not positive, or a pause after a restart, the trial's usual one is
    taken: the median of its seconds per step. A trial without times has the median of all trials.
    Reports at which a clock shows the same time share the time up to the next one.

    Args:
        curves: The trials.
        steps: (k,) the steps of each trial's reports.
        notes: Sentences for the user; one is added where times were replaced.

    Returns:
        (k,) seconds > 0 for each trial. Without any times they are the distances of the steps, and
        the second value is False.
    """
    clocks = [_clock(curve, at) for curve, at in zip(curves, steps, strict=True)]
    even = [
        _without_plateaus(clock, at, curve.started_s)
        for clock, at, curve in zip(clocks, steps, curves, strict=True)
    ]
    known = [
        np.diff(clock, prepend=curve.started_s) for clock, curve in zip(even, curves, strict=True)
    ]
    rates = [_rate(seconds, at) for seconds, at in zip(known, steps, strict=True)]
    usable = [rate for rate in rates if np.isfinite(rate)]
    if not usable:
        return [_distances(at) for at in steps], False
    usual = float(np.median(usable))
    found, pauses = [], 0
    for seconds, at, rate in zip(known, steps, rates, strict=True):
        expected = _distances(at) * (rate if np.isfinite(rate) else usual)
        strange = ~(seconds > 0)
        paused = seconds > PAUSE * expected
        pauses += int(paused.any())
        found.append(np.where(strange | paused, expected, seconds))
    coarse = sum(
        not np.array_equal(*both, equal_nan=True) for both in zip(clocks, even, strict=True)
    )
    if coarse:
        notes.append(
            f"{count(coarse, 'trial')} with a clock too coarse for the steps: reports at which it "
            "shows one time share the time up to the next"
        )
    if missing := len(rates) - len(usable):
        notes.append(f"{count(missing, 'trial')} without times: the usual time of the others")
    if pauses:
        notes.append(f"{count(pauses, 'trial')} with a pause, which does not count as training")
    return found, True


def _clock(curve: Curve, steps: Floats) -> Floats:
    """Return (k,) seconds on the curve's clock at each report; NaN where unknown."""
    clocks = [values for values in curve.metrics.values() if np.isfinite(values.clock_s).any()]
    if not clocks:
        return np.full(len(steps), np.nan)
    # Of metrics with different steps, the one that has most of these steps tells the time.
    best = max(clocks, key=lambda values: int(np.isin(steps, values.steps).sum()))
    at = np.searchsorted(best.steps, steps).clip(0, len(best) - 1)
    clock: Floats = np.where(best.steps[at] == steps, best.clock_s[at], np.nan)
    return clock


def _without_plateaus(clock: Floats, steps: Floats, started_s: float) -> Floats:
    """Return (k,) times that go on evenly where a clock stands still; the last ones are unknown.

    Args:
        clock: (k,) seconds on a clock; NaN where unknown.
        steps: (k,) increasing steps.
        started_s: The seconds on the clock when the training began; NaN if unknown.
    """
    times = np.append(started_s, clock)
    places = np.cumsum(np.append(0.0, _distances(steps)))
    known = np.flatnonzero(np.isfinite(times))
    moved = np.append(True, np.diff(times[known]) != 0)
    if moved.all():
        return clock
    anchors = known[moved]
    even = np.interp(places, places[anchors], times[anchors], right=np.nan)[1:]
    found: Floats = np.where(np.isfinite(clock), even, np.nan)
    return found


def _rate(seconds: Floats, steps: Floats) -> float:
    """Return a trial's usual seconds per step; NaN if it is unknown."""
    rates = seconds / _distances(steps)
    known = rates[np.isfinite(rates) & (rates > 0)]
    return float(np.median(known)) if len(known) else np.nan


def _distances(steps: Floats) -> Floats:
    """Return (k,) the number of steps up to each report, since the report before; all > 0.

    Before the first report it is the first step, or the usual distance if that is not positive.
    """
    distances: Floats = np.diff(steps, prepend=0.0)
    if distances[0] <= 0:
        distances[0] = np.median(distances[1:]) if len(distances) > 1 else 1.0
    return distances

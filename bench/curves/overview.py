"""What a source holds, in a table: its metrics, with their ranges, and its hyper-parameters."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from bench.curves.curve import Curve, Found
from bench.formatting import count, steps

NONE = "–"
"""What the table shows where no value is finite."""
RANGE = ("lowest", "highest")
"""The columns with the range of a metric."""


def title(found: Found) -> str:
    """Return one line: what the source is, and how many trials and reports it has."""
    longest = max((len(s) for curve in found.curves for s in curve.metrics.values()), default=0)
    return (
        f"{found.name}: {found.kind}, {count(len(found.curves), 'trial')}, up to "
        f"{count(longest, 'report')} each, ordered by {found.time_attr!r}"
    )


def table(found: Found) -> pd.DataFrame:
    """Return a row per metric: how many trials have it, how often, and its range."""
    rows = [
        {**row, **{end: NONE if row[end] is None else f"{row[end]:.4g}" for end in RANGE}}
        for row in _metrics(found)
    ]
    return pd.DataFrame(rows)


def to_json(found: Found, max_t: float | None = None) -> str:
    """Return what a source holds as JSON; a range is null where no value is finite.

    Args:
        found: The curves.
        max_t: The full budget in the source's own steps; None takes the longest trial's.
    """
    answer = {
        "kind": found.kind,
        "name": found.name,
        "trials": len(found.curves),
        "time_attr": found.time_attr,
        "metrics": _metrics(found),
        "config": found.config_names(),
        "ends": _ends(found, _full(found, max_t)),
        "timed": _timed(found),
        "notes": list(found.notes),
    }
    return json.dumps(answer, indent=1, ensure_ascii=False, allow_nan=False)


def _metrics(found: Found) -> list[dict[str, Any]]:
    """Return what is known of each metric."""
    rows = []
    for name in found.metric_names():
        series = [curve.metrics[name] for curve in found.curves if name in curve.metrics]
        alone = [curve.constants[name] for curve in found.curves if name in curve.constants]
        values = np.concatenate([*(s.values for s in series), np.array(alone, dtype=float)])
        finite = values[np.isfinite(values)]
        changes = any(np.ptp(s.values) > 0 for s in series if len(s) > 1)
        rows.append(
            {
                "metric": name,
                "trials": len(series) + len(alone),
                "reports": max((len(s) for s in series), default=0),
                "lowest": float(finite.min()) if len(finite) else None,
                "highest": float(finite.max()) if len(finite) else None,
                "in a trial": "changes" if changes else "constant",
            }
        )
    return rows


def _ends(found: Found, full: float) -> dict[str, int]:
    """Return how trials ended → how many did, in the words of the answer.

    A trial is complete if it trained up to the full budget, or if the source says so. Tools end
    stopped and completed trials in the same way, so that their own words tell less.
    """
    nearly = full - _usual_distance(found) / 2  # steps may differ a little between trials
    ends = {"complete": 0, "early": 0, "failed": 0}
    for curve in found.curves:
        whole = curve.end == "complete" or _last_step(curve) >= nearly
        ends["failed" if curve.end == "failed" else "complete" if whole else "early"] += 1
    return {end: number for end, number in ends.items() if number}


def _full(found: Found, max_t: float | None) -> float:
    """Return the full budget: the one that was given, or the last step of any trial."""
    if max_t is not None:
        return max_t
    lasts = [_last_step(curve) for curve in found.curves if curve.end != "failed"]
    return max((last for last in lasts if np.isfinite(last)), default=np.nan)


def _last_step(curve: Curve) -> float:
    """Return the last step at which a trial has a metric; NaN if there is none."""
    return max((float(s.steps[-1]) for s in curve.metrics.values() if len(s)), default=np.nan)


def _usual_distance(found: Found) -> float:
    """Return the usual distance between two steps; 0 if no trial has two."""
    metrics = [max(c.metrics.values(), key=len) for c in found.curves if c.metrics]
    distances = np.concatenate([np.empty(0), *(np.diff(series.steps) for series in metrics)])
    return float(np.median(distances)) if len(distances) else 0.0


def _timed(found: Found) -> bool:
    """Return whether the source has any times."""
    return any(
        np.isfinite(s.clock_s).any() for curve in found.curves for s in curve.metrics.values()
    )


def notes(found: Found, max_t: float | None = None) -> list[str]:
    """Return sentences on the hyper-parameters, the ends of the trials and their times.

    Args:
        found: The curves.
        max_t: The full budget in the source's own steps; None takes the longest trial's.
    """
    full = _full(found, max_t)
    ends = ", ".join(f"{number} {end}" for end, number in _ends(found, full).items())
    budget = f", for a full budget of {steps(full, found.time_attr)}" if np.isfinite(full) else ""
    return [
        f"Hyper-parameters: {', '.join(found.config_names()) or 'none found'}.",
        f"Ends: {ends}{budget}.",
        "Times: known." if _timed(found) else "Times: none found.",
        *(f"{note[0].upper()}{note[1:]}." for note in found.notes),
    ]

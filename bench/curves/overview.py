"""What a source holds, in a table: its metrics, with their ranges, and its hyper-parameters."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from bench.curves.curve import Found
from bench.formatting import count

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


def to_json(found: Found) -> str:
    """Return what a source holds as JSON; a range is null where no value is finite."""
    answer = {
        "kind": found.kind,
        "name": found.name,
        "trials": len(found.curves),
        "time_attr": found.time_attr,
        "metrics": _metrics(found),
        "config": found.config_names(),
        "ends": _ends(found),
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


def _ends(found: Found) -> dict[str, int]:
    """Return how trials ended → how many did."""
    ends: dict[str, int] = {}
    for curve in found.curves:
        ends[curve.end] = ends.get(curve.end, 0) + 1
    return ends


def _timed(found: Found) -> bool:
    """Return whether the source has any times."""
    return any(
        np.isfinite(s.clock_s).any() for curve in found.curves for s in curve.metrics.values()
    )


def notes(found: Found) -> list[str]:
    """Return sentences on the hyper-parameters, the ends of the trials and their times."""
    return [
        f"Hyper-parameters: {', '.join(found.config_names()) or 'none found'}.",
        f"Ends: {', '.join(f'{n} {end}' for end, n in _ends(found).items())}.",
        "Times: known." if _timed(found) else "Times: none found.",
        *(f"{note[0].upper()}{note[1:]}." for note in found.notes),
    ]

"""What a source holds, in a table: its metrics, with their ranges, and its hyper-parameters."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.curves.curve import Found
from bench.formatting import count


def title(found: Found) -> str:
    """Return one line: what the source is, and how many trials and reports it has."""
    longest = max((len(s) for curve in found.curves for s in curve.metrics.values()), default=0)
    return (
        f"{found.name}: {found.kind}, {count(len(found.curves), 'trial')}, up to "
        f"{count(longest, 'report')} each, ordered by {found.time_attr!r}"
    )


def table(found: Found) -> pd.DataFrame:
    """Return a row per metric: how many trials have it, how often, and its range."""
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
                "lowest": f"{finite.min():.4g}" if len(finite) else "–",
                "highest": f"{finite.max():.4g}" if len(finite) else "–",
                "in a trial": "changes" if changes else "constant",
            }
        )
    return pd.DataFrame(rows)


def notes(found: Found) -> list[str]:
    """Return sentences on the hyper-parameters, the ends of the trials and their times."""
    ends: dict[str, int] = {}
    for curve in found.curves:
        ends[curve.end] = ends.get(curve.end, 0) + 1
    timed = any(
        np.isfinite(s.clock_s).any() for curve in found.curves for s in curve.metrics.values()
    )
    return [
        f"Hyper-parameters: {', '.join(found.config_names()) or 'none found'}.",
        f"Ends: {', '.join(f'{n} {end}' for end, n in ends.items())}.",
        "Times: known." if timed else "Times: none found.",
        *(f"{note[0].upper()}{note[1:]}." for note in found.notes),
    ]

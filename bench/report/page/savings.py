"""What each scheduler saves against what it keeps: the figure of the summary."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.analysis.aggregate import BASELINE
from bench.analysis.statistics import ENOUGH_SEEDS
from bench.formatting import percent, ratio
from bench.report.page import plotly_style
from bench.report.page.parts import Figures
from bench.report.statistics_section import Findings

EVEN = {
    "type": "line",
    "xref": "paper",
    "x0": 0,
    "x1": 1,
    "y0": 1,
    "y1": 1,
    "layer": "below",
    "line": {"width": 1, "color": "#949494"},
}
"""Where nothing is lost."""


def figure(found: Findings) -> Figures:
    """Epochs saved along x, hypervolume over FIFO's up, with their intervals."""
    rows = found.baseline.to_dict("records")
    styles = plotly_style.styles([BASELINE, *(str(row["series"]) for row in rows)])
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": BASELINE,
            "x": [0],
            "y": [1],
            "marker": plotly_style.marker(styles[BASELINE], 11),
            "hovertemplate": f"{BASELINE}: nothing saved, nothing lost<extra></extra>",
        }
    ]
    for row in rows:
        name = str(row["series"])
        x, y = row["epochs_saved"], row["hypervolume_ratio"]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": plotly_style.plain(name),
                "x": plotly_style.lean([x]),
                "y": plotly_style.lean([y]),
                "marker": plotly_style.marker(styles[name], 11),
                "error_x": _error(row, "epochs_saved"),
                "error_y": _error(row, "hypervolume_ratio"),
                "hovertemplate": f"%{{fullData.name}}<br>{percent(x)} of epochs "
                f"saved<br>{ratio(y)} of FIFO's hypervolume<extra></extra>",
            }
        )
    sure = (found.baseline["seeds"] >= ENOUGH_SEEDS).all()
    caption = (
        "Epochs saved against hypervolume kept, over all objective sets"
        + (", with 95 % intervals" if sure else "")
        + ". The further right the more is saved, the further up the less is lost; the table "
        "below has the same figures."
    )
    spec = plotly_style.spec(
        data,
        xaxis=plotly_style.axis("epochs saved →", tickformat=".0%"),
        yaxis=plotly_style.axis("hypervolume / FIFO's ↑"),
        shapes=[EVEN],
        hovermode="closest",
    )
    return Figures("savings", "What is saved and what is kept", caption, {(): spec})


def _error(row: dict[Any, Any], name: str) -> dict[str, Any]:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    if np.isnan(low):
        return {"visible": False}
    return {
        "type": "data",
        "symmetric": False,
        "array": plotly_style.lean([high - row[name]]),
        "arrayminus": plotly_style.lean([row[name] - low]),
        "thickness": 1,
        "width": 3,
    }

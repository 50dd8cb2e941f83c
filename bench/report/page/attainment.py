"""The section "Attainment": points that more seeds of one scheduler than of FIFO reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.report.figures import attainment_data
from bench.report.figures.attainment_data import Difference, Fronts
from bench.report.figures.drawing import GREY
from bench.report.page import figure_tables, plotly_style
from bench.report.page.parts import Dimension, Figures, Part, Spec, Specs

MORE, FEWER = "94,60,153", "230,97,1"
"""Purple and orange, as in the printed figure; a stronger colour stands for more seeds."""
LEVELS = 10
"""Number of levels of a difference; the boxes of one level are one trace."""


def parts(panels: Mapping[str, Fronts]) -> list[Part]:
    """Return the figure of differences and medians, and a table with the medians' corners.

    Args:
        panels: Objective set → the final points, from `attainment_data.panels`.
    """
    if not panels:
        return []
    first, second = next(iter(panels.values())).names
    caption = (
        f"The figure compares the recommended scheduler, {first}, with {second}. Where it is "
        f"purple, more seeds of {first} reach the point; where it is orange, more seeds of "
        f"{second} do. A stronger colour stands for a larger difference between the shares of "
        "seeds. The lines show what half of the seeds reach."
    )
    found = {
        label: (fronts, attainment_data.difference(fronts)) for label, fronts in panels.items()
    }
    specs: Specs = {(k,): _spec(*panel) for k, panel in enumerate(found.values())}
    title = f"Attainment of {first} against {second}"
    dimensions = (Dimension("Objectives", list(panels)),)
    table = figure_tables.attainment(found)
    figures = Figures("attainment", title, caption, specs, dimensions)
    return [figures, table] if table else [figures]


def _spec(fronts: Fronts, found: Difference) -> Spec:
    up, along = fronts.objectives
    data = _boxes(found)
    for path, name, dash in zip(found.medians, fronts.names, ("solid", "dash"), strict=True):
        if len(path):
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": f"median of {plotly_style.plain(name)}",
                    "x": plotly_style.lean(path[:, 0]),
                    "y": plotly_style.lean(path[:, 1]),
                    "line": {"shape": "hv", "dash": dash, "width": 2, "color": GREY},
                    "hovertemplate": "%{fullData.name}<br>%{x}, %{y}<extra></extra>",
                }
            )
    x, y = found.limits or (None, None)
    return plotly_style.spec(
        data,
        xaxis=plotly_style.objective_axis(along, x),
        yaxis=plotly_style.objective_axis(up, y),
        hovermode="closest",
    )


def _boxes(found: Difference) -> list[dict[str, Any]]:
    """Return the boxes as filled outlines, one trace for each level of difference."""
    levels = np.ceil(np.abs(found.boxes[:, 4]) * LEVELS - 1e-9).astype(int)
    data: list[dict[str, Any]] = []
    for sign, colour in ((1, MORE), (-1, FEWER)):
        for level in range(1, LEVELS + 1):
            mine = found.boxes[(np.sign(found.boxes[:, 4]) == sign) & (levels == level)]
            if len(mine) == 0:
                continue
            x: list[float | int | None] = []
            y: list[float | int | None] = []
            for left, low, right, high, _ in mine:
                x += [*plotly_style.lean([left, right, right, left, left]), None]
                y += [*plotly_style.lean([low, low, high, high, low]), None]
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": x[:-1],
                    "y": y[:-1],
                    "fill": "toself",
                    "fillcolor": f"rgba({colour},{0.9 * level / LEVELS:.2f})",
                    "line": {"width": 0},
                    "showlegend": False,
                    "hoverinfo": "skip",
                }
            )
    return data

"""The first figure of the page: epochs saved and hypervolume kept by each scheduler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.analysis.aggregate import BASELINE
from bench.analysis.statistics import ENOUGH_SEEDS
from bench.report import summary
from bench.report.figures import savings_data
from bench.report.figures.drawing import GREY, Style
from bench.report.figures.placing import Place
from bench.report.figures.savings_data import FIFO_NOTE, Cut, Point, Savings
from bench.report.page import plotly_style
from bench.report.page.parts import Figures
from bench.report.statistics_section import Findings

WIDE, COMPACT = (760.0, 420.0), (290.0, 420.0)
"""Width and height in pixels, between the axes, for which the names' places are computed."""
HEIGHT = 510
"""The height of the whole figure in pixels."""
TEXT, COMPACT_TEXT = 12, 11
"""Size of the names in pixels, and on a narrow screen."""
CHARACTER, LINE = 0.56, 1.15
"""Width of a character and height of a line, as multiples of the size of the text."""


def figure(found: Findings) -> Figures:
    """Return the figure: epochs saved on the x axis, hypervolume kept on the y axis."""
    shown = savings_data.savings(found)
    looks = plotly_style.styles([BASELINE, *map(str, found.baseline["series"])])
    data = [_trace(point, looks[point.name]) for point in reversed(shown.points)]
    data += [
        _caret(cut, looks[point.name])
        for point in shown.points
        if point.highlighted
        for cut in shown.cuts(point)
    ]
    if shown.with_fifo:
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": BASELINE,
                "x": [0],
                "y": [100],
                "marker": plotly_style.marker(looks[BASELINE], 10),
                "hovertemplate": f"{BASELINE}: nothing saved, nothing lost<extra></extra>",
            }
        )
    spec = plotly_style.spec(
        data,
        xaxis=plotly_style.axis(
            savings_data.X_TITLE, range=plotly_style.lean(shown.x), ticksuffix=" %"
        ),
        yaxis=plotly_style.axis(
            savings_data.Y_TITLE, range=plotly_style.lean(shown.y), ticksuffix=" %"
        ),
        shapes=[plotly_style.level(100)],
        annotations=_names(shown, WIDE, TEXT),
        hovermode="closest",
        showlegend=False,
        height=HEIGHT,
    )
    few = replace(shown, points=tuple(point for point in shown.points if point.highlighted))
    spec["compact"] = {"annotations": _names(few, COMPACT, COMPACT_TEXT)}
    return Figures(
        "savings",
        "Epochs saved and hypervolume kept",
        _caption(found, shown),
        {(): spec},
        headline=f"{summary.headline(found)}.",
    )


def _caption(found: Findings, shown: Savings) -> str:
    sure = (found.baseline["seeds"] >= ENOUGH_SEEDS).all()
    sentences = [
        "Epochs saved are the interquartile mean and hypervolume kept is the mean, both over all "
        "objective sets and seeds.",
        "Further right, a scheduler saves more epochs; further up, it keeps more hypervolume.",
        savings_data.described(found),
        "Lines are 95 % intervals." if sure else "",
        "The axes end where the schedulers and these lines do."
        if sure and not shown.any_cut
        else "The axes end where the schedulers do.",
        "A triangle at the edge marks an interval that goes on." if shown.any_cut else "",
        "Hover over a point, or tap it, for its name and numbers.",
    ]
    return " ".join(filter(None, sentences))


def _trace(point: Point, style: Style) -> dict[str, Any]:
    look = style if point.highlighted else replace(style, colour=GREY, marker="o")
    size = 14 if point.recommended else 10 if point.highlighted else 9
    trace = {
        "type": "scatter",
        "mode": "markers",
        "name": plotly_style.plain(point.name),
        "x": plotly_style.lean([point.saved]),
        "y": plotly_style.lean([point.kept]),
        "marker": plotly_style.marker(look, size),
        "hovertemplate": f"<b>%{{fullData.name}}</b><br>{point.saved:.1f} % of epochs "
        f"saved{_range(point.saved_interval)}<br>{point.kept:.1f} % of FIFO's hypervolume "
        f"kept{_range(point.kept_interval)}<extra></extra>",
    }
    if point.highlighted:
        faint = {"color": plotly_style.faint(style.colour, 0.5)}
        trace["error_x"] = _error(point.saved, point.saved_interval) | faint
        trace["error_y"] = _error(point.kept, point.kept_interval) | faint
    return trace


def _caret(cut: Cut, style: Style) -> dict[str, Any]:
    """Return a triangle at the edge where an interval goes on beyond the figure."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": plotly_style.lean([cut.x]),
        "y": plotly_style.lean([cut.y]),
        "marker": {"color": style.colour, "symbol": f"triangle-{cut.toward}", "size": 9},
        "cliponaxis": False,
        "hoverinfo": "skip",
    }


def _range(interval: tuple[float, float]) -> str:
    low, high = interval
    return "" if np.isnan(low) else f" [{low:.1f} %, {high:.1f} %]"


def _error(value: float, interval: tuple[float, float]) -> dict[str, Any]:
    low, high = interval
    if np.isnan(low):
        return {"visible": False}
    return {
        "type": "data",
        "symmetric": False,
        "array": plotly_style.lean([high - value]),
        "arrayminus": plotly_style.lean([value - low]),
        "thickness": 1,
        "width": 0,
    }


def _names(shown: Savings, area: tuple[float, float], size: int) -> list[dict[str, Any]]:
    """Return the names as annotations, placed for an area between the axes of this size."""
    sizes = np.array([_extent(point.name, size) for point in shown.points])
    low, high = shown.y
    up = (100 - low) / (high - low) * area[1]
    if shown.with_fifo:
        fifo = _annotation(BASELINE, (0, 100), size, xshift=8, yshift=9, xanchor="left")
        x = (0 - shown.x[0]) / (shown.x[1] - shown.x[0]) * area[0]
        width, height = _extent(BASELINE, size)
        taken = [[x - 6, up - 6, x + 6, up + 6], [x + 6, up + 2, x + 8 + width, up + 2 + height]]
    else:
        width, height = _extent(FIFO_NOTE, size)
        fifo = _annotation(FIFO_NOTE, (0, 100), size, xshift=3, yshift=9, xanchor="left")
        fifo |= {"xref": "paper"}
        taken = [[0, up + 1, width + 6, up + 2 + height]]
    places = savings_data.places(shown, sizes, area, np.array(taken))
    return [fifo, *_placed(shown.points, places, size)]


def _placed(
    points: Sequence[Point], places: Sequence[Place | None], size: int
) -> list[dict[str, Any]]:
    found = []
    for point, place in zip(points, places, strict=True):
        if place is None:
            continue
        name = plotly_style.plain(point.name)
        text = f"<b>{name}</b>" if point.recommended else name
        at = (plotly_style.lean([point.saved])[0], plotly_style.lean([point.kept])[0])
        shifts: dict[str, Any] = {"xshift": round(place.x), "yshift": round(place.y)}
        if not place.near:  # a line joins the name and its point
            shifts = {
                "showarrow": True,
                "arrowhead": 0,
                "arrowwidth": 1,
                "arrowcolor": GREY,
                "standoff": 5,
                "ax": round(place.x),
                "ay": -round(place.y),
            }
        quiet = {} if point.highlighted else {"name": plotly_style.QUIET}
        found.append(_annotation(text, at, size, xanchor=place.side, **shifts, **quiet))
    return found


def _annotation(text: str, at: tuple[Any, Any], size: int, **more: Any) -> dict[str, Any]:
    x, y = at
    return {
        "text": text,
        "x": x,
        "y": y,
        "yanchor": "middle",
        "showarrow": False,
        "borderpad": 0,
        "font": {"size": size},
        **more,
    }


def _extent(text: str, size: int) -> tuple[float, float]:
    """Return the estimated width and height of a text in pixels."""
    return CHARACTER * size * len(text) + 4, LINE * size

"""The section "Progress": distance to the best known hypervolume, and hypervolume over time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from bench.formatting import percent, significant
from bench.matrix.naming import volume_label
from bench.records.record import RunRecord
from bench.report.figures import drawing, figure_data, progress_data, savings_data
from bench.report.figures.drawing import Style
from bench.report.page import figure_tables, plotly_style
from bench.report.page.parts import Dimension, Figures, Part, Specs
from bench.report.statistics_section import Findings

COLUMNS = (("epochs", "epochs"), ("time_s", "time"))
"""Columns of `aggregate.anytime` that the table reads, and their names."""


def parts(
    finished: Sequence[RunRecord],
    curves: Mapping[str, pd.DataFrame],
    findings: Findings | None,
) -> list[Part]:
    """Return the figures of runs in progress, and a table with readings from them.

    Args:
        finished: Finished runs; the searcher's label is empty where all runs share the searcher.
        curves: Run id → `aggregate.anytime`.
        findings: The comparison with FIFO; None if no run can be compared.
    """
    names = dict.fromkeys(figure_data.series(record) for record in finished)
    best = savings_data.highlights(findings, names)
    looks = drawing.highlighted(plotly_style.styles(names), best)
    bands = savings_data.banded(best, looks)
    which = " Bands show the range over the seeds." if bands else ""
    if findings is not None and len(best) < len(names):
        which = (
            f" {savings_data.described(findings)} FIFO is in colour too. The other schedulers are "
            "grey; hover over a line for its name."
        )
    found: list[Part] = []
    if panels := progress_data.progress(finished, curves):
        found.append(_distances(panels, looks, best, bands, which))
    found.append(_over_time(finished, curves, looks, best, bands, which))
    return [*found, figure_tables.anytime(finished, curves, COLUMNS)]


def _distances(
    panels: Mapping[str, progress_data.Progress],
    looks: Mapping[str, Style],
    best: Collection[str],
    bands: bool,
    which: str,
) -> Figures:
    specs: Specs = {}
    for at, panel in enumerate(panels.values()):
        data = []
        for name, style in looks.items():
            if name in panel.over:
                over = plotly_style.thinned(panel.over[name])
                ranges = [
                    f"{percent(low)} to {percent(high)}"
                    for low, high in zip(over["lowest"], over["highest"], strict=True)
                ]
                data += _line(name, over, style, ranges, name in best, bands)
        specs[(at,)] = plotly_style.spec(
            data,
            xaxis=plotly_style.axis(panel.x_title, rangemode="tozero"),
            yaxis=plotly_style.axis(
                progress_data.Y_TITLE,
                type="log",
                range=[-3.03, 0],
                tickvals=list(progress_data.TICKS),
                ticktext=[progress_data.tick_label(tick) for tick in progress_data.TICKS],
            ),
            hovermode="closest",
        )
    caption = (
        "The best known hypervolume is the largest final hypervolume of any run of the same seed "
        "and objective set. The distance is the part of it that a run still lacks; each trial "
        "counts with its latest report. Lines are medians over the seeds. A line that falls "
        f"further left has saved epochs. A dot marks where a scheduler's longest run ends.{which}"
    )
    dimensions = (Dimension("Objectives", list(panels)),)
    title = "Distance to the best known hypervolume"
    return Figures("progress", title, caption, specs, dimensions)


def _over_time(
    finished: Sequence[RunRecord],
    curves: Mapping[str, pd.DataFrame],
    looks: Mapping[str, Style],
    best: Collection[str],
    bands: bool,
    which: str,
) -> Figures:
    groups = figure_data.by_objectives(finished)
    specs: Specs = {}
    for at, group in enumerate(groups.values()):
        data = []
        for name, style in looks.items():
            mine = [curves[r.run_id] for r in group if figure_data.series(r) == name]
            if mine:
                over = plotly_style.thinned(figure_data.spread(mine, "time_s"))
                ranges = [
                    f"{significant(low)} to {significant(high)}"
                    for low, high in zip(over["lowest"], over["highest"], strict=True)
                ]
                data += _line(name, over, style, ranges, name in best, bands)
        volume = plotly_style.plain(volume_label(group[0].objectives))
        specs[(at,)] = plotly_style.spec(
            data,
            xaxis=plotly_style.axis("time since the start of the run / s", rangemode="tozero"),
            yaxis=plotly_style.axis(volume, rangemode="tozero"),
            hovermode="closest",
        )
    caption = (
        "Each trial counts with its latest report. Lines are medians over the seeds; hover over a "
        "line for the lowest and highest seed. A line that reaches FIFO's height further left has "
        f"saved time.{which}"
    )
    dimensions = (Dimension("Objectives", list(groups)),)
    return Figures("over-time", "Hypervolume over time", caption, specs, dimensions)


def _line(
    name: str,
    over: pd.DataFrame,
    style: Style,
    ranges: Sequence[str],
    highlighted: bool,
    banded: bool,
) -> list[dict[str, Any]]:
    """Return one line with a dot at its end, and a band if the range is to be shown.

    Args:
        name: The name of the series.
        over: Columns at, median, lowest and highest.
        style: The look of the series.
        ranges: The range over the seeds in words, one for each row.
        highlighted: False for a thin line without an entry in the legend.
        banded: True to show the range as a band, if there are several seeds.
    """
    label = plotly_style.plain(name)
    shared: dict[str, Any] = {"type": "scatter", "name": label, "legendgroup": label}
    shared |= {"x": plotly_style.lean(over["at"])}
    bands: list[dict[str, Any]] = []
    if banded and (over["lowest"] < over["highest"]).any():
        edge = {"color": style.colour, "width": 0, "shape": "hv"}
        unseen = {"mode": "lines", "showlegend": False, "hoverinfo": "skip", "line": edge}
        fill = {"fill": "tonexty", "fillcolor": plotly_style.faint(style.colour, 0.15)}
        low = shared | unseen | {"y": plotly_style.lean(over["lowest"])}
        high = shared | unseen | fill | {"y": plotly_style.lean(over["highest"])}
        bands = [low, high]
    dot = 8 if highlighted else 4
    line = shared | {
        "mode": "lines+markers",
        "y": plotly_style.lean(over["median"]),
        "customdata": list(ranges),
        "line": plotly_style.line(style, 2 if highlighted else 1, shape="hv"),
        "marker": {
            "color": style.colour,
            "size": [0] * (len(over) - 1) + [dot],
            "opacity": 1,
            "line": {"width": 0},
        },
        "hovertemplate": "<b>%{fullData.name}</b><br>%{x}: %{y} (%{customdata})<extra></extra>",
        "showlegend": highlighted,
    }
    if not highlighted:
        line["opacity"] = 0.6
    return [*bands, line]

"""The section "Where the time went": training, start-up and waiting of all slots."""

from __future__ import annotations

import pandas as pd

from bench.formatting import duration, percent
from bench.report.figures import figure_data
from bench.report.page import figure_tables, plotly_style
from bench.report.page.parts import Dimension, Figures, Grid, Part, Specs
from bench.report.tables_and_notes import Cell, Sheet, named

COLOURS = ("#0173b2", "#de8f05", "#949494")
"""Colours for `figure_data.TIME_SHARES`."""


def parts(runs: pd.DataFrame) -> list[Part]:
    """Return a figure and a table of slot-seconds per run, with the time of suggestions.

    Args:
        runs: The frame from `aggregate.summarise`.
    """
    cells = figure_data.time_cells(runs)
    return [_figure(cells), Grid("times-table", _as_sheet(cells), figure_tables.FOLDED)]


def _figure(cells: pd.DataFrame) -> Figures:
    sets = list(dict.fromkeys(cells.index.get_level_values("objectives")))
    specs: Specs = {}
    for at, label in enumerate(sets):
        mine = cells.xs(label, level="objectives")
        longest = (
            mine[[column for column, _ in figure_data.TIME_SHARES]]
            .to_numpy(float)
            .sum(axis=1)
            .max()
        )
        names = [plotly_style.plain(figure_data.series_of(*key)) for key in mine.index]
        data = [
            {
                "type": "bar",
                "orientation": "h",
                "name": what,
                "y": names,
                "x": plotly_style.lean(mine[column]),
                "marker": {"color": colour},
                "hovertemplate": f"%{{y}}<br>{what} %{{x}} slot-seconds<extra></extra>",
            }
            for (column, what), colour in zip(figure_data.TIME_SHARES, COLOURS, strict=True)
        ]
        suggestions = {
            "type": "scatter",
            "mode": "markers",
            "name": "suggestions (seconds of the driver)",
            "y": names,
            "x": plotly_style.lean(mine["suggestion_s"]),
            "marker": {"symbol": "diamond", "size": 9, "color": "#d55e00"},
            "hovertemplate": "%{y}<br>suggestions %{x} s<extra></extra>",
        }
        specs[(at,)] = plotly_style.spec(
            [*data, suggestions],
            barmode="stack",
            legend={"traceorder": "normal"},
            xaxis=plotly_style.axis(
                "slot-seconds per run (slots × wall time)", range=[0, 1.04 * float(longest)]
            ),
            yaxis=plotly_style.axis("", autorange="reversed", type="category"),
            height=170 + 26 * len(names),
            hovermode="closest",
        )
    caption = (
        "Means over the seeds. Training, start-up and waiting add up to the number of slots times "
        "the run time. The diamond is the time that the searcher took for its suggestions."
    )
    return Figures(
        "times", "Slot-seconds per run", caption, specs, (Dimension("Objectives", sets),)
    )


def _as_sheet(cells: pd.DataFrame) -> Sheet:
    columns = [*(column for column, _ in figure_data.TIME_SHARES), "suggestion_s"]
    rows = [
        [
            named(figure_data.series_of(cell["scheduler"], cell["searcher"])),
            named(cell["objectives"]),
            *(Cell(duration(cell[column]), float(cell[column])) for column in columns),
            Cell(percent(cell["utilisation"]), float(cell["utilisation"])),
        ]
        for cell in cells.reset_index().to_dict("records")
    ]
    header = ["scheduler", "objectives", *(what for _, what in figure_data.TIME_SHARES)]
    header += ["suggestions", "utilisation"]
    lead = ": training, start-up and waiting, summed over all slots; means over the seeds."
    return Sheet("Where the time went", lead, header, rows, frozenset({0, 1}))

"""The section "Fronts": final points and observed fronts, with each point's configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis import aggregate
from bench.analysis.aggregate import BASELINE
from bench.formatting import significant
from bench.matrix.naming import name_of
from bench.records.record import RunRecord
from bench.report.figures import figure_data
from bench.report.figures.drawing import Style
from bench.report.page import plotly_style
from bench.report.page.parts import Dimension, Figures, Grid, Part, Spec, Specs
from bench.report.tables_and_notes import Cell, Sheet, named
from mobo_core.objectives import Objective


def parts(finished: Sequence[RunRecord]) -> list[Part]:
    """Return the figures of the first seeds, and a table of the members of their fronts.

    Args:
        finished: Finished runs; the searcher's label is empty where all runs share the searcher.
    """
    panels = figure_data.pairs(finished)
    if not panels:
        return []
    seeds = sorted({record.spec["seed"] for record in finished})
    shown = seeds[: figure_data.LEGIBLE_SEEDS]
    groups = figure_data.by_objectives(finished)
    styles = plotly_style.styles(figure_data.series(record) for record in finished)
    specs: Specs = {}
    for at, (label, x, y) in enumerate(panels):
        limits = figure_data.limits(groups[label], x), figure_data.limits(groups[label], y)
        for number, seed in enumerate(shown):
            group = [record for record in groups[label] if record.spec["seed"] == seed]
            specs[at, number] = _spec(group, x, y, limits, styles)
    panel_names = [
        label if len(groups[label][0].objectives) == 2 else f"{label}: {name_of(y)}, {name_of(x)}"
        for label, x, y in panels
    ]
    of = (
        f" The figure has the first {len(shown)} of {len(seeds)} seeds."
        if len(seeds) > len(shown)
        else ""
    )
    caption = (
        "Faint points are the trials' last reports. Hollow, joined points are each scheduler's "
        "front: no other trial of the same run is at least as good in every objective. Points "
        "beyond the reference point do not count; the axes end there. An arrow shows which "
        f"direction is better.{of} Hover over a point, or tap it, for its configuration. Click a "
        "name in the legend to hide a scheduler, and double-click it to show that scheduler alone."
    )
    figures = Figures(
        "fronts",
        "Observed Pareto fronts",
        caption,
        specs,
        (
            Dimension("Objectives", panel_names),
            Dimension("Seed", [str(seed) for seed in shown]),
        ),
    )
    chosen = [record for record in finished if record.spec["seed"] in shown]
    return [figures, Grid("front-members", _members(chosen), "The fronts as a table", rows=10)]


def _spec(
    group: Sequence[RunRecord],
    x: Objective,
    y: Objective,
    limits: tuple[tuple[float, float], tuple[float, float]],
    styles: dict[str, Style],
) -> Spec:
    data = []
    for record in group:
        data += _traces(record, x, y, styles[figure_data.series(record)])
    return plotly_style.spec(
        data,
        xaxis=plotly_style.objective_axis(x, limits[0]),
        yaxis=plotly_style.objective_axis(y, limits[1]),
        hovermode="closest",
    )


def _traces(record: RunRecord, x: Objective, y: Objective, style: Style) -> list[dict[str, Any]]:
    last = aggregate.last_reports(record).set_index("trial", drop=False)
    members = aggregate.observed_front(record).sort_values(x.name)
    others = last.loc[~last.index.isin(members["trial"])]
    name = plotly_style.plain(figure_data.series(record))
    joined = len(record.objectives) == 2
    # FIFO's front is drawn first and broader, so that it shows under fronts that coincide.
    broader = 2.5 if record.labels["scheduler"] == BASELINE else 1
    shared = {"name": name, "legendgroup": name, "hovertemplate": _hover(record, x, y)}
    front = {
        "type": "scatter",
        "mode": "lines+markers" if joined else "markers",
        "x": plotly_style.lean(members[x.name]),
        "y": plotly_style.lean(members[y.name]),
        "customdata": _about(record, members),
        "line": plotly_style.line(style, 1.5 * broader, shape="hv" if x.goal == "min" else "vh"),
        "marker": plotly_style.marker(
            style, 8 + 2 * broader, symbol=f"{plotly_style.SYMBOLS[style.marker]}-open"
        )
        | {"line": {"width": 2}},
    }
    rest = {
        "type": "scatter",
        "mode": "markers",
        "x": plotly_style.lean(others[x.name]),
        "y": plotly_style.lean(others[y.name]),
        "customdata": _about(record, others),
        "marker": plotly_style.marker(style, 6, opacity=0.55),
        "showlegend": False,
    }
    return [rest | shared, front | shared]


def _hover(record: RunRecord, x: Objective, y: Objective) -> str:
    names = _parameters(record)
    values = [f"{plotly_style.plain(n)} %{{customdata[{k}]}}" for k, n in enumerate(names, start=2)]
    return "<br>".join(
        [
            "<b>%{fullData.name}</b>",
            "trial %{customdata[0]}, %{customdata[1]} epochs",
            f"{plotly_style.plain(y.name)} %{{y:.5~g}}",
            f"{plotly_style.plain(x.name)} %{{x:.5~g}}",
            "<i>configuration</i>",
            *values,
            "<extra></extra>",
        ]
    )


def _parameters(record: RunRecord) -> list[str]:
    assert record.result is not None, "only finished runs are drawn"
    return list(dict.fromkeys(name for trial in record.result.trials for name in trial.config))


def _about(record: RunRecord, points: pd.DataFrame) -> list[list[Any]]:
    """Return trial, epochs and configuration of each point."""
    assert record.result is not None, "only finished runs are drawn"
    names, by_number = _parameters(record), {t.trial: t for t in record.result.trials}
    trials = [by_number[int(number)] for number in points["trial"]]
    return [[t.trial, t.epochs, *(_value(t.config.get(name)) for name in names)] for t in trials]


def _value(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return plotly_style.plain(value)
    return plotly_style.lean([value])[0]


def _members(chosen: Sequence[RunRecord]) -> Sheet:
    rows = []
    for record in chosen:
        assert record.result is not None, "only finished runs are drawn"
        by_number = {trial.trial: trial for trial in record.result.trials}
        for row in aggregate.observed_front(record).to_dict("records"):
            trial = by_number[int(row["trial"])]
            rows.append(
                [
                    named(figure_data.series(record)),
                    named("+".join(record.spec["objectives"])),
                    Cell(str(record.spec["seed"]), record.spec["seed"]),
                    Cell(str(trial.trial), trial.trial),
                    Cell(str(trial.epochs), trial.epochs),
                    named(values_of(record, row)),
                    named(configuration(trial.config)),
                ]
            )
    header = ["scheduler", "objectives", "seed", "trial", "epochs", "observed", "configuration"]
    return Sheet("Members of the observed fronts", "", header, rows, frozenset({0, 1, 5, 6}))


def values_of(record: RunRecord, report: Mapping[Any, Any]) -> str:
    """Return the objectives of a report, e.g. ``val_accuracy 0.953, params 25818``."""
    return ", ".join(f"{o.name} {significant(float(report[o.name]))}" for o in record.objectives)


def configuration(config: Mapping[str, Any]) -> str:
    """Return a configuration in one line, e.g. ``units 16, rate 0.00123``."""
    shown = [
        f"{name} {significant(value) if isinstance(value, float) and np.isfinite(value) else value}"
        for name, value in config.items()
    ]
    return ", ".join(shown)

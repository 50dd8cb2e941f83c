"""Curves: hypervolume over time and epochs, targets reached, profiles, ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis.evidence import TARGETS, Ranks
from bench.analysis.statistics.intervals import Floats
from bench.analysis.statistics.profiles import performance_profile, score_profile
from bench.analysis.statistics.running_time import runtime_distribution
from bench.formatting import significant
from bench.matrix.naming import volume_label
from bench.records.record import RunRecord
from bench.report import figure_data
from bench.report.page import figure_tables, plotly_style
from bench.report.page.parts import Dimension, Figures, Part, Spec, Specs
from bench.report.statistics_section import RANKED_BY, Findings

AGAINST = (
    ("epochs", "epochs", "epochs trained by all trials"),
    ("time_s", "time", "time since start / s"),
)
"""Column of `aggregate.anytime`, what it is called, what the axis says."""


def anytime(finished: Sequence[RunRecord], curves: Mapping[str, pd.DataFrame]) -> list[Part]:
    """Observed hypervolume over epochs and time, median and range over the seeds, and as a table.

    Args:
        finished: Their searcher's label empty where all have the same.
        curves: Run id → `aggregate.anytime`.
    """
    groups = figure_data.by_objectives(finished)
    styles = plotly_style.styles(figure_data.series(record) for record in finished)
    specs: Specs = {}
    for at, group in enumerate(groups.values()):
        for number, (against, _, unit) in enumerate(AGAINST):
            data = []
            for name, style in styles.items():
                mine = [curves[r.run_id] for r in group if figure_data.series(r) == name]
                if mine:
                    over = plotly_style.thinned(figure_data.spread(mine, against))
                    banded = len(mine) > 1 and len(styles) <= figure_data.LEGIBLE_BANDS
                    data += _spread(name, over, plotly_style.line(style), banded)
            specs[at, number] = plotly_style.spec(
                data,
                xaxis=plotly_style.axis(unit, rangemode="tozero"),
                yaxis=plotly_style.axis(
                    plotly_style.plain(volume_label(group[0].objectives)), rangemode="tozero"
                ),
                hovermode="closest",
            )
    caption = (
        "Observed hypervolume of every trial's latest point: medians over the seeds; hovering "
        "shows the lowest and highest too"
        + (", bands cover them" if len(styles) <= figure_data.LEGIBLE_BANDS else "")
        + ". A line ends where the longest run of its scheduler does. One that reaches FIFO's "
        "height further left has saved."
    )
    dimensions = (
        Dimension("Objectives", list(groups)),
        Dimension("Over", [name for _, name, _ in AGAINST]),
    )
    title = "Hypervolume while the runs go on"
    table = figure_tables.anytime(finished, curves, [entry[:2] for entry in AGAINST])
    return [Figures("anytime", title, caption, specs, dimensions), table]


def _spread(
    name: str, over: pd.DataFrame, line: dict[str, Any], banded: bool
) -> list[dict[str, Any]]:
    shared = {"type": "scatter", "mode": "lines", "x": plotly_style.lean(over["at"])}
    group = {"name": plotly_style.plain(name), "legendgroup": plotly_style.plain(name)}
    edge = {"color": line["color"], "width": 0, "shape": "hv"}
    bands: list[dict[str, Any]] = []
    if banded:
        quiet = {"showlegend": False, "hoverinfo": "skip", "line": edge}
        fill = {"fill": "tonexty", "fillcolor": faint(line["color"])}
        low = shared | group | quiet | {"y": plotly_style.lean(over["lowest"])}
        high = shared | group | quiet | fill | {"y": plotly_style.lean(over["highest"])}
        bands = [low, high]
    rows = zip(over["lowest"], over["highest"], strict=True)
    return [
        *bands,
        shared
        | group
        | {
            "y": plotly_style.lean(over["median"]),
            "customdata": [f"{significant(low)} to {significant(high)}" for low, high in rows],
            "line": line | {"shape": "hv"},
            "hovertemplate": "%{fullData.name}<br>%{x}: %{y} (%{customdata})<extra></extra>",
        },
    ]


def faint(colour: str) -> str:
    """A colour, e.g. ``#0173b2``, as the fill of a band."""
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.15)"


def statistics(found: Findings) -> list[Part]:
    """Targets reached, profiles and ranks, as far as there are runs enough."""
    parts: list[Part] = []
    if not found.hits.empty:
        reached = figure_data.reached(found)
        parts += [_running_time(reached), figure_tables.reached(reached)]
    if (costs := figure_data.costs(found)) is not None:
        parts += [_profiles(figure_data.kept(found), costs), figure_tables.profiles(found, costs)]
    if found.rankings:
        specs: Specs = {(k,): _ranks(ranks) for k, ranks in enumerate(found.rankings.values())}
        dimension = Dimension("Ranked by", [RANKED_BY[key] for key in found.rankings])
        caption = (
            "Mean ranks over the objective sets, 1 is best. Grey bars join schedulers that "
            "Nemenyi's test does not tell apart at 0.05."
        )
        parts.append(Figures("ranks", "Mean ranks", caption, specs, (dimension,)))
    return parts


def _running_time(reached: Mapping[str, Floats]) -> Figures:
    budgets = np.linspace(0, 1.05, plotly_style.MOST_STEPS)
    lines = {name: runtime_distribution(hits, budgets) for name, hits in reached.items()}
    targets = ", ".join(f"{100 * target:g} %" for target in TARGETS)
    caption = (
        f"Share of targets ({targets} of FIFO's final hypervolume, over all seeds and objective "
        "sets) that have been reached after so many of FIFO's epochs. Further up is better."
    )
    spec = plotly_style.spec(
        _lines(budgets, lines),
        xaxis=plotly_style.axis("epochs spent / FIFO's of the same seed", range=[0, 1.05]),
        yaxis=plotly_style.axis("share of runs and targets", range=[0, 1.02]),
        hovermode="closest",
    )
    return Figures("running-time", "Targets reached", caption, {(): spec})


def _profiles(kept: Mapping[str, Sequence[Floats]], costs: Mapping[str, Floats]) -> Figures:
    bars = figure_data.bars(kept)[::2]
    table = np.column_stack(list(costs.values()))
    factors = figure_data.factors(costs)[::2]
    shares = performance_profile(table, factors)
    target = f"{100 * figure_data.PROFILE_TARGET:g} %"
    left = plotly_style.spec(
        _lines(bars, {name: score_profile(cells, bars) for name, cells in kept.items()}),
        xaxis=plotly_style.axis("τ: hypervolume / FIFO's of the same seed"),
        yaxis=plotly_style.axis("share of runs above τ", range=[0, 1.02]),
        hovermode="closest",
    )
    right = plotly_style.spec(
        _lines(factors, {name: shares[:, k] for k, name in enumerate(costs)}),
        xaxis=plotly_style.axis("within this factor of the quickest scheduler", type="log"),
        yaxis=plotly_style.axis("share of seeds and sets", range=[0, 1.02]),
        hovermode="closest",
    )
    options = ["hypervolume kept", f"epochs to {target} of FIFO's hypervolume"]
    caption = (
        "Hypervolume kept: the share of runs that keep more than a part τ of the hypervolume of "
        f"FIFO's run of the same seed. Epochs to {target} of it: the share of runs that get there "
        "within a factor of what the first scheduler to get there spent. Further up is better."
    )
    return Figures(
        "profiles",
        "Performance profiles",
        caption,
        {(0,): left, (1,): right},
        (Dimension("Of", options),),
    )


def _lines(x: Floats, lines: Mapping[str, Floats]) -> list[dict[str, Any]]:
    styles = plotly_style.styles(lines)
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": plotly_style.plain(name),
            "x": plotly_style.lean(x),
            "y": plotly_style.lean(np.round(y, 4)),
            "line": plotly_style.line(styles[name], shape="hv"),
            "hovertemplate": "%{fullData.name}<br>%{x}: %{y}<extra></extra>",
        }
        for name, y in lines.items()
    ]


def _ranks(ranks: Ranks) -> Spec:
    means = ranks.test.mean_ranks
    order = [int(k) for k in np.argsort(means, kind="stable")]
    names = [plotly_style.plain(ranks.names[k]) for k in order]
    places = {k: place for place, k in enumerate(order)}
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": plotly_style.lean(means[order]),
            "y": names,
            "marker": {"size": 9, "color": "#0173b2"},
            "hovertemplate": "%{y}: %{x}<extra></extra>",
            "showlegend": False,
        }
    ]
    for number, group in enumerate(ranks.groups):
        rows = sorted(places[k] for k in group)
        at = len(order) + 0.6 + 0.4 * number
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": [at] * len(rows),
                "y": [names[row] for row in rows],
                "line": {"width": 5, "color": "#949494"},
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
    title = f"mean rank; critical difference {ranks.critical_difference:.2f}"
    end = len(order) + 1 + 0.4 * len(ranks.groups)
    return plotly_style.spec(
        data,
        xaxis=plotly_style.axis(title, range=[0.7, end]),
        yaxis=plotly_style.axis("", autorange="reversed", type="category"),
        height=140 + 24 * len(names),
    )

"""Figures of the section "Statistics": targets reached, performance profiles and mean ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.analysis.evidence import TARGETS, Ranks
from bench.analysis.statistics.intervals import Floats
from bench.analysis.statistics.profiles import performance_profile, score_profile
from bench.analysis.statistics.running_time import runtime_distribution
from bench.report.figures import figure_data
from bench.report.figures.drawing import GREY
from bench.report.page import figure_tables, plotly_style
from bench.report.page.parts import Dimension, Figures, Part, Spec, Specs
from bench.report.statistics_section import RANKED_BY, Findings


def statistics(found: Findings) -> list[Part]:
    """Return the figures and tables of targets, profiles and ranks that have enough runs."""
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
            "Mean ranks over the objective sets; rank 1 is the best. A grey bar joins schedulers "
            "that Nemenyi's test does not tell apart at the 0.05 level."
        )
        parts.append(Figures("ranks", "Mean ranks", caption, specs, (dimension,)))
    return parts


def _running_time(reached: Mapping[str, Floats]) -> Figures:
    budgets = np.linspace(0, 1.05, plotly_style.MOST_STEPS)
    lines = {name: runtime_distribution(hits, budgets) for name, hits in reached.items()}
    targets = ", ".join(f"{100 * target:g} %" for target in TARGETS)
    caption = (
        f"The targets are {targets} of FIFO's final hypervolume, for each seed and objective set. "
        "A line shows the share of targets that a scheduler has reached after so many epochs. "
        "Further up is better."
    )
    spec = plotly_style.spec(
        _lines(budgets, lines),
        xaxis=plotly_style.axis("epochs, share of FIFO's of the same seed", range=[0, 1.05]),
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
        xaxis=plotly_style.axis("τ: hypervolume kept, share of FIFO's of the same seed"),
        yaxis=plotly_style.axis("share of runs that keep more than τ", range=[0, 1.02]),
        hovermode="closest",
    )
    right = plotly_style.spec(
        _lines(factors, {name: shares[:, k] for k, name in enumerate(costs)}),
        xaxis=plotly_style.axis("epochs, as a multiple of the quickest scheduler's", type="log"),
        yaxis=plotly_style.axis("share of seeds and objective sets", range=[0, 1.02]),
        hovermode="closest",
    )
    options = ["hypervolume kept", f"epochs to {target} of FIFO's hypervolume"]
    caption = (
        "Hypervolume kept: the share of runs that keep more than a share τ of the hypervolume of "
        f"FIFO's run of the same seed. Epochs to {target} of FIFO's hypervolume: the share of runs "
        "that get there within a multiple of the epochs of the quickest scheduler. Further up is "
        "better."
    )
    return Figures(
        "profiles",
        "Performance profiles",
        caption,
        {(0,): left, (1,): right},
        (Dimension("Shown", options),),
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
    first, *_ = plotly_style.styles(ranks.names).values()
    names = [plotly_style.plain(ranks.names[k]) for k in order]
    places = {k: place for place, k in enumerate(order)}
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": plotly_style.lean(means[order]),
            "y": names,
            "marker": {"size": 9, "color": first.colour},
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
                "line": {"width": 5, "color": GREY},
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

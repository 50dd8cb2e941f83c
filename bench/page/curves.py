"""Curves: hypervolume over time and epochs, targets reached, profiles, ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench import views
from bench.evidence import TARGETS, Ranks
from bench.findings import RANKED_BY, Findings
from bench.formatting import significant
from bench.naming import volume_label
from bench.page import figure_tables, looks
from bench.page.parts import Dimension, Figures, Part, Spec, Specs
from bench.run_record import RunRecord
from bench.statistics.intervals import Floats
from bench.statistics.profiles import performance_profile, score_profile
from bench.statistics.running_time import runtime_distribution

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
    groups = views.by_objectives(finished)
    styles = looks.styles(views.series(record) for record in finished)
    specs: Specs = {}
    for at, group in enumerate(groups.values()):
        for number, (against, _, unit) in enumerate(AGAINST):
            data = []
            for name, style in styles.items():
                mine = [curves[r.run_id] for r in group if views.series(r) == name]
                if mine:
                    over = looks.thinned(views.spread(mine, against))
                    banded = len(mine) > 1 and len(styles) <= views.LEGIBLE_BANDS
                    data += _spread(name, over, looks.line(style), banded)
            specs[at, number] = looks.spec(
                data,
                xaxis=looks.axis(unit, rangemode="tozero"),
                yaxis=looks.axis(
                    looks.plain(volume_label(group[0].objectives)), rangemode="tozero"
                ),
                hovermode="closest",
            )
    caption = (
        "Observed hypervolume of every trial's latest point: medians over the seeds; hovering "
        "shows the lowest and highest too"
        + (", bands cover them" if len(styles) <= views.LEGIBLE_BANDS else "")
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
    shared = {"type": "scatter", "mode": "lines", "x": looks.lean(over["at"])}
    group = {"name": looks.plain(name), "legendgroup": looks.plain(name)}
    edge = {"color": line["color"], "width": 0, "shape": "hv"}
    bands: list[dict[str, Any]] = []
    if banded:
        quiet = {"showlegend": False, "hoverinfo": "skip", "line": edge}
        fill = {"fill": "tonexty", "fillcolor": faint(line["color"])}
        low = shared | group | quiet | {"y": looks.lean(over["lowest"])}
        high = shared | group | quiet | fill | {"y": looks.lean(over["highest"])}
        bands = [low, high]
    rows = zip(over["lowest"], over["highest"], strict=True)
    return [
        *bands,
        shared
        | group
        | {
            "y": looks.lean(over["median"]),
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
        reached = views.reached(found)
        parts += [_running_time(reached), figure_tables.reached(reached)]
    if (costs := views.costs(found)) is not None:
        parts += [_profiles(views.kept(found), costs), figure_tables.profiles(found, costs)]
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
    budgets = np.linspace(0, 1.05, looks.MOST_STEPS)
    lines = {name: runtime_distribution(hits, budgets) for name, hits in reached.items()}
    targets = ", ".join(f"{100 * target:g} %" for target in TARGETS)
    caption = (
        f"Share of targets ({targets} of FIFO's final hypervolume, over all seeds and objective "
        "sets) that have been reached after so many of FIFO's epochs. Further up is better."
    )
    spec = looks.spec(
        _lines(budgets, lines),
        xaxis=looks.axis("epochs spent / FIFO's of the same seed", range=[0, 1.05]),
        yaxis=looks.axis("share of runs and targets", range=[0, 1.02]),
        hovermode="closest",
    )
    return Figures("running-time", "Targets reached", caption, {(): spec})


def _profiles(kept: Mapping[str, Sequence[Floats]], costs: Mapping[str, Floats]) -> Figures:
    bars = views.bars(kept)[::2]
    table = np.column_stack(list(costs.values()))
    factors = views.factors(costs)[::2]
    shares = performance_profile(table, factors)
    target = f"{100 * views.PROFILE_TARGET:g} %"
    left = looks.spec(
        _lines(bars, {name: score_profile(cells, bars) for name, cells in kept.items()}),
        xaxis=looks.axis("τ: hypervolume / FIFO's of the same seed"),
        yaxis=looks.axis("share of runs above τ", range=[0, 1.02]),
        hovermode="closest",
    )
    right = looks.spec(
        _lines(factors, {name: shares[:, k] for k, name in enumerate(costs)}),
        xaxis=looks.axis("within this factor of the quickest scheduler", type="log"),
        yaxis=looks.axis("share of seeds and sets", range=[0, 1.02]),
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
    styles = looks.styles(lines)
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": looks.plain(name),
            "x": looks.lean(x),
            "y": looks.lean(np.round(y, 4)),
            "line": looks.line(styles[name], shape="hv"),
            "hovertemplate": "%{fullData.name}<br>%{x}: %{y}<extra></extra>",
        }
        for name, y in lines.items()
    ]


def _ranks(ranks: Ranks) -> Spec:
    means = ranks.test.mean_ranks
    order = [int(k) for k in np.argsort(means, kind="stable")]
    names = [looks.plain(ranks.names[k]) for k in order]
    places = {k: place for place, k in enumerate(order)}
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": looks.lean(means[order]),
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
    return looks.spec(
        data,
        xaxis=looks.axis(title, range=[0.7, end]),
        yaxis=looks.axis("", autorange="reversed", type="category"),
        height=140 + 24 * len(names),
    )

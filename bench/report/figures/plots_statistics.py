"""Printed figures of statistics: ranks, profiles, running times and attainment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bench.analysis.evidence import TARGETS, Ranks
from bench.analysis.statistics.intervals import Floats
from bench.analysis.statistics.profiles import performance_profile, score_profile
from bench.analysis.statistics.running_time import runtime_distribution
from bench.matrix.naming import axis_label
from bench.records.record import RunRecord
from bench.report.figures import attainment_data, drawing, figure_data, plots_savings
from bench.report.figures.attainment_data import Fronts
from bench.report.figures.drawing import Style, grid, legend, set_title, styles
from bench.report.statistics_section import RANKED_BY, Findings

DIFFERENCES = "PuOr"
"""A diverging colour map that the colour-blind can read; white means no difference."""


@drawing.plain_text
def write_all(
    records: Sequence[RunRecord], findings: Findings, folder: Path, subject: str
) -> list[str]:
    """Draw every figure that has enough runs, and return the figures' names, without extension.

    Args:
        records: All records of a results folder.
        findings: The comparison of these records with FIFO.
        folder: The folder; it must exist.
        subject: The problem and the data, for the titles.
    """
    figures = {"savings": plots_savings.savings(findings, subject)}
    if findings.rankings:
        named = {RANKED_BY[key]: found for key, found in findings.rankings.items()}
        figures["critical-difference"] = critical_difference(named, subject)
    if (costs := figure_data.costs(findings)) is not None:
        kept = figure_data.kept(findings)
        figures["performance-profiles"] = profiles(kept, costs, figure_data.PROFILE_TARGET, subject)
    if not findings.hits.empty:
        figures["running-time"] = running_time(figure_data.reached(findings), subject)
    if panels := attainment_data.panels(records, findings):
        figures["attainment"] = attainment(panels, subject)
    return drawing.save(figures, folder)


def critical_difference(rankings: Mapping[str, Ranks], subject: str) -> Figure:
    """Draw mean ranks, the best on top; bars join schedulers that are not told apart.

    Two schedulers are told apart if their mean ranks differ by the critical difference.

    Args:
        rankings: Title of a panel → its ranks.
        subject: The problem and the data, for the title.

    Source: Demšar 2006, JMLR 7:1–30, figure 1. Here it is upright, so that many names are legible.
    """
    most = max(len(ranking.names) for ranking in rankings.values())
    title = (
        "Mean ranks over the objective sets; bars join schedulers not told apart (Nemenyi, 0.05)"
    )
    figure, axes = grid(len(rankings), len(rankings), subject, title, 0.24 * most + 1.2)
    for axis, (heading, ranking) in zip(axes, rankings.items(), strict=False):
        _draw_ranking(axis, ranking)
        axis.set_title(heading, fontsize=10)
    return figure


def _draw_ranking(axis: Axes, ranking: Ranks) -> None:
    ranks = ranking.test.mean_ranks
    order = [int(k) for k in np.argsort(ranks, kind="stable")]
    places = {k: place for place, k in enumerate(order)}
    axis.hlines(range(len(order)), 1, ranks[order], color="0.85", linewidth=1)
    axis.plot(ranks[order], range(len(order)), linestyle="none", marker="o", color="black")
    right = len(order)
    for number, group in enumerate(ranking.groups):
        rows = [places[k] for k in group]
        x = right + 0.5 + 0.35 * number * max(1.0, right / 10)
        axis.plot([x, x], [min(rows) - 0.2, max(rows) + 0.2], color="black", linewidth=3)
    axis.set_yticks(range(len(order)), [ranking.names[k] for k in order], fontsize=7)
    axis.set_ylim(len(order) - 0.5, -1.4)
    difference = ranking.critical_difference
    axis.plot([1, 1 + difference], [-0.9, -0.9], color="black", linewidth=1.2, marker="|")
    axis.annotate(
        f"critical difference {difference:.2f}", (1, -1.05), fontsize=7, va="bottom", ha="left"
    )
    axis.set_xlim(0.7, None)
    axis.set_xticks(range(1, right + 1, max(1, right // 8)))
    axis.set_xlabel("mean rank, 1 is best", fontsize=9)
    axis.grid(visible=False)


def profiles(
    ratios: Mapping[str, Sequence[Floats]],
    costs: Mapping[str, Floats],
    target: float,
    subject: str,
) -> Figure:
    """Draw two performance profiles: hypervolume kept, and the cost to get most of it.

    Args:
        ratios: Series → for each cell the ratios of hypervolume to FIFO's, one per seed.
        costs: Series → (N,) costs at which the target was reached, infinite if never; all series
            have the same pairs of objective set and seed.
        target: The share of FIFO's hypervolume that the costs refer to.
        subject: The problem and the data, for the title.
    """
    looks = styles([*ratios, *costs])
    inches = 3.2 + 0.2 * -(-len(looks) // 3)  # with room for the legend
    figure, (left, right) = grid(2, 2, subject, "Performance profiles", inches)
    bars = figure_data.bars(ratios)
    for name, cells in ratios.items():
        _line(left, bars, score_profile(cells, bars), name, looks[name])
    left.axvline(1, color="0.6", linewidth=0.8)
    left.set(
        title="hypervolume kept",
        xlabel="τ: hypervolume kept, share of FIFO's of the same seed",
        ylabel="share of runs above τ",
        ylim=(0, 1.02),
    )
    table = np.column_stack(list(costs.values()))
    factors = figure_data.factors(costs)
    shares = performance_profile(table, factors)
    for column, name in enumerate(costs):
        _line(right, factors, shares[:, column], name, looks[name])
    right.set(
        title=f"epochs to {100 * target:g} % of FIFO's hypervolume",
        xlabel="epochs, as a multiple of the quickest scheduler's",
        ylabel="share of seeds and sets",
        xscale="log",
        ylim=(0, 1.02),
    )
    _plain_ticks(right, factors)
    legend(figure, left if len(ratios) >= len(costs) else right)
    return figure


def running_time(reached: Mapping[str, Floats], subject: str) -> Figure:
    """Draw the share of runs and targets that were reached, against the epochs spent.

    Args:
        reached: Series → (runs, targets) shares of FIFO's epochs, infinite if never reached.
        subject: The problem and the data, for the title.

    Source: Hansen et al. 2021 (COCO), doi:10.1080/10556788.2020.1808977, section 4.3.
    """
    title = f"Targets reached: {', '.join(f'{100 * t:g} %' for t in TARGETS)} of FIFO's hypervolume"
    figure, (axis,) = grid(1, 1, subject, title, 3.8)
    figure.set_size_inches(7, 4.4 + 0.2 * -(-len(reached) // 2))  # with room for the legend
    set_title(figure, title, subject)
    budgets = np.linspace(0, 1.05, 500)
    for name, style in styles(reached).items():
        _line(axis, budgets, runtime_distribution(reached[name], budgets), name, style)
    axis.set(
        xlabel="epochs, share of FIFO's of the same seed",
        ylabel="share of runs and targets",
        ylim=(0, 1.02),
        xlim=(0, 1.05),
    )
    legend(figure, axis)
    return figure


def attainment(panels: Mapping[str, Fronts], subject: str) -> Figure:
    """Draw the points that more seeds of one series than of another reach.

    Args:
        panels: Objective set → the final points.
        subject: The problem and the data, for the title.
    """
    first = next(iter(panels.values())).names
    title = f"Reached in more seeds by {first[0]} (purple) or by {first[1]} (orange)"
    figure, axes = grid(len(panels), 3, subject, title)
    norm = Normalize(-1, 1)
    for axis, (label, fronts) in zip(axes, panels.items(), strict=False):
        _draw_difference(axis, fronts, norm)
        axis.set_title(label, fontsize=10)
    mappable = ScalarMappable(norm, DIFFERENCES)
    bar = figure.colorbar(
        mappable, ax=axes, label="difference between the shares of seeds", pad=0.01
    )
    bar.ax.tick_params(labelsize=8)
    bar.ax.yaxis.label.set_fontsize(9)
    legend(figure, axes[0])
    return figure


def _draw_difference(axis: Axes, fronts: Fronts, norm: Normalize) -> None:
    up, along = fronts.objectives
    found = attainment_data.difference(fronts)
    palette = sns.color_palette(DIFFERENCES, as_cmap=True)
    # Purple lies at the map's upper end, where the first series gets there in more seeds.
    for x, y, end_x, end_y, value in found.boxes:
        colour = palette(norm(value))
        axis.add_patch(Rectangle((x, y), end_x - x, end_y - y, color=colour, linewidth=0))
    for path, name, line in zip(found.medians, fronts.names, ("-", "--"), strict=True):
        if len(path):
            axis.plot(
                *path.T,
                color="black",
                linestyle=line,
                linewidth=1,
                drawstyle="steps-post",
                label=f"median of {name}",
            )
    if found.limits is not None:
        axis.set(xlim=found.limits[0], ylim=found.limits[1])
    axis.set_xlabel(axis_label(along), fontsize=9)
    axis.set_ylabel(axis_label(up), fontsize=9)
    axis.grid(visible=False)


def _line(axis: Axes, x: Floats, y: Floats, name: str, style: Style) -> None:
    axis.step(x, y, where="post", color=style.colour, linestyle=style.line, label=name)


def _plain_ticks(axis: Axes, factors: Floats) -> None:
    marks = [mark for mark in (1, 1.5, 2, 3, 5, 10, 20, 50, 100) if mark <= factors[-1]]
    axis.set_xticks(marks, [f"{mark:g}" for mark in marks])
    axis.minorticks_off()

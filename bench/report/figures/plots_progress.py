"""Printed figures of runs in progress: distance to the best known hypervolume, and hypervolume."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.matrix.naming import volume_label
from bench.records.record import RunRecord
from bench.report.figures import drawing, figure_data, progress_data, savings_data
from bench.report.figures.drawing import Style, grid, legend, styles
from bench.report.figures.figure_data import by_objectives, series

OTHERS = "other schedulers"
"""The entry in the legend for all schedulers that are not highlighted."""


def progress(
    records: Sequence[RunRecord],
    curves: Mapping[str, pd.DataFrame],
    best: Collection[str],
    subject: str,
) -> Figure | None:
    """Draw the distance to the best known hypervolume against epochs, on a logarithmic scale.

    Lines are medians over the seeds. Bands show the range if all schedulers are highlighted.

    Args:
        records: Finished runs.
        curves: Run id → `aggregate.anytime`.
        best: The names to highlight, from `savings_data.highlights`.
        subject: The problem and the data, for the title.

    Returns:
        None if no run found anything.
    """
    panels = progress_data.progress(records, curves)
    if not panels:
        return None
    title = "Distance to the best known hypervolume: lower and further left is better"
    figure, axes = grid(len(panels), 2, subject, title)
    looks = drawing.highlighted(styles(map(series, records)), best)
    banded = savings_data.banded(best, looks)
    for axis, (label, panel) in zip(axes, panels.items(), strict=False):
        for name, style in looks.items():
            if name in panel.over:
                _draw(
                    axis,
                    panel.over[name],
                    name,
                    style,
                    name in best,
                    banded=banded,
                )
        axis.set_yscale("log")
        axis.set(title=label, xlabel=panel.x_title, ylabel=progress_data.Y_TITLE)
        axis.set_yticks(
            progress_data.TICKS, [progress_data.tick_label(tick) for tick in progress_data.TICKS]
        )
        axis.set_yticks([], minor=True)
        axis.set_ylim(progress_data.FLOOR, 1)
        axis.set_xlim(left=0)
    legend(figure, axes[0], last=OTHERS)
    return figure


def over_time(
    records: Sequence[RunRecord],
    curves: Mapping[str, pd.DataFrame],
    best: Collection[str],
    subject: str,
) -> Figure:
    """Draw the observed hypervolume against time: medians over the seeds.

    Args:
        records: Finished runs.
        curves: Run id → `aggregate.anytime`.
        best: The names to highlight, from `savings_data.highlights`.
        subject: The problem and the data, for the title.
    """
    groups = by_objectives(records)
    figure, axes = grid(len(groups), 2, subject, "Hypervolume over time")
    looks = drawing.highlighted(styles(map(series, records)), best)
    banded = savings_data.banded(best, looks)
    for axis, (label, group) in zip(axes, groups.items(), strict=False):
        for name, style in looks.items():
            mine = [curves[r.run_id] for r in group if series(r) == name]
            if mine:
                over = figure_data.spread(mine, "time_s")
                _draw(axis, over, name, style, name in best, banded=banded)
        volume = volume_label(group[0].objectives)
        axis.set(title=label, xlabel="time since the start of the run / s", ylabel=volume)
        axis.set_ylim(bottom=0)
        axis.set_xlim(left=0)
    legend(figure, axes[0], last=OTHERS)
    return figure


def _draw(
    axis: Axes, over: pd.DataFrame, name: str, style: Style, highlighted: bool, *, banded: bool
) -> None:
    """Draw one line with a dot at its end, and a band from the lowest to the highest seed."""
    colour = style.colour
    axis.step(
        over["at"],
        over["median"],
        where="post",
        color=colour,
        linestyle=style.line,
        linewidth=1.6 if highlighted else 0.7,
        alpha=1 if highlighted else 0.7,
        label=name if highlighted else OTHERS,
    )
    end = over.iloc[-1]
    axis.plot(
        end["at"],
        end["median"],
        marker="o",
        markersize=5 if highlighted else 2.5,
        color=colour,
        clip_on=False,
    )
    ranged = not np.allclose(over["lowest"], over["highest"])
    if banded and ranged:
        axis.fill_between(
            over["at"], over["lowest"], over["highest"], step="post", color=colour, alpha=0.12
        )

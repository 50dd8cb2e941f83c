"""Printed figures of recorded runs, as PNG and PDF, in colours that the colour-blind can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis import aggregate
from bench.matrix.naming import axis_label
from bench.records.record import RunRecord
from bench.report.figures import drawing, figure_data, plots_progress, savings_data
from bench.report.figures.drawing import Style, grid, legend, set_title, styles
from bench.report.figures.figure_data import (
    LEGIBLE_SEEDS,
    TIME_SHARES,
    by_objectives,
    series,
    series_of,
)
from bench.report.statistics_section import Findings
from mobo_core.objectives import Objective

SHARE_COLOURS = (0, 1, 7)
"""Positions in seaborn's palette of the colours for `TIME_SHARES`."""


@drawing.plain_text
def write_all(
    records: Sequence[RunRecord],
    runs: pd.DataFrame,
    curves: Mapping[str, pd.DataFrame],
    folder: Path,
    subject: str,
    findings: Findings | None = None,
) -> list[str]:
    """Draw every figure of runs into a folder and return the figures' names, without extension.

    Args:
        records: All records of a results folder.
        runs: The frame from `aggregate.summarise`.
        curves: Run id → `aggregate.anytime`, of the finished runs.
        folder: The folder; it must exist.
        subject: The problem and the data, for the titles.
        findings: The comparison with FIFO, which decides on the highlighted schedulers; None if
            no run can be compared.
    """
    finished = figure_data.without_a_common_searcher([r for r in records if r.finished])
    best = savings_data.highlights(findings, map(series, finished))
    progress = plots_progress.progress(finished, curves, best, subject)
    figures = {
        **({"fronts": fronts(finished, subject)} if _several_objectives(finished) else {}),
        **({"progress": progress} if progress is not None else {}),
        "hypervolume-over-time": plots_progress.over_time(finished, curves, best, subject),
        "stop-epochs": stop_epochs(finished, subject),
        "time": time_shares(runs, subject),
    }
    return drawing.save(figures, folder)


def _several_objectives(records: Sequence[RunRecord]) -> bool:
    return any(len(record.objectives) > 1 for record in records)


def fronts(records: Sequence[RunRecord], subject: str) -> Figure:
    """Draw final points and observed fronts: a panel per objective set and pair of objectives.

    The panels end at the reference values, because points beyond them do not count.
    """
    title, seeds = "Observed Pareto fronts", sorted({record.spec["seed"] for record in records})
    if len(seeds) > LEGIBLE_SEEDS:
        title += f" of seed {seeds[0]}"
        records = [record for record in records if record.spec["seed"] == seeds[0]]
    panels = figure_data.pairs(records)
    figure, axes = grid(len(panels), 3, subject, title)
    looks = styles(series(record) for record in records)
    for axis, (label, x, y) in zip(axes, panels, strict=False):
        group = by_objectives(records)[label]
        for record in group:
            _draw_front(axis, record, x, y, looks[series(record)])
        axis.set(xlim=figure_data.limits(group, x), ylim=figure_data.limits(group, y))
        axis.set(title=label, xlabel=axis_label(x), ylabel=axis_label(y))
    legend(figure, axes[0])
    return figure


def _draw_front(axis: Axes, record: RunRecord, x: Objective, y: Objective, style: Style) -> None:
    last = aggregate.last_reports(record)
    axis.scatter(last[x.name], last[y.name], s=10, color=style.colour, alpha=0.3, linewidths=0)
    front = aggregate.observed_front(record).sort_values(x.name)
    joined = len(record.objectives) == 2
    axis.plot(
        front[x.name],
        front[y.name],
        color=style.colour,
        marker=style.marker,
        markersize=6,
        markerfacecolor="none",
        linestyle=style.line,
        linewidth=1.2 if joined else 0,
        drawstyle="steps-post" if x.goal == "min" else "steps-pre",
        label=series(record),
    )


def stop_epochs(records: Sequence[RunRecord], subject: str) -> Figure:
    """Draw how many trials per run ended after which epoch, as a heat map.

    There is a row per scheduler and a panel per objective set. Trials that never reported are in
    column 0. Long runs have several epochs in a column.
    """
    groups = by_objectives(records)
    last = max(record.spec["budget"]["max_epochs"] for record in records)
    edges = figure_data.epoch_bins(last)
    rows = list(styles(series(record) for record in records))
    inches = 0.26 * len(rows) + 1.4
    figure, axes = grid(len(groups), 2, subject, "Trials per run by their last epoch", inches)
    for axis, (label, group) in zip(axes, groups.items(), strict=False):
        ended = figure_data.last_epochs(group, rows, edges)
        sns.heatmap(
            ended,
            ax=axis,
            cmap="cividis",
            vmin=0,
            mask=~(ended > 0),  # none is shown as a blank field
            annot=ended.map(figure_data.heat_label),
            fmt="",
            annot_kws={"fontsize": 6},
            cbar=False,
            linewidths=0.5,
        )
        axis.set_title(label, fontsize=10)
        axis.set_xlabel("last epoch trained", fontsize=9)
        axis.grid(visible=False)
        axis.tick_params(length=0, labelsize=7)
        axis.tick_params(axis="x", rotation=0 if len(edges) == last + 2 else 60)
        for spine in axis.spines.values():
            spine.set(visible=True, color="0.8")
    return figure


def time_shares(runs: pd.DataFrame, subject: str) -> Figure:
    """Draw slot-seconds of training, start-up and waiting per cell, and the time of suggestions."""
    cells = figure_data.time_cells(runs)
    labels = [
        f"{series_of(scheduler, searcher)}\n{sets}" for sets, scheduler, searcher in cells.index
    ]
    figure = Figure(figsize=(8, 1.6 + 0.42 * len(cells)), layout="constrained")
    axis = figure.subplots()
    set_title(figure, "Where the time went", subject)
    palette = sns.color_palette("colorblind")
    places, left = np.arange(len(cells)), np.zeros(len(cells))
    for (column, label), colour in zip(TIME_SHARES, SHARE_COLOURS, strict=True):
        widths = cells[column].to_numpy(dtype=float)
        axis.barh(places, widths, left=left, color=palette[colour], label=label)
        left = left + widths
    axis.plot(
        cells["suggestion_s"],
        places,
        linestyle="none",
        marker="D",
        color="black",
        markersize=5,
        label="suggestions (seconds of the driver)",
    )
    axis.set_yticks(places, labels, fontsize=7)
    axis.set_ylim(len(cells) - 0.4, -0.6)  # the first cell is on top
    axis.set(xlabel="slot-seconds per run (slots × wall time)")
    sns.despine(figure)
    legend(figure, axis)
    return figure

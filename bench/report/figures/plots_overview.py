"""The printed figure over all data sets: what each scheduler saves and loses on which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from bench.report.figures import drawing

SMALLEST_LOSS = 1e-4
"""The logarithmic axes begin here: a smaller loss, or a gain, is drawn at this edge."""
SPREAD = 0.2
"""Marks lie at most this far above or below the middle of a row, as a share of its height."""
LOSS_TICKS = {1e-4: "0.01", 1e-3: "0.1", 1e-2: "1", 1e-1: "10", 1: "100"}
PANELS = (
    ("saved", "epochs saved / %"),
    ("lost", "hypervolume lost / %\nmean of all runs"),
    ("lost_most", "hypervolume lost / %\nworst run"),
)


@drawing.plain_text
def draw(found: pd.DataFrame, rows: Sequence[str]) -> Figure:
    """Draw a row per scheduler, a column per figure of `PANELS`, and a mark per data set.

    Args:
        found: The rows that `bench.report.overview.collect` returns, at least one.
        rows: The schedulers, from top to bottom.
    """
    datasets = list(dict.fromkeys(found["dataset"]))
    looks = drawing.styles(datasets)
    # Marks of different data sets lie at different heights of a row, so that none hides another.
    offsets = np.linspace(-SPREAD, SPREAD, len(datasets)) if len(datasets) > 1 else [0.0]
    layout = ConstrainedLayoutEngine(wspace=0.08)
    figure = Figure(figsize=(8, 0.27 * len(rows) + 1.9), layout=layout)
    axes = list(figure.subplots(1, len(PANELS), sharey=True))
    for axis, (column, label) in zip(axes, PANELS, strict=True):
        for place in range(0, len(rows), 2):  # pale bands tie marks to their row
            axis.axhspan(place - 0.5, place + 0.5, color="0.95", linewidth=0, zorder=0)
        for dataset, offset in zip(datasets, offsets, strict=True):
            mine = found[found["dataset"] == dataset]
            axis.plot(
                _at(mine, column),
                [rows.index(name) + offset for name in mine["scheduler"]],
                linestyle="none",
                marker=looks[dataset].marker,
                color=looks[dataset].colour,
                markersize=5.5,
                markeredgecolor="white",
                markeredgewidth=0.4,
                label=dataset,
            )
        axis.set_xlabel(label, fontsize=9)
        axis.tick_params(labelsize=8.5)
        axis.tick_params(axis="y", length=0)
        axis.grid(axis="x", alpha=0.3)
    axes[0].set_yticks(range(len(rows)), rows)
    axes[0].set_ylim(len(rows) - 0.5, -0.5)  # the first row is on top
    axes[0].set_xlim(0, 100)
    for axis in axes[1:]:
        axis.set_xscale("log")
        axis.set_xlim(SMALLEST_LOSS * 0.8, 1.2)
        axis.set_xticks(list(LOSS_TICKS), list(LOSS_TICKS.values()))
        axis.minorticks_off()
    sns.despine(figure, left=True)
    figure.suptitle(
        "What each scheduler saves and loses against FIFO, by data set\n"
        "(sorted by the largest mean loss; losses up to 0.01 % are drawn at the left edge)",
        fontsize=10,
    )
    drawing.legend(figure, axes[0])
    return figure


def _at(found: pd.DataFrame, column: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = found[column].to_numpy(dtype=float)
    return 100 * values if column == "saved" else np.maximum(values, SMALLEST_LOSS)


def write(found: pd.DataFrame, rows: Sequence[str], path: Path) -> None:
    """Draw the figure into a PNG file.

    Args:
        found: The rows that `bench.report.overview.collect` returns, at least one.
        rows: The schedulers, from top to bottom.
        path: The file to write.
    """
    draw(found, rows).savefig(path, dpi=150)

"""One figure and one table over all data sets: what each scheduler saves and loses on which."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from bench.analysis import evidence
from bench.analysis.aggregate import BASELINE
from bench.analysis.statistics import ENOUGH_SEEDS
from bench.matrix.files import matrix_names
from bench.matrix.naming import dataset_name
from bench.report.figures import drawing

FEWEST_SCHEDULERS = 5
"""A report with fewer schedulers than these, FIFO included, is no comparison of schedulers."""
SMALLEST_LOSS = 1e-4
"""The logarithmic axes begin here: a smaller loss, or a gain, is drawn at this edge."""
SPREAD = 0.2
"""Marks lie at most this far above or below the middle of a row, as a share of its height."""
TITLES = {"mnist": "MNIST"}
LOSS_TICKS = {1e-4: "0.01", 1e-3: "0.1", 1e-2: "1", 1e-1: "10", 1: "100"}
PANELS = (
    ("saved", "epochs saved / %"),
    ("lost", "hypervolume lost / %\nmean of all runs"),
    ("lost_most", "hypervolume lost / %\nworst run"),
)


def collect(reports: Iterable[Path]) -> pd.DataFrame:
    """Return one row per data set and scheduler, from each report's ``runs.csv``.

    Reports with few seeds or few schedulers are left out: they compare nothing with certainty.

    Args:
        reports: Folders of reports.

    Returns:
        Columns: report (the folder's name); dataset (the name that people use); scheduler; saved
        (the share of FIFO's epochs that it saves, an interquartile mean); mean and worst (its
        hypervolume over FIFO's of the same seed: the mean of all runs, and the worst run); lost
        and lost_most (the same as shares that are lost). No rows if no report qualifies.
    """
    frames = []
    for folder in reports:
        runs = pd.read_csv(folder / "runs.csv")
        if not _compares_schedulers(runs):
            continue
        found = evidence.against_baseline(runs)
        frames.append(
            pd.DataFrame(
                {
                    "report": folder.name,
                    "dataset": dataset_of(folder.name),
                    "scheduler": found["series"],
                    "saved": found["epochs_saved"],
                    "mean": found["mean"],
                    "worst": found["worst"],
                    "lost": 1 - found["mean"],
                    "lost_most": 1 - found["worst"],
                }
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _compares_schedulers(runs: pd.DataFrame) -> bool:
    return (
        BASELINE in set(runs["scheduler"])
        and runs["scheduler"].nunique() >= FEWEST_SCHEDULERS
        and runs["seed"].nunique() >= ENOUGH_SEEDS
    )


def dataset_of(report: str) -> str:
    """Return the data set's name, e.g. ``volkert`` for the report ``lcbench-168331``."""
    name = report.removesuffix("-virtual")
    for matrix in sorted(matrix_names(), key=len, reverse=True):
        if name.startswith(f"{matrix}-"):
            dataset = name.removeprefix(f"{matrix}-")
            return TITLES.get(dataset, dataset_name(dataset))
    return report


def table(found: pd.DataFrame) -> str:
    """Return the figure's values as a Markdown table: a row per scheduler, a column per data set.

    A cell has the epochs saved, the hypervolume kept in the mean of all runs, and the hypervolume
    kept in the worst run, all in per cent of FIFO's.

    Args:
        found: The rows that `collect` returns, at least one.
    """
    datasets = list(dict.fromkeys(found["dataset"]))
    cells = {
        (row["scheduler"], row["dataset"]): " · ".join(
            f"{100 * row[column]:.1f}" for column in ("saved", "mean", "worst")
        )
        for row in found.to_dict("records")
    }
    lines = [f"| scheduler | {' | '.join(datasets)} |", f"| --- |{' ---: |' * len(datasets)}"]
    lines += [
        f"| {name} | {' | '.join(cells.get((name, dataset), '–') for dataset in datasets)} |"
        for name in _order(found)
    ]
    return "\n".join(lines)


@drawing.plain_text
def draw(found: pd.DataFrame) -> Figure:
    """Draw a row per scheduler, a column per figure of `PANELS`, and a mark per data set.

    Args:
        found: The rows that `collect` returns, at least one.
    """
    rows = _order(found)
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


def _order(found: pd.DataFrame) -> list[str]:
    """Return the schedulers: first the one whose largest mean loss over data sets is smallest."""
    return list(found.groupby("scheduler", sort=False)["lost"].max().sort_values().index)


def _at(found: pd.DataFrame, column: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = found[column].to_numpy(dtype=float)
    return 100 * values if column == "saved" else np.maximum(values, SMALLEST_LOSS)


def write(found: pd.DataFrame, path: Path) -> None:
    """Draw the figure into a PNG file.

    Args:
        found: The rows that `collect` returns, at least one.
        path: The file to write.
    """
    draw(found).savefig(path, dpi=150)

"""The figures of a survey: what schedulers save and lose, and how early they are good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.matrix.surveys import BASELINE
from bench.report.figures.drawing import Style, grid, legend, plain_text, save, styles

LOWEST = 1e-2
"""The smallest loss that the logarithmic axis shows, in per cent; smaller ones, and gains, stand
there.
"""
TINY = 1e-3
"""The smallest regret that a logarithmic axis shows."""


@plain_text
def write_all(
    datasets: pd.DataFrame,
    anytime: Mapping[str, pd.DataFrame],
    ranks: Mapping[str, tuple[pd.Series, float]],
    folder: Path,
    subject: str,
) -> list[str]:
    """Draw all figures into a folder and return their names.

    Args:
        datasets: What `bench.analysis.survey.by_dataset` returns, of one side.
        anytime: Name of a cost → what `bench.analysis.survey.anytime_table` returns.
        ranks: Title of a panel → mean ranks and their critical difference.
        folder: Where the files are written.
        subject: What was surveyed, for the titles.
    """
    looks = styles([BASELINE, *(s for s in datasets.scheduler.unique() if s != BASELINE)])
    figures = {
        "plane": plane(datasets, looks, subject),
        **{f"anytime-{cost}": regrets(t, looks, cost, subject) for cost, t in anytime.items()},
        **({"ranks": ranking(ranks, subject)} if ranks else {}),
    }
    return save(figures, folder)


def plane(datasets: pd.DataFrame, looks: Mapping[str, Style], subject: str) -> Figure:
    """Draw what each scheduler saves against what it loses, a panel per family.

    A point is the mean over data sets; the line goes from the median loss to its 95 % quantile.
    """
    families = list(dict.fromkeys(datasets.family))
    title = "Epochs saved and hypervolume lost: means over data sets, lines from the median to 95 %"
    figure, axes = grid(len(families), 3, subject, title)
    for axis, family in zip(axes, families, strict=False):
        chosen = datasets[(datasets.family == family) & (datasets.scheduler != BASELINE)]
        for scheduler, group in chosen.groupby("scheduler", sort=False):
            losses = 100 * group.loss.dropna()
            look, saved = looks[str(scheduler)], 100 * group.saved.mean()
            ends = np.maximum([losses.median(), losses.quantile(0.95)], LOWEST)
            axis.plot([saved, saved], ends, color=look.colour, linewidth=1, alpha=0.6)
            axis.plot(
                saved,
                max(losses.mean(), LOWEST),
                marker=look.marker,
                color=look.colour,
                linestyle="none",
                label=str(scheduler),
            )
        _logarithmic(axis)
        axis.set_title(f"{family}, {chosen.dataset.nunique()} data sets")
        axis.set_xlabel("epochs saved, %")
        axis.set_ylabel("hypervolume lost, %")
        if axis.get_ylim()[0] <= LOWEST:
            axis.annotate(
                "0.01: or less, or a gain",
                (1, 0.01),
                xycoords="axes fraction",
                ha="right",
                fontsize=7,
            )
    legend(figure, axes[0])
    return figure


def regrets(table: pd.DataFrame, looks: Mapping[str, Style], cost: str, subject: str) -> Figure:
    """Draw the mean regret over data sets against the cost, a panel per family.

    Args:
        table: What `bench.analysis.survey.anytime_table` returns.
        looks: Scheduler → style.
        cost: What was spent: ``epochs`` or ``time``.
        subject: What was surveyed, for the title.
    """
    families = list(dict.fromkeys(table.family))
    title = f"Mean regret, near reference, at shares of FIFO's {cost}; ended runs are carried on"
    figure, axes = grid(len(families), 3, subject, title)
    shares = [name for name in table.columns if name.endswith(" %")]
    x = [float(name.removesuffix(" %")) for name in shares]
    for axis, family in zip(axes, families, strict=False):
        _lines(axis, table[table.family == family], shares, x, looks)
        axis.set_title(family)
        axis.set_xlabel(f"share of FIFO's {cost}, %")
        axis.set_ylabel("regret")
    legend(figure, axes[0])
    return figure


def _lines(
    axis: Axes,
    rows: pd.DataFrame,
    shares: Sequence[str],
    x: Sequence[float],
    looks: Mapping[str, Style],
) -> None:
    for _, row in rows.iterrows():
        look = looks[row.scheduler]
        y = np.maximum(row[list(shares)].to_numpy(float), TINY)
        axis.plot(
            x,
            y,
            color=look.colour,
            linestyle=look.line,
            marker=look.marker,
            markersize=3,
            label=row.scheduler,
        )
    axis.set_xscale("log")
    axis.set_xticks(x, [f"{value:g}" for value in x])
    axis.xaxis.set_minor_formatter(NullFormatter())
    _logarithmic(axis)


def _logarithmic(axis: Axes) -> None:
    """Give an axis a logarithmic scale with plain numbers."""
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def ranking(ranks: Mapping[str, tuple[pd.Series, float]], subject: str) -> Figure:
    """Draw mean ranks over data sets with the critical difference, a panel per measure."""
    most = max(len(means) for means, _ in ranks.values())
    title = "Mean ranks over data sets; the bar is the critical difference (Nemenyi, 0.05)"
    figure, axes = grid(len(ranks), 2, subject, title, 0.2 * most + 1.0)
    for axis, (heading, (means, difference)) in zip(axes, ranks.items(), strict=False):
        rows = np.arange(len(means))
        axis.hlines(rows, 1, means, color="0.85", linewidth=1)
        axis.plot(means, rows, linestyle="none", marker="o", color="black", markersize=4)
        best = float(means.iloc[0])
        axis.plot([best, best + difference], [-0.8, -0.8], color="black", marker="|", linewidth=1.2)
        axis.set_yticks(rows, list(means.index), fontsize=7)
        axis.set_ylim(len(means) - 0.5, -1.3)
        axis.set_xlim(0.7, None)
        axis.set_title(heading)
        axis.set_xlabel("mean rank, 1 is best")
        axis.grid(visible=False)
    return figure

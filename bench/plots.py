"""Figures of recorded runs; colour-blind safe, units on every axis, PNG and PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import aggregate, drawing
from bench.drawing import Style, axis_label, grid, legend, name_of, set_title, styles
from bench.formatting import whole
from bench.records import RunRecord
from mobo_core.objectives import Objective

LEGIBLE_SEEDS = 3
"""Fronts of so many seeds can be told apart in one panel; of more the first is shown."""
LEGIBLE_EPOCHS = 10
"""Columns of epochs that can be read beside each other."""
LEGIBLE_BANDS = 8
"""Ranges of so many schedulers can be told apart; of more the medians are shown alone."""


@drawing.plain_text
def write_all(
    records: Sequence[RunRecord], curves: Mapping[str, pd.DataFrame], folder: Path, subject: str
) -> list[str]:
    """Draw every figure into the folder; their names, without extension.

    Args:
        records: All of a results folder.
        curves: Run id → `aggregate.anytime`, of the finished ones.
        folder: Must exist.
        subject: For the titles.
    """
    finished = _without_a_common_searcher([record for record in records if record.finished])
    figures = {
        **({"fronts": fronts(finished, subject)} if _several_objectives(finished) else {}),
        "hypervolume-over-time": anytime(finished, curves, "time_s", subject),
        "hypervolume-over-epochs": anytime(finished, curves, "epochs", subject),
        "stop-epochs": stop_epochs(finished, subject),
        "time": time_shares(finished, subject),
    }
    return drawing.save(figures, folder)


def _several_objectives(records: Sequence[RunRecord]) -> bool:
    return any(len(record.objectives) > 1 for record in records)


def fronts(records: Sequence[RunRecord], subject: str) -> Figure:
    """Final points and observed fronts, a panel per objective set and pair of objectives.

    The panels end at the reference values: what lies beyond does not count.
    """
    title, seeds = "Observed Pareto fronts", sorted({record.spec["seed"] for record in records})
    if len(seeds) > LEGIBLE_SEEDS:
        title += f" of seed {seeds[0]}"
        records = [record for record in records if record.spec["seed"] == seeds[0]]
    panels = [
        (label, pair)
        for label, group in _by_objectives(records).items()
        for pair in combinations(range(len(group[0].objectives)), 2)
    ]
    columns = min(3, len(panels))
    figure, axes = grid(len(panels), columns, subject, title)
    looks = styles(_series(record) for record in records)
    for axis, (label, (first, second)) in zip(axes, panels, strict=False):
        group = _by_objectives(records)[label]
        x, y = group[0].objectives[second], group[0].objectives[first]
        for record in group:
            _draw_front(axis, record, x, y, looks[_series(record)])
        _limit(axis, group, x, y)
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
        label=_series(record),
    )


def _limit(axis: Axes, group: Sequence[RunRecord], x: Objective, y: Objective) -> None:
    """From the best value seen to the reference, or to the worst seen if that is nearer."""
    reports = pd.concat([record.result.epochs for record in group if record.result])
    for objective, set_limits in ((x, axis.set_xlim), (y, axis.set_ylim)):
        values = (
            reports[objective.name].replace([np.inf, -np.inf], np.nan).dropna() * objective.sign
        )
        low, high = values.min(), min(values.max(), objective.sign * objective.reference)
        margin = 0.06 * (high - low) if high > low else 0.06 * max(abs(low), 1e-9)
        limits = sorted((objective.sign * (low - margin), objective.sign * (high + margin)))
        set_limits(*limits)


def anytime(
    records: Sequence[RunRecord],
    curves: Mapping[str, pd.DataFrame],
    against: str,
    subject: str,
) -> Figure:
    """Observed hypervolume against ``time_s`` or ``epochs``: median and range over the seeds.

    Args:
        records: Finished runs.
        curves: Run id → `aggregate.anytime`.
        against: Column of the curves.
        subject: For the title.
    """
    groups = _by_objectives(records)
    unit = "time since start / s" if against == "time_s" else "epochs trained by all trials"
    figure, axes = grid(len(groups), 2, subject, f"Hypervolume over {unit.split(' ')[0]}")
    looks = styles(_series(record) for record in records)
    for axis, (label, group) in zip(axes, groups.items(), strict=False):
        for scheduler, style in looks.items():
            mine = [curves[r.run_id] for r in group if _series(r) == scheduler]
            if mine:
                _draw_curves(axis, mine, against, scheduler, style, len(looks) <= LEGIBLE_BANDS)
        names = [name_of(objective).split(" ")[-1] for objective in group[0].objectives]
        volume = " · ".join(names)
        axis.set(title=label, xlabel=unit, ylabel=f"hypervolume / ({volume})")
        axis.set_ylim(bottom=0)
        axis.set_xlim(left=0)
    legend(figure, axes[0])
    return figure


def _draw_curves(
    axis: Axes,
    curves: Sequence[pd.DataFrame],
    against: str,
    label: str,
    style: Style,
    band: bool,
) -> None:
    colour = style.colour
    # A run that has ended keeps what it has, up to the end of the longest of its scheduler.
    grid = np.unique(np.concatenate([curve[against].to_numpy(dtype=float) for curve in curves]))
    stacked = np.stack([_step(curve, against, grid) for curve in curves])
    median = np.median(stacked, axis=0)
    axis.step(grid, median, where="post", color=colour, linestyle=style.line, label=label)
    axis.plot(grid[-1], median[-1], marker="o", markersize=4, color=colour)
    if band and len(curves) > 1:
        axis.fill_between(
            grid, stacked.min(axis=0), stacked.max(axis=0), step="post", color=colour, alpha=0.15
        )


def _step(
    curve: pd.DataFrame, against: str, grid: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    positions = np.searchsorted(curve[against].to_numpy(dtype=float), grid, side="right") - 1
    values: np.ndarray[tuple[int], np.dtype[np.float64]] = curve["hypervolume"].to_numpy()[
        positions
    ]
    return values


def stop_epochs(records: Sequence[RunRecord], subject: str) -> Figure:
    """How many trials per run ended at which epoch: a row per scheduler, a panel per objective set.

    Trials that never reported stand at 0. Long runs have their epochs in bins.
    """
    groups = _by_objectives(records)
    last = max(record.spec["budget"]["max_epochs"] for record in records)
    edges = _epoch_bins(last)
    names = [f"{low}" if high == low + 1 else f"{low}–{high - 1}" for low, high in pairwise(edges)]
    rows = list(styles(_series(record) for record in records))
    inches = 0.26 * len(rows) + 1.4
    figure, axes = grid(len(groups), 2, subject, "Trials per run by their last epoch", inches)
    for axis, (label, group) in zip(axes, groups.items(), strict=False):
        ended = pd.DataFrame(np.nan, index=rows, columns=names)
        for scheduler in rows:
            mine = [r.result for r in group if r.result and _series(r) == scheduler]
            if mine:
                epochs = [trial.epochs for result in mine for trial in result.trials]
                ended.loc[scheduler] = np.histogram(epochs, edges)[0] / len(mine)
        sns.heatmap(
            ended,
            ax=axis,
            cmap="cividis",
            vmin=0,
            annot=ended.map(lambda trials: whole(trials) if trials else ""),
            fmt="",
            annot_kws={"fontsize": 6},
            cbar=False,
            linewidths=0.5,
        )
        axis.set_title(label, fontsize=10)
        axis.set_xlabel("last epoch trained", fontsize=9)
        axis.grid(visible=False)
        axis.tick_params(length=0, labelsize=7)
        axis.tick_params(axis="x", rotation=0 if len(names) == last + 1 else 60)
    return figure


def _epoch_bins(last: int) -> list[int]:
    """Edges of 0, 1, …, the last epoch; in between in bins where those would be too many."""
    width = -(-(last - 1) // LEGIBLE_EPOCHS)
    return [0, *range(1, last, width), last, last + 1]


def time_shares(records: Sequence[RunRecord], subject: str) -> Figure:
    """Slot-seconds of training, start-up and waiting per cell, and the time of suggestions."""
    runs = aggregate.summarise(records)
    keys = ["objectives", "scheduler", "searcher"]
    cells = runs.groupby(keys, sort=False).mean(numeric_only=True)
    labels = [f"{_named(scheduler, searcher)}\n{sets}" for sets, scheduler, searcher in cells.index]
    figure = Figure(figsize=(8, 1.6 + 0.42 * len(cells)), layout="constrained")
    axis = figure.subplots()
    set_title(figure, "Where the time went", subject)
    palette = sns.color_palette("colorblind")
    places, left = np.arange(len(cells)), np.zeros(len(cells))
    shares = (("training_s", "training", 0), ("startup_s", "start-up", 1), ("idle_s", "waiting", 7))
    for column, label, colour in shares:
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
        label="suggestions (s of the driver)",
    )
    axis.set_yticks(places, labels, fontsize=7)
    axis.set_ylim(len(cells) - 0.4, -0.6)  # the first on top
    axis.set(xlabel="slot-seconds per run (slots × wall time)")
    sns.despine(figure)
    legend(figure, axis)
    return figure


def _by_objectives(records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        groups.setdefault("+".join(record.spec["objectives"]), []).append(record)
    return groups


def _series(record: RunRecord) -> str:
    """What shares a colour: the scheduler, with its searcher if there are several."""
    return _named(record.labels["scheduler"], record.labels["searcher"])


def _named(scheduler: str, searcher: str) -> str:
    return f"{scheduler}, {searcher}" if searcher else scheduler


def _without_a_common_searcher(records: Sequence[RunRecord]) -> list[RunRecord]:
    """The records, their searcher's label emptied where all have the same."""
    if len({record.labels["searcher"] for record in records}) > 1:
        return list(records)
    return [replace(record, labels=record.labels | {"searcher": ""}) for record in records]

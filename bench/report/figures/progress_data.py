"""The distance of each run from the best known hypervolume, by the share of FIFO's epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.analysis import aggregate
from bench.records.record import RunRecord
from bench.report.figures import figure_data

FLOOR = 0.001
"""The smallest distance that is shown: a logarithmic axis has no zero."""
TICKS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, FLOOR)
"""Distances with a label on the axis."""
Y_TITLE = "distance to the best known hypervolume ↓"


@dataclass(frozen=True)
class Progress:
    """The distances of one objective set.

    Args:
        over: Series → columns at, median, lowest and highest over the seeds, as
            `figure_data.spread` returns them; distances are shares of the best known hypervolume,
            not below `FLOOR`.
        x_title: The title of the axis of epochs.
    """

    over: dict[str, pd.DataFrame]
    x_title: str


def progress(
    finished: Sequence[RunRecord], curves: Mapping[str, pd.DataFrame]
) -> dict[str, Progress]:
    """Return the distances of each objective set in which some run found something.

    The best known hypervolume is the largest final one of any run of the same seed and objective
    set. Epochs are shares of those of FIFO's run of the same searcher, objective set and seed.
    Runs without such a FIFO run are left out; if no run has one, epochs are counted as they are.

    Args:
        finished: Finished runs; the searcher's label is empty where all runs share the searcher.
        curves: Run id → `aggregate.anytime`.
    """
    matched = aggregate.baselines(finished)
    found = {}
    for label, group in figure_data.by_objectives(finished).items():
        best = _best_known(group, curves)
        spent = {
            record.run_id: float(curves[matched[record.run_id].run_id]["epochs"].iloc[-1])
            for record in group
            if record.run_id in matched
        }
        mine: dict[str, list[pd.DataFrame]] = {}
        for record in group:
            unit = spent.get(record.run_id, np.nan) if matched else 1.0
            known = best[record.spec["seed"]]
            if known > 0 and unit > 0:
                curve = _distances(curves[record.run_id], known, unit)
                mine.setdefault(figure_data.series(record), []).append(curve)
        if mine:
            over = {
                name: figure_data.spread(each, "spent", "distance") for name, each in mine.items()
            }
            title = (
                "epochs, share of FIFO's of the same seed" if matched else "epochs of all trials"
            )
            found[label] = Progress(over, title)
    return found


def _best_known(group: Sequence[RunRecord], curves: Mapping[str, pd.DataFrame]) -> dict[int, float]:
    """Return the largest final hypervolume of each seed."""
    best: dict[int, float] = {}
    for record in group:
        seed, final = record.spec["seed"], float(curves[record.run_id]["hypervolume"].iloc[-1])
        best[seed] = max(best.get(seed, 0.0), final)
    return best


def _distances(curve: pd.DataFrame, known: float, unit: float) -> pd.DataFrame:
    distance = 1 - curve["hypervolume"].to_numpy(float) / known
    return pd.DataFrame(
        {
            "spent": curve["epochs"].to_numpy(float) / unit,
            "distance": np.clip(distance, FLOOR, None),
        }
    )


def tick_label(distance: float) -> str:
    """Return the label of a distance on the axis."""
    return f"{'≤ ' if distance == FLOOR else ''}{100 * distance:g} %"

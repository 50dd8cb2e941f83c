"""One figure and one table over all data sets: what each scheduler saves and loses on which."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from bench.analysis import evidence
from bench.analysis.aggregate import BASELINE
from bench.analysis.statistics import ENOUGH_SEEDS
from bench.matrix.files import matrix_names
from bench.matrix.naming import DATASET_TITLES, dataset_name
from bench.report.figures import plots_overview

FEWEST_SCHEDULERS = 5
"""A report with fewer schedulers than these, FIFO included, is no comparison of schedulers."""


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
            return DATASET_TITLES.get(dataset, dataset_name(dataset))
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


def write(found: pd.DataFrame, path: Path) -> None:
    """Draw the figure into a PNG file.

    Args:
        found: The rows that `collect` returns, at least one.
        path: The file to write.
    """
    plots_overview.write(found, _order(found), path)


def _order(found: pd.DataFrame) -> list[str]:
    """Return the schedulers: first the one whose largest mean loss over data sets is smallest."""
    return list(found.groupby("scheduler", sort=False)["lost"].max().sort_values().index)

"""What a survey shows: the data set is the unit of every statement.

A run's *loss* is the share of the baseline's hypervolume that it does not have, with the same
configurations. The runs of a data set, over objective sets and seeds, are averaged first. Means,
bounds and quantiles are then over data sets, so a data set counts once, however many runs it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from bench.analysis.statistics.margins import below_margin, head_to_head
from bench.analysis.statistics.ranks import critical_difference, rank_table
from bench.analysis.statistics.wilcoxon import holm
from bench.matrix.surveys import BASELINE

MARGINS = (0.005, 0.01)
"""The margins below which a mean loss is asked to be, declared before any run was looked at."""
SHARES = (1, 2, 5, 10, 20, 50, 100)
"""The percentages of the baseline's epochs at which runs are measured."""
TIE = 1e-3
"""Differences of regrets up to this size are ties."""
RANKED = ("tight", "igd")
"""The measures by which schedulers are ranked: those that no scheduler maximises."""


def with_losses(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with their losses against the baseline of the same configurations.

    Adds ``saved`` and ``time_saved``, ``loss`` (a share of the baseline's hypervolume up to the
    problem's reference values) and ``tight_loss`` (the same up to the near reference, as a share of
    the known front's hypervolume, because the baseline's own may be 0).
    """
    keys = ["dataset", "objectives", "seed"]
    baseline = rows[rows.scheduler == BASELINE].set_index(keys)[["wide", "tight"]]
    joined = rows.join(baseline.add_suffix("_baseline"), on=keys)
    volume = 1 - joined.wide_baseline
    return joined.assign(
        saved=1 - joined.epochs,
        time_saved=1 - joined.seconds,
        loss=np.where(volume > 0, (joined.wide - joined.wide_baseline) / volume, np.nan),
        tight_loss=joined.tight - joined.tight_baseline,
    )


def by_dataset(losses: pd.DataFrame) -> pd.DataFrame:
    """Return a row per family, side, data set and scheduler: means over its runs.

    ``worst`` is the largest loss of a run, and ``runs`` the number of runs.

    Args:
        losses: What `with_losses` returns.
    """
    keys = ["family", "side", "dataset", "scheduler"]
    groups = losses.groupby(keys, sort=False)
    numbers = losses.select_dtypes("number").columns.drop("seed")
    table = groups[list(numbers)].mean()
    return table.assign(worst=groups.loss.max(), runs=groups.size()).reset_index()


def losses_table(datasets: pd.DataFrame) -> pd.DataFrame:
    """Return, for each family and scheduler, what it saves and what it loses over data sets.

    Data sets on which the baseline has no hypervolume are left out.

    Args:
        datasets: What `by_dataset` returns, of one side.
    """
    rows = []
    for (family, scheduler), group in datasets.groupby(["family", "scheduler"], sort=False):
        losses = group.loss.dropna().to_numpy(float)
        if scheduler == BASELINE or not len(losses):
            continue
        shown = [below_margin(losses, margin) for margin in MARGINS]
        rows.append(
            {
                "family": family,
                "scheduler": scheduler,
                "data sets": len(losses),
                "saved": group.saved.mean(),
                "time saved": group.time_saved.mean(),
                "loss": shown[0].mean,
                "bound": shown[0].bound,
                **{f"below {m:.1%}": a.is_shown for m, a in zip(MARGINS, shown, strict=True)},
                "detectable": shown[0].detectable,
                "median": float(np.median(losses)),
                "95 %": float(np.quantile(losses, 0.95)),
                "worst": float(losses.max()),
                "worst run": float(group.worst.max()),
                "near loss": float(group.tight_loss.mean()),
            }
        )
    return pd.DataFrame(rows)


def anytime_table(datasets: pd.DataFrame, measure: str = "tight", by: str = "") -> pd.DataFrame:
    """Return the mean regret over data sets at the shares of the baseline's epochs or time.

    Args:
        datasets: What `by_dataset` returns, of one side.
        measure: The measure.
        by: Empty for epochs, ``s`` for time.
    """
    columns = {f"{measure}@{share}{by}": f"{share} %" for share in SHARES}
    means = datasets.groupby(["family", "scheduler"], sort=False)[list(columns)].mean()
    return means.rename(columns=columns).reset_index()


def matched(datasets: pd.DataFrame, column: str, schedulers: Sequence[str]) -> pd.DataFrame:
    """Return scores with a row per data set and a column per scheduler; larger is better.

    Data sets without a value for every one of the schedulers are left out.

    Args:
        datasets: What `by_dataset` returns.
        column: A regret or loss; smaller is better.
        schedulers: The schedulers that are compared.
    """
    table = datasets.pivot_table(index="dataset", columns="scheduler", values=column, sort=False)
    return -table[[name for name in schedulers if name in table]].dropna()


def ranks(
    datasets: pd.DataFrame, column: str, schedulers: Sequence[str]
) -> tuple[pd.Series, float]:
    """Return the mean ranks of schedulers over data sets, and their critical difference.

    Values are rounded to multiples of `TIE`, and equal ones share a rank.

    Args:
        datasets: What `by_dataset` returns.
        column: The regret to rank by.
        schedulers: The schedulers that are ranked.
    """
    scores = matched(datasets, column, schedulers)
    table = rank_table(np.round(scores.to_numpy(float) / TIE) * TIE)
    means = pd.Series(table.mean(axis=0), index=list(schedulers)).sort_values()
    return means, critical_difference(len(schedulers), len(scores))


def duels(
    datasets: pd.DataFrame, first: str, others: Sequence[str], columns: Sequence[str]
) -> pd.DataFrame:
    """Return a scheduler's head-to-heads against every other, for each measure.

    The p-values are corrected for the number of comparisons in each column (Holm).

    Args:
        datasets: What `by_dataset` returns, of one side.
        first: The scheduler.
        others: The other schedulers.
        columns: The regrets to compare by.
    """
    return pd.DataFrame(list(_duels(datasets, first, others, columns)))


def _duels(
    datasets: pd.DataFrame, first: str, others: Sequence[str], columns: Sequence[str]
) -> Iterator[dict[str, object]]:
    for family, group in datasets.groupby("family", sort=False):
        for column in columns:
            scores = matched(group, column, [first, *others])
            there = [name for name in scores.columns if name != first]
            if len(scores) < 2 or first not in scores:
                continue
            found = [head_to_head(scores[first], scores[other], TIE) for other in there]
            adjusted = holm([duel.p for duel in found])
            for other, duel, p in zip(there, found, adjusted, strict=True):
                yield {
                    "family": family,
                    "measure": column,
                    "against": other,
                    "wins": duel.wins,
                    "ties": duel.ties,
                    "losses": duel.losses,
                    "median": duel.median,
                    "p": float(p),
                }

"""Turn records into tidy data frames: a row per run with its indicators, and its curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.errors import UserError
from bench.records import definitions
from bench.records.record import RunRecord, RunResult
from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.pareto.indicators import hypervolume

BASELINE = "fifo"
"""The label of the baseline, FIFO, which trains every trial to the end."""


def observed_points(record: RunRecord) -> Points:
    """Return (n, m) minimised points: the last report of every trial that has not failed."""
    return record.observed.points


def observed_front(record: RunRecord) -> pd.DataFrame:
    """Return the last reports of the trials on the final front.

    No other last report dominates them, and they are better than the reference point in every
    objective.
    """
    return record.observed.front


def summarise(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Return one row per finished run.

    Args:
        records: The runs of one results folder. Runs that have not finished are left out.

    Returns:
        A frame whose columns fall into five groups.

        Identity: ``run_id``, ``searcher``, ``scheduler``, ``objectives``, ``seed``.

        Size: ``runtime_s``; ``epochs`` of all trials; the number of ``trials``, and how many were
        ``completed``, ``stopped`` or ``failed``; ``fallbacks``, the number of trials that were
        suggested in another way because the model had failed; ``front_size``.

        Hypervolume: ``hypervolume`` is the observed one, from each trial's last report.
        ``hypervolume_best_epoch`` uses every report of the trials that have not failed.
        ``hypervolume_full`` uses only trials with the full budget. ``hypervolume_predicted`` is
        predicted by Ax's model, as in the paper; it is NaN without a model.

        Time: ``training_s``, ``startup_s`` and ``idle_s`` in slot-seconds; ``suggestion_s`` in
        seconds; ``utilisation``, 0 to 1. ``resumes`` and ``excess_promotions`` are the scheduler's
        own counts.

        Against the baseline's run of the same searcher, objectives and seed (NaN without it):
        ``epochs_saved`` and ``runtime_saved``, shares of at most 1; ``hypervolume_ratio``;
        ``oracle_saved``, the share of epochs that could be saved if the baseline's final front
        were known in advance, with one epoch for every other trial; ``front_lost``, the number of
        distinct points of that front that were trained less here (NaN unless both runs met the
        same configurations).

    Raises:
        UserError: If two runs have the same cell and seed, or cannot stand in one table.
    """
    definitions.check(record for record in records if record.finished)
    rows = [_row(record) for record in records if record.finished]
    runs = pd.DataFrame(rows)
    if runs.empty:
        return runs
    pair = ["searcher", "objectives", "seed"]
    twice = runs[runs.duplicated([*pair, "scheduler"], keep=False)]
    if not twice.empty:
        raise UserError(
            f"{' and '.join(twice['run_id'][:2])} have the same cell and seed: two versions of "
            "mobo-bench made them with different parameters; move one of them out of the folder"
        )
    baseline = runs[runs["scheduler"] == BASELINE].set_index(pair)
    mine = runs.set_index(pair)
    # The baseline's figures for each row, in the rows' order; NaN without a baseline.
    matched = baseline[["epochs", "runtime_s", "hypervolume", "oracle_saved"]].reindex(mine.index)
    runs["epochs_saved"] = 1 - _ratio(runs["epochs"], matched["epochs"])
    runs["runtime_saved"] = 1 - _ratio(runs["runtime_s"], matched["runtime_s"])
    # Adding in another order changes the last digits, which are neither gain nor loss.
    runs["hypervolume_ratio"] = _ratio(runs["hypervolume"], matched["hypervolume"]).round(9)
    runs["oracle_saved"] = matched["oracle_saved"].to_numpy()
    runs["front_lost"] = _front_lost([record for record in records if record.finished])
    return runs


def _ratio(mine: pd.Series[float], theirs: pd.Series[float]) -> Points:
    """Return the ratios of two columns, row by row; NaN where they are not finite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = mine.to_numpy(float) / theirs.to_numpy(float)
    return np.where(np.isfinite(ratio), ratio, np.nan)


@dataclass(frozen=True)
class LostMember:
    """A point of the baseline's final front whose trials another run ended early.

    Args:
        trials: The trials at this point. On a grid, a configuration may occur twice.
        epochs: The most epochs that the other run trained one of them.
    """

    trials: tuple[int, ...]
    epochs: int


def lost_members(record: RunRecord, baseline: RunRecord) -> list[LostMember] | None:
    """Return the distinct points of the baseline's final front that a run trained less.

    The result is None unless both runs met the same configurations.
    """
    theirs, mine = _result(baseline).trials, _result(record).trials
    if [t.config for t in theirs] != [t.config for t in mine]:
        return None
    return [
        LostMember(tuple(trials), max(mine[i].epochs for i in trials))
        for trials in _distinct_front(baseline)
        if all(mine[i].epochs < theirs[i].epochs for i in trials)
    ]


def baselines(records: Sequence[RunRecord]) -> dict[str, RunRecord]:
    """Return run id → the baseline's run of the same searcher, objectives and seed.

    Runs without such a baseline are left out.
    """
    found = {_pair(r): r for r in records if r.labels["scheduler"] == BASELINE and r.finished}
    return {r.run_id: found[_pair(r)] for r in records if _pair(r) in found}


def _front_lost(records: Sequence[RunRecord]) -> list[float]:
    """Return how many points of the baseline's final front each run trained less than the baseline.

    The number is NaN where the runs met different configurations or there is no baseline.
    """
    matched = baselines(records)
    lost = []
    for record in records:
        baseline = matched.get(record.run_id)
        members = lost_members(record, baseline) if baseline else None
        lost.append(np.nan if members is None else float(len(members)))
    return lost


def _distinct_front(record: RunRecord) -> list[list[int]]:
    """Return the trials at each distinct point of the final front.

    On a grid, a configuration may occur twice.
    """
    seen = record.observed
    trials = seen.reports["trial"].to_numpy()[seen.on_front]
    same: dict[tuple[float, ...], list[int]] = {}
    for trial, point in zip(trials, seen.points[seen.on_front], strict=True):
        same.setdefault(tuple(point), []).append(int(trial))
    return list(same.values())


def _pair(record: RunRecord) -> tuple[str, tuple[str, ...], int]:
    """Return what a run shares with its baseline: searcher, objectives and seed."""
    return (record.labels["searcher"], tuple(record.spec["objectives"]), record.spec["seed"])


def anytime(record: RunRecord) -> pd.DataFrame:
    """Return the observed hypervolume after each report, from every trial's latest point so far.

    The epochs of failed trials count, but their points do not. The curve therefore ends at the
    observed hypervolume.

    Returns:
        A frame with the columns ``time_s`` (seconds since the start of the search), ``epochs``
        (trained by all trials so far) and ``hypervolume``. The first row is all zeros.
    """
    objectives = record.objective_set
    reference = objectives.reference_point
    reports = _result(record).epochs.sort_values("reported_s", kind="stable")
    points = _points(reports, objectives)
    counts = reports["trial"].isin(_alive(record)).to_numpy() & (points < reference).all(axis=1)
    points[~counts] = np.inf
    places, trials = pd.factorize(reports["trial"])
    latest, inside = np.full((len(trials), points.shape[1]), np.inf), np.zeros(len(trials), bool)
    volumes = np.zeros(len(points) + 1)
    for spent, (place, point, is_inside) in enumerate(zip(places, points, counts, strict=True)):
        was_inside, inside[place] = inside[place], is_inside
        volumes[spent + 1] = volumes[spent]
        if not (was_inside or is_inside):
            continue  # neither the trial's last point nor this one counts
        before = latest[place].copy()
        latest[place] = np.inf
        # Most reports do not change the front, so the hypervolume stays the same.
        changes = not (_covered(before, latest) and _covered(point, latest))
        latest[place] = point
        if changes:
            volumes[spent + 1] = hypervolume(latest[inside], reference)
    return pd.DataFrame(
        {
            "time_s": np.concatenate([[0.0], reports["reported_s"].to_numpy(dtype=float)]),
            "epochs": np.arange(len(points) + 1),
            "hypervolume": volumes,
        }
    )


def _covered(point: Points, others: Points) -> bool:
    """Return whether one of the others is at least as good in every objective."""
    return bool((others <= point).all(axis=1).any())


def _row(record: RunRecord) -> dict[str, object]:
    """Return a run's own figures, before any comparison with the baseline."""
    result, objectives = _result(record), record.objective_set
    reference, timing = objectives.reference_point, result.timing
    statuses = [trial.status for trial in result.trials]
    full = [trial.status == "completed" for trial in result.trials if trial.status != "failed"]
    return {
        "run_id": record.run_id,
        "searcher": record.labels["searcher"],
        "scheduler": record.labels["scheduler"],
        "objectives": "+".join(record.spec["objectives"]),
        "seed": record.spec["seed"],
        "runtime_s": timing.wall_s,
        "epochs": sum(t.epochs for t in result.trials),
        "trials": len(result.trials),
        "fallbacks": sum(trial.origin == "fallback" for trial in result.trials),
        "completed": statuses.count("completed"),
        "stopped": statuses.count("stopped"),
        "failed": statuses.count("failed"),
        "front_size": int(record.observed.on_front.sum()),
        "hypervolume": hypervolume(record.observed.points, reference),
        "hypervolume_best_epoch": hypervolume(_points(_reports(record), objectives), reference),
        "hypervolume_full": hypervolume(record.observed.points[full], reference),
        "hypervolume_predicted": (result.predicted or {}).get("hypervolume", np.nan),
        "training_s": timing.training_slot_s,
        "startup_s": timing.startup_slot_s,
        "idle_s": timing.idle_slot_s,
        "suggestion_s": timing.suggestion_s,
        "utilisation": timing.effective_utilisation,
        "oracle_saved": _oracle_saved(record),
        "resumes": result.counts.get("resumes", 0),
        "excess_promotions": result.counts.get("excess_promotions", 0),
    }


def _oracle_saved(record: RunRecord) -> float:
    """Return the share of epochs that knowing this run's final front in advance would save.

    Trials on the front would train as long as they did, and every other trial for one epoch.
    """
    front = {trials[0] for trials in _distinct_front(record)}
    trials = [t for t in _result(record).trials if t.epochs]
    needed = sum(t.epochs if t.trial in front else 1 for t in trials)
    spent = sum(t.epochs for t in trials)
    return 1 - needed / spent if spent else np.nan


def last_reports(record: RunRecord) -> pd.DataFrame:
    """Return the last report of every trial that reported, a row per trial in their order."""
    return _result(record).last_reports


def _result(record: RunRecord) -> RunResult:
    """Return the result of a finished run."""
    assert record.result is not None, "only finished runs have results"
    return record.result


def _reports(record: RunRecord) -> pd.DataFrame:
    """Return the reports of trials that have not failed."""
    epochs = _result(record).epochs
    return epochs[epochs["trial"].isin(_alive(record))]


def _alive(record: RunRecord) -> list[int]:
    """Return the numbers of the trials that have not failed."""
    return [trial.trial for trial in _result(record).trials if trial.status != "failed"]


def _points(reports: pd.DataFrame, objectives: ObjectiveSet) -> Points:
    """Return (n, m) minimised points of n reports."""
    points: Points = reports[list(objectives.names)].to_numpy(dtype=float) * objectives.signs
    return points

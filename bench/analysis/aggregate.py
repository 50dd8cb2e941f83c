"""Records to tidy data frames: a row per run with its indicators, and the curves behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.errors import UserError
from bench.records.record import RunRecord, RunResult
from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.pareto.dominance import front_mask
from mobo_core.pareto.indicators import hypervolume

BASELINE = "fifo"


def observed_points(record: RunRecord) -> Points:
    """(n, m) last reported point of every trial that has not failed, minimised."""
    return _last_points(record, _alive(record))


def observed_front(record: RunRecord) -> pd.DataFrame:
    """Last reports of the final front: not dominated and better than the reference in all."""
    alive = _alive(record)
    mask = front_mask(_last_points(record, alive), record.objective_set.reference_point)
    members = [trial for trial, keep in zip(alive, mask, strict=True) if keep]
    front = last_reports(record)
    return front[front["trial"].isin(members)]


def summarise(records: Sequence[RunRecord]) -> pd.DataFrame:
    """One row per finished run.

    Returns:
        Columns: run_id, searcher, scheduler, objectives, seed; runtime_s; epochs; trials, of
        which completed, stopped, failed, and fallbacks (suggested in place of a model that
        failed); front_size; hypervolume (observed: each trial's last report),
        hypervolume_best_epoch (every report of them), hypervolume_full (trials with the full
        budget only), hypervolume_predicted (Ax's model, the paper's kind; NaN without one);
        training_s, startup_s, idle_s (slot-seconds), suggestion_s, utilisation (0 to 1);
        and against the baseline's run of the same searcher, objectives and seed, NaN without
        it: epochs_saved, runtime_saved (0 to 1), hypervolume_ratio, oracle_saved (epochs that
        one who knows the baseline's final front would save: one for every other trial) and
        front_lost (distinct points of that front that were trained less here; NaN unless both
        runs met the same configurations). resumes and excess_promotions as the scheduler counted
        them.

    Raises:
        UserError: If two runs are of one cell and seed.
    """
    rows = [_row(record) for record in records if record.finished]
    runs = pd.DataFrame(rows)
    if runs.empty:
        return runs
    pair = ["searcher", "objectives", "seed"]
    twice = runs[runs.duplicated([*pair, "scheduler"], keep=False)]
    if not twice.empty:
        raise UserError(
            f"{' and '.join(twice['run_id'][:2])} are of one cell and seed, made by versions of "
            "mobo-bench that ask for other things under one name; move one of them away"
        )
    baseline = runs[runs["scheduler"] == BASELINE].set_index(pair)
    mine = runs.set_index(pair)
    # The baseline of each row, by position; rows without one get NaN.
    matched = baseline[["epochs", "runtime_s", "hypervolume", "oracle_saved"]].reindex(mine.index)
    runs["epochs_saved"] = 1 - runs["epochs"].to_numpy() / matched["epochs"].to_numpy()
    runs["runtime_saved"] = 1 - runs["runtime_s"].to_numpy() / matched["runtime_s"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = runs["hypervolume"].to_numpy() / matched["hypervolume"].to_numpy()
    # Sums in another order differ in the last digits: those are neither gain nor loss.
    runs["hypervolume_ratio"] = np.where(np.isfinite(ratio), ratio.round(9), np.nan)
    runs["oracle_saved"] = matched["oracle_saved"].to_numpy()
    runs["front_lost"] = _front_lost([record for record in records if record.finished])
    return runs


@dataclass(frozen=True)
class LostMember:
    """A point of the baseline's final front whose trials another run ended early.

    Args:
        trials: That have this point; of a grid a configuration may come twice.
        epochs: The most that the other run gave one of them.
    """

    trials: tuple[int, ...]
    epochs: int


def lost_members(record: RunRecord, baseline: RunRecord) -> list[LostMember] | None:
    """Distinct points of the baseline's final front that a run trained less than the baseline.

    None unless both met the same configurations.
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
    """Run id → the baseline's run of the same searcher, objectives and seed, where there is one."""
    found = {_pair(r): r for r in records if r.labels["scheduler"] == BASELINE and r.finished}
    return {r.run_id: found[_pair(r)] for r in records if _pair(r) in found}


def _front_lost(records: Sequence[RunRecord]) -> list[float]:
    """Points of the baseline's final front that each run trained less than the baseline."""
    matched = baselines(records)
    lost = []
    for record in records:
        baseline = matched.get(record.run_id)
        members = lost_members(record, baseline) if baseline else None
        lost.append(np.nan if members is None else float(len(members)))
    return lost


def _distinct_front(record: RunRecord) -> list[list[int]]:
    """The trials at each point of the final front: on a grid a configuration may come twice."""
    names = list(record.objective_set.names)
    return [list(same["trial"]) for _, same in observed_front(record).groupby(names, sort=False)]


def _pair(record: RunRecord) -> tuple[str, tuple[str, ...], int]:
    """What a run shares with the baseline it is compared with."""
    return (record.labels["searcher"], tuple(record.spec["objectives"]), record.spec["seed"])


def anytime(record: RunRecord) -> pd.DataFrame:
    """Observed hypervolume after each report: of every trial's latest point until then.

    Trials that failed cost their epochs, and have no point at any time, so the curve ends at the
    observed hypervolume.

    Returns:
        Columns: time_s (since the start of the search), epochs (spent by all trials until then),
        hypervolume. Begins with a row of zeros.
    """
    objectives = record.objective_set
    rows = [(0.0, 0, 0.0)]
    reports = _result(record).epochs.sort_values("reported_s", kind="stable")
    points = _points(reports, objectives)
    points[~reports["trial"].isin(_alive(record))] = np.inf
    places, trials = pd.factorize(reports["trial"])
    latest, volume = np.full((len(trials), points.shape[1]), np.inf), 0.0
    for spent, (place, time_s) in enumerate(
        zip(places, reports["reported_s"], strict=True), start=1
    ):
        before, point = latest[place].copy(), points[spent - 1]
        latest[place] = np.inf
        # Most reports neither leave nor join the front: they change nothing.
        changes = not (_covered(before, latest) and _covered(point, latest))
        latest[place] = point
        if changes:
            volume = hypervolume(latest, objectives.reference_point)
        rows.append((time_s, spent, volume))
    return pd.DataFrame(rows, columns=["time_s", "epochs", "hypervolume"])


def _covered(point: Points, others: Points) -> bool:
    """Whether one of the others is at least as good in all objectives."""
    return bool((others <= point).all(axis=1).any())


def _row(record: RunRecord) -> dict[str, object]:
    result, objectives = _result(record), record.objective_set
    reference, timing = objectives.reference_point, result.timing
    statuses = pd.Series([t.status for t in result.trials])
    full = [t.trial for t in result.trials if t.status == "completed"]
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
        "completed": int((statuses == "completed").sum()),
        "stopped": int((statuses == "stopped").sum()),
        "failed": int((statuses == "failed").sum()),
        "front_size": len(observed_front(record)),
        "hypervolume": hypervolume(observed_points(record), reference),
        "hypervolume_best_epoch": hypervolume(_points(_reports(record), objectives), reference),
        "hypervolume_full": hypervolume(_last_points(record, full), reference),
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
    """Share of the epochs that knowing this run's final front would have saved."""
    front = {trials[0] for trials in _distinct_front(record)}
    trials = [t for t in _result(record).trials if t.epochs]
    needed = sum(t.epochs if t.trial in front else 1 for t in trials)
    return 1 - needed / sum(t.epochs for t in trials)


def last_reports(record: RunRecord) -> pd.DataFrame:
    """A row per trial that reported: its last report."""
    epochs = _result(record).epochs
    return epochs.sort_values(["trial", "epoch"]).groupby("trial").tail(1)


def _result(record: RunRecord) -> RunResult:
    assert record.result is not None, "only finished runs have results"
    return record.result


def _reports(record: RunRecord) -> pd.DataFrame:
    """The reports of trials that have not failed."""
    epochs = _result(record).epochs
    return epochs[epochs["trial"].isin(_alive(record))]


def _alive(record: RunRecord) -> list[int]:
    return [trial.trial for trial in _result(record).trials if trial.status != "failed"]


def _last_points(record: RunRecord, trials: Sequence[int]) -> Points:
    last = last_reports(record).set_index("trial")
    return _points(last.loc[list(trials)], record.objective_set)


def _points(reports: pd.DataFrame, objectives: ObjectiveSet) -> Points:
    """(n, m) minimised points of n reports."""
    points: Points = reports[list(objectives.names)].to_numpy(dtype=float) * objectives.signs
    return points

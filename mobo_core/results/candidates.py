"""The reports of a search that may be on its front, and why other trials have none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np

from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.pareto.dominance import inside_mask
from mobo_core.results.constraints import Constraint, violation
from mobo_core.results.history import Report, TrialHistory

Scope = Literal["last", "best"]
"""Which reports of a trial count: the last one, or all of them."""


class Candidate(NamedTuple):
    """A report that may be on the front.

    Args:
        trial: The report's trial.
        report: The report.
        point: (m,) its minimised coordinates.

    Example:
        >>> Candidate(TrialHistory("a", {}, ()), {"loss": 1.0}, np.array([1.0])).report
        {'loss': 1.0}
    """

    trial: TrialHistory
    report: Report
    point: Points


class Candidates(NamedTuple):
    """The reports that may be on the front, and why other trials have none.

    Args:
        members: The reports, in the order of the trials.
        left_out: The reason for each trial without such a report.

    Example:
        >>> Candidates([], {"a": "it reported nothing"}).left_out["a"]
        'it reported nothing'
    """

    members: list[Candidate]
    left_out: dict[str, str]


def candidates(
    trials: Iterable[TrialHistory],
    objectives: ObjectiveSet,
    *,
    scope: Scope = "last",
    constraints: tuple[Constraint, ...] = (),
) -> Candidates:
    """Return the reports that may be on the front.

    They are finite, feasible, and better than the reference value in every objective.

    Args:
        trials: The trials.
        objectives: The objectives.
        scope: As in `pareto_front`.
        constraints: The constraints.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> trials = [TrialHistory("a", {}, ({"loss": 1.0},)), TrialHistory("b", {}, ())]
        >>> found = candidates(trials, ObjectiveSet([Objective("loss", "min", reference=2.0)]))
        >>> len(found.members), found.left_out
        (1, {'b': 'it reported nothing'})
    """
    members: list[Candidate] = []
    left_out: dict[str, str] = {}
    for trial in trials:
        of_trial = _of_trial(trial, objectives, scope, constraints)
        if isinstance(of_trial, str):
            left_out[trial.trial_id] = of_trial
        else:
            members += of_trial
    return Candidates(members, left_out)


def _of_trial(
    trial: TrialHistory,
    objectives: ObjectiveSet,
    scope: Scope,
    constraints: tuple[Constraint, ...],
) -> list[Candidate] | str:
    """Return the reports of one trial that may be on the front, or why there is none."""
    counted = counted_reports(trial, objectives, scope)
    if isinstance(counted, str):
        return counted
    found: dict[tuple[float, ...], Candidate] = {}
    reason: str | None = None
    for candidate in counted:
        reason = exclusion(candidate, objectives, constraints)
        if reason is None:  # of equal reports the first one counts
            found.setdefault(tuple(candidate.point.tolist()), candidate)
    return list(found.values()) or str(reason)


def counted_reports(
    trial: TrialHistory, objectives: ObjectiveSet, scope: Scope
) -> list[Candidate] | str:
    """Return the reports by which a trial is judged, or why there is none.

    These are its last report that has all objectives, or all such reports. If an objective in them
    is NaN or infinite, they still count: the trial then has no point there.

    Args:
        trial: The trial.
        objectives: The objectives.
        scope: As in `pareto_front`.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> objectives = ObjectiveSet([Objective("loss", "min", reference=2.0)])
        >>> trial = TrialHistory("a", {}, ({"loss": 1.5}, {"loss": 1.0}, {"epoch": 3}))
        >>> [candidate.report for candidate in counted_reports(trial, objectives, "last")]
        [{'loss': 1.0}]
        >>> counted_reports(TrialHistory("a", {}, ({"epoch": 2},)), objectives, "last")
        'it reported none of the objectives'
    """
    if trial.failed:
        return f"it failed: {trial.error or 'unknown error'}"
    complete = []
    for report in trial.reports:
        try:
            complete.append(Candidate(trial, report, objectives.to_point(report)))
        except ValueError:
            continue
    if complete:
        return complete if scope == "best" else complete[-1:]
    known = trial.reported_names
    if not known & set(objectives.names):
        return "it reported nothing" if not known else "it reported none of the objectives"
    missing = [name for name in objectives.names if name not in known]
    if missing:
        return f"no report has all objectives: {', '.join(map(repr, missing))} is missing"
    return "no report has all objectives as numbers"


def exclusion(
    candidate: Candidate, objectives: ObjectiveSet, constraints: tuple[Constraint, ...]
) -> str | None:
    """Return why a report cannot be on the front, or None if it can.

    Args:
        candidate: The report.
        objectives: The objectives.
        constraints: The constraints.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> objectives = ObjectiveSet([Objective("loss", "min", reference=2.0)])
        >>> candidate = Candidate(TrialHistory("a", {}, ()), {"loss": 3.0}, np.array([3.0]))
        >>> exclusion(candidate, objectives, ())
        'it is not better than the reference: loss is 3, the reference is 2'
    """
    values = objectives.to_metrics(candidate.point)
    for objective, value in zip(objectives, values, strict=True):
        if not np.isfinite(value):
            return f"{objective.name} is {value}"
    reason = violation(constraints, candidate.report, candidate.trial.reports)
    if reason is not None:
        return reason
    if inside_mask(candidate.point[None], objectives.reference_point)[0]:
        return None
    worse = [
        f"{objective.name} is {value:g}, the reference is {objective.reference:g}"
        for objective, value in zip(objectives, values, strict=True)
        if objective.sign * value >= objective.sign * objective.reference
    ]
    return f"it is not better than the reference: {'; '.join(worse)}"

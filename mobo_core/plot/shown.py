"""The points that a figure of the front shows: one for each trial, and what it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mobo_core.objectives import Objective, ObjectiveSet, Points, as_objective_set
from mobo_core.results import ParetoFront, TrialHistory, pareto_front, read_trials
from mobo_core.results.candidates import Candidate, Scope, counted_reports, exclusion
from mobo_core.results.constraints import as_constraints

Kind = Literal["front", "dominated", "infeasible", "outside"]
NAMES: dict[Kind, str] = {
    "front": "on the front",
    "dominated": "dominated",
    "infeasible": "breaks a constraint",
    "outside": "not better than the reference",
}


@dataclass(frozen=True)
class ShownPoints:
    """The points of a figure.

    Args:
        front: The front.
        trials: All trials of the search, in their order.
        candidates: The reports that are shown, n of them.
        kinds: What each report is, n of them.

    Example:
        >>> reports = [{"loss": 1.0}, {"loss": 2.0}, {"loss": 5.0}]
        >>> shown = shown_points(reports, [Objective("loss", "min", reference=3)])
        >>> shown.kinds, shown.values.tolist()
        (['front', 'dominated', 'outside'], [[1.0], [2.0], [5.0]])
    """

    front: ParetoFront
    trials: Sequence[TrialHistory]
    candidates: Sequence[Candidate]
    kinds: Sequence[Kind]

    @property
    def objectives(self) -> ObjectiveSet:
        """The objectives."""
        return self.front.objectives

    @property
    def values(self) -> Points:
        """The values of the objectives in their own directions, shape (n, m)."""
        points = [candidate.point for candidate in self.candidates]
        return self.objectives.to_metrics(np.array(points).reshape(-1, len(self.objectives)))

    @property
    def numbers(self) -> list[int]:
        """The number of each report's trial in the order of the trials, from 1."""
        order = {trial.trial_id: number for number, trial in enumerate(self.trials, start=1)}
        return [order[candidate.trial.trial_id] for candidate in self.candidates]

    def of_kind(self, kind: Kind) -> list[int]:
        """Return the indices of the reports of one kind."""
        return [index for index, found in enumerate(self.kinds) if found == kind]

    @property
    def present(self) -> list[Kind]:
        """The kinds that occur, the least important first, so that the front is drawn last."""
        return [kind for kind in reversed(list(NAMES)) if kind in self.kinds]

    def why_empty(self) -> str:
        """Return why there is no point, with the most frequent reason."""
        reason = self.front.why_empty()
        return f"nothing can be shown; {reason}" if self.trials else reason


def shown_points(
    results: Any,
    objectives: ObjectiveSet | Iterable[Objective],
    *,
    scope: Scope = "last",
    constraints: str | Iterable[str] = (),
    trial_column: str | None = None,
    config_columns: str | Iterable[str] = (),
) -> ShownPoints:
    """Return the points of a figure: the front's, and one of every other trial.

    It is the last report that counts. With all reports counting, a feasible one is preferred, so
    that the figure calls a trial dominated exactly if the front does not leave it out.

    Args:
        results: What `mobo_core.pareto_front` takes; this and the other arguments.
        objectives: The objectives.
        scope: The scope.
        constraints: The constraints.
        trial_column: The column of a table that names the trial of a row.
        config_columns: The columns of a table that hold the configuration.

    Example:
        >>> objectives = [Objective("loss", "min", reference=3)]
        >>> reports = [{"loss": 1.0, "ms": 30}, {"loss": 2.0, "ms": 10}]
        >>> shown_points(reports, objectives, constraints="ms <= 20").kinds
        ['infeasible', 'front']
    """
    wanted = as_objective_set(objectives)
    bounds = as_constraints(constraints)
    trials = read_trials(results, trial_column=trial_column, config_columns=config_columns)
    front = pareto_front(trials, wanted, scope=scope, constraints=map(str, bounds))
    on_front = {(member.trial_id, id(member.metrics)) for member in front}
    with_front = {member.trial_id for member in front}
    candidates: list[Candidate] = []
    kinds: list[Kind] = []
    for trial in trials:
        reports = counted_reports(trial, wanted, scope)
        if isinstance(reports, str):
            continue
        finite = [report for report in reports if np.isfinite(report.point).all()]
        if trial.trial_id in with_front:
            mine = [r for r in finite if (trial.trial_id, id(r.report)) in on_front]
            candidates += mine
            kinds += ["front"] * len(mine)
        elif finite:
            allowed = [r for r in finite if exclusion(r, wanted, bounds) is None]
            candidates.append((allowed or finite)[-1])
            kinds.append("dominated" if allowed else _kind(finite[-1], wanted))
    return ShownPoints(front, trials, candidates, kinds)


def _kind(candidate: Candidate, objectives: ObjectiveSet) -> Kind:
    """Return why a report is excluded."""
    is_outside = (candidate.point >= objectives.reference_point).any()
    return "outside" if is_outside else "infeasible"

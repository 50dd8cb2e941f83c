"""The figure of the hypervolume while a search goes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from plotly import graph_objects as go

from mobo_core.objectives import (
    Objective,
    ObjectiveSet,
    Points,
    as_objective_set,
    is_finite_number,
)
from mobo_core.plot import style
from mobo_core.results import TrialHistory, read_trials
from mobo_core.results.candidates import Scope, counted_reports
from mobo_core.results.constraints import Constraint, as_constraints
from mobo_core.results.growing import GrowingFront
from mobo_core.results.history import Report
from mobo_core.results.names import check_reported
from mobo_core.results.volumes import volume_text

Over = Literal["seconds", "reports", "trials"]
MOST_STEPS = 400
"""The number of places at which the hypervolume is computed; more cannot be seen."""
LABELS: dict[Over, str] = {
    "seconds": "time since the first report / s",
    "reports": "reports of all trials together",
    "trials": "trials",
}


class Step(NamedTuple):
    """One report in the course of a search.

    Args:
        place: Where it is on the horizontal axis.
        trial_id: The trial's id.
        report: The report.

    Example:
        >>> Step(1.0, "a", {"loss": 0.5}).trial_id
        'a'
    """

    place: float
    trial_id: str
    report: Report


def hypervolume(
    results: Any,
    objectives: ObjectiveSet | Iterable[Objective],
    *,
    over: Over | None = None,
    scope: Scope = "last",
    constraints: str | Iterable[str] = (),
    trial_column: str | None = None,
) -> go.Figure:
    """Return a figure of the hypervolume that the search had reached at each moment.

    Trials that failed do not count, neither before nor after their failure.

    Args:
        results: The results, as in `mobo_core.pareto_front`.
        objectives: The objectives.
        over: The horizontal axis: ``"seconds"`` since the first report, ``"reports"`` (the number
            of reports so far, for example of epochs), or ``"trials"`` (one after the other, each
            with all its reports). By default it is seconds if the reports have Tune's
            ``timestamp``, and reports otherwise. Without timestamps, the trials are taken one after
            the other.
        scope: ``"last"`` counts the last report of each trial so far, so that the curve can fall;
            ``"best"`` counts all reports so far.
        constraints: As in `mobo_core.pareto_front`.
        trial_column: As in `mobo_core.pareto_front`.

    Raises:
        TypeError: If the results or the objectives are something else.
        ValueError: If an argument is unknown, or there are no timestamps for ``"seconds"``, or as
            in `mobo_core.pareto_front`.

    Example:
        >>> from mobo_core import Objective, plot
        >>> objectives = [Objective("loss", "min", 3), Objective("size", "min", 9)]
        >>> reports = [{"loss": 2, "size": 1}, {"loss": 1, "size": 4}, {"loss": 2, "size": 5}]
        >>> figure = plot.hypervolume(reports, objectives, over="trials")
        >>> figure.data[0].y.tolist()
        [0.0, 8.0, 13.0, 13.0]
    """
    if over not in (None, *get_args(Over)):
        raise ValueError(f"over must be one of {get_args(Over)} or None, got {over!r}")
    if scope not in get_args(Scope):
        raise ValueError(f"scope must be one of {get_args(Scope)}, got {scope!r}")
    wanted = as_objective_set(objectives)
    bounds = as_constraints(constraints)
    read = read_trials(results, trial_column=trial_column)
    check_reported(wanted, bounds, read)
    trials = [trial for trial in read if not trial.failed and trial.reports]
    has_times = bool(trials) and all(map(_has_times, trials))
    if over == "seconds" and trials and not has_times:
        raise ValueError(
            "the reports have no 'timestamp', so the seconds are not known; "
            "give over='reports' or over='trials'"
        )
    kind: Over = over or ("seconds" if has_times else "reports")
    title = "Hypervolume"
    if all(isinstance(counted_reports(trial, wanted, scope), str) for trial in trials):
        return style.empty_figure(title, "no trial has reported all objectives")
    steps = course(trials, kind, in_time=has_times)
    x, y = curve(steps, wanted, scope, bounds)
    figure = go.Figure(layout=style.layout(f"{title}: {volume_text(y[-1])} at the end"))
    line = {"color": style.BLUE, "width": 2, "shape": "hv"}
    mode = "lines+markers" if len(x) <= 2 else "lines"
    units = " · ".join(objective.unit or objective.name for objective in wanted)
    hover = f"%{{x}}: %{{y}}<br>in {style.plain(units)}<extra></extra>"
    figure.add_trace(
        go.Scatter(x=x, y=y, mode=mode, line=line, name="hypervolume", hovertemplate=hover)
    )
    figure.update_xaxes(title=LABELS[kind], rangemode="tozero")
    whole = f"hypervolume / {units} ↑ (higher is better)"
    fits = len(whole) <= style.MOST_LETTERS  # otherwise the unit stands in the hover text alone
    title = style.plain(whole) if fits else "hypervolume ↑ (higher is better)"
    figure.update_yaxes(title=title, rangemode="tozero")
    return figure


def _has_times(trial: TrialHistory) -> bool:
    return all(is_finite_number(report.get("timestamp")) for report in trial.reports)


def course(trials: Sequence[TrialHistory], over: Over, *, in_time: bool) -> list[Step]:
    """Return the reports of all trials in the order in which they were made.

    The reports of one trial stay in their order, also where a clock was set back.

    Args:
        trials: The trials; none of them failed.
        over: The horizontal axis.
        in_time: Whether every report has a timestamp. Otherwise, and over trials, one trial comes
            after the other.

    Example:
        >>> trials = [TrialHistory(name, {}, ({"loss": 1.0}, {"loss": 0.5})) for name in "ab"]
        >>> [(step.place, step.trial_id) for step in course(trials, "reports", in_time=False)]
        [(1, 'a'), (2, 'a'), (3, 'b'), (4, 'b')]
    """
    times = {trial.trial_id: _times(trial, in_time) for trial in trials}
    reports = []
    ordered = sorted(trials, key=lambda trial: times[trial.trial_id][-1])
    for number, trial in enumerate(ordered, start=1):
        for time, report in zip(times[trial.trial_id], trial.reports, strict=True):
            reports.append((time, Step(number, trial.trial_id, report)))
    if over == "trials":
        return [step for _, step in reports]
    if in_time:
        reports.sort(key=lambda pair: pair[0])
    if over == "reports":
        return [step._replace(place=place) for place, (_, step) in enumerate(reports, start=1)]
    return [step._replace(place=time - reports[0][0]) for time, step in reports]


def _times(trial: TrialHistory, in_time: bool) -> list[float]:
    """Return the times of a trial's reports, which never fall; zeros if times are not known."""
    stamps = (float(report["timestamp"]) if in_time else 0.0 for report in trial.reports)
    return list(accumulate(stamps, max))


def curve(
    steps: Sequence[Step],
    objectives: ObjectiveSet,
    scope: Scope,
    constraints: tuple[Constraint, ...] = (),
) -> tuple[Points, Points]:
    """Return the places (k,) and the hypervolumes (k,) of a curve that begins at 0.

    A hypervolume is NaN if no float can hold it.

    Args:
        steps: The reports, in their order.
        objectives: The objectives.
        scope: Which reports of a trial count.
        constraints: The constraints.

    Example:
        >>> objectives = ObjectiveSet([Objective("loss", "min", reference=2.0)])
        >>> steps = [Step(1.0, "a", {"loss": 1.5}), Step(2.0, "b", {"loss": 0.5})]
        >>> [line.tolist() for line in curve(steps, objectives, "last")]
        [[0.0, 1.0, 2.0], [0.0, 0.5, 1.5]]
    """
    places = np.array([step.place for step in steps])
    # The state after the last report at a place is what counts there.
    ends = [int(end) for end in np.flatnonzero(np.append(np.diff(places) > 0, True))]
    if len(ends) > MOST_STEPS:
        kept = np.unique(np.linspace(0, len(ends) - 1, MOST_STEPS).round().astype(int))
        ends = [ends[index] for index in kept]
    x, y, begin = [0.0], [0.0], 0
    front = GrowingFront(objectives, scope=scope, constraints=constraints)
    for end in ends:
        for step in steps[begin : end + 1]:
            front.add(step.trial_id, step.report)
        begin = end + 1
        x.append(float(places[end]))
        y.append(front.hypervolume)
    return np.array(x), np.array(y)

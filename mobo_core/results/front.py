"""The front of a search: the trials that no other trial dominates."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args, overload

import numpy as np

from mobo_core.objectives import Objective, ObjectiveSet, Points, as_objective_set
from mobo_core.pareto.dominance import front_mask
from mobo_core.pareto.indicators import hypervolume
from mobo_core.results.candidates import Candidate, Scope, candidates
from mobo_core.results.checkpoints import kept_checkpoint, stored_checkpoint
from mobo_core.results.constraints import as_constraints
from mobo_core.results.history import Report, flat
from mobo_core.results.names import check_reported
from mobo_core.results.reading import read_trials
from mobo_core.results.volumes import volume_or_nan, volume_text

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 20
"""The number of members that the text of a front shows."""


@dataclass(frozen=True)
class FrontMember:
    """One point of a front: a report of a trial, with the trial's configuration.

    Args:
        trial_id: The trial's id.
        config: The trial's configuration, as the source holds it.
        metrics: The report; names of nested metrics are joined by ``/``.
        values: The values of the objectives, in their own directions.
        result: What the source held for the trial: the ``Result`` of a ``ResultGrid``, the
            ``Trial`` of an ``ExperimentAnalysis``, or the trial's last row of a table. For a trial
            that was read from a folder it is None.
        path: The trial's folder, or None.
        filesystem: The file system of Arrow on which the folder is; None for the local one.

    Example:
        >>> from mobo_core import Objective, pareto_front
        >>> reports = [{"loss": 1.0, "config": {"lr": 0.1}}]
        >>> (member,) = pareto_front(reports, [Objective("loss", "min", reference=2.0)])
        >>> member.values, member.config
        ({'loss': 1.0}, {'lr': 0.1})
    """

    trial_id: str
    config: Mapping[str, Any]
    metrics: Report
    values: Mapping[str, float]
    result: Any = field(default=None, repr=False, compare=False)
    path: str | None = None
    filesystem: Any = field(default=None, repr=False, compare=False)

    @property
    def checkpoint(self) -> Any:
        """The ``ray.tune.Checkpoint`` that Tune saved with this report; None if there is none.

        Only Tune's own objects tell which checkpoint belongs to which report of a class trainable.
        If the results were read from a folder, it is known for function trainables alone.
        """
        kept = kept_checkpoint(self.result, self.metrics)
        if kept is not None:
            return kept
        return stored_checkpoint(self.path, self.filesystem, self.metrics)


@dataclass(frozen=True)
class ParetoFront(Sequence[FrontMember]):
    """The non-dominated trials of a search, sorted by the first objective, the best first.

    `pareto_front` makes it. It has a length, can be iterated and indexed, and shows itself as a
    table in Jupyter.

    Args:
        objectives: The objectives.
        members: The members.
        trials: The number of trials that were read.
        left_out: For each trial that could not be on the front, the reason. Trials that only are
            dominated are not in it.

    Example:
        >>> from mobo_core import Objective, pareto_front
        >>> objectives = [Objective("loss", "min", 3), Objective("size", "min", 9)]
        >>> reports = [{"loss": 2, "size": 1}, {"loss": 1, "size": 4}, {"loss": 2, "size": 5}]
        >>> front = pareto_front(reports, objectives)
        >>> len(front), front[0].values, front.hypervolume
        (2, {'loss': 1.0, 'size': 4.0}, 13.0)
        >>> print(front)
        2 of 3 trials are on the front, hypervolume 13
        trial  loss  size
            1     1     4
            0     2     1
    """

    objectives: ObjectiveSet
    members: tuple[FrontMember, ...]
    trials: int
    left_out: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[FrontMember]:
        return iter(self.members)

    @overload
    def __getitem__(self, index: int) -> FrontMember: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[FrontMember, ...]: ...

    def __getitem__(self, index: int | slice) -> FrontMember | tuple[FrontMember, ...]:
        return self.members[index]

    @property
    def points(self) -> Points:
        """The members' minimised coordinates, shape (k, m)."""
        return self.objectives.to_points([member.values for member in self.members])

    @property
    def results(self) -> tuple[Any, ...]:
        """What the source held for each member, for example the ``Result`` of Ray Tune."""
        return tuple(member.result for member in self.members)

    @property
    def hypervolume(self) -> float:
        """The hypervolume up to the objectives' reference values, in the product of their units.

        Raises:
            ValueError: If no float can hold it.
        """
        return hypervolume(self.points, self.objectives.reference_point)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame with a row for each member.

        Its columns are ``trial_id``, the objectives, and the configuration as ``config/…``.
        """
        import pandas as pd

        rows = [
            {
                "trial_id": member.trial_id,
                **member.values,
                **flat({"config": member.config}),
            }
            for member in self.members
        ]
        return pd.DataFrame(rows, columns=None if rows else ["trial_id", *self.objectives.names])

    def summary(self) -> str:
        """Return one line: the numbers of members and of trials, and the hypervolume."""
        volume = volume_or_nan(self.points, self.objectives.reference_point)
        of_trials = len({member.trial_id for member in self.members})
        line = f"{of_trials} of {self.trials} trials {'is' if of_trials == 1 else 'are'} on the "
        line += f"front, hypervolume {volume_text(volume)}"
        return line + (f", {len(self.left_out)} left out" if self.left_out else "")

    def why_empty(self) -> str:
        """Return why no trial is on the front, with the most frequent reason.

        Reasons are the same if they differ in values alone. Then the first of them is shown.

        Example:
            >>> from mobo_core import Objective, pareto_front
            >>> reports = [{"loss": 3.0}, {"loss": 4.0}]
            >>> print(pareto_front(reports, [Objective("loss", "min", reference=2.0)]))
            0 of 2 trials are on the front, hypervolume 0, 2 left out
            2 of 2 trials: it is not better than the reference; for example, loss is 3, the \
reference is 2
        """
        if not self.trials:
            return "there is no trial yet"
        kinds: dict[str, list[str]] = {}
        for reason in self.left_out.values():
            kinds.setdefault(re.split("[:,]", reason, maxsplit=1)[0], []).append(reason)
        kind, reasons = max(kinds.items(), key=lambda pair: len(pair[1]))
        text = reasons[0]
        if len(set(reasons)) > 1:
            text = f"{kind}; for example, {text[len(kind) + 1 :].strip()}"
        return f"{len(reasons)} of {self.trials} trials: {text}"

    def __str__(self) -> str:
        rows = [["trial", *self.objectives.names]]
        rows += [
            [member.trial_id, *(f"{value:.6g}" for value in member.values.values())]
            for member in self.members[:SHOWN]
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        ]
        more = [f"and {len(self) - SHOWN} more"] if len(self) > SHOWN else []
        return "\n".join([self.summary(), *(lines if len(self) else [self.why_empty()]), *more])

    def __repr__(self) -> str:
        return f"<ParetoFront: {self.summary()}>"

    def _repr_html_(self) -> str:
        """Return the table that Jupyter shows."""
        reasons = "".join(
            f"<li>{html.escape(trial)}: {html.escape(reason)}</li>"
            for trial, reason in self.left_out.items()
        )
        left_out = f"<details><summary>left out</summary><ul>{reasons}</ul></details>"
        table = str(
            self.to_frame().to_html(index=False, max_rows=SHOWN, float_format="{:.6g}".format)
        )
        return f"<p>{self.summary()}</p>{table}{left_out if reasons else ''}"


def pareto_front(
    results: Any,
    objectives: ObjectiveSet | Iterable[Objective],
    *,
    scope: Scope = "last",
    constraints: str | Iterable[str] = (),
    trial_column: str | None = None,
    config_columns: str | Iterable[str] = (),
) -> ParetoFront:
    """Return the front of a search: the trials that no other trial dominates.

    A trial dominates another one if it is no worse in any objective and better in at least one.
    Trials with equal values stay together on the front. A trial is left out, with the reason in
    `ParetoFront.left_out`, if it failed, if it never reported all objectives as finite numbers, if
    it breaks a constraint, or if it is not better than the reference value in every objective. A
    trial that still runs counts with the reports that it has made.

    Args:
        results: A ``ResultGrid`` or an ``ExperimentAnalysis`` of Ray Tune, the path or URI of an
            experiment's folder (the search may still run), a pandas DataFrame, or a list of dicts;
            see `mobo_core.results.read_trials`.
        objectives: The objectives. The name of a nested metric is written with ``/``, for example
            ``"val/loss"``.
        scope: ``"last"`` takes each trial's last report that has all objectives; if one of them is
            not a finite number there, the trial is left out. ``"best"`` takes all its reports: a
            trial is on the front once for each report that no other report dominates. Of equal
            reports of one trial, the first one counts.
        constraints: Conditions on metrics, for example ``["latency <= 20", "recall >= 0.8"]``, each
            on one metric. They are checked on the same report; a metric that it does not have is
            taken from the trial's last report that has it.
        trial_column: The column of a table that names the trial of a row; by default ``trial_id``,
            ``trial`` or another usual name.
        config_columns: The columns of a table that hold the configuration, besides those whose
            names begin with ``config/``.

    Returns:
        The front, sorted by the first objective, the best first.

    Raises:
        TypeError: If the results or the objectives are something else.
        ValueError: If the results cannot be read (see `mobo_core.results.read_trials`), the scope
            is unknown, a constraint has another form, or trials have reported, but none of them an
            objective or the metric of a constraint.

    Example:
        >>> from mobo_core import Objective, pareto_front
        >>> objectives = [Objective("val/loss", "min", 3), Objective("size", "min", 9)]
        >>> reports = [
        ...     {"val": {"loss": 1.0}, "size": 4, "latency": 30},
        ...     {"val": {"loss": 2.0}, "size": 1, "latency": 12},
        ...     {"size": 2},
        ... ]
        >>> front = pareto_front(reports, objectives, constraints="latency <= 20")
        >>> [member.values for member in front]
        [{'val/loss': 2.0, 'size': 1.0}]
        >>> front.left_out["0"]
        'latency <= 20 does not hold, latency is 30'
        >>> front.left_out["2"]
        "no report has all objectives: 'val/loss' is missing"
    """
    if scope not in get_args(Scope):
        raise ValueError(f"scope must be one of {get_args(Scope)}, got {scope!r}")
    wanted = as_objective_set(objectives)
    bounds = as_constraints(constraints)
    trials = read_trials(results, trial_column=trial_column, config_columns=config_columns)
    check_reported(wanted, bounds, trials)
    found = candidates(trials, wanted, scope=scope, constraints=bounds)
    points = np.array([candidate.point for candidate in found.members]).reshape(-1, len(wanted))
    on_front = np.flatnonzero(front_mask(points, wanted.reference_point))
    # The last key counts first; equal points stay in the order of the trials.
    order = on_front[np.lexsort(points[on_front].T[::-1])]
    members = [_member(found.members[index], wanted) for index in order]
    return ParetoFront(wanted, tuple(members), len(trials), found.left_out)


def _member(candidate: Candidate, objectives: ObjectiveSet) -> FrontMember:
    values = objectives.to_metrics(candidate.point).tolist()
    trial = candidate.trial
    return FrontMember(
        trial_id=trial.trial_id,
        config=trial.config,
        metrics=candidate.report,
        values=dict(zip(objectives.names, values, strict=True)),
        result=trial.result,
        path=trial.path,
        filesystem=trial.filesystem,
    )

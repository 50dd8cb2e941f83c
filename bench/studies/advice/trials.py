"""Curves on common steps, with all objectives in each report: what schedulers are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bench.analysis.advice import Setting
from bench.curves.curve import Curve, Floats, Found
from bench.errors import UserError
from bench.formatting import count
from bench.formatting import steps as counted
from bench.matrix.context import TIME_ATTR
from bench.studies.advice.checks import check, constant_of, with_ideals
from bench.studies.advice.clock import durations
from bench.studies.advice.goals import Wish, objective_set
from bench.studies.advice.plan import Plan
from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.virtual import RecordedCurves

NEAR = 0.01
"""How far steps may lie from a multiple of the usual distance, as a share of that distance."""
LONELY = 2.0
"""One trial that is more than so many times as long as all others is pointed out."""


@dataclass(frozen=True)
class Trial:
    """One trial as it is replayed.

    Args:
        name: Its name in the source.
        config: Its hyper-parameters, by flat name.
        steps: (k,) increasing whole numbers: how many units it had trained at each report.
        values: (k, m) the objectives' values in the metrics' own directions.
        seconds: (k,) how long the training up to each report took, > 0; all ones for each unit if
            the source has no times.
        complete: Whether it trained to its end, as far as the source says.
    """

    name: str
    config: Mapping[str, Any]
    steps: np.ndarray[Any, np.dtype[np.int64]]
    values: Floats
    seconds: Floats
    complete: bool


@dataclass(frozen=True)
class Trials:
    """The trials of a source, ready to be replayed.

    Args:
        found: Where they come from, without the curves.
        objectives: The objectives.
        members: The trials.
        unit: The number of the source's own steps in one unit of `Trial.steps`.
        shift: The number that was added to the source's own steps, which then begin above 0.
        max_t: The full budget of a trial, in units.
        timed: Whether the source says how long the training took.
        left_out: Why trials were left out → how many.
        notes: Sentences about what was done to the curves.
    """

    found: Found
    objectives: ObjectiveSet
    members: tuple[Trial, ...]
    unit: float
    shift: float
    max_t: int
    timed: bool
    left_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.members)

    @property
    def incomplete(self) -> int:
        """The number of trials whose curves end before the full budget."""
        return sum(not trial.complete for trial in self.members)

    def setting(self, plan: Plan) -> Setting:
        """Return what is replayed, and how, for the answer."""
        return Setting(
            kind=self.found.kind,
            name=self.found.name,
            objectives=self.objectives,
            time_attr=self.found.time_attr,
            unit=self.unit,
            max_t=self.max_t,
            reports=max(len(trial.steps) for trial in self.members),
            timed=self.timed,
            trials=len(self),
            incomplete=self.incomplete,
            left_out=self.left_out,
            notes=self.notes,
            orders=plan.orders,
            per_order=len(self) if plan.trials is None else plan.trials,
            slots=plan.slots,
        )

    def points(self, picked: Sequence[int], reached: Sequence[int]) -> Points:
        """Return (n, m) minimised points of some trials, each after so many of its reports.

        Trials without a report are left out.
        """
        values = [self.members[i].values[n - 1] for i, n in zip(picked, reached, strict=True) if n]
        return np.array(values).reshape(-1, len(self.objectives)) * self.objectives.signs

    def curves(self, picked: Sequence[int]) -> RecordedCurves:
        """Return some of the trials as a problem in virtual time."""
        chosen = [self.members[index] for index in picked]
        names = self.objectives.names
        return RecordedCurves(
            [
                [
                    {
                        TIME_ATTR: step,
                        "seconds": seconds,
                        **dict(zip(names, values, strict=True)),
                    }
                    for step, seconds, values in zip(
                        trial.steps.tolist(),
                        trial.seconds.tolist(),
                        trial.values.tolist(),
                        strict=True,
                    )
                ]
                for trial in chosen
            ],
            [trial.config for trial in chosen],
        )


@dataclass(frozen=True)
class Budget:
    """What a user says about the length of the trials.

    Args:
        max_t: The full budget in the source's own steps; None takes the longest trial's.
        keep_incomplete: Whether trials that end before it are replayed as far as they go.
    """

    max_t: float | None = None
    keep_incomplete: bool = True


@dataclass
class _Raw:
    """A trial before steps are counted in units."""

    curve: Curve
    steps: Floats
    values: Floats


def prepare(found: Found, wishes: Sequence[Wish], budget: Budget) -> Trials:
    """Return the trials of a source with all objectives in each report.

    A report has the latest value of each objective at the steps of the learned objective that was
    recorded least often. An exact objective has one value in each trial, from a metric or from the
    configuration. Failed trials and those without an objective are left out. Steps are counted in
    units of their usual distance. The first step is 1 also where the source counts from 0.

    Args:
        found: The curves.
        wishes: The objectives, each with its reference.
        budget: The length of the trials.

    Raises:
        UserError: If an objective is in no trial, or no trial has two reports.
    """
    check(found, wishes)
    wishes, notes = with_ideals(found, wishes)
    left_out: dict[str, int] = {}
    raws = []
    for curve in found.curves:
        why = "failed" if curve.end == "failed" else ""
        made = None if why else _align(curve, wishes)
        if isinstance(made, _Raw):
            raws.append(made)
        else:
            reason = why or str(made)
            left_out[reason] = left_out.get(reason, 0) + 1
    if not raws:
        reasons = "; ".join(f"{n} {why}" for why, n in left_out.items())
        raise UserError(f"no trial of {found.name} can be replayed: {reasons}")
    found = replace(found, notes=(*found.notes, *notes))
    return _counted(found, objective_set(wishes), raws, budget, left_out)


def _align(curve: Curve, wishes: Sequence[Wish]) -> _Raw | str:
    """Return a trial's reports with all objectives, or why there are none."""
    learned = [wish.name for wish in wishes if not wish.exact and wish.name in curve.metrics]
    for wish in wishes:
        if wish.name not in learned and constant_of(curve, wish.name) is None:
            return f"without {wish.name!r}"
    if not learned:
        return "without an objective that changes while a trial trains"
    driver = curve.metrics[min(learned, key=lambda name: len(curve.metrics[name]))]
    columns, usable = [], np.ones(len(driver), dtype=bool)
    for wish in wishes:
        if wish.name in learned:
            series = curve.metrics[wish.name]
            place = np.searchsorted(series.steps, driver.steps, side="right") - 1
            columns.append(series.values[place.clip(0)])
            usable &= place >= 0
        else:
            columns.append(np.full(len(driver), constant_of(curve, wish.name)))
    if not usable.any():
        return "without a step at which all objectives are known"
    return _Raw(curve, driver.steps[usable], np.stack(columns, axis=1)[usable])


def _counted(
    found: Found,
    objectives: ObjectiveSet,
    raws: Sequence[_Raw],
    budget: Budget,
    left_out: dict[str, int],
) -> Trials:
    """Return trials with their steps in units."""
    notes: list[str] = list(found.notes)
    _single_values(raws, objectives, notes)
    unit, origin = _unit(raws, found, notes)
    longest = max(float(raw.steps[-1]) for raw in raws) - origin
    full = budget.max_t if budget.max_t is not None else longest
    max_t = max(1, round(full / unit))
    times, timed = durations([raw.curve for raw in raws], [raw.steps for raw in raws], notes)
    members = []
    for raw, seconds in zip(raws, times, strict=True):
        trial = _trial(raw, seconds, origin, unit, max_t, objectives.names)
        if trial is None:
            left_out["without a report within --max-t"] = (
                left_out.get("without a report within --max-t", 0) + 1
            )
        elif trial.complete or budget.keep_incomplete:
            members.append(trial)
        else:
            left_out["incomplete"] = left_out.get("incomplete", 0) + 1
    if not members and "incomplete" in left_out:
        raise UserError(
            f"all trials of {found.name} end before the full budget of "
            f"{counted(max_t * unit, found.time_attr)}: keep incomplete trials, or give a smaller "
            "--max-t"
        )
    if not members or max(len(trial.steps) for trial in members) < 2:
        raise UserError(
            f"no trial of {found.name} has two reports with all objectives: a scheduler has "
            "nothing to decide"
        )
    notes += [*_repeated(raws), *_early(raws, unit)]
    if budget.max_t is None:
        notes += _alone(raws, found)
    return Trials(
        replace(found, curves=()),
        objectives,
        tuple(members),
        unit,
        -origin,
        max_t,
        timed,
        left_out,
        tuple(notes),
    )


def _repeated(raws: Sequence[_Raw]) -> Iterator[str]:
    """Say how many trials reported a step twice."""
    again = sum(raw.curve.repeated > 0 for raw in raws)
    if again:
        hint = ""
        if again == len(raws):
            hint = "; if these are several trials, name the column that tells them apart"
        yield f"{count(again, 'trial')} reported a step twice: the last report counts{hint}"


def _early(raws: Sequence[_Raw], unit: float) -> Iterator[str]:
    """Say in how many trials another report of an objective was due at the end."""
    early = 0
    for raw in raws:
        ends = [float(s.steps[-1]) for s in raw.curve.metrics.values() if len(s)]
        last = np.nanmax([raw.curve.last_step, *ends])
        early += bool(last - raw.steps[-1] >= unit)
    if early:
        yield (
            f"{count(early, 'trial')} in which the objectives end before other values or steps do: "
            "if they were NaN there, the source has lost it, and the trial is better here than it "
            "was"
        )


def _alone(raws: Sequence[_Raw], found: Found) -> Iterator[str]:
    """Say if one trial is so much longer than all others that its last step may be a mistake."""
    *others, longest = sorted(raws, key=lambda raw: float(raw.steps[-1]))
    if others and longest.steps[-1] > LONELY * others[-1].steps[-1] > 0:
        yield (
            f"the full budget is the last step of {longest.curve.name}, "
            f"{counted(longest.steps[-1], found.time_attr)}, and no other trial has more than "
            f"{others[-1].steps[-1]:.10g}: give --max-t if that is a mistake"
        )


def _single_values(raws: Sequence[_Raw], objectives: ObjectiveSet, notes: list[str]) -> None:
    """Say which objectives could be exact; refuse one that shortens every curve to one report."""
    for place, objective in enumerate(objectives):
        series = [raw.curve.metrics.get(objective.name) for raw in raws]
        if objective.exact or any(s is None for s in series):
            continue
        lengths = [len(s) for s in series if s is not None]
        others = max(len(s) for raw in raws for s in raw.curve.metrics.values())
        if max(lengths) == 1 and others > 1:
            raise UserError(
                f"objective {objective.name!r} has one value in each trial: add ':exact' if the "
                "configuration determines it, as it does a number of parameters"
            )
        if all(np.ptp(raw.values[:, place]) == 0 for raw in raws):
            notes.append(
                f"{objective.name} never changes within a trial: add ':exact' if the "
                "configuration determines it"
            )


def _unit(raws: Sequence[_Raw], found: Found, notes: list[str]) -> tuple[float, float]:
    """Return the usual distance between two steps, and the step at which training began."""
    distances = np.concatenate([np.diff(raw.steps) for raw in raws])
    if not len(distances):
        raise UserError(
            f"each trial of {found.name} has one report with all objectives: a scheduler has "
            "nothing to decide"
        )
    unit = float(np.median(distances))
    first = min(float(raw.steps[0]) for raw in raws)
    origin = 0.0 if first > 0 else first - unit
    if origin:
        notes.append(f"{found.time_attr} begins at {first:g}: counted from {unit:g}")
    shares = np.concatenate([(raw.steps - origin) / unit for raw in raws])
    if (np.abs(shares - np.round(shares)) > NEAR).any():
        notes.append(
            f"steps differ between trials: reports are taken at the nearest multiple of {unit:g}"
        )
    return unit, origin


def _trial(
    raw: _Raw,
    seconds: Floats,
    origin: float,
    unit: float,
    max_t: int,
    hidden: Sequence[str],
) -> Trial | None:
    """Return a trial with whole units; None if it has no report within the full budget."""
    units = np.maximum(np.round((raw.steps - origin) / unit), 1).astype(int)
    # Of several reports in a unit the last one counts, and their seconds add up.
    last = np.append(units[1:] != units[:-1], True)
    kept = np.flatnonzero(last & (units <= max_t))
    if not len(kept):
        return None
    begins = np.append(0, kept[:-1] + 1)
    spent = np.add.reduceat(seconds, begins)[: len(kept)]
    if kept[-1] + 1 < len(seconds):  # the last sum runs on to the end of the whole curve
        spent[-1] = seconds[begins[-1] : kept[-1] + 1].sum()
    # A scheduler must not learn an objective as if it were a hyper-parameter.
    config = {name: value for name, value in raw.curve.config.items() if name not in hidden}
    complete = bool(units[kept[-1]] >= max_t) or raw.curve.end == "complete"
    return Trial(raw.curve.name, config, units[kept], raw.values[kept], spent, complete)

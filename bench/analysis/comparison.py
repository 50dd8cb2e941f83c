"""Compare two results folders, run by run of the same cell and seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis import aggregate
from bench.analysis.estimates import by_seed
from bench.analysis.statistics import ENOUGH_SEEDS, Estimate, mean_interval, paired_ratio
from bench.analysis.statistics.intervals import Floats
from bench.analysis.statistics.wilcoxon import (
    LEVEL,
    pseudomedian,
    pseudomedian_interval,
    signed_rank_p,
)
from bench.errors import UserError
from bench.formatting import count
from bench.records import definitions, folders, storage
from bench.records.environment import instructions_of
from bench.records.record import RunRecord

CELL = ["scheduler", "objectives", "searcher"]
"""The columns that identify a cell within one matrix."""
RUN = [*CELL, "seed"]
"""The columns that identify a run within one matrix."""
SEED = 0
"""The seed of resampling; every cell draws the same resamples."""
REMEDY = "compare folders of the same problem, data, budget and backend"


@dataclass(frozen=True)
class Measure:
    """A measured figure of a run, and the words for its changes.

    Args:
        column: The column of `aggregate.summarise`.
        heading: The heading in tables.
        more: The words for an increase.
        less: The words for a decrease.
        ratio: If true, a change is B / A, and 1 means no change. If false, a change is B − A of
            shares, and 0 means no change.
    """

    column: str
    heading: str
    more: str
    less: str
    ratio: bool = True

    @property
    def unchanged(self) -> float:
        """The value that means no change."""
        return 1.0 if self.ratio else 0.0

    def word(self, more: bool) -> str:
        """Return the words for an increase or a decrease."""
        return self.more if more else self.less

    def show(self, value: float) -> str:
        """Return a change as text: a factor, or a difference in percentage points."""
        return f"× {value:.3f}" if self.ratio else f"{100 * value:+.1f} points"


MEASURES = (
    Measure("epochs", "epochs", "more epochs", "fewer epochs"),
    Measure("epochs_saved", "epochs saved", "more saved", "less saved", ratio=False),
    Measure("runtime_s", "runtime", "slower", "faster"),
    Measure("hypervolume", "hypervolume", "more hypervolume", "less hypervolume"),
)


@dataclass(frozen=True)
class Change:
    """The change of one measure in one cell.

    Args:
        estimate: The geometric mean of B / A, or the mean of B − A, with its 95 % interval. With
            fewer than `ENOUGH_SEEDS` pairs the interval is the range of the pairs. All values are
            NaN without pairs.
        pairs: The number of pairs that the estimate uses: those with a value on both sides.
        to_zero: The number of pairs where B is 0 and A is not. They have no ratio.
        from_zero: The number of pairs where A is 0 and B is not.
    """

    estimate: Estimate
    pairs: int
    to_zero: int = 0
    from_zero: int = 0

    def shown(self, measure: Measure) -> bool:
        """Return whether the interval excludes that nothing changed."""
        return self.pairs >= ENOUGH_SEEDS and self.estimate.excludes(measure.unchanged)


@dataclass(frozen=True)
class Overall:
    """The change of one measure over all cells. A seed's value is the mean over its cells.

    Args:
        estimate: The pseudomedian of the seeds' values with its 95 % interval. With fewer than
            `ENOUGH_SEEDS` seeds the interval is the range of the values. A value is B − A, or
            (B − A) / (B + A). The latter is defined for runs that fell to 0; the estimate gives
            it as the corresponding ratio B / A. All values are NaN without seeds.
        seeds: The number of seeds that have every cell, with the measure in each.
        p: The p-value of the exact Wilcoxon test that the values are symmetric around no change.
        more: Whether the measure mostly increased, judged by that test's ranks.
    """

    estimate: Estimate
    seeds: int
    p: float
    more: bool

    @property
    def shown(self) -> bool:
        """Whether the test excludes that nothing changed; never with fewer than six seeds."""
        return self.p <= LEVEL


@dataclass(frozen=True)
class Comparison:
    """All changes from folder A to folder B.

    Args:
        names: The names of the two folders.
        cells: Cell → column of `MEASURES` → the change in that cell.
        overall: Column of `MEASURES` → the change over all cells.
        pairs: Cell → the number of pairs of runs.
        seeds: The number of seeds that have pairs.
        only: The cells that are only in A, and the cells that are only in B.
        notes: Further differences, in words.
    """

    names: tuple[str, str]
    cells: dict[str, dict[str, Change]]
    overall: dict[str, Overall]
    pairs: dict[str, int]
    seeds: int
    only: tuple[list[str], list[str]]
    notes: list[str]


def compare(first: Path, second: Path, names: tuple[str, str] | None = None) -> Comparison:
    """Compare the finished runs of two results folders.

    Args:
        first: Folder A.
        second: Folder B.
        names: The names of A and B in messages and tables; None uses their paths.

    Raises:
        UserError: If a folder is not a results folder, if the problem, data, budget, backend or
            reference values differ, or if no run is in both.
    """
    names = names or (str(first), str(second))
    settings = [folders.read_settings(folder) for folder in (first, second)]
    _check_settings(settings, names)
    recorded = [storage.read_all(folder) for folder in (first, second)]
    _check_records(recorded, names)
    runs = [aggregate.summarise(side) for side in recorded]
    for name, frame in zip(names, runs, strict=True):
        if frame.empty:
            raise UserError(f"{name} has no finished run to compare; see 'mobo-bench list'")
    paired = runs[0].merge(runs[1], on=RUN, suffixes=("_a", "_b"))
    if paired.empty:
        raise UserError(
            f"no cell and seed is in both {names[0]} and {names[1]}; see 'mobo-bench list'"
        )
    cells, pairs = {}, {}
    for key, group in paired.groupby(CELL, sort=False):
        name = " / ".join(map(str, key))
        cells[name] = {measure.column: _change(group, measure) for measure in MEASURES}
        pairs[name] = len(group)
    there = [{" / ".join(key) for key in frame[CELL].itertuples(index=False)} for frame in runs]
    only = (sorted(there[0] - there[1]), sorted(there[1] - there[0]))
    overall = {measure.column: _overall(paired, measure) for measure in MEASURES}
    told = _notes(settings, recorded, runs, paired)
    return Comparison(names, cells, overall, pairs, paired["seed"].nunique(), only, told)


def _check_settings(settings: Sequence[dict[str, Any]], names: tuple[str, str]) -> None:
    """Raise an error if the settings make the folders' figures incomparable."""
    first, second = settings
    for key, what in (("problem", "problems"), ("dataset", "data sets"), ("budget", "budgets")):
        if first[key] != second[key]:
            _refuse(what, first[key], second[key], names)
    if ("virtual" in first) != ("virtual" in second):
        one, two = ("virtual time" if "virtual" in side else "Ray" for side in settings)
        _refuse("backends", one, two, names)
    if first.get("virtual") != second.get("virtual"):
        _refuse("costs in virtual time", first["virtual"], second["virtual"], names)


def _check_records(recorded: Sequence[list[RunRecord]], names: tuple[str, str]) -> None:
    """Raise an error if the data, the costs, the objectives or the search spaces differ."""
    sums = [sorted({record.data["sha256"][:16] for record in side}) for side in recorded]
    if all(sums) and set(sums[0]) != set(sums[1]):
        _refuse("data under the same name", " ".join(sums[0]), " ".join(sums[1]), names)
    charged = [{_place(record): record.spec.get("virtual") for record in side} for side in recorded]
    for place in charged[0].keys() & charged[1].keys():
        if charged[0][place] != charged[1][place]:
            _refuse("costs in virtual time", charged[0][place], charged[1][place], names)
    seen: dict[str, Any] = {}
    for record in (record for side in recorded for record in side):
        aspects = {o.name: asdict(o) for o in record.objectives}
        for name, ours in aspects.items():
            theirs = seen.setdefault(name, ours)
            for attribute in (key for key in ours if ours[key] != theirs[key]):
                what = f"{attribute} values of {name}"
                _refuse(what, theirs[attribute], ours[attribute], names)
    spaces = [[r.space for r in side if r.space is not None] for side in recorded]
    if all(spaces) and (unlike := definitions.difference(spaces[0][0], spaces[1][0])):
        raise UserError(
            f"{names[0]} and {names[1]} have different search spaces ({unlike}); {REMEDY}"
        )


def _place(record: RunRecord) -> tuple[object, ...]:
    """Return the cell and the seed of a run."""
    return (*sorted(record.labels.items()), tuple(record.spec["objectives"]), record.spec["seed"])


def _refuse(what: str, first: object, second: object, names: tuple[str, str]) -> None:
    """Raise the error that the folders differ in something that must be equal."""
    raise UserError(
        f"{names[0]} and {names[1]} have different {what} ({first} and {second}); {REMEDY}"
    )


def _change(group: pd.DataFrame, measure: Measure) -> Change:
    """Return the change of a measure over the pairs of one cell."""
    first = group[f"{measure.column}_a"].to_numpy(dtype=float)
    second = group[f"{measure.column}_b"].to_numpy(dtype=float)
    if not measure.ratio:
        gains = (second - first)[np.isfinite(second - first)]
        return Change(_of_means(gains), len(gains))
    usable = np.isfinite(first) & np.isfinite(second)
    first, second = first[usable], second[usable]
    fell, rose = ((first > 0) & (second == 0)).sum(), ((first == 0) & (second > 0)).sum()
    both = (first > 0) & (second > 0)
    first, second = first[both], second[both]
    if len(first) < ENOUGH_SEEDS:
        logs = _of_means(np.log(second / first))
        estimate = Estimate(*(float(np.exp(end)) for end in (logs.value, logs.low, logs.high)))
    else:
        estimate = paired_ratio(second, first, np.random.default_rng(SEED))
    return Change(estimate, len(first), int(fell), int(rose))


def _overall(paired: pd.DataFrame, measure: Measure) -> Overall:
    """Return the change of a measure over all cells and seeds."""
    first = paired[f"{measure.column}_a"].astype(float)
    second = paired[f"{measure.column}_b"].astype(float)
    changes = second - first
    if measure.ratio:
        # This is symmetric in A and B, and 0 where both are 0.
        changes /= (first + second).where(first != second, 1.0)
    # Rounding removes changes in the last digits, which mean nothing.
    values = by_seed(paired.assign(change=changes), "change", of=CELL).round(12)
    # The test also leaves out seeds without a change.
    more = bool(pseudomedian(values[values != 0]) > 0)
    estimate = _of_seeds(values)
    if measure.ratio:
        with np.errstate(divide="ignore"):
            ends = np.array([estimate.value, estimate.low, estimate.high])
            estimate = Estimate(*map(float, (1 + ends) / (1 - ends)))
    return Overall(estimate, len(values), signed_rank_p(values), more)


def _of_seeds(values: Floats) -> Estimate:
    """Return the pseudomedian of the values with its interval.

    With too few seeds the interval is the range of the values. Without seeds all values are NaN.
    """
    if len(values) == 0:
        return Estimate(np.nan, np.nan, np.nan)
    if len(values) < ENOUGH_SEEDS:
        return Estimate(pseudomedian(values), float(values.min()), float(values.max()))
    return Estimate(pseudomedian(values), *pseudomedian_interval(values))


def _of_means(values: Floats) -> Estimate:
    """Return the mean of the values with its interval.

    With too few values the interval is their range. Without values everything is NaN.
    """
    if len(values) == 0:
        return Estimate(np.nan, np.nan, np.nan)
    if len(values) < ENOUGH_SEEDS:
        return Estimate(float(values.mean()), float(values.min()), float(values.max()))
    return Estimate(float(values.mean()), *mean_interval(values))


def _notes(
    settings: Sequence[dict[str, Any]],
    recorded: Sequence[list[RunRecord]],
    runs: Sequence[pd.DataFrame],
    paired: pd.DataFrame,
) -> list[str]:
    """Return the differences in parameters, commits, machines and number of runs, in words."""
    notes = []
    for key in ("schedulers", "searchers"):
        components = [{c["label"]: c for c in side[key]} for side in settings]
        for label in components[0].keys() & components[1].keys():
            one, two = (side[label] for side in components)
            if one != two:
                notes.append(f"the parameters of {label} differ: {_parameters(one, two)}")
    commits = [_values(side, lambda r: str(r.environment["git_commit"])[:12]) for side in recorded]
    if commits[0] != commits[1]:
        notes.append(f"commits: {commits[0]} and {commits[1]}")
    notes += _instructions(recorded)
    if "virtual" not in settings[0]:
        machines = [_values(side, _machine) for side in recorded]
        if machines[0] != machines[1]:
            notes.append(f"runtimes are from different machines: {machines[0]} and {machines[1]}")
    for name, side, frame in zip("AB", recorded, runs, strict=True):
        if alone := len(frame) - len(paired):
            notes.append(f"{count(alone, 'finished run')} of {name} without a matching run")
        if failed := sum(not record.finished for record in side):
            notes.append(f"{count(failed, 'failed run')} in {name}")
    return sorted(notes)


def _instructions(recorded: Sequence[list[RunRecord]]) -> list[str]:
    """Return what to say if not all runs of both sides used the same vector instructions."""
    used = [_values(side, lambda r: instructions_of(r.environment)) for side in recorded]
    if used[0] == used[1] and ";" not in used[0]:
        return []
    return [
        f"vector instructions: {used[0]} in A and {used[1]} in B; the same configuration and seed "
        "may give different curves, and the model different suggestions"
    ]


def _parameters(one: dict[str, Any], two: dict[str, Any]) -> str:
    """Return two components' names and parameters as text."""
    shown = [f"{c['name']} {c['params']}" for c in (one, two)]
    return " and ".join(shown)


def _machine(record: RunRecord) -> str:
    """Return the processor, the number of cores and the GPUs of a run's machine."""
    environment = record.environment
    gpus = ", ".join(environment["gpus"]) or "no GPU"
    return f"{environment['processor']}, {environment['cores']} cores, {gpus}"


def _values(side: Sequence[RunRecord], of: Callable[[RunRecord], str]) -> str:
    """Return the distinct values of a property of the runs, as text."""
    return "; ".join(sorted({of(record) for record in side}))
